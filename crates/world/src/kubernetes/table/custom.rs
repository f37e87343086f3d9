use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::tree::{list, text};
use super::{Column, name, since};

/// Columns and cells of a custom resource, as its definition says; without a word, name and age.
pub(crate) fn cells(version: &Value, objects: &[&Value], now: Timestamp) -> (Vec<Column>, Vec<Vec<Value>>) {
    let told = list(version, "/additionalPrinterColumns");
    let age = json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"});
    let own = if told.is_empty() { std::slice::from_ref(&age) } else { told };
    let columns = [Column::new("Name", "string")].into_iter().chain(own.iter().map(column)).collect();
    let row = |object: &&Value| {
        [name(object)].into_iter().chain(own.iter().map(|column| cell(column, object, now))).collect()
    };
    (columns, objects.iter().map(row).collect())
}

fn column(told: &Value) -> Column {
    Column {
        wide: told["priority"].as_i64().unwrap_or(0) > 0,
        format: text(told, "/format").to_owned(),
        description: text(told, "/description").to_owned(),
        ..Column::new(text(told, "/name"), text(told, "/type"))
    }
}

fn cell(column: &Value, object: &Value, now: Timestamp) -> Value {
    let Some(found) = find(object, text(column, "/jsonPath")) else { return Value::Null };
    match (text(column, "/type"), found) {
        ("date", Value::String(_)) => {
            let alone = json!({"at": found});
            since(&alone, "/at", now)
        }
        ("integer" | "number" | "boolean", value) => value.clone(),
        (_, Value::String(text)) => json!(text),
        (_, other) => json!(other.to_string()),
    }
}

/// The value at a JSON path of the simple sorts: fields, indices, and one filter `[?(@.type=="Ready")]`.
pub(crate) fn find<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    steps(path).iter().try_fold(object, |at, step| match step {
        Step::Field(name) => at.get(name),
        Step::Index(index) => at.get(index),
        Step::Where(field, value) => {
            at.as_array()?.iter().find(|item| text(item, &format!("/{field}")) == value)
        }
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    Where(String, String),
}

fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut left = path.trim_start_matches('$');
    while !left.is_empty() {
        let (step, rest) = if let Some(inside) = left.strip_prefix('[') {
            let (inside, rest) = inside.split_once(']').unwrap_or((inside, ""));
            (bracket(inside), rest)
        } else {
            let plain = left.trim_start_matches('.').replace("\\.", "\u{0}");
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let name = plain[..end].replace('\u{0}', ".");
            let skipped = left.len() - left.trim_start_matches('.').len();
            let taken = skipped + plain[..end].matches('\u{0}').count() + end;
            (Some(Step::Field(name)), &left[taken..])
        };
        steps.extend(step.filter(|step| *step != Step::Field(String::new())));
        left = rest;
    }
    steps
}

fn bracket(inside: &str) -> Option<Step> {
    if let Some(filter) = inside.strip_prefix("?(@.") {
        let (field, value) = filter.trim_end_matches(')').split_once("==")?;
        return Some(Step::Where(field.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()));
    }
    let quoted = inside.trim_matches(['"', '\'']);
    quoted.parse().map(Step::Index).ok().or_else(|| Some(Step::Field(quoted.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_fields_items_and_conditions() {
        let object = json!({"metadata": {"annotations": {"a.b/c": "x"}}, "status": {"conditions": [
            {"type": "Idle", "status": "False"}, {"type": "Ready", "status": "True"}]}});
        let at = |path| find(&object, path).cloned();
        assert_eq!(at(".status.conditions[?(@.type==\"Ready\")].status"), Some(json!("True")));
        assert_eq!(at(".status.conditions[?(@.type=='Idle')].status"), Some(json!("False")));
        assert_eq!(at(".status.conditions[1].type"), Some(json!("Ready")));
        assert_eq!(at(".metadata.annotations.a\\.b/c"), Some(json!("x")));
        assert_eq!(at(".metadata.annotations['a.b/c']"), Some(json!("x")));
        assert_eq!(at(".spec.replicas"), None);
    }
}
