//! `tidecast plan W --diff` for each hand, with rights to look and nothing more: it says what would be sent, ends with 10 if
//! that is anything, and nothing is sent.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tidecast_world::aws::{Account, Group, Policy};

use crate::aws::{Wire, shipped};
use crate::jitsi;
use crate::served::{free_port, now, project, write_demand};

/// The policies that ship, without anything that writes.
fn read_only() -> Policy {
    let fleet = std::fs::read_to_string(project("deploy/aws/policy-ec2-fleet.json")).unwrap();
    let fleet: Policy = serde_json::from_str(&fleet).unwrap();
    let mut policy = shipped();
    policy.statement.extend(fleet.statement);
    policy.statement.retain(|statement| statement.sid.starts_with("LookAt"));
    assert_eq!(policy.statement.len(), 2);
    policy
}

/// A receiver of decisions that has a fleet of two, and counts what is posted to it.
async fn receiver() -> (String, Arc<AtomicUsize>) {
    let posts = Arc::new(AtomicUsize::new(0));
    let counted = posts.clone();
    let fleet = || async { Json(json!({ "ordered": 2, "serving": 2, "complete": true })) };
    let taken = || async move { counted.fetch_add(1, Ordering::Relaxed).to_string() };
    let routes = Router::new().route("/", get(fleet).post(taken));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (url, posts)
}

struct Tidecast {
    process: Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Drop for Tidecast {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("tidecast")
}

impl Tidecast {
    fn run(workloads: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        write_demand(folder.path());
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("key", "canary-7f3a");
        write("token", jitsi::TOKEN);
        let server = format!("server: {{ listen: 127.0.0.1:{port}, turnEvery: 5s }}\n");
        let source = "sources: { file: { type: csv, path: demand.csv } }\nworkloads:\n";
        write("tidecast.yaml", &(server + source + workloads));
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program());
        command.arg("run").current_dir(folder.path());
        command.env("AWS_ACCESS_KEY_ID", "AKIDTEST").env("AWS_SECRET_ACCESS_KEY", "secret");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { process, folder, url: format!("http://127.0.0.1:{port}") }
    }

    /// What `plan --diff` says of a workload, and how it ends.
    fn diff(&self, workload: &str) -> (i32, String) {
        let output = Command::new(program())
            .args(["plan", workload, "--diff", "--server", &self.url])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    }

    /// The same, once it ends as it should and says all of this; a minute is waited for that.
    async fn until(&self, workload: &str, code: i32, parts: &[&str]) -> String {
        let mut last = (0, String::new());
        for _ in 0..120 {
            last = self.diff(workload);
            if last.0 == code && parts.iter().all(|part| last.1.contains(part)) {
                return last.1;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("{workload}: {last:?}\n{}", log(self.folder.path()));
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

fn workload(name: &str, bounds: &str, target: &str) -> String {
    format!(
        "- {{ name: {name}, demand: {{ source: file }}, capacity: {{ perReplica: 41 }}, startTime: 3m, {bounds}, target: {target} }}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // B2, S10
async fn say_what_would_be_sent_with_rights_to_look_only() {
    let begin_s = now().as_second();
    let mut account = Account::new(begin_s, 1);
    account.policy = Some(read_only());
    for (name, min, desired) in [("direct", 1, 2), ("schedule", 1, 2), ("right", 4, 4), ("floors", 4, 4)] {
        account.add(Group::new(name, min, desired, 40).settled(begin_s));
    }
    let wire = Wire::listen(account).await;
    let ((hook, posts), (jvb, group)) = (receiver().await, jitsi::stand_in().await);
    let cloud = wire.url();
    let asg = |group: &str, action: &str| {
        format!("{{ type: asg, group: {group}, region: eu-west-1, action: {action}, endpoint: '{cloud}' }}")
    };
    let ec2 = format!(
        "{{ type: ec2, fleet: encoders, region: eu-west-1, launchTemplate: encoder, endpoint: '{cloud}' }}"
    );
    let webhook = format!("{{ type: webhook, url: '{hook}', sight: '{hook}', secret: {{ file: key }} }}");
    let jitsi = format!("{{ type: jitsi, url: '{jvb}', group: jvb-eu, bearerToken: {{ file: token }} }}");
    let (wide, narrow) = ("maxReplicas: 40", "minReplicas: 3, maxReplicas: 4");
    let tidecast = Tidecast::run(
        &[
            workload("direct", wide, &asg("direct", "direct")),
            workload("schedule", wide, &asg("schedule", "schedule")),
            workload("ec2", wide, &ec2),
            workload("webhook", wide, &webhook),
            workload("jitsi", wide, &jitsi),
            workload("right", narrow, &asg("right", "direct")),
            workload("floors", narrow, &asg("floors", "schedule")),
        ]
        .concat(),
    );
    let set = |group: &str| format!("would send: SetDesiredCapacity {group} DesiredCapacity=1");
    tidecast.until("direct", 10, &["would: grow to 1", &set("direct")]).await;
    let put = "would send: PutScheduledUpdateGroupAction tidecast-";
    tidecast.until("schedule", 10, &["would: grow to 1", &set("schedule"), put]).await;
    tidecast.until("ec2", 10, &["would: grow to 1"]).await;
    tidecast.until("webhook", 10, &["would: grow to 1", "would send: POST to"]).await;
    let put = "would send: PUT /groups/jvb-eu/desired {\"minDesired\":1";
    tidecast.until("jitsi", 10, &["would: grow to 1", put]).await;
    assert_eq!(tidecast.until("right", 0, &[]).await, "", "a fleet of the right size");
    assert_eq!(tidecast.until("floors", 0, &[]).await, "", "and a schedule that needs no action");
    let account = wire.account();
    assert_eq!(account.log, [], "nothing was written: {}", log(tidecast.folder.path()));
    assert!(account.calls > 6 && account.bares().is_empty());
    assert_eq!((posts.load(Ordering::Relaxed), group.lock().unwrap().puts()), (0, 0));
}
