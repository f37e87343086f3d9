//! Real traffic that ships inside the binary; `data/README.md` tells where it comes from.

use jiff::tz::TimeZone;
use tidecast::history::{Reading, parse};
use tidecast_forecast::Gathered;

/// A sample of real traffic.
pub(crate) struct Sample {
    /// Its file's name, without endings.
    pub name: &'static str,
    /// What it is, and whose.
    pub what: &'static str,
    /// Where its civil time lives.
    pub zone: &'static str,
    packed: &'static [u8],
}

/// Bicycle rentals by the hour: arrivals.
pub(crate) const BIKESHARE: Sample = Sample {
    name: "bikeshare_hourly",
    what: "bicycle rentals an hour, Capital Bikeshare, summer 2019",
    zone: "America/New_York",
    packed: include_bytes!("../../data/bikeshare_hourly.csv.gz"),
};

/// Orders in hand by the minute: concurrency.
pub(crate) const RETAIL: Sample = Sample {
    name: "retail_minute",
    what: "orders in hand at a British web shop, autumn 2011 (UCI Online Retail II, CC BY 4.0)",
    zone: "Europe/London",
    packed: include_bytes!("../../data/retail_minute.csv.gz"),
};

impl Sample {
    /// The sample on a grid of at least `bin_s` seconds.
    pub(crate) fn gathered(&self, bin_s: i64) -> Gathered {
        let reading = Reading { time_column: None, value_column: None, zone: TimeZone::UTC, strict: true };
        let history = parse(self.name, self.packed, &reading).expect("a sample that ships is a history");
        history.samples.gather(bin_s).expect("a sample that ships makes a series")
    }

    /// Its zone.
    pub(crate) fn time_zone(&self) -> TimeZone {
        TimeZone::get(self.zone).expect("the zones of the samples are in the bundled database")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_whole() {
        for sample in [BIKESHARE, RETAIL] {
            assert!(sample.gathered(60).series.measured() > 1_000, "{}", sample.name);
            assert!(!sample.time_zone().is_unknown());
        }
    }
}
