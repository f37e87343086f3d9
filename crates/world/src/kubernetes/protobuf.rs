//! Objects as newer clients send them: Kubernetes' protobuf, read with the numbers of its fields.
//!
//! Answers are always JSON, which every client accepts beside it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::schema::{Schema, types};
use super::tree::put;

/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// What a number stands for in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Field(&'static str),
    /// The fields of another type, which JSON has in the same object.
    Inline(&'static str),
}

/// The object in a body; `None` if it is none that is understood.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    let envelope = fields(body.strip_prefix(MAGIC)?)?;
    let kind = fields(envelope.iter().find(|(number, _)| *number == 1)?.1.bytes()?)?;
    let word = |wanted: u64| {
        let found = kind.iter().find(|(number, _)| *number == wanted)?;
        std::str::from_utf8(found.1.bytes()?).ok().map(str::to_owned)
    };
    let (version, kind) = (word(1).unwrap_or_default(), word(2)?);
    let name = type_of(&version, &kind)?;
    let raw =
        envelope.iter().find(|(number, _)| *number == 2).and_then(|(_, raw)| raw.bytes()).unwrap_or_default();
    let mut object = Value::Object(message(raw, name, Schema::named(name))?);
    put(&mut object, "/apiVersion", version);
    put(&mut object, "/kind", kind);
    Some(object)
}

/// The type that calls itself so.
fn type_of(version: &str, kind: &str) -> Option<&'static str> {
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let known = types().iter().find(|(_, node)| {
        let kinds =
            node.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten();
        kinds.into_iter().any(|one| one["group"] == group && one["version"] == version && one["kind"] == kind)
    });
    known.map(|(name, _)| name.as_str())
}

fn meanings(name: &str) -> Option<&'static BTreeMap<u64, Meaning>> {
    static TAGS: OnceLock<BTreeMap<&'static str, BTreeMap<u64, Meaning>>> = OnceLock::new();
    let tags = TAGS.get_or_init(|| include_str!("tags.txt").lines().filter_map(line).collect());
    tags.get(name)
}

/// `TYPE 1:name 2:<OTHER`.
fn line(line: &'static str) -> Option<(&'static str, BTreeMap<u64, Meaning>)> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let meanings = words.filter_map(|word| {
        let (number, what) = word.split_once(':')?;
        let meaning = what.strip_prefix('<').map_or(Meaning::Field(what), Meaning::Inline);
        Some((number.parse().ok()?, meaning))
    });
    Some((name, meanings.collect()))
}

/// A message of a type as the object that JSON has for it.
fn message(bytes: &[u8], name: &str, schema: Schema) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    let meanings = meanings(name)?;
    for (number, raw) in fields(bytes)? {
        match meanings.get(&number) {
            Some(Meaning::Field(field)) => add(&mut object, field, raw, schema.field(field))?,
            Some(Meaning::Inline(other)) => object.extend(message(raw.bytes()?, other, schema)?),
            None => {}
        }
    }
    Some(object)
}

/// Repeated fields come one by one, and so do the entries of a map.
fn add(object: &mut Map<String, Value>, field: &str, raw: Raw, schema: Schema) -> Option<()> {
    match (schema.kind(), schema.entries()) {
        ("array", _) => {
            let value = value(raw, schema.items())?;
            object.entry(field).or_insert_with(|| json!([])).as_array_mut()?.push(value);
        }
        ("object", Some(entries)) => {
            let entry = fields(raw.bytes()?)?;
            let part = |wanted: u64| entry.iter().find(|(number, _)| *number == wanted).map(|(_, raw)| *raw);
            let key = String::from_utf8(part(1)?.bytes()?.to_vec()).ok()?;
            let value = part(2).map_or(Some(json!("")), |raw| value(raw, entries))?;
            object.entry(field).or_insert_with(|| json!({})).as_object_mut()?.insert(key, value);
        }
        _ => {
            let value = value(raw, schema)?;
            // What clients write because it is there, not because they mean it.
            if value != json!("") && value != json!(0) && value != json!(false) && !value.is_null() {
                object.insert(field.to_owned(), value);
            }
        }
    }
    Some(())
}

fn value(raw: Raw, schema: Schema) -> Option<Value> {
    match (schema.kind(), schema.format()) {
        ("string", "quantity") => part(raw, 1)?.bytes().and_then(text),
        ("string", "date-time") => Some(instant(raw)),
        ("string", "int-or-string") => match part(raw, 1).map(Raw::number) {
            Some(Some(1)) => part(raw, 3)?.bytes().and_then(text),
            _ => Some(json!(part(raw, 2).and_then(Raw::number).unwrap_or(0) as i32)),
        },
        ("string", "byte") => Some(json!(base64(raw.bytes()?))),
        ("string", _) => text(raw.bytes()?),
        ("integer", _) => Some(json!(raw.number()? as i64)),
        ("boolean", _) => Some(json!(raw.number()? != 0)),
        ("number", _) => match raw {
            Raw::Fixed(bits) => Some(json!(f64::from_bits(bits))),
            _ => None,
        },
        ("object", _) => match schema.named_type() {
            Some(name) if name.ends_with(".FieldsV1") => serde_json::from_slice(part(raw, 1)?.bytes()?).ok(),
            Some(name) => message(raw.bytes()?, name, schema).map(Value::Object),
            None => None,
        },
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Option<Value> {
    std::str::from_utf8(bytes).ok().map(|text| json!(text))
}

/// Seconds and nanoseconds since 1970; an empty message is no time at all.
fn instant(raw: Raw) -> Value {
    let number = |at: u64| part(raw, at).and_then(Raw::number);
    let Some(seconds) = number(1) else { return Value::Null };
    let instant = Timestamp::new(seconds as i64, number(2).unwrap_or(0) as i32);
    instant.map_or(Value::Null, |instant| json!(super::tree::micro_time(instant).replace(".000000Z", "Z")))
}

fn part(raw: Raw, wanted: u64) -> Option<Raw> {
    fields(raw.bytes()?)?.into_iter().find(|(number, _)| *number == wanted).map(|(_, raw)| raw)
}

/// A field as it lies on the wire.
#[derive(Debug, Clone, Copy)]
enum Raw<'a> {
    Number(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

impl<'a> Raw<'a> {
    fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    fn number(self) -> Option<u64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }
}

/// All fields of a message; `None` if it is broken.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Raw<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let raw = match key & 7 {
            0 => Raw::Number(varint(&mut bytes)?),
            1 => Raw::Fixed(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Raw::Bytes(take(&mut bytes, length)?)
            }
            5 => Raw::Fixed(u64::from(u32::from_le_bytes(take(&mut bytes, 4)?.try_into().ok()?))),
            _ => return None,
        };
        found.push((key >> 3, raw));
    }
    Some(found)
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes: its number, its length, itself.
    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, content.len() as u8], content].concat()
    }

    fn enveloped(version: &[u8], kind: &[u8], raw: &[u8]) -> Vec<u8> {
        let kind = [bytes(1, version), bytes(2, kind)].concat();
        [MAGIC.to_vec(), bytes(1, &kind), bytes(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let entry = [bytes(1, b"key"), bytes(2, b"value")].concat();
        let raw = [bytes(1, &bytes(1, b"settings")), bytes(2, &entry)].concat();
        let object = read(&enveloped(b"v1", b"ConfigMap", &raw)).unwrap();
        let told = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"key": "value"}});
        assert_eq!(object, told);
    }

    #[test]
    fn parts_without_a_name_lie_in_their_parent() {
        let source = bytes(2, &[]);
        let volume = [bytes(1, b"tmp"), bytes(2, &source)].concat();
        let raw = bytes(2, &bytes(1, &volume));
        let object = read(&enveloped(b"v1", b"Pod", &raw)).unwrap();
        assert_eq!(object["spec"]["volumes"], json!([{"name": "tmp", "emptyDir": {}}]));
    }

    #[test]
    fn what_is_broken_is_nothing() {
        assert!(read(b"k8s\0\xff\xff").is_none() && read(b"{}").is_none());
        assert!(read(&enveloped(b"v1", b"ConfigMap", &[0x0a, 0x7f])).is_none());
    }

    #[test]
    fn secrets_are_written_in_base64() {
        let told = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        told.iter().for_each(|(plain, coded)| assert_eq!(base64(plain.as_bytes()), *coded));
    }
}
