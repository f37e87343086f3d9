//! What demand will be at most in the next minutes, minute by minute.

mod calibration;
mod histogram;
mod regression;
mod view;

use std::collections::VecDeque;

use calibration::{Calibration, Issue};
use regression::{Regression, Terms, terms};
use view::View;

use crate::{Fan, Tape, Taped};

/// The most demand of the next minutes: the outlook over bins, corrected each minute by what has been measured since.
///
/// A forecast speaks of bins of some minutes and is made when a bin ends. Whoever decides each minute knows more: how
/// demand has moved since. A nowcast regresses the most demand of a window that begins now on the outlook for the bins
/// it meets and on means of the latest minutes, one regression for each minute of a bin, and takes its fan from its
/// own past errors, as [`crate::Calibrated`] does for bins.
///
/// How errors are normalised makes a difference, and which way is best differs from series to series; so each of
/// [`FLAVOURS`] gives a fan, and who uses them finds out by replay which one to trust.
///
/// ```
/// use tidecast_forecast::{Fan, Nowcast};
/// let mut nowcast = Nowcast::new(5, 5, 1_440);
/// let mut fans = None;
/// for minute in 0..3 * 1_440u32 {
///     if minute % 5 == 0 {
///         nowcast.look_out(&[Fan::certain(100.0), Fan::certain(100.0)]);
///     }
///     fans = nowcast.step(f64::from(100 + minute % 7));
/// }
/// let fan = fans.unwrap()[0];
/// assert!(fan.at(0.99) > 104.0 && fan.at(0.99) < 109.0, "{fan:?}");
/// ```
#[derive(Debug, Clone)]
pub struct Nowcast {
    shape: Shape,
    view: View,
    open: VecDeque<Open>,
    /// The newest values of the window, as a falling sequence whose head is their most.
    falling: VecDeque<(usize, f64)>,
    gap: Option<usize>,
    regressions: [Regression; SCALES],
    calibrations: Vec<Calibration>,
    now: usize,
}

/// Steps in a bin, steps that the window reaches beyond its first, steps in a day.
#[derive(Debug, Clone, Copy)]
struct Shape {
    bin: usize,
    reach: usize,
    day: usize,
}

/// What errors are measured in before anything is learned of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// The root of the level, as counts want it.
    Root,
    /// The width of the outlook's own fan.
    Width,
}

/// A way to normalise errors: what they are measured in, and when they are known to be large or small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flavour {
    scale: Scale,
    /// How fast the phase of the hour is learned, 0 for not at all.
    by_hour: f64,
    /// How fast the time of day is learned, 0 for not at all.
    by_day: f64,
    /// The power with which the last hours' volatility counts, 0 for not at all.
    local: f64,
}

/// The flavours of every [`Nowcast`], in the order of its fans.
pub const FLAVOURS: [Flavour; 4] = [
    Flavour { scale: Scale::Root, by_hour: 0.0, by_day: 0.0, local: 0.0 },
    Flavour { scale: Scale::Root, by_hour: 0.03, by_day: 0.0, local: 0.0 },
    Flavour { scale: Scale::Root, by_hour: 0.03, by_day: 0.02, local: 0.6 },
    Flavour { scale: Scale::Width, by_hour: 0.0, by_day: 0.005, local: 0.0 },
];

/// How many scales there are.
const SCALES: usize = 2;

/// A nowcast whose window has not ended yet.
#[derive(Debug, Clone, Default)]
struct Open {
    at: usize,
    base: f64,
    scales: [f64; SCALES],
    terms: [Terms; SCALES],
    points: [f64; SCALES],
    issues: [Issue; FLAVOURS.len()],
}

impl Nowcast {
    /// For bins of `bin` steps, windows of `reach` + 1 steps, days of `day` steps.
    ///
    /// # Panics
    /// If `bin` or `day` is zero.
    pub fn new(bin: usize, reach: usize, day: usize) -> Self {
        assert!(bin > 0 && day > 0, "bins and days have steps");
        let shape = Shape { bin, reach, day };
        let calibration = |flavour: &Flavour| Calibration::new(*flavour, shape);
        Self {
            shape,
            view: View::new(shape),
            open: VecDeque::with_capacity(reach + 2),
            falling: VecDeque::new(),
            gap: None,
            regressions: [Regression::new(shape), Regression::new(shape)],
            calibrations: FLAVOURS.iter().map(calibration).collect(),
            now: 0,
        }
    }

    /// The outlook for the bins from the next step on, made at the end of the bin before.
    pub fn look_out(&mut self, bins: &[Fan]) {
        self.view.look_out(bins);
    }

    /// Takes in the newest value, NaN if it was not measured, and says what the most of the next steps will be, for
    /// each flavour; nothing before the first outlook.
    pub fn step(&mut self, value: f64) -> Option<[Fan; FLAVOURS.len()]> {
        self.take_in(value);
        self.settle();
        self.now += 1;
        if self.now.is_multiple_of(self.shape.day) {
            self.regressions.iter_mut().for_each(Regression::solve);
        }
        self.say()
    }

    fn take_in(&mut self, value: f64) {
        if !value.is_finite() {
            self.gap = Some(self.now);
            return;
        }
        self.view.take_in(value);
        while self.falling.back().is_some_and(|(_, v)| *v <= value) {
            self.falling.pop_back();
        }
        self.falling.push_back((self.now, value));
        while self.falling.front().is_some_and(|(at, _)| at + self.shape.reach < self.now) {
            self.falling.pop_front();
        }
    }

    /// Learns from the nowcast whose window ends with the newest value.
    fn settle(&mut self) {
        let ended = |open: &Open| open.at + self.shape.reach <= self.now;
        let Some(open) = self.open.front().filter(|open| ended(open)).cloned() else { return };
        self.open.pop_front();
        let whole = self.gap.is_none_or(|gap| gap < open.at);
        let Some((_, most)) = self.falling.front().copied().filter(|_| whole) else { return };
        let off = open.scales.map(|scale| (most - open.base) / scale);
        for (k, regression) in self.regressions.iter_mut().enumerate() {
            regression.learn(open.at, &open.terms[k], off[k], open.points[k]);
        }
        for ((calibration, issue), flavour) in self.calibrations.iter_mut().zip(open.issues).zip(FLAVOURS) {
            let k = flavour.scale as usize;
            calibration.learn(open.at, off[k] - open.points[k], issue);
        }
    }

    fn say(&mut self) -> Option<[Fan; FLAVOURS.len()]> {
        let at = self.now;
        let sight = self.view.sight(at)?;
        let mut open = Open {
            at,
            base: sight.base,
            scales: sight.scales,
            terms: sight.scales.map(|scale| terms(&sight, scale)),
            points: [0.0; SCALES],
            issues: [Issue::default(); FLAVOURS.len()],
        };
        for (k, regression) in self.regressions.iter().enumerate() {
            open.points[k] = regression.point(at, &open.terms[k]);
        }
        let mut fans = [Fan::certain(0.0); FLAVOURS.len()];
        for (i, calibration) in self.calibrations.iter_mut().enumerate() {
            let k = FLAVOURS[i].scale as usize;
            open.issues[i] = calibration.issue(at);
            fans[i] = calibration.fan(open.base, open.scales[k], open.points[k], open.issues[i])?;
        }
        self.open.push_back(open);
        Some(fans)
    }
}

impl Taped for Nowcast {
    /// For bins, windows and days of the same lengths.
    fn tape(&mut self, tape: &mut Tape) {
        let Shape { bin, reach, day } = self.shape;
        [bin, reach, day].into_iter().for_each(|steps| tape.same(steps as f64));
        tape.count(&mut self.now);
        tape.maybe(&mut self.gap);
        self.view.tape(tape);
        tape.list(&mut self.open, |open, tape| open.tape(tape));
        tape.list(&mut self.falling, |(at, value), tape| {
            tape.count(at);
            tape.number(value);
        });
        self.regressions.iter_mut().for_each(|regression| regression.tape(tape));
        self.calibrations.iter_mut().for_each(|calibration| calibration.tape(tape));
    }
}

impl Taped for Open {
    fn tape(&mut self, tape: &mut Tape) {
        tape.count(&mut self.at);
        tape.number(&mut self.base);
        tape.numbers(&mut self.scales);
        self.terms.iter_mut().for_each(|terms| tape.numbers(terms));
        tape.numbers(&mut self.points);
        self.issues.iter_mut().for_each(|issue| issue.tape(tape));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day's wave with bursts at the same minute of each hour, and an outlook that knows the wave only.
    fn replay(days: usize, mut each: impl FnMut(usize, f64, &[Fan; FLAVOURS.len()])) {
        let wave = |minute: usize| 100.0 + 50.0 * (minute as f64 / 229.2).sin();
        let mut nowcast = Nowcast::new(5, 5, 1_440);
        let value = |minute: usize| {
            let noise = (minute * 7_919 % 101) as f64 / 50.0 - 1.0;
            wave(minute) + 3.0 * noise + if minute % 60 == 17 { 40.0 } else { 0.0 }
        };
        for minute in 0..days * 1_440 {
            if (minute + 1).is_multiple_of(5) {
                let fan = |bin: usize| {
                    let level = wave(minute + 1 + 5 * bin + 2);
                    Fan::new(level, crate::LEVELS.map(|l| level + 10.0 * (l - 0.5)))
                };
                nowcast.look_out(&[fan(0), fan(1), fan(2)]);
            }
            if let Some(fans) = nowcast.step(value(minute)) {
                let most = (minute + 1..minute + 7).map(value).fold(0.0, f64::max);
                each(minute, most, &fans);
            }
        }
    }

    #[test] // B5
    fn covers_what_it_says() {
        let mut inside = [[0u32; 2]; FLAVOURS.len()];
        let mut n = 0;
        replay(20, |minute, most, fans| {
            if minute >= 10 * 1_440 {
                n += 1;
                for (i, fan) in fans.iter().enumerate() {
                    inside[i][0] += u32::from(most <= fan.at(0.9));
                    inside[i][1] += u32::from(most <= fan.at(0.99));
                }
            }
        });
        for covered in inside {
            let share = covered.map(|c| f64::from(c) / f64::from(n));
            assert!((share[0] - 0.9).abs() < 0.06 && (share[1] - 0.99).abs() < 0.012, "{inside:?} of {n}");
        }
    }

    #[test]
    fn expects_a_burst_at_its_minute_and_not_before() {
        let mut at = [[0.0f64; 60]; 2];
        replay(14, |minute, _, fans| {
            if minute >= 13 * 1_440 {
                at[0][(minute + 1) % 60] += fans[0].at(0.9);
                at[1][(minute + 1) % 60] += fans[1].at(0.9);
            }
        });
        let rise = |flavour: usize| (at[flavour][14] - at[flavour][40]) / 24.0;
        assert!(rise(1) > 25.0, "a flavour that knows the phase of the hour sees it coming: {}", rise(1));
        assert!(rise(0) < 15.0, "one that does not spreads it over the hour: {}", rise(0));
    }

    #[test]
    fn learns_nothing_from_windows_with_gaps() {
        let mut with = Nowcast::new(5, 5, 1_440);
        let mut fans = None;
        for minute in 0..4_000usize {
            if minute % 5 == 4 {
                with.look_out(&[Fan::certain(50.0), Fan::certain(50.0)]);
            }
            fans = with.step(if minute % 97 < 3 { f64::NAN } else { 50.0 });
        }
        let fan = fans.expect("an outlook was given")[0];
        assert!((fan.at(0.99) - 50.0).abs() < 1.0, "{fan:?}");
    }

    #[test] // S9.1
    fn goes_on_from_a_tape_as_if_nothing_had_happened() {
        let value = |minute: usize| 100.0 + (minute * 7_919 % 101) as f64 + (minute / 400) as f64;
        let mut nowcast = Nowcast::new(5, 7, 1_440);
        let mut heir = None;
        for minute in 0..5_000usize {
            if minute % 5 == 4 {
                let fans = [140.0, 150.0, 160.0].map(|v| Fan::new(v, crate::LEVELS.map(|l| v + 9.0 * l)));
                nowcast.look_out(&fans);
                heir.iter_mut().for_each(|heir: &mut Nowcast| heir.look_out(&fans));
            }
            let value = if minute % 701 == 0 { f64::NAN } else { value(minute) };
            let said = nowcast.step(value);
            if let Some(heir) = &mut heir {
                assert_eq!(heir.step(value), said, "in minute {minute}");
            }
            if minute == 3_333 {
                let mut read = Nowcast::new(5, 7, 1_440);
                assert!(Tape::play(Tape::of(&mut nowcast), &mut read));
                heir = Some(read);
                assert!(!Tape::play(Tape::of(&mut nowcast), &mut Nowcast::new(5, 8, 1_440)), "other windows");
            }
        }
    }
}
