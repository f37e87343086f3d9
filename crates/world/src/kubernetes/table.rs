//! Objects as tables for people: what `kubectl get` prints.

mod custom;
mod own;
mod pods;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kind::{Form, Kind};
use super::tree::{instant, text};

/// A column: its name, its type, and whether only `-o wide` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    name: String,
    kind: String,
    format: String,
    wide: bool,
    description: String,
}

impl Column {
    pub(crate) fn new(name: &str, kind: &str) -> Self {
        let format = if name == "Name" { "name" } else { "" };
        let (name, kind, format) = (name.to_owned(), kind.to_owned(), format.to_owned());
        Self { name, kind, format, wide: false, description: String::new() }
    }

    pub(crate) fn wide(name: &str) -> Self {
        Self { wide: true, ..Self::new(name, "string") }
    }

    fn told(&self) -> Value {
        let priority = i64::from(self.wide);
        json!({"name": self.name, "type": self.kind, "format": self.format, "description": self.description, "priority": priority})
    }
}

/// The table of some objects of a kind.
pub(crate) fn table(kind: &Kind, objects: &[&Value], metadata: Value, now: Timestamp) -> Value {
    let (columns, cells): (Vec<Column>, Vec<Vec<Value>>) = match &kind.form {
        Form::Custom(version) => custom::cells(version, objects, now),
        Form::Own(_) => own::cells(kind, objects, now),
    };
    let rows = objects
        .iter()
        .zip(cells)
        .map(|(object, cells)| json!({"cells": cells, "object": super::view::partial(object)}));
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns.iter().map(Column::told).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

/// How long ago something was, as kubectl says it: `45s`, `3m12s`, `5h`, `12d`.
pub(crate) fn since(object: &Value, pointer: &str, now: Timestamp) -> Value {
    let then = instant(object, pointer);
    json!(then.map_or_else(|| "<unknown>".to_owned(), |then| duration(now.duration_since(then).as_secs())))
}

fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let with = |large: i64, unit: &str, small: i64, of: &str| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{of}") }
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => with(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => with(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => with(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => with(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// The name of an object, as the first cell of each row.
pub(crate) fn name(object: &Value) -> Value {
    json!(text(object, "/metadata/name"))
}

/// `<none>` where there is nothing to say.
pub(crate) fn or_none(text: String) -> Value {
    json!(if text.is_empty() { "<none>".to_owned() } else { text })
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn ages_are_told_as_kubectl_tells_them() {
        let cases = [
            (45, "45s"),
            (119, "119s"),
            (192, "3m12s"),
            (180, "3m"),
            (700, "11m"),
            (10_800, "3h"),
            (11_400, "3h10m"),
        ];
        let long = [(86_400, "24h"), (200_000, "2d7h"), (864_000, "10d"), (31_536_000 * 3, "3y")];
        cases.into_iter().chain(long).for_each(|(seconds, told)| assert_eq!(duration(seconds), told));
    }
}
