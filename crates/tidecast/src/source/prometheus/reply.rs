use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// The most points of one answer; a larger one is refused while it is read.
pub(super) const POINTS_MAX: usize = 1_000_000;
/// The most series of one answer.
const SERIES_MAX: usize = 10_000;

/// What a Prometheus-compatible server answers.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    pub(super) status: String,
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) warnings: Option<Vec<String>>,
    /// VictoriaMetrics' clusters say so when a storage node is missing.
    #[serde(default, rename = "isPartial")]
    pub(super) is_partial: bool,
    #[serde(default)]
    pub(super) data: Option<Data>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Data {
    #[serde(rename = "resultType")]
    pub(super) result_type: String,
    pub(super) result: Bounded<Line, SERIES_MAX>,
}

/// One series of the result.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    #[serde(default)]
    pub(super) metric: BTreeMap<String, String>,
    /// Of a matrix.
    #[serde(default)]
    pub(super) values: Bounded<Point, POINTS_MAX>,
    /// Of a vector.
    #[serde(default)]
    pub(super) value: Option<Point>,
    #[serde(default)]
    pub(super) histograms: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) histogram: Option<IgnoredAny>,
}

impl Line {
    /// `name{a="1"}`, as people write it.
    pub(super) fn name(&self) -> String {
        let name = self.metric.get("__name__").map_or("", String::as_str);
        let labels = self.metric.iter().filter(|(key, _)| *key != "__name__");
        let labels: Vec<_> = labels.map(|(key, value)| format!("{key}={value:?}")).collect();
        crate::trouble::one_line(&format!("{name}{{{}}}", labels.join(",")))
    }
}

/// A time and a value, or whatever came in their place.
#[derive(Debug)]
pub(super) struct Point {
    /// The time, or what came in its place.
    pub(super) time: Result<Timestamp, Value>,
    pub(super) value: Value,
}

/// A value as it came.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    /// No value at all: what it is instead.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Point;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time and a value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Point, A::Error> {
                let nothing = || Value::Other("nothing");
                let time = seq.next_element::<Value>()?.unwrap_or_else(nothing);
                let value = seq.next_element::<Value>()?.unwrap_or_else(nothing);
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Point { time: time.time(), value })
            }
        }
        from.deserialize_seq(Pair)
    }
}

impl Value {
    fn time(self) -> Result<Timestamp, Self> {
        let Self::Number(seconds) = self else { return Err(self) };
        let representable = seconds.is_finite() && seconds.abs() < 9e15;
        let time = representable.then(|| Timestamp::from_millisecond((seconds * 1e3).round() as i64).ok());
        time.flatten().ok_or(self)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Other(other) => f.write_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

/// Takes anything and says what it is.
struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.chars().take(40).collect()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Other("null"))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Other(if truth { "true" } else { "false" }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other("a list"))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an object"))
    }
}

/// A list that ends the reading when it grows beyond `MAX`.
#[derive(Debug)]
pub(super) struct Bounded<T, const MAX: usize>(pub(super) Vec<T>);

impl<T, const MAX: usize> Default for Bounded<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Counting<T, const MAX: usize>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Counting<T, MAX> {
            type Value = Bounded<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == MAX {
                        return Err(de::Error::custom(format_args!("a list has more than {MAX} items")));
                    }
                    items.push(item);
                }
                Ok(Bounded(items))
            }
        }
        from.deserialize_seq(Counting(std::marker::PhantomData))
    }
}
