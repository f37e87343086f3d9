use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Around, Imported, Origin, Warning};
use crate::config::codes::Code;
use crate::yaml;

/// A workload on its way into a configuration.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What the warnings call it: the kind and the name there.
    pub object: String,
    /// The sections of the workload.
    pub workload: Map<String, Value>,
    /// The entries of the calendar that concern it.
    pub calendar: Vec<Value>,
    /// What is not carried over.
    pub warnings: Vec<Warning>,
}

impl Draft {
    /// A workload that is observed. `name` is made fit to be one.
    pub(super) fn new(object: String, name: &str) -> Self {
        let mut workload = Map::new();
        workload.insert("name".into(), fit(name).into());
        workload.insert("mode".into(), "observe".into());
        Self { object, workload, ..Self::default() }
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.workload.insert(key.into(), value.into());
    }

    /// Sets something within sections, which are made if they are not there.
    pub(super) fn set_in(&mut self, path: &[&str], value: impl Into<Value>) {
        let Some((last, sections)) = path.split_last() else { return };
        let mut at = &mut self.workload;
        for section in sections {
            let inner = at.entry(*section).or_insert_with(|| json!({}));
            let Value::Object(inner) = inner else { return };
            at = inner;
        }
        at.insert((*last).to_owned(), value.into());
    }

    pub(super) fn warn(&mut self, code: Code, message: impl Into<String>) {
        self.warnings.push(Warning { code, object: self.object.clone(), message: message.into() });
    }

    pub(super) fn name(&self) -> &str {
        self.workload.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The same as comments and an item of a list.
    fn written(&self) -> String {
        let told = format!("from {}", self.object);
        let comments =
            std::iter::once(told).chain(self.warnings.iter().map(|w| format!("{}: {}", w.code, w.message)));
        let comments: String =
            comments.flat_map(|comment| wrapped(&comment)).map(|line| format!("  # {line}\n")).collect();
        comments
            + &indented(&yaml::in_order(&Value::Array(vec![Value::Object(self.workload.clone())]), &ORDER))
    }
}

/// All of them, with the sources that they share.
pub(super) struct Drafts<'a> {
    origin: Origin,
    pub(super) around: &'a Around,
    sources: BTreeMap<String, Value>,
    drafts: Vec<Draft>,
    left_out: Vec<Warning>,
}

impl<'a> Drafts<'a> {
    pub(super) fn new(origin: Origin, around: &'a Around) -> Self {
        Self { origin, around, sources: BTreeMap::new(), drafts: Vec::new(), left_out: Vec::new() }
    }

    /// Takes a workload in; one whose name is there already gets another.
    pub(super) fn push(&mut self, mut draft: Draft) {
        let name = draft.name().to_owned();
        let taken = |name: &str| self.drafts.iter().any(|draft| draft.name() == name);
        let free = std::iter::once(name.clone())
            .chain((2..).map(|n| format!("{name}-{n}")))
            .find(|name| !taken(name));
        let free = free.unwrap_or_default();
        draft.calendar.iter_mut().for_each(|entry| entry["workload"] = free.as_str().into());
        draft.set("name", free);
        self.drafts.push(draft);
    }

    /// Says that an object is left out.
    pub(super) fn leave_out(&mut self, object: String, why: impl Into<String>) {
        self.left_out.push(Warning { code: Code::NOT_IMPORTED, object, message: why.into() });
    }

    /// The name of a source; the same source is taken in once.
    pub(super) fn source(&mut self, wish: &str, source: Value) -> String {
        if let Some((name, _)) = self.sources.iter().find(|(_, known)| **known == source) {
            return name.clone();
        }
        let names = std::iter::once(wish.to_owned()).chain((2..).map(|n| format!("{wish}{n}")));
        let name = names.into_iter().find(|name| !self.sources.contains_key(name)).unwrap_or_default();
        self.sources.insert(name.clone(), source);
        name
    }

    pub(super) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.left_out.iter().chain(self.drafts.iter().flat_map(|draft| &draft.warnings))
    }

    /// Leaves out what a check would not let pass: better a named gap than a configuration that does not start.
    pub(super) fn drop_unsound(&mut self, mistake: impl Fn(&str) -> Option<String>) {
        for draft in std::mem::take(&mut self.drafts) {
            match mistake(&self.written(std::slice::from_ref(&draft))) {
                None => self.drafts.push(draft),
                Some(why) => {
                    let message = format!("it cannot be a workload: {why}");
                    self.left_out.push(Warning { code: Code::NOT_IMPORTED, object: draft.object, message });
                }
            }
        }
        let asks = |draft: &Draft, name: &str| {
            draft.workload.get("demand").is_some_and(|demand| demand["source"] == name)
        };
        let asked = |name: &str| self.drafts.iter().any(|draft| asks(draft, name));
        let unused: Vec<_> = self.sources.keys().filter(|name| !asked(name)).cloned().collect();
        unused.iter().for_each(|name| drop(self.sources.remove(name)));
    }

    pub(super) fn finish(self) -> Imported {
        let yaml = self.written(&self.drafts);
        let warnings = self.warnings().cloned().collect();
        Imported { yaml, workloads: self.drafts.len(), warnings }
    }

    fn written(&self, drafts: &[Draft]) -> String {
        let left_out: String = self
            .left_out
            .iter()
            .flat_map(|w| wrapped(&format!("left out: {w}")))
            .map(|line| format!("# {line}\n"))
            .collect();
        let sources = yaml::in_order(&json!({ "sources": self.sources }), &ORDER);
        let workloads: String = drafts.iter().map(Draft::written).collect();
        let calendar: Vec<Value> = drafts.iter().flat_map(|draft| draft.calendar.clone()).collect();
        let calendar = match calendar.is_empty() {
            true => String::new(),
            false => format!("\ncalendar:\n{}", indented(&yaml::in_order(&Value::Array(calendar), &ORDER))),
        };
        let what = match self.origin {
            Origin::Hpa => "HorizontalPodAutoscalers",
            Origin::Keda => "ScaledObjects",
            Origin::Asg => "Auto Scaling groups",
        };
        format!(
            "# yaml-language-server: $schema=./tidecast.schema.json\n#\n# Imported from {what}. Every workload is observed: \
             nothing is changed until you set its mode.\n# What stands there and not here is named above each; `tidecast \
             explain CODE` says why.\n{left_out}apiVersion: tidecast.dev/v1alpha1\n\n{sources}\nworkloads:\n{workloads}{calendar}"
        )
    }
}

/// Keys in the order in which people read them.
const ORDER: [&str; 24] = [
    "type",
    "apiVersion",
    "kind",
    "namespace",
    "group",
    "region",
    "name",
    "mode",
    "workload",
    "target",
    "url",
    "demand",
    "source",
    "query",
    "unit",
    "capacity",
    "minReplicas",
    "maxReplicas",
    "behavior",
    "advanced",
    "schedule",
    "zone",
    "for",
    "percent",
];

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") }).collect()
}

/// Lines of at most a hundred characters.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 110;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(if lines.is_empty() { word.to_owned() } else { format!("  {word}") }),
        }
    }
    lines
}

/// A name out of one that other systems allow.
fn fit(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._/-".contains(c) { c } else { '-' };
    let name: String = name.to_lowercase().chars().map(safe).take(120).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    if name.is_empty() { "workload".to_owned() } else { name }
}
