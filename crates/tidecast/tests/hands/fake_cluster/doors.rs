use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use tidecast_world::kubernetes::{Fault, Strike, User};

use super::client::{client, deployment};
use crate::cluster::Cluster;

async fn as_user(config: String) -> kube::Client {
    let config = kube::config::Kubeconfig::from_yaml(&config).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(config, &kube::config::KubeConfigOptions::default()).await;
    kube::Client::try_from(config.unwrap()).unwrap()
}

fn code(error: kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("a refusal by the server, not {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_tokens_are_known_and_nothing_else_is() {
    let cluster = Cluster::start().await;
    let admin: Api<Deployment> = Api::default_namespaced(client(&cluster).await);
    assert!(admin.list(&ListParams::default()).await.unwrap().items.is_empty());
    let nobody = User::service_account("default", "nobody");
    let nobody: Api<Deployment> = Api::default_namespaced(as_user(cluster.kubeconfig_of(&nobody)).await);
    assert_eq!(code(nobody.list(&ListParams::default()).await.unwrap_err()), 403);
    let forged = cluster.kubeconfig_of(&User::admin()).replace("token-of", "token-by");
    let forged: Api<Deployment> = Api::default_namespaced(as_user(forged).await);
    assert_eq!(code(forged.list(&ListParams::default()).await.unwrap_err()), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kube_writes_conflicts_and_recovers() {
    let cluster = Cluster::start().await;
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster).await);
    let made = api
        .create(&PostParams::default(), &serde_json::from_value(deployment("web", 2)).unwrap())
        .await
        .unwrap();
    let scale = json!({"spec": {"replicas": 4}});
    let scaled = api.patch_scale("web", &PatchParams::default(), &Patch::Merge(&scale)).await.unwrap();
    assert_eq!(scaled.status.unwrap().selector.as_deref(), Some("app=web"));
    assert_eq!(code(api.replace("web", &PostParams::default(), &made).await.unwrap_err()), 409);
    let mine = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3}});
    let apply = PatchParams::apply("tidecast");
    assert_eq!(code(api.patch("web", &apply, &Patch::Apply(&mine)).await.unwrap_err()), 409);
    let taken = api.patch("web", &apply.force(), &Patch::Apply(&mine)).await.unwrap();
    assert_eq!(taken.spec.unwrap().replicas, Some(3));
    // The client tries a few failures again by itself, so this one lasts.
    cluster.state().faults.strikes.push(Strike::all(Fault::Failure(500)).at("/deployments"));
    assert_eq!(code(api.get("web").await.unwrap_err()), 500);
    cluster.state().faults.heal();
    api.get("web").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kinds_of_others_are_served() {
    let cluster = Cluster::start().await;
    cluster.install_kinds_of_others();
    let buffer = |spec| json!({"apiVersion": "autoscaling.x-k8s.io/v1beta1", "kind": "CapacityBuffer", "metadata": {"name": "b"}, "spec": spec});
    let path = "/apis/autoscaling.x-k8s.io/v1beta1/namespaces/default/capacitybuffers";
    let deployment_d = json!({"kind": "Deployment", "name": "d"});
    let both = buffer(json!({"podTemplateRef": {"name": "p"}, "scalableRef": deployment_d, "replicas": 3}));
    let refused = cluster.ask("POST", path, &both).value();
    assert_eq!(
        refused["details"]["causes"][0]["message"],
        "Invalid value: \"object\": You must define either PodTemplateRef or ScalableRef, but not both"
    );
    assert_eq!(
        cluster.ask("POST", path, &buffer(json!({"podTemplateRef": {"name": "p"}, "replicas": 3}))).status,
        201
    );
    let trigger = json!({"type": "external", "metadata": {"scalerAddress": "tidecast:9090", "value": "5"}});
    cluster.install(deployment("web", 2));
    cluster.install(json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "web", "annotations": {"tidecast.dev/turn": "7"}},
        "spec": {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 3, "maxReplicaCount": 9, "triggers": [trigger]},
    }));
    let made = || {
        let state = cluster.state();
        state.get("horizontalpodautoscalers.autoscaling", "default", "keda-hpa-web").cloned()
    };
    assert_eq!(made(), None, "KEDA makes an HPA in its own time");
    while made().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let hpa = made().expect("it was there a moment ago");
    assert_eq!((&hpa["spec"]["minReplicas"], &hpa["spec"]["maxReplicas"]), (&json!(3), &json!(9)));
    assert_eq!(hpa["metadata"]["annotations"]["tidecast.dev/turn"], "7", "KEDA hands annotations on");
}
