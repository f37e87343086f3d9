//! How fast KEDA is answered: by our own client, paced, on loopback, for a few seconds.

use std::time::Duration;

use tidecast::keda::wire::external_scaler_client::ExternalScalerClient;
use tidecast::keda::wire::{GetMetricsRequest, ScaledObjectRef};
use tokio::time::Instant;
use tonic::transport::Channel;

use super::{knows, served};
use crate::served::free_port;

/// Connections, as of so many processes of KEDA.
const CONNECTIONS: u32 = 4;
/// How long questions are put.
const SECONDS: u32 = 5;

/// Puts `rate` questions a second, each at its time whether or not those before are answered; how long each answer took from
/// the moment at which the question was due.
async fn load(port: u16, rate: u32) -> Vec<Duration> {
    let mut lines = Vec::new();
    let start = Instant::now() + Duration::from_millis(100);
    for line in 0..CONNECTIONS {
        let client = ExternalScalerClient::new(line_to(port).await);
        lines.push(tokio::spawn(questions(client, start, line, rate)));
    }
    let mut took = Vec::new();
    for line in lines {
        for answer in line.await.unwrap() {
            took.push(answer.await.unwrap());
        }
    }
    took.sort_unstable();
    took
}

async fn line_to(port: u16) -> Channel {
    Channel::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect().await.unwrap()
}

async fn questions(
    client: ExternalScalerClient<Channel>,
    start: Instant,
    line: u32,
    rate: u32,
) -> Vec<tokio::task::JoinHandle<Duration>> {
    let scaler_metadata = [("workload".to_owned(), "shop/checkout".to_owned())].into();
    let asks = ScaledObjectRef { name: "checkout".into(), namespace: "shop".into(), scaler_metadata };
    let question =
        GetMetricsRequest { scaled_object_ref: Some(asks), metric_name: "shop-checkout-replicas".into() };
    let mut answers = Vec::new();
    for nth in (line..rate * SECONDS).step_by(CONNECTIONS as usize) {
        let due = start + Duration::from_secs(1) * nth / rate;
        tokio::time::sleep_until(due).await;
        let (mut client, question) = (client.clone(), question.clone());
        answers.push(tokio::spawn(async move {
            client.get_metrics(question).await.unwrap();
            due.elapsed()
        }));
    }
    answers
}

fn quantile(took: &[Duration], level: f64) -> Duration {
    took[((took.len() as f64 * level).ceil() as usize).clamp(1, took.len()) - 1]
}

/// `TIDECAST_TEST_KEDA_RATE` says how many questions a second; the usual is little, since other tests run beside this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_many_questions_at_once() {
    let port = free_port();
    let served = served(&format!("keda: {{ listen: 127.0.0.1:{port} }}\n")).await;
    knows(&served).await;
    // A forecast that is being made takes a processor of its own; the figure is to be that of the answers.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rate =
        std::env::var("TIDECAST_TEST_KEDA_RATE").ok().and_then(|rate| rate.parse().ok()).unwrap_or(200);
    let took = load(port, rate).await;
    let [p50, p99, most] = [0.5, 0.99, 1.0].map(|level| quantile(&took, level));
    println!(
        "{rate}/s for {SECONDS} s over {CONNECTIONS} connections: p50 {p50:?}, p99 {p99:?}, longest {most:?}"
    );
    assert_eq!(took.len() as u32, rate * SECONDS);
    assert!(
        p99 < Duration::from_millis(250),
        "p99 {p99:?}: KEDA gives up after 3 s, but a processor was to spare"
    );
    served.stop().await;
}
