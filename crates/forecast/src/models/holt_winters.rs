//! Double-seasonal exponential smoothing with autocorrelated errors.

use crate::Tape;
use crate::linalg::nelder_mead;
use crate::method::{Method, Walker, maybe, row};
use crate::past::{Past, Transform, median, positive};

/// Level, day and week by exponential smoothing in square roots, with an AR(1) on the errors.
///
/// # What it assumes
/// That demand is a level plus a day's shape plus a week's shape, each drifting slowly, and that errors persist.
///
/// # When it shines
/// Minutes to an hour ahead on smooth series; it adapts by itself and costs nothing to run.
///
/// # When it fails
/// A day ahead after an unusual day, which it has half believed; on bursts.
///
/// # Source
/// Taylor, *Triple seasonal methods for short-term electricity demand forecasting*, European Journal of Operational
/// Research 204 (2010), double-seasonal additive form. The four parameters minimise the sum of the mean absolute errors
/// one step and one hour ahead over the history (Nelder-Mead from two starts, 120 evaluations each).
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::HoltWinters};
/// assert_eq!(Calibrated::new(HoltWinters::default(), Leads::knots()).name(), "holt_winters");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HoltWinters {
    /// Evaluations a start may use in choosing the parameters.
    pub calls: usize,
}

impl Default for HoltWinters {
    fn default() -> Self {
        Self { calls: 120 }
    }
}

impl Method for HoltWinters {
    fn name(&self) -> &'static str {
        "holt_winters"
    }

    fn start(&self, empty: &Past, history: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let z: Vec<f64> = history.iter().map(|v| Transform::Root.apply(*v)).collect();
        let initial = State::initial(&z, empty.day);
        let rates = initial.as_ref().map_or(Rates::USUAL, |s| self.choose(s, &z, empty));
        Box::new(Smoothing { rates, state: initial, leads: leads.to_vec(), day: empty.day })
    }
}

impl HoltWinters {
    /// The rates that would have served `z` best; the usual ones below 16 days.
    fn choose(&self, initial: &State, z: &[f64], past: &Past) -> Rates {
        let (day, week) = (past.day, past.week);
        if z.len() < 2 * week + 2 * day {
            return Rates::USUAL;
        }
        let hour = (3600 / past.grid().step_s).max(1) as usize;
        let score_from = if z.len() > 3 * week { 2 * week } else { week + day };
        let loss = |p: &[f64]| initial.clone().replay(&Rates::from_logits(p), z, hour, score_from, day);
        let spread = deviation(z);
        let tried = [[-4.0, -2.0, -2.0, 2.0], [-6.0, -3.0, -1.0, 3.0]]
            .map(|start| nelder_mead(&start, self.calls, 0.05, 1e-4 * spread, loss));
        let best = if tried[1].1 < tried[0].1 { &tried[1] } else { &tried[0] };
        Rates::from_logits(&best.0)
    }
}

fn deviation(z: &[f64]) -> f64 {
    let mean = z.iter().sum::<f64>() / z.len() as f64;
    (z.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / z.len() as f64).sqrt()
}

/// Smoothing rates of level, day and week, and the persistence of errors.
#[derive(Debug, Clone, Copy)]
struct Rates {
    level: f64,
    day: f64,
    week: f64,
    error: f64,
}

impl Rates {
    const USUAL: Self = Self { level: 0.03, day: 0.1, week: 0.15, error: 0.8 };

    fn from_logits(p: &[f64]) -> Self {
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        Self { level: 0.5 * logistic(p[0]), day: logistic(p[1]), week: logistic(p[2]), error: logistic(p[3]) }
    }
}

#[derive(Debug, Clone, Default)]
struct State {
    level: f64,
    day: Vec<f64>,
    week: Vec<f64>,
    error: f64,
}

impl State {
    /// From the medians of up to four weeks; none below one week.
    fn initial(z: &[f64], day: usize) -> Option<Self> {
        let week = 7 * day;
        let weeks = (z.len() / week).min(4);
        if weeks == 0 {
            return None;
        }
        let medians: Vec<f64> = (0..week)
            .map(|slot| median(&mut (0..weeks).map(|w| z[w * week + slot]).collect::<Vec<_>>()))
            .collect();
        let level = medians.iter().sum::<f64>() / week as f64;
        let days: Vec<f64> =
            (0..day).map(|s| (0..7).map(|d| medians[d * day + s]).sum::<f64>() / 7.0 - level).collect();
        let weeks = (0..week).map(|s| medians[s] - level - days[s % day]).collect();
        Some(Self { level, day: days, week: weeks, error: 0.0 })
    }

    /// Takes in the value at `t`; returns its innovation.
    fn learn(&mut self, rates: &Rates, t: usize, z: f64) -> f64 {
        let (d, w) = (t % self.day.len(), t % self.week.len());
        let innovation = z - (self.level + self.day[d] + self.week[w] + rates.error * self.error);
        self.level += rates.level * innovation;
        self.day[d] += rates.day * innovation;
        self.week[w] += rates.week * innovation;
        self.error = rates.error * self.error + innovation;
        innovation
    }

    fn ahead(&self, rates: &Rates, t: usize, lead: usize) -> f64 {
        let target = t + lead;
        let season = self.day[target % self.day.len()] + self.week[target % self.week.len()];
        self.level + season + rates.error.powi(lead as i32) * self.error
    }

    /// Mean absolute error one hour ahead plus mean absolute innovation.
    fn replay(mut self, rates: &Rates, z: &[f64], hour: usize, score_from: usize, day: usize) -> f64 {
        let week = 7 * day;
        let (mut far, mut near) = ((0.0, 0usize), (0.0, 0usize));
        let damping = rates.error.powi(hour as i32);
        let (mut d, mut w) = (0, 0);
        for t in week..z.len() {
            let innovation = z[t] - (self.level + self.day[d] + self.week[w] + rates.error * self.error);
            self.level += rates.level * innovation;
            self.day[d] += rates.day * innovation;
            self.week[w] += rates.week * innovation;
            self.error = rates.error * self.error + innovation;
            if t > 2 * week {
                near = (near.0 + innovation.abs(), near.1 + 1);
            }
            if t >= score_from && t + hour < z.len() {
                let (td, tw) = ((d + hour) % day, (w + hour) % week);
                let ahead = self.level + self.day[td] + self.week[tw] + damping * self.error;
                far = (far.0 + (z[t + hour] - ahead).abs(), far.1 + 1);
            }
            d = if d + 1 == day { 0 } else { d + 1 };
            w = if w + 1 == week { 0 } else { w + 1 };
        }
        far.0 / far.1.max(1) as f64 + near.0 / near.1.max(1) as f64
    }
}

#[derive(Clone)]
struct Smoothing {
    rates: Rates,
    state: Option<State>,
    leads: Vec<usize>,
    day: usize,
}

impl Walker for Smoothing {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        let now = past.now();
        let Some(state) = self.state.as_mut().filter(|_| now >= 7 * self.day) else {
            return points.fill(f64::NAN);
        };
        state.learn(&self.rates, now, past.root.z.values()[now]);
        for (point, lead) in points.iter_mut().zip(&self.leads) {
            *point = positive(state.ahead(&self.rates, now, *lead)).powi(2);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, _: &Past, tape: &mut Tape) {
        let Rates { level, day, week, error } = &mut self.rates;
        [level, day, week, error].into_iter().for_each(|rate| tape.number(rate));
        maybe(&mut self.state, tape, |state, tape| {
            tape.number(&mut state.level);
            row(&mut state.day, tape);
            row(&mut state.week, tape);
            tape.number(&mut state.error);
        });
    }
}
