//! Which way to size a workload keeps its promise at the least cost: found out on its own past, minute by minute.

mod follow;
mod lots;
mod menu;
mod replay;
mod signals;
mod tuner;
mod yard;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidecast_forecast::{Fan, Tape, Taped, VALUE_MAX};

pub use menu::{Menu, Source, Way};

use self::lots::AHEAD_BINS;
use self::menu::untuned;
use self::replay::Replay;
use self::signals::{Layout, Signals};
use self::tuner::{Tuner, Worth, frontier, worths};
use crate::{Bounds, Demand, Size, Sizer};

/// Minutes in a bin, by which forecasts go.
pub(crate) const BIN: usize = 5;
/// Minutes in a day.
const DAY: usize = 1_440;

/// Watches a workload minute by minute and says how much demand to provide for: by the [`Way`] that has kept the promise
/// at the least cost when all were replayed on the workload's own last weeks.
///
/// Every way of the menu works in parallel on a fleet that is only computed; each midnight the best one takes over. So
/// nothing has to be configured, and after a change of traffic the choice follows within days. What was not measured is
/// replayed as unknown: time passes, nothing is counted and nothing is learned.
///
/// ```
/// use jiff::Timestamp;
/// use tidecast_forecast::Fan;
/// use tidecast_pilot::{Bounds, Buffer, Ground, Menu, Sizer, Throughput, Tuning};
/// let sizer = Sizer::new(Throughput::new(10.0).unwrap(), Buffer::default());
/// let ground = Ground { start_min: 5, sizer: Some(sizer), bounds: Bounds::new(1, 100).unwrap(), up_cost: None };
/// let mut tuning = Tuning::new(Timestamp::UNIX_EPOCH, Menu::Whole, &ground, 0.001);
/// for minute in 0..6 * 1_440u32 {
///     if minute % 5 == 0 {
///         tuning.look_out(&[Fan::certain(150.0), Fan::certain(150.0)]);
///     }
///     tuning.minute(f64::from(100 + minute % 50));
/// }
/// assert!(tuning.sizing().unwrap().chosen.served > 0.999);
/// ```
#[derive(Debug, Clone)]
pub struct Tuning {
    begun: Timestamp,
    ground: Ground,
    signals: Signals,
    replay: Replay,
    seats: Vec<Seat>,
    replayed_from: usize,
    warm_min: usize,
    minute: usize,
    /// The end of the last minute that was known.
    known: usize,
    looked_out_at: Option<usize>,
}

/// What a fleet is like on which ways are replayed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    /// Minutes from a launch until it serves.
    pub start_min: usize,
    /// How demand becomes servers; while nobody knows, nothing can be replayed.
    pub sizer: Option<Sizer>,
    /// Within what.
    pub bounds: Bounds,
    /// The server-minutes that a scale-up counts when ways are compared; in proportion to the fleet if nobody says.
    pub up_cost: Option<f64>,
}

/// A promise, and the way that has kept it best.
#[derive(Debug, Clone, Copy)]
struct Seat {
    /// None where there is nothing to choose.
    tuner: Option<Tuner>,
    chosen: usize,
    /// Since which minute, if it was chosen by replay.
    since: Option<usize>,
    /// The best of those ways that need no measurements of the last minutes.
    outlook: usize,
}

/// A way, and what became of it in replay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rated {
    /// It.
    pub way: Way,
    /// The share of demand that found capacity, as far as any way could have served it.
    pub served: f64,
    /// Server-minutes a day, each scale-up counted at its price.
    pub cost: f64,
    /// Scale-ups a day; none where that was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ups: Option<f64>,
}

/// How demand is sized: the way that kept the promise at the least cost in replay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sizing {
    /// It, and what it was chosen for.
    pub chosen: Rated,
    /// The best of those ways that look at forecasts of whole bins only: what sizes while the last minutes are not known.
    pub outlook: Rated,
    /// Since when it is followed.
    pub since: Timestamp,
    /// Days of replay behind it.
    pub days: usize,
}

/// What the chosen way makes of the last minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Nowcasted {
    /// The end of the last minute that was known.
    pub at: Timestamp,
    /// The most demand to come until an order made then would serve.
    pub demand: Demand,
    /// Where the way steps in lots: the size to which its steps have led, in replay as in earnest.
    pub stepped: Option<Size>,
    /// Whose word it is.
    pub way: Way,
}

/// Demand that so many of the largest fleets could not serve is no demand.
const ABSURD: f64 = 100.0;
/// Days of learning after the first forecast before anything is replayed.
const WARM_DAYS: usize = 3;
/// The most ways of the frontier that are told.
const TOLD_MAX: usize = 8;

impl Tuning {
    /// Nothing was seen yet. Minutes are counted from `begun` on, which is a midnight.
    pub fn new(begun: Timestamp, menu: Menu, ground: &Ground, promise: f64) -> Self {
        Self::for_promises(begun, menu, ground, &[promise], 0)
    }

    /// The same for several promises at once: the menu is replayed only once for all; and not before minute
    /// `replayed_from`.
    pub fn for_promises(
        begun: Timestamp,
        menu: Menu,
        ground: &Ground,
        promises: &[f64],
        replayed_from: usize,
    ) -> Self {
        Self::among(begun, Layout::of_menu(menu), ground, promises, replayed_from)
    }

    /// One way, believed after `warm_min` minutes of learning, and one for when it cannot be had: there is nothing to choose.
    pub fn fixed(begun: Timestamp, way: Way, otherwise: Way, ground: &Ground, warm_min: usize) -> Self {
        let mut tuning = Self::among(begun, Layout::of(vec![way, otherwise]), ground, &[0.0], 0);
        tuning.warm_min = warm_min;
        tuning.seats = vec![Seat { tuner: None, chosen: 0, since: Some(0), outlook: 1 }];
        tuning
    }

    fn among(
        begun: Timestamp,
        layout: Arc<Layout>,
        ground: &Ground,
        promises: &[f64],
        replayed_from: usize,
    ) -> Self {
        let chosen = untuned(layout.ways());
        let seat =
            |promise: &f64| Seat { tuner: Some(Tuner::of(*promise)), chosen, since: None, outlook: chosen };
        Self {
            begun,
            ground: *ground,
            seats: promises.iter().map(seat).collect(),
            replay: Replay::of(layout.ways().len(), ground.start_min),
            signals: Signals::new(ground.start_min, layout),
            replayed_from,
            warm_min: WARM_DAYS * DAY,
            minute: 0,
            known: 0,
            looked_out_at: None,
        }
    }

    /// Another ground to replay on from now on, with the same start-up time; false if that differs: then all that was
    /// learned is about something else.
    #[must_use]
    pub fn stand_on(&mut self, ground: &Ground) -> bool {
        let same = ground.start_min == self.ground.start_min;
        if same {
            self.ground = *ground;
        }
        same
    }

    /// What it replays on.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The midnight from which on minutes are counted.
    pub fn begun(&self) -> Timestamp {
        self.begun
    }

    /// How many bins an outlook should have: those in which a window of a start-up may lie, and those in which a rise may
    /// be provided for at once.
    pub fn bins(&self) -> usize {
        self.ground.start_min.div_ceil(BIN) + 1 + AHEAD_BINS
    }

    /// The end of the last minute taken in.
    pub fn now(&self) -> Timestamp {
        self.at(self.minute)
    }

    fn at(&self, minute: usize) -> Timestamp {
        self.begun.saturating_add(SignedDuration::from_mins(minute as i64)).unwrap_or(Timestamp::MAX)
    }

    /// The forecast of the most demand of each bin, from the one that begins now on; before the last minute of the bin
    /// before is taken in.
    pub fn look_out(&mut self, bins: &[Fan]) {
        self.looked_out_at.get_or_insert(self.minute);
        self.signals.look_out(bins);
    }

    /// The demand of the minute that has just ended; NaN if it is not known. What is absurdly more than the largest fleet
    /// could serve is taken for not known: nothing can be learned from it, and all that was learned would drown in it.
    pub fn minute(&mut self, demand: f64) {
        let demand = if demand <= self.most() { demand } else { f64::NAN };
        if self.replays() {
            match &self.ground.sizer {
                Some(sizer) => self.replay.step(&self.signals, demand, sizer, self.ground.bounds),
                None => self.replay.pass(),
            }
        }
        self.signals.measure(demand, self.learns_only());
        self.minute += 1;
        if demand.is_finite() {
            self.known = self.minute;
        }
        if self.minute.is_multiple_of(DAY) {
            self.choose();
        }
    }

    fn most(&self) -> f64 {
        let served = self
            .ground
            .sizer
            .map(|sizer| ABSURD * sizer.throughput().get() * f64::from(self.ground.bounds.max().get()));
        served.unwrap_or(f64::INFINITY).min(VALUE_MAX)
    }

    fn choose(&mut self) {
        let all = self.worths();
        let outlooks: Vec<Worth> =
            all.iter().filter(|worth| !self.signals.ways()[worth.way].is_nowcast()).copied().collect();
        let days = self.replay.past.days;
        for seat in &mut self.seats {
            let Some(tuner) = seat.tuner else { continue };
            if let Some(best) = tuner.choose(days, &all) {
                let anew = seat.since.is_none() || best.way != seat.chosen;
                seat.since = if anew { Some(self.minute) } else { seat.since };
                seat.chosen = best.way;
                seat.outlook = tuner.choose(days, &outlooks).map_or(best.way, |worth| worth.way);
            }
        }
    }

    fn worths(&self) -> Vec<Worth> {
        let past = &self.replay.past;
        worths(past, self.ground.up_cost.unwrap_or_else(|| past.up_cost()))
    }

    /// The servers to have from now on, for each promise; the least there may be while it is not known what one serves.
    pub fn sizes(&self) -> impl Iterator<Item = Size> {
        self.seats.iter().map(|seat| self.size(seat.chosen))
    }

    fn size(&self, way: usize) -> Size {
        let Ground { sizer, bounds, .. } = &self.ground;
        sizer.map_or(bounds.min(), |sizer| Size(self.replay.wanted(&self.signals, way, &sizer, *bounds)))
    }

    /// The way in force, for each promise.
    pub fn ways(&self) -> impl Iterator<Item = &Way> {
        self.seats.iter().map(|seat| &self.signals.ways()[seat.chosen])
    }

    /// What the way in force says of the last minutes, if it looks at them: nothing before that was learned, and nothing
    /// while nothing was replayed. It is kept for at least the `hold`, so that no fleet goes up and down with the noise;
    /// unless it steps in lots, which do the same.
    pub fn says(&self, hold: SignedDuration) -> Option<Nowcasted> {
        let seat = self.seats.first().filter(|seat| seat.since.is_some())?;
        let way = self.signals.ways()[seat.chosen];
        let warm = self.minute >= self.looked_out_at? + self.warm_min;
        let in_lots = way.lot > 0.0;
        let hold_min = if in_lots { 0 } else { hold.as_mins().max(0) as usize };
        let demand = Demand::new(self.signals.present_kept(seat.chosen, hold_min));
        let demand = demand.filter(|demand| *demand > Demand::ZERO)?;
        let stepped = in_lots.then(|| self.size(seat.chosen));
        (way.is_nowcast() && warm).then(|| Nowcasted { at: self.at(self.known), demand, stepped, way })
    }

    /// How demand is sized, and why so; nothing before anything was replayed.
    pub fn sizing(&self) -> Option<Sizing> {
        let seat = self.seats.first()?;
        let since = self.at(seat.since?);
        let all = self.worths();
        let unrated = |way: usize| Worth { way, cost: 0.0, ups: 0.0, violated: 0.0 };
        let rated = |way: usize| self.rated(all.get(way).unwrap_or(&unrated(way)));
        let days = self.replay.past.days;
        Some(Sizing { chosen: rated(seat.chosen), outlook: rated(seat.outlook), since, days })
    }

    fn rated(&self, worth: &Worth) -> Rated {
        let way = self.signals.ways()[worth.way];
        Rated { way, served: 1.0 - worth.violated, cost: worth.cost, ups: Some(worth.ups) }
    }

    /// What others than the chosen way would have cost, and served: a few along the frontier, the cheapest first.
    pub fn frontier(&self) -> Vec<Rated> {
        let hull = frontier(&self.worths());
        let steps = hull.len().div_ceil(TOLD_MAX).max(1);
        // From the dear end, which is never left out.
        let mut told: Vec<Rated> = hull.iter().rev().step_by(steps).map(|worth| self.rated(worth)).collect();
        told.reverse();
        told
    }

    /// Whether the minute that has just ended is one to be replayed: from a midnight on.
    fn replays(&self) -> bool {
        self.replay_from().is_some_and(|from| self.minute >= from)
    }

    fn replay_from(&self) -> Option<usize> {
        let warm = self.looked_out_at? + self.warm_min;
        Some(warm.max(self.replayed_from).next_multiple_of(DAY))
    }

    /// Long before the first replay nobody asks for demands.
    fn learns_only(&self) -> bool {
        self.replay_from().is_none_or(|from| self.minute + DAY < from)
    }
}

/// The version of what is written to tapes: another one is not read, and everything is learned anew.
const VERSION: f64 = 3.0;

impl Taped for Tuning {
    /// For the same menu, start-up time and promises.
    fn tape(&mut self, tape: &mut Tape) {
        tape.same(VERSION);
        tape.same(self.begun.as_second() as f64);
        tape.same(self.ground.start_min as f64);
        tape.same(self.seats.len() as f64);
        tape.count(&mut self.minute);
        tape.count(&mut self.known);
        tape.maybe(&mut self.looked_out_at);
        let ways = self.signals.ways().len();
        for seat in &mut self.seats {
            tape.same(seat.tuner.map_or(0.0, |tuner| tuner.target));
            tape.count(&mut seat.chosen);
            tape.count(&mut seat.outlook);
            tape.maybe(&mut seat.since);
            (seat.chosen, seat.outlook) = (seat.chosen.min(ways - 1), seat.outlook.min(ways - 1));
        }
        self.signals.tape(tape);
        self.replay.tape(tape);
    }
}

impl Nowcasted {
    /// Whether it is new enough to size by.
    pub(crate) fn is_fresh(&self, now: Timestamp, within: SignedDuration) -> bool {
        now.duration_since(self.at).abs() <= within
    }
}

#[cfg(test)]
mod tests;
