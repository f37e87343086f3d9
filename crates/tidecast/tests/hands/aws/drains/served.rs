//! The whole path in real time: `tidecast run`, a real Prometheus that counts sessions, and two fleets that are too large: a
//! group, and instances outside of any.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tidecast_world::aws::{Account, Bare, Group};

use super::super::account::Wire;
use super::super::fleet;
use super::super::policy::shipped;
use super::super::show::run;
use super::super::show::servers::{free_port, installed, now, prometheus};
use super::ground::OURS;

const DAY_S: i64 = 86_400;
/// How long the case waits for something to come about.
const PATIENCE_S: i64 = 240;
/// The sessions of six instances: a busy one, one that will be silent, three with a call each, and an empty one.
const COUNTS: [u32; 6] = [2, 0, 1, 1, 1, 0];

/// Three weeks of a demand of 50; for each instance a count of sessions every fifteen seconds, that of the silent ones until
/// they fall silent.
fn blocks(now_s: i64, sessions: &[(&str, u32)], silent: &[&str]) -> Option<tempfile::TempDir> {
    let promtool = installed("promtool")?;
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("# TYPE demand gauge\n");
    for minute in (now_s - 21 * DAY_S) / 60..(now_s + 3_600) / 60 {
        writeln!(text, "demand{{job=\"sfu\"}} 50 {}", 60 * minute).unwrap();
    }
    text.push_str("# TYPE sfu_sessions gauge\n");
    for (node, count) in sessions {
        let until_s = now_s + if silent.contains(node) { 10 } else { 1_200 };
        for at_s in (now_s - 600..until_s).step_by(15) {
            let labels = format!("job=\"sfu\",instance=\"{node}:9090\"");
            writeln!(text, "sfu_sessions{{{labels}}} {count} {at_s}").unwrap();
        }
    }
    text.push_str("# EOF\n");
    std::fs::write(folder.path().join("told.om"), text).unwrap();
    let arguments =
        ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1000h", "told.om", "data"];
    let made = Command::new(promtool).args(arguments).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(folder)
}

fn config(source: &str, cloud: &str, port: u16) -> String {
    let mut text = format!(
        "server: {{ listen: 127.0.0.1:{port}, turnEvery: 5s }}\n\
         store: {{ history: 21d }}\nsources: {{ main: {{ type: prometheus, url: '{source}' }} }}\nworkloads:\n"
    );
    let targets = [
        ("group", "type: asg, group: sfu, action: direct"),
        ("fleet", "type: ec2, fleet: encoders, launchTemplate: sfu"),
    ];
    for (name, target) in targets {
        writeln!(
            text,
            "- {{ name: {name}, mode: full, minReplicas: 2, maxReplicas: 9, startTime: 2m, serviceLevel: 50%, \
             advanced: {{ hold: 0s, reactive: 1 }}, \
             behavior: {{ scaleDown: {{ budget: {{ percent: 100%, per: 1m }} }} }}, \
             drain: {{ sessions: 'sfu_sessions{{instance=~\"$node:.*\"}}', cooling: 30s, freshFor: 60s }}, \
             target: {{ {target}, region: eu-west-1, endpoint: '{cloud}' }}, \
             demand: {{ source: main, query: sum(demand) }}, capacity: {{ perReplica: 20 }} }}"
        )
        .unwrap();
    }
    text
}

/// Six of a group, and six outside of any, under exactly the policies that are shipped.
fn account(begin_s: i64) -> Account {
    let mut account = Account::new(begin_s - 60, 1);
    let mut policy = shipped();
    policy.statement.extend(fleet::policy().statement);
    account.policy = Some(policy);
    let mut group = Group::new("sfu", 2, 6, 9).settled(begin_s - 60);
    group.tags.insert("tidecast".into(), "managed".into());
    account.add(group);
    (0..6).for_each(|_| account.add_bare(&OURS));
    account.pass(begin_s);
    account
}

/// Who is marked, how many are kept, and how many serve: of the group, and of the fleet.
type Seen = [(BTreeSet<String>, u32, usize); 2];

fn seen(wire: &Wire) -> Seen {
    let mut account = wire.account();
    account.pass(now().as_second());
    let group = account.group("sfu");
    let marks = group.tags.keys().filter_map(|key| key.strip_prefix("tidecast:drain:"));
    let staying = || account.bares().iter().filter(|bare| bare.stays());
    let marked = |bare: &&Bare| bare.tags.contains_key("tidecast:drain");
    let running = staying().filter(|bare| bare.state == "running").count();
    [
        (marks.map(str::to_owned).collect(), group.desired, group.serving()),
        (staying().filter(marked).map(|bare| bare.id.clone()).collect(), staying().count() as u32, running),
    ]
}

/// What `tidecast drain ls` says, a line each.
fn drain_ls(port: u16) -> Vec<Value> {
    let program = assert_cmd::cargo::cargo_bin("tidecast");
    let server = format!("http://127.0.0.1:{port}");
    let told =
        Command::new(program).args(["drain", "ls", "-o", "json", "--server", &server]).output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What it tells a Prometheus of itself.
#[expect(clippy::disallowed_methods, reason = "a test asks the service that it has started")]
fn metrics(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // D1, D2.1, D3.1, F29, S6.3
async fn tidecast_run_drains_by_what_prometheus_counts() {
    let begin_s = now().as_second();
    let account = account(begin_s);
    let mut group: Vec<String> = account.group("sfu").instances.iter().map(|one| one.id.clone()).collect();
    group.sort();
    let fleet: Vec<String> = account.bares().iter().map(|bare| bare.id.clone()).collect();
    let all = group.iter().zip(COUNTS).chain(fleet.iter().zip(COUNTS));
    let sessions: Vec<(&str, u32)> = all.map(|(id, count)| (id.as_str(), count)).collect();
    let Some(folder) = blocks(begin_s, &sessions, &[&group[1], &fleet[1]]) else { return };
    let Some(source) = prometheus(folder, &[]).await else { return };
    let wire = Wire::listen(account).await;
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let _tidecast = run(folder.path(), &config(&source.url(), &wire.url(), port));

    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let left = [&group, &fleet].map(|ids| (BTreeSet::from([ids[0].clone(), ids[1].clone()]), 5, 5));
    while seen(&wire) != left {
        assert!(now().as_second() < begin_s + PATIENCE_S, "not yet: {:?}\n{}", seen(&wire), log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // A minute more, in which neither the call ends nor the silent one is heard of.
    let until_s = now().as_second() + 60;
    while now().as_second() < until_s {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(seen(&wire), left, "{}", log());
    }
    let told = tokio::task::spawn_blocking(move || drain_ls(port)).await.unwrap();
    let kept: Vec<(&str, &str)> =
        told.iter().filter_map(|one| Some((one["node"]["name"].as_str()?, one["kept"].as_str()?))).collect();
    for ids in [&group, &fleet] {
        assert!(kept.contains(&(&ids[0], "2 sessions run on it")), "{told:?}");
        let (_, why) = kept.iter().find(|(node, _)| **node == ids[1]).expect("it drains");
        assert!(why.starts_with("its sessions were last counted at "), "{told:?}");
    }
    assert_eq!(kept.len(), 4, "{told:?}");
    let told = tokio::task::spawn_blocking(move || metrics(port)).await.unwrap();
    for name in ["group", "fleet"] {
        let has = |begin: String| told.lines().any(|line| line.starts_with(&begin));
        let drain = ["draining_servers", "draining_sessions"];
        assert!(
            drain.iter().all(|what| has(format!("tidecast_{what}{{workload=\"{name}\"}} 2.0"))),
            "{told}"
        );
        assert!(
            has(format!("tidecast_drains_ended_total{{workload=\"{name}\",cause=\"empty\"}} 1")),
            "{told}"
        );
    }
}
