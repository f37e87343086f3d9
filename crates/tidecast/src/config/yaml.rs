//! YAML into [`Node`]s, by `serde-saphyr` under a budget.

mod refusal;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Options, Spanned};

use super::codes::Code;
use super::finding::Finding;
use super::node::{Entry, Kind, Node};
use super::text::{Place, Text};
use refusal::refusal;

/// The deepest nesting of lists and maps.
pub(super) const DEPTH_MAX: usize = 32;
/// The most values that aliases and merge keys may repeat.
pub(super) const REPEATS_MAX: usize = 100_000;
/// The most parts of any kind in a file: keys, values, beginnings and ends.
const EVENTS_MAX: usize = 4_000_000;

/// The tree of a file, its findings, and the next free id; no tree if the file is not YAML.
pub(crate) fn parse(text: &Text, file: usize, ids: &mut usize) -> (Option<Node>, Vec<Finding>) {
    let mut grower = Grower { text, file, ids, findings: Vec::new() };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(&text.content, options()) {
        Ok(raw) => (Some(grower.grow(raw)), grower.findings),
        Err(error) => (None, vec![refusal(&error, text, file)]),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_events: EVENTS_MAX,
            max_nodes: EVENTS_MAX,
            max_aliases: REPEATS_MAX,
            max_recorded_anchor_events: REPEATS_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPEATS_MAX,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// A value as serde sees it; what a scalar really said is read from the text itself.
enum Raw {
    Null,
    Scalar(Option<String>),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

struct Grower<'a> {
    text: &'a Text,
    file: usize,
    ids: &'a mut usize,
    findings: Vec<Finding>,
}

impl Grower<'_> {
    fn grow(&mut self, raw: Spanned<Raw>) -> Node {
        let place = place(raw.defined, self.file);
        *self.ids += 1;
        let id = *self.ids;
        let flow = self.text.content[place.start..].starts_with(['[', '{']);
        let kind = match raw.value {
            Raw::Null => Kind::Null,
            Raw::Scalar(text) => self.scalar(text, place),
            Raw::List(items) => Kind::List(items.into_iter().map(|item| self.grow(item)).collect()),
            Raw::Map(pairs) => self.map(pairs),
        };
        let container = matches!(kind, Kind::List(_) | Kind::Map(_));
        let node = Node { place, id, kind };
        if container && flow { Node { place: self.closed(&node), ..node } } else { node }
    }

    /// A flow collection up to its closing bracket; the parser tells only where it opens.
    fn closed(&self, node: &Node) -> Place {
        let rest = &self.text.content[node.extent().end..];
        let mut comment = false;
        let end = rest.find(|letter| {
            comment = (comment && letter != '\n') || letter == '#';
            !comment && [']', '}'].contains(&letter)
        });
        end.map_or(node.place, |end| Place { end: node.extent().end + end + 1, ..node.place })
    }

    fn scalar(&self, decoded: Option<String>, place: Place) -> Kind {
        let written = self.text.content.get(place.range()).unwrap_or_default();
        let block = self.text.content[..place.start].trim_end().ends_with(['|', '>', '-', '+']);
        let quoted = written.starts_with(['"', '\'']) || (block && written.contains('\n'));
        let plain = !quoted && !written.contains('\n');
        let text = decoded.filter(|_| !plain).unwrap_or_else(|| written.to_owned());
        Kind::Scalar { text, quoted }
    }

    fn map(&mut self, pairs: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Kind {
        let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
        let mut seen = BTreeMap::new();
        for (key, value) in pairs {
            let (key, value) = (self.grow(key), self.grow(value));
            let name = key.text().unwrap_or_default().to_owned();
            let entry = Entry { key: name.clone(), place: key.place, value };
            match seen.get(&name) {
                Some(first) => self.findings.push(twice(&entry, *first)),
                None => {
                    seen.insert(name, key.place);
                    entries.push(entry);
                }
            }
        }
        Kind::Map(entries)
    }
}

fn twice(entry: &Entry, first: Place) -> Finding {
    Finding::new(Code::KEY_TWICE, format!("the key `{}` stands here twice", entry.key))
        .at(entry.place)
        .label("again here")
        .also(first, "first here")
        .help("keep one of the two")
        .remove(entry)
}

fn place(location: Location, file: usize) -> Place {
    let span = location.span();
    let start = span.byte_offset().unwrap_or_default() as usize;
    let written = Place { file, start, end: start + span.byte_len().unwrap_or_default() as usize };
    // The first bracket alone stands for a flow collection; an end beyond the text for none at all.
    Place { end: written.end.max(start), ..written }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(None))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(None))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Some(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = from.next_entry()? {
            pairs.push(pair);
        }
        Ok(Raw::Map(pairs))
    }
}
