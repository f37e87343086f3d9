use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// What is learned from history, unless someone says it: `auto`, or the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auto<T> {
    /// Learned, and shown before it is used.
    #[default]
    Auto,
    /// Given by a person.
    Given(T),
}

impl<T: Copy> Auto<T> {
    /// What a person gave.
    pub fn given(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Given(value) => Some(value),
        }
    }
}

impl<T: Word> Word for Auto<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        T::parse(text).map(Self::Given).map_err(|complaint| Complaint {
            help: format!("{}, or `auto` to have it learned", complaint.help),
            ..complaint
        })
    }
}

impl<T: fmt::Display> fmt::Display for Auto<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Given(value) => value.fmt(f),
        }
    }
}

impl<'de, T: Word> Deserialize<'de> for Auto<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        super::read(from)
    }
}

impl<T: Word> Serialize for Auto<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        super::write(self, to)
    }
}

impl<T: JsonSchema> JsonSchema for Auto<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Auto{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "auto" }, T::json_schema(generator)] })
    }
}

/// What one server serves, in units of demand. Invariant: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(f64);

words! {
    Rate: { "type": "number", "exclusiveMinimum": 0, "examples": [41] };
}

impl Rate {
    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl Word for Rate {
    const EXPECTED: &'static str = "a number above zero";

    fn parse(text: &str) -> Result<Self, Complaint> {
        match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Self(rate)),
            Ok(_) => {
                let message = format!("`{text}` is not a finite number above zero");
                Err(Complaint::new(
                    Code::OUT_OF_RANGE,
                    message,
                    "write what one server serves, in units of demand, such as 41",
                ))
            }
            Err(_) => Err(not_a_number(text)),
        }
    }
}

fn not_a_number(text: &str) -> Complaint {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let complaint = Complaint::new(
        Code::NOT_A_NUMBER,
        format!("`{text}` is not a number"),
        "write a bare number such as 41",
    );
    match Rate::parse_digits(&text[..digits]) {
        true => {
            let bare = &text[..digits];
            Complaint { help: format!("write {bare}; the unit stands in `demand.unit`"), ..complaint }
                .instead(bare)
        }
        false => complaint,
    }
}

impl Rate {
    fn parse_digits(text: &str) -> bool {
        text.parse::<f64>().is_ok_and(|rate| rate.is_finite() && rate > 0.0)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use crate::config::word::Duration;

    #[test]
    fn learns_what_nobody_says() {
        check::<Auto<Duration>>("auto", Ok("auto"));
        check::<Auto<Duration>>("4m", Ok("4m"));
        check::<Auto<Duration>>("240", Err((Code::DURATION_WITHOUT_UNIT, Some("240s"))));
        check::<Auto<Rate>>("41", Ok("41"));
        check::<Auto<Rate>>("0", Err((Code::OUT_OF_RANGE, None)));
        check::<Auto<Rate>>("41 req/s", Err((Code::NOT_A_NUMBER, Some("41"))));
        check::<Auto<Rate>>("inf", Err((Code::OUT_OF_RANGE, None)));
        check::<Auto<Rate>>("fast", Err((Code::NOT_A_NUMBER, None)));
    }
}
