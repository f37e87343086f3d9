use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tidecast::manifests::rights::Access;
use tidecast::scaler::kubernetes::Kubernetes;
use tidecast::scaler::{Receipt, Scaler};
use tidecast_pilot::{Command, Decision, Plan, Reason, Size, Step};

use super::super::decisions::{decided, grow, named, shrink};
use super::super::place::{autoscaler, fleet, jiff_now, scaled_object, workload};
use super::{PLACE, Stage, seen};
use crate::served::Served;

/// Something that tidecast does in a cluster.
pub(super) struct Deed {
    pub name: &'static str,
    /// The least role under which it is done.
    pub access: Access,
    /// The API groups that it has to do with.
    pub groups: &'static [&'static str],
    pub act: for<'a> fn(&'a Stage) -> BoxFuture<'a, Result<(), String>>,
}

pub(super) const DEEDS: [Deed; 10] = [
    Deed {
        name: "seeing what stands",
        access: Access::Observe,
        groups: &["apps", "", "autoscaling", "keda.sh"],
        act: |stage| see(stage).boxed(),
    },
    Deed {
        name: "seeing Rollouts and Fleets",
        access: Access::Observe,
        groups: &["argoproj.io", "agones.dev"],
        act: |stage| see_custom(stage).boxed(),
    },
    Deed {
        name: "workloads as resources",
        access: Access::Observe,
        groups: &["tidecast.dev"],
        act: |stage| operate(stage).boxed(),
    },
    Deed {
        name: "the number of replicas",
        access: Access::Act,
        groups: &["apps"],
        act: |stage| scale(stage).boxed(),
    },
    Deed {
        name: "the floor of an HPA",
        access: Access::Act,
        groups: &["autoscaling"],
        act: |stage| raise_hpa(stage).boxed(),
    },
    Deed {
        name: "the floor of a ScaledObject",
        access: Access::Act,
        groups: &["keda.sh"],
        act: |stage| raise_scaled_object(stage).boxed(),
    },
    Deed {
        name: "Events",
        access: Access::Act,
        groups: &["events.k8s.io"],
        act: |stage| tell(stage).boxed(),
    },
    Deed { name: "draining", access: Access::Act, groups: &[""], act: |stage| drain(stage).boxed() },
    Deed {
        name: "nodes kept ready",
        access: Access::Act,
        groups: &["autoscaling.x-k8s.io"],
        act: |stage| keep_nodes(stage).boxed(),
    },
    Deed {
        name: "the size of Rollouts and Fleets",
        access: Access::Act,
        groups: &["argoproj.io", "agones.dev"],
        act: |stage| scale_custom(stage).boxed(),
    },
];

const PLAIN: [(&str, &str); 3] = [
    ("Deployment", "deployments.apps"),
    ("StatefulSet", "statefulsets.apps"),
    ("ReplicaSet", "replicasets.apps"),
];

async fn see(stage: &Stage) -> Result<(), String> {
    for (kind, _) in PLAIN {
        let name = kind.to_lowercase();
        stage.install(workload(kind, &name, 2));
        let hand = stage.hand(kind, &name);
        seen(&hand, "two serve", |seen| seen.complete && seen.serving.get() == 2 && seen.ordered.get() == 2)
            .await?;
        tells_what_is_missing(&stage.hand(kind, "nowhere")).await?;
    }
    let hand = stage.hand("Deployment", "deployment");
    stage.patch(
        &format!("/apis/apps/v1/namespaces/{PLACE}/deployments/deployment"),
        &json!({ "spec": { "replicas": 3 } }),
    );
    seen(&hand, "three serve", |seen| seen.serving.get() == 3).await?;
    stage.install(workload("Deployment", "owned", 3));
    stage.install(autoscaler("owned", 2, 9));
    seen(&stage.hand("Deployment", "owned"), "an HPA owns it", |seen| seen.ordered.get() == 2).await?;
    stage.install(workload("Deployment", "kept", 5));
    stage.install(scaled_object("kept", 4, 9));
    seen(&stage.hand("Deployment", "kept"), "KEDA owns it", |seen| seen.ordered.get() == 4).await?;
    tells_what_is_missing(&Kubernetes::scaled_object(stage.cluster.clone(), "shop/x", PLACE, "nowhere")).await
}

/// What is not there is missing, and not hidden.
async fn tells_what_is_missing(hand: &Kubernetes) -> Result<(), String> {
    match hand.sight(jiff_now()).await {
        Err(trouble) if trouble.kind() == "missing" => Ok(()),
        Err(trouble) => Err(trouble.to_string()),
        Ok(_) => Err("it sees what is not there".into()),
    }
}

async fn see_custom(stage: &Stage) -> Result<(), String> {
    for (kind, object) in [("Rollout", workload("Rollout", "x", 2)), ("Fleet", fleet("x", 2))] {
        stage.install(object);
        seen(&stage.hand(kind, "x"), "two are ordered", |seen| seen.ordered.get() == 2).await?;
        tells_what_is_missing(&stage.hand(kind, "nowhere")).await?;
    }
    Ok(())
}

async fn operate(stage: &Stage) -> Result<(), String> {
    stage.install(workload("Deployment", "web", 2));
    let resource = |max: u32| {
        json!({
            "apiVersion": "tidecast.dev/v1alpha1", "kind": "PredictiveScaler", "metadata": { "name": "web" },
            "spec": { "target": { "type": "kubernetes", "name": "web" }, "demand": { "source": "main" }, "maxReplicas": max },
        })
    };
    stage.install(resource(9));
    let config = format!(
        "clusters: {{ here: {{ kubeconfig: '{}' }} }}\noperator: {{ namespaces: [{PLACE}] }}\nsources: {{ main: {{ type: push }} }}\n",
        stage.folder.path().join("kubeconfig").display()
    );
    let served = Served::start(tempfile::tempdir().unwrap(), &config).await;
    let most = || served.known.config().workloads.first().map(|workload| workload.max_replicas);
    comes("it is driven", || most() == Some(9)).await?;
    let told = || stage.field("predictivescalers.tidecast.dev", "web", "/status/observedGeneration");
    comes("its status is told", || told() == 1).await?;
    let path = format!("/apis/tidecast.dev/v1alpha1/namespaces/{PLACE}/predictivescalers/web");
    stage.patch(&path, &json!({ "spec": { "maxReplicas": 12 } }));
    comes("the edit is driven", || most() == Some(12)).await?;
    comes("its status follows", || told() == 2).await
}

/// Waits for something to come about; turns come every five seconds.
async fn comes(what: &str, is: impl Fn() -> bool) -> Result<(), String> {
    for _ in 0..150 {
        if is() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Err(format!("it does not come about that {what}"))
}

async fn carry(hand: &Kubernetes, decision: &Decision) -> Result<(), String> {
    match hand.carry_out(decision).await {
        Ok(Receipt::Done(_)) => Ok(()),
        Ok(receipt) => Err(receipt.to_string()),
        Err(trouble) => Err(trouble.to_string()),
    }
}

fn equal(found: &Value, wanted: u32) -> Result<(), String> {
    if *found == wanted { Ok(()) } else { Err(format!("{found} stands there, not {wanted}")) }
}

async fn scale(stage: &Stage) -> Result<(), String> {
    for (kind, resource) in PLAIN {
        stage.install(workload(kind, "web", 1));
        carry(&stage.hand(kind, "web"), &grow(1, 1, 2)).await?;
        equal(&stage.field(resource, "web", "/spec/replicas"), 2)?;
        // One web after the other: the Pods of all have the same labels.
        let (group, plural) = ("/apis/apps/v1", resource.trim_end_matches(".apps"));
        stage.fake.ask("DELETE", &format!("{group}/namespaces/{PLACE}/{plural}/web"), &Value::Null);
    }
    Ok(())
}

async fn raise_hpa(stage: &Stage) -> Result<(), String> {
    stage.install(workload("Deployment", "web", 1));
    stage.install(autoscaler("web", 1, 9));
    carry(&stage.hand("Deployment", "web"), &grow(1, 1, 2)).await?;
    equal(&stage.field("horizontalpodautoscalers.autoscaling", "web", "/spec/minReplicas"), 2)
}

async fn raise_scaled_object(stage: &Stage) -> Result<(), String> {
    stage.install(workload("Deployment", "web", 1));
    stage.install(scaled_object("web", 1, 9));
    carry(&stage.hand("Deployment", "web"), &grow(1, 1, 2)).await?;
    let by_name = Kubernetes::scaled_object(stage.cluster.clone(), "shop/web", PLACE, "web");
    carry(&by_name, &grow(2, 2, 3)).await?;
    equal(&stage.field("scaledobjects.keda.sh", "web", "/spec/minReplicaCount"), 3)
}

async fn tell(stage: &Stage) -> Result<(), String> {
    stage.install(workload("Deployment", "web", 3));
    let hand = stage.hand("Deployment", "web");
    for turn in 1..=2 {
        // Decided where one stood, and three stand there: refused, and told as one series.
        if hand.carry_out(&shrink(turn, 1, 0)).await.is_ok() {
            return Err("it takes away what was not decided".into());
        }
    }
    let path = format!("/apis/events.k8s.io/v1/namespaces/{PLACE}/events");
    let listed: Value = serde_json::from_slice(&stage.fake.ask("GET", &path, &Value::Null).body).unwrap();
    let mut events = listed["items"].as_array().unwrap().iter();
    let told = events.find(|event| event["reason"] == "NotCarriedOut").ok_or("nothing is told")?;
    equal(&told["series"]["count"], 2)
}

async fn drain(stage: &Stage) -> Result<(), String> {
    stage.install(workload("Deployment", "sfu", 2));
    let hand = stage.hand("Deployment", "sfu");
    let fleet = seen(&hand, "two serve", |seen| seen.serving.get() == 2).await?;
    let pod = fleet.nodes[0].name.0.clone();
    carry(&hand, &decided(1, 2, vec![Command::Drain { node: named(&pod) }]))
        .await
        .map_err(|said| said.replace(&pod, "sfu"))?;
    let empty = json!({ "tidecast.dev/sessions": "0", "tidecast.dev/sessions-at": jiff_now().to_string() });
    let path = format!("/api/v1/namespaces/{PLACE}/pods/{pod}");
    stage.patch(&path, &json!({ "metadata": { "annotations": empty } }));
    carry(&hand, &decided(2, 2, vec![Command::Terminate { node: named(&pod) }])).await?;
    equal(&stage.field("deployments.apps", "sfu", "/spec/replicas"), 1)
}

async fn keep_nodes(stage: &Stage) -> Result<(), String> {
    stage.install(workload("Deployment", "web", 1));
    let hand = stage.hand("Deployment", "web").with_headroom(jiff::SignedDuration::from_mins(15));
    for (turn, size) in [(1, 4), (2, 6)] {
        let mut decision = decided(turn, 1, Vec::new());
        let at = decision.at + jiff::SignedDuration::from_mins(10);
        let step = Step { at, size: Size(size), because: Reason::Standing, limits: Vec::new() };
        decision.plan = Arc::new(Plan { steps: vec![step], ..Plan::default() });
        carry(&hand, &decision).await?;
        equal(
            &stage.field("capacitybuffers.autoscaling.x-k8s.io", "web-tidecast", "/spec/replicas"),
            size - 1,
        )?;
    }
    Ok(())
}

async fn scale_custom(stage: &Stage) -> Result<(), String> {
    let kinds = [
        ("Rollout", "rollouts.argoproj.io", workload("Rollout", "x", 2)),
        ("Fleet", "fleets.agones.dev", fleet("x", 2)),
    ];
    for (kind, resource, object) in kinds {
        stage.install(object);
        carry(&stage.hand(kind, "x"), &grow(1, 2, 4)).await?;
        equal(&stage.field(resource, "x", "/spec/replicas"), 4)?;
    }
    Ok(())
}
