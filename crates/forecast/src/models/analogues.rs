//! Days that went like this one: what came next then comes next now.

use crate::Tape;
use crate::method::{Method, Walker};
use crate::past::{Past, positive};

/// The continuation of the most similar windows of the last nine weeks.
///
/// # What it assumes
/// That the last hours have been seen before at the same time of day, up to a constant, and that what followed then
/// follows now.
///
/// # When it shines
/// On holidays, terms and other days that come in kinds: the best single model there, for no calendar is needed.
///
/// # When it fails
/// With fewer than three days of history; where every day is like every other it only adds noise.
///
/// # Source
/// Analogue forecasting, Lorenz, *Atmospheric Predictability as Revealed by Naturally Occurring Analogues* (1969);
/// k nearest neighbours with weights ∝ 1/distance. Cost: 63 windows of 32 or 96 points a step, for all leads together.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::Analogues};
/// assert_eq!(Calibrated::new(Analogues::hours(8), Leads::knots()).name(), "analogues_8h");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Analogues {
    /// How many hours must be alike.
    pub hours: usize,
    /// How many neighbours speak.
    pub neighbours: usize,
    /// How many days back they are looked for.
    pub days: usize,
    /// What the distance of another weekday is multiplied by.
    pub weekday_penalty: f64,
    /// Share of the squared level difference in the distance.
    pub level_share: f64,
}

impl Analogues {
    /// So many hours alike; six neighbours speak for eight hours, ten for three, eight for a whole day.
    pub fn hours(hours: usize) -> Self {
        let neighbours = match hours {
            ..=3 => 10,
            4..=8 => 6,
            _ => 8,
        };
        Self { hours, neighbours, days: 63, weekday_penalty: 1.3, level_share: 0.15 }
    }
}

impl Method for Analogues {
    fn name(&self) -> &'static str {
        match self.hours {
            ..=3 => "analogues_3h",
            4..=8 => "analogues_8h",
            _ => "analogues_24h",
        }
    }

    fn start(&self, empty: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let step_s = empty.grid().step_s as f64;
        let window = (self.hours * 3600 / step_s as usize).max(4);
        let stride = ((900.0 / step_s) as usize).max(1);
        let weights: Vec<f64> =
            (0..window).step_by(stride).map(|k| 0.5f64.powf(step_s / 10_800.0).powi(k as i32)).collect();
        let total = weights.iter().sum();
        let fading = leads.iter().map(|l| 0.97f64.powf(*l as f64 * step_s / 3600.0)).collect();
        Box::new(Search {
            spec: *self,
            window,
            stride,
            weights,
            total,
            fading,
            leads: leads.to_vec(),
            found: Vec::new(),
        })
    }
}

#[derive(Clone)]
struct Search {
    spec: Analogues,
    window: usize,
    stride: usize,
    weights: Vec<f64>,
    total: f64,
    /// How much of the level difference is left at each lead.
    fading: Vec<f64>,
    leads: Vec<usize>,
    found: Vec<Neighbour>,
}

#[derive(Clone, Copy)]
struct Neighbour {
    distance: f64,
    at: usize,
    offset: f64,
}

impl Search {
    /// All windows of earlier days, the nearest first.
    fn look(&mut self, past: &Past) {
        let z = past.root.z.values();
        let now = past.now();
        self.found.clear();
        for days in 1..=self.spec.days {
            let Some(at) = now.checked_sub(days * past.day).filter(|at| *at >= self.window) else { break };
            let neighbour = self.compare(z, now, at, days);
            self.found.push(neighbour);
        }
        self.found.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance));
    }

    /// Weighted variance of the difference between two windows, and its mean.
    fn compare(&self, z: &[f64], now: usize, at: usize, days: usize) -> Neighbour {
        let (mut sums, mut squares) = ([0.0; 4], [0.0; 4]);
        for (block, weights) in self.weights.chunks(4).enumerate() {
            for (lane, w) in weights.iter().enumerate() {
                let back = (4 * block + lane) * self.stride;
                let e = z[now - back] - z[at - back];
                sums[lane] += w * e;
                squares[lane] += w * e * e;
            }
        }
        let (sum, squares) = (sums.iter().sum::<f64>(), squares.iter().sum::<f64>());
        let offset = sum / self.total;
        let variance = (squares / self.total - offset * offset).max(0.0);
        let mut distance = variance + self.spec.level_share * offset * offset;
        if !days.is_multiple_of(7) {
            distance *= self.spec.weekday_penalty;
        }
        Neighbour { distance: distance * (1.0 + 0.004 * days as f64), at, offset }
    }

    fn speak(&self, z: &[f64], now: usize, lead: usize, fading: f64) -> f64 {
        let known = self.found.iter().filter(|n| n.at + lead <= now);
        let mut nearest = None;
        let (mut sum, mut total) = (0.0, 0.0);
        for n in known.take(self.spec.neighbours) {
            let unit = *nearest.get_or_insert(n.distance + 1e-12);
            let w = 1.0 / (n.distance + 0.3 * unit);
            sum += w * (z[n.at + lead] + n.offset * fading);
            total += w;
        }
        if total > 0.0 { positive(sum / total).powi(2) } else { f64::NAN }
    }
}

impl Walker for Search {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        if past.now() < 3 * past.day + self.window {
            return points.fill(f64::NAN);
        }
        self.look(past);
        if self.found.len() < 3 {
            return points.fill(f64::NAN);
        }
        for ((point, lead), fading) in points.iter_mut().zip(&self.leads).zip(&self.fading) {
            *point = self.speak(past.root.z.values(), past.now(), *lead, *fading);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, _: &Past, _: &mut Tape) {}
}
