use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request as Incoming, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use futures_util::stream;
use tidecast_world::kubernetes::{Answer, Reply, Request, User, Watch};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Shared;
use super::certificates::Authority;

/// No object may be larger than etcd's three megabytes.
const BODY: usize = 3 << 20;
/// A quiet watch looks this often whether its time is over, in real time.
const QUIET: Duration = Duration::from_millis(200);

/// Listens on a port of this machine; gives the address and the task.
pub(crate) async fn serve(shared: Arc<Shared>, authority: &Authority, port: u16) -> (String, JoinHandle<()>) {
    let plain = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let at = plain.local_addr().expect("it is bound");
    let app = Router::new().fallback(answer).with_state(shared);
    let listener = Encrypted::over(plain, TlsAcceptor::from(authority.server()));
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<Peer>());
    let task = tokio::spawn(async move {
        _ = server.await;
    });
    (format!("https://{at}"), task)
}

/// Who is at the other end, as far as the connection proves.
#[derive(Debug, Clone)]
struct Peer {
    certificate: Option<Vec<u8>>,
}

/// A listener that shakes hands beside, so that a slow client keeps nobody waiting.
struct Encrypted {
    at: SocketAddr,
    ready: mpsc::Receiver<TlsStream<TcpStream>>,
}

impl Encrypted {
    fn over(listener: TcpListener, acceptor: TlsAcceptor) -> Self {
        let at = listener.local_addr().expect("it is bound");
        let (sender, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                if sender.is_closed() {
                    return;
                }
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        _ = sender.send(stream).await;
                    }
                });
            }
        });
        Self { at, ready }
    }
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(stream) => (stream, self.at),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.at)
    }
}

impl Connected<IncomingStream<'_, Encrypted>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Encrypted>) -> Self {
        let (_, connection) = stream.io().get_ref();
        let first = connection.peer_certificates().and_then(|all| all.first());
        Self { certificate: first.map(|certificate| certificate.to_vec()) }
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    incoming: Incoming,
) -> Response {
    let user = match user(&shared, &peer, incoming.headers()) {
        Ok(user) => user,
        Err(answer) => return respond(answer),
    };
    let user = acting_as(user, incoming.headers());
    let request = read(incoming, user).await;
    let reply = shared.lock().handle(&request, shared.clock.now());
    if request.method != "GET" {
        shared.tick();
    }
    match reply {
        Reply::Answer(answer) => respond(answer),
        Reply::Watch(watch) => stream_of(shared, *watch),
    }
}

/// A token that nobody was given is refused; who shows nothing at all is anonymous.
fn user(shared: &Shared, peer: &Peer, headers: &HeaderMap) -> Result<User, Answer> {
    if let Some(certificate) = &peer.certificate {
        return Ok(shared
            .certificates
            .lock()
            .expect("no holder panics")
            .get(certificate)
            .cloned()
            .unwrap_or_default());
    }
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok());
    match shown.and_then(|value| value.strip_prefix("Bearer ")) {
        None => Ok(User::default()),
        Some(token) => shared.bearer(token).ok_or_else(|| {
            let refusal = tidecast_world::kubernetes::Refusal::new(401, "Unauthorized", "Unauthorized");
            Answer::from(&refusal)
        }),
    }
}

/// The administrator may act as anybody, as `kubectl --as` does; from others the wish is ignored.
fn acting_as(user: User, headers: &HeaderMap) -> User {
    let named = headers.get("impersonate-user").and_then(|name| name.to_str().ok());
    match named.filter(|_| user == User::admin()) {
        None => user,
        Some(name) => {
            let groups = headers.get_all("impersonate-group").iter().filter_map(|group| group.to_str().ok());
            User::new(name, &groups.chain(["system:authenticated"]).collect::<Vec<_>>())
        }
    }
}

async fn read(incoming: Incoming, user: User) -> Request {
    let (parts, body) = incoming.into_parts();
    let header = |name: &str| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    Request {
        method: parts.method.to_string(),
        path: decoded(parts.uri.path()),
        query: query.into_owned().collect(),
        content_type: header("content-type"),
        accept: header("accept"),
        agent: header("user-agent"),
        body: to_bytes(body, BODY).await.unwrap_or_default().to_vec(),
        user,
    }
}

/// A path without its percent signs; a plus sign is one.
fn decoded(path: &str) -> String {
    let form = path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(path, _)| path.into_owned()).unwrap_or_default()
}

fn respond(answer: Answer) -> Response {
    let mut response =
        Response::builder().status(answer.status).header("audit-id", "00000000-0000-0000-0000-000000000000");
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap_or_else(|_| {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

/// A stream of events, one JSON object a line, for as long as the watch lasts.
fn stream_of(shared: Arc<Shared>, watch: Watch) -> Response {
    let written = shared.written.subscribe();
    let lines = stream::unfold((shared, watch, written), next);
    let response = Response::builder().header("content-type", "application/json");
    response.body(Body::from_stream(lines)).expect("the header is a good one")
}

type Following = (Arc<Shared>, Watch, watch::Receiver<u64>);

async fn next(
    (shared, mut watch, mut written): Following,
) -> Option<(Result<Bytes, std::io::Error>, Following)> {
    loop {
        if watch.has_ended() {
            return None;
        }
        let events = {
            let world = shared.lock();
            watch.next(&world, shared.clock.now())
        };
        if !events.is_empty() {
            let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
            return Some((Ok(Bytes::from(lines)), (shared, watch, written)));
        }
        // Whatever wakes it, it looks again: the time-out only ends watches whose time is over.
        _ = tokio::time::timeout(QUIET, written.changed()).await;
    }
}
