//! The whole service as a process of its own: against a real Prometheus with four weeks in it, killed and started again,
//! with its source away, and with another source that says nothing but garbage.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidecast::api::{Role, fresh, openapi};
use tidecast::egress::{Address, Answer, Ask, Auth, Connector, Door, Limits, Rules, Verb};

use crate::garbage::proxy;
use crate::servers::{free_port, now, prometheus};
use crate::targets::Target;
use crate::weeks::{blocks, last_minute};

/// A server in a folder of its own; dropped, it is killed.
struct Served {
    folder: TempDir,
    port: u16,
    process: Child,
    tokens: BTreeMap<&'static str, SecretString>,
}

impl Served {
    /// With a token of each role.
    fn start(config: &str) -> Self {
        Self::start_with("", config)
    }

    /// The same with more in the section `server`.
    fn start_with(more: &str, config: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let roles = [("viewer", Role::Viewer), ("operator", Role::Operator), ("admin", Role::Admin)];
        let made = roles.map(|(name, role)| (name, fresh(name, role, None).unwrap()));
        let lines: Vec<&str> = made.iter().map(|(_, fresh)| fresh.line.as_str()).collect();
        std::fs::write(folder.path().join("tokens"), lines.join("\n")).unwrap();
        let server = format!(
            "server: {{ listen: 127.0.0.1:{port}, turnEvery: 5s, auth: {{ tokenFile: tokens }}{more} }}\n"
        );
        std::fs::write(folder.path().join("tidecast.yaml"), server + config).unwrap();
        let process = run(folder.path().join("log"), folder.path().to_owned());
        let tokens = made.into_iter().map(|(name, fresh)| (name, fresh.token)).collect();
        Self { folder, port, process, tokens }
    }

    /// Ends it without a farewell, and starts it again; how long until every workload has had a turn.
    async fn kill_and_restart(&mut self) -> Duration {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let killed = now();
        self.process = run(self.folder.path().join("log"), self.folder.path().to_owned());
        self.until("it is ready", |_| true).await;
        Duration::try_from(now().duration_since(killed)).unwrap()
    }

    fn connector(&self, role: &str) -> Connector {
        let url = format!("http://127.0.0.1:{}", self.port);
        let auth = self.tokens.get(role).map_or(Auth::None, |token| Auth::Bearer(token.clone()));
        let limits = Limits { total: Duration::from_secs(20), ..Limits::default() };
        let address = Address { auth, limits, ..Address::new("tidecast", &url) };
        Connector::new(&address, &Rules::new([Door::inside(&url).unwrap()])).unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.connector("viewer").ask(Ask { path, ..Ask::default() }).await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert!(answer.is_success(), "{path}: {}", answer.said());
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn post(&self, role: &str, path: &str, body: &Value) -> Answer {
        let body = Some(("application/json", body.to_string().into_bytes()));
        self.connector(role).ask(Ask { path, body, ..Ask::default() }).await.unwrap()
    }

    /// Waits until it is ready, and what `/api/v1/workloads/shop` says is as it should be.
    async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            let ready = self.connector("viewer").ask(Ask { path: "/readyz", ..Ask::default() }).await;
            if ready.is_ok_and(|answer| answer.is_success()) {
                last = self.json("/api/v1/workloads/shop").await;
                if is(&last) {
                    return last;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("a minute has gone by, and not yet {what}: {last:#}\n{log}");
    }

    /// Runs a command of tidecast against it.
    fn command(&self, role: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = assert_cmd::Command::cargo_bin("tidecast").unwrap();
        if let Some(token) = self.tokens.get(role) {
            let file = self.folder.path().join("token");
            std::fs::write(&file, token.expose_secret()).unwrap();
            command.env("TIDECAST_TOKEN_FILE", file);
        }
        let output = command
            .current_dir(self.folder.path())
            .env("TIDECAST_SERVER", format!("http://127.0.0.1:{}", self.port))
            .env("COLUMNS", "132")
            .args(arguments)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(log: PathBuf, folder: PathBuf) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("tidecast"));
    command.arg("run").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap()
}

fn condition<'a>(workload: &'a Value, kind: &str) -> &'a Value {
    workload["conditions"].as_array().unwrap().iter().find(|c| c["kind"] == kind).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // S1, S2, S3.4, S6.1, S9.1, B1, B3, A11, F21
async fn serves_over_kills_outages_and_garbage() {
    // As far into the future as this may take, so that measurements keep coming.
    let Some(folder) = blocks(last_minute() + 20) else { return };
    let Some(mut source) = prometheus(folder, &[]).await else { return };
    let liar = proxy(source.port).await;
    let config = format!(
        "store: {{ history: 28d }}\n\
         sources:\n  main: {{ type: prometheus, url: '{}' }}\n  liar: {{ type: prometheus, url: '{liar}', timeout: 1s }}\n\
         workloads:\n\
         - {{ name: shop, target: {{ type: none }}, demand: {{ source: main, query: sum(demand) }}, capacity: {{ perReplica: 40 }}, maxReplicas: 60 }}\n\
         - {{ name: misled, target: {{ type: none }}, demand: {{ source: liar, query: sum(demand) }}, capacity: {{ perReplica: 40 }}, maxReplicas: 60 }}\n",
        source.url()
    );
    let mut served = Served::start(&config);
    served
        .until("it has learned from four weeks", |shop| {
            shop["filled"] == 1.0
                && shop["forecast"]["model"] == "ensemble"
                && shop["forecast"]["fallback"].is_null()
        })
        .await;
    let day = served.json("/api/v1/workloads/shop/history").await;
    assert!(day["points"].as_array().unwrap().len() > 1_400, "{}", day["points"].as_array().unwrap().len());

    let until = now() + SignedDuration::from_hours(2);
    let floor = json!({ "workload": "shop", "change": { "floor": 47 }, "until": until, "reason": "sale" });
    let made = served.post("operator", "/api/v1/overrides", &floor).await;
    assert_eq!(made.status, 201, "{}", made.said());
    let took = served.kill_and_restart().await;
    assert!(took < Duration::from_secs(15), "{took:?} until every workload had a turn");
    let shop = served.until("the floor holds", |shop| shop["size"] == 47).await;
    assert!(shop["because"].as_str().unwrap().contains("by operator (sale)"), "{shop:#}");
    assert_eq!(condition(&shop, "ForecastReady")["holds"], true, "{shop:#}");

    source.kill();
    let shop = served
        .until("it sees that its source is away", |shop| condition(shop, "DataFresh")["holds"] == false)
        .await;
    assert!(shop["size"].as_u64().unwrap() >= 47 && shop["next"].is_object(), "{shop:#}");
    served.kill_and_restart().await;
    let shop = served.until("it plans by the stored forecast", |shop| shop["next"].is_object()).await;
    assert!(shop["size"] == 47 && shop["state"] == "observing", "{shop:#}");
    let (code, out) = served.command("viewer", &["doctor"]);
    assert!(code == 1 && out.contains("shop DataFresh") && out.contains("cannot be reached"), "{out}");
    source.restart().await;
    served.until("its source is believed again", |shop| condition(shop, "DataFresh")["holds"] == true).await;

    let metrics = String::from_utf8(served.get("/metrics").await.body).unwrap();
    for line in [
        "tidecast_forecast_demand{workload=\"shop\"",
        "tidecast_planned_size{",
        "tidecast_last_successful_turn",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    commands(&served);
    Command::new("kill").args(["-TERM", &served.process.id().to_string()]).status().unwrap();
    assert!(served.process.wait().unwrap().success());
    let (code, out) = served.command("viewer", &["audit", "verify", "tidecast-data"]);
    assert!(code == 0 && out.starts_with("whole:"), "{out}");
}

/// What people do at the command line.
fn commands(served: &Served) {
    let check = |role: &str, arguments: &[&str], code: i32, says: &[&str]| {
        let (ended, out) = served.command(role, arguments);
        assert_eq!(ended, code, "{arguments:?}: {out}");
        says.iter()
            .for_each(|said| assert!(out.contains(said), "{arguments:?} does not say {said:?}: {out}"));
        out
    };
    check("viewer", &["get"], 0, &["WORKLOAD", "shop", "observe"]);
    check("viewer", &["get", "nowhere"], 2, &["there is no workload"]);
    check("viewer", &["describe", "shop"], 0, &["at least 47 servers", "DataFresh"]);
    check(
        "viewer",
        &["explain", "shop"],
        0,
        &["47 servers would be right", "why not more", "the mode is observe"],
    );
    check("viewer", &["plan", "shop"], 0, &["BECAUSE", "47"]);
    check("viewer", &["plan", "shop", "--diff"], 10, &["would: grow to 47 servers"]);
    check("viewer", &["plan", "shop", "--diff", "-o", "json"], 10, &["\"would\":[\"grow to 47 servers\"]"]);
    forecasts(&check);
    check("viewer", &["pause", "shop", "--reason", "x"], 4, &["viewer is viewer", "operator"]);
    dry_runs(&check);
    check(
        "operator",
        &["pause", "shop", "--for", "1h", "--reason", "migration"],
        0,
        &["nothing is carried out for shop"],
    );
    check("operator", &["freeze", "--all", "--reason", "incident"], 0, &["all workloads"]);
    check("operator", &["override", "ls"], 0, &["sale", "migration", "incident"]);
    check("operator", &["resume", "shop"], 0, &["is lifted", "still halts all workloads"]);
    check("operator", &["resume", "--all", "--reason", "over"], 0, &["incident"]);
    check("viewer", &["audit", "--since", "1h"], 0, &["decreed", "withdrawn", "over"]);
    check("viewer", &["audit", "verify"], 0, &["whole:"]);
    let log = check("viewer", &["audit", "-o", "json"], 0, &["\"seq\":1"]);
    let file = |name: &str| served.folder.path().join(name);
    std::fs::write(file("log.json"), &log).unwrap();
    check("viewer", &["audit", "verify", "log.json"], 0, &["whole:"]);
    std::fs::write(file("forged.json"), log.replacen("sale", "tale", 1)).unwrap();
    check("viewer", &["audit", "verify", "forged.json"], 1, &["entry 1 does not follow"]);
    let briefing = tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(served.get("/api/v1/workloads/shop/briefing"))
    });
    std::fs::write(file("briefing.json"), &briefing.body).unwrap();
    check("viewer", &["replay", "briefing.json"], 0, &["the same decision, byte for byte"]);
    let other = String::from_utf8(briefing.body).unwrap().replacen("\"wanted\":", "\"wanted\":1", 1);
    std::fs::write(file("other.json"), other).unwrap();
    check("viewer", &["replay", "other.json"], 1, &["another decision"]);
}

/// Runs a command as somebody, with the exit code and the words that are expected; what it printed.
type Check<'a> = dyn Fn(&str, &[&str], i32, &[&str]) -> String + 'a;

/// The forecast of a workload, for people and for programs.
fn forecasts(check: &Check<'_>) {
    let said =
        ["forecast by ensemble", "80 % band", "planned capacity", "99.9 %", "each serving 40", "at least 47"];
    check("viewer", &["forecast", "shop", "--hours", "6"], 0, &said);
    let json =
        check("viewer", &["forecast", "shop", "--horizon", "90m", "-o", "json"], 0, &["\"version\":1"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    // One more if a step has ended since the forecast was made.
    assert!((18..=20).contains(&json["forecast"]["points"].as_array().unwrap().len()), "{json}");
    assert_eq!(json["plan"]["current"]["size"], 47);
    let csv = check("viewer", &["forecast", "shop", "--hours", "2", "-o", "csv"], 0, &["time,mean,q0.01"]);
    assert!((25..=26).contains(&csv.lines().count()), "{csv}");
    check("viewer", &["forecast", "nowhere"], 2, &["there is no workload \"nowhere\""]);
    check(
        "viewer",
        &["forecast", "shop", "--model", "last_week"],
        2,
        &["forecasts and plans by its configuration"],
    );
}

/// Nothing is changed by any command that is only tried.
fn dry_runs(check: &Check<'_>) {
    let before = check("viewer", &["audit", "-o", "json"], 0, &[]);
    let id = check("viewer", &["override", "ls", "-o", "csv"], 0, &["sale"]);
    let id = id.lines().nth(1).unwrap().rsplit(',').next().unwrap().trim().to_owned();
    check("operator", &["pause", "shop", "--reason", "x", "--dry-run"], 0, &["\"what\":\"all\""]);
    check("operator", &["freeze", "--all", "--scale-in", "--reason", "x", "--dry-run"], 0, &["scaleIn"]);
    let floor = ["override", "add", "shop", "--min", "3", "--for", "1h", "--reason", "x", "--dry-run"];
    check("operator", &floor, 0, &["\"floor\":3"]);
    check("operator", &["override", "end", &id, "--dry-run"], 0, &["sale"]);
    check("operator", &["override", "end", "o-nothing", "--dry-run"], 2, &["there is nothing of the id"]);
    check("operator", &["resume", "--all", "--dry-run"], 0, &["nothing was halted"]);
    let offline = ["freeze", "--all", "--reason", "x", "--offline", "tidecast-data", "--dry-run"];
    check("operator", &offline, 0, &["would be carried out"]);
    check("viewer", &["init", "--dry-run"], 2, &["is there already"]);
    check("viewer", &["init", "other.yaml", "--dry-run"], 0, &["would be written"]);
    check("viewer", &["store", "snapshot", "tidecast-data", "copy", "--dry-run"], 0, &["would be copied"]);
    assert_eq!(check("viewer", &["audit", "-o", "json"], 0, &[]), before);
    check("viewer", &["store", "check", "copy"], 1, &[]);
}

#[tokio::test] // F21, I8 of the safety invariants
async fn stays_frozen_by_a_file_whether_it_runs_or_not() {
    let mut served = Served::start(PUSHED);
    served.until("it is ready", |shop| shop["state"] == "observing").await;
    served.process.kill().unwrap();
    served.process.wait().unwrap();
    let folder = served.folder.path().join("tidecast-data").display().to_string();
    let freeze = ["freeze", "--all", "--reason", "incident 7", "--offline", &folder];
    let (code, out) = served.command("nobody", &freeze);
    assert!(code == 0 && out.contains("FREEZE"), "{out}");
    served.kill_and_restart().await;
    let shop = served.until("it is frozen from its first turn on", |shop| shop["state"] == "halted").await;
    assert!(condition(&shop, "Halted")["why"].as_str().unwrap().contains("(incident 7)"), "{shop:#}");
    let halts = served.json("/api/v1/halts").await;
    assert_eq!(halts["items"][0]["reason"], "incident 7");
    let path = "/api/v1/halts/the-file";
    let ask = Ask { path, verb: Verb::Delete, ..Ask::default() };
    let refused = served.connector("operator").ask(ask).await.unwrap();
    assert!(refused.status == 409 && refused.said().contains("FREEZE"), "{}", refused.said());
    let (code, out) = served.command("nobody", &["resume", "--all", "--offline", &folder]);
    assert!(code == 0 && out.contains("incident 7) is lifted"), "{out}");
    served.until("it goes on", |shop| shop["state"] == "observing").await;
}

#[tokio::test] // F36
async fn gives_a_sign_of_life_to_somebody_outside() {
    let watcher = Target::start(0.0).await;
    let more = format!(", heartbeat: {{ url: 'http://127.0.0.1:{}/ping?of=me' }}", watcher.port);
    let served = Served::start_with(&more, PUSHED);
    served.until("it is ready", |_| true).await;
    for _ in 0..100 {
        let metrics = String::from_utf8(served.get("/metrics").await.body).unwrap();
        let line =
            metrics.lines().find(|line| line.starts_with("tidecast_heartbeat_timestamp_seconds ")).unwrap();
        if line.split(' ').nth(1).unwrap().parse::<f64>().unwrap() > 1e9 {
            assert!(watcher.asked().contains("GET /ping?of=me "), "{}", watcher.asked());
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no heartbeat was taken within ten seconds");
}

#[tokio::test]
async fn is_watched_from_the_command_line() {
    let served = Served::start(PUSHED);
    served.until("it is ready", |_| true).await;
    let url = format!("http://127.0.0.1:{}", served.port);
    std::fs::write(served.folder.path().join("token"), served.tokens["viewer"].expose_secret()).unwrap();
    let mut watching = Command::new(assert_cmd::cargo::cargo_bin("tidecast"))
        .args(["get", "--watch=1s", "-o", "csv", "--token-file", "token", "--server", &url])
        .current_dir(served.folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let looks = lines.filter(|line| line.starts_with("shop,")).take(3).count();
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert_eq!(looks, 3);
}

const PUSHED: &str = "sources: { inbox: { type: push } }\n\
    workloads:\n- { name: shop, target: { type: none }, demand: { source: inbox }, maxReplicas: 9 }\n";

#[tokio::test] // S1, S2, S3 of the security list
async fn lets_nobody_do_what_their_token_does_not_allow() {
    let served = Served::start(PUSHED);
    served.until("it is ready", |_| true).await;
    let document = serde_json::to_value(openapi()).unwrap();
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{name}", "shop").replace("{id}", "x-1");
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "parameters") {
            let asked = |role: &'static str| {
                let connector = served.connector(role);
                let (path, method) = (path.clone(), method.clone());
                async move {
                    let body = (method == "post").then(|| ("application/json", b"{}".to_vec()));
                    let verb = if method == "delete" { Verb::Delete } else { Verb::Ask };
                    connector.ask(Ask { path: &path, body, verb, ..Ask::default() }).await
                }
            };
            let open = ["/healthz", "/readyz"].contains(&path.as_str());
            assert_eq!(
                asked("nobody").await.unwrap().status,
                if open { 200 } else { 401 },
                "{method} {path}"
            );
            if method != "get" {
                assert_eq!(asked("viewer").await.unwrap().status, 403, "{method} {path}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen} routes");
    assert_eq!(served.post("operator", "/api/v1/snapshots", &json!({})).await.status, 403);
    assert_eq!(served.post("admin", "/api/v1/snapshots", &json!({})).await.status, 201);
}

#[tokio::test] // S15 of the security list, C11
async fn keeps_to_its_limits_and_says_so() {
    let served = Served::start(PUSHED);
    served.until("it is ready", |_| true).await;
    let samples = "/api/v1/workloads/shop/samples";
    let push = |count: i64| {
        let point = |i: i64| json!({ "at": now() - SignedDuration::from_mins(i), "value": 3.0 });
        json!({ "points": (0..count).map(point).collect::<Vec<_>>() })
    };
    let taken = served.post("operator", samples, &push(10_000)).await;
    assert!(taken.is_success() && taken.said().contains("\"taken\":10000"), "{}", taken.said());
    assert_eq!(served.post("operator", samples, &push(10_001)).await.status, 400);
    let large = json!({ "points": [], "more": "x".repeat(1 << 20) });
    assert_eq!(served.post("operator", samples, &large).await.status, 413);
    for (path, status) in [
        ("/api/v1/workloads?limit=1000", 200),
        ("/api/v1/workloads?limit=1001", 400),
        ("/api/v1/workloads?limit=0", 400),
        ("/api/v1/workloads/shop/accuracy?days=9", 400),
        ("/api/v1/workloads/nothing", 404),
        ("/api/v1/nothing", 404),
        ("/api/v1/workloads/shop/history?from=soon", 400),
    ] {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let ask = Ask { path, query: &pairs, ..Ask::default() };
        let answer = served.connector("viewer").ask(ask).await.unwrap();
        assert_eq!(answer.status, status, "{path}?{query}: {}", answer.said());
        if status != 200 {
            let problem: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(problem["status"], status);
            assert!(!problem["detail"].as_str().unwrap().is_empty());
        }
    }
    let forever = json!({ "change": { "floor": 5 }, "until": now() + SignedDuration::from_hours(24 * 367), "reason": "x" });
    assert_eq!(served.post("operator", "/api/v1/overrides", &forever).await.status, 400);
    let silent =
        json!({ "change": { "floor": 5 }, "until": now() + SignedDuration::from_hours(1), "reason": " " });
    assert_eq!(served.post("operator", "/api/v1/overrides", &silent).await.status, 400);
}

#[tokio::test] // A11, F21, I7 of the safety invariants
async fn forgets_no_decree_that_it_acknowledged() {
    let mut served = Served::start(PUSHED);
    served.until("it is ready", |_| true).await;
    let mut acknowledged = Vec::new();
    let kills = std::env::var("TIDECAST_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3);
    for round in 0..kills {
        let until = now() + SignedDuration::from_hours(1);
        let connector = served.connector("operator");
        let writing = tokio::spawn(async move {
            let mut ids = Vec::new();
            loop {
                let body =
                    json!({ "change": { "floor": 5 }, "until": until, "reason": format!("round {round}") });
                let body = Some(("application/json", body.to_string().into_bytes()));
                let ask = Ask { path: "/api/v1/overrides", body, ..Ask::default() };
                let Ok(answer) = connector.ask(ask).await else { return ids };
                let Ok(made) = serde_json::from_slice::<Value>(&answer.body) else { return ids };
                ids.extend((answer.status == 201).then(|| made["id"].as_str().unwrap().to_owned()));
            }
        });
        tokio::time::sleep(Duration::from_millis(50 + 137 * round % 400)).await;
        served.kill_and_restart().await;
        acknowledged.extend(writing.await.unwrap());
        let mut kept = Vec::new();
        let mut after = String::new();
        loop {
            let query = [("limit", "1000"), ("after", after.as_str())];
            let ask = Ask { path: "/api/v1/overrides", query: &query, ..Ask::default() };
            let page = served.connector("viewer").ask(ask).await.unwrap();
            let page: Value = serde_json::from_slice(&page.body).unwrap();
            kept.extend(
                page["items"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        assert!(acknowledged.iter().all(|id| kept.contains(id)), "lost after {round} kills");
    }
    assert!(acknowledged.len() as u64 >= kills, "{} acknowledged", acknowledged.len());
}
