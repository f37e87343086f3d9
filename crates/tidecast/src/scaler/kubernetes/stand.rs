use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::DynamicObject;
use serde_json::Value;
use tokio::time::Instant;

use super::ask::{Failed, Question, Why};
use super::kind::Kind;
use super::selector::Selector;
use super::{Kubernetes, Whose};
use crate::trouble::Trouble;

/// A target as it stands, and whose number decides its size.
#[derive(Debug)]
pub(super) struct Stand {
    pub kind: Kind,
    pub target: Arc<DynamicObject>,
    pub holder: Holder,
    /// Which Pods are its own, if it says so.
    pub selector: Option<Selector>,
    replicas: u32,
}

/// Which number is set: who owns the size of a target is the only one who may write it.
#[derive(Debug, Clone)]
pub(super) enum Holder {
    /// Nobody owns the size: the scale subresource.
    Scale,
    /// An HPA does: its floor.
    Hpa(Arc<DynamicObject>),
    /// KEDA does: the floor of its ScaledObject.
    ScaledObject(Arc<DynamicObject>),
}

/// Where one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// At what the watches have brought.
    Watched,
    /// At the server itself, since something is about to be written.
    Fresh,
}

impl Stand {
    /// The object that carries the number, and the annotations.
    pub(super) fn held(&self) -> &DynamicObject {
        match &self.holder {
            Holder::Scale => &self.target,
            Holder::Hpa(held) | Holder::ScaledObject(held) => held,
        }
    }

    pub(super) fn held_kind(&self) -> Kind {
        match &self.holder {
            Holder::Scale => self.kind.clone(),
            Holder::Hpa(_) => Kind::hpa(),
            Holder::ScaledObject(_) => Kind::scaled_object(),
        }
    }

    /// The name of the field that carries the number, below `spec`.
    pub(super) fn field(&self) -> &'static str {
        match &self.holder {
            Holder::Scale => "replicas",
            Holder::Hpa(_) => "minReplicas",
            Holder::ScaledObject(_) => "minReplicaCount",
        }
    }

    /// What we are told to keep: replicas, or the floor below which the owner never goes. The owner's own additions above
    /// the floor are none of our orders, so that deciding again changes nothing.
    pub(super) fn ordered(&self) -> u32 {
        match &self.holder {
            Holder::Scale => self.replicas,
            Holder::Hpa(hpa) => number(hpa, "/spec/minReplicas").unwrap_or(1),
            Holder::ScaledObject(object) => number(object, "/spec/minReplicaCount").unwrap_or(0),
        }
    }

    /// The generation that the target has once it is marked: that of a Deployment counts its annotations too.
    pub(super) fn generation_marked(&self) -> Option<i64> {
        let counts_notes = self.kind.group == "apps" && self.kind.kind == "Deployment";
        self.target.metadata.generation.map(|now| now + i64::from(counts_notes))
    }

    /// How many the object itself has.
    pub(super) fn replicas(&self) -> u32 {
        self.replicas
    }

    /// The range in which the owner takes the number.
    pub(super) fn range(&self) -> (u32, u32) {
        match &self.holder {
            Holder::Scale => (0, i32::MAX as u32),
            // Zero needs a feature gate and a metric of its own; one is always right.
            Holder::Hpa(hpa) => (1, number(hpa, "/spec/maxReplicas").unwrap_or(1)),
            Holder::ScaledObject(object) => {
                let idle = number(object, "/spec/idleReplicaCount").map_or(0, |idle| idle + 1);
                (idle, number(object, "/spec/maxReplicaCount").unwrap_or(100))
            }
        }
    }

    /// The servers that serve, by the target's own word, where its Pods are not known.
    pub(super) fn told_ready(&self) -> Option<u32> {
        let status = self.target.data.get("status")?;
        let count = |key: &str| status.get(key).and_then(Value::as_u64).map(|count| count as u32);
        let game = ["allocatedReplicas", "reservedReplicas"].into_iter().filter_map(count).sum::<u32>();
        count("readyReplicas").map(|ready| ready + game)
    }

    /// Who keeps the number from meaning anything just now.
    pub(super) fn paused_by(&self) -> Option<String> {
        match &self.holder {
            Holder::Hpa(hpa) if self.replicas == 0 => {
                let (hpa, target) = (name(hpa), name(&self.target));
                Some(format!("whoever has set {target} to 0 replicas, which pauses its HPA {hpa},"))
            }
            Holder::ScaledObject(object) => {
                let notes = object.metadata.annotations.as_ref()?;
                let keys = ["autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas"];
                let key =
                    keys.into_iter().find(|key| notes.get(*key).is_some_and(|value| value != "false"))?;
                Some(format!("whoever has paused the ScaledObject {} ({key})", name(object)))
            }
            _ => None,
        }
    }
}

pub(super) fn name(thing: &DynamicObject) -> &str {
    thing.metadata.name.as_deref().unwrap_or_default()
}

pub(super) fn number(thing: &DynamicObject, path: &str) -> Option<u32> {
    u32::try_from(thing.data.pointer(path)?.as_u64()?).ok()
}

fn text<'a>(thing: &'a DynamicObject, path: &str) -> Option<&'a str> {
    thing.data.pointer(path)?.as_str()
}

impl Kubernetes {
    /// How the target stands.
    pub(super) async fn stand(&self, look: Look, until: Instant) -> Result<Stand, Failed> {
        let keda = match &self.whose {
            Whose::Target { .. } => None,
            Whose::ScaledObject { name } => {
                Some(self.thing(&Kind::scaled_object(), name, look, until).await?)
            }
        };
        let (api_version, kind, name) = match (&self.whose, &keda) {
            (Whose::Target { api_version, kind, name }, _) => {
                (api_version.clone(), kind.clone(), name.clone())
            }
            (_, Some(object)) => referred(object),
            (Whose::ScaledObject { .. }, None) => unreachable!("it was read above"),
        };
        let kind = self.cluster.scalable(&api_version, &kind, until).await.map_err(Failed::from)?;
        let target = self.thing(&kind, &name, look, until).await?;
        let holder = match keda {
            Some(object) => Holder::ScaledObject(object),
            None => self.owner(&kind, &name, look, until).await?,
        };
        let (replicas, selector) = match kind.is_plain() {
            true => plainly(&target),
            false => self.scale(&kind, &name, until).await?,
        };
        Ok(Stand { kind, target, holder, selector, replicas })
    }

    /// One object, from the watch if that may be believed.
    async fn thing(
        &self,
        kind: &Kind,
        name: &str,
        look: Look,
        until: Instant,
    ) -> Result<Arc<DynamicObject>, Failed> {
        if look == Look::Watched {
            let view = self.view(kind);
            if view.settle(until).await
                && let Some(found) = view.named(name)
            {
                return Ok(found);
            }
        }
        let ask = Question::get(kind, &self.namespace, name);
        Ok(Arc::new(self.cluster.read(ask, until).await?))
    }

    /// Replicas and selector of kinds whose fields only their scale subresource knows.
    async fn scale(
        &self,
        kind: &Kind,
        name: &str,
        until: Instant,
    ) -> Result<(u32, Option<Selector>), Failed> {
        let ask = Question::get(kind, &self.namespace, name).of("scale");
        let scale: DynamicObject = self.cluster.read(ask, until).await?;
        let selector = text(&scale, "/status/selector").and_then(Selector::parse);
        Ok((number(&scale, "/spec/replicas").unwrap_or(0), selector))
    }

    /// Who owns the size of the target.
    async fn owner(&self, kind: &Kind, target: &str, look: Look, until: Instant) -> Result<Holder, Failed> {
        let means = |thing: &Arc<DynamicObject>| {
            let (api_version, referred, name) = referred(thing);
            kind.is_meant_by(&api_version, &referred) && name == target
        };
        let objects = match self.things(&Kind::scaled_object(), until).await {
            Ok(objects) => objects,
            // Without KEDA nobody has such objects; and who may not see them finds those that have an HPA by that.
            Err(failed) if matches!(failed.why, Why::Missing | Why::Forbidden) => Vec::new(),
            Err(failed) => return Err(failed),
        };
        let hpas: Vec<_> = self.things(&Kind::hpa(), until).await?.into_iter().filter(means).collect();
        let mut holders: Vec<_> = objects.into_iter().filter(means).map(Holder::ScaledObject).collect();
        if holders.is_empty() {
            holders = hpas.into_iter().map(Holder::Hpa).collect();
        }
        match (holders.pop(), holders.is_empty()) {
            (None, _) => Ok(Holder::Scale),
            (Some(holder), true) => self.refreshed(holder, look, until).await,
            (Some(one), false) => Err(self.contested(&one, &holders[0])),
        }
    }

    /// The owner as it is now, if that matters; and KEDA behind an HPA that KEDA has made.
    async fn refreshed(&self, holder: Holder, look: Look, until: Instant) -> Result<Holder, Failed> {
        Ok(match holder {
            Holder::Hpa(hpa) => {
                let owners = hpa.metadata.owner_references.iter().flatten();
                let keda = owners.into_iter().find(|owner| owner.kind == "ScaledObject");
                match keda {
                    Some(owner) => Holder::ScaledObject(
                        self.thing(&Kind::scaled_object(), &owner.name, look, until).await?,
                    ),
                    None if look == Look::Fresh => {
                        Holder::Hpa(self.thing(&Kind::hpa(), name(&hpa), look, until).await?)
                    }
                    None => Holder::Hpa(hpa),
                }
            }
            Holder::ScaledObject(object) if look == Look::Fresh => {
                let object = self.thing(&Kind::scaled_object(), name(&object), look, until).await?;
                Holder::ScaledObject(object)
            }
            other => other,
        })
    }

    /// All objects of a kind in the namespace, from the watch if that may be believed.
    pub(super) async fn things(
        &self,
        kind: &Kind,
        until: Instant,
    ) -> Result<Vec<Arc<DynamicObject>>, Failed> {
        let view = self.view(kind);
        if view.settle(until).await {
            return Ok(view.all());
        }
        if let Some(failed) = view.failed().filter(|failed| failed.why == Why::Missing) {
            return Err(failed);
        }
        let (things, _) = self.cluster.list(kind, &self.namespace, None, until).await?;
        Ok(things.into_iter().map(Arc::new).collect())
    }

    /// The Pods of the target, from the watch if that may be believed.
    pub(super) async fn pods(
        &self,
        selector: &Selector,
        until: Instant,
    ) -> Result<Vec<Arc<DynamicObject>>, Failed> {
        let view = self.view(&Kind::pod());
        if view.settle(until).await {
            return Ok(view.selected(selector));
        }
        let (pods, _) = self.cluster.list(&Kind::pod(), &self.namespace, Some(selector), until).await?;
        Ok(pods.into_iter().map(Arc::new).collect())
    }

    fn contested(&self, one: &Holder, other: &Holder) -> Failed {
        let called = |holder: &Holder| match holder {
            Holder::Scale => "nobody".to_owned(),
            Holder::Hpa(hpa) => format!("the HPA {}", name(hpa)),
            Holder::ScaledObject(object) => format!("the ScaledObject {}", name(object)),
        };
        let why = format!("{} and {} both size it; take one of them away", called(other), called(one));
        Failed { why: Why::Refused, trouble: Trouble::Unusable { who: self.who.clone(), why } }
    }
}

/// Replicas and selector where Deployments have them.
fn plainly(target: &DynamicObject) -> (u32, Option<Selector>) {
    let selector = target.data.pointer("/spec/selector").cloned();
    let selector = selector.and_then(|selector| serde_json::from_value::<LabelSelector>(selector).ok());
    (number(target, "/spec/replicas").unwrap_or(1), selector.and_then(Selector::of))
}

/// What `spec.scaleTargetRef` points to; KEDA may leave a Deployment's kind out.
fn referred(thing: &DynamicObject) -> (String, String, String) {
    let part = |key: &str, default: &str| {
        text(thing, &format!("/spec/scaleTargetRef/{key}"))
            .filter(|part| !part.is_empty())
            .unwrap_or(default)
            .to_owned()
    };
    (part("apiVersion", "apps/v1"), part("kind", "Deployment"), part("name", ""))
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        let why = match &trouble {
            Trouble::Missing { .. } => Why::Missing,
            Trouble::Forbidden { .. } => Why::Forbidden,
            Trouble::Unreachable { .. } | Trouble::Slow { .. } | Trouble::Garbled { .. } => Why::Unknown,
            Trouble::Answered { status: 429, .. } => Why::Busy,
            Trouble::Answered { status: 500.., .. } => Why::Unknown,
            _ => Why::Refused,
        };
        Self { why, trouble }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in super::super) fn thing(value: Value) -> Arc<DynamicObject> {
        Arc::new(serde_json::from_value(value).unwrap())
    }

    pub(in super::super) fn stand(kind: &str, target: Value, holder: Holder) -> Stand {
        let target = thing(target);
        let kind = Kind::new("apps", "v1", kind, &format!("{}s", kind.to_lowercase()));
        let (replicas, selector) = plainly(&target);
        Stand { kind, target, holder, selector, replicas }
    }

    fn deployment(replicas: Option<u32>) -> Value {
        json!({ "metadata": { "name": "checkout" }, "spec": { "replicas": replicas } })
    }

    #[test]
    fn is_ordered_what_it_is_told_to_keep() {
        let hpa = |min: Option<u32>| {
            Holder::Hpa(thing(json!({
            "metadata": { "name": "checkout" }, "spec": { "minReplicas": min, "maxReplicas": 40 } })))
        };
        let keda =
            |spec: Value| Holder::ScaledObject(thing(json!({ "metadata": { "name": "c" }, "spec": spec })));
        let check = |replicas: Option<u32>, holder: Holder, ordered: u32, range: (u32, u32)| {
            let stand = stand("Deployment", deployment(replicas), holder);
            assert_eq!((stand.ordered(), stand.range()), (ordered, range));
        };
        check(Some(7), Holder::Scale, 7, (0, i32::MAX as u32));
        check(None, Holder::Scale, 1, (0, i32::MAX as u32));
        check(Some(30), hpa(Some(12)), 12, (1, 40));
        check(Some(30), hpa(None), 1, (1, 40));
        check(Some(30), keda(json!({ "minReplicaCount": 3, "maxReplicaCount": 9 })), 3, (0, 9));
        check(Some(30), keda(json!({ "idleReplicaCount": 0 })), 0, (1, 100));
    }

    #[test]
    fn knows_when_its_owner_is_paused() {
        let hpa = || Holder::Hpa(thing(json!({ "metadata": { "name": "h" }, "spec": { "minReplicas": 3 } })));
        assert_eq!(stand("Deployment", deployment(Some(4)), hpa()).paused_by(), None);
        let paused = stand("Deployment", deployment(Some(0)), hpa()).paused_by().unwrap();
        assert!(paused.contains("0 replicas, which pauses its HPA h"), "{paused}");
        let keda = Holder::ScaledObject(thing(json!({ "metadata": { "name": "s",
            "annotations": { "autoscaling.keda.sh/paused-replicas": "2" } } })));
        assert!(
            stand("Deployment", deployment(Some(2)), keda)
                .paused_by()
                .unwrap()
                .contains("paused the ScaledObject s")
        );
    }

    #[test]
    fn counts_the_game_servers_that_are_taken() {
        let fleet = json!({ "metadata": { "name": "f" },
            "status": { "replicas": 10, "readyReplicas": 3, "allocatedReplicas": 6, "reservedReplicas": 1 } });
        assert_eq!(stand("Fleet", fleet, Holder::Scale).told_ready(), Some(10));
    }

    #[test]
    fn takes_what_keda_leaves_out_for_a_deployment() {
        let object = thing(
            json!({ "metadata": { "name": "s" }, "spec": { "scaleTargetRef": { "name": "checkout" } } }),
        );
        assert_eq!(referred(&object), ("apps/v1".into(), "Deployment".into(), "checkout".into()));
    }
}
