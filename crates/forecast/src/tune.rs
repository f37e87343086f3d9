//! Parameters chosen by backtest and not by hand (SPEC S11.3).

use serde::Serialize;

use crate::method::{Method, Walker};
use crate::models::{Clusters, Harmonics};
use crate::past::Past;
use crate::{DAY_S, HOUR_S, Series, Unfit, WEEK_S};

/// History that is walked through at most: more only delays, for parameters of today.
const LOOK_BACK_S: i64 = 14 * WEEK_S;
/// History before anything is judged; Scryer's methods say nothing before.
const WARM_UP_S: i64 = 3 * WEEK_S;
/// What must be left to judge.
const JUDGED_S: i64 = WEEK_S;
/// Another set of parameters must be better by this share to be preferred.
const BETTER: f64 = 0.005;
/// Rounds of the search, each changing one parameter.
const ROUNDS: usize = 4;

/// A method whose parameters can be searched.
pub trait Tunable: Method + Clone {
    /// Neighbours: each a copy with one parameter changed, and what was changed, as `weeks 6`.
    fn neighbours(&self) -> Vec<(String, Self)>;
}

/// Parameters and what they were chosen by.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuned<T> {
    /// The best that were tried.
    #[serde(skip)]
    pub method: T,
    /// What was changed from the beginning on, in order; empty if nothing was better.
    pub changes: Vec<String>,
    /// WAPE at the beginning and at the end, for each lead judged.
    pub leads: Vec<TunedLead>,
    /// How many sets of parameters were tried.
    pub tried: usize,
}

/// What tuning did for one lead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TunedLead {
    /// Seconds ahead.
    pub lead_s: i64,
    /// WAPE of the parameters begun with.
    pub before: f64,
    /// WAPE of the tuned ones.
    pub after: f64,
}

/// Searches better parameters for `method` on this history: of all neighbours the best is taken, and its neighbours
/// tried, as long as that lowers the geometric mean of WAPE one hour and one day ahead by half a percent.
///
/// Everything is judged on forecasts made from the past alone, after three weeks of warming up, on the last fourteen
/// weeks at most. Deterministic; the cost is one walk through that history a round for all neighbours together.
///
/// # Errors
/// [`Unfit`] when there are not four weeks of history, or days do not divide into steps: then the parameters given are
/// the ones to use.
pub fn tune<T: Tunable>(method: &T, history: &Series) -> Result<Tuned<T>, Unfit> {
    let course = Course::of(history)?;
    let before = course.losses(std::slice::from_ref(method)).remove(0);
    let (mut best, mut loss, mut changes, mut tried) = (method.clone(), before.clone(), Vec::new(), 1);
    for _ in 0..ROUNDS {
        let (names, methods): (Vec<String>, Vec<T>) = best.neighbours().into_iter().unzip();
        let losses = course.losses(&methods);
        tried += methods.len();
        let score = |i: &usize| mean_ratio(&losses[*i], &loss);
        let Some(winner) = (0..methods.len()).min_by(|a, b| score(a).total_cmp(&score(b))) else { break };
        if score(&winner) > 1.0 - BETTER {
            break;
        }
        changes.push(names[winner].clone());
        (best, loss) = (methods[winner].clone(), losses[winner].clone());
    }
    let leads = course.leads.iter().zip(before.iter().zip(&loss));
    let leads = leads.map(|(lead, (before, after))| course.figure(*lead, *before, *after)).collect();
    Ok(Tuned { method: best, changes, leads, tried })
}

/// The geometric mean of what is left of each loss; without end if one cannot be told.
fn mean_ratio(losses: &[f64], before: &[f64]) -> f64 {
    let ratio = |(loss, before): (&f64, &f64)| (loss.max(1e-9) / before.max(1e-9)).ln();
    let mean = losses.iter().zip(before).map(ratio).sum::<f64>() / losses.len() as f64;
    if mean.is_finite() { mean.exp() } else { f64::INFINITY }
}

/// A history to be walked through.
struct Course {
    history: Series,
    leads: Vec<usize>,
    /// Targets from here on are judged.
    from: usize,
}

impl Course {
    fn of(history: &Series) -> Result<Self, Unfit> {
        let grid = history.grid();
        let steps = |seconds: i64| (seconds / grid.step_s) as usize;
        let newest = history.slice(history.len().saturating_sub(steps(LOOK_BACK_S)), history.len());
        let past = Past::begin(&newest)?;
        let points = newest.len() - past.seen();
        let (need_s, have_s) = (WARM_UP_S + JUDGED_S, points as i64 * grid.step_s);
        if have_s < need_s {
            return Err(Unfit::TooShort { need_s, have_s });
        }
        let mut leads: Vec<usize> = [HOUR_S, DAY_S].map(|lead| steps(lead).max(1)).to_vec();
        leads.dedup();
        Ok(Self { history: newest, leads, from: steps(WARM_UP_S) })
    }

    fn figure(&self, lead: usize, before: f64, after: f64) -> TunedLead {
        TunedLead { lead_s: lead as i64 * self.history.grid().step_s, before, after }
    }

    /// WAPE of each method at each lead, all walking together.
    fn losses<T: Tunable>(&self, methods: &[T]) -> Vec<Vec<f64>> {
        let mut past = Past::begin(&self.history).expect("this was tried when the course was laid out");
        let values = &self.history.values()[past.seen()..];
        let filled = past.fill_all(values);
        let start = |method: &T| Runner::new(method.start(&past, &filled, &self.leads), &self.leads);
        let mut runners: Vec<Runner> = methods.iter().map(start).collect();
        for (now, value) in values.iter().enumerate() {
            past.push(*value);
            for runner in &mut runners {
                runner.step(&past, if now >= self.from { *value } else { f64::NAN });
            }
        }
        runners.iter().map(Runner::losses).collect()
    }
}

/// One method on its way.
struct Runner {
    walker: Box<dyn Walker>,
    points: Vec<f64>,
    lanes: Vec<Lane>,
}

/// Forecasts of one lead that wait for their targets, and what became of the others.
struct Lane {
    waiting: std::collections::VecDeque<f64>,
    lead: usize,
    error: f64,
    truth: f64,
}

impl Runner {
    fn new(walker: Box<dyn Walker>, leads: &[usize]) -> Self {
        let lane = |lead: &usize| Lane { waiting: Default::default(), lead: *lead, error: 0.0, truth: 0.0 };
        Self { walker, points: vec![f64::NAN; leads.len()], lanes: leads.iter().map(lane).collect() }
    }

    /// `truth` is judged if it is known.
    fn step(&mut self, past: &Past, truth: f64) {
        for lane in &mut self.lanes {
            let due = if lane.waiting.len() == lane.lead { lane.waiting.pop_front() } else { None };
            if let Some(point) = due.filter(|point| truth.is_finite() && point.is_finite()) {
                lane.error += (truth - point).abs();
                lane.truth += truth.abs();
            }
        }
        self.walker.step(past, &mut self.points);
        self.lanes.iter_mut().zip(&self.points).for_each(|(lane, point)| lane.waiting.push_back(*point));
    }

    fn losses(&self) -> Vec<f64> {
        self.lanes.iter().map(|lane| lane.error / lane.truth).collect()
    }
}

/// Each value of a list, without the one there is.
fn others<V: PartialEq + Copy>(values: &[V], now: V) -> impl Iterator<Item = V> + '_ {
    values.iter().copied().filter(move |value| *value != now)
}

impl Tunable for Harmonics {
    /// The FFT's noise thresholds, the weeks it sees, and what it takes for an outage.
    fn neighbours(&self) -> Vec<(String, Self)> {
        let hours = |hz: f64| 1.0 / (hz * 3600.0);
        let weeks = others(&[2, 3, 4, 6, 8], self.weeks)
            .map(|weeks| (format!("weeks {weeks}"), Self { weeks, ..*self }));
        let slower = [0.5, 1.0, 2.0, 4.0, 8.0].map(|h: f64| 1.0 / (h * 3600.0));
        let frequencies = others(&slower, self.frequency_hz).map(|frequency_hz| {
            (format!("period {:.1} h", hours(frequency_hz)), Self { frequency_hz, ..*self })
        });
        let amplitudes = others(&[0.0, 0.002, 0.005, 0.01, 0.02, 0.05], self.amplitude)
            .map(|amplitude| (format!("amplitude {amplitude}"), Self { amplitude, ..*self }));
        let outages = others(&[2.0, 3.0, 4.0, 6.0], self.outage_z)
            .map(|outage_z| (format!("outage beyond {outage_z}"), Self { outage_z, ..*self }));
        // On coarse steps one threshold alone may filter nothing: it takes both.
        let both = [2.0, 4.0, 8.0].into_iter().flat_map(|h| [0.01, 0.03].map(|amplitude| (h, amplitude)));
        let both = both.map(|(h, amplitude)| {
            let filter = Self { frequency_hz: 1.0 / (h * 3600.0), amplitude, ..*self };
            (format!("period {h:.1} h, amplitude {amplitude}"), filter)
        });
        weeks.chain(frequencies).chain(amplitudes).chain(both).chain(outages).collect()
    }
}

impl Tunable for Clusters {
    /// How far back and how wide the clusters reach, how fast they shrink, how alike days must be, and how far the line
    /// is trusted.
    fn neighbours(&self) -> Vec<(String, Self)> {
        let days = others(&[14, 21, 28, 42, 56], self.days)
            .map(|days| (format!("days {days}"), Self { days, ..*self }));
        let windows = others(&[5, 10, 20, 30], self.window_min)
            .map(|window_min| (format!("window {window_min} min"), Self { window_min, ..*self }));
        let decays = others(&[0.5, 0.7, 0.85, 0.95], self.decay)
            .map(|decay| (format!("decay {decay}"), Self { decay, ..*self }));
        let similarities = others(&[None, Some(0.05), Some(0.1), Some(0.2), Some(0.4)], self.similarity)
            .map(|similarity| (format!("similarity {similarity:?}"), Self { similarity, ..*self }));
        let shrinks = others(&[0.0, 0.25, 0.5, 1.0, 2.0, 4.0], self.shrink)
            .map(|shrink| (format!("shrink {shrink}"), Self { shrink, ..*self }));
        days.chain(windows).chain(decays).chain(similarities).chain(shrinks).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grid;

    fn half_hours(weeks: usize, value: impl Fn(usize) -> f64) -> Series {
        let start = "2026-01-05T00:00:00Z".parse().unwrap();
        Series::new(Grid::new(start, 1800, weeks * 336), (0..weeks * 336).map(value).collect())
    }

    fn noise(i: usize) -> f64 {
        ((i * 7919 + i * i * 31) % 101) as f64 / 101.0 - 0.5
    }

    fn wave(i: usize) -> f64 {
        1.5 + (i as f64 / 48.0 * std::f64::consts::TAU).sin()
    }

    #[test] // S11.3
    fn filters_more_where_there_is_more_noise() {
        let noisy = half_hours(10, |i| 100.0 * wave(i) + 60.0 * noise(i));
        let timid = Harmonics { amplitude: 0.0, ..Harmonics::default() };
        let tuned = tune(&timid, &noisy).unwrap();
        assert!(tuned.method.amplitude >= 0.01 && tuned.method.frequency_hz < 1.0 / 3600.0, "{tuned:?}");
        assert!(tuned.leads.iter().all(|lead| lead.after < 0.95 * lead.before), "{tuned:?}");
    }

    #[test] // S11.3
    fn trusts_the_newest_days_where_the_level_wanders() {
        let level = |i: usize| if (i / 336 / 3).is_multiple_of(2) { 1.0 } else { 1.6 };
        let wandering = half_hours(12, |i| 100.0 * level(i) * wave(i));
        let tuned = tune(&Clusters::tuned(), &wandering).unwrap();
        assert!(tuned.method.decay < 0.85 || tuned.method.days < 28, "{tuned:?}");
        assert!(tuned.leads[1].after < tuned.leads[1].before, "{tuned:?}");
    }

    #[test]
    fn keeps_what_is_good_already_and_gives_the_same_again() {
        let clean = half_hours(8, |i| 100.0 * wave(i));
        let once = tune(&Clusters::tuned(), &clean).unwrap();
        let again = tune(&once.method, &clean).unwrap();
        assert_eq!((again.method, again.changes.len()), (once.method, 0));
        assert_eq!(tune(&Clusters::tuned(), &clean).unwrap(), once);
    }

    #[test] // B1
    fn says_how_much_history_it_needs() {
        let why = tune(&Harmonics::default(), &half_hours(3, wave)).unwrap_err();
        assert_eq!(why.to_string(), "too short: 21d of history are there, 28d are needed");
    }
}
