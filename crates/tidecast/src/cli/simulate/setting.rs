//! A history made ready to be played: minutes, a cloud, and where scoring starts.

use std::path::{Path, PathBuf};

use tidecast_forecast::Gathered;
use tidecast_world::{DAY, Setup, Trace};

use super::Simulate;
use crate::cli::exit::Stop;
use crate::cli::figures::{brief, span};
use crate::cli::output::stem;
use crate::cli::terminal::Terminal;
use crate::cli::units::time;

/// A history and the cloud that it is played upon.
pub(super) struct Setting {
    pub file: PathBuf,
    pub trace: Trace,
    pub setup: Setup,
    /// Whether the throughput was derived from the history.
    pub derived: bool,
}

impl Setting {
    /// The setting that the options ask for. What was assumed is told.
    pub(super) fn of(
        file: &Path,
        gathered: Gathered,
        asked: &Simulate,
        terminal: &Terminal,
    ) -> Result<Self, Stop> {
        let name = file.display();
        let (trace, step_s) = minutes(file, gathered, asked, terminal)?;
        let score_from = match &asked.score_from {
            None => trace.usual_score_from(),
            Some(text) => {
                let at = time(text, &asked.input.zone)
                    .map_err(|why| Stop::unusable(format!("--score-from: {why}")))?;
                trace.minute(at).ok_or_else(|| outside(file, &trace, text))?
            }
        };
        if score_from == 0 {
            return Err(Stop::unusable(format!(
                "{name}: {} of history leave nothing to learn from before scoring starts",
                span(60 * trace.minutes() as i64)
            ))
            .help("give at least two days, or a later --score-from"));
        }
        let factor = asked.per.to_minutes(step_s);
        let mut setup = Setup::usual(&trace, start_minutes(asked.start_time, terminal));
        setup.score_from = score_from;
        setup.max = asked.max_servers;
        setup.promise = 1.0 - asked.service_level;
        setup.up_cost = asked.scale_up_cost;
        let derived = asked.throughput.is_none();
        setup.throughput = match asked.throughput {
            Some(given) => given.per_minute(factor),
            None => trace.usual_throughput(score_from),
        };
        if derived {
            terminal.note(format!(
                "{name}: no --throughput given; a server is taken to serve {} a minute, so that the 99.5th percentile before scoring needs 50",
                brief(setup.throughput)
            ));
        }
        Ok(Self { file: file.to_owned(), trace, setup, derived })
    }

    /// Days that are scored.
    pub(super) fn days(&self) -> f64 {
        (self.trace.minutes() - self.setup.score_from) as f64 / DAY as f64
    }
}

/// The history minute by minute, in requests a minute, and the step that it had.
fn minutes(
    file: &Path,
    gathered: Gathered,
    asked: &Simulate,
    terminal: &Terminal,
) -> Result<(Trace, i64), Stop> {
    let name = file.display();
    let (step_s, native_s) = (gathered.series.grid().step_s, gathered.native_step_s);
    if step_s > 60 && step_s % 60 != 0 {
        return Err(Stop::unusable(format!(
            "{name}: a step of {} is not a whole number of minutes",
            span(step_s)
        )));
    }
    let nothing = || Stop::unusable(format!("{name}: nothing was measured"));
    let (trace, filled) = Trace::from_series(stem(file), &gathered.series).ok_or_else(nothing)?;
    if filled > 0 {
        terminal.note(format!(
            "{name}: {filled} missing points filled with last week's, else yesterday's, else the value before, so that every minute has a demand"
        ));
    }
    if step_s > 60 {
        terminal.note(format!(
            "{name}: steps of {} drawn out to minutes linearly, without noise; real minutes are rougher, so each policy looks a little better than it is",
            span(step_s)
        ));
    }
    let factor = asked.per.to_minutes(native_s);
    let demand = trace.demand().iter().map(|value| value * factor).collect();
    Ok((Trace::new(trace.name, trace.start, demand), native_s))
}

/// Whole minutes, rounded up.
fn start_minutes(seconds: i64, terminal: &Terminal) -> usize {
    if seconds % 60 != 0 {
        terminal.note(format!(
            "a start-up of {} is taken as {}m: minutes are the step of the simulation",
            span(seconds),
            (seconds + 59) / 60
        ));
    }
    ((seconds + 59) / 60) as usize
}

fn outside(file: &Path, trace: &Trace, text: &str) -> Stop {
    let (from, to) = (trace.start, trace.at(trace.minutes()));
    Stop::unusable(format!(
        "--score-from {text} lies outside {}, which goes from {from} to {to}",
        file.display()
    ))
}
