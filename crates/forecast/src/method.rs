//! A point forecaster that walks along a history: what ensembles are made of.

use std::fmt;

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
}
