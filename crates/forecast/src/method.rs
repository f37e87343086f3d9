//! A point forecaster that walks along a history: what ensembles are made of.

use std::fmt;

use crate::Tape;
use crate::past::Past;

/// The parameters of a point forecaster. Becomes a [`crate::Model`] by [`crate::Calibrated`], which adds the
/// fan from its past errors, and a member of an ensemble by being listed there.
pub trait Method: fmt::Debug + Send + Sync {
    /// What it is called: `last_week`.
    fn name(&self) -> &'static str;

    /// One walker along `history`, for forecasts `leads` steps ahead (ascending). What is expensive and
    /// may look at the whole history, such as choosing smoothing parameters, happens here; `empty` is the past
    /// before its first value.
    fn start(&self, empty: &Past, history: &[f64], leads: &[usize]) -> Box<dyn Walker>;
}

/// A [`Method`] under way. Fed every step, in order, it forecasts from the newest.
pub trait Walker: Send + Sync {
    /// Learns from the newest value of `past`, and writes its forecast for each lead into `points`: NaN where it
    /// has none. Called once a step.
    fn step(&mut self, past: &Past, points: &mut [f64]);

    /// A copy, so that a forecast can run ahead of its walker.
    fn boxed_clone(&self) -> Box<dyn Walker>;

    /// Writes what it has learned to the tape, or takes it from there: all that can be told neither from the method's
    /// parameters nor from `past`, which is the past up to its last step.
    fn tape(&mut self, past: &Past, tape: &mut Tape);
}

/// A walker whose forecast is a function of the past alone.
#[derive(Clone)]
pub struct Memoryless<F> {
    leads: Vec<usize>,
    point: F,
}

impl<F> Memoryless<F>
where
    F: Fn(&Past, usize) -> f64 + Clone + Send + Sync + 'static,
{
    /// `point(past, lead)` is the forecast, NaN for none.
    pub fn boxed(leads: &[usize], point: F) -> Box<dyn Walker> {
        Box::new(Self { leads: leads.to_vec(), point })
    }
}

impl<F> Walker for Memoryless<F>
where
    F: Fn(&Past, usize) -> f64 + Clone + Send + Sync + 'static,
{
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        for (point, lead) in points.iter_mut().zip(&self.leads) {
            *point = (self.point)(past, *lead);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, _: &Past, _: &mut Tape) {}
}

/// A row of numbers on a tape, however long it is.
pub(crate) fn row(numbers: &mut Vec<f64>, tape: &mut Tape) {
    /// Far more than any row has, and no harm to memory.
    const ROW_MAX: usize = 1 << 20;
    let mut len = numbers.len();
    tape.count(&mut len);
    numbers.resize(if len <= ROW_MAX { len } else { 0 }, f64::NAN);
    tape.numbers(numbers);
}

/// Something on a tape that may not be there.
pub(crate) fn maybe<T: Default>(
    known: &mut Option<T>,
    tape: &mut Tape,
    mut each: impl FnMut(&mut T, &mut Tape),
) {
    let mut there = usize::from(known.is_some());
    tape.count(&mut there);
    *known = (there > 0).then(|| known.take().unwrap_or_default());
    known.iter_mut().for_each(|known| each(known, tape));
}
