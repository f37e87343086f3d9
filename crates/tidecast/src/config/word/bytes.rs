use std::fmt;

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// So many bytes, as Kubernetes writes them: `512Mi`, `4Gi`, `20G`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// The units, the largest first, so that what is written is short.
const UNITS: [(&str, u64); 6] = [
    ("Ti", 1 << 40),
    ("T", 1_000_000_000_000),
    ("Gi", 1 << 30),
    ("G", 1_000_000_000),
    ("Mi", 1 << 20),
    ("M", 1_000_000),
];

words! {
    Bytes: {
        "type": "string",
        "pattern": "^[0-9]+(M|Mi|G|Gi|T|Ti)$",
        "examples": ["4Gi", "512Mi"]
    };
}

impl Word for Bytes {
    const EXPECTED: &'static str = "a number of bytes such as `4Gi`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        match (digits.parse::<u64>().ok(), factor) {
            (Some(count), Some(factor)) if count.checked_mul(factor).is_some() => Ok(Self(count * factor)),
            (Some(count), None) => Err(without_unit(text, count, unit.trim())),
            _ => Err(garbled(text)),
        }
    }
}

fn garbled(text: &str) -> Complaint {
    let message = format!("`{text}` is not a number of bytes");
    Complaint::new(Code::BAD_BYTES, message, "write a whole number with Mi, Gi or Ti, such as `4Gi`")
}

/// `4 GiB`, `4GB`, `4g`: what was probably meant.
fn without_unit(text: &str, count: u64, unit: &str) -> Complaint {
    let meant = match unit.to_ascii_lowercase().as_str() {
        "m" | "mb" | "mib" | "mi" => "Mi",
        "g" | "gb" | "gib" | "gi" => "Gi",
        "t" | "tb" | "tib" | "ti" => "Ti",
        _ => return garbled(text),
    };
    let message = format!("`{text}` is not a number of bytes");
    Complaint::new(Code::BAD_BYTES, message, format!("write \"{count}{meant}\""))
        .instead(format!("{count}{meant}"))
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor));
        match whole {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}M", self.0.div_ceil(1_000_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn is_written_as_kubernetes_does() {
        check::<Bytes>("4Gi", Ok("4Gi"));
        check::<Bytes>("1024Mi", Ok("1Gi"));
        check::<Bytes>("20G", Ok("20G"));
        check::<Bytes>("0Mi", Ok("0M"));
        check::<Bytes>("4 GiB", Err((Code::BAD_BYTES, Some("4Gi"))));
        check::<Bytes>("512mb", Err((Code::BAD_BYTES, Some("512Mi"))));
        check::<Bytes>("4096", Err((Code::BAD_BYTES, None)));
        check::<Bytes>("much", Err((Code::BAD_BYTES, None)));
        check::<Bytes>("99999999999999999999Gi", Err((Code::BAD_BYTES, None)));
        check::<Bytes>("99999999999Ti", Err((Code::BAD_BYTES, None)));
    }
}
