//! Values as YAML text, for what tidecast prints: manifests, and configurations that it writes.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Keys that people expect first; all others follow by the alphabet.
const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "type", "name"];

/// One document in block style, ending in a line break. The same value gives the same bytes.
pub fn document(value: &Value) -> String {
    in_order(value, &FIRST)
}

/// The same with other keys first.
pub fn in_order(value: &Value, first: &[&str]) -> String {
    let mut writer = Writer { text: String::new(), first };
    match value {
        Value::Object(keys) if !keys.is_empty() => writer.map(keys, 0),
        Value::Array(items) if !items.is_empty() => writer.list(items, 0),
        other => writer.text = format!("{}\n", flow(other)),
    }
    writer.text
}

/// Several documents, each after a line of three hyphens.
pub fn documents(values: &[Value]) -> String {
    values.iter().map(|value| format!("---\n{}", document(value))).collect()
}

struct Writer<'a> {
    text: String,
    first: &'a [&'a str],
}

impl Writer<'_> {
    fn map(&mut self, keys: &Map<String, Value>, indent: usize) {
        let mut sorted: Vec<_> = keys.iter().collect();
        let rank = |key: &str| self.first.iter().position(|first| *first == key).unwrap_or(self.first.len());
        sorted.sort_by_key(|(key, _)| (rank(key), *key));
        for (i, (key, value)) in sorted.into_iter().enumerate() {
            // The first key of a list's item stands on the line of its hyphen.
            let pad = if i == 0 && self.text.ends_with("- ") { 0 } else { indent };
            say(&mut self.text, format_args!("{:pad$}{}:", "", scalar(key)));
            self.behind(value, indent);
        }
    }

    fn behind(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(keys) if !keys.is_empty() => {
                self.text.push('\n');
                self.map(keys, indent + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                self.text.push('\n');
                self.list(items, indent);
            }
            Value::String(lines) if literal(lines) => block(&mut self.text, lines, indent + 2),
            other => say(&mut self.text, format_args!(" {}\n", flow(other))),
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) {
        for item in items {
            say(&mut self.text, format_args!("{:indent$}- ", ""));
            match item {
                Value::Object(keys) if !keys.is_empty() => self.map(keys, indent + 2),
                Value::Array(items) if !items.is_empty() => {
                    self.text.push('\n');
                    self.list(items, indent + 2);
                }
                Value::String(lines) if literal(lines) => {
                    self.text.truncate(self.text.trim_end().len());
                    block(&mut self.text, lines, indent + 2);
                }
                other => say(&mut self.text, format_args!("{}\n", flow(other))),
            }
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

/// A duration, a share or a size: digits with their units, which no reader takes for a number.
fn measured(text: &str) -> bool {
    let units = ["ms", "s", "m", "h", "d", "w", "%", "Ki", "Mi", "Gi", "Ti"];
    let mut rest = text;
    while !rest.is_empty() {
        let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let unit = units.iter().find(|unit| behind.starts_with(**unit));
        match unit.filter(|_| behind.len() < rest.len()) {
            Some(unit) => rest = &behind[unit.len()..],
            None => return false,
        }
    }
    !text.is_empty()
}

fn bare(text: &str) -> bool {
    if measured(text) {
        return true;
    }
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
            "apiVersion: v1\nkind: K\nmetadata:\n  name: shop\nspec:\n  a: 5m\n  b: x\n"
        );
    }
}
