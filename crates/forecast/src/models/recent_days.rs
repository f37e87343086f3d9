//! Dyte's load predictor: the past hour, yesterday and last week in one weighted average (SPEC D5).

use crate::linalg::nnls3;
use crate::method::{Memoryless, Method, Walker};
use crate::past::Past;
use crate::{HOUR_S, Tape};

/// Dyte's weighted average of the past hour, the same time yesterday and the same time last week.
///
/// ŷ(t+h) = w₁ · mean of the last hour + w₂ · y(t+h−1 day) + w₃ · y(t+h−1 week), the weights of sum one.
///
/// # What it assumes
/// That level (the hour), day shape (yesterday) and week shape (last week) say about equally much.
///
/// # When it shines
/// An hour ahead on traffic with a clear day: simple, robust, a few multiplications, needs only a week.
///
/// # When it fails
/// Fifteen minutes ahead it lags behind the newest value; a day ahead the past hour is noise in it.
///
/// # Source
/// *How we use Machine Learning at Dyte to scale flawlessly*, section "Rise of Load Predictor". The article gives no
/// weights: thirds are the neutral reading.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Grid, Leads, Model, Series, models::RecentDays};
/// let grid = Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 3600, 24 * 15);
/// let history = Series::new(grid, vec![30.0; 24 * 15]);
/// let fitted = Calibrated::new(RecentDays::default(), Leads::knots()).fit(&history).unwrap();
/// assert!((fitted.forecast(&history, history.grid().after(1)).fans()[0].point - 30.0).abs() < 1e-9);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecentDays {
    /// Weights of the past hour, yesterday and last week; their sum should be one.
    pub weights: [f64; 3],
}

impl Default for RecentDays {
    fn default() -> Self {
        Self { weights: [1.0 / 3.0; 3] }
    }
}

impl Method for RecentDays {
    fn name(&self) -> &'static str {
        "recent_days"
    }

    fn start(&self, _: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let weights = self.weights;
        Memoryless::boxed(leads, move |past, lead| {
            ingredients(past, past.now(), lead).iter().zip(weights).map(|(x, w)| w * x).sum()
        })
    }
}

/// The past hour, yesterday and last week for a forecast made at `at`; NaN where history does not reach.
fn ingredients(past: &Past, at: usize, lead: usize) -> [f64; 3] {
    let hour = past.linear.z.trailing(at as i64, (HOUR_S / past.grid().step_s).max(1) as usize);
    let back = |period: usize| {
        let steps = lead.div_ceil(period) * period;
        past.linear.z.at((at + lead) as i64 - steps as i64)
    };
    [hour, back(past.day), back(past.week)]
}

/// [`RecentDays`] with its three weights learned from the last four weeks, for each lead, once a day.
///
/// # What it assumes
/// As [`RecentDays`], but which of the three to trust is read off the data, by non-negative least squares.
///
/// # When it shines
/// Wherever `recent_days` does, and always a little better: the shorter the lead, the more it trusts the hour.
///
/// # When it fails
/// In its first two weeks, while it still uses thirds; after a shift, until the four weeks have forgotten it.
///
/// # Source
/// As [`RecentDays`]; Lawson & Hanson, *Solving Least Squares Problems*, chapter 23.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::RecentDaysFitted};
/// assert_eq!(Calibrated::new(RecentDaysFitted::default(), Leads::knots()).name(), "recent_days_fitted");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentDaysFitted {
    /// Days that the weights are learned from.
    pub window_days: usize,
}

impl Default for RecentDaysFitted {
    fn default() -> Self {
        Self { window_days: 28 }
    }
}

impl Method for RecentDaysFitted {
    fn name(&self) -> &'static str {
        "recent_days_fitted"
    }

    fn start(&self, _: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let weights = vec![[1.0 / 3.0; 3]; leads.len()];
        Box::new(Weighing { window_days: self.window_days, leads: leads.to_vec(), weights })
    }
}

#[derive(Clone)]
struct Weighing {
    window_days: usize,
    leads: Vec<usize>,
    weights: Vec<[f64; 3]>,
}

impl Weighing {
    fn weigh(&self, past: &Past, lead: usize) -> [f64; 3] {
        let now = past.now();
        let from = past.week.max(now.saturating_sub(self.window_days * past.day));
        let to = now.saturating_sub(lead);
        if to < from + past.day / 2 {
            return [1.0 / 3.0; 3];
        }
        let mut gram = [[0.0; 3]; 3];
        let mut rhs = [0.0; 3];
        for at in from..to {
            let x = ingredients(past, at, lead);
            let y = past.filled()[at + lead];
            if x.iter().all(|v| v.is_finite()) {
                for i in 0..3 {
                    rhs[i] += x[i] * y;
                    (0..3).for_each(|j| gram[i][j] += x[i] * x[j]);
                }
            }
        }
        nnls3(gram, rhs)
    }
}

impl Walker for Weighing {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        if past.now().is_multiple_of(past.day) && past.now() >= past.week + past.day {
            self.weights = self.leads.iter().map(|lead| self.weigh(past, *lead)).collect();
        }
        for ((point, lead), weights) in points.iter_mut().zip(&self.leads).zip(&self.weights) {
            *point = ingredients(past, past.now(), *lead).iter().zip(weights).map(|(x, w)| w * x).sum();
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, _: &Past, tape: &mut Tape) {
        self.weights.iter_mut().for_each(|weights| tape.numbers(weights));
    }
}
