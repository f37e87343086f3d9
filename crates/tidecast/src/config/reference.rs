//! Pages of the reference manual, made from the schema and from the list of codes, so that they cannot go stale.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::codes::{Page, Severity};
use super::load::schema;

const GENERATED: &str = "<!-- Generated from the code; `make bless` writes it anew. -->\n\n";

/// The page of the configuration: a table for each section.
pub fn configuration_page() -> String {
    let schema = schema();
    let mut page = format!("# Configuration\n\n{GENERATED}");
    page += "One YAML file, or all `.yaml`, `.yml` and `.json` files of a folder taken together: lists and `sources` add \
             up, every other section stands in one file only. `tidecast check` says what is wrong in it and where; \
             `tidecast init` writes one to begin with; `tidecast schema` prints its JSON Schema for editors.\n\n\
             Durations carry their unit: `500ms`, `90s`, `4m`, `1h30m`, `7d`. Shares are percentages (`99%`) or \
             fractions (`0.99`). Zones are IANA names. An unknown key is an error, a key without effect a warning.\n\n";
    let root = schema.as_value();
    section(&mut page, "The whole", root);
    for name in in_reading_order(root) {
        let def = &root["$defs"][&name];
        match def["oneOf"].as_array() {
            Some(variants) => tagged(&mut page, &name, def, variants),
            None => section(&mut page, &name, def),
        }
    }
    page.trim_end().to_owned() + "\n"
}

/// The sections in the order in which a reader who begins at the top comes upon them.
fn in_reading_order(root: &Value) -> Vec<String> {
    let mut names = references(root);
    let mut at = 0;
    while at < names.len() {
        let more = references(&root["$defs"][&names[at]]);
        let new: Vec<_> = more.into_iter().filter(|name| !names.contains(name)).collect();
        names.extend(new);
        at += 1;
    }
    names
}

/// The sections that a schema refers to, each once.
fn references(schema: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = vec![schema];
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(keys) => {
                let name = keys.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
                found.extend(name.filter(|name| !found.iter().any(|known| known == name)).map(str::to_owned));
                rest.extend(keys.iter().filter(|(key, _)| *key != "$defs").map(|(_, value)| value).rev());
            }
            Value::Array(items) => rest.extend(items.iter().rev()),
            _ => {}
        }
    }
    found
}

fn tagged(page: &mut String, name: &str, def: &Value, variants: &[Value]) {
    say(page, format_args!("## {name}\n\n{}\n\n", text(&def["description"])));
    for variant in variants {
        match variant["properties"]["type"]["const"].as_str() {
            Some(tag) => {
                say(page, format_args!("### type: {tag}\n\n{}\n\n", text(&variant["description"])));
                table(page, variant);
            }
            None => {
                let keys = variant["properties"].as_object().into_iter().flatten();
                keys.for_each(|(key, def)| {
                    say(page, format_args!("- `{{ {key}: … }}`: {}\n", text(&def["description"])))
                });
            }
        }
    }
    page.push('\n');
}

fn section(page: &mut String, name: &str, def: &Value) {
    say(page, format_args!("## {name}\n\n{}\n\n", text(&def["description"])));
    table(page, def);
}

fn table(page: &mut String, def: &Value) {
    let empty = Map::new();
    let keys = def["properties"].as_object().unwrap_or(&empty);
    let required: Vec<_> =
        def["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if keys.keys().all(|key| key == "type") {
        return page.push_str("No further keys.\n\n");
    }
    page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for (key, def) in keys.iter().filter(|(key, _)| *key != "type") {
        let default = if required.contains(&key.as_str()) {
            "**must be given**".to_owned()
        } else {
            default(&def["default"])
        };
        let meaning = text(&def["description"]).replace('|', "\\|").replace('\n', " ");
        say(page, format_args!("| `{key}` | {} | {default} | {meaning}{} |\n", kind(def), words(def)));
    }
    page.push('\n');
}

fn say(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to a string does not fail");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn default(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Object(keys) if keys.is_empty() => "empty".to_owned(),
        Value::Object(_) => "as in its section".to_owned(),
        Value::Array(items) if items.is_empty() => "empty".to_owned(),
        other => format!("`{other}`"),
    }
}

/// What can stand there, with a link to its section if it is one.
fn kind(def: &Value) -> String {
    if let Some(name) = def["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(choices) = def["anyOf"].as_array() {
        let mut kinds: Vec<_> = choices.iter().filter(|choice| choice["type"] != "null").map(kind).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    if let Some(word) = def["const"].as_str() {
        return format!("`{word}`");
    }
    if def["oneOf"].is_array() || def["enum"].is_array() {
        return "a word".to_owned();
    }
    if def["items"].is_object() {
        return format!("list of {}", kind(&def["items"]));
    }
    let named = def["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
    if let Some(value) = named.or(Some(&def["additionalProperties"])).filter(|value| value.is_object()) {
        return format!("names, each with {}", kind(value));
    }
    let example = def["examples"][0].clone();
    match (&example, first_type(def)) {
        (Value::Null, Some("integer")) => "whole number".to_owned(),
        (Value::Null, Some("boolean")) => "`true` or `false`".to_owned(),
        (Value::Null, Some(other)) => if other == "object" { "section" } else { "text" }.to_owned(),
        (Value::String(text), _) => format!("like `{text}`"),
        (other, _) => format!("like `{other}`"),
    }
}

fn first_type(def: &Value) -> Option<&str> {
    def["type"].as_str().or_else(|| def["type"][0].as_str())
}

/// The words that can stand there, each with its meaning.
fn words(def: &Value) -> String {
    let described = def["oneOf"].as_array().into_iter().flatten().map(|word| {
        let meaning = text(&word["description"]).trim_end_matches('.');
        format!("`{}` {}", text(&word["const"]), meaning.replace('\n', " "))
    });
    let words: Vec<_> = described.collect();
    if words.is_empty() { String::new() } else { format!(" {}.", words.join("; ")) }
}

/// The page of the codes: one heading each, so that it can be linked to.
pub fn errors_page() -> String {
    let mut page = format!("# Errors and warnings\n\n{GENERATED}");
    page += "What `tidecast check` can say of a configuration. `tidecast explain TIDE0104` prints the same in the \
             terminal. Codes keep their meaning for ever.\n\n";
    for severity in [Severity::Error, Severity::Warning] {
        say(
            &mut page,
            format_args!("## {}s\n\n", if severity == Severity::Error { "Error" } else { "Warning" }),
        );
        for code in Page::all().filter(|page| page.code.severity() == severity) {
            say(
                &mut page,
                format_args!(
                    "### {}: {}\n\n{}\n\nWrong:\n\n```yaml\n{}\n```\n\nRight:\n\n```yaml\n{}\n```\n\n",
                    code.code, code.title, code.why, code.wrong, code.right
                ),
            );
        }
    }
    page.trim_end().to_owned() + "\n"
}
