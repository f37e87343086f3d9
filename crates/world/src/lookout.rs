//! A workload watched minute by minute, sized by whatever has kept the promise at the least cost in replay.

use tidecast_forecast::Fan;

use crate::menu::{menu, predictive_menu, untuned};
use crate::replay::Replay;
use crate::signals::Signals;
use crate::tuner::{DAYS, Tuner};
use crate::{Choice, DAY, Setup};

/// Watches a workload minute by minute and says how many servers it needs: sized by the [`Choice`] that has kept the
/// promise at the least cost when all were replayed on the workload's own last weeks.
///
/// Every choice of the menu works in parallel on a fleet that is only computed; each midnight the best one takes over.
/// So nothing has to be configured, and after a change of traffic the choice follows within days.
#[derive(Debug, Clone)]
pub struct Lookout {
    signals: Signals,
    replay: Replay,
    seats: Vec<Seat>,
    replayed_from: usize,
    minute: usize,
    looked_out_at: Option<usize>,
}

/// A promise, and the choice that has kept it best.
#[derive(Debug, Clone, Copy)]
struct Seat {
    tuner: Tuner,
    chosen: usize,
}

/// Days of learning after the first forecast before anything is replayed.
const WARM_DAYS: usize = 3;

impl Lookout {
    /// Nothing was seen yet. Minutes are counted from the first one on, which is a midnight; nothing is replayed before
    /// minute `replayed_from`.
    pub fn new(setup: &Setup, replayed_from: usize) -> Self {
        Self::among(menu(), setup, &[setup.promise], replayed_from)
    }

    /// The same for several promises at once, in place of the setup's: the menu is replayed only once for all.
    pub fn for_promises(promises: &[f64], setup: &Setup, replayed_from: usize) -> Self {
        Self::among(menu(), setup, promises, replayed_from)
    }

    /// The same, of forecasts alone: measured demand has no say but through them.
    pub fn predictive(setup: &Setup, replayed_from: usize) -> Self {
        Self::among(predictive_menu(), setup, &[setup.promise], replayed_from)
    }

    fn among(choices: Vec<Choice>, setup: &Setup, promises: &[f64], replayed_from: usize) -> Self {
        let chosen = untuned(&choices);
        let seat = |promise: &f64| Seat { tuner: Tuner::of(*promise), chosen };
        Self {
            seats: promises.iter().map(seat).collect(),
            replay: Replay::of(choices.len(), setup, DAYS),
            signals: Signals::new(setup.throughput, setup.start_min, choices),
            replayed_from,
            minute: 0,
            looked_out_at: None,
        }
    }

    /// The forecast of the most demand of each bin, from the one that begins now to the last that begins within a
    /// start-up.
    pub fn look_out(&mut self, bins: &[Fan]) {
        self.looked_out_at.get_or_insert(self.minute);
        self.signals.look_out(bins);
    }

    /// The demand of the minute that has just ended.
    pub fn minute(&mut self, demand: f64) {
        if self.replays() {
            self.replay.step(&self.signals, demand);
        }
        self.signals.measure(demand, self.learns_only());
        self.minute += 1;
        if self.minute.is_multiple_of(DAY) {
            for seat in &mut self.seats {
                seat.chosen = seat.tuner.choose(&self.replay.days).unwrap_or(seat.chosen);
            }
        }
    }

    /// The servers to have from now on, for each promise.
    pub fn sizes(&self) -> impl Iterator<Item = u32> {
        self.seats.iter().map(|seat| self.signals.size(seat.chosen))
    }

    /// The choice in force, for each promise.
    pub fn choices(&self) -> impl Iterator<Item = &Choice> {
        self.seats.iter().map(|seat| &self.signals.choices()[seat.chosen])
    }

    /// Whether the minute that has just ended is one to be replayed: from a midnight on.
    fn replays(&self) -> bool {
        self.replay_from().is_some_and(|from| self.minute >= from)
    }

    fn replay_from(&self) -> Option<usize> {
        let warm = self.looked_out_at? + WARM_DAYS * DAY;
        Some(warm.max(self.replayed_from).next_multiple_of(DAY))
    }

    /// Long before the first replay nobody asks for sizes.
    fn learns_only(&self) -> bool {
        self.replay_from().is_none_or(|from| self.minute + DAY < from)
    }
}
