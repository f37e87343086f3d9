//! The search for periods: which of those that the spectrum proposes count.

use crate::profile::{energy, gain, tame, unexplained, without_level};
use crate::season::STRENGTH_MIN;
use crate::spectrum::candidates;
use crate::{Season, Seasons, Series};

/// Beyond the shorter periods, a longer one must explain at least this share to count.
const GAIN_MIN: f64 = 0.03;
/// Only so many newest points are examined: more tell nothing new about the periods of today.
const POINTS_EXAMINED: usize = 65_536;

/// A period in points and the share that it explains.
#[derive(Debug, Clone, Copy, Default)]
struct Tried {
    period: f64,
    strength: f64,
}

/// A search for periods; all periods in points.
pub(crate) struct Search {
    points: usize,
    /// For periods of a week or less, else a day or less.
    fast: Movement,
    /// For longer ones.
    slow: Movement,
    step_s: f64,
    day: Option<f64>,
    week: Option<f64>,
}

/// What moves around a level that changes no faster than `window`, and how much of it is to be explained.
struct Movement {
    window: f64,
    rest: Vec<f64>,
    energy: f64,
}

impl Movement {
    fn around_level(values: &[f64], window: f64) -> Self {
        let mut rest = without_level(values, window.round() as usize);
        tame(&mut rest);
        // Nothing is to be explained where values only move in their last digits.
        let all = energy(&rest);
        let energy = if all > 1e-18 * energy(values) { all } else { 0.0 };
        Self { window, rest, energy }
    }

    /// The share that these periods explain, one after the other.
    fn explained(&self, periods: &[f64]) -> f64 {
        let Some((last, first)) = periods.split_last().filter(|_| self.energy > 0.0) else { return 0.0 };
        let left = match first {
            [] => self.energy - gain(&self.rest, *last),
            [one, more @ ..] => {
                let left = unexplained(&self.rest, *one);
                let left = more.iter().fold(left, |left, period| unexplained(&left, *period));
                energy(&left) - gain(&left, *last)
            }
        };
        (1.0 - left / self.energy).clamp(0.0, 1.0)
    }
}

impl Search {
    /// A search in a series' newest part.
    pub(crate) fn of(series: &Series) -> Self {
        let values = &series.values()[series.len().saturating_sub(POINTS_EXAMINED)..];
        let (grid, points) = (series.grid(), values.len());
        let fits = |period: usize| (period > 1 && 2 * period <= points).then_some(period as f64);
        let (day, week) = (grid.day().and_then(fits), grid.week().and_then(fits));
        let third = points as f64 / 3.0;
        let window = week.or(day).unwrap_or(third);
        let fast = Movement::around_level(values, window);
        let slow = Movement::around_level(values, window.max(third));
        Self { points, fast, slow, step_s: grid.step_s as f64, day, week }
    }

    /// Searches, selects, and names what it found.
    pub(crate) fn run(&self) -> Seasons {
        let tried = self.tried();
        let season =
            |tried: &Tried| Season { period_s: tried.period * self.step_s, strength: tried.strength };
        let strongest = tried.iter().max_by(|a, b| a.strength.total_cmp(&b.strength));
        let strength = |period: Option<f64>| period.map(|period| self.strength(period));
        let found = self.without_harmonics(self.needed(self.counting(&tried)));
        Seasons {
            day: strength(self.day),
            week: strength(self.week),
            found: found.iter().map(season).collect(),
            strongest: strongest.filter(|tried| tried.strength > 0.0).map(season),
        }
    }

    /// The day, the week, and what the spectrum proposes, ascending.
    fn tried(&self) -> Vec<Tried> {
        let at = |period: f64| Tried { period, strength: self.strength(period) };
        let mut tried: Vec<Tried> = [self.day, self.week].into_iter().flatten().map(at).collect();
        if self.slow.energy > 0.0 {
            tried.extend(candidates(&self.slow.rest).iter().map(|guesses| self.sharpened(guesses)));
        }
        tried.sort_by(|a, b| a.period.total_cmp(&b.period));
        tried.dedup_by(|next, kept| {
            let same = (next.period - kept.period).abs() * self.cycles(next.period) < 0.3 * next.period;
            if same && self.preference(next) > self.preference(kept) {
                *kept = *next;
            }
            same
        });
        tried
    }

    /// Of two periods that are hardly different, a day or a week wins unless the other is clearly stronger.
    fn preference(&self, tried: &Tried) -> f64 {
        tried.strength + if self.is_calendar(tried.period) { 0.05 } else { 0.0 }
    }

    fn is_calendar(&self, period: f64) -> bool {
        Some(period) == self.day || Some(period) == self.week
    }

    /// The period near these guesses that explains most; in whole points if over the whole series that makes
    /// less than a point of difference.
    fn sharpened(&self, guesses: &[f64]) -> Tried {
        let at = |period: f64| Tried { period, strength: self.strength(period) };
        let stronger = |a: Tried, b: Tried| if b.strength > a.strength { b } else { a };
        if let Some(part) = guesses.iter().find_map(|guess| self.part_of_calendar(*guess)) {
            return at(part);
        }
        let mut best = guesses.iter().map(|guess| at(*guess)).fold(Tried::default(), stronger);
        let (mut reach, enough) =
            (0.2 * best.period / self.cycles(best.period), (0.02 * best.period).max(0.3));
        while best.strength > 0.5 * STRENGTH_MIN && reach * self.cycles(best.period) > enough {
            let tries = [best.period - reach, best.period + reach].map(at);
            match tries.into_iter().find(|tried| tried.strength > best.strength) {
                Some(better) => best = better,
                None => reach /= 2.0,
            }
        }
        let whole = best.period.round();
        if (whole - best.period).abs() * self.cycles(whole) < 1.0 { at(whole) } else { best }
    }

    /// The whole part of a day or a week that a period hardly differs from.
    fn part_of_calendar(&self, period: f64) -> Option<f64> {
        let part = |whole: f64| whole / (whole / period).round().max(1.0);
        let parts = [self.day, self.week].into_iter().flatten().map(part);
        parts.into_iter().find(|part| (part - period).abs() * self.cycles(*part) < 0.1 * part)
    }

    fn cycles(&self, period: f64) -> f64 {
        self.points as f64 / period
    }

    /// Those that explain something beyond the shorter ones.
    fn counting(&self, tried: &[Tried]) -> Vec<Tried> {
        let mut counting: Vec<Tried> = Vec::new();
        for new in tried {
            let chance = if self.is_calendar(new.period) { 0.8 } else { 1.5 } / self.cycles(new.period);
            let strong = new.strength >= STRENGTH_MIN.max(chance);
            if strong && self.adds(new.period, &counting) >= GAIN_MIN.max(0.2 * chance) {
                counting.push(*new);
            }
        }
        counting
    }

    /// The share that a period explains beyond others. A day and a week need not compete with their halves and
    /// thirds, which may hide them and will be struck out.
    fn adds(&self, period: f64, others: &[Tried]) -> f64 {
        let part = |q: &f64| [2.0, 3.0].iter().any(|times| (times * q / period - 1.0).abs() < 0.01);
        let rivals = |q: &f64| !(self.is_calendar(period) && part(q));
        let mut with: Vec<f64> = others.iter().map(|other| other.period).collect();
        let without: Vec<f64> = with.iter().copied().filter(rivals).collect();
        with.push(period);
        self.explained(&with, period) - self.explained(&without, period)
    }

    /// Strikes out, the weakest first, those that the others explain as well: mirror images that a pattern of
    /// gaps makes. Whole multiples do not stand in, for they explain all that their parts do.
    fn needed(&self, mut found: Vec<Tried>) -> Vec<Tried> {
        let mut weakest_first = found.clone();
        weakest_first.sort_by(|a, b| a.strength.total_cmp(&b.strength));
        for Tried { period, .. } in weakest_first {
            let times = |p: f64| p / period;
            let multiple = |p: f64| p > period && (times(p).round() - times(p)).abs() < 0.02;
            let rival = |other: &Tried| other.period != period && !multiple(other.period);
            let rivals: Vec<Tried> = found.iter().copied().filter(rival).collect();
            if self.adds(period, &rivals) < GAIN_MIN {
                found.retain(|tried| tried.period != period);
            }
        }
        found
    }

    /// Strikes out the parts of longer periods: a half and a third always, a smaller part unless its own
    /// profile explains much more than a single pulse in the longer period would.
    fn without_harmonics(&self, found: Vec<Tried>) -> Vec<Tried> {
        let is_part = |short: &Tried, long: &Tried| {
            let times = (long.period / short.period).round();
            let off = (long.period / short.period - times).abs();
            let whole = times > 1.0 && off * self.cycles(long.period) < 0.15 * times;
            whole && (times < 3.5 || short.strength < long.strength * (1.0 / times + 0.1))
        };
        let own = |tried: &Tried| !found.iter().any(|longer| is_part(tried, longer));
        found.iter().copied().filter(own).collect()
    }

    /// The share that a period explains; of a week, together with its days.
    fn strength(&self, period: f64) -> f64 {
        let alone = self.explained(&[period], period);
        match self.day {
            Some(day) if Some(period) == self.week => alone.max(self.explained(&[day, period], period)),
            _ => alone,
        }
    }

    /// The share that these periods explain, one after the other, of the movement in which `longest` shows.
    fn explained(&self, periods: &[f64], longest: f64) -> f64 {
        let movement = if longest <= self.fast.window { &self.fast } else { &self.slow };
        movement.explained(periods)
    }
}
