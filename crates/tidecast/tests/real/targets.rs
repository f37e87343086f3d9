//! Small HTTP targets to be scraped: each counts requests, so many a second, for as long as it runs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::servers::now;

/// A target with a counter that grows by `per_second`, dead once dropped.
pub(crate) struct Target {
    pub(crate) port: u16,
    serving: JoinHandle<()>,
    asked: Arc<Mutex<String>>,
}

impl Target {
    pub(crate) async fn start(per_second: f64) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let born = now();
        let asked = Arc::new(Mutex::new(String::new()));
        let noted = asked.clone();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = per_second * now().duration_since(born).as_secs_f64();
                let body = format!(
                    "# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\"}} {count}\n"
                );
                let head =
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; version=0.0.4\r\n";
                let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
                let mut question = [0; 4_096];
                let read = stream.read(&mut question).await.unwrap_or(0);
                noted.lock().unwrap().clone_from(&String::from_utf8_lossy(&question[..read]).into_owned());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, serving, asked }
    }

    /// What it was asked last.
    pub(crate) fn asked(&self) -> String {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
