//! Custom resources: their definitions, and what those say of objects.

mod definition;
mod defaults;
mod schema;

pub(crate) use defaults::fill;
pub(crate) use definition::{accept, causes};
pub(crate) use schema::judge;

/// Where definitions are kept.
pub(crate) const RESOURCE: &str = "customresourcedefinitions.apiextensions.k8s.io";
