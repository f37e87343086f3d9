//! Several files into one tree. Lists and sources add up; any other section stands in one file only.

use super::codes::Code;
use super::finding::Finding;
use super::node::{Entry, Kind, Node};
use super::text::Place;

/// The tree of all files together, and what they disagree about.
pub(crate) fn merge(trees: Vec<Node>) -> (Node, Vec<Finding>) {
    let place = trees.first().map_or(Place { file: 0, start: 0, end: 0 }, |tree| tree.place);
    let mut merged = Merged { entries: Vec::new(), findings: Vec::new() };
    trees.into_iter().for_each(|tree| merged.add(tree));
    (Node { place, id: 0, kind: Kind::Map(merged.entries) }, merged.findings)
}

struct Merged {
    entries: Vec<Entry>,
    findings: Vec<Finding>,
}

impl Merged {
    fn add(&mut self, tree: Node) {
        match tree.kind {
            Kind::Map(entries) => entries.into_iter().for_each(|entry| self.add_entry(entry)),
            Kind::Null => {}
            _ => self.findings.push(
                Finding::new(Code::WRONG_KIND, "a configuration begins with keys such as `workloads:`")
                    .at(tree.headline())
                    .help("see `tidecast init` for an example"),
            ),
        }
    }

    fn add_entry(&mut self, entry: Entry) {
        let Some(first) = self.entries.iter_mut().find(|first| first.key == entry.key) else {
            return self.entries.push(entry);
        };
        match (&mut first.value.kind, entry.value.kind) {
            (_, Kind::Null) => {}
            (kind @ Kind::Null, more) => *kind = more,
            (Kind::List(items), Kind::List(more)) => items.extend(more),
            (Kind::Map(named), Kind::Map(more)) if entry.key == "sources" => {
                more.into_iter().for_each(|source| add_source(named, source, &mut self.findings));
            }
            (Kind::Scalar { text, .. }, Kind::Scalar { text: again, .. }) if *text == again => {}
            _ => self.findings.push(twice("section", &entry.key, entry.place, first.place)),
        }
    }
}

fn add_source(named: &mut Vec<Entry>, source: Entry, findings: &mut Vec<Finding>) {
    match named.iter().find(|first| first.key == source.key) {
        Some(first) => findings.push(twice("source", &source.key, source.place, first.place)),
        None => named.push(source),
    }
}

fn twice(what: &str, key: &str, place: Place, first: Place) -> Finding {
    Finding::new(Code::DEFINED_TWICE, format!("the {what} `{key}` stands in two files"))
        .at(place)
        .label("again here")
        .also(first, "first here")
        .help("keep it in one of the two")
}
