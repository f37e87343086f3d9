//! A menu of ways at work on the same demand, each on a fleet that is only computed.

use tidecast_forecast::{Tape, Taped};

use super::DAY;
use super::lots::stepped;
use super::signals::Signals;
use super::yard::Yard;
use crate::{Bounds, Demand, Size, Sizer};

/// Every way of a menu at work on the same demand, each with a fleet of its own, day by day.
#[derive(Debug, Clone)]
pub(super) struct Replay {
    yard: Yard,
    begun: bool,
    minutes: usize,
    /// Days that are over.
    pub(super) past: Past,
    today: Today,
}

/// What days asked for and what each way made of them, the latest counting most.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Past {
    pub(super) days: usize,
    /// How much all of them count, in days.
    pub(super) weight: f64,
    pub(super) demand: f64,
    /// The sum of the largest sizes that each day's demand needed.
    peak: f64,
    pub(super) marks: Vec<Mark>,
}

/// What a way made of days.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mark {
    /// Demand that found no capacity, though it could have been known.
    pub(super) short: f64,
    /// Server-minutes billed.
    pub(super) billed: f64,
    /// Minutes in which it scaled up.
    pub(super) ups: f64,
}

/// A day that is not over.
#[derive(Debug, Clone)]
struct Today {
    demand: f64,
    peak: u32,
    short: Vec<f64>,
    billed: Vec<u32>,
    ups: Vec<u32>,
}

/// Of what a day's ways violated, the share of ways that violated least: what even these could not prevent was not to be
/// prevented.
const UNAVOIDABLE: f64 = 0.05;
/// What a scale-up counts where nobody says: so many minutes of the largest size of a usual day.
const UP_COST_MIN: f64 = 0.06;
/// The age at which a day counts half. Measured on recorded traffic this is as good as to look at 28 days with a half-life
/// of fourteen, and needs two numbers a way instead of 56.
const HALF_LIFE_DAYS: f64 = 10.0;

impl Past {
    /// No day is over yet.
    pub(super) fn of(ways: usize) -> Self {
        Self { days: 0, weight: 0.0, demand: 0.0, peak: 0.0, marks: vec![Mark::default(); ways] }
    }

    /// One day more, which makes all before it count less.
    pub(super) fn add(&mut self, demand: f64, peak: u32, marks: impl Iterator<Item = Mark>) {
        let keep = 0.5f64.powf(1.0 / HALF_LIFE_DAYS);
        self.days += 1;
        self.weight = keep * self.weight + 1.0;
        self.demand = keep * self.demand + demand;
        self.peak = keep * self.peak + f64::from(peak);
        for (sum, mark) in self.marks.iter_mut().zip(marks) {
            sum.short = keep * sum.short + mark.short;
            sum.billed = keep * sum.billed + mark.billed;
            sum.ups = keep * sum.ups + mark.ups;
        }
    }

    /// The server-minutes that a scale-up counts, if nobody says: in proportion to the fleet.
    pub(super) fn up_cost(&self) -> f64 {
        UP_COST_MIN * self.peak / self.weight.max(f64::MIN_POSITIVE)
    }
}

impl Today {
    fn new(ways: usize) -> Self {
        Self { demand: 0.0, peak: 0, short: vec![0.0; ways], billed: vec![0; ways], ups: vec![0; ways] }
    }

    fn marks(&self) -> impl Iterator<Item = Mark> {
        let unavoidable = self.unavoidable();
        self.short.iter().zip(&self.billed).zip(&self.ups).map(move |((short, billed), ups)| Mark {
            short: (short - unavoidable).max(0.0),
            billed: f64::from(*billed),
            ups: f64::from(*ups),
        })
    }

    fn unavoidable(&self) -> f64 {
        let mut shorts = self.short.clone();
        shorts.sort_by(f64::total_cmp);
        shorts[((shorts.len() - 1) as f64 * UNAVOIDABLE) as usize]
    }
}

impl Replay {
    /// Of so many ways, on fleets that start within `start_min`.
    pub(super) fn of(ways: usize, start_min: usize) -> Self {
        Self {
            yard: Yard::new(ways, start_min),
            begun: false,
            minutes: 0,
            past: Past::of(ways),
            today: Today::new(ways),
        }
    }

    /// Lets every way decide for one more minute, in which `demand` comes. What is not known, NaN, is asked of nobody:
    /// time passes, and nothing is counted.
    pub(super) fn step(&mut self, signals: &Signals, demand: f64, sizer: &Sizer, bounds: Bounds) {
        let needs: Vec<u32> = signals.demands().map(|demand| need(demand, sizer, bounds)).collect();
        let ways = signals.ways().len();
        if !self.begun {
            (0..ways).for_each(|i| self.yard.begin(i, needs[signals.which(i)]));
            self.begun = true;
        }
        self.yard.tick();
        let throughput = sizer.throughput().get();
        let known = demand.is_finite();
        if known {
            self.today.demand += demand;
            self.today.peak = self.today.peak.max(need(demand, sizer, bounds));
        }
        for i in 0..ways {
            let before = self.yard.total(i);
            let wanted = led(signals.lot(i), before, needs[signals.which(i)], throughput, bounds);
            self.yard.scale_to(i, wanted);
            if known {
                self.today.ups[i] += u32::from(wanted > before);
                self.today.short[i] += (demand - f64::from(self.yard.ready(i)) * throughput).max(0.0);
                self.today.billed[i] = self.today.billed[i].saturating_add(wanted);
            }
        }
        self.pass();
    }

    /// The size that way `i` wants in the next minute.
    pub(super) fn wanted(&self, signals: &Signals, i: usize, sizer: &Sizer, bounds: Bounds) -> u32 {
        let need = need(signals.demand(i), sizer, bounds);
        let total = if self.begun { self.yard.total(i) } else { need };
        led(signals.lot(i), total, need, sizer.throughput().get(), bounds)
    }

    /// A minute that nobody could decide in, as while it is not known what a server serves.
    pub(super) fn pass(&mut self) {
        self.minutes += 1;
        if self.minutes.is_multiple_of(DAY) {
            self.end_day();
        }
    }

    /// A day of which nothing is known, or in which nothing was asked for, teaches nothing.
    fn end_day(&mut self) {
        let ways = self.today.short.len();
        let over = std::mem::replace(&mut self.today, Today::new(ways));
        if over.demand > 0.0 {
            self.past.add(over.demand, over.peak, over.marks());
        }
    }
}

/// The servers that this demand needs.
fn need(demand: f64, sizer: &Sizer, bounds: Bounds) -> u32 {
    bounds.clamp(sizer.size(Demand::new(demand).unwrap_or(Demand::ZERO)).total()).get()
}

/// Where a step in a lot, of so much demand to come and this share of the need, leads a fleet.
fn led((rise, share): (f64, f64), total: u32, need: u32, throughput: f64, bounds: Bounds) -> u32 {
    if share <= 0.0 {
        return need;
    }
    let lot = (rise / throughput + share * f64::from(need)).round() as u32;
    bounds.clamp(Size(stepped(total, need, lot))).get()
}

impl Taped for Replay {
    /// For as many ways.
    fn tape(&mut self, tape: &mut Tape) {
        self.yard.tape(tape);
        let mut begun = usize::from(self.begun);
        tape.count(&mut begun);
        self.begun = begun > 0;
        tape.count(&mut self.minutes);
        tape.count(&mut self.past.days);
        tape.number(&mut self.past.weight);
        tape.number(&mut self.past.demand);
        tape.number(&mut self.past.peak);
        for mark in &mut self.past.marks {
            tape.number(&mut mark.short);
            tape.number(&mut mark.billed);
            tape.number(&mut mark.ups);
        }
        let mut peak = self.today.peak as usize;
        tape.count(&mut peak);
        self.today.peak = peak.min(u32::MAX as usize) as u32;
        tape.number(&mut self.today.demand);
        tape.numbers(&mut self.today.short);
        tape.counts(&mut self.today.billed);
        tape.counts(&mut self.today.ups);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blames_nobody_for_what_nobody_could_prevent() {
        let mut today = Today::new(3);
        today.short = vec![90.0, 89.0, 80.0];
        today.billed = vec![110, 130, 440];
        today.ups = vec![0, 1, 2];
        let marks: Vec<Mark> = today.marks().collect();
        assert_eq!(marks.iter().map(|mark| mark.short).collect::<Vec<_>>(), [10.0, 9.0, 0.0]);
        assert_eq!(
            marks.iter().map(|mark| (mark.billed, mark.ups)).collect::<Vec<_>>(),
            [(110.0, 0.0), (130.0, 1.0), (440.0, 2.0)]
        );
    }
}
