//! Scryer's first predictor: an FFT filter, shifted by one period (SPEC S4.2, S4.3).

use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

use crate::Tape;
use crate::method::{Method, Walker, row};
use crate::past::{Past, median};

/// Netflix's FFT predictor: the past weeks without their noise, repeated.
///
/// Traffic is a sum of sine waves; noise is high in frequency *and* low in amplitude, so exactly that is filtered out.
/// The forecast is the smoothed curve one week earlier: g(t) = f(t − ω). Outages are found by standard statistics
/// against what the other weeks say of the same time; where there is one, the curve's own expectation takes the data's
/// place and the filter is applied again, until the set of outages no longer changes.
///
/// # What it assumes
/// That the last weeks repeat, with small noise and an occasional outage or spike.
///
/// # When it shines
/// A day and more ahead on smooth weekly traffic; after an outage, which it ignores.
///
/// # When it fails
/// Growth: it repeats last week's level. Regular short bursts: they are high in frequency, and their small harmonics are
/// filtered out (use `clusters` with it).
///
/// # Source
/// *Scryer: Netflix's Predictive Auto Scaling Engine, part 2*, section "FFT-Based Prediction". Left open there and chosen
/// here: four weeks, thresholds of one per hour and 0.5 % of the mean, an outage beyond three robust deviations.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::Harmonics};
/// assert_eq!(Calibrated::new(Harmonics::default(), Leads::knots()).name(), "harmonics");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harmonics {
    /// Weeks that are filtered.
    pub weeks: usize,
    /// Frequencies up to this many hertz always pass.
    pub frequency_hz: f64,
    /// Amplitudes from this share of the mean on always pass.
    pub amplitude: f64,
    /// Robust standard deviations beyond which a value is an outage or a spike.
    pub outage_z: f64,
    /// The most times the filter is applied.
    pub iterations: usize,
}

impl Default for Harmonics {
    fn default() -> Self {
        Self { weeks: 4, frequency_hz: 1.0 / 3600.0, amplitude: 0.005, outage_z: 3.0, iterations: 8 }
    }
}

/// One application of the filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Iteration {
    /// The smoothed curve.
    pub fit: Vec<f64>,
    /// Which values were taken for outages or spikes after it.
    pub outage: Vec<bool>,
}

impl Harmonics {
    /// Filters `values`, `period` steps of `step_s` seconds a week, until the outages found no longer change.
    ///
    /// Returns every iteration, the last one being the result; values must be finite.
    pub fn filter(&self, values: &[f64], step_s: i64, period: usize) -> Vec<Iteration> {
        Filter::new(*self, values.len(), step_s, period).run(values)
    }
}

impl Iteration {
    /// Whether another iteration found the same outages and, within them, much the same curve.
    fn settled(&self, fit: &[f64], outage: &[bool]) -> bool {
        let close = |((a, b), out): ((&f64, &f64), &bool)| !out || (a - b).abs() <= 0.02 * b.abs();
        self.outage == outage && self.fit.iter().zip(fit).zip(outage).all(close)
    }
}

/// The filter for one length, its transforms planned once.
#[derive(Clone)]
struct Filter {
    spec: Harmonics,
    period: usize,
    step_s: i64,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl Filter {
    fn new(spec: Harmonics, len: usize, step_s: i64, period: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
        Self { spec, period, step_s, forward, inverse }
    }

    fn run(&self, values: &[f64]) -> Vec<Iteration> {
        let mut current = values.to_vec();
        let mut done: Vec<Iteration> = Vec::new();
        for _ in 0..self.spec.iterations.max(1) {
            let fit = self.low_pass(&current);
            let expected = self.expected(&current);
            let outage = self.outages(values, &fit, &expected);
            for i in 0..values.len() {
                let instead = expected.get(i).map_or(fit[i], |e| 0.5 * e + 0.5 * fit[i]);
                current[i] = if outage[i] { instead } else { values[i] };
            }
            let settled = done.last().is_some_and(|last| last.settled(&fit, &outage));
            done.push(Iteration { fit, outage });
            if settled {
                break;
            }
        }
        done
    }

    /// Without what is both fast and faint.
    fn low_pass(&self, values: &[f64]) -> Vec<f64> {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let faint = self.spec.amplitude * mean.max(1e-9);
        let mut spectrum = self.forward.make_output_vec();
        let mut input = values.to_vec();
        self.forward.process(&mut input, &mut spectrum).expect("the plan was made for this length");
        for (k, x) in spectrum.iter_mut().enumerate() {
            let hz = k as f64 / (n as f64 * self.step_s as f64);
            if hz > self.spec.frequency_hz && x.norm() * 2.0 / (n as f64) < faint {
                *x = Complex64::new(0.0, 0.0);
            }
        }
        let mut out = self.inverse.make_output_vec();
        self.inverse.process(&mut spectrum, &mut out).expect("a real signal's spectrum stays one");
        out.iter_mut().for_each(|v| *v /= n as f64);
        out
    }

    /// What the other weeks say: their median week at each week's own level. Nothing below three weeks.
    fn expected(&self, values: &[f64]) -> Vec<f64> {
        let weeks = values.len() / self.period;
        if weeks < 3 {
            return Vec::new();
        }
        let of_slot =
            |slot: usize| median(&mut (0..weeks).map(|w| values[w * self.period + slot]).collect::<Vec<_>>());
        let profile: Vec<f64> = (0..self.period).map(of_slot).collect();
        let mean = profile.iter().sum::<f64>() / self.period as f64;
        let busy: Vec<usize> = (0..self.period).filter(|s| profile[*s] > 0.2 * mean.max(1e-9)).collect();
        let level = |week: usize| {
            let ratio = |s: &usize| values[week * self.period + s] / profile[*s];
            if busy.is_empty() { 1.0 } else { median(&mut busy.iter().map(ratio).collect::<Vec<_>>()) }
        };
        (0..weeks)
            .flat_map(|w| std::iter::repeat_n(level(w), self.period))
            .zip(profile.iter().cycle())
            .map(|(l, p)| l * p)
            .collect()
    }

    fn outages(&self, values: &[f64], fit: &[f64], expected: &[f64]) -> Vec<bool> {
        let off: Vec<f64> =
            values.iter().enumerate().map(|(i, v)| v - expected.get(i).unwrap_or(&fit[i])).collect();
        let centre = median(&mut off.clone());
        let spread = 1.4826 * median(&mut off.iter().map(|r| (r - centre).abs()).collect::<Vec<_>>()) + 1e-9;
        let mean = values.iter().map(|v| v.abs()).sum::<f64>() / values.len() as f64;
        let least = 0.05 * mean.max(1e-9);
        off.iter()
            .zip(fit)
            .map(|(r, f)| r.abs() > self.spec.outage_z * spread.max(0.1 * f.abs()).max(least))
            .collect()
    }
}

impl Method for Harmonics {
    fn name(&self) -> &'static str {
        "harmonics"
    }

    fn start(&self, _: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        Box::new(Repeating { spec: *self, leads: leads.to_vec(), filter: None, curve: Vec::new(), end: 0 })
    }
}

#[derive(Clone)]
struct Repeating {
    spec: Harmonics,
    leads: Vec<usize>,
    filter: Option<Filter>,
    /// The smoothed curve of whole weeks up to, not including, `end`.
    curve: Vec<f64>,
    end: usize,
}

impl Repeating {
    fn smooth(&mut self, past: &Past) {
        let end = past.now();
        let len = self.spec.weeks.min(end / past.week) * past.week;
        let fits = |f: &Filter| f.forward.len() == len;
        if !self.filter.as_ref().is_some_and(fits) {
            self.filter = Some(Filter::new(self.spec, len, past.grid().step_s, past.week));
        }
        let filter = self.filter.as_ref().expect("it was just made");
        let mut iterations = filter.run(&past.filled()[end - len..end]);
        self.curve = iterations.pop().expect("the filter is applied at least once").fit;
        self.end = end;
    }
}

impl Walker for Repeating {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        let now = past.now();
        if now >= 2 * past.week && (now - 2 * past.week).is_multiple_of(past.day) {
            self.smooth(past);
        }
        for (point, lead) in points.iter_mut().zip(&self.leads) {
            let ahead = now + lead - self.end;
            let back = past.week * (ahead + 1).div_ceil(past.week);
            let at = (self.curve.len() + ahead).checked_sub(back);
            *point = at.and_then(|i| self.curve.get(i)).map_or(f64::NAN, |v| v.max(0.0));
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, _: &Past, tape: &mut Tape) {
        row(&mut self.curve, tape);
        tape.count(&mut self.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: usize = 168;

    /// Four weeks of hours with a clear day and week.
    fn weeks() -> Vec<f64> {
        let wave = |t: usize, period: f64| (std::f64::consts::TAU * t as f64 / period).sin();
        let shape = |t: usize| (1.0 + 0.2 * wave(t, 168.0)) * (100.0 + 60.0 * wave(t, 24.0));
        (0..4 * WEEK).map(shape).collect()
    }

    #[test] // S4.2
    fn filters_what_is_fast_and_faint_and_keeps_the_rest() {
        let clean = weeks();
        let noisy: Vec<f64> =
            clean.iter().enumerate().map(|(i, v)| v + if i % 2 == 0 { 0.2 } else { -0.2 }).collect();
        let spec = Harmonics { frequency_hz: 1.0 / 14_400.0, ..Harmonics::default() };
        let fit = &spec.filter(&noisy, 3600, WEEK)[0].fit;
        let worst = fit.iter().zip(&clean).map(|(f, c)| (f - c).abs()).fold(0.0, f64::max);
        assert!(worst < 0.15, "the noise of 0.2 is left as {worst}");
    }

    #[test] // S4.3
    fn ignores_a_simulated_big_drop_better_with_each_iteration() {
        let clean = weeks();
        let mut dropped = clean.clone();
        dropped[3 * WEEK + 30..3 * WEEK + 42].fill(0.0);
        let iterations = Harmonics::default().filter(&dropped, 3600, WEEK);
        let error = |fit: &[f64]| -> f64 { (0..clean.len()).map(|i| (fit[i] - clean[i]).abs()).sum() };
        let errors: Vec<f64> = iterations.iter().map(|i| error(&i.fit)).collect();
        assert!(errors.len() >= 3, "{errors:?}");
        assert!(errors.windows(2).all(|w| w[1] <= w[0] + 1e-9), "{errors:?}");
        assert!(errors[errors.len() - 1] < 0.2 * errors[0], "{errors:?}");
        let found = &iterations[iterations.len() - 1].outage;
        assert!((3 * WEEK + 30..3 * WEEK + 42).all(|i| found[i]));
        assert_eq!(found.iter().filter(|o| **o).count(), 12);
    }
}
