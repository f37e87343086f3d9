//! What rules in CEL can see of a schema, and how large that may be: the numbers by which an API server reckons what a rule
//! costs before it takes a definition.

use serde_json::Value;

/// The largest request, in bytes.
const REQUEST_MAX: u64 = 3 << 20;

/// Whether rules can see values of this schema. What has no type but keeps unknown fields is hidden from them, and so is a list
/// or a map of such.
pub(super) fn is_visible(schema: &Value) -> bool {
    if is_int_or_string(schema) {
        return true;
    }
    match schema["type"].as_str() {
        Some("array") => is_visible(&schema["items"]),
        Some("object") if schema["additionalProperties"].is_object() => {
            is_visible(&schema["additionalProperties"])
        }
        Some(_) => true,
        None => false,
    }
}

pub(super) fn is_int_or_string(schema: &Value) -> bool {
    schema["x-kubernetes-int-or-string"] == true
}

/// How many values of a schema a request can hold, where nothing that is around them has a bound.
pub(super) fn most_values(schema: &Value) -> u64 {
    REQUEST_MAX / (least_size(schema) + 1)
}

/// The fewest bytes that a value of it takes.
fn least_size(schema: &Value) -> u64 {
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let fields = required.map(|name| (name, &schema["properties"][name]));
            let fields = fields.filter(|(_, field)| is_visible(field) && field.get("default").is_none());
            2 + fields.map(|(name, field)| name.len() as u64 + least_size(field) + 4).sum::<u64>()
        }
        Some("array" | "string") => 2,
        Some("boolean") => 4,
        _ => 1,
    }
}

/// How many letters, items or entries a value of it has at most.
pub(super) fn most_elements(schema: &Value) -> u64 {
    let bound = |key: &str| schema[key].as_u64();
    match schema["type"].as_str() {
        Some("array") => {
            bound("maxItems").unwrap_or_else(|| (REQUEST_MAX - 2) / (least_size(&schema["items"]) + 1))
        }
        Some("object") if schema["additionalProperties"].is_object() => bound("maxProperties")
            .unwrap_or_else(|| (REQUEST_MAX - 2) / (least_size(&schema["additionalProperties"]) + 6)),
        Some("string") => letters(schema),
        _ if is_int_or_string(schema) => bound("maxLength").map_or(REQUEST_MAX - 2, |most| 4 * most),
        _ => 1,
    }
}

/// A letter may take four bytes.
fn letters(schema: &Value) -> u64 {
    let words =
        schema["enum"].as_array().map(|words| words.iter().filter_map(Value::as_str).map(str::len).max());
    match (schema["maxLength"].as_u64(), schema["format"].as_str(), words) {
        (Some(most), ..) => 4 * most,
        (None, Some("date-time" | "date" | "duration"), _) => 64,
        (None, _, Some(longest)) => longest.unwrap_or(0) as u64,
        _ => REQUEST_MAX - 2,
    }
}

/// A field by the name that it has in CEL, where some words and letters cannot stand.
pub(super) fn unescaped(name: &str) -> String {
    let word = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"));
    if let Some(word) = word.filter(|word| RESERVED.contains(word)) {
        return word.to_owned();
    }
    [("__underscores__", "__"), ("__dot__", "."), ("__dash__", "-"), ("__slash__", "/")]
        .iter()
        .fold(name.to_owned(), |name, (told, meant)| name.replace(told, meant))
}

/// The name that a field has in CEL.
pub(super) fn escaped(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    [("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")]
        .iter()
        .fold(name.to_owned(), |name, (meant, told)| name.replace(meant, told))
}

/// Words that are no names in CEL.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
