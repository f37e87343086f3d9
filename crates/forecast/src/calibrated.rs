//! From a point method to a model: the fan comes from the method's own past errors.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::lane::{Lane, LaneShape};
use crate::method::{Method, Walker};
use crate::past::{Past, median};
use crate::{Fan, Fitted, Forecast, Grid, LEVELS, Model, Series, Tape, Taped, Unfit};

/// The lead times at which a model learns what its forecasts are worth; in between it interpolates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leads(Vec<i64>);

impl Leads {
    /// For planning: every five minutes of the first hour, then wider and wider up to two days.
    pub fn knots() -> Self {
        let hour = (1..=12).map(|k| 300 * k);
        let later = [90, 120, 180, 240, 360, 480, 720, 960, 1200, 1440, 1800, 2160, 2880].map(|m| 60 * m);
        Self(hour.chain(later).collect())
    }

    /// Exactly these, in seconds.
    pub fn exactly(seconds: impl IntoIterator<Item = i64>) -> Self {
        Self(seconds.into_iter().collect())
    }

    /// In steps of this grid: whole steps, at least one, ascending, each once.
    fn steps(&self, step_s: i64) -> Vec<usize> {
        let mut steps: Vec<usize> = self.0.iter().map(|s| (s / step_s).max(1) as usize).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }
}

/// A [`Method`] with quantiles calibrated on its own past errors, for each lead.
///
/// Fitting replays the whole history: the method forecasts it step by step, and each forecast, once its target has come,
/// gives a residual. A residual is normalised by what is known beforehand of how wrong forecasts are then (the level,
/// the time of the week, the phase of the hour, the last hours), and the quantiles of the last four weeks of normalised
/// residuals, scaled back, are the fan. So it covers what it says, also where errors are not normal.
///
/// Source: split conformal prediction (Vovk et al., *Algorithmic Learning in a Random World*, 2005) on normalised
/// residuals; up to an hour ahead the level adapts to the coverage realised (Gibbs & Candès, *Adaptive Conformal
/// Inference Under Distribution Shift*, 2021).
#[derive(Debug, Clone)]
pub struct Calibrated {
    method: Arc<dyn Method>,
    leads: Leads,
}

impl Calibrated {
    /// This method, with quantiles learned at these leads.
    pub fn new(method: impl Method + 'static, leads: Leads) -> Self {
        Self { method: Arc::new(method), leads }
    }
}

impl Model for Calibrated {
    fn name(&self) -> String {
        self.method.name().into()
    }

    fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Walk::through(self, history)?))
    }

    fn resume(&self, history: &Series, tape: Vec<f64>) -> Option<Box<dyn Fitted>> {
        Some(Box::new(Walk::resume(self, history, tape)?))
    }
}

/// A method that has walked through a history.
struct Walk {
    name: &'static str,
    past: Past,
    walker: Box<dyn Walker>,
    leads: Vec<usize>,
    lanes: Vec<Lane>,
    points: Vec<f64>,
}

impl Clone for Walk {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            past: self.past.clone(),
            walker: self.walker.boxed_clone(),
            leads: self.leads.clone(),
            lanes: self.lanes.clone(),
            points: self.points.clone(),
        }
    }
}

impl Walk {
    fn through(model: &Calibrated, history: &Series) -> Result<Self, Unfit> {
        let past = Past::begin(history)?;
        let filled = past.fill_all(&history.values()[past.seen()..]);
        let mut walk = Self::start(model, past, &filled);
        walk.update(history);
        Ok(walk)
    }

    /// Before the first step, if `past` is empty.
    fn start(model: &Calibrated, past: Past, filled: &[f64]) -> Self {
        let leads = model.leads.steps(past.grid().step_s);
        let walker = model.method.start(&past, filled, &leads);
        let shape = LaneShape::of(&past);
        let lanes = leads.iter().map(|lead| Lane::new(*lead, &shape)).collect();
        let points = vec![f64::NAN; leads.len()];
        Self { name: model.method.name(), past, walker, leads, lanes, points }
    }

    fn resume(model: &Calibrated, history: &Series, tape: Vec<f64>) -> Option<Self> {
        let &[version, skipped, len, mean] = tape.first_chunk()?;
        if version != TAPED || !(skipped >= 0.0 && len > 0.0 && mean.is_finite()) {
            return None;
        }
        let past = Past::resume(history, skipped as usize, len as usize, mean)?;
        let mut walk = Self::start(model, past, &[]);
        Tape::play_from(tape, HEAD, &mut walk).then_some(walk)
    }

    fn step(&mut self, value: f64) {
        self.past.push(value);
        self.walker.step(&self.past, &mut self.points);
        for (lane, point) in self.lanes.iter_mut().zip(&mut self.points) {
            if !point.is_finite() {
                *point = stand_in(&self.past, lane.lead());
            }
            lane.step(&self.past, point.max(0.0));
        }
    }

    /// The fan `lead` steps ahead: a knot's, or between two knots' by their deviations from the profile.
    fn fan(&self, lead: usize, knots: &[OnceCell<Knot>]) -> Fan {
        let between = |i: usize, j: usize| self.carried(i, j, lead, knots);
        match self.leads.binary_search(&lead) {
            Ok(i) => self.lanes[i].fan(self.fallback_width(i)),
            Err(0) => between(0, 0),
            Err(i) if i == self.leads.len() => between(i - 1, i - 1),
            Err(i) => between(i - 1, i),
        }
    }

    fn knot(&self, i: usize) -> Knot {
        let (fan, usual) = (self.lanes[i].fan(self.fallback_width(i)), self.usual(self.leads[i]));
        let deviation = |value: f64| value.sqrt() - usual;
        Knot { point: deviation(fan.point), quantiles: fan.quantiles().map(deviation) }
    }

    /// Normalised residuals of the next shorter lead that has any, for a lead that has none yet.
    fn fallback_width(&self, i: usize) -> Option<&Lane> {
        self.lanes[..i].iter().rev().find(|lane| lane.has_residuals())
    }

    fn carried(&self, i: usize, j: usize, lead: usize, knots: &[OnceCell<Knot>]) -> Fan {
        let (a, b) = (self.leads[i] as f64, self.leads[j] as f64);
        let share = if i == j { 0.0 } else { (lead as f64 - a) / (b - a) };
        let [at_a, at_b] = [i, j].map(|i| knots[i].get_or_init(|| self.knot(i)));
        let here = self.usual(lead);
        let between = |a: f64, b: f64| {
            let deviation = (1.0 - share) * a + share * b;
            (here + deviation).max(0.0).powi(2)
        };
        let quantiles = std::array::from_fn(|k| between(at_a.quantiles[k], at_b.quantiles[k]));
        Fan::new(between(at_a.point, at_b.point), quantiles)
    }
}

/// By how much the root of a knot's forecast deviates from what is usual then.
struct Knot {
    point: f64,
    quantiles: [f64; K],
}

/// Weeks that are asked whether there is an edge.
const EDGE_WEEKS: usize = 4;
/// By how much, as a share of the profile's root, each of them must differ from it.
const EDGE: f64 = 0.06;

impl Walk {
    /// The root of what is usual `lead` steps ahead: the profile, which is smoothed and so rounds off where a rush begins
    /// and ends at once; there it is what the last weeks agree on.
    fn usual(&self, lead: usize) -> f64 {
        let target = self.past.now() + lead;
        let smooth = self.past.root.profile.at(target);
        let smooth = if smooth.is_finite() { smooth } else { 0.0 };
        let earlier = (1..=EDGE_WEEKS).filter_map(|weeks| target.checked_sub(weeks * self.past.week));
        let measured = self.past.measured();
        let known = earlier.filter_map(|at| measured.get(at).filter(|value| value.is_finite()));
        let mut weeks = [0.0; EDGE_WEEKS];
        let mut count = 0;
        for (week, value) in weeks.iter_mut().zip(known) {
            *week = value.max(0.0).sqrt();
            count += 1;
        }
        let weeks = &mut weeks[..count];
        let far = |side: f64| weeks.iter().all(|week| side * (week - smooth) > EDGE * smooth);
        if weeks.len() >= 2 && (far(1.0) || far(-1.0)) { median(weeks) } else { smooth }
    }
}

/// What is said when the method says nothing: the season's last value, else the newest.
fn stand_in(past: &Past, lead: usize) -> f64 {
    let by_week = past.seasonal(lead, past.week);
    by_week.or_else(|| past.seasonal(lead, past.day)).unwrap_or(past.filled()[past.now()])
}

/// The first number of a tape: what is written on it, and in which order.
const TAPED: f64 = 1.0;
/// Numbers before the walk's own: the version, how many points are skipped and taken in, the mean.
const HEAD: usize = 4;

impl Taped for Walk {
    fn tape(&mut self, tape: &mut Tape) {
        tape.same(self.leads.len() as f64);
        self.walker.tape(&self.past, tape);
        self.lanes.iter_mut().for_each(|lane| lane.tape(tape));
    }
}

impl Fitted for Walk {
    fn taped(&mut self) -> Option<Vec<f64>> {
        let [skipped, len] = [self.past.skipped(), self.past.len()].map(|count| count as f64);
        Some(Tape::behind(&[TAPED, skipped, len, self.past.mean], self))
    }

    fn update(&mut self, history: &Series) {
        for value in &history.values()[self.past.seen().min(history.len())..] {
            self.step(*value);
        }
        self.lanes.iter_mut().for_each(Lane::ready);
    }

    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
        if history.len() > self.past.seen() {
            let mut ahead = self.clone();
            ahead.update(history);
            return ahead.forecast(history, horizon);
        }
        let grid = self.past.grid();
        let lead = |at: jiff::Timestamp| (grid.steps_to(at) - self.past.now() as i64).max(1) as usize;
        let knots: Vec<OnceCell<Knot>> = self.leads.iter().map(|_| OnceCell::new()).collect();
        let fans = horizon.times().map(|at| self.fan(lead(at), &knots)).collect();
        Forecast::new(horizon, fans, self.name)
    }
}

/// How many levels a fan has.
pub(crate) const K: usize = LEVELS.len();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::LastWeek;

    #[test] // S4.4: short spikes that come each day are kept, however far ahead
    fn keeps_the_edges_of_a_rush_between_two_knots() {
        let bin = |i: usize| if (120..132).contains(&(i % 288)) { 1_000.0 } else { 400.0 };
        let grid = Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 300, 288 * 28 + 24);
        let history = Series::new(grid, (0..grid.len).map(bin).collect());
        let fitted = Calibrated::new(LastWeek, Leads::knots()).fit(&history).unwrap();
        let forecast = fitted.forecast(&history, history.grid().after(144));
        for (i, fan) in forecast.fans().iter().enumerate() {
            let came = bin(grid.len + i);
            assert!((fan.point - came).abs() < 0.05 * came, "{} {came} at lead {}", fan.point, i + 1);
        }
    }
}
