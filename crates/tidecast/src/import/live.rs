//! What a cluster has now, for an import.

use std::sync::Arc;

use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

use super::Origin;
use crate::scaler::kubernetes::Cluster;
use crate::trouble::{Trouble, one_line};

/// How many objects are asked for at a time.
const PAGE: u32 = 500;

/// The objects of a cluster that an import reads, of one namespace or of all. What the Pods of targets request is read if
/// that is allowed, and learned otherwise.
///
/// # Errors
/// [`Trouble`] when the cluster does not list them.
pub async fn objects(
    cluster: &Arc<Cluster>,
    origin: Origin,
    namespace: Option<&str>,
) -> Result<Vec<Value>, Trouble> {
    let own: &[(&str, &str, &str, &str)] = match origin {
        Origin::Hpa => &[("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")],
        Origin::Keda => &[("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")],
        Origin::Asg => {
            return Err(Trouble::Unusable {
                who: "the import".into(),
                why: "no cluster knows Auto Scaling groups".into(),
            });
        }
    };
    let mut objects = Vec::new();
    for kind in own {
        objects.extend(list(cluster, *kind, namespace).await?);
    }
    let beside = [
        ("apps", "v1", "Deployment", "deployments"),
        ("apps", "v1", "StatefulSet", "statefulsets"),
        ("keda.sh", "v1alpha1", "TriggerAuthentication", "triggerauthentications"),
        ("keda.sh", "v1alpha1", "ScaledJob", "scaledjobs"),
    ];
    for kind in beside.into_iter().filter(|kind| origin == Origin::Keda || kind.0 == "apps") {
        objects.extend(list(cluster, kind, namespace).await.unwrap_or_default());
    }
    if origin == Origin::Keda {
        let everywhere =
            ("keda.sh", "v1alpha1", "ClusterTriggerAuthentication", "clustertriggerauthentications");
        objects.extend(list(cluster, everywhere, None).await.unwrap_or_default());
    }
    Ok(objects)
}

async fn list(
    cluster: &Arc<Cluster>,
    (group, version, kind, plural): (&str, &str, &str, &str),
    namespace: Option<&str>,
) -> Result<Vec<Value>, Trouble> {
    let client = cluster.speak().await?;
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let mut objects = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let answer = api.list(&page).await.map_err(|error| refused(cluster, kind, &error))?;
        for object in answer.items {
            let mut value = serde_json::to_value(object).unwrap_or_default();
            // Items of a list do not say what they are.
            value["apiVersion"] = resource.api_version.as_str().into();
            value["kind"] = kind.into();
            objects.push(value);
        }
        match answer.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = ListParams::default().limit(PAGE).continue_token(&token),
            None => return Ok(objects),
        }
    }
}

fn refused(cluster: &Cluster, kind: &str, error: &kube::Error) -> Trouble {
    let who = cluster.who();
    match error {
        kube::Error::Api(status) if status.code == 404 => {
            Trouble::Missing { who, what: format!("objects of the kind {kind}") }
        }
        kube::Error::Api(status) => {
            Trouble::Answered { who, status: status.code, said: one_line(&status.message) }
        }
        other => Trouble::Unreachable { who, why: one_line(&other.to_string()) },
    }
}
