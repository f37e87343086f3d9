use serde::de::{Deserializer, Expected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::Context;
use super::keys::{Items, Pairs};
use super::shapes::flow;
use super::tagged::{Tagged, Word};
use crate::config::codes::Code;
use crate::config::fault::{Complaint, Fault, What};
use crate::config::finding::Finding;
use crate::config::node::{Entry, Kind, Node, Seat};
use crate::config::suggest::listed;
use crate::config::text::Place;

/// A node about to be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) node: &'a Node,
    /// The key under which it stands.
    pub(super) key: Option<Place>,
    /// Which section is read, where its type does not say so: the variant of a tagged one.
    pub(super) section: Option<(&'static str, &'static str)>,
    pub(super) context: Context<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn child(self, node: &'a Node, key: Option<Place>) -> Self {
        Self { node, key, section: None, ..self }
    }

    /// Places a fault that has none yet at this node.
    pub(super) fn place<T>(self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|fault| match fault.what() {
            _ if fault.is_placed() => fault,
            What::Missing(..) => fault.place(self.key.unwrap_or(self.node.headline()), self.node.id),
            _ => fault.place(self.node.headline(), self.node.id).covering(self.node.extent()),
        })
    }

    pub(super) fn wrong<T>(self, expected: &str) -> Result<T, Fault> {
        let (found, help) = match &self.node.kind {
            Kind::Null => ("nothing", format!("write {expected} after the key, or take the key away")),
            Kind::Scalar { .. } => ("a single value", format!("write {expected}")),
            Kind::List(_) => ("a list", format!("write {expected}, without `-` or brackets around it")),
            Kind::Map(_) => ("a section", format!("write {expected}, without keys in it")),
        };
        self.place(Err(Fault::wrong_kind(found, expected, help)))
    }

    pub(super) fn text(self, expected: &str) -> Result<&'a str, Fault> {
        self.node.text().map_or_else(|| self.wrong(expected), Ok)
    }

    /// The first key of a block, with the dash that makes an item of it.
    fn dashed(self, finding: Finding) -> Finding {
        let block = self.node.place.start == self.node.place.end;
        match self.node.entries().first().filter(|first| block && first.place.start >= 2) {
            Some(first) => finding
                .help("put `- ` before the first key, which makes it the first item of a list")
                .fix(Place { start: first.place.start - 2, end: first.place.start, ..first.place }, "- "),
            None => finding,
        }
    }

    /// A number: the node's text, which must not be in quotes.
    fn number<T: std::str::FromStr>(self, expected: &str) -> Result<T, Fault> {
        let text = self.text(expected)?;
        let quoted = matches!(self.node.kind, Kind::Scalar { quoted: true, .. });
        match text.parse() {
            Ok(number) if !quoted => Ok(number),
            Ok(_) => {
                let fault = Fault::wrong_kind(
                    "text, because of its quotes",
                    expected,
                    format!("write {text} without quotes"),
                );
                self.place(Err(fault.instead(Some(text.to_owned()))))
            }
            Err(_) => self.place(Err(not_a_number(text, expected))),
        }
    }

    /// A key that serde has found missing in this section, unless it is missing because it was left out.
    fn absent(self, name: &'static str, fault: Fault) -> Fault {
        let What::Missing(key, _) = fault.what() else { return fault };
        if fault.is_placed() {
            return fault;
        }
        let seat = Seat { parent: self.node.id, key: Some(key.clone()) };
        let example = self.context.shapes.example(name, self.section, key);
        let missing = self.missing(key, example.filter(|example| !example.is_null()));
        if self.context.lost.contains(&seat) { missing.hush() } else { missing }
    }

    /// A key that is missing, or behind which nothing stands, and an edit that puts an example there.
    pub(super) fn missing(self, key: &str, example: Option<&Value>) -> Fault {
        let entry = self.node.entry(key);
        let section =
            if entry.is_some() { "behind this key stands nothing: the section" } else { "the section" };
        let place = entry.map_or(self.key.unwrap_or(self.node.headline()), |entry| entry.place);
        let fault = Fault::missing(key, section, example).place(place, self.node.id);
        let Some(example) = example.map(flow) else { return fault };
        fault.map(|finding| match entry {
            Some(entry) => filled(finding, entry, &example),
            None => finding.insert(self.node, &format!("{key}: {example}")),
        })
    }
}

/// Puts a value behind a key that has none; what stands there is a colon, or a null in letters.
fn filled(finding: Finding, entry: &Entry, example: &str) -> Finding {
    let null = entry.value.place;
    match null.end - null.start {
        0 => finding.fix(Place { end: null.start + 1, ..null }, format!(": {example}")),
        _ => finding.fix(null, example),
    }
}

fn not_a_number(text: &str, expected: &str) -> Fault {
    let complaint = |code, message: String, help: &str| Complaint::new(code, message, help);
    let digits: String = text.chars().filter(|letter| letter.is_ascii_digit() || *letter == '.').collect();
    let whole = digits.split('.').next().unwrap_or_default().to_owned();
    let message = format!("`{text}` is not {expected}");
    Fault::complaint(match text.parse::<f64>() {
        Ok(number) if number > 1e9 => {
            complaint(Code::OUT_OF_RANGE, format!("{text} is out of range"), "write at most 1000000")
                .instead("1000000")
        }
        _ if whole.is_empty() || whole.len() > 9 => {
            complaint(Code::NOT_A_NUMBER, message, "write digits, such as 20")
        }
        _ => complaint(Code::NOT_A_NUMBER, message, &format!("write {whole}")).instead(whole),
    })
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = self.number::<$type>($expected)?;
            self.place(visitor.$visit(number))
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Null => self.place(visitor.visit_unit()),
            Kind::Scalar { text, .. } => self.place(visitor.visit_borrowed_str(text)),
            Kind::List(_) => self.deserialize_seq(visitor),
            Kind::Map(_) => self.deserialize_map(visitor),
        }
    }

    numbers! {
        deserialize_u8 visit_u8 u8, "a whole number up to 255";
        deserialize_u16 visit_u16 u16, "a whole number up to 65535";
        deserialize_u32 visit_u32 u32, "a whole number";
        deserialize_u64 visit_u64 u64, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let truth = match self.text("`true` or `false`")?.to_lowercase().as_str() {
            "true" => return visitor.visit_bool(true),
            "false" => return visitor.visit_bool(false),
            "yes" | "on" | "1" | "y" => "true",
            _ => "false",
        };
        let fault = Fault::wrong_kind("a word", "`true` or `false`", format!("write `{truth}`"));
        self.place(Err(fault.instead(Some(truth.to_owned()))))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text =
            self.node.text().map_or_else(|| self.wrong(&(&visitor as &dyn Expected).to_string()), Ok)?;
        self.place(visitor.visit_borrowed_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.text("a text")?;
        self.place(visitor.visit_borrowed_str(text))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.place(visitor.visit_newtype_struct(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::List(_) => self.place(visitor.visit_seq(Items::new(self))),
            Kind::Null => self.wrong("a list"),
            Kind::Map(_) => self.wrong("a list").map_err(|fault| fault.map(|finding| self.dashed(finding))),
            Kind::Scalar { .. } => self.wrong("a list, each item after `- `"),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Map(_) => self.place(visitor.visit_map(Pairs::new(self, &[]))),
            _ => self.wrong("names, each followed by its section"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Kind::Map(_) = &self.node.kind else {
            return self.wrong(&format!("a section with {}", listed(fields.iter().copied())));
        };
        let result = visitor.visit_map(Pairs::new(self, fields)).map_err(|fault| self.absent(name, fault));
        self.place(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Map(_) => self.place(visitor.visit_enum(Tagged { reader: self, name, variants })),
            Kind::Scalar { .. } => self.place(visitor.visit_enum(Word(self))),
            _ => self.wrong(&listed(variants.iter().copied())),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 char bytes byte_buf unit_struct tuple tuple_struct identifier
    }
}
