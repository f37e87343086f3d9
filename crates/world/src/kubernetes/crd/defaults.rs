use serde_json::Value;

use super::super::kind::Kind;
use super::super::schema::Schema;

/// Fills in the defaults of a custom resource's schema; a null where none is allowed counts as absent.
pub(crate) fn fill(kind: &Kind, object: &mut Value) {
    filled(object, kind.schema());
}

fn filled(value: &mut Value, schema: Schema) {
    match value {
        Value::Object(fields) => {
            for (name, _) in schema.properties().into_iter().flatten() {
                let Some(field) = schema.declared(name) else { continue };
                if let Some(default) = field.says("default").filter(|_| !fields.contains_key(name)) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields.iter_mut() {
                filled(value, schema.field(name));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| filled(item, schema.items())),
        _ => {}
    }
}
