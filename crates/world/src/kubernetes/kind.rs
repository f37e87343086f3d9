use std::sync::Arc;

use serde_json::Value;

use super::schema::Schema;
use super::status::{About, dotted};

/// A resource that is served: its names, its form, what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) status: bool,
    pub(crate) scale: Option<Scale>,
    pub(crate) form: Form,
    /// Whether new objects are kept in this version.
    pub(crate) stored: bool,
}

/// Where the form of a kind is written.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// Among Kubernetes' own types.
    Own(&'static str),
    /// In the version of a definition: `{schema, additionalPrinterColumns, …}`.
    Custom(Arc<Value>),
}

/// Where the scale subresource finds its figures, as pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) wanted: String,
    pub(crate) there: String,
    /// A `LabelSelector`, or a text that is one already.
    pub(crate) selector: Option<String>,
}

impl Kind {
    /// `deployments.apps`: the name under which objects of all versions are kept.
    pub(crate) fn resource(&self) -> String {
        dotted(&self.plural, &self.group)
    }

    /// The name under which objects are kept: events of both groups are the same ones.
    pub(crate) fn storage(&self) -> String {
        if self.group == super::events::GROUP { self.plural.clone() } else { self.resource() }
    }

    /// An object as it is kept, in the version of this kind.
    pub(crate) fn shown(&self, object: &Value) -> Value {
        if self.group == super::events::GROUP {
            return super::events::shown(object.clone());
        }
        if self.is_first_autoscaler() {
            return super::versions::shown(object.clone());
        }
        let mut shown = object.clone();
        shown["apiVersion"] = self.api_version().into();
        shown["kind"] = self.kind.clone().into();
        shown
    }

    /// `autoscaling/v1`, which is kept as `autoscaling/v2`.
    fn is_first_autoscaler(&self) -> bool {
        self.group == "autoscaling" && self.version == "v1"
    }

    /// An object in the version of this kind, as it is kept.
    pub(crate) fn kept(&self, object: Value) -> Value {
        if self.group == super::events::GROUP {
            return super::events::kept(object);
        }
        if self.is_first_autoscaler() { super::versions::kept(object) } else { object }
    }

    /// `apps/v1`, or `v1` in the core group.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(crate) fn about<'a>(&'a self, name: &'a str) -> About<'a> {
        About { group: &self.group, plural: &self.plural, kind: &self.kind, name }
    }

    pub(crate) fn schema(&self) -> Schema<'_> {
        match &self.form {
            Form::Own(name) => Schema::named(name),
            Form::Custom(version) => {
                version.pointer("/schema/openAPIV3Schema").map_or(super::schema::UNKNOWN, Schema::new)
            }
        }
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.form, Form::Custom(_))
    }

    /// What can only be asked, not kept: reviews.
    pub(crate) fn is_review(&self) -> bool {
        self.kind.ends_with("Review")
    }

    /// Kinds of which an update makes what is not there.
    pub(crate) fn is_made_by_update(&self) -> bool {
        ["Lease", "Event"].contains(&self.kind.as_str())
    }

    /// Kinds that refuse an update which does not say what it was made for.
    pub(crate) fn needs_version(&self) -> bool {
        self.is_custom() || ["Lease", "PodDisruptionBudget"].contains(&self.kind.as_str())
    }

    /// Kinds whose objects count their generations; an HPA does not.
    pub(crate) fn has_generation(&self) -> bool {
        self.is_custom()
            || ["apps", "policy", "apiextensions.k8s.io"].contains(&self.group.as_str())
            || self.kind == "Pod"
    }

    /// What clients may do with it, as discovery tells.
    pub(crate) fn verbs(&self) -> &'static [&'static str] {
        if self.is_review() {
            return &["create"];
        }
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    }
}
