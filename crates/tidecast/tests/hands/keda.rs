//! KEDA's external scaler, asked by foreign clients.

mod load;
mod tls;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tidecast_pilot::WorkloadName;

use crate::served::{Served, free_port, project, python, write_demand};

/// A client in Python, made from KEDA's own description of the wire.
struct Foreign {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Foreign {
    /// One that asks at `port`, encrypted if there are files for that.
    fn start(port: u16, tls: &[&str]) -> Option<Self> {
        let python = python("grpc, grpc_tools", "grpc")?;
        let proto = project("crates/tidecast/proto/externalscaler.proto");
        let mut command = Command::new(python);
        command.arg(project("crates/tidecast/tests/hands/keda_client.py")).arg(proto);
        command.arg(format!("localhost:{port}")).args(tls).env("GRPC_VERBOSITY", "NONE");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Some(Self { process, to, from })
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.to, "{question}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{question} is answered by {line:?}"))
    }

    fn call(&mut self, call: &str, metadata: &Value) -> Value {
        self.ask(&json!({ "call": call, "metadata": metadata }))
    }

    /// The size that the workload is told.
    fn size(&mut self, workload: &str) -> Value {
        self.call("GetMetrics", &json!({ "workload": workload }))["ok"]["metricValues"][0]["metricValueFloat"]
            .take()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `checkout` is moved by KEDA, `quiet` observes, and of `young` nothing is known.
fn config(keda: &str) -> String {
    let workload = |name: &str, more: &str| {
        format!("- {{ name: shop/{name}, capacity: {{ perReplica: 41 }}, maxReplicas: 60, {more} }}\n")
    };
    format!(
        "{keda}sources: {{ file: {{ type: csv, path: demand.csv }}, inbox: {{ type: push }} }}\nworkloads:\n"
    ) + &workload(
        "checkout",
        "mode: full, demand: { source: file }, target: { type: keda, namespace: shop, name: checkout, action: trigger }",
    ) + &workload("quiet", "demand: { source: file }, target: { type: none }")
        + &workload(
            "young",
            "mode: full, demand: { source: inbox }, target: { type: keda, namespace: shop, name: young, action: trigger }",
        )
}

async fn served(keda: &str) -> Served {
    let folder = tempfile::tempdir().unwrap();
    write_demand(folder.path());
    Served::start(folder, &config(keda)).await
}

/// Waits until the turns know demand and forecast.
async fn knows(served: &Served) {
    for workload in ["shop/checkout", "shop/quiet"] {
        let known =
            |turned: &tidecast::drive::Turned| turned.briefing.as_ref().is_some_and(|b| b.issued.is_some());
        served.until(workload, "there is a forecast", known).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // B8, B1, B2
async fn answers_a_foreign_client_in_every_call() {
    let port = free_port();
    let served = served(&format!("keda: {{ listen: 127.0.0.1:{port} }}\n")).await;
    let Some(mut keda) = Foreign::start(port, &[]) else { return };
    let checkout = json!({ "scalerAddress": format!("localhost:{port}"), "workload": "shop/checkout" });
    let young = json!({ "workload": "shop/young" });
    assert_eq!(keda.call("IsActive", &young)["ok"]["result"], false, "no opinion is no error");
    let unknown = keda.call("GetMetrics", &young);
    assert_eq!(unknown["code"], "UNAVAILABLE", "{unknown}");
    assert!(
        unknown["said"].as_str().unwrap().starts_with("nothing is known yet of shop/young: "),
        "{unknown}"
    );
    let silent = keda.ask(&json!({ "call": "StreamIsActive", "metadata": young, "within": 2 }));
    assert_eq!(silent["code"], "DEADLINE_EXCEEDED", "a false would take a fleet without a minimum to zero");

    knows(&served).await;
    let spec = json!({ "metricSpecs": [{ "metricName": "shop-checkout-replicas", "targetSize": "1", "targetSizeFloat": 1.0 }] });
    assert_eq!(keda.call("GetMetricSpec", &checkout)["ok"], spec);
    assert_eq!(keda.call("StreamMetricSpec", &checkout)["ok"], spec, "at once, and the same");
    let told =
        keda.ask(&json!({ "call": "GetMetrics", "metadata": checkout, "metric": "shop-checkout-replicas" }));
    let size = told["ok"]["metricValues"][0]["metricValueFloat"].as_f64().unwrap();
    assert!((10.0..=20.0).contains(&size), "400 over 41 a server: {told}");
    let value = json!({ "metricName": "shop-checkout-replicas", "metricValue": size.to_string(), "metricValueFloat": size });
    assert_eq!(told["ok"]["metricValues"], json!([value]));
    let decided = served.until("shop/checkout", "KEDA has been heard", |turned| {
        turned.briefing.as_ref().is_some_and(|briefing| briefing.sighting.is_some())
    });
    let decided = decided.await;
    assert_eq!(f64::from(decided.decision.as_ref().unwrap().size.get()), size);
    assert_eq!(keda.call("IsActive", &checkout)["ok"]["result"], true);
    assert_eq!(keda.call("StreamIsActive", &checkout)["ok"]["result"], true);

    let demand = json!({ "workload": "shop/checkout", "metric": "demand" });
    let spec = keda.call("GetMetricSpec", &demand);
    assert_eq!(spec["ok"]["metricSpecs"][0]["targetSizeFloat"], 41.0, "{spec}");
    let told = keda.call("GetMetrics", &demand);
    assert_eq!(told["ok"]["metricValues"][0]["metricName"], "shop-checkout-demand");
    assert_eq!(told["ok"]["metricValues"][0]["metricValueFloat"], 41.0 * size, "{told}");

    samples(&mut keda);
    observes(&mut keda);
    refuses(&mut keda);
    served.stop().await;
}

/// What ships in `deploy/keda` is understood as it stands there.
fn samples(keda: &mut Foreign) {
    for (file, metric) in
        [("scaledobject", "shop-checkout-demand"), ("scaledobject-alone", "shop-checkout-replicas")]
    {
        let text = std::fs::read_to_string(project(&format!("deploy/keda/{file}.yaml"))).unwrap();
        let sample: Value = serde_saphyr::from_str(&text).unwrap();
        let spec = &sample["spec"];
        let triggers = spec["triggers"].as_array().unwrap();
        let ours = triggers
            .iter()
            .find(|trigger| trigger["type"].as_str().unwrap().starts_with("external"))
            .unwrap();
        let told = keda.call("GetMetricSpec", &ours["metadata"]);
        assert_eq!(told["ok"]["metricSpecs"][0]["metricName"], metric, "{file}: {told}");
        let behavior = &spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleUp"];
        assert_eq!(
            (&behavior["stabilizationWindowSeconds"], &behavior["tolerance"]),
            (&json!(0), &json!("0.01"))
        );
        if let Some(formula) = spec["advanced"]["scalingModifiers"]["formula"].as_str() {
            let names: Vec<_> = triggers.iter().map(|trigger| trigger["name"].as_str().unwrap()).collect();
            assert_eq!(formula, format!("max({})", names.join(", ")));
            let target: f64 =
                spec["advanced"]["scalingModifiers"]["target"].as_str().unwrap().parse().unwrap();
            assert_eq!(told["ok"]["metricSpecs"][0]["targetSizeFloat"], target, "both in one unit");
        }
    }
}

/// While it observes, what stands is not known here; so no number would hold it, and one is told only on request.
fn observes(keda: &mut Foreign) {
    let quiet = json!({ "workload": "shop/quiet" });
    let told = keda.call("GetMetrics", &quiet);
    assert_eq!(told["code"], "FAILED_PRECONDITION", "{told}");
    let said = told["said"].as_str().unwrap();
    assert!(said.contains("the mode is observe") && said.contains("observing: yield"), "{said}");
    assert_eq!(keda.call("IsActive", &quiet)["ok"]["result"], false);
    let yielding = json!({ "workload": "shop/quiet", "observing": "yield" });
    let told = keda.call("GetMetrics", &yielding);
    let value = json!({ "metricName": "shop-quiet-replicas", "metricValue": "0", "metricValueFloat": 0.0 });
    assert_eq!(
        told["ok"]["metricValues"],
        json!([value]),
        "no float of zero beside a whole number that is none"
    );
    assert_eq!(keda.call("IsActive", &yielding)["ok"]["result"], false);
    let silent = keda.ask(&json!({ "call": "StreamIsActive", "metadata": yielding, "within": 2 }));
    assert_eq!(
        silent["code"], "DEADLINE_EXCEEDED",
        "a false would end what another trigger keeps up: {silent}"
    );
}

fn refuses(keda: &mut Foreign) {
    let mut check = |call: &str, metadata: Value, code: &str, said: &str| {
        let told = keda.call(call, &metadata);
        assert_eq!((told["code"].as_str(), told["said"].as_str()), (Some(code), Some(said)));
    };
    let missing = "there is no workload `shop/nothing`; /api/v1/workloads and `tidecast get` list them";
    for call in ["IsActive", "GetMetrics", "StreamIsActive"] {
        check(call, json!({ "workload": "shop/nothing" }), "NOT_FOUND", missing);
    }
    for call in ["IsActive", "GetMetricSpec", "GetMetrics", "StreamIsActive", "StreamMetricSpec"] {
        let demand = json!({ "workload": "shop/nothing", "metric": "demand" });
        check(call, demand, "NOT_FOUND", missing);
        let none = "the trigger's metadata does not say which workload; write `workload: NAME`";
        check(call, json!({}), "INVALID_ARGUMENT", none);
    }
    // An HPA that is made before its workload is known has the right metric all the same.
    let early = json!([{ "metricName": "shop-nothing-replicas", "targetSize": "1", "targetSizeFloat": 1.0 }]);
    for call in ["GetMetricSpec", "StreamMetricSpec"] {
        assert_eq!(keda.call(call, &json!({ "workload": "shop/nothing" }))["ok"]["metricSpecs"], early);
    }
    let told = keda
        .ask(&json!({ "call": "GetMetrics", "metadata": { "workload": "shop/checkout" }, "metric": "s0-x" }));
    assert_eq!(told["said"], "there is no metric `s0-x` here, only `shop-checkout-replicas`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // B3, F32
async fn answers_while_the_store_is_down() {
    let port = free_port();
    let served = served(&format!("keda: {{ listen: 127.0.0.1:{port} }}\n")).await;
    let Some(mut keda) = Foreign::start(port, &[]) else { return };
    knows(&served).await;
    let size = keda.size("shop/checkout");
    assert!(size.as_f64().unwrap() >= 10.0, "{size}");
    let ledger = std::fs::read_dir(&served.known.folder).unwrap().map(|entry| entry.unwrap().path());
    let databases: Vec<_> =
        ledger.filter(|path| path.extension().is_some_and(|end| end == "db" || end == "sqlite")).collect();
    assert!(!databases.is_empty(), "{:?}", served.known.folder);
    let locks: Vec<_> = databases
        .iter()
        .map(|path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.busy_timeout(Duration::from_secs(20)).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            connection
        })
        .collect();
    let name = WorkloadName("shop/checkout".into());
    let mut troubled = false;
    for _ in 0..600 {
        assert_eq!(keda.size("shop/checkout"), size);
        troubled = served.known.board.seat(&name).unwrap().trouble.is_some();
        if troubled {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(troubled, "turns cannot be committed");
    assert_eq!(keda.size("shop/checkout"), size, "and KEDA is told what it was told before");
    drop(locks);
    served.stop().await;
}
