//! The whole path, in real time: four weeks in a real Prometheus, tidecast in mode `full`, and two Auto Scaling groups that
//! have to be in service before a rush that gives no warning. It takes twenty minutes, so it is run by hand:
//! `make show-aws`. What it prints is in docs/benchmarks/scalers.md.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tidecast_world::aws::{Account, Call, Group};

use super::account::Wire;
use super::policy::shipped;
use servers::{free_port, installed, now, prometheus};

#[path = "../../real/servers.rs"]
#[allow(
    dead_code,
    clippy::duplicate_mod,
    reason = "servers for other tests are there too; another show begins them likewise"
)]
pub(super) mod servers;

/// From the start to the rush; on a boundary of five minutes, as forecasts are.
const LEAD_S: i64 = 13 * 60;
const AFTER_S: i64 = 6 * 60;
const DAY_S: i64 = 86_400;
const PER_REPLICA: f64 = 20.0;

/// 100 a second, with a slow wave; 400 for half an hour after the rush has begun, each day at that time.
fn demand(at_s: i64, rush_s: i64) -> f64 {
    let since = (at_s - rush_s).rem_euclid(DAY_S);
    let wave = 10.0 * (at_s as f64 / DAY_S as f64 * std::f64::consts::TAU).sin();
    let ripple = (at_s / 60 * 7_919 % 11) as f64 / 2.0;
    if since < 1_800 { 390.0 + ripple } else { 85.0 + wave + ripple }
}

/// Four weeks, and as far ahead as this takes.
fn blocks(rush_s: i64) -> Option<tempfile::TempDir> {
    let promtool = installed("promtool")?;
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("# TYPE demand gauge\n");
    for minute in (rush_s - LEAD_S - 28 * DAY_S) / 60..(rush_s + 3_600) / 60 {
        writeln!(text, "demand{{job=\"shop\"}} {} {}", demand(60 * minute, rush_s), 60 * minute).unwrap();
    }
    text.push_str("# EOF\n");
    std::fs::write(folder.path().join("demand.om"), text).unwrap();
    let arguments =
        ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000h", "demand.om", "data"];
    let made = Command::new(promtool).args(arguments).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(folder)
}

pub(super) struct Tidecast(Child);

impl Drop for Tidecast {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn run(folder: &std::path::Path, config: &str) -> Tidecast {
    std::fs::write(folder.join("tidecast.yaml"), config).unwrap();
    std::fs::write(folder.join("tokens"), "").unwrap();
    let program = std::env::var_os("TIDECAST_BIN")
        .map_or_else(|| assert_cmd::cargo::cargo_bin("tidecast"), PathBuf::from);
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut command = Command::new(program);
    command
        .arg("run")
        .current_dir(folder)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    Tidecast(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap())
}

fn config(source: &str, cloud: &str, port: u16) -> String {
    let mut text = format!(
        "server: {{ listen: 127.0.0.1:{port}, turnEvery: 15s, auth: {{ tokenFile: tokens }} }}\n\
         store: {{ history: 28d }}\nsources: {{ main: {{ type: prometheus, url: '{source}' }} }}\nworkloads:\n"
    );
    for action in ["schedule", "direct"] {
        writeln!(
            text,
            "- {{ name: {action}, mode: full, minReplicas: 2, maxReplicas: 40, startTime: 4m, \
             target: {{ type: asg, group: {action}, region: eu-west-1, action: {action}, endpoint: '{cloud}' }}, \
             demand: {{ source: main, query: sum(demand) }}, capacity: {{ perReplica: {PER_REPLICA} }} }}"
        )
        .unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // S6.2, S6.3, A18
#[ignore = "takes twenty minutes of real time"]
async fn has_both_groups_in_service_before_the_rush() {
    let rush_s = (now().as_second() + LEAD_S).div_euclid(300) * 300 + 300;
    let Some(source) = blocks(rush_s) else { return };
    let Some(source) = prometheus(source, &[]).await else { return };
    let begin_s = now().as_second();
    let mut account = Account::new(begin_s, 1);
    account.policy = Some(shipped());
    for name in ["schedule", "direct"] {
        let mut group = Group::new(name, 2, 6, 40).settled(begin_s);
        group.tags.insert("tidecast".into(), "managed".into());
        account.add(group);
    }
    let wire = Wire::listen(account).await;
    let folder = tempfile::tempdir().unwrap();
    let _tidecast = run(folder.path(), &config(&source.url(), &wire.url(), free_port()));
    let mut record = String::from(
        "| min | demand | needed | schedule: min | desired | in service | direct: desired | in service |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    print!("{record}");
    let mut short = [0, 0];
    let mut told_s = i64::MIN;
    while now().as_second() < rush_s + AFTER_S {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now_s = now().as_second();
        let mut account = wire.account();
        account.pass(now_s);
        let needed = (demand(now_s, rush_s) / PER_REPLICA).ceil() as usize;
        let (schedule, direct) = (account.group("schedule"), account.group("direct"));
        for (short, group) in short.iter_mut().zip([schedule, direct]) {
            *short += usize::from(now_s >= rush_s && group.serving() < needed);
        }
        if now_s.div_euclid(60) > told_s.div_euclid(60) {
            told_s = now_s;
            let line = format!(
                "| {} | {:.0} | {needed} | {} | {} | {} | {} | {} |\n",
                (now_s - rush_s).div_euclid(60),
                demand(now_s, rush_s),
                schedule.min,
                schedule.desired,
                schedule.serving(),
                direct.desired,
                direct.serving()
            );
            print!("{line}");
            record.push_str(&line);
        }
    }
    let account = wire.account();
    let minutes = (now().as_second() - begin_s) / 60;
    writeln!(
        record,
        "\nCalls in {minutes} minutes, both groups: {}. What was changed, in seconds from the rush:\n",
        account.calls
    )
    .unwrap();
    for (at_s, call) in account.log.iter().filter(|(_, call)| !matches!(call, Call::Tag { .. })) {
        writeln!(record, "- {}: {}", at_s - rush_s, told(call, rush_s)).unwrap();
    }
    let [schedule, direct] = short.map(|halves| halves as f64 / 2.0);
    writeln!(
        record,
        "\nSeconds with fewer in service than needed, from the rush on: {schedule} and {direct}."
    )
    .unwrap();
    println!("{record}");
    if let Ok(file) = std::env::var("TIDECAST_FIGURES") {
        std::fs::write(file, record).unwrap();
    }
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    assert_eq!(short, [0, 0], "half seconds short after the rush has begun\n{log}");
}

/// A change, in a line.
fn told(call: &Call, rush_s: i64) -> String {
    match call {
        Call::Schedule { group, actions } => {
            let each = actions
                .iter()
                .map(|a| format!("MinSize {} from {} s on", a.min.unwrap_or(0), a.start_s - rush_s));
            format!("{group}: scheduled {}", each.collect::<Vec<_>>().join(", "))
        }
        Call::Unschedule { group, names } => format!("{group}: {} actions taken away", names.len()),
        Call::SetDesired { group, desired } => format!("{group}: desired capacity {desired}"),
        other => other.action().to_owned(),
    }
}
