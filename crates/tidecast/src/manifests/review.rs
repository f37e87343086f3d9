//! Whether a cluster lets us do what the configuration needs, asked of the cluster itself.

use std::sync::Arc;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};

use super::rights::Rule;
use crate::scaler::kubernetes::Cluster;
use crate::trouble::{Trouble, one_line};

/// What of some rules the cluster does not allow in a namespace, each as the rule that is missing; in all namespaces if
/// none is named.
///
/// # Errors
/// [`Trouble`] when it does not say.
pub async fn missing(
    cluster: &Arc<Cluster>,
    namespace: Option<&str>,
    rules: &[Rule],
) -> Result<Vec<String>, Trouble> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.speak().await?);
    let mut missing = Vec::new();
    for rule in rules {
        for resource in rule.resources {
            let mut verbs = Vec::new();
            for verb in &rule.verbs {
                if !allowed(&reviews, cluster, asked(namespace, rule.group, resource, verb)).await? {
                    verbs.push(*verb);
                }
            }
            if !verbs.is_empty() {
                let group = if rule.group.is_empty() { "\"\"" } else { rule.group };
                missing.push(format!(
                    "{{apiGroups: [{group}], resources: [{resource}], verbs: [{}]}}",
                    verbs.join(", ")
                ));
            }
        }
    }
    Ok(missing)
}

fn asked(namespace: Option<&str>, group: &str, resource: &str, verb: &str) -> ResourceAttributes {
    let (resource, subresource) =
        resource.split_once('/').map_or((resource, None), |(one, sub)| (one, Some(sub)));
    ResourceAttributes {
        namespace: namespace.map(str::to_owned),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: subresource.map(str::to_owned),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    }
}

async fn allowed(
    reviews: &Api<SelfSubjectAccessReview>,
    cluster: &Cluster,
    attributes: ResourceAttributes,
) -> Result<bool, Trouble> {
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let answer = reviews
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| Trouble::Unreachable { who: cluster.who(), why: one_line(&error.to_string()) })?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
