use serde_json::{Value, json};

use super::apply::{Apply, Contested};
use super::cluster::{Asked, Cluster};
use super::kind::Scale;
use super::managed::Writer;
use super::patch::{merge, merge_strategically, patch_by_operations};
use super::request::Answer;
use super::schema::Schema;
use super::selector::Selector;
use super::status::{Cause, Refusal};
use super::tree::{put, text, whole};
use super::write::{Draft, Owner, Part};

impl Cluster {
    /// Reads or writes the size of an object through its scale subresource.
    pub(crate) fn scale(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let scale = asked
            .kind
            .scale
            .as_ref()
            .filter(|_| !self.faults.hides_scale())
            .ok_or_else(Refusal::no_such_path)?;
        let found = self.store.get(&asked.key(&asked.target.name)).cloned();
        let object = found.ok_or_else(|| Refusal::not_found(asked.refused_by_name()))?;
        let told = told(scale, &object);
        if asked.verb == "get" {
            return Ok(Answer::json(200, &told));
        }
        let wish = self.faults.admitted(asked, asked.request.json()?)?;
        let wanted = wanted(asked, &told, &wish)?;
        if let Some(name) = Some(text(&wanted, "/metadata/name"))
            .filter(|name| !name.is_empty() && *name != asked.target.name)
        {
            return Err(Refusal::bad(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                asked.target.name
            )));
        }
        let replicas = whole(&wanted, "/spec/replicas").unwrap_or(0);
        if replicas < 0 {
            let cause =
                Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
            let about = super::status::About {
                group: "autoscaling",
                plural: "scales",
                kind: "Scale",
                name: &asked.target.name,
            };
            return Err(Refusal::invalid(about, vec![cause]));
        }
        let (mut new, owner) = match asked.request.media() {
            "application/apply-patch+yaml" => (applied(asked, scale, &object, replicas)?, Owner::Told),
            _ => (Value::clone(&object), Owner::Changer(asked.writer())),
        };
        put(&mut new, &scale.wanted, replicas);
        let version = text(&wanted, "/metadata/resourceVersion").to_owned();
        put(&mut new, "/metadata/resourceVersion", version);
        let kept = self.keep(asked, Draft { object: new, old: Some(object), part: Part::Main, owner })?;
        Ok(Answer::json(200, &self::told(scale, &kept)))
    }
}

/// The `Scale` of an object.
pub(crate) fn told(scale: &Scale, object: &Value) -> Value {
    let number = |pointer: &str| whole(object, pointer).unwrap_or(0);
    let selector = scale.selector.as_ref().and_then(|pointer| object.pointer(pointer));
    let selector = match selector {
        Some(Value::String(text)) => text.clone(),
        Some(selector) => Selector::of(selector).told(),
        None => String::new(),
    };
    let mut told = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {}, "spec": {},
        "status": {"replicas": number(&scale.there)},
    });
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        super::tree::carry(object, &mut told, &format!("/metadata/{field}"));
    }
    if number(&scale.wanted) != 0 {
        put(&mut told, "/spec/replicas", number(&scale.wanted));
    }
    if !selector.is_empty() {
        put(&mut told, "/status/selector", selector);
    }
    told
}

fn wanted(asked: Asked, told: &Value, wish: &Value) -> Result<Value, Refusal> {
    if asked.verb == "update" {
        return Ok(wish.clone());
    }
    match asked.request.media() {
        "application/json-patch+json" => patch_by_operations(told, wish),
        "application/strategic-merge-patch+json" => {
            Ok(merge_strategically(told, wish, Schema::named("io.k8s.api.autoscaling.v1.Scale")))
        }
        _ => Ok(merge(told, wish)),
    }
}

/// The object after the size was applied: the applier owns that field, or learns who does.
fn applied(asked: Asked, scale: &Scale, object: &Value, replicas: i64) -> Result<Value, Refusal> {
    let mut wanted = json!({});
    put(&mut wanted, &scale.wanted, replicas);
    let contested = if asked.request.flag("force") { Contested::Taken } else { Contested::Refused };
    let writer = Writer { operation: "Apply", ..asked.writer() };
    Apply { wanted: &wanted, writer: &writer, contested, closed: &[] }.upon(
        object,
        asked.kind.schema(),
        asked.now,
    )
}
