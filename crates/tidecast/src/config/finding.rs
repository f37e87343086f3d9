use super::codes::{Code, Severity};
use super::edit::{INDENT, REMOVE};
use super::node::{Entry, Node};
use super::text::{Place, Texts};

/// One thing that a check found: what, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, which `tidecast explain` knows.
    pub code: Code,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where; none for a file that could not be read at all.
    pub place: Option<Place>,
    /// A few words at the place itself.
    pub label: String,
    /// What would be right.
    pub help: Option<String>,
    /// The help as edits, where it can be that: what to put in place of which bytes.
    pub fixes: Vec<(Place, String)>,
    /// Other places that belong to it, and what they are.
    pub also: Vec<(Place, String)>,
    /// Whether the place holds a secret, which is then never shown.
    pub secret: bool,
}

impl Finding {
    /// A finding without place, help or fix.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        let (label, help, fixes, also) = (String::new(), None, Vec::new(), Vec::new());
        Self { code, message, place: None, label, help, fixes, also, secret: false }
    }

    /// The same, at a place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same, with a few words at the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same, with help.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, with an edit that mends it, or helps to.
    pub fn fix(mut self, place: Place, text: impl Into<String>) -> Self {
        self.fixes.push((place, text.into()));
        self
    }

    /// The same, mended by taking a key and its value away.
    pub fn remove(self, entry: &Entry) -> Self {
        self.fix(entry.place.to(entry.value.place).to(entry.value.extent()), REMOVE)
    }

    /// The same, mended by a key put before the others of a section.
    pub fn insert(self, section: &Node, text: &str) -> Self {
        let flow = section.place.start < section.place.end;
        let gap = if flow { ", ".to_owned() } else { format!("\n{INDENT}") };
        match section.entries().first() {
            Some(first) => self.fix(Place { end: first.place.start, ..first.place }, format!("{text}{gap}")),
            None => self,
        }
    }

    /// The same, with another place.
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.also.push((place, label.into()));
        self
    }
}

/// Everything that a check found, and the texts in which it was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The findings, in the order of the files and of the lines in them.
    pub findings: Vec<Finding>,
    /// The texts.
    pub texts: Texts,
}

impl Report {
    /// A report in reading order, each finding once.
    pub fn new(mut findings: Vec<Finding>, texts: Texts) -> Self {
        findings.sort_by_key(|finding| (finding.place, finding.code));
        findings.dedup();
        Self { findings, texts }
    }

    /// How many findings are errors.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many findings are warnings.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.code.severity() == severity).count()
    }
}
