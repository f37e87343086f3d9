//! The rights that tidecast needs in a cluster, as data: what the manifests, the documentation and refusals say.

use super::kind::Kind;

/// What a role must allow: one rule of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The resources.
    pub resources: &'static [&'static str],
    /// The verbs.
    pub verbs: &'static [&'static str],
    /// Why.
    pub why: &'static str,
}

/// What tidecast may be used for; each has its rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Seeing: all that mode `observe` needs.
    Observe,
    /// Writing the scale subresource of Deployments and StatefulSets.
    Scale,
    /// Writing the floor of HPAs.
    HpaFloor,
    /// Writing the floor of ScaledObjects.
    KedaFloor,
    /// Telling Events.
    Events,
    /// Choosing which Pods go, where servers with sessions are drained.
    Drain,
    /// Keeping nodes ready through a CapacityBuffer.
    NodeHeadroom,
    /// Argo Rollouts as targets.
    Rollouts,
    /// Agones Fleets as targets.
    Fleets,
}

const SEEN: &[&str] = &["get", "list", "watch"];
/// Of what is only looked at among others, and never asked for by name.
const LISTED: &[&str] = &["list", "watch"];

impl Feature {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Observe,
        Self::Scale,
        Self::HpaFloor,
        Self::KedaFloor,
        Self::Events,
        Self::Drain,
        Self::NodeHeadroom,
        Self::Rollouts,
        Self::Fleets,
    ];

    /// Whether somebody who may only look has a use for it.
    pub const fn is_looked_at(self) -> bool {
        matches!(self, Self::Observe | Self::Rollouts | Self::Fleets)
    }

    /// What it needs, each in the namespaces of the targets, and nothing in others. Nothing here reads Secrets or
    /// reaches beyond namespaces.
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Self::Observe => &OBSERVE,
            Self::Scale => &SCALE,
            Self::HpaFloor => &HPA_FLOOR,
            Self::KedaFloor => &KEDA_FLOOR,
            Self::Events => &EVENTS,
            Self::Drain => &DRAIN,
            Self::NodeHeadroom => &NODE_HEADROOM,
            Self::Rollouts => &ROLLOUTS,
            Self::Fleets => &FLEETS,
        }
    }
}

const OBSERVE: [Right; 4] = [
    Right {
        group: "apps",
        resources: &["deployments", "statefulsets", "replicasets"],
        verbs: SEEN,
        why: "the sizes of targets, and who has set them",
    },
    Right {
        group: "",
        resources: &["pods"],
        verbs: LISTED,
        why: "which Pods serve, and how long they took to start",
    },
    Right {
        group: "autoscaling",
        resources: &["horizontalpodautoscalers"],
        verbs: LISTED,
        why: "whether an HPA owns a target",
    },
    Right {
        group: "keda.sh",
        resources: &["scaledobjects"],
        verbs: SEEN,
        why: "whether a ScaledObject owns a target",
    },
];

const SCALE: [Right; 2] = [
    Right {
        group: "apps",
        resources: &["deployments/scale", "statefulsets/scale", "replicasets/scale"],
        verbs: &["update"],
        why: "the number of replicas",
    },
    Right {
        group: "apps",
        resources: &["deployments", "statefulsets", "replicasets"],
        verbs: &["patch"],
        why: "the annotations that fence older decisions; nothing else is patched",
    },
];

const HPA_FLOOR: [Right; 1] = [Right {
    group: "autoscaling",
    resources: &["horizontalpodautoscalers"],
    verbs: &["get", "patch"],
    why: "spec.minReplicas, as it is just before it is written, and the annotations that fence older decisions",
}];

const KEDA_FLOOR: [Right; 1] = [Right {
    group: "keda.sh",
    resources: &["scaledobjects"],
    verbs: &["patch"],
    why: "spec.minReplicaCount and the annotations that fence older decisions",
}];

const EVENTS: [Right; 1] = [Right {
    group: "events.k8s.io",
    resources: &["events"],
    verbs: &["create", "patch"],
    why: "Events that say what was done and why not",
}];

const DRAIN: [Right; 1] = [Right {
    group: "",
    resources: &["pods"],
    verbs: &["patch"],
    why: "the marks of Pods that are to go: no new sessions, first to be removed",
}];

const NODE_HEADROOM: [Right; 1] = [Right {
    group: "autoscaling.x-k8s.io",
    resources: &["capacitybuffers"],
    verbs: &["get", "create", "patch"],
    why: "nodes that are ready before the Pods are ordered",
}];

const ROLLOUTS: [Right; 2] = [
    Right {
        group: "argoproj.io",
        resources: &["rollouts"],
        verbs: &["get", "list", "watch", "patch"],
        why: "Argo Rollouts as targets: their size, and the annotations that fence older decisions",
    },
    Right {
        group: "argoproj.io",
        resources: &["rollouts/scale"],
        verbs: &["get", "update"],
        why: "the number of replicas",
    },
];

const FLEETS: [Right; 2] = [
    Right {
        group: "agones.dev",
        resources: &["fleets"],
        verbs: &["get", "list", "watch", "patch"],
        why: "Agones Fleets as targets: their size, and the annotations that fence older decisions",
    },
    Right {
        group: "agones.dev",
        resources: &["fleets/scale"],
        verbs: &["get", "update"],
        why: "the number of replicas",
    },
];

/// The rule that would allow one thing, as it stands in a Role.
pub(super) fn rule(kind: &Kind, subresource: Option<&str>, verb: &str) -> String {
    let group = if kind.group.is_empty() { "\"\"" } else { &kind.group };
    let sub = subresource.map_or(String::new(), |sub| format!("/{sub}"));
    format!("{{apiGroups: [{group}], resources: [{}{sub}], verbs: [{verb}]}}", kind.plural)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = (Feature, &'static Right)> {
        Feature::ALL
            .into_iter()
            .flat_map(|feature| feature.rights().iter().map(move |right| (feature, right)))
    }

    #[test] // S9
    fn ask_for_nothing_that_is_not_needed() {
        for (feature, right) in all() {
            let stars = right.resources.iter().chain(right.verbs).any(|word| word.contains('*'));
            let secrets =
                right.resources.iter().any(|one| one.starts_with("secrets") || one.contains("token"));
            let deletes = right.verbs.iter().any(|verb| verb.starts_with("delete") || *verb == "escalate");
            assert!(!stars && !secrets && !deletes, "{feature:?}: {right:?}");
        }
    }

    #[test] // S9
    fn let_an_observer_read_only() {
        let read = Feature::Observe.rights().iter().flat_map(|right| right.verbs);
        assert!(read.into_iter().all(|verb| SEEN.contains(verb)));
    }
}
