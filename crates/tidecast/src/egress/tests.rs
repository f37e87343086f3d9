use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::test_server::{TestServer as Server, reply};

/// What people write to reach what they should not, and the word in the reason that tells why not.
#[rustfmt::skip]
const ODD: &[(&str, &str)] = &[
    ("http://169.254.169.254/latest/meta-data", "metadata"),
    ("http://0xa9fea9fe/", "disguises 169.254.169.254"),
    ("http://0xA9.0xFE.0xA9.0xFE/", "disguises 169.254.169.254"),
    ("http://2852039166/", "disguises 169.254.169.254"),
    ("http://0251.0376.0251.0376/", "disguises 169.254.169.254"),
    ("http://169.254.43518/", "disguises 169.254.169.254"),
    ("http://169.16689662/", "disguises 169.254.169.254"),
    ("http://169.254.169.254./", "dot"),
    ("http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/", "disguises 169.254.169.254"),
    ("http://169。254。169。254/", "disguises 169.254.169.254"),
    ("http://%31%36%39.254.169.254/", "disguises 169.254.169.254"),
    ("http://[::ffff:169.254.169.254]/", "metadata"),
    ("http://[::ffff:a9fe:a9fe]/", "metadata"),
    ("http://[0:0:0:0:0:ffff:a9fe:a9fe]/", "metadata"),
    ("http://[::a9fe:a9fe]/", "metadata"),
    ("http://[64:ff9b::a9fe:a9fe]/", "metadata"),
    ("http://[64:ff9b:1::a9fe:a9fe]/", "metadata"),
    ("http://[2002:a9fe:a9fe::1]/", "metadata"),
    ("http://[2001:0:1:2:3:4:5601:5601]/", "metadata"),
    ("http://[fd00:ec2::254]/latest", "metadata"),
    ("http://100.100.100.200/latest", "metadata"),
    ("http://168.63.129.16/", "metadata"),
    ("http://192.0.0.192/opc/v2", "metadata"),
    ("http://169.254.170.2/v2/credentials", "metadata"),
    ("http://169.254.0.1/", "link-local"),
    ("http://[fe80::1]/", "link-local"),
    ("http://[fe80::1%25eth0]/", "no address"),
    ("http://0.0.0.0:9090/", "unspecified"),
    ("http://0/", "disguises 0.0.0.0"),
    ("http://[::]/", "unspecified"),
    ("http://[::ffff:0.0.0.0]/", "unspecified"),
    ("http://224.0.0.1/", "multicast"),
    ("http://[ff02::1]/", "multicast"),
    ("http://255.255.255.255/", "reserved"),
    ("http://240.0.0.1/", "reserved"),
    ("http://192.0.2.7/", "reserved"),
    ("http://[2001:db8::1]/", "reserved"),
    ("http://127.0.0.1/", "not on the list"),
    ("http://127.1/", "disguises 127.0.0.1"),
    ("http://0x7f000001/", "disguises 127.0.0.1"),
    ("http://017700000001/", "disguises 127.0.0.1"),
    ("http://[::1]/", "not on the list"),
    ("http://[::ffff:127.0.0.1]/", "not on the list"),
    ("http://localhost/", "not on the list"),
    ("http://LOCALHOST/", "not on the list"),
    ("http://localhost./", "dot"),
    ("http://10.0.0.1/", "not on the list"),
    ("http://192.168.1.1/", "not on the list"),
    ("http://[fc00::1]/", "not on the list"),
    ("http://metadata.google.internal/computeMetadata/v1", "not on the list"),
    ("http://metadata.google.internal./", "dot"),
    ("http://prom.example@169.254.169.254/", "user name"),
    ("http://prom.example:9090@127.0.0.1/", "user name"),
    ("http://user:secret@prom.example:9090/", "user name"),
    ("http://@prom.example:9090/", "user name"),
    ("http://prom.example:9090\\@127.0.0.1/", "differently"),
    ("http://127.0.0.1\\.prom.example:9090/", "differently"),
    ("http://prom.example:9090/\r\nHost: 127.0.0.1", "differently"),
    ("http://prom.exam\tple:9090/", "differently"),
    (" http://prom.example:9090/", "differently"),
    ("http://prom.example:9090 /", "differently"),
    ("http://prom.example\u{200b}:9090/", "disguises"),
    ("http://ｐrom.example:9090/", "disguises"),
    ("http://prom.example.:9090/", "dot"),
    ("http://prom.example。:9090/", "dot"),
    ("http://prom.example:9091/", "not on the list"),
    ("http://prom.example/", "not on the list"),
    ("https://prom.example:9090/", "not on the list"),
    ("http://prom.example:9090.evil.example/", "no address"),
    ("http://evil-prom.example:9090/", "not on the list"),
    ("http://hooks.example/", "not on the list"),
    ("https://hooks.example/", "not on the list"),
    ("https://evilhooks.example/", "not on the list"),
    ("http://prom.example:0/", "port 0"),
    ("http://prom.example:99999/", "no address"),
    ("http:///169.254.169.254/", "no host"),
    ("http:prom.example:9090", "no host"),
    ("http://", "no address"),
    ("file:///etc/passwd", "scheme is file"),
    ("gopher://prom.example:9090/_x", "scheme is gopher"),
    ("ftp://prom.example/", "scheme is ftp"),
    ("unix:///var/run/docker.sock", "scheme is unix"),
    ("javascript:alert(1)", "scheme is javascript"),
    ("//prom.example:9090/", "no address"),
    ("prom.example:9090", "scheme is prom.example"),
    ("", "no address"),
];

fn rules() -> Rules {
    Rules::new([
        Door::inside("http://prom.example:9090").unwrap(),
        Door::outside("https://*.hooks.example").unwrap(),
    ])
}

#[test] // S5 of the security list
fn refuses_every_odd_address_with_its_reason() {
    for (address, word) in ODD {
        let refusal = rules().check(address).expect_err(address).to_string();
        assert!(refusal.contains(word), "{address:?}: {refusal}");
    }
    assert!(ODD.len() >= 60);
}

#[test]
fn lets_the_listed_addresses_through() {
    for address in
        ["http://prom.example:9090/api", "HTTP://PROM.example:9090", "https://a.b.hooks.example/x?y#z"]
    {
        rules().check(address).expect(address);
    }
    let inside = Rules::new([Door::inside("http://127.0.0.1:9090").unwrap()]);
    inside.check("http://127.0.0.1:9090/x").expect("a listed loopback address");
    let outside = Rules::new([Door::outside("http://127.0.0.1:9090").unwrap()]);
    let refusal = outside.check("http://127.0.0.1:9090/x").unwrap_err().to_string();
    assert!(refusal.contains("loopback"), "{refusal}");
}

#[test]
fn never_lets_a_listed_address_reach_a_metadata_service() {
    let rules = Rules::new([Door::inside("http://169.254.169.254").unwrap()]);
    assert!(rules.check("http://169.254.169.254/").unwrap_err().to_string().contains("never allowed"));
}

#[test]
fn shows_no_password_in_a_refusal() {
    let refusal = rules().check("http://user:hunter2@prom.example:9090/?token=hunter2").unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains("hunter2"), "{refusal:?}");
}

#[test]
fn keeps_secrets_out_of_debug_output() {
    let mut address = Address::new("x", "http://prom.example:9090");
    address.auth = Auth::Bearer("hunter2".into());
    address.headers.insert("X-Scope-OrgID".into(), "hunter2".into());
    address.tls.client = Some("hunter2".into());
    let connector = Connector::new(&Address { tls: Tls::default(), ..address.clone() }, &rules()).unwrap();
    let shown = format!("{address:?} {connector:?} {:?}", connector.headers);
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// A name server that says what it is told, one answer after the other.
struct Says(Mutex<Vec<Vec<&'static str>>>);

#[async_trait]
impl Lookup for Says {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        let next = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok(next.into_iter().map(|ip| ip.parse().unwrap()).collect())
    }
}

async fn asked(url: &str, door: Door, answers: Vec<Vec<&'static str>>) -> Result<Answer, Trouble> {
    let address = Address { limits: brief(), ..Address::new("hook", url) };
    let lookup = Arc::new(Says(Mutex::new(answers)));
    let connector = Connector::with_lookup(&address, &Rules::new([door]), lookup)?;
    connector.ask(Ask { path: "/", ..Ask::default() }).await
}

fn brief() -> Limits {
    Limits { connect: Duration::from_millis(500), total: Duration::from_millis(1_500), ..Limits::default() }
}

#[tokio::test]
async fn refuses_names_that_stand_for_forbidden_places() {
    let outside = || Door::outside("http://hook.example").unwrap();
    let inside = || Door::inside("http://hook.example").unwrap();
    for (door, ip, word) in [
        (outside(), vec!["127.0.0.1"], "loopback"),
        (outside(), vec!["10.1.2.3"], "private"),
        (outside(), vec!["::ffff:192.168.0.1"], "private"),
        (outside(), vec!["93.184.216.34", "127.0.0.1"], "loopback"),
        (inside(), vec!["169.254.169.254"], "metadata"),
        (inside(), vec!["fe80::1"], "link-local"),
        (inside(), vec!["0.0.0.0"], "unspecified"),
        (inside(), vec![], "no address"),
    ] {
        let trouble = asked("http://hook.example", door, vec![ip]).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Refused(_)) && trouble.to_string().contains(word), "{trouble}");
    }
}

#[tokio::test]
async fn checks_a_name_again_for_each_connection() {
    let server = Server::start(|_| reply("200 OK", "", b"first")).await;
    let url = format!("http://hook.example:{}", server.at.port());
    let lookup = Arc::new(Says(Mutex::new(vec![vec!["127.0.0.1"], vec!["169.254.169.254"]])));
    let rules = Rules::new([Door::inside(&url).unwrap()]);
    let address = Address { limits: brief(), ..Address::new("hook", &url) };
    let connector = Connector::with_lookup(&address, &rules, lookup).unwrap();
    assert_eq!(connector.ask(Ask { path: "/", ..Ask::default() }).await.unwrap().body, b"first");
    let trouble = connector.ask(Ask { path: "/", ..Ask::default() }).await.unwrap_err();
    assert!(trouble.to_string().contains("metadata"), "{trouble}");
}

#[tokio::test] // S6 of the security list
async fn follows_no_redirect_and_forwards_no_credentials() {
    let stranger = Server::start(|_| reply("200 OK", "", b"gotcha")).await;
    let to = stranger.at;
    let server =
        Server::start(move |_| reply("302 Found", &format!("Location: http://{to}/steal\r\n"), b"")).await;
    let mut address = Address::new("prometheus main", server.url());
    address.auth = Auth::Bearer("hunter2".into());
    let connector = connector(&address);
    let trouble = connector.ask(Ask { path: "/api", ..Ask::default() }).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Redirected { status: 302, .. }), "{trouble}");
    assert!(server.heard()[0].to_ascii_lowercase().contains("authorization: bearer hunter2"));
    assert_eq!(stranger.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn sends_credentials_headers_and_parameters_and_keeps_the_path() {
    let server = Server::start(|_| reply("200 OK", "", b"ok")).await;
    let mut address = Address::new("mimir", format!("{}/prefix/", server.url()));
    address.auth = Auth::Basic { user: "me".into(), password: "päss".into() };
    address.headers.insert("X-Scope-OrgID".into(), "tenant-7".into());
    let ask = Ask { path: "/api/v1/query", query: &[("query", "a + b & c")], ..Ask::default() };
    connector(&address).ask(ask).await.unwrap();
    let heard = server.heard()[0].to_ascii_lowercase();
    assert!(heard.starts_with("get /prefix/api/v1/query?query=a+%2b+b+%26+c http/1.1"), "{heard}");
    assert!(heard.contains("x-scope-orgid: tenant-7") && heard.contains("authorization: basic bwu6cmokc3m="));
}

#[tokio::test] // F7
async fn ends_an_answer_that_is_too_large_too_slow_or_a_bomb() {
    let limits = Limits { wire_bytes_max: 10_000, text_bytes_max: 50_000, ..brief() };
    let bomb = gzip(&vec![0; 5_000_000]);
    assert!(bomb.len() < 10_000);
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 10_u64 << 30).into_bytes();
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.extend(vec![b'x'; 20_000]);
    for (answer, word) in [
        (announced, "more than 10000 bytes,"),
        (endless, "more than 10000 bytes,"),
        (reply("200 OK", "Content-Encoding: gzip\r\n", &bomb), "more than 50000 bytes when unpacked"),
        (reply("200 OK", "Content-Encoding: gzip\r\n", b"not gzip"), "gzip"),
        (reply("200 OK", "Content-Encoding: br\r\n", b"x"), "packed as br"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec(), "cannot be reached"),
        (b"\x00\x01\x02 garbage\r\n\r\n".to_vec(), "cannot be reached"),
        (Vec::new(), "cannot be reached"),
    ] {
        let server = Server::start(move |_| answer.clone()).await;
        let address = Address { limits, ..Address::new("s", server.url()) };
        let trouble = connector(&address).ask(Ask { path: "/", ..Ask::default() }).await.unwrap_err();
        assert!(trouble.to_string().contains(word), "{trouble}");
    }
}

#[tokio::test] // F7
async fn waits_for_a_trickle_no_longer_than_the_limit() {
    let server = Server::trickling().await;
    let address = Address { limits: brief(), ..Address::new("s", server.url()) };
    let trouble = connector(&address).ask(Ask { path: "/", ..Ask::default() }).await.unwrap_err();
    assert_eq!(trouble.kind(), "slow", "{trouble}");
}

#[tokio::test]
async fn unpacks_gzip_and_hands_errors_on_with_their_words() {
    let packed = gzip(b"{\"status\":\"error\"}");
    let server = Server::start(move |_| reply("503 Busy", "Content-Encoding: gzip\r\n", &packed)).await;
    let connector = connector(&Address::new("s", server.url()));
    let answer = connector.ask(Ask { path: "/", ..Ask::default() }).await.unwrap();
    assert_eq!((answer.status, answer.said().as_str()), (503, "{\"status\":\"error\"}"));
    assert!(!answer.is_success());
}

#[tokio::test]
async fn refuses_settings_that_cannot_work() {
    let base = || Address::new("s", "http://prom.example:9090");
    let with = |change: &dyn Fn(&mut Address)| {
        let mut address = base();
        change(&mut address);
        Connector::new(&address, &rules()).map(|_| ()).unwrap_err().to_string()
    };
    assert!(with(&|a| a.tls.ca = Some("no pem".into())).contains("hold no PEM certificate"));
    assert!(with(&|a| a.tls.client = Some("no pem".into())).contains("client certificate"));
    assert!(with(&|a| a.auth = Auth::Bearer("a\nb".into())).contains("no header may have"));
    assert!(with(&|a| drop(a.headers.insert("Host".into(), "x".into()))).contains("set by tidecast"));
    assert!(with(&|a| drop(a.headers.insert("a b".into(), "x".into()))).contains("no name of a header"));
    assert!(with(&|a| a.url += "/?x=1").contains("a query"));
}

#[tokio::test]
async fn trusts_a_tls_server_by_its_certificate_and_shows_its_own() {
    let tls = tls::Authority::new();
    let server = tls.server().await;
    let url = format!("https://localhost:{}", server.port());
    let ask = |tls: Tls| {
        let address = Address { tls, limits: brief(), ..Address::new("s", &url) };
        async move { connector(&address).ask(Ask { path: "/", ..Ask::default() }).await }
    };
    let client = Some(SecretString::from(tls.client_pem()));
    let good = Tls { ca: Some(tls.ca_pem()), client: client.clone(), ..Tls::default() };
    assert_eq!(ask(good.clone()).await.unwrap().body, b"hello");
    let stranger = Tls { ca: Some(tls::Authority::new().ca_pem()), ..good.clone() };
    assert_eq!(ask(stranger).await.unwrap_err().kind(), "unreachable");
    assert_eq!(ask(Tls { ca: None, ..good.clone() }).await.unwrap_err().kind(), "unreachable");
    assert_eq!(ask(Tls { client: None, ..good.clone() }).await.unwrap_err().kind(), "unreachable");
    assert!(ask(Tls { ca: None, insecure_skip_verify: true, client }).await.is_ok());
}

fn connector(address: &Address) -> Connector {
    Connector::new(address, &Rules::new([Door::inside(&address.url).unwrap()])).unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

mod tls {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    };
    use rustls::pki_types::PrivateKeyDer;
    use rustls::server::WebPkiClientVerifier;
    use rustls::{RootCertStore, ServerConfig};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A certificate authority for one test.
    pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        pub(super) fn new() -> Self {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
        }

        pub(super) fn ca_pem(&self) -> String {
            self.0.pem()
        }

        pub(super) fn client_pem(&self) -> String {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec!["tidecast".into()]).unwrap();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params.signed_by(&key, &self.0).unwrap().pem() + &key.serialize_pem()
        }

        /// A server on localhost that lets in only those whom this authority knows, and says hello.
        pub(super) async fn server(&self) -> SocketAddr {
            install_ring();
            let key = KeyPair::generate().unwrap();
            let cert =
                CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &self.0).unwrap();
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            let config = ServerConfig::builder()
                .with_client_cert_verifier(verifier)
                .with_single_cert(
                    vec![cert.der().clone()],
                    PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
                )
                .unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let at = listener.local_addr().unwrap();
            tokio::spawn(async move {
                let acceptor = TlsAcceptor::from(Arc::new(config));
                while let Ok((stream, _)) = listener.accept().await {
                    let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                    let _ = stream.read(&mut [0; 4_096]).await;
                    let _ = stream.write_all(&reply("200 OK", "", b"hello")).await;
                    let _ = stream.shutdown().await;
                }
            });
            at
        }
    }
}
