//! Models that live elsewhere: asked over HTTP, checked like any stranger, and given a fan from their own past errors.

mod spread;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidecast_forecast::{Fan, Fitted, Forecast, Grid, LEVELS, Leads, Model, Series, Unfit, WEEK_S, models};

use crate::egress::{Address, Ask, Connector, Door, Limits, Rules};
use crate::trouble::Trouble;
use spread::Spread;
use wire::Answered;

/// Seconds until an answer must be complete.
const TOTAL: Duration = Duration::from_secs(10);
/// Bytes that an answer may have: two weeks of five-minute values with ten quantiles fit several times.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// History that is sent along.
const SENT_S: i64 = 4 * WEEK_S;
/// Values that are sent along at most.
const SENT_MAX: usize = 20_000;
/// How often a question is asked before it counts as unanswered, and the pause after the first time.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// Forecasts of the past by which a fit learns what the model's are worth, and how far apart they begin.
const PROBES: usize = 28;
const APART_S: i64 = 13 * 3600;

/// A forecaster on the other side of an address: `POST /predict`, values and perhaps quantiles in return.
///
/// Fitting asks it for 28 forecasts of the past, thirteen hours apart, each with the history up to there alone; their
/// errors become the fan, unless it sends quantiles itself. Where it does not answer, or answers with what cannot be,
/// the default ensemble stands in and the forecast says so. Nothing it sends can stop anything: an answer has a time
/// limit of 10 s, a size limit of 4 MiB and three tries, and every value is checked.
#[derive(Debug, Clone)]
pub struct Foreign(Arc<Line>);

/// The way to the model.
#[derive(Debug)]
struct Line {
    name: String,
    connector: Connector,
    runtime: Mutex<tokio::runtime::Runtime>,
}

impl Foreign {
    /// The model at `url`, whose path ends before `/predict`. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Trouble`] when the address is none, or must not be asked.
    pub fn at(url: &str) -> Result<Self, Trouble> {
        let rules = Rules::new([Door::inside(url)?]);
        let limits = Limits {
            total: TOTAL,
            wire_bytes_max: ANSWER_BYTES_MAX,
            text_bytes_max: ANSWER_BYTES_MAX,
            ..Limits::default()
        };
        let connector = Connector::new(&Address { limits, ..Address::new("the model", url) }, &rules)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|why| Trouble::Unusable { who: url.into(), why: why.to_string() })?;
        let host = url.split("://").last().unwrap_or(url).trim_end_matches('/');
        let name = format!("foreign_{}", host.replace(['/', ':', '@', '?'], "_"));
        Ok(Self(Arc::new(Line { name, connector, runtime: Mutex::new(runtime) })))
    }
}

impl Line {
    /// What the model says of the `horizon` after the end of `history`.
    fn ask(&self, history: &Series, horizon: Grid) -> Result<Answered, String> {
        let body = wire::question(&history_sent(history), horizon);
        let runtime = self.runtime.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        runtime.block_on(self.ask_again(body, horizon.len))
    }

    async fn ask_again(&self, body: Vec<u8>, len: usize) -> Result<Answered, String> {
        let mut why = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * 2u32.pow(attempt - 1)).await;
            }
            let ask =
                Ask { path: "/predict", body: Some(("application/json", body.clone())), ..Ask::default() };
            match self.connector.ask(ask).await {
                Ok(answer) if answer.is_success() => return wire::read(&answer.body, len),
                Ok(answer) => {
                    why = format!("it answered {}: {}", answer.status, answer.said());
                    if answer.status < 500 && answer.status != 429 {
                        break;
                    }
                }
                Err(trouble) => why = trouble.to_string(),
            }
        }
        Err(why)
    }
}

/// The part that is sent along.
fn history_sent(history: &Series) -> Series {
    let points = history.grid().steps_in(SENT_S).clamp(1, SENT_MAX);
    history.slice(history.len().saturating_sub(points), history.len())
}

impl Model for Foreign {
    fn name(&self) -> String {
        self.0.name.clone()
    }

    fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit> {
        let spread = self.learn(history).map_err(Unfit::Foreign)?;
        let stand_in = stand_in(history).map_err(Unfit::Foreign)?;
        Ok(Box::new(Learned { line: Arc::clone(&self.0), spread, stand_in }))
    }
}

impl Foreign {
    /// What its forecasts of the past were worth.
    fn learn(&self, history: &Series) -> Result<Spread, String> {
        let grid = history.grid();
        let (day, apart) = (grid.steps_in(86_400).max(1), grid.steps_in(APART_S).max(1));
        let mut spread = Spread::new(grid.step_s, history.mean().unwrap_or(0.0));
        for back in (0..PROBES).map(|probe| 1 + probe * apart) {
            let Some(known) = history.len().checked_sub(back).filter(|known| *known >= day) else { break };
            let seen = history.slice(0, known);
            let answered = self.0.ask(&seen, seen.grid().after(day.min(back)))?;
            for (i, value) in answered.values.iter().enumerate() {
                spread.learn(i + 1, *value, history.values()[known + i]);
            }
        }
        Ok(spread)
    }
}

/// The ensemble, else whatever needs least.
fn stand_in(history: &Series) -> Result<Box<dyn Fitted>, String> {
    let leads = Leads::exactly([300, 900, 3_600, 21_600, 86_400]);
    let willing = models::willing(None, history, |name| models::named(name, leads.clone()))?;
    Ok(willing.fitted)
}

/// A foreign model and what its forecasts are worth.
struct Learned {
    line: Arc<Line>,
    spread: Spread,
    stand_in: Box<dyn Fitted>,
}

impl Learned {
    /// The fans of a horizon, from those of all steps from the end of the history on.
    fn fans(&self, history: &Series, horizon: Grid) -> Result<Vec<Fan>, String> {
        let end = history.grid().after(1).start;
        let skipped = ((horizon.start.as_second() - end.as_second()) / horizon.step_s).max(0) as usize;
        let answered = self.line.ask(history, history.grid().after(skipped + horizon.len))?;
        Ok((skipped..skipped + horizon.len).map(|i| self.fan(&answered, i)).collect())
    }

    /// What it says itself, and where it says nothing, what its errors say.
    fn fan(&self, answered: &Answered, i: usize) -> Fan {
        let value = answered.values[i];
        let own = self.spread.fan(i + 1, value);
        let quantiles = std::array::from_fn(|k| answered.quantile(LEVELS[k], i).unwrap_or(own[k]));
        Fan::new(value, quantiles)
    }
}

impl Fitted for Learned {
    fn update(&mut self, history: &Series) {
        self.stand_in.update(history);
    }

    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
        match self.fans(history, horizon) {
            Ok(fans) => Forecast::new(horizon, fans, self.line.name.clone()),
            Err(why) => {
                let mut forecast = self.stand_in.forecast(history, horizon);
                let spoke = std::mem::replace(&mut forecast.model, self.line.name.clone());
                forecast.fallback = Some(format!("{}: {why}; {spoke} stands in", self.line.name));
                forecast
            }
        }
    }
}

#[cfg(test)]
mod tests;
