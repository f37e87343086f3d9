use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use schemars::{Schema, schema_for};

use super::codes::{Code, Severity};
use super::decode::{FAULTS_MAX, Shapes, decode};
use super::edit::complete;
use super::files::{Gathered, gather};
use super::finding::{Finding, Report};
use super::merge::merge;
use super::node::Node;
use super::rules;
use super::section::{Config, Workload};
use super::text::{NOWHERE, Text, Texts};
use super::yaml;

/// A configuration as it was read: usable only without errors.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, if it has no errors.
    pub config: Option<Config>,
    /// What was found in it.
    pub report: Report,
    /// The tree of all files together, for questions of the kind "where does this stand?".
    pub tree: Node,
    /// The folder at which relative paths begin.
    pub folder: PathBuf,
}

/// The JSON Schema of the whole configuration, with the doc comments of the sections as descriptions.
pub fn schema() -> Schema {
    schema_for!(Config)
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::of(&schema()));

/// Reads files and folders, and looks whether the secrets that they name are where they should be.
pub fn load(paths: &[PathBuf]) -> Loaded {
    let Gathered { texts, findings, folder } = gather(paths);
    let mut loaded = read(texts, findings, &folder);
    if let Some(config) = &loaded.config {
        let secrets = rules::look_at_secrets(config, &loaded.tree, &folder);
        loaded.report = Report::new([loaded.report.findings, secrets].concat(), loaded.report.texts);
        loaded.config = loaded.config.filter(|_| loaded.report.errors() == 0);
    }
    loaded
}

/// Reads texts: a pure function. `findings` are what is already known of them.
pub fn read(texts: Texts, mut findings: Vec<Finding>, folder: &Path) -> Loaded {
    let mut ids = 0;
    let mut trees = Vec::new();
    for (file, text) in texts.0.iter().enumerate() {
        let (tree, found) = yaml::parse(text, file, &mut ids);
        trees.extend(tree);
        findings.extend(found);
    }
    // What stands in a file that could not be read is not missing; rules that ask for it wait until it can be.
    let read = trees.len() == texts.0.len() && findings.iter().all(|finding| finding.place.is_some());
    let (whole, found) = merge(trees);
    let complete = read && found.iter().all(|finding| finding.code != Code::WRONG_KIND);
    findings.extend(found);
    let decoded = decode::<Config>(whole.clone(), &SHAPES);
    let mut tree = decoded.tree;
    findings.extend(decoded.findings);
    let config = decoded.value.filter(|_| complete);
    if let Some(config) = &config {
        let found = rules::check(rules::Context { config, tree: &tree, whole: &whole });
        findings.extend(found);
        tree = whole;
    }
    finish(config, texts, findings, tree, folder)
}

/// Whether a finding is about something that stands in a file, and not about an example in place of what is missing.
fn stands(finding: &Finding) -> bool {
    let mut places = finding.place.iter().chain(finding.also.iter().map(|(place, _)| place));
    places.all(|place| *place != NOWHERE)
}

fn finish(
    config: Option<Config>,
    texts: Texts,
    mut findings: Vec<Finding>,
    tree: Node,
    folder: &Path,
) -> Loaded {
    findings.retain(stands);
    if findings.len() >= FAULTS_MAX {
        let message = format!("after {FAULTS_MAX} mistakes the reading stops");
        findings.push(
            Finding::new(Code::TOO_MANY, message)
                .help("is this a configuration of tidecast? `tidecast init` writes one"),
        );
    }
    for finding in &mut findings {
        finding.secret |= finding.code == Code::LITERAL_SECRET;
        let fixes = std::mem::take(&mut finding.fixes).into_iter().filter(|fix| fix.0 != NOWHERE);
        finding.fixes = fixes.map(|fix| complete(fix.clone(), texts.of(fix.0))).collect();
    }
    let report = Report::new(findings, texts);
    let config = config.filter(|_| report.errors() == 0);
    Loaded { config, report, tree, folder: folder.to_owned() }
}

/// One workload from elsewhere than a file, such as the `spec` of a resource in Kubernetes.
///
/// # Errors
/// The sentences of everything that is wrong with it.
pub fn workload(spec: &serde_json::Value) -> Result<Workload, Vec<String>> {
    let text = Text { name: "spec".into(), content: format!("{spec:#}") };
    let (tree, findings) = yaml::parse(&text, 0, &mut 0);
    let decoded = tree.map(|tree| decode::<Workload>(tree, &SHAPES));
    let (value, more) = decoded.map_or((None, Vec::new()), |decoded| (decoded.value, decoded.findings));
    let sentence = |finding: &Finding| {
        format!("{}: {}; {}", finding.code, finding.message, finding.help.as_deref().unwrap_or(""))
    };
    let all: Vec<_> =
        findings.iter().chain(&more).filter(|f| f.code.severity() == Severity::Error).map(sentence).collect();
    value.filter(|_| all.is_empty()).ok_or(all)
}
