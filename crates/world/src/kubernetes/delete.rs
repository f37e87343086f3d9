use std::sync::Arc;

use serde_json::{Value, json};

use super::cluster::{Asked, Cluster};
use super::draft::deadline;
use super::request::Answer;
use super::status::Refusal;
use super::store::Key;
use super::tree::{instant, list, put, text, time, whole};

/// What a client wants of a deletion, in the body or in the query.
#[derive(Debug, Default)]
struct Wish {
    grace: Option<i64>,
    policy: String,
    uid: String,
    version: String,
    dry: bool,
}

/// What came of a deletion.
#[derive(Debug)]
enum Deleted {
    Gone(Arc<Value>),
    Going(Arc<Value>),
}

/// The finalizer of objects that wait for what they own to be gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

impl Cluster {
    /// Deletes one object, or marks it until its finalizers and its grace allow.
    pub(crate) fn delete(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let wish = Wish::of(asked)?;
        let key = asked.key(&asked.target.name);
        let found =
            self.store.get(&key).cloned().ok_or_else(|| Refusal::not_found(asked.refused_by_name()))?;
        wish.fits(asked, &found)?;
        match self.discard(&key, &wish, asked.now) {
            Deleted::Going(object) => Ok(asked.shown(200, &object)),
            Deleted::Gone(object) if asked.kind.kind == "Pod" || asked.kind.kind == "Namespace" => {
                Ok(asked.shown(200, &object))
            }
            Deleted::Gone(object) => Ok(Answer::json(200, &success(asked, &object))),
        }
    }

    /// Deletes everything that a selector takes.
    pub(crate) fn delete_all(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let wish = Wish::of(asked)?;
        let selector = super::read::selector_of(asked)?;
        let resource = asked.kind.storage();
        let meant =
            self.store.of(&resource, &asked.target.namespace).filter(|(_, object)| selector.takes(object));
        let keys: Vec<Key> = meant.map(|(key, _)| key.clone()).collect();
        let objects: Vec<Arc<Value>> = keys
            .iter()
            .map(|key| match self.discard(key, &wish, asked.now) {
                Deleted::Gone(object) | Deleted::Going(object) => object,
            })
            .collect();
        let metadata = json!({"resourceVersion": self.store.version().to_string()});
        let view = super::view::View::of(&asked.request.accept);
        Ok(Answer::json(200, &view.all(asked.kind, &objects, metadata, asked.now)))
    }

    /// `kubectl drain` and the cluster autoscaler ask this way: a budget may forbid it.
    pub(crate) fn evict(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let key = asked.key(&asked.target.name);
        let pod = self.store.get(&key).cloned().ok_or_else(|| Refusal::not_found(asked.refused_by_name()))?;
        let forbids = |budget: &&Value| {
            let selector =
                super::selector::Selector::of(budget.pointer("/spec/selector").unwrap_or(&Value::Null));
            selector.takes(&pod) && whole(budget, "/status/disruptionsAllowed").unwrap_or(0) <= 0
        };
        if let Some(budget) =
            self.list("poddisruptionbudgets.policy", &key.namespace).into_iter().find(forbids)
        {
            let name = text(budget, "/metadata/name");
            let message = "Cannot evict pod as it would violate the pod's disruption budget.";
            let causes = json!([{"reason": "DisruptionBudget", "message": format!("The disruption budget {name} does not allow this now")}]);
            return Err(Refusal {
                details: json!({"causes": causes}),
                ..Refusal::new(429, "TooManyRequests", message)
            });
        }
        self.discard(&key, &Wish::default(), asked.now);
        Ok(Answer::json(
            201,
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
        ))
    }

    /// Deletes an object for the cluster itself, in the background and with its grace.
    pub(crate) fn discard_plainly(&mut self, key: &Key, now: jiff::Timestamp) {
        if self.store.get(key).is_some_and(|object| instant(object, "/metadata/deletionTimestamp").is_none())
        {
            self.discard(key, &Wish::default(), now);
        }
    }

    /// The same, but what it owns goes first.
    pub(crate) fn discard_in_foreground(&mut self, key: &Key, now: jiff::Timestamp) {
        let policy = if key.resource == "pods" { String::new() } else { "Foreground".to_owned() };
        if self.store.get(key).is_some_and(|object| instant(object, "/metadata/deletionTimestamp").is_none())
        {
            self.discard(key, &Wish { policy, ..Wish::default() }, now);
        }
    }

    fn discard(&mut self, key: &Key, wish: &Wish, now: jiff::Timestamp) -> Deleted {
        let found = self.store.get(key).cloned().expect("whoever discards has found it");
        let mut object = Value::clone(&found);
        let is_pod = key.resource == "pods";
        let default = whole(&object, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
        let grace = if is_pod && !text(&object, "/spec/nodeName").is_empty() {
            wish.grace.unwrap_or(default)
        } else {
            0
        };
        if wish.policy == "Orphan" {
            self.orphan(text(&found, "/metadata/uid"));
        }
        if wish.policy == "Foreground"
            && !list(&object, "/metadata/finalizers").iter().any(|one| one == FOREGROUND)
        {
            let finalizers = list(&object, "/metadata/finalizers").iter().cloned().chain([json!(FOREGROUND)]);
            let finalizers: Vec<Value> = finalizers.collect();
            put(&mut object, "/metadata/finalizers", finalizers);
        }
        let stays =
            grace > 0 || key.resource == "namespaces" || !list(&object, "/metadata/finalizers").is_empty();
        if wish.dry {
            return if stays { Deleted::Going(found) } else { Deleted::Gone(found) };
        }
        if !stays {
            self.store.remove(key);
            self.redefine(key);
            return Deleted::Gone(found);
        }
        if instant(&object, "/metadata/deletionTimestamp").is_none() {
            put(
                &mut object,
                "/metadata/deletionTimestamp",
                if grace > 0 { deadline(now, grace) } else { time(now) },
            );
            put(&mut object, "/metadata/deletionGracePeriodSeconds", grace);
        }
        if key.resource == "namespaces" {
            put(&mut object, "/status/phase", "Terminating");
        }
        Deleted::Going(self.store.put(key.clone(), object))
    }

    /// A definition that goes takes its kind and all objects of it along.
    fn redefine(&mut self, key: &Key) {
        if key.resource == super::crd::RESOURCE {
            let gone: Vec<Key> = self.store.of(&key.name, "").map(|(key, _)| key.clone()).collect();
            gone.iter().for_each(|key| _ = self.store.remove(key));
            self.kinds.define(self.store.of(super::crd::RESOURCE, "").map(|(_, definition)| &**definition));
        }
    }

    /// What an object owned belongs to nobody from now on.
    fn orphan(&mut self, uid: &str) {
        let owns = |object: &Value| {
            list(object, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/uid") == uid)
        };
        let owned: Vec<(Key, Value)> = self
            .store
            .all()
            .filter(|(_, object)| owns(object))
            .map(|(key, object)| (key.clone(), Value::clone(object)))
            .collect();
        for (key, mut object) in owned {
            let others = list(&object, "/metadata/ownerReferences")
                .iter()
                .filter(|owner| text(owner, "/uid") != uid)
                .cloned();
            let others: Vec<Value> = others.collect();
            put(&mut object, "/metadata/ownerReferences", others);
            self.store.put(key, object);
        }
    }
}

impl Wish {
    fn of(asked: Asked) -> Result<Self, Refusal> {
        let body = if asked.request.body.is_empty() { json!({}) } else { asked.request.json()? };
        let parameter = |name| asked.request.parameter(name).unwrap_or_default().to_owned();
        let policy = Some(text(&body, "/propagationPolicy").to_owned()).filter(|policy| !policy.is_empty());
        Ok(Self {
            grace: whole(&body, "/gracePeriodSeconds")
                .or_else(|| parameter("gracePeriodSeconds").parse().ok()),
            policy: policy.unwrap_or_else(|| parameter("propagationPolicy")),
            uid: text(&body, "/preconditions/uid").to_owned(),
            version: text(&body, "/preconditions/resourceVersion").to_owned(),
            dry: asked.request.dry_run() || !list(&body, "/dryRun").is_empty(),
        })
    }

    fn fits(&self, asked: Asked, found: &Value) -> Result<(), Refusal> {
        for (wanted, field, name) in
            [(&self.uid, "uid", "UID"), (&self.version, "resourceVersion", "ResourceVersion")]
        {
            let is = text(found, &format!("/metadata/{field}"));
            if !wanted.is_empty() && wanted != is {
                let why = format!(
                    "Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {is}"
                );
                return Err(Refusal::conflict(asked.refused_by_name(), &why));
            }
        }
        Ok(())
    }
}

fn success(asked: Asked, object: &Value) -> Value {
    let kind = asked.kind;
    let mut details =
        json!({"name": asked.target.name, "kind": kind.plural, "uid": text(object, "/metadata/uid")});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
