//! Many point methods, one forecast: weights learned from rolling loss, for each lead (SPEC S4.7, B4).

use std::collections::VecDeque;

use crate::method::{Method, Walker, row};
use crate::past::{Past, median};
use crate::{Tape, Taped};

/// A weighted combination of methods, itself a method: ensembles can be members of ensembles.
///
/// # What it assumes
/// That some member is good at each lead, and that who was good in the last weeks will be good in the next.
///
/// # When it shines
/// Always: it is the default. It beats its best member at every lead, because their errors differ.
///
/// # When it fails
/// Where all members fail together: on what has never happened before.
///
/// # Source
/// Bernstein online aggregation: Wintenberger, *Optimal learning with Bernstein online aggregation*, Machine Learning 106
/// (2017), linearised absolute loss, with forgetting (half-life 28 days); beyond two hours the mean of that and of
/// weights ∝ (mean absolute error)⁻⁴ with a half-life of 14 days. A member without a forecast, or with an absurd one,
/// takes the median of the others: it loses its voice, never the forecast.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Grid, Leads, Model, Series, models};
/// let grid = Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 3600, 24 * 21);
/// let history = Series::new(grid, (0..24 * 21).map(|h| 50.0 + f64::from(h % 24)).collect());
/// let fitted = Calibrated::new(models::ensemble(), Leads::knots()).fit(&history).unwrap();
/// let fan = fitted.forecast(&history, history.grid().after(12)).fans()[11];
/// assert!((fan.median() - 61.0).abs() < 1.0);
/// ```
#[derive(Debug)]
pub struct Ensemble {
    /// Who is combined.
    pub members: Vec<Box<dyn Method>>,
}

/// A member's forecast beyond this many times the largest value ever seen is absurd.
const ABSURD: f64 = 3.0;

impl Method for Ensemble {
    fn name(&self) -> &'static str {
        "ensemble"
    }

    fn start(&self, empty: &Past, history: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let walkers = self.members.iter().map(|m| m.start(empty, history, leads)).collect();
        let step_s = empty.grid().step_s;
        let choirs =
            leads.iter().map(|lead| Choir::new(*lead, self.members.len(), step_s, empty.day)).collect();
        let points = vec![f64::NAN; self.members.len() * leads.len()];
        Box::new(Combining { walkers, choirs, points, largest: 0.0 })
    }
}

struct Combining {
    walkers: Vec<Box<dyn Walker>>,
    choirs: Vec<Choir>,
    /// The members' newest forecasts, a row of leads for each member.
    points: Vec<f64>,
    largest: f64,
}

impl Walker for Combining {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        let leads = self.choirs.len();
        for (walker, row) in self.walkers.iter_mut().zip(self.points.chunks_mut(leads)) {
            walker.step(past, row);
        }
        let now = past.now();
        self.largest = self.largest.max(past.filled()[now]);
        let truth = past.measured()[now];
        for (j, (choir, point)) in self.choirs.iter_mut().zip(points).enumerate() {
            choir.learn(truth);
            let voices = self.points.iter().skip(j).step_by(leads).copied();
            *point = choir.sing(voices, ABSURD * self.largest);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(Self {
            walkers: self.walkers.iter().map(|w| w.boxed_clone()).collect(),
            choirs: self.choirs.clone(),
            points: self.points.clone(),
            largest: self.largest,
        })
    }

    fn tape(&mut self, past: &Past, tape: &mut Tape) {
        tape.number(&mut self.largest);
        self.choirs.iter_mut().for_each(|choir| choir.tape(tape));
        self.walkers.iter_mut().for_each(|walker| walker.tape(past, tape));
    }
}

/// The members at one lead: what they said, how much each counts.
#[derive(Debug, Clone)]
struct Choir {
    lead: usize,
    /// Forecasts whose targets have not come yet, the oldest first; empty where there was none.
    said: VecDeque<Vec<f64>>,
    boa: Bernstein,
    inverse: Option<InverseLoss>,
}

impl Choir {
    fn new(lead: usize, members: usize, step_s: i64, day: usize) -> Self {
        let long = lead as i64 * step_s > 7200;
        Self {
            lead,
            said: VecDeque::with_capacity(lead + 1),
            boa: Bernstein::new(members, 28.0 * day as f64),
            inverse: long.then(|| InverseLoss::new(members, day)),
        }
    }

    /// Settles the forecasts made a lead ago for now.
    fn learn(&mut self, truth: f64) {
        if self.said.len() < self.lead {
            return;
        }
        let said = self.said.pop_front().expect("a lead is at least one step");
        if said.is_empty() || !truth.is_finite() {
            return;
        }
        self.boa.learn(&said, truth);
        if let Some(inverse) = &mut self.inverse {
            inverse.learn(&said, truth);
        }
    }

    /// The combination of what the members say now; NaN if none says anything.
    fn sing(&mut self, voices: impl Iterator<Item = f64>, absurd: f64) -> f64 {
        let mut voices: Vec<f64> = voices.collect();
        let sane = |v: &f64| v.is_finite() && *v <= absurd;
        let mut heard: Vec<f64> = voices.iter().copied().filter(sane).collect();
        if heard.is_empty() {
            self.said.push_back(Vec::new());
            return f64::NAN;
        }
        let middle = median(&mut heard);
        voices.iter_mut().filter(|v| !sane(v)).for_each(|v| *v = middle);
        let boa = self.boa.combine(&voices);
        let point = self.inverse.as_ref().map_or(boa, |inverse| 0.5 * (boa + inverse.combine(&voices)));
        self.said.push_back(voices);
        point
    }
}

impl Taped for Choir {
    fn tape(&mut self, tape: &mut Tape) {
        tape.list(&mut self.said, row);
        for numbers in [&mut self.boa.weights, &mut self.boa.regret, &mut self.boa.variance] {
            tape.numbers(numbers);
        }
        tape.number(&mut self.boa.bound);
        if let Some(inverse) = &mut self.inverse {
            tape.numbers(&mut inverse.loss);
            tape.number(&mut inverse.count);
        }
    }
}

/// Bernstein online aggregation on the linearised absolute loss, with forgetting.
#[derive(Debug, Clone)]
struct Bernstein {
    keep: f64,
    weights: Vec<f64>,
    regret: Vec<f64>,
    variance: Vec<f64>,
    bound: f64,
}

impl Bernstein {
    fn new(members: usize, half_life: f64) -> Self {
        Self {
            keep: 0.5f64.powf(1.0 / half_life),
            weights: vec![1.0 / members as f64; members],
            regret: vec![0.0; members],
            variance: vec![1e-9; members],
            bound: 1e-9,
        }
    }

    fn combine(&self, voices: &[f64]) -> f64 {
        self.weights.iter().zip(voices).map(|(w, v)| w * v).sum()
    }

    fn learn(&mut self, said: &[f64], truth: f64) {
        let together = self.combine(said);
        let side = if together > truth { 1.0 } else { -1.0 };
        self.bound =
            said.iter().map(|v| (together - v).abs()).fold((0.9999 * self.bound).max(1e-12), f64::max);
        let members = (said.len() as f64).ln();
        let mut total = 0.0;
        for (e, v) in said.iter().enumerate() {
            let gain = side * (together - v);
            self.variance[e] = self.keep * self.variance[e] + gain * gain;
            let rate = (0.5 / self.bound).min((members / self.variance[e]).sqrt());
            self.regret[e] = self.keep * self.regret[e] + gain * (1.0 - rate * gain);
            self.weights[e] = rate * (rate * self.regret[e]).min(60.0).exp();
            total += self.weights[e];
        }
        let even = 1.0 / said.len() as f64;
        let sound = total > 0.0 && total.is_finite();
        self.weights.iter_mut().for_each(|w| *w = if sound { *w / total } else { even });
    }
}

/// Weights by the fourth power of the inverse mean absolute error; even in the first day.
#[derive(Debug, Clone)]
struct InverseLoss {
    keep: f64,
    day: f64,
    loss: Vec<f64>,
    count: f64,
}

impl InverseLoss {
    fn new(members: usize, day: usize) -> Self {
        Self {
            keep: 0.5f64.powf(1.0 / (14.0 * day as f64)),
            day: day as f64,
            loss: vec![0.0; members],
            count: 0.0,
        }
    }

    fn learn(&mut self, said: &[f64], truth: f64) {
        self.count = self.keep * self.count + 1.0;
        for (loss, v) in self.loss.iter_mut().zip(said) {
            *loss = self.keep * *loss + (v - truth).abs();
        }
    }

    fn combine(&self, voices: &[f64]) -> f64 {
        let weight =
            |loss: f64| if self.count < self.day { 1.0 } else { (self.count / (loss + 1e-9)).powi(4) };
        let (mut sum, mut total) = (0.0, 0.0);
        for (v, loss) in voices.iter().zip(&self.loss) {
            let w = weight(*loss);
            sum += w * v;
            total += w;
        }
        sum / total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(choir: &mut Choir, voices: &[f64], truth: f64) -> f64 {
        let point = choir.sing(voices.iter().copied(), 1e9);
        choir.learn(truth);
        point
    }

    #[test] // B4
    fn learns_whom_to_trust() {
        let mut choir = Choir::new(1, 3, 3600, 24);
        for t in 0..500 {
            settle(&mut choir, &[100.0, 150.0, 60.0], 100.0 + f64::from(t % 3));
        }
        let point = settle(&mut choir, &[100.0, 150.0, 60.0], 100.0);
        assert!((point - 101.0).abs() < 2.5, "{point}");
    }

    #[test] // S4.7
    fn goes_on_without_members_that_decline_or_diverge() {
        let mut choir = Choir::new(1, 3, 3600, 24);
        assert_eq!(choir.sing([10.0, f64::NAN, 1e30].into_iter(), 100.0), 10.0);
        assert!(choir.sing([f64::NAN; 3].into_iter(), 100.0).is_nan());
        choir.learn(10.0);
        choir.learn(10.0);
        assert_eq!(choir.sing([10.0, 10.0, f64::INFINITY].into_iter(), 100.0), 10.0);
    }
}
