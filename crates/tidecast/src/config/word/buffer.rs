use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Percent, Word};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// Capacity held free above the demand expected: so many replicas, a percentage, or whichever of both is more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Buffer {
    /// A share of the demand.
    pub percent: Percent,
    /// So many replicas.
    pub replicas: u32,
}

/// Both at once, as a section.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Both {
    percent: Percent,
    replicas: u32,
}

impl Buffer {
    /// No buffer: what the service level asks for is enough.
    pub const NONE: Self = Self { percent: Percent::of(0.0), replicas: 0 };

    fn word(text: &str) -> Result<Self, Complaint> {
        match text.parse() {
            Ok(replicas) => Ok(Self { replicas, ..Self::NONE }),
            Err(_) if text.contains(['%', 'p']) => {
                Percent::parse(text).map(|percent| Self { percent, ..Self::NONE })
            }
            Err(_) => {
                let message = format!("`{text}` is neither a percentage nor a number of replicas");
                Err(Complaint::new(
                    Code::BAD_PERCENT,
                    message,
                    "write `10%`, or a whole number of replicas such as 2",
                ))
            }
        }
    }
}

struct BufferVisitor;

impl<'de> Visitor<'de> for BufferVisitor {
    type Value = Buffer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a percentage such as `10%`, a number of replicas, or both in a section")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Buffer, E> {
        Buffer::word(text.trim()).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Buffer, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Buffer, A::Error> {
        let Both { percent, replicas } = Both::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Buffer { percent, replicas })
    }
}

impl<'de> Deserialize<'de> for Buffer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(BufferVisitor)
    }
}

impl Serialize for Buffer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.percent.share() > 0.0, self.replicas) {
            (true, 0) => to.collect_str(&self.percent),
            (false, replicas) => to.serialize_u32(replicas),
            (true, replicas) => {
                let mut map = to.serialize_map(Some(2))?;
                map.serialize_entry("percent", &self.percent)?;
                map.serialize_entry("replicas", &replicas)?;
                map.end()
            }
        }
    }
}

impl JsonSchema for Buffer {
    fn schema_name() -> Cow<'static, str> {
        "Buffer".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let both = Both::json_schema(generator);
        json_schema!({
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$" },
                { "type": "integer", "minimum": 0 },
                both
            ],
            "examples": ["10%", 2]
        })
    }
}
