//! The ways to size a fleet that tuning chooses from.

use serde::Serialize;
use tidecast_forecast::FLAVOURS;

/// A way to size a fleet: which forecast is believed, at which level, and how much measured demand counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// What sizes the present.
    pub source: Source,
    /// The probability for which it is sized.
    pub level: f64,
    /// By how much measured demand is multiplied before it is sized too; 0 leaves it out.
    pub reactive: f64,
    /// Minutes for which measured demand, or a nowcast, is kept.
    pub hold_min: usize,
}

/// Which forecast a [`Choice`] believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The forecast of whole bins, as of the end of the last one.
    Outlook,
    /// The nowcast of this flavour, over an outlook at the median.
    Nowcast(usize),
}

/// Under a nowcast the outlook stands at this level: so steps that are sure to come are taken early and at once.
pub(crate) const UNDER_NOWCAST: f64 = 0.5;

const OUTLOOK_LEVELS: [f64; 10] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.9995];
const REACTIVE: [f64; 3] = [1.0, 1.1, 1.2];
const REACTIVE_HOLD_MIN: usize = 10;
const NOWCAST_LEVELS: [f64; 12] = [0.5, 0.7, 0.8, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.9995];
const NOWCAST_HOLDS_MIN: [usize; 4] = [0, 5, 20, 40];

/// All choices that tuning tries.
pub(crate) fn menu() -> Vec<Choice> {
    let nowcasts = (0..FLAVOURS.len()).flat_map(|flavour| {
        NOWCAST_HOLDS_MIN
            .into_iter()
            .flat_map(move |hold_min| NOWCAST_LEVELS.map(|level| nowcast(flavour, level, hold_min)))
    });
    let outlooks = REACTIVE.into_iter().flat_map(|reactive| OUTLOOK_LEVELS.map(|l| outlook(l, reactive)));
    outlooks.chain(nowcasts).collect()
}

/// What forecasts alone can choose from.
pub(crate) fn predictive_menu() -> Vec<Choice> {
    OUTLOOK_LEVELS.map(|level| outlook(level, 0.0)).to_vec()
}

fn nowcast(flavour: usize, level: f64, hold_min: usize) -> Choice {
    Choice { source: Source::Nowcast(flavour), level, reactive: 0.0, hold_min }
}

fn outlook(level: f64, reactive: f64) -> Choice {
    Choice { source: Source::Outlook, level, reactive, hold_min: REACTIVE_HOLD_MIN }
}

/// What is chosen before anything could be replayed.
pub(crate) fn untuned(menu: &[Choice]) -> usize {
    let first = [nowcast(2, 0.98, 0), outlook(0.98, 0.0)];
    menu.iter().position(|choice| first.contains(choice)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_a_cautious_choice() {
        let (all, forecasts) = (menu(), predictive_menu());
        assert_eq!(all[untuned(&all)].source, Source::Nowcast(2));
        assert_eq!(forecasts[untuned(&forecasts)], outlook(0.98, 0.0));
    }
}
