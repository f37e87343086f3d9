//! Decisions posted, and commands run.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use tidecast::egress::{Address, Connector, Door, Limits, Rules};
use tidecast::scaler::{Receipt, Scaler, Webhook, signature};
use tidecast_pilot::{Allowed, Command as Order, Decision, Plan, Reason, Sighting, Size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::served::{Served, free_port, now, project, write_demand};

const KEY: &str = "canary-7f3a";

/// The example that ships with the project, run by Python.
struct Receiver {
    process: Child,
    said: BufReader<ChildStdout>,
    port: u16,
}

impl Receiver {
    fn start(key: &std::path::Path) -> Option<Self> {
        let port = free_port();
        let mut python = Command::new("python3");
        let python = python.arg(project("examples/webhook_receiver.py")).arg(port.to_string()).arg(key);
        let Ok(mut process) = python.stdout(Stdio::piped()).spawn() else {
            eprintln!("skipped: there is no python3 here");
            return None;
        };
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "listening");
        Some(Self { process, said, port })
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn connector(url: &str, limits: Limits) -> Connector {
    let address = Address { limits, ..Address::new("the webhook", url) };
    Connector::new(&address, &Rules::new([Door::inside(url).unwrap()])).unwrap()
}

fn hand(url: &str, sight: Option<&str>) -> Webhook {
    let limits =
        Limits { total: std::time::Duration::from_millis(700), wire_bytes_max: 4 << 20, ..Limits::default() };
    let sight = sight.map(|url| connector(url, limits));
    Webhook::new("shop/checkout", TimeZone::UTC, connector(url, limits), sight, KEY.into())
}

fn grow(turn: u64, to: u32) -> Decision {
    Decision {
        turn,
        at: now(),
        size: Size(to),
        wanted: Size(to),
        because: Reason::Minimum { min: Size(to) },
        limits: Vec::new(),
        plan: Arc::new(Plan::default()),
        commands: vec![Order::Grow { to: Size(to) }],
        withheld: Vec::new(),
        allowed: Allowed::Everything,
        notes: Vec::new(),
        vigil: Default::default(),
        moves: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // S6.3, F24, B1
async fn posts_decisions_that_the_receiver_can_check() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    let Some(mut receiver) = Receiver::start(&key) else { return };
    let (url, fleet) =
        ["decisions", "fleet"].map(|path| format!("http://127.0.0.1:{}/{path}", receiver.port)).into();
    let hand = hand(&url, Some(&fleet));
    let receipt = hand.carry_out(&grow(7, 12)).await.unwrap();
    assert_eq!(receipt.to_string(), format!("the webhook at {url} took it (200)"));
    let got = receiver.next();
    assert_eq!(got["key"], "shop/checkout/7");
    let decision = &got["decision"];
    assert_eq!(
        (&decision["workload"], &decision["turn"], &decision["size"]),
        (&"shop/checkout".into(), &7.into(), &12.into())
    );
    assert_eq!(decision["commands"], serde_json::json!([{ "do": "grow", "to": 12 }]));
    assert_eq!(decision["allowed"], "everything");
    assert_eq!(decision["because"]["said"], "the minimum is 12");
    let seen = hand.sight(now()).await.unwrap().unwrap();
    assert_eq!((seen.ordered, seen.serving, seen.complete), (Size(12), Size(12), true));

    let other = self::hand(&url, None);
    other.carry_out(&grow(9, 14)).await.unwrap();
    assert_eq!(
        hand.carry_out(&grow(8, 13)).await.unwrap(),
        Receipt::Overtaken { by: 9 },
        "as the receiver says"
    );
    assert_eq!(
        other.carry_out(&grow(8, 13)).await.unwrap(),
        Receipt::Overtaken { by: 9 },
        "without asking it"
    );

    let stranger = Webhook::new(
        "shop/checkout",
        TimeZone::UTC,
        connector(&url, Limits::default()),
        None,
        "other".into(),
    );
    let trouble = stranger.carry_out(&grow(10, 40)).await.unwrap_err().to_string();
    assert!(trouble.contains("answered 401") && trouble.contains("the signature is wrong"), "{trouble}");
    let silent =
        Decision { commands: Vec::new(), withheld: vec![Order::Grow { to: Size(40) }], ..grow(11, 40) };
    assert_eq!(hand.carry_out(&silent).await.unwrap(), Receipt::Shown);
    assert_eq!(
        hand.shows(&silent),
        [format!("POST to the webhook at {url}: grow to 40 servers (turn 11, size 40)")]
    );
    assert_eq!(hand.sight(now()).await.unwrap().unwrap().ordered, Size(14), "neither moved anything");
}

/// A server that answers each request with the next of its answers, the last over and over; what it was sent.
async fn answers(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, heard) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::new(Mutex::new(Vec::new())));
    let log = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 65_536];
            let read = stream.read(&mut buffer).await.unwrap_or(0);
            let nth = log.lock().unwrap().len();
            log.lock().unwrap().push(String::from_utf8_lossy(&buffer[..read]).into_owned());
            let _ = stream.write_all(answers[nth.min(answers.len() - 1)].as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, heard)
}

fn reply(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test] // F26
async fn tries_again_what_may_pass_with_the_same_key_and_a_new_signature() {
    let (url, heard) =
        answers(vec![reply("503 Busy", "later"), String::new(), reply("202 Accepted", "")]).await;
    let receipt = hand(&url, None).carry_out(&grow(7, 12)).await.unwrap();
    assert_eq!(receipt.to_string(), format!("the webhook at {url} took it (202)"));
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 3, "{heard:?}");
    for request in heard {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
            line.unwrap_or_else(|| panic!("{name}: {head}"))[name.len() + 2..].to_owned()
        };
        assert!(head.starts_with("POST / HTTP/1.1"), "{head}");
        assert_eq!(header("idempotency-key"), "shop/checkout/7");
        let at: i64 = header("tidecast-timestamp").parse().unwrap();
        assert!((now().as_second() - at).abs() < 60);
        assert_eq!(header("tidecast-signature"), signature(&KEY.into(), at, body.as_bytes()));
        assert!(!request.contains(KEY), "the key itself stays here");
    }
}

#[tokio::test] // F24
async fn sends_no_older_turn_to_a_receiver_that_would_take_it() {
    let (url, heard) = answers(vec![reply("200 OK", "")]).await;
    let hand = hand(&url, None);
    hand.carry_out(&grow(9, 14)).await.unwrap();
    assert_eq!(hand.carry_out(&grow(8, 13)).await.unwrap(), Receipt::Overtaken { by: 9 });
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test] // F26, S6 of the security list
async fn does_not_insist_where_it_is_refused() {
    for (answer, tries, said) in [
        (reply("400 Bad Request", "no such group"), 1, "answered 400: no such group"),
        (reply("409 Conflict", "{}"), 1, "answered 409: {}"),
        (reply("409 Conflict", r#"{"turn":3}"#), 1, "answered 409"),
        (reply("500 Oops", "out of memory"), 3, "answered 500: out of memory"),
        (reply("302 Found\r\nLocation: http://127.0.0.2/", ""), 1, "redirects are never followed"),
    ] {
        let (url, heard) = answers(vec![answer]).await;
        let trouble = hand(&url, None).carry_out(&grow(7, 12)).await.unwrap_err().to_string();
        assert!(trouble.contains(said), "{trouble}");
        assert_eq!(heard.lock().unwrap().len(), tries, "{said}");
    }
}

#[tokio::test] // S5, S19: a stranger's answer is believed only as far as it can be
async fn believes_no_fleet_that_cannot_be() {
    let large =
        format!(r#"{{"ordered":2,"serving":2,"complete":true,"padding":"{}"}}"#, "x".repeat(10 << 20));
    for (body, said) in [
        (r#"{"ordered":-1,"serving":2,"complete":true}"#, "`ordered` is -1"),
        (r#"{"ordered":2,"serving":1e9,"complete":true}"#, "`serving` is 1000000000.0"),
        (r#"{"ordered":NaN,"serving":2,"complete":true}"#, "it is no fleet in JSON"),
        (r#"{"ordered":2,"serving":2}"#, "`complete` is missing"),
        ("<html>", "it is no fleet in JSON"),
        (&large, "sent more than 4194304 bytes"),
    ] {
        let (url, _) = answers(vec![reply("200 OK", body)]).await;
        let trouble = hand("http://127.0.0.1:9", Some(&url)).sight(now()).await.unwrap_err().to_string();
        assert!(trouble.contains(said), "{trouble}");
    }
    let (url, heard) = answers(vec![reply("200 OK", r#"{"ordered":3,"serving":2,"complete":false}"#)]).await;
    let at: Timestamp = now();
    let seen = hand("http://127.0.0.1:9", Some(&url)).sight(at).await.unwrap();
    assert_eq!(seen, Some(Sighting { complete: false, ..Sighting::of(at, Size(3), Size(2)) }));
    let heard = heard.lock().unwrap()[0].to_lowercase();
    assert!(heard.starts_with("get / ") && heard.contains("tidecast-signature: v1="), "{heard}");
}

/// Two workloads with one receiver each: one in `full`, one that observes.
fn config(ports: [u16; 2]) -> String {
    let workload = |name: &str, mode: &str, port: u16| {
        format!(
            "- name: {name}\n  mode: {mode}\n  demand: {{ source: file }}\n  capacity: {{ perReplica: 41 }}\n  minReplicas: 2\n  \
             maxReplicas: 60\n  target:\n    type: webhook\n    url: http://127.0.0.1:{port}/decisions\n    \
             sight: http://127.0.0.1:{port}/fleet\n    secret: {{ file: key }}\n"
        )
    };
    "sources: { file: { type: csv, path: demand.csv } }\nworkloads:\n".to_owned()
        + &workload("moved", "full", ports[0])
        + &workload("quiet", "observe", ports[1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // S6.3, B2
async fn moves_a_fleet_through_its_receiver_and_not_while_it_observes() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, KEY).unwrap();
    write_demand(folder.path());
    let (Some(mut moved), Some(quiet)) = (Receiver::start(&key), Receiver::start(&key)) else { return };
    let served = Served::start(folder, &config([moved.port, quiet.port])).await;
    let grown = |turned: &tidecast::drive::Turned| {
        let sighting = turned.briefing.as_ref().and_then(|briefing| briefing.sighting.as_ref());
        sighting.is_some_and(|sighting| sighting.ordered >= Size(10))
    };
    let turned = served.until("moved", "its fleet has grown", grown).await;
    assert!(turned.decision.as_ref().unwrap().size >= Size(10));
    let got = moved.next();
    assert!(got["decision"]["because"]["said"].as_str().unwrap().contains("a server"), "{got}");
    let observed = served.until("quiet", "it would grow", |turned| !turned.shows.is_empty()).await;
    assert!(
        observed.shows[0].contains("POST to the webhook at") && observed.shows[0].contains("grow to"),
        "{:?}",
        observed.shows
    );
    let seen = observed.briefing.as_ref().unwrap().sighting.as_ref().unwrap();
    assert_eq!((seen.ordered, observed.decision.as_ref().unwrap().commands.len()), (Size(2), 0));
    served.stop().await;
}
