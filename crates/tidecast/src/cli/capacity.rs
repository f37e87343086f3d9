//! A plan of capacity for a forecast, made by the same planner that the service runs.

use std::io;
use std::sync::Arc;

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidecast_pilot::{
    Bounds, Briefing, Demand, Evidence, Issued, Lessons, Level, Planned, Reading, Sighting, Size, Step, Told,
    Workload, plan,
};

use super::Context;
use super::exit::Stop;
use super::figures::span;
use super::forecast::Spoken;
use super::table::Sheet;
use super::units::{Per, Throughput, duration, share, throughput};

/// The servers to plan for; a plan is made when their throughput is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Plan")]
pub(crate) struct Servers {
    /// What one server serves, 40/min, 0.7/s or a bare number in the unit of the file: also print a plan of capacity
    #[arg(short, long, value_name = "RATE", value_parser = throughput)]
    throughput: Option<Throughput>,
    /// From a launch until the server serves
    #[arg(short = 'l', long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    start_time: i64,
    /// The probability with which demand stays within the plan
    #[arg(long, value_name = "SHARE", default_value = "0.99", value_parser = share)]
    service_level: f64,
    /// The fewest servers
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_servers: u32,
    /// The most servers
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    max_servers: u32,
    /// What a value of the file counts: requests a second, minute, hour, or since the row before
    #[arg(long, value_enum, default_value = "minute")]
    per: Per,
}

/// The fleet that a plan is for.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    /// In the unit of the history.
    pub throughput: f64,
    pub start_s: i64,
    pub level: f64,
    pub bounds: (u32, u32),
}

impl Servers {
    /// Whether somebody has described them.
    pub(crate) fn are_given(&self) -> bool {
        self.throughput.is_some()
    }

    /// The fleet described, if its throughput is.
    pub(crate) fn fleet(&self, native_step_s: i64) -> Option<Fleet> {
        let to_minutes = self.per.to_minutes(native_step_s);
        self.throughput.map(|rate| Fleet {
            throughput: rate.per_minute(to_minutes) / to_minutes,
            start_s: self.start_time,
            level: self.service_level,
            bounds: (self.min_servers, self.max_servers),
        })
    }
}

/// The plan for a forecast, beginning with the servers that the newest measurement needs.
pub(crate) fn planned(spoken: &Spoken, fleet: &Fleet, zone: &TimeZone) -> Result<Planned, Stop> {
    let workload = workload(fleet, zone)?;
    let now = spoken.expected.grid().start;
    let readings = readings(spoken);
    let newest = readings.last().map_or(0.0, |reading| reading.demand.get());
    let standing = workload.bounds.clamp(Size((newest / fleet.throughput).ceil() as u32));
    let interval = SignedDuration::from_secs(spoken.gathered.series.grid().step_s);
    Ok(plan(&Briefing {
        now,
        turn: 1,
        workload: Arc::new(workload),
        issued: Some(Arc::new(Issued { at: now, forecast: spoken.expected.clone() })),
        evidence: Evidence { readings, interval, ..Evidence::default() },
        nowcast: None,
        sighting: Some(Sighting::of(now, standing, standing)),
        overrides: Vec::new(),
        halts: Vec::new(),
        lessons: Lessons::default(),
        share: None,
        last: None,
    }))
}

fn workload(fleet: &Fleet, zone: &TimeZone) -> Result<Workload, Stop> {
    let (min, max) = fleet.bounds;
    let bounds = Bounds::new(min, max).map_err(Stop::unusable)?;
    let throughput = tidecast_pilot::Throughput::new(fleet.throughput)
        .ok_or_else(|| Stop::unusable(format!("{} is no throughput of a server", fleet.throughput)))?;
    Ok(Workload {
        throughput: Told::Given(throughput),
        start_up: Told::Given(SignedDuration::from_secs(fleet.start_s)),
        service_level: Told::Given(Level::new(fleet.level).map_err(Stop::unusable)?),
        zone: zone.clone(),
        ..Workload::new("history", bounds)
    })
}

/// The newest hour of measurements.
fn readings(spoken: &Spoken) -> Vec<Reading> {
    let series = &spoken.gathered.series;
    let from = series.len().saturating_sub(series.grid().steps_in(3_600));
    let newest = (from..series.len()).filter_map(|i| {
        let demand = Demand::new(series.values()[i])?;
        Some(Reading::complete(series.grid().at(i + 1), demand))
    });
    newest.collect()
}

/// Which steps of a plan are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The first so many.
    First(usize),
    /// The first so many that add servers.
    Ups(usize),
}

/// Steps of a plan for people: when to order, what, and why.
pub(crate) fn print(
    planned: &Planned,
    shown: Shown,
    zone: &TimeZone,
    context: &mut Context,
) -> io::Result<()> {
    let mut sheet = Sheet::new(3, ["order at", "servers", "because"]);
    let steps = &planned.plan.steps;
    let before = |i: usize| i.checked_sub(1).map(|i| steps[i].size.get());
    let (wanted, most) = match shown {
        Shown::First(most) => ((0..steps.len()).collect::<Vec<_>>(), most),
        Shown::Ups(most) => ((1..steps.len()).filter(|i| steps[*i].size > steps[i - 1].size).collect(), most),
    };
    for i in wanted.iter().copied().take(most) {
        let step = &steps[i];
        sheet.push(vec![clock(step.at, zone), change(before(i), step.size.get()), because(step, zone)]);
    }
    sheet.print(&context.terminal, context.out)?;
    let rest = steps.len() - wanted.len().min(most);
    if rest > 0 {
        writeln!(context.out, "and {rest} more steps")?;
    }
    planned.notes.iter().for_each(|note| context.terminal.note(note.tell(zone)));
    Ok(())
}

/// The plan for programs.
pub(crate) fn record(planned: &Planned, zone: &TimeZone) -> Value {
    let steps = planned.plan.steps.iter().map(|step| {
        json!({ "at": step.at, "size": step.size, "code": step.because.code(), "because": because(step, zone) })
    });
    let notes: Vec<String> = planned.notes.iter().map(|note| note.tell(zone)).collect();
    json!({ "steps": steps.collect::<Vec<_>>(), "until": planned.plan.until, "notes": notes })
}

/// What the fleet is, in words.
pub(crate) fn circumstances(fleet: &Fleet) -> String {
    let throughput = super::figures::brief(fleet.throughput);
    let level = 100.0 * fleet.level;
    format!("a server serves {throughput}, starts in {}, {level} % sure", span(fleet.start_s))
}

fn because(step: &Step, zone: &TimeZone) -> String {
    let limits = step.limits.iter().map(|limit| limit.tell(zone));
    std::iter::once(step.because.tell(zone)).chain(limits).collect::<Vec<_>>().join("; ")
}

fn change(before: Option<u32>, size: u32) -> String {
    match before {
        Some(before) => format!("{size} ({:+})", i64::from(size) - i64::from(before)),
        None => size.to_string(),
    }
}

fn clock(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%a %H:%M").to_string()
}
