use std::sync::Arc;

use serde_json::{Value, json};

use super::kind::{Form, Kind, Scale};
use super::tree::{list, text};

/// Every kind that is served at the moment: Kubernetes' own, and what definitions added.
#[derive(Debug, Clone)]
pub(crate) struct Kinds(Vec<Arc<Kind>>);

const EVERYWHERE: bool = false;
const NAMESPACED: bool = true;

impl Kinds {
    /// Kubernetes' own kinds.
    pub(crate) fn own() -> Self {
        Self(own().into_iter().map(Arc::new).collect())
    }

    pub(crate) fn all(&self) -> &[Arc<Kind>] {
        &self.0
    }

    /// The kind behind a path.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.0.iter().find(|kind| kind.plural == plural && kind.group == group && kind.version == version)
    }

    /// The kind that an object says it is of; any version of it will do.
    pub(crate) fn of(&self, api_version: &str, name: &str) -> Option<&Arc<Kind>> {
        let exact = self.0.iter().find(|kind| kind.kind == name && kind.api_version() == api_version);
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        exact.or_else(|| self.0.iter().find(|kind| kind.kind == name && kind.group == group))
    }

    /// The stored version of a resource as `deployments.apps`.
    pub(crate) fn stored(&self, resource: &str) -> Option<&Arc<Kind>> {
        self.0.iter().find(|kind| kind.stored && kind.resource() == resource)
    }

    /// Takes up what the definitions define now, in place of what they defined before.
    pub(crate) fn define<'a>(&mut self, definitions: impl Iterator<Item = &'a Value>) {
        self.0.retain(|kind| !kind.is_custom());
        self.0.extend(definitions.flat_map(defined).map(Arc::new));
    }
}

/// The kinds of a definition: one for each version that it serves.
fn defined(definition: &Value) -> Vec<Kind> {
    let names = |field: &str| text(definition, &format!("/spec/names/{field}")).to_owned();
    let many = |field: &str| {
        let all = list(definition, &format!("/spec/names/{field}")).iter();
        all.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let versions = list(definition, "/spec/versions").iter().filter(|version| version["served"] == true);
    versions
        .map(|version| Kind {
            group: text(definition, "/spec/group").to_owned(),
            version: text(version, "/name").to_owned(),
            kind: names("kind"),
            plural: names("plural"),
            singular: Some(names("singular"))
                .filter(|one| !one.is_empty())
                .unwrap_or(names("kind").to_lowercase()),
            short: many("shortNames"),
            categories: many("categories"),
            namespaced: text(definition, "/spec/scope") == "Namespaced",
            status: version.pointer("/subresources/status").is_some(),
            scale: version.pointer("/subresources/scale").map(scale),
            form: Form::Custom(Arc::new(rooted(version))),
            stored: version["storage"] == true,
        })
        .collect()
}

/// The pointers of a definition's scale subresource, which it writes as `.spec.replicas`.
fn scale(told: &Value) -> Scale {
    let pointer = |field: &str| text(told, field).replace('.', "/");
    Scale {
        wanted: pointer("/specReplicasPath"),
        there: pointer("/statusReplicasPath"),
        selector: Some(pointer("/labelSelectorPath")).filter(|path| !path.is_empty()),
    }
}

/// The version with what every object has at its root, and with a mark on objects that keep nothing unknown.
fn rooted(version: &Value) -> Value {
    let mut version = version.clone();
    if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
        mark(schema);
        let root = super::tree::map(schema, "/properties");
        root.insert("apiVersion".to_owned(), json!({"type": "string"}));
        root.insert("kind".to_owned(), json!({"type": "string"}));
        let metadata = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
        root.insert("metadata".to_owned(), json!({"$ref": metadata}));
    }
    version
}

fn mark(node: &mut Value) {
    match node {
        Value::Object(fields) => {
            fields.values_mut().for_each(mark);
            if fields.get("type").is_some_and(|kind| kind == "object") {
                fields.insert("x-tidecast-custom".to_owned(), json!(true));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mark),
        _ => {}
    }
}

fn own() -> Vec<Kind> {
    let replicas = |selector: &str| Scale {
        wanted: "/spec/replicas".to_owned(),
        there: "/status/replicas".to_owned(),
        selector: Some(selector.to_owned()),
    };
    let scaled = |mut kind: Kind| {
        kind.scale = Some(replicas("/spec/selector"));
        kind
    };
    let silent = |mut kind: Kind| {
        kind.status = false;
        kind
    };
    let core = |kind, names, namespaced| kind_of("", "v1", "io.k8s.api.core.v1", kind, names, namespaced);
    let apps = |kind, names| kind_of("apps", "v1", "io.k8s.api.apps.v1", kind, names, NAMESPACED);
    let rbac = |kind, names, namespaced| {
        silent(kind_of("rbac.authorization.k8s.io", "v1", "io.k8s.api.rbac.v1", kind, names, namespaced))
    };
    let review = |kind, names, namespaced| {
        silent(kind_of("authorization.k8s.io", "v1", "io.k8s.api.authorization.v1", kind, names, namespaced))
    };
    vec![
        core("Namespace", "namespaces ns", EVERYWHERE),
        core("Node", "nodes no", EVERYWHERE),
        core("Pod", "pods po", NAMESPACED),
        core("Service", "services svc", NAMESPACED),
        core("ReplicationController", "replicationcontrollers rc", NAMESPACED),
        core("PersistentVolumeClaim", "persistentvolumeclaims pvc", NAMESPACED),
        silent(core("ConfigMap", "configmaps cm", NAMESPACED)),
        silent(core("Secret", "secrets", NAMESPACED)),
        silent(core("ServiceAccount", "serviceaccounts sa", NAMESPACED)),
        silent(core("Event", "events ev", NAMESPACED)),
        scaled(apps("Deployment", "deployments deploy")),
        scaled(apps("ReplicaSet", "replicasets rs")),
        scaled(apps("StatefulSet", "statefulsets sts")),
        apps("DaemonSet", "daemonsets ds"),
        silent(apps("ControllerRevision", "controllerrevisions")),
        kind_of(
            "autoscaling",
            "v2",
            "io.k8s.api.autoscaling.v2",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers hpa",
            NAMESPACED,
        ),
        kind_of(
            "autoscaling",
            "v1",
            "io.k8s.api.autoscaling.v1",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers hpa",
            NAMESPACED,
        ),
        kind_of(
            "policy",
            "v1",
            "io.k8s.api.policy.v1",
            "PodDisruptionBudget",
            "poddisruptionbudgets pdb",
            NAMESPACED,
        ),
        silent(kind_of(
            "coordination.k8s.io",
            "v1",
            "io.k8s.api.coordination.v1",
            "Lease",
            "leases",
            NAMESPACED,
        )),
        silent(kind_of("events.k8s.io", "v1", "io.k8s.api.events.v1", "Event", "events ev", NAMESPACED)),
        rbac("Role", "roles", NAMESPACED),
        rbac("RoleBinding", "rolebindings", NAMESPACED),
        rbac("ClusterRole", "clusterroles", EVERYWHERE),
        rbac("ClusterRoleBinding", "clusterrolebindings", EVERYWHERE),
        review("SelfSubjectAccessReview", "selfsubjectaccessreviews", EVERYWHERE),
        review("SelfSubjectRulesReview", "selfsubjectrulesreviews", EVERYWHERE),
        review("SubjectAccessReview", "subjectaccessreviews", EVERYWHERE),
        silent(kind_of(
            "authentication.k8s.io",
            "v1",
            "io.k8s.api.authentication.v1",
            "SelfSubjectReview",
            "selfsubjectreviews",
            EVERYWHERE,
        )),
        kind_of(
            "apiextensions.k8s.io",
            "v1",
            "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
            "CustomResourceDefinition",
            "customresourcedefinitions crd crds",
            EVERYWHERE,
        ),
    ]
}

/// One of Kubernetes' own kinds; `names` are its plural and then its short names.
fn kind_of(group: &str, version: &str, package: &str, kind: &str, names: &str, namespaced: bool) -> Kind {
    let mut names = names.split(' ').map(str::to_owned);
    let name = format!("{package}.{kind}");
    let (own, _) =
        super::schema::types().get_key_value(&name).expect("the types of all own kinds are at hand");
    let in_all = [
        "Pod",
        "Service",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "HorizontalPodAutoscaler",
        "ReplicationController",
    ];
    Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: names.next().expect("every kind has a plural"),
        singular: kind.to_lowercase(),
        short: names.collect(),
        categories: if in_all.contains(&kind) { vec!["all".to_owned()] } else { Vec::new() },
        namespaced,
        status: true,
        scale: None,
        form: Form::Own(own),
        stored: group != "events.k8s.io" && (group, version) != ("autoscaling", "v1"),
    }
}
