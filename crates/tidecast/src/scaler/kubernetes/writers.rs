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

/// Who but us has set a field since we have last written, by the server's own clock; `told` is when that was by ours, for
/// a server that does not say. The path has the names of fields, such as `spec` and `replicas`.
///
/// The server records whole seconds, so what was set within the same second counts.
pub(super) fn since_ours(thing: &DynamicObject, path: &[&str], told: Timestamp) -> Option<Writer> {
    let entries = || thing.metadata.managed_fields.iter().flatten();
    let (ours, others): (Vec<_>, Vec<_>) =
        entries().partition(|entry| entry.manager.as_deref() == Some(MANAGER));
    let since = ours.into_iter().map(at).max().unwrap_or(told);
    let owners = others.into_iter().filter(|entry| owns(entry, path));
    let recent = owners.filter(|entry| at(entry).as_second() >= since.as_second());
    let last = recent.max_by_key(|entry| at(entry))?;
    Some(Writer {
        manager: last.manager.clone().unwrap_or_default(),
        through_scale: last.subresource.as_deref() == Some("scale"),
    })
}

fn at(entry: &ManagedFieldsEntry) -> Timestamp {
    entry.time.as_ref().map_or(Timestamp::MIN, |time| time.0)
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
        let kubectl = entry("kubectl", "scale", after, replicas());
        let argo = entry("argocd-controller", "", "2026-11-27T12:02:00Z", replicas());
        check(vec![kubectl.clone()], Some("a person with kubectl scale (field manager kubectl)"));
        check(vec![argo, kubectl], Some("Argo CD (field manager argocd-controller)"));
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
