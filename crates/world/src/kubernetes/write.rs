use std::sync::Arc;

use serde_json::{Value, json};

use super::apply::{Apply, Contested, blank};
use super::cluster::{Asked, Cluster};
use super::draft::{count_generation, patched, settle, understood, with_warnings};
use super::managed::{Managers, Writer};
use super::request::Answer;
use super::status::{Cause, Refusal};
use super::tree::{cut, instant, list, put, text, time};

/// Which part of an object a write is for; the rest stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
}

/// Who is to own what a write changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Whoever changed it.
    Changer(Writer),
    /// The object says so already.
    Told,
}

/// An object on its way into the store.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) object: Value,
    pub(crate) old: Option<Arc<Value>>,
    pub(crate) part: Part,
    pub(crate) owner: Owner,
}

impl Cluster {
    /// `POST` of a new object.
    pub(crate) fn create(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let told = self.faults.admitted(asked, asked.request.json()?)?;
        let (mut object, warnings) = understood(asked, &told)?;
        if text(&object, "/metadata/name").is_empty() && !text(&object, "/metadata/generateName").is_empty() {
            let name = format!("{}{}", text(&object, "/metadata/generateName"), self.suffix());
            put(&mut object, "/metadata/name", name);
        }
        if !text(&object, "/metadata/resourceVersion").is_empty() {
            return Err(Refusal::bad("resourceVersion should not be set on objects to be created"));
        }
        let draft = Draft { object, old: None, part: Part::Main, owner: Owner::Changer(asked.writer()) };
        let kept = self.keep(asked, draft)?;
        Ok(with_warnings(asked.shown(201, &kept), warnings))
    }

    /// `PUT` and all sorts of `PATCH`, of an object or of its status.
    pub(crate) fn change(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let old = self.store.get(&asked.key(&asked.target.name)).cloned();
        let part = if asked.target.subresource == "status" { Part::Status } else { Part::Main };
        let told = self.faults.admitted(asked, asked.request.json()?)?;
        let applies = asked.verb == "patch" && asked.request.media() == "application/apply-patch+yaml";
        let creates =
            part == Part::Main && (applies || (asked.verb == "update" && asked.kind.is_made_by_update()));
        if old.is_none() && !creates {
            return Err(Refusal::not_found(asked.refused_by_name()));
        }
        if old.is_none() {
            self.authorize(&asked.request.user, "create", asked.target)?;
        }
        let new = match asked.verb {
            "update" => told,
            _ if applies => self.applied(asked, old.as_deref(), &told, part)?,
            _ => patched(asked, old.as_deref().unwrap_or(&Value::Null), &told)?,
        };
        let (object, warnings) = understood(asked, &new)?;
        let status = if old.is_some() { 200 } else { 201 };
        let owner = if applies { Owner::Told } else { Owner::Changer(asked.writer()) };
        let kept = self.keep(asked, Draft { object, old, part, owner })?;
        Ok(with_warnings(asked.shown(status, &kept), warnings))
    }

    fn applied(
        &self,
        asked: Asked,
        old: Option<&Value>,
        wanted: &Value,
        part: Part,
    ) -> Result<Value, Refusal> {
        let Asked { request, target, kind, now, .. } = asked;
        if request.parameter("fieldManager").is_none() && request.agent.is_empty() {
            let cause = Cause::new(
                "FieldValueRequired",
                "fieldManager",
                "Required value: is required for apply patch",
            );
            return Err(Refusal::invalid(
                super::status::About {
                    group: "meta.k8s.io",
                    plural: "patchoptions",
                    kind: "PatchOptions",
                    name: "",
                },
                vec![cause],
            ));
        }
        if !list(wanted, "/metadata/managedFields").is_empty() {
            return Err(Refusal::bad("metadata.managedFields must be nil"));
        }
        if text(wanted, "/kind").is_empty() || text(wanted, "/apiVersion").is_empty() {
            return Err(Refusal::bad("the applied object must say its apiVersion and kind"));
        }
        let live = old.map_or_else(|| blank(wanted, &target.namespace, &target.name), |old| kind.shown(old));
        let closed: &[&str] = match part {
            Part::Main if kind.status => &["status"],
            Part::Main => &[],
            Part::Status => &["spec"],
        };
        let contested = if request.flag("force") { Contested::Taken } else { Contested::Refused };
        let writer = Writer { operation: "Apply", ..asked.writer() };
        // What is applied is judged by itself first: an unknown field shall not hide behind the live object.
        let wanted = understood(asked, wanted)?.0;
        Apply { wanted: &wanted, writer: &writer, contested, closed }.upon(&live, kind.schema(), now)
    }

    /// Completes, judges and keeps a draft; gives the object as it is from now on.
    pub(crate) fn keep(&mut self, asked: Asked, draft: Draft) -> Result<Arc<Value>, Refusal> {
        let Draft { mut object, old, part, owner } = draft;
        let name = text(&object, "/metadata/name").to_owned();
        match &old {
            Some(old) => settle(asked, old, &mut object, part)?,
            None => self.begin(asked, &mut object, &name)?,
        }
        self.grants_what_is_held(asked, old.as_deref(), &object)?;
        super::default::fill(asked.kind, &mut object);
        self.judge(asked, old.as_deref(), &object)?;
        if let Some(old) = old.as_ref().filter(|_| part == Part::Main) {
            count_generation(asked.kind, old, &mut object);
        }
        if let Owner::Changer(writer) = &owner {
            let managers = match object.pointer("/metadata/managedFields") {
                Some(Value::Array(told)) if told.is_empty() => Managers::default(),
                _ => Managers::of(old.as_deref().unwrap_or(&Value::Null)),
            };
            let after =
                managers.after_update(old.as_deref(), &object, asked.kind.schema(), writer, asked.now);
            after.write(&mut object);
        }
        if old.as_deref() == Some(&object) {
            return Ok(Arc::new(object));
        }
        if asked.request.dry_run() {
            return Ok(Arc::new(object));
        }
        Ok(self.put(asked.key(&name), object))
    }

    /// Writes an object, unless it was only waiting to lose its last finalizer.
    pub(crate) fn put(&mut self, key: super::store::Key, object: Value) -> Arc<Value> {
        let waits = instant(&object, "/metadata/deletionTimestamp").is_some();
        let held = !list(&object, "/metadata/finalizers").is_empty()
            || ["pods", "namespaces"].contains(&key.resource.as_str());
        let defines = key.resource == super::crd::RESOURCE;
        let kept = if waits && !held {
            self.store.remove(&key);
            Arc::new(object)
        } else {
            self.store.put(key, object)
        };
        if defines {
            self.kinds.define(self.store.of(super::crd::RESOURCE, "").map(|(_, definition)| &**definition));
        }
        kept
    }

    fn begin(&mut self, asked: Asked, object: &mut Value, name: &str) -> Result<(), Refusal> {
        let Asked { target, kind, now, .. } = asked;
        if name.is_empty() {
            let cause = Cause::new(
                "FieldValueRequired",
                "metadata.name",
                "Required value: name or generateName is required",
            );
            return Err(Refusal::invalid(kind.about(""), vec![cause]));
        }
        if self.store.get(&asked.key(name)).is_some() {
            return Err(Refusal::exists(kind.about(name)));
        }
        if kind.namespaced {
            self.is_open(asked, name)?;
            put(object, "/metadata/namespace", target.namespace.clone());
        } else {
            cut(object, "/metadata/namespace");
        }
        for field in
            ["deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink", "resourceVersion"]
        {
            cut(object, &format!("/metadata/{field}"));
        }
        put(object, "/metadata/uid", self.uid());
        put(object, "/metadata/creationTimestamp", time(now));
        if kind.has_generation() {
            put(object, "/metadata/generation", 1);
        }
        if kind.status {
            cut(object, "/status");
        }
        Ok(())
    }

    /// Nothing is created in a namespace that is not there or on its way out.
    fn is_open(&self, asked: Asked, name: &str) -> Result<(), Refusal> {
        let namespaces =
            |name| super::status::About { group: "", plural: "namespaces", kind: "Namespace", name };
        let namespace = &asked.target.namespace;
        match self.get("namespaces", "", namespace) {
            None => Err(Refusal::not_found(namespaces(namespace))),
            Some(found) if instant(found, "/metadata/deletionTimestamp").is_some() => {
                let why = format!(
                    "unable to create new content in namespace {namespace} because it is being terminated"
                );
                let mut refusal = Refusal::forbidden(asked.kind.about(name), &why);
                refusal.details["causes"] = json!([{"reason": "NamespaceTerminating", "field": "metadata.namespace",
                    "message": format!("namespace {namespace} is being terminated")}]);
                Err(refusal)
            }
            Some(_) => Ok(()),
        }
    }

    fn judge(&self, asked: Asked, old: Option<&Value>, object: &Value) -> Result<(), Refusal> {
        let mut causes = super::validate::own(asked.kind, old, object);
        if asked.kind.kind == "CustomResourceDefinition" {
            causes.extend(super::crd::causes(&*self.rules, object));
        }
        if asked.kind.is_custom() {
            causes.extend(super::crd::judge(&*self.rules, asked.kind, old, object));
        }
        if causes.is_empty() {
            return Ok(());
        }
        Err(Refusal::invalid(asked.kind.about(text(object, "/metadata/name")), causes))
    }

    /// Five letters that no word can be made of, as generated names end.
    pub(crate) fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(*self.chance.one_of(LETTERS))).collect()
    }
}

impl Asked<'_> {
    pub(crate) fn writer(&self) -> Writer {
        Writer {
            name: self.request.manager(),
            operation: "Update",
            version: self.kind.api_version(),
            subresource: self.target.subresource.clone(),
        }
    }
}
