use crate::{LEVELS, Tape, Taped};

/// Bins of the histogram, and how finely they lie: evenly on the scale of an inverse hyperbolic sine.
const BINS: usize = 512;
const SPREAD: f64 = 0.1;
const STEP: f64 = 0.035;

/// A distribution that forgets: a histogram whose weights halve in a given number of values.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    weights: Box<[f32; BINS]>,
    /// Weight of the next value: grows instead of all others shrinking.
    next: f64,
    growth: f64,
    total: f64,
}

impl Histogram {
    pub(super) fn new(half_life: f64) -> Self {
        Self { weights: Box::new([0.0; BINS]), next: 1.0, growth: 2f64.powf(1.0 / half_life), total: 0.0 }
    }

    pub(super) fn push(&mut self, value: f64) {
        let bin = (place(value).round() + (BINS / 2) as f64).clamp(0.0, (BINS - 1) as f64) as usize;
        self.weights[bin] += self.next as f32;
        self.total += self.next;
        self.next *= self.growth;
        if self.next > 1e6 {
            self.weights.iter_mut().for_each(|w| *w /= 1e6);
            self.total /= 1e6;
            self.next = 1.0;
        }
    }

    /// The value at each of [`LEVELS`], linear within a bin; zero while it is empty.
    pub(super) fn quantiles(&self) -> [f64; LEVELS.len()] {
        let mut out = [0.0; LEVELS.len()];
        let (mut below, mut bin) = (0.0, 0);
        for (level, value) in LEVELS.iter().zip(&mut out) {
            let wanted = level * self.total;
            while bin + 1 < BINS && below + f64::from(self.weights[bin]) < wanted {
                below += f64::from(self.weights[bin]);
                bin += 1;
            }
            let weight = f64::from(self.weights[bin]);
            let within = if weight > 0.0 { ((wanted - below) / weight).clamp(0.0, 1.0) } else { 0.5 };
            let at = bin as f64 + within - 0.5 - (BINS / 2) as f64;
            *value = if self.total > 0.0 { SPREAD * (at * STEP).sinh() } else { 0.0 };
        }
        out
    }
}

impl Taped for Histogram {
    fn tape(&mut self, tape: &mut Tape) {
        tape.singles(&mut *self.weights);
        tape.number(&mut self.next);
        tape.number(&mut self.total);
    }
}

fn place(value: f64) -> f64 {
    (value / SPREAD).asinh() / STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_levels_of_what_it_was_given() {
        let mut histogram = Histogram::new(1e9);
        (0..100_000).for_each(|i| histogram.push(f64::from(i * 7_919 % 100_000) / 10_000.0));
        for (level, value) in LEVELS.iter().zip(histogram.quantiles()) {
            assert!((value - 10.0 * level).abs() < 0.02 + 0.02 * value, "{level}: {value}");
        }
    }

    #[test]
    fn forgets() {
        let mut histogram = Histogram::new(100.0);
        (0..10_000).for_each(|_| histogram.push(5.0));
        (0..1_000).for_each(|_| histogram.push(1.0));
        assert!(histogram.quantiles()[14] < 1.1, "{:?}", histogram.quantiles());
    }
}
