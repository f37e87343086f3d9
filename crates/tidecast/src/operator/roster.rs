//! All resources as one configuration with the files: who is driven, and what is wrong with the others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::resource::{Key, Pause, Resource};
use crate::config::codes::{Code, Severity};
use crate::config::section::{Cluster, Mode, Operator, Target, Workload};
use crate::config::word::Name;
use crate::config::{Config, Scaled, Text, Texts, read};

/// What is wrong with a spec, or odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code, as in a file.
    pub code: Code,
    /// What is wrong and what would be right, in a sentence.
    pub said: String,
}

/// What becomes of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The workload that is driven for it; none if there is none.
    pub driven: Option<Workload>,
    /// The generation of the spec that is driven.
    pub generation: Option<i64>,
    /// What is wrong with the spec as it is now; then what is driven is older.
    pub faults: Vec<Fault>,
    /// What is odd about it.
    pub warnings: Vec<Fault>,
}

/// All resources, and what is known of each.
#[derive(Debug, Default)]
pub struct Roster {
    entries: BTreeMap<Key, Entry>,
    files: Files,
}

#[derive(Debug)]
struct Entry {
    resource: Resource,
    /// The last spec that was driven: what goes on if the next one cannot be.
    good: Option<(i64, Value)>,
    /// What was read of the spec, until it or the files change.
    read: Option<Read>,
    standing: Standing,
}

/// A spec as it was read.
#[derive(Debug, Clone, PartialEq)]
struct Read {
    workload: Option<Workload>,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

/// What of the files a resource is read beside.
#[derive(Debug, Default)]
struct Files {
    config: Config,
    text: String,
}

impl Roster {
    /// The files that resources are read beside: their sources, their limits, their workloads.
    pub fn beside(&mut self, config: &Config) {
        let alone = Config {
            workloads: Vec::new(),
            calendar: Vec::new(),
            calendar_files: Vec::new(),
            special_days: Vec::new(),
            ..config.clone()
        };
        // A configuration is made of maps with text keys and of words: nothing that JSON could not hold.
        let text = serde_json::to_string(&alone).expect("a configuration can be written as JSON");
        if text != self.files.text {
            self.entries.values_mut().for_each(|entry| entry.read = None);
        }
        self.files = Files { config: config.clone(), text };
    }

    /// Takes the place of what was known before. True if anything was changed that matters.
    pub fn replace(&mut self, resources: Vec<Resource>) -> bool {
        let keys: BTreeSet<Key> = resources.iter().map(Resource::key).collect();
        let before = self.entries.len();
        self.entries.retain(|key, _| keys.contains(key));
        let mut changed = self.entries.len() != before;
        for resource in resources {
            changed |= self.put(resource);
        }
        changed
    }

    fn put(&mut self, resource: Resource) -> bool {
        let key = resource.key();
        match self.entries.get_mut(&key).filter(|entry| entry.resource.uid == resource.uid) {
            Some(entry) => {
                let known = &entry.resource;
                let changed = known.spec != resource.spec
                    || known.pause != resource.pause
                    || known.generation != resource.generation;
                if known.spec != resource.spec {
                    entry.read = None;
                }
                entry.resource = resource;
                changed
            }
            None => {
                let standing =
                    Standing { driven: None, generation: None, faults: Vec::new(), warnings: Vec::new() };
                self.entries.insert(key, Entry { resource, good: None, read: None, standing });
                true
            }
        }
    }

    /// Who is driven from now on: the workloads of the files, and those of the resources that fit beside them.
    pub fn settle(&mut self) -> Config {
        let operator = self.files.config.operator.clone();
        for entry in self.entries.values_mut() {
            let read = entry.read.take().unwrap_or_else(|| {
                Read::of(&entry.resource, &entry.resource.spec, operator.as_ref(), &self.files.text)
            });
            entry.read = Some(read);
        }
        let mut taken = Taken::by(&self.files.config);
        for key in self.in_order() {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            entry.standing = entry.stand(operator.as_ref(), &self.files.text, &mut taken);
            if let (Some(_), true) = (&entry.standing.driven, entry.standing.faults.is_empty()) {
                entry.good = Some((entry.resource.generation, entry.resource.spec.clone()));
            }
        }
        let mut config = self.files.config.clone();
        config.workloads.extend(self.entries.values().filter_map(|entry| entry.standing.driven.clone()));
        config
    }

    /// Those first that keep what they have, then by age: nobody loses a target to somebody who has just asked for it.
    fn in_order(&self) -> Vec<Key> {
        let clusters = &self.files.config.clusters;
        let rank = |(key, entry): (&Key, &Entry)| {
            let held = entry.standing.driven.as_ref().and_then(|workload| workload.target.scaled(clusters));
            let wanted = entry.read.as_ref().and_then(|read| read.workload.as_ref()?.target.scaled(clusters));
            let keeps = held.is_some() && held == wanted;
            (!keeps, entry.resource.created, key.clone())
        };
        let mut order: Vec<_> = self.entries.iter().map(rank).collect();
        order.sort();
        order.into_iter().map(|(_, _, key)| key).collect()
    }

    /// Every resource that is known.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.entries.values().map(|entry| &entry.resource)
    }

    /// Every resource with what has become of it.
    pub fn standings(&self) -> impl Iterator<Item = (&Resource, &Standing)> {
        self.entries.values().map(|entry| (&entry.resource, &entry.standing))
    }
}

/// Names and targets that somebody has.
struct Taken<'a> {
    clusters: &'a BTreeMap<Name, Cluster>,
    names: BTreeSet<String>,
    targets: BTreeMap<Scaled, String>,
}

impl<'a> Taken<'a> {
    fn by(config: &'a Config) -> Self {
        let (workloads, clusters) = (&config.workloads, &config.clusters);
        let name = |workload: &Workload| workload.name.as_str().to_owned();
        Self {
            clusters,
            names: workloads.iter().map(name).collect(),
            targets: workloads
                .iter()
                .filter_map(|workload| Some((workload.target.scaled(clusters)?, name(workload))))
                .collect(),
        }
    }

    /// Takes what a workload wants, or says who has it.
    fn take(&mut self, workload: &Workload) -> Result<(), Fault> {
        let name = workload.name.as_str();
        if self.names.contains(name) {
            let said = format!(
                "a workload of the files is called `{name}` already; give one of the two another name"
            );
            return Err(Fault { code: Code::SAME_WORKLOAD, said });
        }
        let target = workload.target.scaled(self.clusters);
        if let Some(who) = target.as_ref().and_then(|target| self.targets.get(target)) {
            let said = format!("`{name}` and `{who}` scale the same thing; `{who}` had it first");
            return Err(Fault { code: Code::SAME_TARGET, said });
        }
        self.names.insert(name.to_owned());
        self.targets.extend(target.map(|target| (target, name.to_owned())));
        Ok(())
    }
}

impl Entry {
    /// The spec as it is now if it can be driven, else the last one that could be.
    fn stand(&self, operator: Option<&Operator>, files: &str, taken: &mut Taken<'_>) -> Standing {
        let now =
            self.read.clone().unwrap_or(Read { workload: None, faults: Vec::new(), warnings: Vec::new() });
        let (mut faults, warnings) = (now.faults, now.warnings);
        if let Some(workload) = now.workload {
            match taken.take(&workload) {
                Ok(()) => {
                    let generation = Some(self.resource.generation);
                    return Standing { driven: Some(self.held_back(workload)), generation, faults, warnings };
                }
                Err(fault) => faults.push(fault),
            }
        }
        let older = self.good.as_ref().filter(|(_, spec)| *spec != self.resource.spec);
        let older = older.and_then(|(generation, spec)| {
            let workload = Read::of(&self.resource, spec, operator, files).workload?;
            taken.take(&workload).ok().map(|()| (*generation, workload))
        });
        let (generation, workload) = older.unzip();
        Standing { driven: workload.map(|workload| self.held_back(workload)), generation, faults, warnings }
    }

    /// What its annotations leave of the mode.
    fn held_back(&self, workload: Workload) -> Workload {
        let mode = match (self.resource.pause, workload.mode) {
            (Pause::All, _) => Mode::Observe,
            (Pause::ScaleIn, Mode::Full) => Mode::ScaleOutOnly,
            (_, mode) => mode,
        };
        Workload { mode, ..workload }
    }
}

impl Read {
    /// Reads a spec as the one workload beside the sources and limits of the files.
    fn of(resource: &Resource, spec: &Value, operator: Option<&Operator>, files: &str) -> Self {
        let key = resource.key().to_string();
        let mut faults = beyond(resource, spec, operator);
        let told = told(&key, resource, spec, operator);
        let text = |name: &str, content: String| Text { name: name.to_owned(), content };
        let texts = Texts(vec![text("the files", files.to_owned()), text(&key, told.to_string())]);
        let loaded = read(texts, Vec::new(), Path::new("."));
        let own = loaded
            .report
            .findings
            .iter()
            .filter(|finding| finding.place.is_some_and(|place| place.file == 1));
        let mut warnings = Vec::new();
        for finding in own {
            let help = finding.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            let fault = Fault { code: finding.code, said: format!("{}{help}", finding.message) };
            if finding.code.severity() == Severity::Error { faults.push(fault) } else { warnings.push(fault) }
        }
        let workload =
            loaded.config.and_then(|mut config| config.workloads.pop()).filter(|_| faults.is_empty());
        Self { workload, faults, warnings }
    }
}

/// The spec as a file would have it: with its name, its namespace and its cluster.
fn told(key: &str, resource: &Resource, spec: &Value, operator: Option<&Operator>) -> Value {
    let mut workload = if spec.is_object() { spec.clone() } else { json!({}) };
    workload["name"] = key.into();
    let inside = ["kubernetes", "keda", "agones"].iter().any(|kind| workload["target"]["type"] == *kind);
    if let (true, Some(target)) = (inside, workload["target"].as_object_mut()) {
        target.insert("namespace".into(), resource.namespace.as_str().into());
        target.remove("cluster");
        // Who asks by a webhook of Agones is in whatever cluster it is in.
        let in_cluster = target["type"] != "agones";
        if let (true, Some(cluster)) = (in_cluster, operator.and_then(|operator| operator.cluster.as_ref())) {
            target.insert("cluster".into(), cluster.as_str().into());
        }
    }
    json!({ "workloads": [workload] })
}

/// What a resource may not reach for.
fn beyond(resource: &Resource, spec: &Value, operator: Option<&Operator>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let target = &spec["target"];
    if let Some(other) = target["namespace"].as_str().filter(|other| *other != resource.namespace) {
        let own = &resource.namespace;
        let said = format!(
            "the target lies in the namespace `{other}`, and the resource in `{own}`; leave the key out"
        );
        faults.push(Fault { code: Code::FOREIGN_NAMESPACE, said });
    }
    let allowed = operator.map_or(&[][..], |operator| &operator.targets);
    if let Some(kind) = target["type"].as_str().filter(|kind| !allowed.iter().any(|one| one == kind)) {
        let said = format!(
            "a resource may not name a target of type {kind} here; `operator.targets` says which it may"
        );
        faults.push(Fault { code: Code::TARGET_NOT_ALLOWED, said });
    }
    faults
}

/// Whether a target is within a cluster, for sentences.
pub(super) fn in_short(target: &Target) -> String {
    match target {
        Target::Kubernetes(target) => format!("{}/{}", target.kind, target.name),
        Target::Keda(target) => format!("ScaledObject/{}", target.name),
        Target::Asg(target) => format!("asg/{}", target.group),
        Target::Agones(target) => format!("Fleet/{}", target.fleet),
        Target::None(_) => "none".to_owned(),
        #[allow(unreachable_patterns, reason = "other types of target are told by their own word")]
        other => serde_json::to_value(other)
            .ok()
            .and_then(|told| Some(told["type"].as_str()?.to_owned()))
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
