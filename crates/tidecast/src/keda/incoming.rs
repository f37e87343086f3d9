use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::tls::Certificates;

/// Connections at one time. KEDA needs one for each of its processes.
const CONNECTIONS_MAX: usize = 256;
/// Until a connection is encrypted.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// Until the next attempt when the system has no room for a connection.
const REST: Duration = Duration::from_millis(100);

/// A connection, and its place among those that there may be.
#[derive(Debug)]
pub(super) struct Connection {
    way: Way,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Way {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// Takes connections for as long as somebody answers them.
pub(super) async fn accept(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    to: mpsc::Sender<io::Result<Connection>>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(REST).await;
            continue;
        };
        // Small answers are not to wait for more.
        let _ = stream.set_nodelay(true);
        let (certificates, to) = (certificates.clone(), to.clone());
        if to.is_closed() {
            return;
        }
        tokio::spawn(async move {
            let Some(way) = encrypted(stream, certificates).await else { return };
            let _ = to.send(Ok(Connection { way, _place: place })).await;
        });
    }
}

async fn encrypted(stream: TcpStream, certificates: Option<Arc<Certificates>>) -> Option<Way> {
    let Some(certificates) = certificates else { return Some(Way::Plain(stream)) };
    let from = stream.peer_addr().ok();
    match tokio::time::timeout(HANDSHAKE_WITHIN, certificates.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => Some(Way::Encrypted(Box::new(stream))),
        Ok(Err(why)) => {
            tracing::info!(?from, "somebody who asked as KEDA does was refused: {why}");
            None
        }
        Err(_) => None,
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().way {
            Way::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Way::Encrypted(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().way {
            Way::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Way::Encrypted(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().way {
            Way::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Way::Encrypted(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().way {
            Way::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Way::Encrypted(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
