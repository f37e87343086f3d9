//! Sessions counted by real servers, for real: whatever is lost on the way is unknown, and unknown is not zero.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidecast::egress::Ask;
use tidecast::scaler::Tally;
use tidecast::source::{Census, Headcount, PerNode, PrometheusCensus, PrometheusServer};
use tidecast_pilot::{Node, NodeName, Phase, Sighting, Size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::servers::{Running, connector, now, prometheus, victoria_metrics};

/// A media server's exporter: it tells what it is told to tell, and is dead once dropped.
struct Exporter {
    port: u16,
    tells: Arc<Mutex<String>>,
    serving: JoinHandle<()>,
}

impl Exporter {
    async fn start(tells: &str) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tells = Arc::new(Mutex::new(tells.to_owned()));
        let told = tells.clone();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = format!("# TYPE sfu_sessions gauge\n{}\n", told.lock().unwrap());
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; version=0.0.4";
                let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, tells, serving }
    }

    fn tell(&self, text: &str) {
        text.clone_into(&mut self.tells.lock().unwrap());
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn census(running: &Running) -> PrometheusCensus {
    let server = Arc::new(PrometheusServer::new(connector(&running.url())));
    PrometheusCensus::new(server, PerNode::of("sum(sfu_sessions{node=\"$node\"})").unwrap())
}

/// What is told, once it is as it should be; half a minute is waited for that.
async fn until(
    census: &PrometheusCensus,
    what: &str,
    is: impl Fn(&BTreeMap<String, Headcount>) -> bool,
) -> BTreeMap<String, Headcount> {
    let mut last = None;
    for _ in 0..120 {
        let told = census.sessions(now()).await;
        if let Ok(told) = &told
            && is(told)
        {
            return told.clone();
        }
        last = Some(told);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("half a minute has gone by, and not yet {what}: {last:?}");
}

fn count(told: &BTreeMap<String, Headcount>, node: &str) -> Option<(u32, u32)> {
    told.get(node).map(|headcount| (headcount.count, headcount.targets))
}

/// The sessions of two servers, as a turn would see them.
async fn joined(tally: &Tally) -> Vec<Option<u32>> {
    let node = |name: &str| Node {
        name: NodeName(name.into()),
        phase: Phase::Serving,
        launched: now(),
        ready: None,
        sessions: None,
    };
    let nodes = vec![node("i-1"), node("i-2")];
    let mut seen = Sighting { nodes, ..Sighting::of(now(), Size(2), Size(2)) };
    tally.join(&mut seen, BTreeMap::new(), now()).await;
    seen.nodes.iter().map(|node| node.sessions.map(|sessions| sessions.count)).collect()
}

#[tokio::test] // D1, D2.1, B3, F29
async fn lost_scrapes_do_not_make_a_server_look_empty() {
    // i-2 has two exporters: a call on either is a call on the server.
    let first = Exporter::start("sfu_sessions{node=\"i-1\"} 3\nsfu_sessions{node=\"i-2\"} 0").await;
    let second = Exporter::start("sfu_sessions{node=\"i-2\"} 2").await;
    let ports = [first.port, second.port];
    let Some(mut running) = prometheus(tempfile::tempdir().unwrap(), &ports).await else { return };
    let census = Arc::new(census(&running));
    let told = until(&census, "all is told", |told| count(told, "i-2") == Some((2, 2))).await;
    assert_eq!(count(&told, "i-1"), Some((3, 1)));
    assert!(now().duration_since(told["i-1"].at) < SignedDuration::from_secs(5), "{told:?}");

    let tally = Tally::new(census.clone(), SignedDuration::from_secs(90));
    assert_eq!(joined(&tally).await, [Some(3), Some(2)]);
    first.tell("sfu_sessions{node=\"i-1\"} 0\nsfu_sessions{node=\"i-2\"} 0");
    until(&census, "the calls of i-1 have ended", |told| count(told, "i-1") == Some((0, 1))).await;
    assert_eq!(joined(&tally).await, [Some(0), Some(2)]);
    assert!(tally.not_empty(&[NodeName("i-1".into())]).await.is_empty());

    drop(second);
    let told = until(&census, "an exporter is lost", |told| count(told, "i-2") == Some((0, 1))).await;
    assert_eq!(count(&told, "i-1"), Some((0, 1)));
    assert_eq!(joined(&tally).await, [Some(0), None], "a sum without one of its parts is no zero");
    drop(first);
    until(&census, "all exporters are lost", BTreeMap::is_empty).await;
    assert_eq!(joined(&tally).await, [None, None]);
    running.kill();
    assert!(census.sessions(now()).await.is_err());
    let both = [NodeName("i-1".into()), NodeName("i-2".into())];
    assert_eq!(tally.not_empty(&both).await.len(), 2);
}

#[tokio::test] // D2.1
async fn victoria_metrics_tells_the_same() {
    let Some(running) = victoria_metrics(1_000).await else { return };
    let at: Timestamp = now();
    let lines = [("i-1", "a:1", 3), ("i-1", "b:1", 1), ("i-2", "c:1", 0)].map(|(node, instance, count)| {
        let labels = format!("node=\"{node}\",job=\"sfu\",instance=\"{instance}\"");
        format!("sfu_sessions{{{labels}}} {count} {}", at.as_millisecond())
    });
    let body = Some(("text/plain", lines.join("\n").into_bytes()));
    let ask = Ask { path: "/api/v1/import/prometheus", body, ..Ask::default() };
    assert!(connector(&running.url()).ask(ask).await.unwrap().is_success());
    let told = until(&census(&running), "all is told", |told| told.len() == 2).await;
    assert_eq!((count(&told, "i-1"), count(&told, "i-2")), (Some((4, 2)), Some((0, 1))));
    assert_eq!(told["i-1"].at.as_second(), at.as_second());
}
