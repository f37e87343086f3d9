use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kind::Kind;
use super::request::Answer;
use super::table;

/// In which form a client wants objects: whole, as a table for people, or their metadata only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    Table,
    Metadata,
}

impl View {
    /// The first form of those accepted that is served.
    pub(crate) fn of(accept: &str) -> Self {
        accept.split(',').find_map(Self::one).unwrap_or(Self::Whole)
    }

    fn one(media: &str) -> Option<Self> {
        let mut parts = media.split(';').map(str::trim);
        match parts.next() {
            Some("application/json" | "*/*" | "application/*" | "") => {}
            _ => return None,
        }
        match parts.find_map(|part| part.strip_prefix("as=")) {
            Some("Table") => Some(Self::Table),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Some(Self::Metadata),
            None => Some(Self::Whole),
            Some(_) => None,
        }
    }

    /// An answer with one object.
    pub(crate) fn answer(self, status: u16, kind: &Kind, object: &Value, now: Timestamp) -> Answer {
        Answer::json(status, &self.one_object(kind, object, now))
    }

    /// One object, as it is kept, in this form.
    pub(crate) fn one_object(self, kind: &Kind, object: &Value, now: Timestamp) -> Value {
        match self {
            Self::Whole => kind.shown(object),
            Self::Metadata => partial(object),
            Self::Table => {
                let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                table::table(kind, &[object], json!({"resourceVersion": version}), now)
            }
        }
    }

    /// Many objects in this form.
    pub(crate) fn all(self, kind: &Kind, objects: &[Arc<Value>], metadata: Value, now: Timestamp) -> Value {
        match self {
            Self::Table => {
                let objects: Vec<&Value> = objects.iter().map(|object| &**object).collect();
                table::table(kind, &objects, metadata, now)
            }
            Self::Metadata => json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "items": objects.iter().map(|object| partial(object)).collect::<Vec<_>>(),
            }),
            Self::Whole => json!({
                "kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(), "metadata": metadata,
                "items": objects.iter().map(|object| kind.shown(object)).collect::<Vec<_>>(),
            }),
        }
    }
}

/// The metadata of an object.
pub(crate) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_is_served_is_taken() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(View::of(kubectl), View::Table);
        assert_eq!(View::of("application/vnd.kubernetes.protobuf,application/json"), View::Whole);
        assert_eq!(
            View::of("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"),
            View::Metadata
        );
        assert_eq!(View::of(""), View::Whole);
    }
}
