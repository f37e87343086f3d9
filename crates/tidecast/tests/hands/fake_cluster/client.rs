use serde_json::{Value, json};

use crate::cluster::Cluster;

/// A client of `kube` for a cluster, as the administrator.
pub(super) async fn client(cluster: &Cluster) -> kube::Client {
    let config = kube::config::Kubeconfig::from_yaml(&cluster.kubeconfig()).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(config, &kube::config::KubeConfigOptions::default()).await;
    kube::Client::try_from(config.unwrap()).unwrap()
}

/// A Deployment of so many pods.
pub(super) fn deployment(name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "main:1", "resources": {"requests": {"cpu": "0.5"}}}]},
            },
        },
    })
}
