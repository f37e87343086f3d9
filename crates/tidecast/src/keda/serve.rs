use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::answerer::Answerer;
use super::incoming;
use super::tls::Certificates;
use super::wire::external_scaler_server::ExternalScalerServer;
use crate::config::secrets_folder;
use crate::config::section::{Clients, Keda};
use crate::service::Known;
use crate::trouble::Trouble;

/// Threads that answer. The turns and the API have their own.
const THREADS: usize = 2;
/// Until an answer is there; a stream's is there when it begins.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Questions of one connection under way at one time.
const AT_ONCE_MAX: u32 = 1_000;
/// Bytes of a question.
const QUESTION_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a question's headers.
const HEADER_BYTES_MAX: u32 = 16 * 1024;

/// The server that KEDA asks, while it listens.
#[derive(Debug)]
pub struct Server {
    at: SocketAddr,
    end: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

/// Listens for KEDA, if the configuration says where, and answers on threads of its own. `folder` is that of the
/// configuration.
///
/// # Errors
/// [`Trouble`] when the address cannot be listened on, would be open to everybody, or the certificates cannot be used.
pub fn serve(known: &Arc<Known>, folder: &Path) -> Result<Option<Server>, Trouble> {
    let config = known.config();
    let Some(keda) = &config.keda else { return Ok(None) };
    refuse_everybody(keda)?;
    let read = |tls| Certificates::read(tls, folder, &secrets_folder(&config, folder)).map(Arc::new);
    let certificates = keda.tls.as_ref().map(read).transpose()?;
    start(known.clone(), keda.listen.0, certificates).map(Some)
}

/// The check of a configuration says the same; what listens makes sure of it once more.
fn refuse_everybody(keda: &Keda) -> Result<(), Trouble> {
    let knows = keda.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    match keda.listen.0.ip().is_loopback() || knows || keda.clients == Clients::Anybody {
        true => Ok(()),
        false => Err(Trouble::Unusable {
            who: format!("the server that KEDA asks at {}", keda.listen),
            why: "beyond loopback it needs `tls.clientCaFile`, or `clients: anybody`".into(),
        }),
    }
}

fn start(known: Arc<Known>, listen: SocketAddr, tls: Option<Arc<Certificates>>) -> Result<Server, Trouble> {
    let broken = |why: std::io::Error| Trouble::Broken {
        who: format!("listening for KEDA on {listen}"),
        why: why.to_string(),
    };
    let listener = std::net::TcpListener::bind(listen).map_err(broken)?;
    listener.set_nonblocking(true).map_err(broken)?;
    let at = listener.local_addr().map_err(broken)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("keda")
        .enable_all()
        .build()
        .map_err(broken)?;
    let (end, asked) = oneshot::channel::<()>();
    let (done, ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name("keda".into()).spawn(move || {
        let answering = answer(known, listener, tls, async { drop(asked.await) });
        if let Err(why) = runtime.block_on(answering) {
            tracing::error!("KEDA is not answered any more: {why}");
        }
        runtime.shutdown_background();
        let _ = done.send(());
    });
    thread.map(|_| Server { at, end, ended }).map_err(broken)
}

async fn answer(
    known: Arc<Known>,
    listener: std::net::TcpListener,
    tls: Option<Arc<Certificates>>,
    ended: impl Future<Output = ()>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (connections, incoming) = mpsc::channel(16);
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let accepting = tokio::spawn(incoming::accept(listener, tls.clone(), connections));
    let following = tls.map(|certificates| tokio::spawn(certificates.follow()));
    let service = ExternalScalerServer::new(Answerer::new(known))
        .max_decoding_message_size(QUESTION_BYTES_MAX)
        .max_encoding_message_size(QUESTION_BYTES_MAX);
    let served = tonic::transport::Server::builder()
        .timeout(ANSWER_WITHIN)
        .max_concurrent_streams(AT_ONCE_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_service(service)
        .serve_with_incoming_shutdown(ReceiverStream::new(incoming), ended)
        .await;
    accepting.abort();
    following.inspect(tokio::task::JoinHandle::abort);
    Ok(served?)
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
