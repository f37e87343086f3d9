use serde_json::{Value, json};

use super::cluster::{Asked, Cluster};
use super::request::{Answer, User};
use super::route::Target;
use super::status::{About, Refusal, dotted};
use super::tree::{list, put, text, time};

/// The group of roles and bindings.
const GROUP: &str = "rbac.authorization.k8s.io";

/// A role that every cluster has: its name, groups, resources and verbs.
pub(crate) type OwnRole =
    (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// Roles that every cluster has.
pub(crate) const ROLES: [OwnRole; 3] = [
    ("cluster-admin", &["*"], &["*"], &["*"]),
    ("edit", &["", "apps", "autoscaling", "policy"], &["*"], &["*"]),
    ("view", &["", "apps", "autoscaling", "policy", "events.k8s.io"], &["*"], &["get", "list", "watch"]),
];

/// One of the roles that every cluster has, as an object.
pub(crate) fn own_role((name, groups, resources, verbs): &OwnRole) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
        "rules": [{"apiGroups": groups, "resources": resources, "verbs": verbs}],
    })
}

/// What somebody wants to do to what, in RBAC's words.
#[derive(Debug, Clone, Copy)]
struct Deed<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    name: &'a str,
    namespace: &'a str,
}

impl Cluster {
    /// Refuses what no role allows the user.
    pub(crate) fn authorize(&self, user: &User, verb: &str, target: &Target) -> Result<(), Refusal> {
        let resource = part(&target.plural, &target.subresource);
        let deed = Deed {
            verb,
            group: &target.group,
            resource: &resource,
            name: &target.name,
            namespace: &target.namespace,
        };
        if self.allows(user, deed) {
            return Ok(());
        }
        let place = match deed.namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let why = format!(
            "User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}",
            user.name, target.group
        );
        Err(forbidden(target, &why))
    }

    fn allows(&self, user: &User, deed: Deed) -> bool {
        let is_admin = user.groups.iter().any(|group| group == "system:masters");
        let asks_about_itself = deed.resource.starts_with("selfsubject") && deed.verb == "create";
        (is_admin
            || asks_about_itself
            || self.rules_of(user, deed.namespace).iter().any(|rule| allows(rule, deed)))
            && !self.faults.forbids(&user.name, deed.verb, deed.resource)
    }

    /// Nobody grants what he may not do himself, unless he may escalate or bind.
    pub(crate) fn grants_what_is_held(
        &self,
        asked: Asked,
        old: Option<&Value>,
        object: &Value,
    ) -> Result<(), Refusal> {
        let Asked { request, target, kind, .. } = asked;
        let user = &request.user;
        let is_role = ["Role", "ClusterRole"].contains(&kind.kind.as_str());
        let is_binding = ["RoleBinding", "ClusterRoleBinding"].contains(&kind.kind.as_str());
        if kind.group != GROUP
            || !(is_role || is_binding)
            || user.groups.iter().any(|group| group == "system:masters")
        {
            return Ok(());
        }
        let same = |field: &str| old.is_some_and(|old| old.get(field) == object.get(field));
        if (is_role && same("rules")) || (is_binding && same("roleRef") && same("subjects")) {
            return Ok(());
        }
        let role = if is_role { Some(object) } else { self.role_of(object) };
        let (pardon, plural, name) = match is_role {
            true => ("escalate", target.plural.as_str(), text(object, "/metadata/name")),
            false if text(object, "/roleRef/kind") == "ClusterRole" => {
                ("bind", "clusterroles", text(object, "/roleRef/name"))
            }
            false => ("bind", "roles", text(object, "/roleRef/name")),
        };
        let namespace = target.namespace.as_str();
        if self.allows(user, Deed { verb: pardon, group: GROUP, resource: plural, name, namespace }) {
            return Ok(());
        }
        let rules = role.map_or(&[][..], |role| list(role, "/rules"));
        let missing: Vec<String> =
            rules.iter().filter_map(|rule| self.not_held(user, rule, namespace)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
        let why = format!(
            "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
            user.name,
            groups.join(" "),
            missing.join("\n")
        );
        Err(Refusal::forbidden(kind.about(text(object, "/metadata/name")), &why))
    }

    /// What of a rule a user may not do, as the API tells it.
    fn not_held(&self, user: &User, rule: &Value, namespace: &str) -> Option<String> {
        let words = |field: &str| list(rule, field).iter().filter_map(Value::as_str).collect::<Vec<_>>();
        let (groups, resources, verbs) = (words("/apiGroups"), words("/resources"), words("/verbs"));
        let held = |group: &str, resource: &str, verb: &str| {
            self.allows(user, Deed { verb, group, resource, name: "", namespace })
        };
        let all = groups.iter().flat_map(|group| resources.iter().map(move |resource| (*group, *resource)));
        for (group, resource) in all {
            let lacks: Vec<&str> =
                verbs.iter().copied().filter(|verb| !held(group, resource, verb)).collect();
            if !lacks.is_empty() {
                let verbs: Vec<String> = lacks.iter().map(|verb| format!("{verb:?}")).collect();
                return Some(format!(
                    "{{APIGroups:[{group:?}], Resources:[{resource:?}], Verbs:[{}]}}",
                    verbs.join(" ")
                ));
            }
        }
        None
    }

    /// The rules of all roles that are bound to the user, everywhere or in this namespace.
    fn rules_of(&self, user: &User, namespace: &str) -> Vec<&Value> {
        let everywhere = self.list("clusterrolebindings.rbac.authorization.k8s.io", "");
        let here = if namespace.is_empty() {
            Vec::new()
        } else {
            self.list("rolebindings.rbac.authorization.k8s.io", namespace)
        };
        let bound = everywhere
            .into_iter()
            .chain(here)
            .filter(|binding| list(binding, "/subjects").iter().any(|subject| is_meant(subject, user)));
        bound.filter_map(|binding| self.role_of(binding)).flat_map(|role| list(role, "/rules")).collect()
    }

    fn role_of(&self, binding: &Value) -> Option<&Value> {
        let name = text(binding, "/roleRef/name");
        match text(binding, "/roleRef/kind") {
            "ClusterRole" => self.get("clusterroles.rbac.authorization.k8s.io", "", name),
            _ => self.get("roles.rbac.authorization.k8s.io", text(binding, "/metadata/namespace"), name),
        }
    }

    /// Answers `kubectl auth can-i` and `whoami`.
    pub(crate) fn review(&self, asked: Asked) -> Result<Answer, Refusal> {
        let mut review = asked.request.json()?;
        let asker = &asked.request.user;
        match asked.kind.kind.as_str() {
            "SelfSubjectReview" => put(
                &mut review,
                "/status",
                json!({"userInfo": {"username": asker.name, "groups": asker.groups}}),
            ),
            "SelfSubjectRulesReview" => {
                let namespace = text(&review, "/spec/namespace").to_owned();
                let rules = self.rules_told(asker, &namespace);
                put(
                    &mut review,
                    "/status",
                    json!({"incomplete": false, "nonResourceRules": [], "resourceRules": rules}),
                );
            }
            kind => {
                let other = User {
                    name: text(&review, "/spec/user").to_owned(),
                    groups: list(&review, "/spec/groups")
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect(),
                };
                let user = if kind == "SubjectAccessReview" { &other } else { asker };
                let allowed = self.allowed(user, &review);
                put(&mut review, "/status", json!({"allowed": allowed}));
            }
        }
        put(&mut review, "/apiVersion", asked.kind.api_version());
        put(&mut review, "/kind", asked.kind.kind.clone());
        Ok(Answer::json(201, &review))
    }

    fn allowed(&self, user: &User, review: &Value) -> bool {
        let field = |name: &str| text(review, &format!("/spec/resourceAttributes/{name}"));
        let resource = part(field("resource"), field("subresource"));
        self.allows(
            user,
            Deed {
                verb: field("verb"),
                group: field("group"),
                resource: &resource,
                name: field("name"),
                namespace: field("namespace"),
            },
        )
    }

    fn rules_told(&self, user: &User, namespace: &str) -> Vec<Value> {
        if user.groups.iter().any(|group| group == "system:masters") {
            return vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})];
        }
        self.rules_of(user, namespace).into_iter().cloned().collect()
    }

    /// Who a bearer token belongs to: those that were given out name their service account.
    pub fn user_of(&self, token: &str) -> Option<User> {
        let mut parts = token.strip_prefix("tidecast-token.")?.split('.');
        let (namespace, name) = (parts.next()?, parts.next()?);
        self.get("serviceaccounts", namespace, name).map(|_| User::service_account(namespace, name))
    }

    /// A token of a service account, as `kubectl create token` asks for it.
    pub(crate) fn token(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let (namespace, name) = (&asked.target.namespace, &asked.target.name);
        self.get("serviceaccounts", namespace, name)
            .ok_or_else(|| Refusal::not_found(asked.refused_by_name()))?;
        let ends = asked.now + jiff::SignedDuration::from_hours(1);
        let told = json!({
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {"name": name, "namespace": namespace},
            "spec": {"audiences": ["https://kubernetes.default.svc"], "expirationSeconds": 3600},
            "status": {"token": format!("tidecast-token.{namespace}.{name}"), "expirationTimestamp": time(ends)},
        });
        Ok(Answer::json(201, &told))
    }
}

/// `deployments/scale`, or the resource alone.
fn part(resource: &str, subresource: &str) -> String {
    if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") }
}

fn forbidden(target: &Target, why: &str) -> Refusal {
    let about =
        About { group: &target.group, plural: &target.plural, kind: &target.plural, name: &target.name };
    if !target.name.is_empty() {
        return Refusal::forbidden(about, why);
    }
    let message = format!("{} is forbidden: {why}", dotted(&target.plural, &target.group));
    Refusal { message, ..Refusal::forbidden(about, why) }
}

fn is_meant(subject: &Value, user: &User) -> bool {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "Group" => user.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            user.name == format!("system:serviceaccount:{}:{name}", text(subject, "/namespace"))
        }
        _ => user.name == name,
    }
}

fn allows(rule: &Value, deed: Deed) -> bool {
    let any = |field: &str, is: &dyn Fn(&str) -> bool| {
        list(rule, field).iter().filter_map(Value::as_str).any(|one| one == "*" || is(one))
    };
    let names = list(rule, "/resourceNames");
    let subresource = deed.resource.split_once('/').map(|(_, part)| part);
    let is_resource = |one: &str| {
        one == deed.resource || one.strip_prefix("*/").is_some_and(|part| Some(part) == subresource)
    };
    any("/verbs", &|one| one == deed.verb)
        && any("/apiGroups", &|one| one == deed.group)
        && any("/resources", &is_resource)
        && (names.is_empty() || names.iter().any(|name| name == deed.name && !deed.name.is_empty()))
}
