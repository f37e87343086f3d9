//! `tidecast demo`: the main job on real traffic that ships inside, on one screen.

use std::io;

use clap::Args;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use tidecast_forecast::DAY_S;
use tidecast_world::{Policy, Run, Setup, Stage, Trace};

use super::Context;
use super::capacity::{Fleet, Shown, circumstances, planned, print};
use super::chart::Chart;
use super::exit::{Exit, Outcome, Stop};
use super::figures::{brief, fixed, percent};
use super::forecast::{Spoken, chart, speak};
use super::samples::{BIKESHARE, Sample};
use super::stopwatch::Stopwatch;
use super::table::Sheet;
use super::terminal::{Paint, Terminal};

/// The main job on real traffic that ships inside: no file, no server, no network
///
/// Forecasts the next day as a distribution, plans capacity for it with reasons, and compares ways to scale on the
/// last four weeks.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast demo
  tidecast demo --ascii | less")]
pub(crate) struct Demo {}

/// The sample shown.
const SAMPLE: Sample = BIKESHARE;
/// Minutes from a launch until a server serves: the least of those that Scryer's article tells of.
const START_MIN: usize = 10;
/// Steps of the plan that are shown, of those that add servers.
const UPS: usize = 6;
/// What is compared, best known first; those that this build knows are shown.
const POLICIES: [&str; 6] = ["tidecast", "scryer", "dyte", "hpa", "static-peak", "oracle"];

impl Demo {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let watch = Stopwatch::started();
        let zone = SAMPLE.time_zone();
        let spoken = speak(SAMPLE.gathered(300), "ensemble", DAY_S, &zone)?;
        let (setup, runs) = compared(&spoken)?;
        title(context)?;
        expected(&spoken, &zone, context)?;
        plan(&spoken, &setup, &zone, context)?;
        comparison(&setup, &runs, context)?;
        next(context)?;
        context.terminal.detail(format!("the demo took {:.1} s", watch.elapsed().as_secs_f64()));
        Ok(Exit::Done)
    }
}

fn title(context: &mut Context) -> io::Result<()> {
    let demo = Paint::Yellow.on(context.terminal.colour, "DEMO");
    writeln!(context.out, "{demo}  {} (data that ships inside)", SAMPLE.what)
}

fn expected(spoken: &Spoken, zone: &TimeZone, context: &mut Context) -> io::Result<()> {
    let series = &spoken.gathered.series;
    let weeks = series.len() as i64 * series.grid().step_s / (7 * DAY_S);
    heading("What comes next", &format!("learned from {weeks} weeks by {}", spoken.expected.model), context)?;
    writeln!(context.out, "{}", context.terminal.plain(&spoken.readiness.seasons.to_string()))?;
    let drawn: Chart = chart(spoken, zone, 2 * DAY_S, 9);
    context.out.write_all(drawn.draw(&context.terminal).as_bytes())?;
    let sentence = peak(spoken, zone);
    writeln!(context.out, "{}", context.terminal.plain(&sentence))
}

/// The most demanding moment of the forecast, in words.
fn peak(spoken: &Spoken, zone: &TimeZone) -> String {
    let expected = &spoken.expected;
    let points = expected.grid().times().collect::<Vec<_>>().into_iter().zip(expected.fans());
    let Some((time, fan)) = points.max_by(|a, b| a.1.median().total_cmp(&b.1.median())) else {
        return String::new();
    };
    let at = time.to_zoned(zone.clone()).strftime("%a %H:%M").to_string();
    let (median, most) = (brief(fan.median()), brief(fan.at(0.99)));
    format!("Peak {at}: median {median}, at most {most} with 99 % probability.")
}

/// The plan for the day to come, as the service would make it.
fn plan(spoken: &Spoken, setup: &Setup, zone: &TimeZone, context: &mut Context) -> Result<(), Stop> {
    let start_s = 60 * setup.start_min as i64;
    let fleet = Fleet { throughput: setup.throughput, start_s, level: 0.99, bounds: (1, setup.max) };
    let planned = planned(spoken, &fleet, zone)?;
    heading("What to run, and why", &circumstances(&fleet), context)?;
    print(&planned, Shown::Ups(UPS), zone, context)?;
    Ok(())
}

fn compared(spoken: &Spoken) -> Result<(Setup, Vec<Run>), Stop> {
    let (trace, _) = Trace::from_series(SAMPLE.name, &spoken.gathered.series)
        .ok_or_else(|| Stop::unusable("the sample holds no measurement"))?;
    let setup = Setup::usual(&trace, START_MIN);
    let stage = Stage::new(&trace);
    let policies: Vec<Policy> = POLICIES.into_iter().filter_map(|name| name.parse().ok()).collect();
    let runs = policies.into_par_iter().map(|policy| stage.play(policy, &setup)).collect();
    Ok((setup, runs))
}

fn comparison(setup: &Setup, runs: &[Run], context: &mut Context) -> io::Result<()> {
    let days = runs.first().map_or(0, |run| run.scorecard.minutes / tidecast_world::DAY);
    let said = format!("the last {days} days minute by minute, start-up {} min", setup.start_min);
    heading("What scaling ahead saves", &said, context)?;
    let mut sheet = Sheet::new(2, ["policy", "what it does", "short", "cost", "server-h"]);
    for run in runs {
        let card = &run.scorecard;
        sheet.push(vec![
            run.policy.name().to_owned(),
            context.terminal.plain(run.policy.says()),
            percent(Some(card.violated_requests), 2),
            fixed(Some(card.cost), 2),
            fixed(Some(card.server_hours), 0),
        ]);
    }
    sheet.print(&context.terminal, context.out)?;
    let legend = "short: demand without a ready server; cost: servers ÷ the least possible.\n\
                  Hours are drawn out to minutes without noise: every policy looks a bit better.";
    writeln!(context.out, "{}", Paint::Dim.on(context.terminal.colour, &context.terminal.plain(legend)))
}

fn next(context: &mut Context) -> io::Result<()> {
    heading("Now with your own traffic", "a CSV of timestamp,value; - reads standard input", context)?;
    for (command, says) in NEXT {
        writeln!(context.out, "  {command:<44} {says}")?;
    }
    Ok(())
}

const NEXT: [(&str, &str); 4] = [
    ("tidecast forecast FILE --zone Europe/Berlin", "what comes next"),
    ("tidecast backtest FILE --model all", "how well it would have been known"),
    ("tidecast simulate FILE --start-time 5m", "what it would have saved"),
    ("tidecast models", "who forecasts, and how"),
];

fn heading(title: &str, rest: &str, context: &mut Context) -> io::Result<()> {
    let Terminal { colour, .. } = context.terminal;
    writeln!(context.out, "\n{}  {}", Paint::Bold.on(colour, title), Paint::Dim.on(colour, rest))
}
