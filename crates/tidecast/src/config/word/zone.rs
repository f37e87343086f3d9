use std::fmt;

use jiff::tz::TimeZone;

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;
use crate::config::suggest::nearest;

/// A time zone by its IANA name: where the workload's users live.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

words! {
    Zone: { "type": "string", "examples": ["Europe/Berlin", "America/New_York", "UTC"] };
}

impl Zone {
    /// The zone itself.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC }
    }
}

impl Word for Zone {
    const EXPECTED: &'static str = "an IANA time zone such as `Europe/Berlin`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        match TimeZone::get(text) {
            Ok(zone) if zone.iana_name().is_some() && !text.is_empty() => {
                let name = zone.iana_name().unwrap_or(text).to_owned();
                Ok(Self { name, zone })
            }
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Complaint {
    let message = format!("there is no time zone `{text}`");
    let complaint = |help: &str| Complaint::new(Code::UNKNOWN_ZONE, message.clone(), help);
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let city = |name: &&str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text));
    let names = || names.iter().map(String::as_str);
    match names().find(city).or_else(|| nearest(text, names())) {
        _ if text.starts_with(['+', '-']) || text.eq_ignore_ascii_case("local") => complaint(
            "write the IANA name of a place, such as `Europe/Berlin`, which knows its daylight saving",
        ),
        Some(meant) => complaint(&format!("did you mean `{meant}`?")).instead(meant),
        None => complaint("write the IANA name of a place, such as `Europe/Berlin`"),
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test] // B7
    fn knows_places_and_nothing_else() {
        check::<Zone>("Europe/Berlin", Ok("Europe/Berlin"));
        check::<Zone>("UTC", Ok("UTC"));
        check::<Zone>("Europe/Berln", Err((Code::UNKNOWN_ZONE, Some("Europe/Berlin"))));
        check::<Zone>("berlin", Err((Code::UNKNOWN_ZONE, Some("Europe/Berlin"))));
        check::<Zone>("+02:00", Err((Code::UNKNOWN_ZONE, None)));
        check::<Zone>("Local", Err((Code::UNKNOWN_ZONE, None)));
        check::<Zone>("", Err((Code::UNKNOWN_ZONE, None)));
    }
}
