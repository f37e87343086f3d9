//! As much CBOR as CloudWatch's protocol has of it.

use serde_json::{Map, Number, Value};

/// Reads a value; times (tag 1) become the number of seconds.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    Reader { bytes, at: 0 }.value()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let from = self.at;
        self.at += count;
        self.bytes.get(from..self.at)
    }

    /// The kind, and the number that goes with it; none for "until the break".
    fn head(&mut self) -> Option<(u8, u8, Option<u64>)> {
        let first = self.take(1)?[0];
        let (kind, short) = (first >> 5, first & 31);
        let number = match short {
            0..=23 => Some(u64::from(short)),
            24..=27 => {
                let bytes = self.take(1 << (short - 24))?;
                Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
            }
            _ => None,
        };
        Some((kind, short, number))
    }

    fn at_break(&mut self) -> bool {
        let there = self.bytes.get(self.at) == Some(&0xff);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self) -> Option<Value> {
        let (kind, short, number) = self.head()?;
        Some(match kind {
            0 => Value::from(number?),
            1 => Value::from(-1 - i64::try_from(number?).ok()?),
            2 | 3 => {
                let length = usize::try_from(number?).ok()?;
                Value::from(String::from_utf8_lossy(self.take(length)?).into_owned())
            }
            4 => Value::Array(self.many(number, Self::value)?),
            5 => {
                let pairs = self.many(number, |reader| {
                    let key = reader.value()?.as_str()?.to_owned();
                    Some((key, reader.value()?))
                });
                Value::Object(Map::from_iter(pairs?))
            }
            6 => self.value()?,
            _ => match short {
                20 | 21 => Value::from(short == 21),
                26 => Value::from(f64::from(f32::from_bits(u32::try_from(number?).ok()?))),
                27 => Value::from(f64::from_bits(number?)),
                _ => Value::Null,
            },
        })
    }

    fn many<T>(&mut self, count: Option<u64>, each: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        while match count {
            Some(count) => (all.len() as u64) < count,
            None => !self.at_break(),
        } {
            all.push(each(self)?);
        }
        Some(all)
    }
}

/// Writes a value; numbers below a key `Timestamps` are times.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(value, false, &mut bytes);
    bytes
}

fn head(kind: u8, number: usize, to: &mut Vec<u8>) {
    to.push(kind << 5 | 26);
    to.extend(u32::try_from(number).unwrap().to_be_bytes());
}

fn put(value: &Value, times: bool, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(0xf6),
        Value::Bool(yes) => to.push(if *yes { 0xf5 } else { 0xf4 }),
        Value::Number(number) => put_number(number, times, to),
        Value::String(text) => {
            head(3, text.len(), to);
            to.extend(text.as_bytes());
        }
        Value::Array(all) => {
            head(4, all.len(), to);
            all.iter().for_each(|one| put(one, times, to));
        }
        Value::Object(fields) => {
            head(5, fields.len(), to);
            for (key, field) in fields {
                put(&Value::from(key.as_str()), false, to);
                put(field, key == "Timestamps", to);
            }
        }
    }
}

fn put_number(number: &Number, times: bool, to: &mut Vec<u8>) {
    if times {
        to.push(0xc1);
    }
    to.push(0xfb);
    to.extend(number.as_f64().unwrap().to_be_bytes());
}
