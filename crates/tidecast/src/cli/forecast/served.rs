//! The forecast of a workload that a running service has in its care, as it is in use there.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidecast::api::said;
use tidecast_forecast::{Fan, Forecast, Grid, LEVELS, Sample, Samples, Series};
use tidecast_pilot::Briefing;

use super::print::{self, BAND};
use crate::cli::Context;
use crate::cli::ask::{apart, now, steps};
use crate::cli::chart::{Chart, Ink};
use crate::cli::client::{At, Client, of};
use crate::cli::exit::{Exit, Outcome, Stop};
use crate::cli::figures::brief;
use crate::cli::table::Format;
use crate::cli::terminal::Paint;

/// How far ahead, how much of the past, and on which clock.
pub(super) struct Wanted {
    pub horizon_s: i64,
    pub show_s: i64,
    pub zone: TimeZone,
}

/// What the service says of one workload.
struct Served {
    workload: said::Workload,
    forecast: said::Forecast,
    plan: said::Plan,
}

/// What was known at the last turn.
#[derive(serde::Deserialize)]
struct Recorded {
    briefing: Briefing,
}

pub(super) fn run(name: &str, at: &At, wanted: &Wanted, context: &mut Context) -> Outcome {
    let client = at.open()?;
    let hours = (wanted.horizon_s as u64).div_ceil(3_600).to_string();
    let mut served = Served {
        workload: client.get(&of(name, ""), &[])?,
        forecast: client.get(&of(name, "/forecast"), &[("hours", &hours)])?,
        plan: client.get(&of(name, "/plan"), &[])?,
    };
    let until = now().saturating_add(SignedDuration::from_secs(wanted.horizon_s)).unwrap_or(Timestamp::MAX);
    served.forecast.points.retain(|point| point.at < until);
    served.plan.steps.retain(|step| step.at < until);
    let expected = expected(&served.forecast)?;
    match context.format {
        Format::Json => {
            let Served { forecast, plan, .. } = &served;
            let record = json!({ "version": 1, "workload": name, "forecast": forecast, "plan": plan });
            writeln!(context.out, "{record}")?;
        }
        Format::Csv => print::sheet(&expected).print_csv(context.out)?,
        Format::Table => for_people(&client, &served, &expected, wanted, context)?,
    }
    Ok(Exit::Done)
}

/// The forecast as the models' crate knows it.
fn expected(said: &said::Forecast) -> Result<Forecast, Stop> {
    let odd =
        |why: &str| Stop::unusable(format!("the server's forecast {why}; are both of the same version?"));
    let first = said.points.first().ok_or_else(|| odd("has no point in this span"))?;
    if said.levels != LEVELS || said.step_s <= 0 {
        return Err(odd("has other levels than this command knows"));
    }
    let fans = said.points.iter().map(|point| {
        let quantiles = point.quantiles.as_slice().try_into();
        quantiles.map(|quantiles| Fan::new(point.point, quantiles)).map_err(|_| odd("misses quantiles"))
    });
    let grid = Grid::new(first.at, said.step_s, said.points.len());
    let mut forecast = Forecast::new(grid, fans.collect::<Result<_, _>>()?, said.model.clone());
    forecast.fallback.clone_from(&said.fallback);
    Ok(forecast)
}

fn for_people(
    client: &Client,
    served: &Served,
    expected: &Forecast,
    wanted: &Wanted,
    context: &mut Context,
) -> Result<(), Stop> {
    let Served { workload, forecast, plan } = served;
    let throughput = throughput(client, &workload.name)?;
    let measured = measured(client, &workload.name, wanted.show_s)?;
    let (out, terminal) = (&mut *context.out, &context.terminal);
    writeln!(out, "{}", terminal.plain(&headline(workload, forecast)))?;
    if let Some(why) = &forecast.fallback {
        writeln!(out, "{}", terminal.plain(&format!("fallback: {why}")))?;
    }
    let begin = measured.as_ref().map_or(expected.grid().start, |measured| measured.grid().start);
    let mut chart = Chart::new(begin, expected.grid().end(), &wanted.zone, 12);
    if let Some(measured) = &measured {
        chart = chart.line(Ink::Measured, "measured", measured);
    }
    chart = chart.forecast(expected, BAND);
    if let Some(capacity) = throughput.and_then(|throughput| capacity(plan, expected.grid(), throughput)) {
        chart = chart.steps(Ink::Capacity, "planned capacity", &capacity);
    }
    write!(out, "\n{}\n", chart.draw(terminal))?;
    let zone = wanted.zone.iana_name().unwrap_or("the zone of this machine");
    let head = format!("demand that will not be exceeded, in {zone}");
    writeln!(out, "{}", Paint::Bold.on(terminal.colour, &head))?;
    print::table(expected, &wanted.zone).print(terminal, out)?;
    let servers = throughput.map_or(String::new(), |each| format!(", each serving {}", brief(each)));
    writeln!(out, "\n{}", Paint::Bold.on(terminal.colour, &format!("plan: servers{servers}")))?;
    steps(plan).print(terminal, out)?;
    Ok(())
}

fn headline(workload: &said::Workload, forecast: &said::Forecast) -> String {
    let unit = workload.unit.as_deref().map_or(String::new(), |unit| format!(" {unit}"));
    let demand = workload.demand.map_or_else(
        || "demand unknown".to_owned(),
        |demand| format!("{}{unit}, {} ago", brief(demand.value), apart(demand.at)),
    );
    format!("{}: {demand}; forecast by {}, {} ago", workload.name, forecast.model, apart(forecast.issued))
}

/// What one server serves, as far as it is told or learned.
fn throughput(client: &Client, name: &str) -> Result<Option<f64>, Stop> {
    let Recorded { briefing } = client.get(&of(name, "/briefing"), &[])?;
    Ok(briefing.workload.throughput.or(briefing.lessons.throughput).map(|throughput| throughput.get()))
}

/// What was measured in the last so many seconds, on a grid; none if that is no history.
fn measured(client: &Client, name: &str, show_s: i64) -> Result<Option<Series>, Stop> {
    let from = now().saturating_sub(SignedDuration::from_secs(show_s)).unwrap_or(Timestamp::MIN).to_string();
    let said: said::Measurements = client.get(&of(name, "/history"), &[("from", &from)])?;
    let samples = said.points.iter().map(|point| Sample { time: point.at, value: point.value });
    Ok(Samples(samples.collect()).gather(300).ok().map(|gathered| gathered.series))
}

/// What the planned servers can serve at each point of the forecast; none if nothing is planned there.
fn capacity(plan: &said::Plan, grid: Grid, throughput: f64) -> Option<Series> {
    let steps: Vec<&said::Step> = plan.current.iter().chain(&plan.steps).collect();
    let at = |time: Timestamp| {
        let step = steps.iter().rev().find(|step| step.at <= time);
        step.map_or(f64::NAN, |step| f64::from(step.size) * throughput)
    };
    (!steps.is_empty()).then(|| Series::new(grid, grid.times().map(at).collect()))
}
