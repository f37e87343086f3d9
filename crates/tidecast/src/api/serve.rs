use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::service::Known;
use crate::trouble::Trouble;

/// Threads that answer. The turns have their own.
const THREADS: usize = 2;

/// The API while it listens.
#[derive(Debug)]
pub struct Server {
    at: SocketAddr,
    end: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

/// Listens where the configuration says, and answers on threads of its own.
///
/// # Errors
/// [`Trouble`] when the address cannot be listened on.
pub fn serve(known: Arc<Known>) -> Result<Server, Trouble> {
    let listen = known.config().server.listen.0;
    let broken =
        |why: std::io::Error| Trouble::Broken { who: format!("listening on {listen}"), why: why.to_string() };
    let listener = std::net::TcpListener::bind(listen).map_err(broken)?;
    listener.set_nonblocking(true).map_err(broken)?;
    let at = listener.local_addr().map_err(broken)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("api")
        .enable_all()
        .build()
        .map_err(broken)?;
    let (end, asked) = oneshot::channel();
    let (done, ended) = oneshot::channel();
    let answering = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let app = super::app(known);
        axum::serve(listener, app).with_graceful_shutdown(async { drop(asked.await) }).await
    };
    let thread = std::thread::Builder::new().name("api".into()).spawn(move || {
        if let Err(error) = runtime.block_on(answering) {
            tracing::error!("the API has ended: {error}");
        }
        runtime.shutdown_background();
        let _ = done.send(());
    });
    thread.map(|_| Server { at, end, ended }).map_err(broken)
}

impl Server {
    /// Where it listens.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Takes no more questions, and ends once those under way are answered, or `patience` is over.
    pub async fn stop(self, patience: Duration) {
        let _ = self.end.send(());
        let _ = tokio::time::timeout(patience, self.ended).await;
    }
}
