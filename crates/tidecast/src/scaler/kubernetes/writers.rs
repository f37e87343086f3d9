use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::core::DynamicObject;
use serde_json::Value;

use super::ask::MANAGER;

/// Somebody else who has set a field, as the API server recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Writer {
    manager: String,
    through_scale: bool,
}

impl Writer {
    /// Whom the server has not recorded.
    pub(super) fn unknown() -> Self {
        Self { manager: String::new(), through_scale: true }
    }

    fn of(entry: &ManagedFieldsEntry) -> Self {
        Self {
            manager: entry.manager.clone().unwrap_or_default(),
            through_scale: entry.subresource.as_deref() == Some("scale"),
        }
    }
}

/// Who but us has set a field since we have last written, by the server's own clock; `told` is when that was by ours, for
/// a server that does not say. The path has the names of fields, such as `spec` and `replicas`.
///
/// The server records whole seconds, so what was set within the same second counts.
pub(super) fn since_ours(thing: &DynamicObject, path: &[&str], told: Timestamp) -> Option<Writer> {
    let ours = entries(thing).filter(|entry| is_ours(entry));
    let since = ours.filter_map(at).max().unwrap_or(told);
    let others = owners(thing, path).filter_map(|entry| Some((at(entry)?, entry)));
    let recent = others.filter(|(at, _)| at.as_second() >= since.as_second());
    recent.max_by_key(|(at, _)| *at).map(|(_, entry)| Writer::of(entry))
}

/// Who but us owns a field at a time that nobody knows: an API server records none for what is set through a scale
/// subresource. It cannot be told from the record whether that was before or after us.
pub(super) fn at_no_time(thing: &DynamicObject, path: &[&str]) -> Option<Writer> {
    owners(thing, path).find(|entry| at(entry).is_none()).map(Writer::of)
}

fn entries(thing: &DynamicObject) -> impl Iterator<Item = &ManagedFieldsEntry> {
    thing.metadata.managed_fields.iter().flatten()
}

/// The entries of others that own a field.
fn owners<'a>(thing: &'a DynamicObject, path: &'a [&'a str]) -> impl Iterator<Item = &'a ManagedFieldsEntry> {
    entries(thing).filter(|entry| !is_ours(entry)).filter(move |entry| owns(entry, path))
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(MANAGER)
}

fn at(entry: &ManagedFieldsEntry) -> Option<Timestamp> {
    entry.time.as_ref().map(|time| time.0)
}

fn owns(entry: &ManagedFieldsEntry, path: &[&str]) -> bool {
    let root: Option<&Value> = entry.fields_v1.as_ref().map(|fields| &fields.0);
    path.iter().fold(root, |at, part| at?.get(format!("f:{part}"))).is_some()
}

/// Field managers by a part of their name, and who hides behind them.
const KNOWN: [(&str, &str); 13] = [
    ("kubectl-edit", "a person with kubectl edit"),
    ("kubectl-client-side-apply", "kubectl apply, by a person or a pipeline"),
    ("kubectl", "a person with kubectl"),
    ("argocd", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
    ("flux", "Flux"),
    ("helm", "Helm"),
    ("keda", "KEDA"),
    ("terraform", "Terraform"),
    ("pulumi", "Pulumi"),
    ("rancher", "Rancher"),
    ("kube-controller-manager", "an HPA"),
];

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = self.manager.to_lowercase();
        let known = KNOWN.iter().find(|(part, _)| low.contains(part)).map(|(_, who)| *who);
        match known {
            Some(who) if self.through_scale && who == "a person with kubectl" => {
                write!(f, "{who} scale (field manager {})", self.manager)
            }
            Some(who) => write!(f, "{who} (field manager {})", self.manager),
            None if self.manager.is_empty() => f.write_str("somebody who gives no name"),
            None => write!(f, "the field manager {}", self.manager),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, sub: &str, time: &str, fields: Value) -> Value {
        serde_json::json!({
            "manager": manager, "operation": "Update", "subresource": sub, "time": time,
            "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
        })
    }

    fn thing(entries: Vec<Value>) -> DynamicObject {
        let thing = serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "checkout", "managedFields": entries },
        });
        serde_json::from_value(thing).unwrap()
    }

    fn replicas() -> Value {
        serde_json::json!({ "f:spec": { "f:replicas": {} } })
    }

    #[track_caller]
    fn check(entries: Vec<Value>, expected: Option<&str>) {
        let told = "2026-11-27T12:00:00.7Z".parse().unwrap();
        let writer =
            since_ours(&thing(entries), &["spec", "replicas"], told).map(|writer| writer.to_string());
        assert_eq!(writer.as_deref(), expected);
    }

    #[test] // F22
    fn names_who_has_written_last() {
        let after = "2026-11-27T12:01:00Z";
        let edit = entry("kubectl-edit", "", after, replicas());
        let argo = entry("argocd-controller", "", "2026-11-27T12:02:00Z", replicas());
        check(vec![edit.clone()], Some("a person with kubectl edit (field manager kubectl-edit)"));
        check(vec![argo, edit], Some("Argo CD (field manager argocd-controller)"));
        check(vec![entry("our-own-script", "", after, replicas())], Some("the field manager our-own-script"));
    }

    #[test]
    fn takes_neither_our_own_writes_nor_old_ones_nor_other_fields_for_foreign() {
        let after = "2026-11-27T12:01:00Z";
        check(vec![entry(MANAGER, "scale", after, replicas())], None);
        check(vec![entry("helm", "", "2026-11-27T11:00:00Z", replicas())], None);
        let image = serde_json::json!({ "f:spec": { "f:template": {} } });
        check(vec![entry("kubectl-edit", "", after, image)], None);
    }

    #[test] // F22
    fn knows_no_time_of_what_was_set_through_a_scale_subresource() {
        let mut kubectl = entry("kubectl", "scale", "", replicas());
        kubectl.as_object_mut().unwrap().remove("time");
        let mut ours = kubectl.clone();
        ours["manager"] = MANAGER.into();
        check(vec![kubectl.clone()], None);
        let untimed = |entries: Vec<Value>| {
            at_no_time(&thing(entries), &["spec", "replicas"]).map(|writer| writer.to_string())
        };
        let marks = entry(MANAGER, "", "2026-11-27T12:00:00Z", serde_json::json!({ "f:metadata": {} }));
        let helm = entry("helm", "", "2026-11-27T12:01:00Z", replicas());
        assert_eq!(
            untimed(vec![marks.clone(), kubectl]).unwrap(),
            "a person with kubectl scale (field manager kubectl)"
        );
        assert_eq!(untimed(vec![marks.clone(), ours.clone(), helm.clone()]), None);
        check(vec![marks, ours, helm], Some("Helm (field manager helm)"));
    }

    #[test]
    fn believes_the_servers_clock_rather_than_ours() {
        let notes = serde_json::json!({ "f:metadata": {} });
        let ours = entry(MANAGER, "", "2026-11-27T11:30:00Z", notes);
        let helm = entry("helm", "", "2026-11-27T11:30:30Z", replicas());
        check(vec![ours, helm], Some("Helm (field manager helm)"));
    }

    #[test]
    fn counts_what_was_written_within_the_same_second() {
        check(vec![entry("helm", "", "2026-11-27T12:00:00Z", replicas())], Some("Helm (field manager helm)"));
    }
}
