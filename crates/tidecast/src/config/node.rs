//! Trees of values that know where they stand.

use serde_json::Value;

use super::text::{NOWHERE, Place};

/// A value as it stands in a file: what it is, and where. Numbers are still text here, as they were written.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands; a block's place is where it begins.
    pub place: Place,
    /// A number that no other node of the same tree has.
    pub id: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a [`Node`] is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing: `key:`, `~` or `null`.
    Null,
    /// A word, a number, a line of text.
    Scalar {
        /// The text: as written if plain, without quotes and escapes if quoted.
        text: String,
        /// Whether quotes say that it is text, whatever it looks like.
        quoted: bool,
    },
    /// `- a`
    List(Vec<Node>),
    /// `key: value`, in the order of the file; no key twice.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// Its value.
    pub value: Node,
}

impl Entry {
    /// Whether anything stands behind the key.
    pub fn given(&self) -> bool {
        !matches!(self.value.kind, Kind::Null)
    }
}

impl Node {
    /// The entries of a map; of anything else none.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; of anything else none.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value at the end of a path of keys, or the last one on the way that is there.
    pub fn nearest(&self, path: &[&str]) -> &Node {
        match path.split_first().and_then(|(key, rest)| Some((self.get(key)?, rest))) {
            Some((value, rest)) => value.nearest(rest),
            None => self,
        }
    }

    /// Its text in a message: the whole of it, from the first byte to the last of what it holds.
    pub fn extent(&self) -> Place {
        let (entries, items) = (self.entries().iter(), self.items().iter());
        let place = items.fold(self.place, |place, item| place.to(item.extent()));
        entries.fold(place, |place, entry| place.to(entry.place).to(entry.value.extent()))
    }

    /// What to underline when the whole is meant: its first line.
    pub fn headline(&self) -> Place {
        match self.entries().first() {
            Some(first) if self.place.start == self.place.end => match first.value.kind {
                Kind::Scalar { .. } => first.place.to(first.value.place),
                _ => first.place,
            },
            _ => self.place,
        }
    }

    /// Takes the node of this id out of the list or map that holds it; where it stood.
    pub fn remove(&mut self, id: usize) -> Option<Seat> {
        let own = self.id;
        match &mut self.kind {
            Kind::List(items) => match items.iter().position(|item| item.id == id) {
                Some(at) => {
                    items.remove(at);
                    Some(Seat { parent: own, key: None })
                }
                None => items.iter_mut().find_map(|item| item.remove(id)),
            },
            Kind::Map(entries) => match entries.iter().position(|entry| entry.value.id == id) {
                Some(at) => Some(Seat { parent: own, key: Some(entries.remove(at).key) }),
                None => entries.iter_mut().find_map(|entry| entry.value.remove(id)),
            },
            _ => None,
        }
    }

    /// The node of this id.
    pub fn find(&mut self, id: usize) -> Option<&mut Node> {
        if self.id == id {
            return Some(self);
        }
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().find_map(|item| item.find(id)),
            Kind::Map(entries) => entries.iter_mut().find_map(|entry| entry.value.find(id)),
            _ => None,
        }
    }

    /// Puts an example behind a key of this section, at no place; false if this is no section.
    pub fn put(&mut self, key: &str, example: &Value) -> bool {
        let Kind::Map(entries) = &mut self.kind else { return false };
        entries.retain(|entry| entry.key != key);
        entries.push(Entry { key: key.to_owned(), place: NOWHERE, value: Node::example(example) });
        true
    }

    /// A tree that stands in no file.
    fn example(value: &Value) -> Self {
        let scalar = |text: String| Kind::Scalar { text, quoted: false };
        let kind = match value {
            Value::Null => Kind::Null,
            Value::String(text) => scalar(text.clone()),
            Value::Array(items) => Kind::List(items.iter().map(Self::example).collect()),
            Value::Object(keys) => Kind::Map(
                keys.iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        place: NOWHERE,
                        value: Self::example(value),
                    })
                    .collect(),
            ),
            other => scalar(other.to_string()),
        };
        Self { place: NOWHERE, id: usize::MAX, kind }
    }

    /// The map that holds the node of this id.
    pub fn holder(&mut self, id: usize) -> Option<&mut Node> {
        if self.entries().iter().any(|entry| entry.value.id == id) {
            return Some(self);
        }
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().find_map(|item| item.holder(id)),
            Kind::Map(entries) => entries.iter_mut().find_map(|entry| entry.value.holder(id)),
            _ => None,
        }
    }
}

/// Where a node stood: in which list or map, and under which key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The id of the list or map.
    pub parent: usize,
    /// The key, in a map.
    pub key: Option<String>,
}
