//! Reading and writing JSON by pointer, where what is missing reads as empty.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The text at `pointer`, empty if there is none.
pub(crate) fn text<'a>(of: &'a Value, pointer: &str) -> &'a str {
    of.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at `pointer`.
pub(crate) fn whole(of: &Value, pointer: &str) -> Option<i64> {
    of.pointer(pointer).and_then(Value::as_i64)
}

/// The list at `pointer`, empty if there is none.
pub(crate) fn list<'a>(of: &'a Value, pointer: &str) -> &'a [Value] {
    of.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The value of a label or annotation, whose keys have slashes that a pointer would trip over.
pub(crate) fn tag<'a>(of: &'a Value, under: &str, key: &str) -> Option<&'a str> {
    of.pointer("/metadata")?.get(under)?.get(key)?.as_str()
}

/// The object at `pointer`, made on the way if there is none.
pub(crate) fn map<'a>(of: &'a mut Value, pointer: &str) -> &'a mut Map<String, Value> {
    let mut at = of;
    for name in pointer.split('/').skip(1) {
        at = object(at).entry(name).or_insert_with(|| json!({}));
    }
    object(at)
}

/// Writes `value` at `pointer`, making the way there.
pub(crate) fn put(of: &mut Value, pointer: &str, value: impl Into<Value>) {
    let (parent, name) = pointer.rsplit_once('/').expect("pointers begin with a slash");
    map(of, parent).insert(name.to_owned(), value.into());
}

/// Takes away what stands at `pointer`.
pub(crate) fn cut(of: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, name) = pointer.rsplit_once('/').expect("pointers begin with a slash");
    of.pointer_mut(parent)?.as_object_mut()?.remove(name)
}

/// Copies what stands at `pointer` from one to the other, or its absence.
pub(crate) fn carry(from: &Value, to: &mut Value, pointer: &str) {
    match from.pointer(pointer) {
        Some(value) => put(to, pointer, value.clone()),
        None => _ = cut(to, pointer),
    }
}

/// An instant as the API writes it.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An instant as events and leases write it.
pub(crate) fn micro_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// The instant at `pointer`.
pub(crate) fn instant(of: &Value, pointer: &str) -> Option<Timestamp> {
    text(of, pointer).parse().ok()
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was just made one")
}
