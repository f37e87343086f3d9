use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use serde::Deserialize;
use tokio::time::Instant;

use super::ask::{Failed, Question, Why};
use super::cluster::Cluster;
use crate::trouble::Trouble;

/// A kind of object as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    /// The API group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The name of the kind: `Deployment`.
    pub kind: String,
    /// What stands in paths and rules: `deployments`.
    pub plural: String,
}

impl Kind {
    pub(super) fn new(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        let [group, version, kind, plural] = [group, version, kind, plural].map(str::to_owned);
        Self { group, version, kind, plural }
    }

    pub(super) fn pod() -> Self {
        Self::new("", "v1", "Pod", "pods")
    }

    pub(super) fn hpa() -> Self {
        Self::new("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
    }

    pub(super) fn scaled_object() -> Self {
        Self::new("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")
    }

    pub(super) fn event() -> Self {
        Self::new("events.k8s.io", "v1", "Event", "events")
    }

    pub(super) fn capacity_buffer() -> Self {
        Self::new("autoscaling.x-k8s.io", "v1beta1", "CapacityBuffer", "capacitybuffers")
    }

    /// Group and version as objects carry them.
    pub(super) fn api_version(&self) -> String {
        match self.group.is_empty() {
            true => self.version.clone(),
            false => format!("{}/{}", self.group, self.version),
        }
    }

    /// The path of one object, or of all in a namespace.
    pub(super) fn path(&self, namespace: &str, name: Option<&str>, subresource: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        let mut path = format!("{root}/{}/namespaces/{namespace}/{}", self.api_version(), self.plural);
        for part in [name, subresource].into_iter().flatten() {
            path = path + "/" + part;
        }
        path
    }

    /// Whether a reference by group and version and kind, such as an HPA's, means this kind, in whatever version.
    pub(super) fn is_meant_by(&self, api_version: &str, kind: &str) -> bool {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.kind == kind && self.group == group
    }

    /// Whether replicas and the selector of its Pods stand where Deployments have them, so that the object itself says
    /// what its scale subresource would.
    pub(super) fn is_plain(&self) -> bool {
        self.group == "apps" && BUILT_IN.iter().any(|(kind, _)| *kind == self.kind)
    }
}

impl fmt::Display for Kind {
    /// As rules and kubectl name it: `deployments.apps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plural)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

/// Kinds that every cluster serves with a scale subresource.
const BUILT_IN: [(&str, &str); 3] =
    [("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("ReplicaSet", "replicasets")];

/// The group and version of a kind that need not be said; none if it must.
pub fn home_of(kind: &str) -> Option<&'static str> {
    crate::config::KINDS.iter().find(|(known, _)| *known == kind).map(|(_, home)| *home)
}

/// What discovery has told, so that it is asked once.
#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<BTreeMap<(String, String), Kind>>);

impl Cluster {
    /// The kind, if the cluster serves it with a scale subresource.
    pub(super) async fn scalable(
        &self,
        api_version: &str,
        kind: &str,
        until: Instant,
    ) -> Result<Kind, Trouble> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let built_in = BUILT_IN.iter().find(|(name, _)| api_version == "apps/v1" && *name == kind);
        if let Some((_, plural)) = built_in {
            return Ok(Kind::new(group, version, kind, plural));
        }
        let key = (api_version.to_owned(), kind.to_owned());
        let known = self.kinds.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.discover(group, version, kind, until).await?;
        self.kinds.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(key, found.clone());
        Ok(found)
    }

    async fn discover(
        &self,
        group: &str,
        version: &str,
        kind: &str,
        until: Instant,
    ) -> Result<Kind, Trouble> {
        let home = Kind::new(group, version, kind, "");
        let api_version = home.api_version();
        let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{api_version}") };
        let served: Served = match self.read(Question::discovery(&path), until).await {
            Ok(served) => served,
            Err(Failed { why: Why::Missing, .. }) => {
                let what = format!("API {api_version}; is what brings {kind} installed?");
                return Err(Trouble::Missing { who: self.who(), what });
            }
            Err(failed) => return Err(failed.trouble),
        };
        let found = served.resources.iter().find(|one| one.kind == kind && !one.name.contains('/'));
        let Some(found) = found else {
            let what = format!("kind {kind} in {api_version}");
            return Err(Trouble::Missing { who: self.who(), what });
        };
        let scale = format!("{}/scale", found.name);
        if !served.resources.iter().any(|one| one.name == scale) {
            let what =
                format!("scale subresource for {kind} in {api_version}, so nothing says how to size it");
            return Err(Trouble::Missing { who: self.who(), what });
        }
        Ok(Kind { plural: found.name.clone(), ..home })
    }
}

#[derive(Deserialize)]
struct Served {
    resources: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    name: String,
    kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_paths_and_names_as_kubernetes_writes_them() {
        let hpa = Kind::hpa();
        assert_eq!(
            hpa.path("shop", Some("checkout"), None),
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/checkout"
        );
        assert_eq!(Kind::pod().path("shop", None, None), "/api/v1/namespaces/shop/pods");
        assert_eq!(
            [hpa.to_string(), Kind::pod().to_string()],
            ["horizontalpodautoscalers.autoscaling", "pods"]
        );
    }

    #[test]
    fn takes_another_version_for_the_same_kind_and_another_group_for_another() {
        let rollout = Kind::new("argoproj.io", "v1alpha1", "Rollout", "rollouts");
        assert!(rollout.is_meant_by("argoproj.io/v1beta1", "Rollout"));
        assert!(!rollout.is_meant_by("example.org/v1alpha1", "Rollout"));
        assert!(!rollout.is_meant_by("Rollout", "Rollout"));
    }
}
