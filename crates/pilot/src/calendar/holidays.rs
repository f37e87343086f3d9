use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use jiff::ToSpan;
use jiff::civil::Date;

/// The table: see scripts/holiday_table.py for its form, data/holidays.LICENSE for where it comes from.
const TABLE: &[u8] = include_bytes!("../../data/holidays.txt.gz");

/// The public holidays of a country or region, by ISO code: `DE`, `DE-BY`, `US-CA`.
///
/// ```
/// use tidecast_pilot::calendar::Holidays;
/// let bavaria = Holidays::of("DE-BY").unwrap();
/// assert_eq!(bavaria.on("2026-01-06".parse().unwrap()), Some("Epiphany"));
/// assert_eq!(Holidays::of("DE").unwrap().on("2026-01-06".parse().unwrap()), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holidays {
    days: BTreeMap<Date, &'static str>,
}

/// A code that names no country or region of the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchRegion {
    /// Not a country.
    #[error(
        "no holidays are known for {0:?}: a country is told by its two letters, as in DE, a region as in DE-BY"
    )]
    Country(String),
    /// A country, but not one of its regions.
    #[error("{country} has no region {region:?}; it has {known}")]
    Region {
        /// The country.
        country: String,
        /// What was asked for.
        region: String,
        /// Those there are.
        known: String,
    },
}

impl Holidays {
    /// The holidays of a country or region.
    ///
    /// # Errors
    /// If the table does not have it; the error lists what it has.
    pub fn of(code: &str) -> Result<Self, NoSuchRegion> {
        let country = code.split('-').next().unwrap_or(code);
        let mut days = read(section(country).ok_or_else(|| NoSuchRegion::Country(code.to_owned()))?);
        if let Some((country, region)) = code.split_once('-') {
            let own = section(code).ok_or_else(|| NoSuchRegion::Region {
                country: country.to_owned(),
                region: region.to_owned(),
                known: regions(country),
            })?;
            let own = read(own);
            days.retain(|day, _| own.get(day) != Some(&"-"));
            days.extend(own.into_iter().filter(|(_, name)| *name != "-"));
        }
        Ok(Self { days })
    }

    /// The first and the last year that the table knows.
    pub fn years() -> (i16, i16) {
        let years = table().lines().next().and_then(|line| line.get(..9)?.split_once('-'));
        let (first, last) = years.expect("the table begins with its years");
        let year = |text: &str| text.parse().expect("a year of the table is a number");
        (year(first), year(last))
    }

    /// The holiday on this day.
    pub fn on(&self, day: Date) -> Option<&'static str> {
        self.days.get(&day).copied()
    }

    /// The holidays from one day until another, which is not part of it.
    pub fn between(&self, from: Date, until: Date) -> impl Iterator<Item = (Date, &'static str)> + '_ {
        self.days.range(from..until.max(from)).map(|(day, name)| (*day, *name))
    }
}

fn table() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = String::new();
        GzDecoder::new(TABLE)
            .read_to_string(&mut text)
            .expect("the embedded table is sound, a test reads all of it");
        text
    })
}

/// The lines of one country or region.
fn section(code: &str) -> Option<&'static str> {
    let known = !code.is_empty() && !code.contains(char::is_control);
    let head = format!("\n>{code}\n");
    let begin = table().find(&head).filter(|_| known)? + head.len();
    let lines = &table()[begin..];
    Some(if lines.starts_with('>') { "" } else { lines.split("\n>").next().unwrap_or(lines) })
}

fn regions(country: &str) -> String {
    let head = format!(">{country}-");
    let regions: Vec<&str> = table().lines().filter_map(|line| line.strip_prefix(&head)).collect();
    if regions.is_empty() { "none".to_owned() } else { regions.join(", ") }
}

fn read(lines: &'static str) -> BTreeMap<Date, &'static str> {
    let mut days = BTreeMap::new();
    for (name, numbers) in lines.lines().filter_map(|line| line.split_once('\t')) {
        let mut day = Date::constant(1970, 1, 1);
        for number in numbers.split(',') {
            let step: i32 = number.parse().expect("a day of the table is a number");
            day = day.saturating_add(step.days());
            days.insert(day, name);
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // B7
    fn knows_every_country_and_region_of_its_table() {
        let codes: Vec<&str> = table().lines().filter_map(|line| line.strip_prefix('>')).collect();
        assert!(codes.len() > 900, "{}", codes.len());
        let (first, last) = Holidays::years();
        for code in codes {
            let holidays = Holidays::of(code).unwrap();
            assert!(holidays.days.keys().all(|day| (first..=last).contains(&day.year())), "{code}");
        }
    }

    #[test]
    fn has_the_days_that_people_know() {
        let on = |code: &str, day: &str| Holidays::of(code).unwrap().on(day.parse().unwrap());
        assert_eq!(on("DE", "2026-10-03"), Some("German Unity Day"));
        assert_eq!(on("DE-Augsburg", "2026-08-08"), Some("Augsburg Peace Festival"));
        assert_eq!(on("US", "2026-11-26"), Some("Thanksgiving Day"));
        assert_eq!(on("FR", "2030-07-14"), Some("National Day"));
        assert_eq!(on("JP", "2026-05-05"), Some("Children's Day"));
        let easter: Vec<_> = Holidays::of("DE")
            .unwrap()
            .between(Date::constant(2026, 4, 1), Date::constant(2026, 4, 30))
            .map(|(day, name)| format!("{day} {name}"))
            .collect();
        assert_eq!(easter, ["2026-04-03 Good Friday", "2026-04-06 Easter Monday"]);
    }

    #[test]
    fn says_which_regions_there_are() {
        let why = Holidays::of("DE-XX").unwrap_err().to_string();
        assert!(why.starts_with("DE has no region \"XX\"; it has Augsburg, BB, BE, BW, BY"), "{why}");
        assert!(Holidays::of("Germany").unwrap_err().to_string().contains("as in DE"));
        assert!(Holidays::of("").is_err() && Holidays::of("de\nX").is_err() && Holidays::of("DE-").is_err());
    }
}
