//! Trees into sections: a serde deserialiser that knows where everything stands, and goes on after a fault.
//!
//! serde stops at the first error. Here the fault names its culprit, which is then left out, and the rest is read
//! again; so all mistakes are found by the derives that also define the sections, with no second description of
//! the format. A tagged section (`type: prometheus`) is an ordinary enum to serde: this reader looks for the tag
//! itself, because serde's own way of reading tags buffers the values and loses their places.

mod keys;
mod reader;
mod shapes;
mod tagged;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::fault::{Fault, What};
use super::finding::Finding;
use super::node::{Kind, Node, Seat};
use reader::Reader;

pub(crate) use keys::TAG;
pub(crate) use shapes::{Shapes, flow};

/// The most faults that one reading finds.
pub const FAULTS_MAX: usize = 100;

/// What came of reading a tree.
pub(crate) struct Decoded<T> {
    /// The sections, if anything could be read.
    pub value: Option<T>,
    /// The tree without what could not be read: its lists are as long as those of the sections.
    pub tree: Node,
    /// What was wrong.
    pub findings: Vec<Finding>,
}

/// Reads a tree, leaving out what does not fit and saying so. Where it is clear what was meant, that is read instead;
/// where a key is missing, an example, which stands at [`NOWHERE`].
pub(crate) fn decode<T: DeserializeOwned>(mut tree: Node, shapes: &Shapes) -> Decoded<T> {
    let mut findings = Vec::new();
    let mut mended = BTreeSet::new();
    let mut lost = BTreeSet::new();
    loop {
        let context = Context { shapes, lost: &lost };
        let fault = match T::deserialize(Reader { node: &tree, key: None, section: None, context }) {
            Ok(value) => return Decoded { value: Some(value), tree, findings },
            Err(fault) => fault,
        };
        let (culprit, what) = (fault.culprit().unwrap_or_default(), fault.what().clone());
        let first = mended.insert((culprit, what.kind().to_owned()));
        let fault = if first { explain_twin(fault, &mut tree, culprit) } else { fault.hush() };
        let hushed = fault.hushed();
        findings.extend(fault.finding());
        if findings.len() >= FAULTS_MAX {
            return Decoded { value: None, tree, findings };
        }
        if first && !hushed && mend(&mut tree, culprit, &what) {
            continue;
        }
        match tree.remove(culprit) {
            Some(seat) => lost.insert(seat),
            None => return Decoded { value: None, tree, findings },
        };
    }
}

/// A key whose right name is there already is to be taken away, not to be renamed.
fn explain_twin(fault: Fault, tree: &mut Node, culprit: usize) -> Fault {
    let What::Key(Some(meant)) = fault.what().clone() else { return fault };
    let Some(holder) = tree.holder(culprit).filter(|holder| holder.entry(&meant).is_some()) else {
        return fault;
    };
    let entry = holder.entries().iter().find(|entry| entry.value.id == culprit).cloned();
    fault.map(|mut finding| {
        finding.fixes.clear();
        let finding = finding.help(format!("take it away; `{meant}` stands here already"));
        entry.map_or(finding.clone(), |entry| finding.remove(&entry))
    })
}

/// Puts what was meant in place of what was written; false if that is not known, or not a word.
fn mend(tree: &mut Node, culprit: usize, what: &What) -> bool {
    if let What::Missing(key, Some(example)) = what {
        return tree.find(culprit).is_some_and(|section| section.put(key, example));
    }
    let Some(holder) = tree.holder(culprit) else { return false };
    let twin = matches!(what, What::Key(Some(meant)) if holder.entry(meant).is_some());
    let Kind::Map(entries) = &mut holder.kind else { return false };
    let Some(entry) = entries.iter_mut().find(|entry| entry.value.id == culprit) else { return false };
    match what {
        What::Key(Some(meant)) if !twin => entry.key.clone_from(meant),
        What::Value(Some(text)) if !text.starts_with('{') => {
            entry.value.kind = Kind::Scalar { text: text.clone(), quoted: false };
        }
        _ => return false,
    }
    true
}

#[derive(Clone, Copy)]
struct Context<'a> {
    shapes: &'a Shapes,
    /// What has been left out: that it is missing now follows from its own fault.
    lost: &'a BTreeSet<Seat>,
}
