use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;

use super::client::deployment;
use crate::cluster::{Clock, Cluster, Setup, definition};

/// kubectl at work: everything that it says, as a person would see it.
struct Desk {
    cluster: Cluster,
    home: TempDir,
    program: PathBuf,
    transcript: String,
}

/// Goldens are of what this version and later ones say.
const MINOR: u32 = 27;

/// kubectl, if it is new enough for the goldens.
fn kubectl() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(program) =
        std::env::split_paths(&path).map(|folder| folder.join("kubectl")).find(|file| file.is_file())
    else {
        eprintln!("skipped: kubectl is not installed; Debian has it in kubernetes-client");
        return None;
    };
    let output = Command::new(&program).args(["version", "--client", "-o", "json"]).output().ok()?;
    let version: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let minor = version["clientVersion"]["minor"].as_str()?.trim_end_matches('+').parse::<u32>().ok()?;
    if minor < MINOR {
        eprintln!("skipped: kubectl 1.{minor} is older than 1.{MINOR}");
        return None;
    }
    Some(program)
}

impl Desk {
    /// A cluster whose clock stands, so that every age is known.
    async fn new(program: PathBuf) -> Self {
        let clock = Clock::still("2026-03-02T06:00:00Z".parse().unwrap());
        let cluster = Cluster::start_as(Setup { seed: 7, clock, port: 0 }).await;
        Self { cluster, home: TempDir::new().unwrap(), program, transcript: String::new() }
    }

    async fn say(&mut self, line: &str) {
        self.feed(line, "").await;
    }

    /// One command with what it reads; what it says goes to the transcript, without what differs from run to run.
    async fn feed(&mut self, line: &str, input: &str) {
        let mut command = Command::new(&self.program);
        command
            .args(words(line))
            .env("KUBECONFIG", self.cluster.kubeconfig_path())
            .env("HOME", self.home.path());
        command.env("EDITOR", "sed -i s/replicas:.4/replicas:\\ 5/");
        let input = input.to_owned();
        let run = move || {
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        self.transcript += &format!("$ kubectl {line}\n{}\n", steady(&said));
        self.cluster.advance(SignedDuration::from_secs(5));
    }
}

/// Words as a shell divides them: quotes hold them together.
fn words(line: &str) -> Vec<String> {
    let parts = Regex::new(r#"'([^']*)'|(\S+)"#).unwrap();
    parts
        .captures_iter(line)
        .map(|found| found.get(1).or(found.get(2)).unwrap().as_str().to_owned())
        .collect()
}

/// Without what kubectl reckons by the clock on the wall, or says differently from version to version.
fn steady(said: &str) -> String {
    let events =
        Regex::new(r"(?m)^(  (?:Normal|Warning)\s+\w+\s+)(?:\S+(?: \(x\d+ over \S+\))?|<unknown>)(\s+)")
            .unwrap();
    let waits = Regex::new(r"(?m)^Waiting for deployment.*\n").unwrap();
    let said = events.replace_all(said, "${1}…${2}");
    waits.replace_all(&said, "").replace("\" deleted from default namespace", "\" deleted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_does_its_daily_work() {
    let Some(program) = kubectl() else { return };
    let mut desk = Desk::new(program).await;
    let web = deployment("web", 2).to_string();
    desk.feed("apply -f -", &web).await;
    desk.say("rollout status deployment/web --timeout=20s").await;
    desk.say("wait --for=condition=Available deployment/web --timeout=20s").await;
    desk.say("get deployments,replicasets,pods -o wide").await;
    desk.say("scale deployment/web --replicas=4").await;
    desk.say("get deployment web").await;
    desk.feed("apply -f -", &web).await;
    desk.say("annotate deployment web team=tides").await;
    desk.say("label deployment web tier=front").await;
    desk.say("patch deployment web -p '{\"spec\":{\"replicas\":4}}'").await;
    desk.say("edit deployment web").await;
    desk.say("describe deployment web").await;
    desk.say("delete deployment web").await;
    desk.say("get all").await;
    insta::assert_snapshot!("daily_work", desk.transcript);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_applies_on_the_server_and_names_who_owns_a_field() {
    let Some(program) = kubectl() else { return };
    let mut desk = Desk::new(program).await;
    desk.cluster.install(deployment("web", 2));
    desk.say("autoscale deployment web --min=2 --max=10 --cpu-percent=50").await;
    let floor = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {"minReplicas": 3},
    });
    desk.feed("apply --server-side --field-manager=tidecast -f -", &floor.to_string()).await;
    desk.feed("apply --server-side --field-manager=tidecast --force-conflicts -f -", &floor.to_string())
        .await;
    desk.cluster.advance(SignedDuration::from_secs(16));
    desk.say("get hpa web").await;
    desk.say("get hpa web -o yaml --show-managed-fields").await;
    desk.say(
        "patch hpa web --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/maxReplicas\",\"value\":1}]'",
    )
    .await;
    desk.say("get events").await;
    insta::assert_snapshot!("server_side_apply", desk.transcript);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_asks_what_is_allowed_and_what_there_is() {
    let Some(program) = kubectl() else { return };
    let mut desk = Desk::new(program).await;
    desk.say("auth can-i create deployments").await;
    desk.say("auth can-i create deployments --as=bob").await;
    desk.say("get pods --as=bob").await;
    desk.say("create serviceaccount ci").await;
    desk.say("create rolebinding ci --clusterrole=view --serviceaccount=default:ci").await;
    desk.say("auth can-i list pods --as=system:serviceaccount:default:ci").await;
    desk.say("create namespace x").await;
    desk.say("create configmap settings -n x --from-literal=a=b").await;
    desk.say("get configmaps -n x").await;
    desk.say("delete namespace x").await;
    desk.say("api-resources").await;
    desk.feed("create -f -", &definition("scaledobjects").to_string()).await;
    desk.say("wait --for=condition=Established crd/scaledobjects.keda.sh --timeout=20s").await;
    desk.say("explain scaledobject.spec.triggers").await;
    desk.say("get scaledobjects").await;
    insta::assert_snapshot!("rights_and_kinds", desk.transcript);
}
