//! A rush that comes every day, a service that knows four weeks of it, and Pods that need more than a minute to start.

use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::Value;
use tidecast::scaler::kubernetes::rights::Feature::{Events, Observe, Scale};

use super::place::{Place, jiff_now};

#[path = "../../real/servers.rs"]
#[allow(dead_code, reason = "this needs one of its servers")]
mod servers;

/// Requests a second on an ordinary minute, and in the rush; what one Pod serves of them.
const CALM: f64 = 200.0;
const RUSH: f64 = 1_000.0;
const PER_POD: f64 = 40.0;
/// How long the rush lasts, in minutes.
const LASTS: i64 = 40;
const DAYS: i64 = 28;

/// A gauge whose value is the demand of the minute, four weeks back and through today's rush.
fn blocks(rush: i64, folder: &Path) {
    let mut text = String::from("# TYPE demand gauge\n");
    for minute in rush - DAYS * 1_440..rush + LASTS {
        let in_rush = (minute - rush).rem_euclid(1_440) < LASTS;
        let ripple = (minute % 7) as f64;
        writeln!(text, "demand {} {}", if in_rush { RUSH } else { CALM } - ripple, 60 * minute).unwrap();
    }
    text.push_str("# EOF\n");
    std::fs::write(folder.join("demand.om"), text).unwrap();
    let arguments =
        ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000h", "demand.om", "data"];
    let made = Command::new("promtool").args(arguments).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// `tidecast run`; dropped, it is ended.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(folder: &Path, prometheus: &str, place: &Place) -> Running {
    let config = format!(
        "server: {{ listen: 127.0.0.1:{}, turnEvery: 5s }}\n\
         store: {{ history: 28d }}\n\
         sources:\n  main: {{ type: prometheus, url: '{prometheus}' }}\n\
         clusters:\n  fake: {{ kubeconfig: '{}' }}\n\
         workloads:\n\
         - name: shop/web\n  mode: full\n\
           \x20 target: {{ type: kubernetes, namespace: {}, name: web }}\n\
           \x20 demand: {{ source: main, query: sum(demand), unit: req/s }}\n\
           \x20 capacity: {{ perReplica: {PER_POD} }}\n\
           \x20 minReplicas: 2\n  maxReplicas: 60\n",
        servers::free_port(),
        place.kubeconfig().display(),
        place.namespace,
    );
    std::fs::write(folder.join("tidecast.yaml"), config).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("tidecast"));
    command.arg("run").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    Running(command.spawn().unwrap())
}

/// What stood there at a moment.
struct Moment {
    at: Timestamp,
    ordered: u64,
    ready: u64,
    turn: String,
    reason: String,
}

impl Moment {
    fn of(place: &Place) -> Self {
        let fake = place.fake.as_ref().expect("the rush is played in our own cluster");
        let state = fake.state();
        let web = state.get("deployments.apps", &place.namespace, "web").cloned().unwrap_or_default();
        let note = |key: &str| web["metadata"]["annotations"][key].as_str().unwrap_or_default().to_owned();
        let number = |path: &str| web.pointer(path).and_then(Value::as_u64).unwrap_or(0);
        Self {
            at: jiff_now(),
            ordered: number("/spec/replicas"),
            ready: number("/status/readyReplicas"),
            turn: note("tidecast.dev/turn"),
            reason: note("tidecast.dev/reason"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")] // S6, S7.2, S12, A18
#[ignore = "a quarter of an hour of real time: make show-kubernetes"]
async fn has_capacity_ready_before_the_rush() {
    let folder = tempfile::tempdir().unwrap();
    if servers::installed("prometheus").is_none() || servers::installed("promtool").is_none() {
        return;
    }
    let place = Place::open("show", &[Observe, Scale, Events]).await;
    place.fake.as_ref().unwrap().state().nodes.start_up = (70.0, 90.0);
    place.apply(&super::place::workload("Deployment", "web", 6));
    // The next whole ten minutes that leave time to read four weeks and to launch.
    let rush = (jiff_now().as_second() / 60 + 9).div_euclid(5) * 5 + 5;
    let data = tempfile::tempdir().unwrap();
    blocks(rush, data.path());
    let prometheus = servers::prometheus(data, &[]).await.unwrap();
    let service = run(folder.path(), &prometheus.url(), &place);
    let rush = Timestamp::from_second(60 * rush).unwrap();
    let mut moments = Vec::new();
    while jiff_now() < rush + SignedDuration::from_mins(2) {
        moments.push(Moment::of(&place));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    drop(service);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let record = record(&moments, rush);
    println!("{record}\n{log}");
    if let Some(path) = std::env::var_os("TIDECAST_FIGURES") {
        std::fs::write(path, &record).unwrap();
    }
    let needed = (RUSH / PER_POD) as u64;
    let ready = moments.iter().find(|moment| moment.ready >= needed).expect("enough was ready at some time");
    assert!(ready.at < rush, "ready at {}, needed at {rush}", ready.at);
    let calm = moments.iter().take_while(|moment| moment.ready < needed).map(|moment| moment.ordered).min();
    assert!(calm < Some(needed), "it was ordered for the rush, and did not stand there before");
}

/// When it was ordered, ready and needed, and what stood there meanwhile.
fn record(moments: &[Moment], rush: Timestamp) -> String {
    let needed = (RUSH / PER_POD) as u64;
    let first = |holds: fn(&Moment, u64) -> bool| moments.iter().find(|moment| holds(moment, needed));
    let (ordered, ready) = (first(|m, n| m.ordered >= n), first(|m, n| m.ready >= n));
    let clock = |at: Timestamp| at.round(Unit::Second).unwrap().strftime("%H:%M:%S").to_string();
    let ahead = |at: Timestamp| rush.duration_since(at).as_secs();
    let mut text = String::from("| what | when (UTC) | seconds before the rush |\n|---|---|---|\n");
    for (what, moment) in [("ordered", ordered), ("Ready", ready)] {
        if let Some(moment) = moment {
            writeln!(text, "| {needed} Pods {what} | {} | {} |", clock(moment.at), ahead(moment.at)).unwrap();
        }
    }
    writeln!(text, "| {needed} Pods needed: {CALM} req/s become {RUSH} | {} | 0 |", clock(rush)).unwrap();
    if let Some(moment) = ordered {
        writeln!(text, "\nTurn {} wrote why: “{}”.\n", moment.turn, moment.reason).unwrap();
    }
    text.push_str("```\nUTC       ordered  Ready\n");
    let mut last = None;
    for moment in moments {
        if last != Some((moment.ordered, moment.ready)) {
            let bar = "█".repeat(moment.ready as usize)
                + &"░".repeat(moment.ordered.saturating_sub(moment.ready) as usize);
            writeln!(text, "{}  {:>7}  {:>5}  {bar}", clock(moment.at), moment.ordered, moment.ready)
                .unwrap();
        }
        last = Some((moment.ordered, moment.ready));
    }
    text + "```\n"
}
