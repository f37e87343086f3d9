use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::reader::Reader;
use crate::config::fault::Fault;
use crate::config::node::{Entry, Node};

/// The key that says of what type a section is.
pub(crate) const TAG: &str = "type";

/// The items of a list, one after the other.
pub(super) struct Items<'a> {
    reader: Reader<'a>,
    rest: std::slice::Iter<'a, Node>,
}

impl<'a> Items<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        Self { reader, rest: reader.node.items().iter() }
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        let reader = self.reader.child(node, None);
        reader.place(seed.deserialize(reader)).map(Some)
    }
}

/// The keys of a section and their values, without the tag that has already been read.
pub(super) struct Pairs<'a> {
    reader: Reader<'a>,
    rest: std::slice::Iter<'a, Entry>,
    current: Option<&'a Entry>,
    /// The keys that the section knows; none for a map of names.
    known: &'static [&'static str],
}

impl<'a> Pairs<'a> {
    pub(super) fn new(reader: Reader<'a>, known: &'static [&'static str]) -> Self {
        Self { reader, rest: reader.node.entries().iter(), current: None, known }
    }

    /// Whether there is something to read: not the tag, nor a known key after which nothing stands.
    fn wanted(&self, entry: &Entry) -> bool {
        let tag = self.reader.section.is_some() && entry.key == TAG;
        !tag && (entry.given() || !self.known.contains(&entry.key.as_str()))
    }
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let mut rest = self.rest.clone();
        self.current = rest.find(|entry| self.wanted(entry));
        self.rest = rest;
        let Some(entry) = self.current else { return Ok(None) };
        let key = seed.deserialize(BorrowedStrDeserializer::new(&entry.key));
        key.map(Some).map_err(|fault: Fault| fault.place(entry.place, entry.value.id))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let entry = self.current.take().expect("serde asks for a value only after its key");
        let reader = self.reader.child(&entry.value, Some(entry.place));
        reader.place(seed.deserialize(reader))
    }
}
