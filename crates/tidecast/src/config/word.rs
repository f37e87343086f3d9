//! Values that are one word in the file: each knows how it is written, and what to say when it is written wrong.

mod auto;
mod buffer;
mod bytes;
mod day;
mod deadline;
mod duration;
mod link;
mod name;
mod percent;
mod schedule;
mod secret;
mod zone;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fault::Complaint;

pub use auto::{Auto, Rate};
pub use buffer::Buffer;
pub use bytes::Bytes;
pub use day::{Day, DayOfWeek, Region, Rule};
pub use deadline::Deadline;
pub use duration::Duration;
pub use link::{Link, Listen};
pub use name::{Name, Pattern};
pub use percent::{Percent, Step};
pub use schedule::{Moment, Schedule};
pub use secret::{HeaderValue, SecretRef, Unreadable, confined};
pub use zone::Zone;

/// A value that is read from one word and written back as one.
pub trait Word: Sized + fmt::Display {
    /// What is expected, for a message: "a duration such as `90s`".
    const EXPECTED: &'static str;

    /// Reads it.
    ///
    /// # Errors
    /// A complaint that says what to write instead.
    fn parse(text: &str) -> Result<Self, Complaint>;
}

/// How serde reads a word, from text or from a number that is taken as text.
pub(super) fn read<'de, T: Word, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_str(WordVisitor(PhantomData))
}

/// How serde writes a word.
pub(super) fn write<T: Word, S: Serializer>(word: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(word)
}

struct WordVisitor<T>(PhantomData<T>);

impl<T: Word> Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::parse(text.trim()).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

/// Makes words readable and writable by serde, and gives them a schema.
macro_rules! words {
    ($($type:ident: $schema:tt;)*) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                crate::config::word::read(from)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                crate::config::word::write(self, to)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )*};
}
use words;

/// A path as it stands in the file; relative to the folder of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct FilePath(pub std::path::PathBuf);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::codes::Code;

    /// Reads a word, writes it and reads it again; or gives the code and what to write instead.
    #[track_caller]
    pub(super) fn check<T: Word + PartialEq + fmt::Debug>(
        text: &str,
        expected: Result<&str, (Code, Option<&str>)>,
    ) {
        match (T::parse(text), expected) {
            (Ok(word), Ok(written)) => {
                assert_eq!(word.to_string(), written);
                assert_eq!(T::parse(written), Ok(word), "what is written is read back");
            }
            (Err(complaint), Err((code, instead))) => {
                assert_eq!((complaint.code, complaint.instead.as_deref()), (code, instead), "{complaint:?}");
                assert!(
                    instead.is_none_or(|instead| T::parse(instead).is_ok()),
                    "{instead:?} would be refused too"
                );
            }
            (got, expected) => panic!("{text:?} gives {got:?}, not {expected:?}"),
        }
    }
}
