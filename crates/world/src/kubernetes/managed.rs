use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::Fields;
use super::schema::Schema;
use super::tree::{list, put, text, time};

/// Who owns which fields of an object: what `metadata.managedFields` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Managers(pub(crate) Vec<Manager>);

/// One owner, and what it owns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manager {
    pub(crate) writer: Writer,
    /// When it has last written; empty if it was through the scale subresource, for which the API records no time.
    pub(crate) time: String,
    pub(crate) fields: Fields,
}

/// Who writes, and in which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) name: String,
    /// `Apply` or `Update`.
    pub(crate) operation: &'static str,
    pub(crate) version: String,
    pub(crate) subresource: String,
}

/// What nobody owns, since everybody must send it.
const NOBODYS: [&[&str]; 11] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["metadata", "uid"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// The set without what nobody owns.
pub(crate) fn ownable(fields: Fields) -> Fields {
    NOBODYS.iter().fold(fields, |fields, path| fields.without(path))
}

impl Managers {
    /// As an object has them.
    pub(crate) fn of(object: &Value) -> Self {
        let all =
            list(object, "/metadata/managedFields").iter().filter(|entry| entry.get("manager").is_some());
        Self(all.map(Manager::read).collect())
    }

    /// Writes them into an object.
    pub(crate) fn write(&self, object: &mut Value) {
        let told: Vec<Value> =
            self.0.iter().filter(|one| !one.fields.is_empty()).map(Manager::told).collect();
        put(object, "/metadata/managedFields", told);
    }

    /// What a writer owned so far.
    pub(crate) fn owned_by(&self, writer: &Writer) -> Fields {
        let found = self.0.iter().find(|one| one.writer == *writer);
        found.map(|one| one.fields.clone()).unwrap_or_default()
    }

    /// After an update: the writer owns what it changed, and others no longer do.
    pub(crate) fn after_update(
        mut self,
        old: Option<&Value>,
        new: &Value,
        schema: Schema,
        writer: &Writer,
        now: Timestamp,
    ) -> Self {
        let empty = json!({});
        let (set, gone) = Fields::changed(Some(old.unwrap_or(&empty)), Some(new), schema);
        let (set, gone) = (ownable(set), ownable(gone));
        if set.is_empty() && gone.is_empty() {
            return self;
        }
        for other in self.0.iter_mut() {
            other.fields = other.fields.difference(&gone);
            if other.writer != *writer {
                other.fields = other.fields.difference(&set);
            }
        }
        let fields = self.owned_by(writer).union(&set);
        self.set(writer, fields, now);
        self
    }

    /// Gives a writer these fields and nothing else, as of now.
    pub(crate) fn set(&mut self, writer: &Writer, fields: Fields, now: Timestamp) {
        let time = if writer.subresource == "scale" { String::new() } else { time(now) };
        let new = Manager { writer: writer.clone(), time, fields };
        match self.0.iter_mut().find(|one| one.writer == *writer) {
            Some(found) => *found = new,
            None => self.0.push(new),
        }
    }
}

impl Manager {
    fn read(told: &Value) -> Self {
        let operation = if text(told, "/operation") == "Apply" { "Apply" } else { "Update" };
        let writer = Writer {
            name: text(told, "/manager").to_owned(),
            operation,
            version: text(told, "/apiVersion").to_owned(),
            subresource: text(told, "/subresource").to_owned(),
        };
        let fields = Fields::from_json(told.get("fieldsV1").unwrap_or(&Value::Null));
        Self { writer, time: text(told, "/time").to_owned(), fields }
    }

    fn told(&self) -> Value {
        let mut told = json!({
            "manager": self.writer.name, "operation": self.writer.operation, "apiVersion": self.writer.version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_json(),
        });
        if !self.time.is_empty() {
            told["time"] = json!(self.time);
        }
        if !self.writer.subresource.is_empty() {
            told["subresource"] = json!(self.writer.subresource);
        }
        told
    }

    /// How a conflict names it.
    pub(crate) fn named(&self) -> String {
        let Writer { name, operation, version, subresource } = &self.writer;
        let part =
            if subresource.is_empty() { String::new() } else { format!(" with subresource {subresource:?}") };
        match *operation {
            "Apply" => format!("{name:?}{part}"),
            _ if self.time.is_empty() => format!("{name:?}{part} using {version}"),
            _ => format!("{name:?}{part} using {version} at {}", self.time),
        }
    }
}
