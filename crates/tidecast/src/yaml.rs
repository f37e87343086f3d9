//! Values as YAML text, for what tidecast prints: manifests, and configurations that it writes.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Keys that people expect first; all others follow by the alphabet.
const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "type", "name"];

/// One document in block style, ending in a line break. The same value gives the same bytes.
pub fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(keys) if !keys.is_empty() => map(&mut text, keys, 0),
        Value::Array(items) if !items.is_empty() => list(&mut text, items, 0),
        other => text = format!("{}\n", flow(other)),
    }
    text
}

/// Several documents, each after a line of three hyphens.
pub fn documents(values: &[Value]) -> String {
    values.iter().map(|value| format!("---\n{}", document(value))).collect()
}

fn map(text: &mut String, keys: &Map<String, Value>, indent: usize) {
    let mut sorted: Vec<_> = keys.iter().collect();
    sorted.sort_by_key(|(key, _)| (FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()), *key));
    for (i, (key, value)) in sorted.into_iter().enumerate() {
        // The first key of a list's item stands on the line of its hyphen.
        let pad = if i == 0 && text.ends_with("- ") { 0 } else { indent };
        say(text, format_args!("{:pad$}{}:", "", scalar(key)));
        behind(text, value, indent);
    }
}

fn behind(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(keys) if !keys.is_empty() => {
            text.push('\n');
            map(text, keys, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            list(text, items, indent);
        }
        Value::String(lines) if literal(lines) => block(text, lines, indent + 2),
        other => say(text, format_args!(" {}\n", flow(other))),
    }
}

fn list(text: &mut String, items: &[Value], indent: usize) {
    for item in items {
        say(text, format_args!("{:indent$}- ", ""));
        match item {
            Value::Object(keys) if !keys.is_empty() => map(text, keys, indent + 2),
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                list(text, items, indent + 2);
            }
            Value::String(lines) if literal(lines) => {
                text.truncate(text.trim_end().len());
                block(text, lines, indent + 2);
            }
            other => say(text, format_args!("{}\n", flow(other))),
        }
    }
}

/// Whether a text is better shown line by line.
fn literal(lines: &str) -> bool {
    let plain = |c: char| c == '\n' || !c.is_control();
    lines.contains('\n') && !lines.starts_with([' ', '\n']) && lines.chars().all(plain)
}

fn block(text: &mut String, lines: &str, indent: usize) {
    let keep = match lines.len() - lines.trim_end_matches('\n').len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    say(text, format_args!(" |{keep}\n"));
    for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
        match line.is_empty() {
            true => text.push('\n'),
            false => say(text, format_args!("{:indent$}{line}\n", "")),
        }
    }
}

/// A value on one line.
pub fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(keys) if keys.is_empty() => "{}".to_owned(),
        Value::Object(keys) => {
            let keys: Vec<_> = keys.iter().map(|(k, v)| format!("{}: {}", scalar(k), flow(v))).collect();
            format!("{{ {} }}", keys.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text as one word: bare where nothing else could be meant, in quotes otherwise.
pub fn scalar(text: &str) -> String {
    match (bare(text), text.chars().any(char::is_control)) {
        (true, _) => text.to_owned(),
        (false, false) => format!("'{}'", text.replace('\'', "''")),
        // Every JSON text is a text in YAML's double quotes.
        (false, true) => Value::from(text).to_string(),
    }
}

fn bare(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || "_/.".contains(c);
    let inner = |c: char| c.is_ascii_alphanumeric() || " _-./()%+=;~@$^*\\".contains(c) || c == ':';
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.starts_with(first)
        && text.chars().all(inner)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !words.contains(&text.to_ascii_lowercase().as_str())
        && text.parse::<f64>().is_err()
        && !text.starts_with('.')
        && !text.starts_with("0x")
}

fn say(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a String takes all that is written to it");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &Value) {
        let text = document(value);
        let read: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(&read, value, "{text}");
    }

    #[test]
    fn is_read_back_as_what_it_was() {
        check(&json!({ "a": [1, [2, 3], { "b": null, "c": [] }], "d": {}, "e": "x\ny\n", "f": "x\n\n  y" }));
        check(&json!(["one\ntwo", "end\n\n", ["x"], { "k": "v\nw" }]));
        for text in [
            "",
            " a",
            "a ",
            "yes",
            "Off",
            "NULL",
            "~",
            "12",
            "1e3",
            "0x1f",
            ".5",
            ".inf",
            "-a",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "'a'",
            "\"a\"",
            "a'b",
            "{a}",
            "[a]",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "a\tb",
            "a\u{1}b",
            "|",
            ">",
            "a, b",
            "?",
            "größe",
            "\n",
            " \nx",
            "2026-12-31",
            "12:30",
            "=",
            "<<",
            "a\r\nb",
        ] {
            check(&json!({ "k": text, "l": [text] }));
            check(&json!({ (text): 1 }));
        }
    }

    #[test]
    fn shows_what_people_expect_first() {
        let object = json!({ "spec": { "b": "x", "a": "5m" }, "metadata": { "name": "shop" }, "kind": "K", "apiVersion": "v1" });
        assert_eq!(
            document(&object),
            "apiVersion: v1\nkind: K\nmetadata:\n  name: shop\nspec:\n  a: '5m'\n  b: x\n"
        );
    }
}
