use std::time::Duration;

use serde::Serialize;

use crate::score::{Lead, Measures, Protocol, Row, SCORED_LEVELS, Unscorable};
use crate::{Fan, Fitted, Grid, Model, Series, Unfit, WeeklyNaive};

/// What a backtest needs from outside: a clock, which this crate does not know, and someone to tell how far it
/// has come.
pub trait Watch {
    /// Time on any clock that only goes forward.
    fn elapsed(&mut self) -> Duration {
        Duration::ZERO
    }

    /// Told after each origin.
    fn progress(&mut self, done: usize, of: usize) {
        let _ = (done, of);
    }
}

/// Nobody watches: no times are measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// A model judged on a history: what it said at every origin, how good that was, what it cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backtest {
    /// The model.
    pub model: String,
    /// Where it was judged.
    pub window: Grid,
    /// From how many points it forecast.
    pub origins: usize,
    /// Every forecast, ascending by origin, then lead.
    pub rows: Vec<Row>,
    /// How good they were, lead by lead.
    pub leads: Vec<Measures>,
    /// What stood in for the model, where it did not speak.
    pub fallback: Option<Fallback>,
    /// Time to fit, all attempts together.
    pub fit: Duration,
    /// Time to take in new points and forecast, all origins and leads together.
    pub forecast: Duration,
}

impl Backtest {
    /// Mean time of one origin: taking in the new point and forecasting all leads.
    pub fn turn(&self) -> Duration {
        self.forecast.div_f64(self.origins.max(1) as f64)
    }
}

/// Another forecast stood in for the model's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// Why, and what stood in, in a sentence.
    pub why: String,
    /// For how many forecasts.
    pub rows: usize,
    /// Of how many.
    pub of: usize,
}

/// Judges `model` on `series` by the official protocol: fits it to what lies before the window, then grows one
/// history point by point and asks for every lead at every origin. Origins that the model cannot answer are
/// answered by weekly naive, and counted.
///
/// # Errors
/// [`Unscorable`] when the series cannot be judged at all.
///
/// ```
/// use tidecast_forecast::{Fitted, Forecast, Fan, Grid, Model, Series, Unfit, Unwatched, backtest};
/// #[derive(Debug)]
/// struct Last;
/// impl Model for Last {
///     fn name(&self) -> String { "last".into() }
///     fn fit(&self, _: &Series) -> Result<Box<dyn Fitted>, Unfit> { Ok(Box::new(Last)) }
/// }
/// impl Fitted for Last {
///     fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
///         let value = history.last_measured().map_or(0.0, |(_, value)| value);
///         Forecast::new(horizon, vec![Fan::certain(value); horizon.len], "last")
///     }
/// }
/// let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3600, 24 * 28);
/// let series = Series::new(grid, (0..24 * 28).map(|hour| f64::from(hour % 24)).collect());
/// let judged = backtest(&series, &Last, &mut Unwatched).unwrap();
/// assert_eq!(judged.leads[0].lead_s, 3600);
/// assert!((judged.leads[0].wape.unwrap() - 46.0 / 276.0).abs() < 0.02);
/// ```
pub fn backtest(series: &Series, model: &dyn Model, watch: &mut dyn Watch) -> Result<Backtest, Unscorable> {
    Ok(Protocol::of(series)?.backtest(model, watch))
}

impl Protocol<'_> {
    /// Judges one model; see [`backtest`].
    pub fn backtest(&self, model: &dyn Model, watch: &mut dyn Watch) -> Backtest {
        let mut run = Run::new(self, model, watch);
        let shortest = self.leads().first().map_or(1, |lead| lead.steps);
        let origins = self.start()..self.series().len().saturating_sub(shortest);
        for origin in origins.clone() {
            run.turn(origin, watch);
            watch.progress(origin + 1 - origins.start, origins.len());
        }
        Backtest {
            model: model.name(),
            window: self.window(),
            origins: origins.len(),
            leads: self.judge(&run.rows),
            fallback: run.fallback(),
            fit: run.fit_time,
            forecast: run.forecast_time,
            rows: run.rows,
        }
    }
}

/// A backtest under way.
struct Run<'a> {
    protocol: &'a Protocol<'a>,
    model: &'a dyn Model,
    history: Series,
    voice: Voice,
    naive: WeeklyNaive,
    rows: Vec<Row>,
    stood_in: Vec<(String, usize)>,
    fit_time: Duration,
    forecast_time: Duration,
}

/// Who answers.
enum Voice {
    Model(Box<dyn Fitted>),
    Declined { why: Unfit, points: usize },
}

impl<'a> Run<'a> {
    fn new(protocol: &'a Protocol<'a>, model: &'a dyn Model, watch: &mut dyn Watch) -> Self {
        let series = protocol.series();
        let history = series.slice(0, protocol.start());
        let mut naive = WeeklyNaive::new(series.grid()).expect("the protocol refuses grids without a week");
        history.values().iter().for_each(|value| naive.push(*value));
        let began = watch.elapsed();
        let voice = Voice::of(model, &history);
        let fit_time = watch.elapsed() - began;
        let (rows, stood_in) = (Vec::new(), Vec::new());
        let forecast_time = Duration::ZERO;
        Self { protocol, model, history, voice, naive, rows, stood_in, fit_time, forecast_time }
    }

    fn turn(&mut self, origin: usize, watch: &mut dyn Watch) {
        let value = self.protocol.series().values()[origin];
        self.history.push(value);
        self.naive.push(value);
        let began = watch.elapsed();
        self.ask_again();
        let fitted = watch.elapsed();
        if let Voice::Model(fitted) = &mut self.voice {
            fitted.update(&self.history);
        }
        for lead in self.protocol.leads() {
            if origin + lead.steps < self.protocol.series().len() {
                let row = self.answer(origin, *lead);
                self.rows.push(row);
            }
        }
        self.fit_time += fitted - began;
        self.forecast_time += watch.elapsed() - fitted;
    }

    /// A model that declined is asked again each day, as it would be in service.
    fn ask_again(&mut self) {
        let day = self.history.grid().day().unwrap_or(1);
        if matches!(self.voice, Voice::Declined { points, .. } if self.history.len() >= points + day) {
            self.voice = Voice::of(self.model, &self.history);
        }
    }

    fn answer(&mut self, origin: usize, lead: Lead) -> Row {
        let grid = self.protocol.series().grid();
        let target = Grid::point(grid.at(origin + lead.steps), grid.step_s);
        let (fan, stood_in) = self.voice.fan(&self.history, target, &self.naive, lead.steps);
        if let Some(why) = stood_in {
            self.note(why);
        }
        let quantiles = SCORED_LEVELS.map(|level| fan.at(level));
        Row { origin: grid.at(origin), lead_s: lead.seconds, mean: fan.point, quantiles }
    }

    fn note(&mut self, why: String) {
        match self.stood_in.iter().position(|(known, _)| *known == why) {
            Some(at) => self.stood_in[at].1 += 1,
            None => self.stood_in.push((why, 1)),
        }
    }

    /// The commonest reason, the first of equals, and how often anything stood in.
    fn fallback(&self) -> Option<Fallback> {
        let (why, _) = self.stood_in.iter().rev().max_by_key(|(_, rows)| *rows)?;
        let rows = self.stood_in.iter().map(|(_, rows)| rows).sum();
        Some(Fallback { why: why.clone(), rows, of: self.rows.len() })
    }
}

impl Voice {
    fn of(model: &dyn Model, history: &Series) -> Self {
        match model.fit(history) {
            Ok(fitted) => Self::Model(fitted),
            Err(why) => Self::Declined { why, points: history.len() },
        }
    }

    fn fan(
        &self,
        history: &Series,
        target: Grid,
        naive: &WeeklyNaive,
        steps: usize,
    ) -> (Fan, Option<String>) {
        match self {
            Self::Model(fitted) => {
                let forecast = fitted.forecast(history, target);
                match forecast.fan_at(target.start) {
                    Some(fan) => (*fan, forecast.fallback.clone()),
                    None => (
                        naive.fan(steps),
                        Some("it gave no forecast for the time asked; last week stands in".into()),
                    ),
                }
            }
            Self::Declined { why, .. } => (naive.fan(steps), Some(format!("{why}; last week stands in"))),
        }
    }
}

/// Whether forecasts know what they cannot know: the first of an origin up to point `cut` that changes when
/// everything after `cut` is changed. Sound ones have none; equal means equal to the last bit.
///
/// `forecasts` is the whole way from a series to rows, so that what is done to the series beforehand is
/// examined too.
pub fn leak(series: &Series, cut: usize, forecasts: impl Fn(&Series) -> Vec<Row>) -> Option<(Row, Row)> {
    let corrupt = series.values().iter().enumerate().map(|(i, value)| match i {
        _ if i <= cut => *value,
        _ if i % 7 == 0 => f64::NAN,
        _ if value.is_nan() => 17.0,
        _ => 3.0 * value + (i % 11) as f64,
    });
    let corrupt = Series::new(series.grid(), corrupt.collect());
    let last = series.grid().at(cut);
    let mut pairs = forecasts(series).into_iter().zip(forecasts(&corrupt));
    pairs.find(|(a, b)| a.origin <= last && !same_bits(a, b))
}

fn same_bits(a: &Row, b: &Row) -> bool {
    let bits = |row: &Row| (row.mean.to_bits(), row.quantiles.map(f64::to_bits));
    (a.origin, a.lead_s) == (b.origin, b.lead_s) && bits(a) == bits(b)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{Forecast, HOUR_S};

    /// Says what was last measured, from so many points on.
    #[derive(Debug, Clone, Copy)]
    struct Last {
        need: usize,
    }

    impl Model for Last {
        fn name(&self) -> String {
            "last".into()
        }

        fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit> {
            let of = |points: usize| points as i64 * history.grid().step_s;
            match history.len() < self.need {
                true => Err(Unfit::TooShort { need_s: of(self.need), have_s: of(history.len()) }),
                false => Ok(Box::new(*self)),
            }
        }
    }

    impl Fitted for Last {
        fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
            let value = history.last_measured().map_or(0.0, |(_, value)| value);
            Forecast::new(horizon, vec![Fan::certain(value); horizon.len], "last")
        }
    }

    /// Knows the number of points that there will be, and so the future.
    #[derive(Debug)]
    struct Clairvoyant(Series);

    impl Model for Clairvoyant {
        fn name(&self) -> String {
            "clairvoyant".into()
        }

        fn fit(&self, _: &Series) -> Result<Box<dyn Fitted>, Unfit> {
            Ok(Box::new(Self(self.0.clone())))
        }
    }

    impl Fitted for Clairvoyant {
        fn forecast(&self, _: &Series, horizon: Grid) -> Forecast {
            let index = self.0.grid().index(horizon.start).unwrap();
            Forecast::new(horizon, vec![Fan::certain(self.0.values()[index].max(0.0))], "clairvoyant")
        }
    }

    fn hourly(days: usize, value: impl Fn(usize) -> f64) -> Series {
        let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), HOUR_S, 24 * days);
        Series::new(grid, (0..24 * days).map(value).collect())
    }

    fn wavy(days: usize) -> Series {
        hourly(days, |hour| 50.0 + (hour % 24) as f64 + ((hour * 7919) % 13) as f64)
    }

    #[test]
    fn answers_every_origin_at_every_lead() {
        let series = wavy(28);
        let judged = backtest(&series, &Last { need: 0 }, &mut Unwatched).unwrap();
        assert_eq!(judged.origins, 7 * 24 - 1);
        assert_eq!(judged.rows.len(), (7 * 24 - 1) + (6 * 24));
        assert!(judged.leads.iter().all(|lead| lead.missing == 0));
        assert_eq!(judged.fallback, None);
    }

    #[test] // B1
    fn says_what_stood_in_for_a_model_that_declined_and_asks_it_again_each_day() {
        let series = wavy(28);
        let judged = backtest(&series, &Last { need: 24 * 24 }, &mut Unwatched).unwrap();
        let fallback = judged.fallback.unwrap();
        assert_eq!(fallback.why, "too short: 22d of history are there, 24d are needed; last week stands in");
        // The window begins on day 21; the first fit that suits is asked for after 24 whole days.
        assert_eq!(fallback.rows, 2 * (3 * 24 - 1));
        assert_eq!(fallback.of, judged.rows.len());
    }

    #[test]
    fn a_model_that_never_fits_is_as_good_as_weekly_naive() {
        let series = wavy(28);
        let judged = backtest(&series, &Last { need: usize::MAX }, &mut Unwatched).unwrap();
        for lead in judged.leads {
            assert_eq!(lead.rel_wape, Some(1.0));
            assert!(lead.rel_wql.0.iter().all(|ratio| (ratio.unwrap() - 1.0).abs() < 1e-12));
        }
    }

    #[test]
    fn judges_the_truth_as_perfect() {
        let series = wavy(70);
        let judged = backtest(&series, &Clairvoyant(series.clone()), &mut Unwatched).unwrap();
        for lead in judged.leads {
            assert_eq!((lead.wape, lead.bias, lead.mase), (Some(0.0), Some(0.0), Some(0.0)));
            assert_eq!(lead.coverage.0, [Some(1.0); 4]);
        }
    }

    #[test]
    fn measures_time_with_the_clock_it_is_given() {
        struct Ticking(Cell<u64>, usize);
        impl Watch for Ticking {
            fn elapsed(&mut self) -> Duration {
                self.0.set(self.0.get() + 1);
                Duration::from_millis(self.0.get())
            }
            fn progress(&mut self, done: usize, of: usize) {
                assert_eq!((done, of), (self.1 + 1, 167));
                self.1 = done;
            }
        }
        let mut watch = Ticking(Cell::new(0), 0);
        let judged = backtest(&wavy(28), &Last { need: 0 }, &mut watch).unwrap();
        assert_eq!(judged.turn(), Duration::from_millis(1));
        assert_eq!(watch.1, 167);
    }

    #[test]
    fn refuses_what_has_no_week_before_its_window() {
        let why = backtest(&wavy(10), &Last { need: 0 }, &mut Unwatched).unwrap_err();
        assert_eq!(
            why.to_string(),
            "too short to be judged: 10d of history are there, 10d 12h are needed, so that a week lies before the part that is judged"
        );
        assert!(backtest(&hourly(11, |_| 1.0), &Last { need: 0 }, &mut Unwatched).is_ok());
        let odd = Series::new(Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 7, 2), vec![1.0, 2.0]);
        assert_eq!(backtest(&odd, &Last { need: 0 }, &mut Unwatched), Err(Unscorable::OddStep(7)));
    }

    #[test]
    fn leaves_ratios_without_denominator_open() {
        let judged = backtest(&hourly(28, |_| 0.0), &Last { need: 0 }, &mut Unwatched).unwrap();
        assert_eq!((judged.leads[0].wape, judged.leads[0].rel_wape), (None, None));
    }

    #[test]
    fn notices_forecasts_that_know_the_future() {
        let series = wavy(28);
        let by = |model: &dyn Model, of: &Series| backtest(of, model, &mut Unwatched).unwrap().rows;
        let cut = 25 * 24;
        assert_eq!(leak(&series, cut, |of| by(&Last { need: 0 }, of)), None);
        assert_eq!(leak(&series, cut, |of| by(&Last { need: usize::MAX }, of)), None);
        let (row, _) = leak(&series, cut, |of| by(&Clairvoyant(of.clone()), of)).unwrap();
        assert_eq!(row.origin, series.grid().at(cut - 23), "its 24-hour forecast was the first to know");
    }
}
