use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tidecast_forecast::LEVELS;
use tidecast_pilot::{self as pilot, WorkloadName};
use utoipa::IntoParams;

use super::door::Viewer;
use super::limits::POINTS_MAX;
use super::page::{self, Page};
use super::problem::{Answer, Part, Problem, Query};
use super::{Shared, said};
use crate::config::section;
use crate::drive::{Seat, Turned, clock};
use crate::explain::{Explanation, explain};
use crate::service::Known;

/// All workloads, by name.
#[utoipa::path(get, path = "/api/v1/workloads", tag = "workloads", params(Page),
    responses((status = 200, body = said::Paged<said::Workload>), (status = "4XX", body = Problem)))]
pub(super) async fn list(
    _: Viewer,
    State(known): Shared,
    Query(page): Query<Page>,
) -> Result<Response, Problem> {
    let in_force = known.in_force();
    let (workloads, more) = in_force.page(page.after.as_deref(), page.limit()?);
    let mut text = String::from("{\"items\":[");
    let mut last = None;
    for workload in workloads {
        text.push_str(if last.is_some() { "," } else { "" });
        text.push_str(&told(&known, workload));
        last = Some(workload.name.as_str());
    }
    let next = serde_json::Value::from(last.filter(|_| more));
    text.push_str(&format!("],\"next\":{next}}}"));
    Ok(json(text))
}

/// What is told of a workload: made once after each turn, however many ask.
fn told(known: &Known, workload: &section::Workload) -> String {
    let name = WorkloadName(workload.name.as_str().to_owned());
    let seat = known.board.seat(&name).unwrap_or_default();
    let made = || serde_json::to_string(&glance(workload, &seat)).expect("a workload's row is JSON").into();
    seat.told.get_or_init(made).to_string()
}

fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// One workload.
#[utoipa::path(get, path = "/api/v1/workloads/{name}", tag = "workloads", params(("name" = String, Path)),
    responses((status = 200, body = said::Workload), (status = "4XX", body = Problem)))]
pub(super) async fn one(
    _: Viewer,
    State(known): Shared,
    Part(name): Part<String>,
) -> Result<Response, Problem> {
    let in_force = known.in_force();
    let workload = in_force.workload(&name).ok_or_else(|| missing(&name))?;
    Ok(json(told(&known, workload)))
}

/// The workload of that name, if it is configured.
pub(super) fn workload(known: &Known, name: &str) -> Result<section::Workload, Problem> {
    known.workload(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Problem {
    Problem::not_found(format!("there is no workload {name:?}; /api/v1/workloads lists them"))
}

/// A span of time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Between {
    /// From when; a day before `until` unless given.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// Until when; now unless given.
    #[param(value_type = Option<String>)]
    until: Option<Timestamp>,
}

/// What was measured.
#[utoipa::path(get, path = "/api/v1/workloads/{name}/history", tag = "workloads", params(("name" = String, Path), Between),
    responses((status = 200, body = said::Measurements), (status = "4XX", body = Problem)))]
pub(super) async fn history(
    _: Viewer,
    State(known): Shared,
    Part(name): Part<String>,
    Query(between): Query<Between>,
) -> Answer<said::Measurements> {
    workload(&known, &name)?;
    let until = between.until.unwrap_or_else(clock);
    let day = SignedDuration::from_hours(24);
    let from = between.from.unwrap_or_else(|| until.saturating_sub(day).unwrap_or(Timestamp::MIN));
    if from > until {
        return Err(Problem::unusable(format!("{from} is after {until}")));
    }
    let samples = known.history.read(&name, from, until).await?.0;
    let next = samples.get(POINTS_MAX).map(|sample| sample.time);
    let point = |sample: &tidecast_forecast::Sample| said::Measured {
        at: sample.time,
        value: sample.value,
        coverage: None,
    };
    let points = samples.iter().take(POINTS_MAX).map(point).collect();
    Ok(Json(said::Measurements { workload: name, points, next }))
}

/// When a forecast was issued, and how much of it is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct IssuedAt {
    /// The newest forecast that was issued at this time or before; the newest of all unless given.
    #[param(value_type = Option<String>)]
    issued: Option<Timestamp>,
    /// Hours ahead; all unless given.
    hours: Option<u32>,
}

/// A forecast, as it was issued.
#[utoipa::path(get, path = "/api/v1/workloads/{name}/forecast", tag = "workloads",
    params(("name" = String, Path), IssuedAt),
    responses((status = 200, body = said::Forecast), (status = "4XX", body = Problem)))]
pub(super) async fn forecast(
    _: Viewer,
    State(known): Shared,
    Part(name): Part<String>,
    Query(IssuedAt { issued, hours }): Query<IssuedAt>,
) -> Answer<said::Forecast> {
    workload(&known, &name)?;
    let until = issued.unwrap_or_else(clock);
    let none = || Problem::not_found(format!("no forecast of {name} issued until {until} is kept"));
    let issued = known.history.forecast(&name, until).await?.ok_or_else(none)?;
    let (forecast, grid) = (&issued.forecast, issued.forecast.grid());
    let steps = hours.map_or(grid.len, |hours| (i64::from(hours) * 3_600 / grid.step_s) as usize);
    let expected = |(i, fan): (usize, &tidecast_forecast::Fan)| said::Expected {
        at: grid.at(i),
        point: fan.point,
        quantiles: fan.quantiles().to_vec(),
    };
    Ok(Json(said::Forecast {
        issued: issued.at,
        model: forecast.model.clone(),
        fallback: forecast.fallback.clone(),
        levels: LEVELS.to_vec(),
        step_s: grid.step_s,
        points: forecast.fans().iter().enumerate().take(steps).map(expected).collect(),
        workload: name,
    }))
}

/// What is planned.
#[utoipa::path(get, path = "/api/v1/workloads/{name}/plan", tag = "workloads", params(("name" = String, Path)),
    responses((status = 200, body = said::Plan), (status = "4XX", body = Problem)))]
pub(super) async fn plan(_: Viewer, State(known): Shared, Part(name): Part<String>) -> Answer<said::Plan> {
    let zone = workload(&known, &name)?.zone.zone().clone();
    let (briefing, decision) = decided(&known, &name).await?;
    let now = clock();
    let tell = |s: &pilot::Step| step(s, &zone);
    Ok(Json(said::Plan {
        sends: sent(&known, &name),
        workload: name,
        now: briefing.sighting.as_ref().map(|sighting| sighting.ordered.get()),
        current: decision.plan.at(now).map(tell),
        steps: decision.plan.after(now).iter().map(tell).collect(),
        until: decision.plan.until,
    }))
}

/// Before which turn, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Before {
    /// Turns before this number; the newest unless given.
    before: Option<u64>,
    /// How many; 100 unless given, at most 1000.
    limit: Option<usize>,
}

/// Turns that changed something, newest first.
#[utoipa::path(get, path = "/api/v1/workloads/{name}/decisions", tag = "workloads",
    params(("name" = String, Path), Before),
    responses((status = 200, body = said::Paged<said::Decision>), (status = "4XX", body = Problem)))]
pub(super) async fn decisions(
    _: Viewer,
    State(known): Shared,
    Part(name): Part<String>,
    Query(Before { before, limit }): Query<Before>,
) -> Answer<said::Paged<said::Decision>> {
    let zone = workload(&known, &name)?.zone.zone().clone();
    let limit = page::limit(limit)?;
    let turns = known.store.turns(&WorkloadName(name), before.unwrap_or(u64::MAX), limit).await?;
    let items: Vec<_> =
        turns.iter().map(|kept| decision(&kept.decision, kept.outcome.clone(), &zone)).collect();
    let next = (items.len() == limit).then(|| items.last().map(|item| item.turn.to_string())).flatten();
    Ok(Json(said::Paged { items, next }))
}

/// Why this size, why not more, why not less, why not now.
#[utoipa::path(get, path = "/api/v1/workloads/{name}/explanation", tag = "workloads", params(("name" = String, Path)),
    responses((status = 200, body = Explanation), (status = "4XX", body = Problem)))]
pub(super) async fn explanation(
    _: Viewer,
    State(known): Shared,
    Part(name): Part<String>,
) -> Answer<Explanation> {
    workload(&known, &name)?;
    let (briefing, decision) = decided(&known, &name).await?;
    Ok(Json(explain(&briefing, &decision)))
}

/// All that was known at the last turn, and what was decided: `tidecast replay` decides it again.
#[utoipa::path(get, path = "/api/v1/workloads/{name}/briefing", tag = "workloads", params(("name" = String, Path)),
    responses((status = 200, body = Object), (status = "4XX", body = Problem)))]
pub(super) async fn briefing(
    _: Viewer,
    State(known): Shared,
    Part(name): Part<String>,
) -> Answer<serde_json::Value> {
    workload(&known, &name)?;
    let (briefing, decision) = decided(&known, &name).await?;
    Ok(Json(serde_json::json!({ "version": 1, "briefing": &*briefing, "decision": &*decision })))
}

async fn decided(known: &Known, name: &str) -> Result<(Arc<pilot::Briefing>, Arc<pilot::Decision>), Problem> {
    let seat = known.board.seat(&WorkloadName(name.to_owned())).unwrap_or_default();
    let turned = seat.turned.as_ref().and_then(|turned| turned.briefing.clone().zip(turned.decision.clone()));
    let trouble = seat.trouble.map_or("its first turn has not been yet".into(), |(_, trouble)| trouble);
    turned.ok_or_else(|| {
        Problem::unready(format!("nothing has been decided for {name} since the start: {trouble}"))
    })
}

/// What the last turn sent, or would have sent.
fn sent(known: &Known, name: &str) -> Vec<String> {
    let seat = known.board.seat(&WorkloadName(name.to_owned())).unwrap_or_default();
    seat.turned.map(|turned| turned.shows.clone()).unwrap_or_default()
}

fn step(step: &pilot::Step, zone: &TimeZone) -> said::Step {
    said::Step {
        at: step.at,
        size: step.size.get(),
        because: step.because.tell(zone),
        code: step.because.code().into(),
        limits: step.limits.iter().map(|limit| limit.tell(zone)).collect(),
    }
}

fn decision(decision: &pilot::Decision, outcome: Option<String>, zone: &TimeZone) -> said::Decision {
    said::Decision {
        turn: decision.turn,
        at: decision.at,
        size: decision.size.get(),
        wanted: decision.wanted.get(),
        because: decision.because.tell(zone),
        code: decision.because.code().into(),
        limits: decision.limits.iter().map(|limit| limit.tell(zone)).collect(),
        notes: decision.notes.iter().map(|note| note.tell(zone)).collect(),
        commands: decision.commands.iter().map(ToString::to_string).collect(),
        withheld: decision.withheld.iter().map(ToString::to_string).collect(),
        outcome,
    }
}

/// What is said of a workload after its last turn.
pub(crate) fn glance(workload: &section::Workload, seat: &Seat) -> said::Workload {
    let turned = seat.turned.clone();
    let briefing = turned.as_ref().and_then(|turned| turned.briefing.clone());
    let decided = turned.as_ref().and_then(|turned| turned.decision.clone());
    let zone = workload.zone.zone();
    let now = clock();
    let demand = briefing.as_ref().and_then(|briefing| briefing.evidence.latest(now).copied());
    let issued = briefing.as_ref().and_then(|briefing| briefing.issued.clone());
    said::Workload {
        name: workload.name.as_str().into(),
        mode: word(&workload.mode),
        target: serde_json::to_value(&workload.target).unwrap_or_default(),
        state: state(workload, seat, now).into(),
        min: workload.min_replicas,
        max: workload.max_replicas,
        now: briefing.as_ref().and_then(|briefing| Some(briefing.sighting.as_ref()?.ordered.get())),
        size: decided.as_ref().map(|decision| decision.size.get()),
        wanted: decided.as_ref().map(|decision| decision.wanted.get()),
        because: decided.as_ref().map(|decision| decision.because.tell(zone)),
        next: decided.as_ref().and_then(|decision| decision.plan.after(now).first().map(|s| step(s, zone))),
        demand: demand.map(|reading| said::Measured {
            at: reading.at,
            value: reading.demand.get(),
            coverage: Some(reading.coverage),
        }),
        unit: workload.demand.unit.clone(),
        forecast: issued.map(|issued| said::ForecastAge {
            issued: issued.at,
            model: issued.forecast.model.clone(),
            fallback: issued.forecast.fallback.clone(),
        }),
        filled: turned.as_ref().map_or(0.0, |turned| turned.filled),
        turn: decided.as_ref().map(|decision| decision.turn),
        turned_at: turned.as_ref().map(|turned| turned.at),
        conditions: conditions(workload, seat, turned.as_deref(), now),
    }
}

fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn halt(briefing: &pilot::Briefing, now: Timestamp) -> Option<&pilot::Halt> {
    briefing.halts.iter().find(|halt| halt.span.holds(now))
}

fn state(workload: &section::Workload, seat: &Seat, now: Timestamp) -> &'static str {
    let briefing = seat.turned.as_ref().and_then(|turned| turned.briefing.as_ref());
    match briefing {
        _ if seat.trouble.is_some() => "troubled",
        None => "starting",
        Some(briefing) if halt(briefing, now).is_some() => "halted",
        Some(_) if workload.mode == section::Mode::Observe => "observing",
        Some(_) => "acting",
    }
}

fn conditions(
    workload: &section::Workload,
    seat: &Seat,
    turned: Option<&Turned>,
    now: Timestamp,
) -> Vec<said::Condition> {
    let condition = |kind: &str, holds: bool, why: String| said::Condition { kind: kind.into(), holds, why };
    let zone = workload.zone.zone();
    let ready = match &seat.trouble {
        Some((_, trouble)) => condition("Ready", false, trouble.clone()),
        None => condition("Ready", turned.is_some(), "turns are taken".into()),
    };
    let Some((turned, briefing, decision)) =
        turned.and_then(|turned| Some((turned, turned.briefing.as_ref()?, turned.decision.as_ref()?)))
    else {
        return vec![ready];
    };
    let fresh = match &turned.collected {
        Err(trouble) => condition("DataFresh", false, trouble.to_string()),
        Ok(collected) => {
            let quality = briefing.evidence.quality(briefing.now, SignedDuration::ZERO);
            let doubt = collected.coverage.doubt.as_ref().map(ToString::to_string);
            condition(
                "DataFresh",
                quality.is_complete() && doubt.is_none(),
                doubt.unwrap_or(quality.to_string()),
            )
        }
    };
    let forecast = match (&briefing.issued, &turned.unfit) {
        (Some(issued), None) => condition("ForecastReady", true, format!("{} speaks", issued.forecast.model)),
        (Some(issued), Some(why)) => {
            let age = now.duration_since(issued.at) < pilot::FORECAST_FRESH;
            condition("ForecastReady", age, format!("there is no newer one: {why}"))
        }
        (None, why) => {
            let why = why.clone().unwrap_or_else(|| "it is being made".into());
            condition(
                "ForecastReady",
                false,
                format!("{why}; {:.0} % of the history is there", 100.0 * turned.filled),
            )
        }
    };
    let acting = match decision
        .limits
        .iter()
        .find(|l| matches!(l, pilot::Limit::Mode { .. } | pilot::Limit::Halted(_)))
    {
        Some(limit) => condition("Acting", false, limit.tell(zone)),
        None => condition(
            "Acting",
            workload.mode != section::Mode::Observe,
            format!("the mode is {}", word(&workload.mode)),
        ),
    };
    let limited = decision.limits.first();
    let halted = halt(briefing, now);
    vec![
        ready,
        fresh,
        forecast,
        acting,
        condition(
            "Limited",
            limited.is_some(),
            limited.map_or("nothing limits it".into(), |limit| limit.tell(zone)),
        ),
        condition(
            "Halted",
            halted.is_some(),
            halted.map_or("nobody halts it".into(), |halt| halt.tell(zone)),
        ),
    ]
}
