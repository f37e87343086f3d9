use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{Items, Schema};
use super::step::Step;

/// A set of fields of an object, as managers own them: a tree in which some nodes are members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    member: bool,
    below: BTreeMap<Step, Fields>,
}

impl Fields {
    /// A set of nothing but the place itself.
    pub(crate) fn here() -> Self {
        Self { member: true, below: BTreeMap::new() }
    }

    /// The fields that a value gives, as an applier owns them.
    pub(crate) fn of(value: &Value, schema: Schema) -> Self {
        match value {
            Value::Object(fields) if !fields.is_empty() && !schema.is_atomic_map() => {
                let below = fields.iter().map(|(name, value)| {
                    let mut fields = Self::of(value, schema.field(name));
                    fields.member |= schema.declared(name).is_none();
                    (Step::Field(name.clone()), fields)
                });
                Self { member: false, below: below.collect() }
            }
            Value::Array(items) if !items.is_empty() && schema.list() != Items::Atomic => {
                let below = items.iter().map(|item| {
                    let fields = Self { member: true, ..Self::of(item, schema.items()) };
                    (Step::of(item, schema), fields)
                });
                Self { member: false, below: below.collect() }
            }
            _ => Self::here(),
        }
    }

    /// The fields in which two values differ: what was added or changed, and what was taken away.
    pub(crate) fn changed(old: Option<&Value>, new: Option<&Value>, schema: Schema) -> (Self, Self) {
        match (old, new) {
            (None, Some(new)) => (Self::made(new, schema), Self::default()),
            (Some(old), None) => (Self::default(), Self::made(old, schema)),
            (Some(old), Some(new)) if old == new => Default::default(),
            (Some(Value::Object(old)), Some(Value::Object(new))) if !schema.is_atomic_map() => {
                let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
                let steps = names.map(|name| {
                    (Step::Field(name.clone()), old.get(name), new.get(name), schema.field(name))
                });
                Self::differing(steps)
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) if schema.list() != Items::Atomic => {
                let old: BTreeMap<_, _> = old.iter().map(|item| (Step::of(item, schema), item)).collect();
                let new: BTreeMap<_, _> = new.iter().map(|item| (Step::of(item, schema), item)).collect();
                let steps = old.keys().chain(new.keys().filter(|step| !old.contains_key(*step)));
                let items = steps.map(|step| {
                    (step.clone(), old.get(step).copied(), new.get(step).copied(), schema.items())
                });
                Self::differing(items.collect::<Vec<_>>().into_iter())
            }
            _ => (Self::here(), Self::default()),
        }
    }

    fn differing<'a>(
        steps: impl Iterator<Item = (Step, Option<&'a Value>, Option<&'a Value>, Schema<'a>)>,
    ) -> (Self, Self) {
        let (mut set, mut gone) = (Self::default(), Self::default());
        for (step, old, new, schema) in steps {
            let (changed, removed) = Self::changed(old, new, schema);
            if !changed.is_empty() {
                set.below.insert(step.clone(), changed);
            }
            if !removed.is_empty() {
                gone.below.insert(step, removed);
            }
        }
        (set, gone)
    }

    /// The fields of a value that came into being: free maps and items count themselves, structs do not.
    fn made(value: &Value, schema: Schema) -> Self {
        let mut made = Self::of(value, schema);
        made.own_maps(value, schema);
        made
    }

    fn own_maps(&mut self, value: &Value, schema: Schema) {
        self.member |= value.is_object() && schema.is_free_map();
        if let Value::Object(fields) = value {
            for (name, value) in fields {
                if let Some(fields) = self.below.get_mut(&Step::Field(name.clone())) {
                    fields.own_maps(value, schema.field(name));
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.member |= other.member;
        for (step, fields) in &other.below {
            let was = all.below.entry(step.clone()).or_default();
            *was = was.union(fields);
        }
        all
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let below = self.below.iter().filter_map(|(step, fields)| {
            let both = fields.intersection(other.below.get(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        });
        Self { member: self.member && other.member, below: below.collect() }
    }

    /// The members of this that are not members of the other.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let below = self.below.iter().filter_map(|(step, fields)| {
            let rest = other.below.get(step).map_or_else(|| fields.clone(), |other| fields.difference(other));
            (!rest.is_empty()).then(|| (step.clone(), rest))
        });
        Self { member: self.member && !other.member, below: below.collect() }
    }

    /// The same, but a place stays out where the other has something below it.
    pub(crate) fn beyond(&self, other: &Self) -> Self {
        let below = self.below.iter().filter_map(|(step, fields)| {
            let rest = other.below.get(step).map_or_else(|| fields.clone(), |other| fields.beyond(other));
            (!rest.is_empty()).then(|| (step.clone(), rest))
        });
        Self { member: self.member && other.is_empty(), below: below.collect() }
    }

    /// This without the place that `path` names and all below it.
    pub(crate) fn without(mut self, path: &[&str]) -> Self {
        let [first, rest @ ..] = path else { return self };
        let step = Step::Field((*first).to_owned());
        if rest.is_empty() {
            self.below.remove(&step);
        } else if let Some(below) = self.below.remove(&step) {
            let below = below.without(rest);
            if !below.is_empty() {
                self.below.insert(step, below);
            }
        }
        self
    }

    /// A value without the members of this; what is left empty goes too, unless it is among what is kept.
    pub(crate) fn cut_from(&self, value: &mut Value, kept: &Self, schema: Schema) {
        let nothing = Self::default();
        match value {
            Value::Object(fields) => {
                for (step, gone) in &self.below {
                    let Step::Field(name) = step else { continue };
                    let Some(value) = fields.get_mut(name) else { continue };
                    let was_full = !is_hollow(value);
                    let kept = kept.below.get(step).unwrap_or(&nothing);
                    gone.cut_from(value, kept, schema.field(name));
                    if (gone.below.is_empty() && gone.member)
                        || (was_full && is_hollow(value) && kept.is_empty())
                    {
                        fields.remove(name);
                    }
                }
            }
            Value::Array(items) => items.retain_mut(|item| {
                let step = Step::of(item, schema);
                let Some(gone) = self.below.get(&step) else { return true };
                gone.cut_from(item, kept.below.get(&step).unwrap_or(&nothing), schema.items());
                !gone.member
            }),
            _ => {}
        }
    }

    /// The paths of all members, as conflicts name them: `.spec.template.spec.containers[name="a"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = if self.member { vec![String::new()] } else { Vec::new() };
        for (step, fields) in &self.below {
            paths.extend(fields.paths().into_iter().map(|path| format!("{}{path}", step.told())));
        }
        paths
    }

    /// As `fieldsV1` writes it.
    pub(crate) fn to_json(&self) -> Value {
        let mut out = Map::new();
        if self.member && !self.below.is_empty() {
            out.insert(".".to_owned(), json!({}));
        }
        for (step, fields) in &self.below {
            out.insert(step.written(), fields.to_json());
        }
        Value::Object(out)
    }

    /// From what `fieldsV1` has.
    pub(crate) fn from_json(told: &Value) -> Self {
        let Some(told) = told.as_object() else { return Self::default() };
        let steps = told.iter().filter_map(|(name, below)| Some((Step::read(name)?, below)));
        let below = steps.map(|(step, below)| {
            let leaf = below.as_object().is_some_and(Map::is_empty);
            (step, if leaf { Self::here() } else { Self::from_json(below) })
        });
        Self { member: told.contains_key("."), below: below.collect() }
    }
}

fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema<'static> {
        Schema::named("io.k8s.api.apps.v1.Deployment")
    }

    fn deployment() -> Value {
        json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}},
        })
    }

    #[test]
    fn an_applier_owns_the_leaves_and_the_items() {
        let fields = Fields::of(&deployment(), schema());
        let containers = json!({"k:{\"name\":\"a\"}": {".": {}, "f:image": {}, "f:name": {}}});
        let told = json!({
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": containers}}},
        });
        assert_eq!(fields.to_json(), told);
        assert_eq!(Fields::from_json(&told), fields);
    }

    #[test]
    fn what_changed_is_found_field_by_field() {
        let mut new = deployment();
        new["spec"]["replicas"] = json!(3);
        new["spec"]["template"]["spec"]["containers"][0]["image"] = json!("a:2");
        new["metadata"]["labels"] = json!({});
        let (set, gone) = Fields::changed(Some(&deployment()), Some(&new), schema());
        assert_eq!(set.paths(), [".spec.replicas", ".spec.template.spec.containers[name=\"a\"].image"]);
        assert_eq!(gone.paths(), [".metadata.labels.app"]);
    }

    #[test]
    fn sets_obey_their_laws() {
        let all = Fields::of(&deployment(), schema());
        let some = Fields::of(&json!({"spec": {"replicas": 1}}), schema());
        assert_eq!(all.intersection(&some), some);
        assert_eq!(all.difference(&some).union(&some), all);
        assert!(all.difference(&all).is_empty());
    }
}
