use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::Fields;
use super::managed::{Managers, Writer, ownable};
use super::schema::{Items, Schema};
use super::status::Refusal;
use super::step::Step;
use super::tree::put;

/// A server-side apply: what an applier wants to have, who it is, and what happens to others' fields.
#[derive(Debug)]
pub(crate) struct Apply<'a> {
    pub(crate) wanted: &'a Value,
    pub(crate) writer: &'a Writer,
    pub(crate) contested: Contested,
    /// Fields that this endpoint does not write.
    pub(crate) closed: &'a [&'a str],
}

/// What happens to fields that others own with another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contested {
    Refused,
    Taken,
}

impl Apply<'_> {
    /// The object after it; a conflict if others own what would change.
    pub(crate) fn upon(&self, live: &Value, schema: Schema, now: Timestamp) -> Result<Value, Refusal> {
        let mut managers = Managers::of(live);
        let last = managers.owned_by(self.writer);
        let wanted = without_nulls(self.wanted);
        let mine =
            self.closed.iter().fold(ownable(Fields::of(&wanted, schema)), |set, root| set.without(&[root]));
        let mut new = union(live, &wanted, schema);
        let (changed, _) = Fields::changed(Some(live), Some(&new), schema);
        self.settle(&mut managers, &ownable(changed).intersection(&mine))?;
        let others = managers.0.iter().filter(|one| one.writer != *self.writer);
        let kept = others.fold(mine.clone(), |all, one| all.union(&one.fields));
        let gone = last.beyond(&kept);
        gone.cut_from(&mut new, &kept, schema);
        let (set, removed) = Fields::changed(Some(live), Some(&new), schema);
        managers.0.iter_mut().for_each(|one| one.fields = one.fields.difference(&removed));
        // Who applies what is there already does not become somebody who has just written it.
        if last != mine || !set.is_empty() || !removed.is_empty() {
            managers.set(self.writer, mine, now);
        }
        managers.write(&mut new);
        Ok(new)
    }

    fn settle(&self, managers: &mut Managers, changed: &Fields) -> Result<(), Refusal> {
        let mut conflicts = Vec::new();
        for other in managers.0.iter_mut().filter(|one| one.writer != *self.writer) {
            let contested = other.fields.intersection(changed);
            if contested.is_empty() {
                continue;
            }
            conflicts.extend(contested.paths().into_iter().map(|path| (other.named(), path)));
            other.fields = other.fields.difference(&contested);
        }
        match self.contested {
            Contested::Refused if !conflicts.is_empty() => Err(conflict(&conflicts)),
            _ => Ok(()),
        }
    }
}

/// The refusal that names every manager and every field.
fn conflict(conflicts: &[(String, String)]) -> Refusal {
    let told = match conflicts {
        [(manager, path)] => format!("Apply failed with 1 conflict: conflict with {manager}: {path}"),
        _ => {
            let mut lines = Vec::new();
            for (at, (manager, path)) in conflicts.iter().enumerate() {
                if at == 0 || conflicts[at - 1].0 != *manager {
                    lines.push(format!("conflicts with {manager}:"));
                }
                lines.push(format!("- {path}"));
            }
            format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
        }
    };
    let causes = conflicts.iter().map(|(manager, path)| {
        json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": path})
    });
    let details = json!({"causes": causes.collect::<Vec<_>>()});
    Refusal { details, ..Refusal::new(409, "Conflict", told) }
}

/// The live object with everything that is wanted.
fn union(live: &Value, wanted: &Value, schema: Schema) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) if !schema.is_atomic_map() => {
            let mut all = live.clone();
            for (name, value) in wanted {
                let merged = live
                    .get(name)
                    .map_or_else(|| value.clone(), |live| union(live, value, schema.field(name)));
                all.insert(name.clone(), merged);
            }
            Value::Object(all)
        }
        (Value::Array(live), Value::Array(wanted)) if schema.list() != Items::Atomic => {
            let mut all = live.clone();
            for item in wanted {
                let step = Step::of(item, schema);
                match all.iter_mut().find(|other| Step::of(other, schema) == step) {
                    Some(found) => *found = union(found, item, schema.items()),
                    None => all.push(item.clone()),
                }
            }
            Value::Array(all)
        }
        _ => wanted.clone(),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let full = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(full.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        _ => value.clone(),
    }
}

/// What an object begins as when somebody applies one that is not there.
pub(crate) fn blank(wanted: &Value, namespace: &str, name: &str) -> Value {
    let mut blank =
        json!({"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {"name": name}});
    if !namespace.is_empty() {
        put(&mut blank, "/metadata/namespace", namespace);
    }
    blank
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(name: &str, operation: &'static str) -> Writer {
        Writer { name: name.to_owned(), operation, version: "apps/v1".to_owned(), subresource: String::new() }
    }

    fn schema() -> Schema<'static> {
        Schema::named("io.k8s.api.apps.v1.Deployment")
    }

    #[track_caller]
    fn applied(live: &Value, by: &str, wanted: Value, contested: Contested) -> Result<Value, Refusal> {
        let writer = writer(by, "Apply");
        let apply = Apply { wanted: &wanted, writer: &writer, contested, closed: &["status"] };
        let once = apply.upon(live, schema(), Timestamp::UNIX_EPOCH)?;
        assert_eq!(
            apply.upon(&once, schema(), Timestamp::UNIX_EPOCH)?,
            once,
            "applying again changes nothing"
        );
        Ok(once)
    }

    fn live() -> Value {
        let new = json!({"metadata": {"name": "web"}, "spec": {"replicas": 2, "template": {"spec": {"containers": [
            {"name": "a", "image": "a:1"}]}}}});
        let managers = Managers::default().after_update(
            None,
            &new,
            schema(),
            &writer("person", "Update"),
            Timestamp::UNIX_EPOCH,
        );
        let mut live = new;
        managers.write(&mut live);
        live
    }

    #[test]
    fn a_field_of_somebody_else_is_a_conflict_that_names_them() {
        let refusal =
            applied(&live(), "tidecast", json!({"spec": {"replicas": 5}}), Contested::Refused).unwrap_err();
        let told = "Apply failed with 1 conflict: conflict with \"person\" using apps/v1 at 1970-01-01T00:00:00Z: .spec.replicas";
        assert_eq!((refusal.code, refusal.message.as_str()), (409, told));
        assert_eq!(refusal.details["causes"][0]["field"], ".spec.replicas");
    }

    #[test]
    fn force_takes_the_field_and_the_other_no_longer_owns_it() {
        let new = applied(&live(), "tidecast", json!({"spec": {"replicas": 5}}), Contested::Taken).unwrap();
        assert_eq!(new["spec"]["replicas"], 5);
        let person = Managers::of(&new).owned_by(&writer("person", "Update"));
        assert!(!person.paths().contains(&".spec.replicas".to_owned()));
    }

    #[test]
    fn the_same_value_is_shared_without_a_conflict() {
        let new = applied(&live(), "tidecast", json!({"spec": {"replicas": 2}}), Contested::Refused).unwrap();
        assert_eq!(Managers::of(&new).0.len(), 2);
    }

    #[test]
    fn what_is_no_longer_applied_is_removed() {
        let wanted = json!({"metadata": {"labels": {"x": "1", "y": "2"}}, "spec": {"template": {"spec": {"containers": [
            {"name": "b", "image": "b:1"}]}}}});
        let once = applied(&live(), "tidecast", wanted, Contested::Refused).unwrap();
        assert_eq!(once["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 2);
        let less =
            applied(&once, "tidecast", json!({"metadata": {"labels": {"x": "1"}}}), Contested::Refused)
                .unwrap();
        assert_eq!(less["metadata"]["labels"], json!({"x": "1"}));
        assert_eq!(
            less["spec"]["template"]["spec"]["containers"],
            live()["spec"]["template"]["spec"]["containers"]
        );
    }

    #[test]
    fn an_item_that_somebody_else_shares_stays() {
        let mine = json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "tty": true}]}}}});
        let once = applied(&live(), "tidecast", mine, Contested::Refused).unwrap();
        let less =
            applied(&once, "tidecast", json!({"metadata": {"labels": {"x": "1"}}}), Contested::Refused)
                .unwrap();
        assert_eq!(less["spec"]["template"]["spec"]["containers"], json!([{"name": "a", "image": "a:1"}]));
    }
}
