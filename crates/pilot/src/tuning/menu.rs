//! The ways to size a fleet that tuning chooses from.

use std::fmt;

use serde::{Deserialize, Serialize};
use tidecast_forecast::FLAVOURS;

/// A way to size a fleet: which forecast is believed, at which level, and how much measured demand counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Way {
    /// What sizes the present.
    pub source: Source,
    /// The probability for which it is sized.
    pub level: f64,
    /// By how much measured demand is multiplied before it is sized too; 0 leaves it out.
    pub reactive: f64,
    /// Minutes for which measured demand, or a nowcast, is kept.
    pub hold_min: usize,
    /// By how much more a step up goes at once, and how much a step down leaves, as a share of the need: so there are fewer
    /// steps. Of a rise that is forecast as much more as need not be waited for long.
    #[serde(default)]
    pub lot: f64,
}

/// Which forecast a [`Way`] believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The forecast of whole bins, as of the end of the last one.
    Outlook,
    /// The nowcast of this flavour, over an outlook at the median.
    Nowcast(usize),
}

/// What tuning may choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Menu {
    /// Every way there is.
    #[default]
    Whole,
    /// Ways that look at forecasts of bins, and at measured demand.
    Outlooks,
    /// Ways that look at forecasts alone: what a plan can carry out that nobody corrects.
    Forecasts,
}

/// Under a nowcast the outlook stands at this level: so steps that are sure to come are taken early and at once.
pub(crate) const UNDER_NOWCAST: f64 = 0.5;
/// The longest that anything is kept.
pub(crate) const HOLD_MAX_MIN: usize = 40;

const OUTLOOK_LEVELS: [f64; 10] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.9995];
const REACTIVE: [f64; 3] = [1.0, 1.1, 1.2];
const REACTIVE_HOLD_MIN: usize = 10;
const NOWCAST_LEVELS: [f64; 12] = [0.2, 0.35, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.9995];
/// For how many minutes a nowcast is kept, and in which lots the fleet steps: either keeps it from following every minute.
const NOWCAST_STRIDES: [(usize, f64); 7] =
    [(0, 0.0), (5, 0.0), (20, 0.0), (0, 0.03), (0, 0.06), (0, 0.1), (5, 0.1)];

impl Menu {
    /// The ways on it.
    pub fn ways(self) -> Vec<Way> {
        let reactive =
            || REACTIVE.into_iter().flat_map(|reactive| OUTLOOK_LEVELS.map(|l| outlook(l, reactive)));
        match self {
            Self::Whole => reactive().chain(nowcasts()).collect(),
            Self::Outlooks => reactive().collect(),
            Self::Forecasts => OUTLOOK_LEVELS.map(|level| outlook(level, 0.0)).to_vec(),
        }
    }
}

fn nowcasts() -> impl Iterator<Item = Way> {
    (0..FLAVOURS.len()).flat_map(|flavour| {
        NOWCAST_STRIDES
            .into_iter()
            .flat_map(move |stride| NOWCAST_LEVELS.map(|level| nowcast(flavour, level, stride)))
    })
}

fn nowcast(flavour: usize, level: f64, (hold_min, lot): (usize, f64)) -> Way {
    Way { source: Source::Nowcast(flavour), level, reactive: 0.0, hold_min, lot }
}

fn outlook(level: f64, reactive: f64) -> Way {
    Way { source: Source::Outlook, level, reactive, hold_min: REACTIVE_HOLD_MIN, lot: 0.0 }
}

/// What is chosen before anything could be replayed.
pub(crate) fn untuned(ways: &[Way]) -> usize {
    let first = [nowcast(2, 0.98, (0, 0.0)), outlook(0.98, 1.1), outlook(0.98, 0.0)];
    first.iter().find_map(|first| ways.iter().position(|way| way == first)).unwrap_or(0)
}

impl Way {
    /// Whether it believes a nowcast.
    pub fn is_nowcast(&self) -> bool {
        matches!(self.source, Source::Nowcast(_))
    }

    /// The level at which the forecast of whole bins is read.
    pub fn outlook_level(&self) -> f64 {
        if self.is_nowcast() { UNDER_NOWCAST } else { self.level }
    }
}

/// What the flavours know beside the level of demand, in their order.
const KNOWING: [&str; FLAVOURS.len()] =
    ["", " that knows the phase of the hour", " that knows hour and time of day", " as wide as the forecast"];

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, level, reactive, hold_min, lot } = self;
        match source {
            Source::Outlook => write!(f, "the forecast at {level}")?,
            Source::Nowcast(flavour) => {
                write!(f, "the nowcast{} at {level}", KNOWING.get(*flavour).unwrap_or(&""))?;
            }
        }
        match (self.is_nowcast(), *reactive > 0.0, *hold_min) {
            (true, _, 0) | (false, false, _) => Ok(()),
            (true, _, hold) => write!(f, ", kept for {hold} min"),
            (false, true, _) if (reactive - 1.0).abs() < 1e-9 => f.write_str(" above measured demand"),
            (false, true, _) => write!(f, " above {reactive:.1} times measured demand"),
        }?;
        if *lot > 0.0 { write!(f, ", in lots of {:.0} %", 100.0 * lot) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_a_cautious_way() {
        let first = |menu: Menu| menu.ways()[untuned(&menu.ways())];
        assert_eq!(first(Menu::Whole), nowcast(2, 0.98, (0, 0.0)));
        assert_eq!(first(Menu::Outlooks), outlook(0.98, 1.1));
        assert_eq!(first(Menu::Forecasts), outlook(0.98, 0.0));
    }

    #[test] // B1
    fn is_told_in_words() {
        assert_eq!(
            nowcast(1, 0.97, (20, 0.0)).to_string(),
            "the nowcast that knows the phase of the hour at 0.97, kept for 20 min"
        );
        assert_eq!(nowcast(0, 0.5, (0, 0.0)).to_string(), "the nowcast at 0.5");
        assert_eq!(
            nowcast(0, 0.5, (5, 0.06)).to_string(),
            "the nowcast at 0.5, kept for 5 min, in lots of 6 %"
        );
        assert_eq!(outlook(0.98, 1.1).to_string(), "the forecast at 0.98 above 1.1 times measured demand");
        assert_eq!(outlook(0.98, 0.0).to_string(), "the forecast at 0.98");
        let all = Menu::Whole.ways();
        let told: std::collections::BTreeSet<String> = all.iter().map(Way::to_string).collect();
        assert_eq!((all.len(), told.len()), (366, 366), "no two ways are told alike");
    }
}
