//! Four weeks of minutes, back-filled into real servers, and read back out of them.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tidecast::egress::Ask;
use tidecast::source::{Collector, PrometheusServer, Query, Source};
use tidecast::store::History;

use crate::servers::{connector, installed, now, prometheus, victoria_metrics};

const MINUTES: i64 = 28 * 1_440;

/// A day's wave with a small ripple, exact in three digits so that it survives text.
fn load(minute: i64) -> f64 {
    let day = (minute % 1_440) as f64 / 1_440.0;
    ((400.0 - 300.0 * (day * std::f64::consts::TAU).cos()) * 1e3).round() / 1e3 + (minute % 7) as f64
}

/// The last full minute, before which everything is back-filled.
pub(crate) fn last_minute() -> i64 {
    now().as_second() / 60 - 2
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(60 * minute).unwrap()
}

/// A folder with Prometheus blocks: two pods, a value a minute for four weeks.
pub(crate) fn blocks(last: i64) -> Option<TempDir> {
    let promtool = installed("promtool")?;
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("# TYPE demand gauge\n");
    for pod in ["a", "b"] {
        for minute in last - MINUTES..=last {
            writeln!(text, "demand{{pod=\"{pod}\"}} {} {}", load(minute), 60 * minute).unwrap();
        }
    }
    text.push_str("# EOF\n");
    std::fs::write(folder.path().join("demand.om"), text).unwrap();
    let arguments =
        ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000h", "demand.om", "data"];
    let made = Command::new(promtool).args(arguments).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(folder)
}

async fn check_month(source: &impl Source, server: &PrometheusServer, last: i64, points_max: i64) {
    let taken = source.samples(at(last - MINUTES), at(last)).await.unwrap();
    assert_eq!(taken.samples.0.len() as i64, MINUTES + 1, "{:?}", taken.remarks);
    for sample in &taken.samples.0 {
        let expected = 2.0 * load(sample.time.as_second() / 60);
        assert!(
            (sample.value - expected).abs() < 1e-9,
            "{}: {} and not {expected}",
            sample.time,
            sample.value
        );
    }
    assert!((points_max / 2..=points_max).contains(&server.points()), "learned {} points", server.points());
}

#[tokio::test] // S3.1, S3.3
async fn learns_the_limit_of_prometheus_and_reads_four_weeks() {
    let last = last_minute();
    let Some(folder) = blocks(last) else { return };
    let Some(running) = prometheus(folder, &[]).await else { return };
    let (server, source) = running.source(Query::new("sum(demand)"), 40_000);
    check_month(&source, &server, last, 11_001).await;
    let (_, several) = running.source(Query::new("demand"), 10_800);
    let trouble = several.samples(at(last - 9), at(last)).await.unwrap_err().to_string();
    assert!(
        trouble
            .contains("2 series where one is expected, among them demand{pod=\"a\"} and demand{pod=\"b\"}"),
        "{trouble}"
    );
    let (_, wrong) = running.source(Query::new("sum(demand"), 10_800);
    let trouble = wrong.samples(at(last - MINUTES), at(last)).await.unwrap_err().to_string();
    assert!(trouble.contains("answered 400") && trouble.contains("unclosed left parenthesis"), "{trouble}");
    let (_, nothing) = running.source(Query::new("sum(no_such_metric)"), 10_800);
    let taken = nothing.samples(at(last - 9), at(last)).await.unwrap();
    assert_eq!(
        taken.remarks[0].to_string(),
        "the source has no measurement at all here; unknown is not zero"
    );
}

#[tokio::test] // S3.1, S3.3
async fn learns_the_limit_of_victoria_metrics_and_reads_four_weeks() {
    let Some(running) = victoria_metrics(30_000).await else { return };
    let last = last_minute();
    import(&running.url(), last).await;
    let (server, source) = running.source(Query::new("sum(demand)"), 45_000);
    check_month(&source, &server, last, 30_000).await;
    let count = source.count(at(last)).await.unwrap().unwrap();
    assert_eq!((count.parts[0].series, count.parts[0].samples), (2, 10.0));
    assert_eq!(count.newest, Some(at(last)));
}

async fn import(url: &str, last: i64) {
    let connector = connector(url);
    for pod in ["a", "b"] {
        let minutes: Vec<i64> = (last - MINUTES..=last).collect();
        let values: Vec<f64> = minutes.iter().map(|minute| load(*minute)).collect();
        let times: Vec<i64> = minutes.iter().map(|minute| 60_000 * minute).collect();
        let metric = serde_json::json!({ "__name__": "demand", "pod": pod });
        let line = serde_json::json!({ "metric": metric, "values": values, "timestamps": times }).to_string();
        let ask = Ask {
            path: "/api/v1/import",
            body: Some(("application/json", line.into_bytes())),
            ..Ask::default()
        };
        assert_eq!(connector.ask(ask).await.unwrap().status, 204);
    }
    connector.ask(Ask { path: "/internal/force_flush", ..Ask::default() }).await.unwrap();
}

#[tokio::test] // S3.3, S3.4
async fn fills_a_history_back_over_a_restart_of_the_source() {
    let last = last_minute();
    let Some(folder) = blocks(last) else { return };
    let Some(mut running) = prometheus(folder, &[]).await else { return };
    let store = tempfile::tempdir().unwrap();
    let history = Arc::new(History::open(&store.path().join("history.db")).unwrap());
    let window = SignedDuration::from_hours(28 * 24);
    let step = SignedDuration::from_mins(1);
    let source = Arc::new(running.source(Query::new("sum(demand)"), 10_800).1);
    let mut collector = Collector::new(source, history.clone(), "shop", window, step);
    collector.look(at(last), None).await.unwrap();
    let mut chunks = 0;
    let back_fill = collector.back_fill();
    let interrupted = back_fill.run(at(last), |_| {
        chunks += 1;
        if chunks == 10 {
            running.kill();
        }
    });
    interrupted.await.unwrap_err();
    running.restart().await;
    let mut shares = Vec::new();
    collector.back_fill().run(at(last), |progress| shares.push(progress.share)).await.unwrap();
    assert!(shares[0] > 0.25 && shares.last() == Some(&1.0), "{shares:?}");
    let month = history.read("shop", at(last - MINUTES), at(last)).await.unwrap();
    assert_eq!(month.0.len() as i64, MINUTES + 1);
    drop((collector, back_fill, history));
    // About three bytes a sample; the file has whole pages only, and how full each day's last one is depends on the time of day.
    let bytes = size(store.path());
    assert!(bytes < 5 * MINUTES as u64, "{bytes} bytes for {MINUTES} samples");
}

fn size(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}
