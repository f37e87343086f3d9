use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tidecast_pilot::{self as pilot, Change, Span, WorkloadName};
use utoipa::IntoParams;

use super::door::{Operator, Viewer};
use super::limits::{DECREE_DAYS_MAX, DECREES_MAX, REASON_CHARS_MAX};
use super::page::Page;
use super::problem::{Answer, Body, Part, Problem, Query};
use super::tokens::hex;
use super::{Shared, said};
use crate::drive::{FLAG, Flag, clock};
use crate::service::Known;
use crate::store::{Decree, Scope};

/// What is decreed, now and later.
#[utoipa::path(get, path = "/api/v1/overrides", tag = "decrees", params(Page),
    responses((status = 200, body = said::Paged<said::Override>), (status = "4XX", body = Problem)))]
pub(super) async fn overrides(
    _: Viewer,
    State(known): Shared,
    Query(page): Query<Page>,
) -> Answer<said::Paged<said::Override>> {
    let all = decrees(&known).await?.into_iter().filter_map(|(scope, decree)| match decree {
        Decree::Override(decree) => Some(told_override(&scope, &decree)),
        Decree::Halt { .. } => None,
    });
    paged(all.collect(), &page, |decree| &decree.id).map(Json)
}

/// Decrees something for a span of time: a floor, a ceiling, a throughput (S7.3). It ends by itself.
#[utoipa::path(post, path = "/api/v1/overrides", tag = "decrees", request_body = said::NewOverride,
    responses((status = 201, body = said::Override), (status = "4XX", body = Problem)))]
pub(super) async fn set_override(
    Operator(caller): Operator,
    State(known): Shared,
    Body(new): Body<said::NewOverride>,
) -> Result<(StatusCode, Json<said::Override>), Problem> {
    let now = clock();
    let span = span(new.from.unwrap_or(now), new.until, now)?;
    sensible(&new.change)?;
    let decree = pilot::Override {
        id: id("o")?,
        span,
        change: new.change,
        author: caller.name,
        reason: reason(new.reason)?,
    };
    let scope = put(&known, new.workload, Decree::Override(decree.clone()), now).await?;
    Ok((StatusCode::CREATED, Json(told_override(&scope, &decree))))
}

/// Why a decree is ended before its time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Why {
    /// Why.
    reason: Option<String>,
}

/// Ends an override before its time.
#[utoipa::path(delete, path = "/api/v1/overrides/{id}", tag = "decrees", params(("id" = String, Path), Why),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(super) async fn end_override(
    caller: Operator,
    State(known): Shared,
    Part(id): Part<String>,
    Query(why): Query<Why>,
) -> Result<StatusCode, Problem> {
    end(&known, caller, &id, why, |decree| matches!(decree, Decree::Override(_))).await
}

/// Pauses and freezes.
#[utoipa::path(get, path = "/api/v1/halts", tag = "decrees", params(Page),
    responses((status = 200, body = said::Paged<said::Halt>), (status = "4XX", body = Problem)))]
pub(super) async fn halts(
    _: Viewer,
    State(known): Shared,
    Query(page): Query<Page>,
) -> Answer<said::Paged<said::Halt>> {
    let all = decrees(&known).await?.into_iter().filter_map(|(scope, decree)| match decree {
        Decree::Halt { id, halt } => Some(told_halt(&scope, id, &halt)),
        Decree::Override(_) => None,
    });
    let flag = Flag::in_folder(&known.folder).halt(clock());
    let flag = flag.iter().map(|halt| told_halt(&Scope::All, FLAG.into(), halt));
    paged(all.chain(flag).collect(), &page, |halt| &halt.id).map(Json)
}

/// Pauses a workload, or freezes all, for a span of time. Nothing is carried out from now on.
#[utoipa::path(post, path = "/api/v1/halts", tag = "decrees", request_body = said::NewHalt,
    responses((status = 201, body = said::Halt), (status = "4XX", body = Problem)))]
pub(super) async fn set_halt(
    Operator(caller): Operator,
    State(known): Shared,
    Body(new): Body<said::NewHalt>,
) -> Result<(StatusCode, Json<said::Halt>), Problem> {
    let now = clock();
    let span = span(now, new.until, now)?;
    let halt = pilot::Halt { span, what: new.what, author: caller.name, reason: reason(new.reason)? };
    let id = id("h")?;
    let scope = put(&known, new.workload, Decree::Halt { id: id.clone(), halt: halt.clone() }, now).await?;
    Ok((StatusCode::CREATED, Json(told_halt(&scope, id, &halt))))
}

/// Lifts a pause or a freeze.
#[utoipa::path(delete, path = "/api/v1/halts/{id}", tag = "decrees", params(("id" = String, Path), Why),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(super) async fn end_halt(
    caller: Operator,
    State(known): Shared,
    Part(id): Part<String>,
    Query(why): Query<Why>,
) -> Result<StatusCode, Problem> {
    if id == FLAG {
        let file = Flag::in_folder(&known.folder).file().display().to_string();
        return Err(Problem::conflict(format!(
            "it holds for as long as the file {file} is there; remove it"
        )));
    }
    end(&known, caller, &id, why, |decree| matches!(decree, Decree::Halt { .. })).await
}

/// Those that hold, or will.
async fn decrees(known: &Known) -> Result<Vec<(Scope, Decree)>, Problem> {
    let now = clock();
    let all = known.store.decrees().await?;
    let ends = |decree: &Decree| match decree {
        Decree::Override(decree) => decree.span.until(),
        Decree::Halt { halt, .. } => halt.span.until(),
    };
    Ok(all.into_iter().filter(|(_, decree)| ends(decree) > now).collect())
}

fn paged<T>(mut all: Vec<T>, page: &Page, id: impl Fn(&T) -> &String) -> Result<said::Paged<T>, Problem> {
    let limit = page.limit()?;
    all.sort_by(|a, b| id(a).cmp(id(b)));
    if let Some(after) = &page.after {
        all.retain(|item| id(item) > after);
    }
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(|item| id(item).clone());
    Ok(said::Paged { items: all, next })
}

async fn put(
    known: &Known,
    workload: Option<String>,
    decree: Decree,
    now: Timestamp,
) -> Result<Scope, Problem> {
    let scope = match workload {
        None => Scope::All,
        Some(name) => {
            super::workloads::workload(known, &name)?;
            Scope::One(WorkloadName(name))
        }
    };
    if decrees(known).await?.len() >= DECREES_MAX {
        return Err(Problem::conflict(format!("{DECREES_MAX} decrees are in force; end some first")));
    }
    known.store.decree(&scope, &decree, now).await?;
    heed(known, &scope);
    Ok(scope)
}

async fn end(
    known: &Known,
    Operator(caller): Operator,
    id: &str,
    Why { reason: why }: Why,
    is: impl Fn(&Decree) -> bool,
) -> Result<StatusCode, Problem> {
    let all = known.store.decrees().await?;
    let found = all.iter().find(|(_, decree)| decree.id() == id && is(decree));
    let none = || Problem::not_found(format!("there is nothing of the id {id:?} to end"));
    let (scope, _) = found.ok_or_else(none)?;
    let why = why.map_or_else(|| Ok("ended by hand".into()), reason)?;
    if !known.store.withdraw(id, &caller.name, &why, clock()).await? {
        return Err(none());
    }
    heed(known, scope);
    Ok(StatusCode::NO_CONTENT)
}

/// Turns under way decide again, and the workload's next turn is now.
fn heed(known: &Known, scope: &Scope) {
    match scope {
        Scope::All => known.board.heed(None),
        Scope::One(workload) => known.board.heed(Some(workload)),
    }
}

fn span(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<Span, Problem> {
    let span = Span::new(from, until).map_err(Problem::unusable)?;
    if until <= now {
        return Err(Problem::unusable(format!("{until} is over already")));
    }
    let most = SignedDuration::from_hours(24 * DECREE_DAYS_MAX);
    if until.duration_since(from) > most || from.duration_since(now) > most {
        return Err(Problem::unusable(format!("a decree holds for at most {DECREE_DAYS_MAX} days")));
    }
    Ok(span)
}

fn sensible(change: &Change) -> Result<(), Problem> {
    match change {
        Change::PadPercent(percent) if !(0.0..=1_000.0).contains(percent) => {
            Err(Problem::unusable(format!("padPercent is {percent}; it lies between 0 and 1000")))
        }
        _ => Ok(()),
    }
}

fn reason(reason: String) -> Result<String, Problem> {
    match reason.trim().chars().count() {
        0 => Err(Problem::unusable("a reason is needed, for those who will ask")),
        1..=REASON_CHARS_MAX => Ok(reason.trim().to_owned()),
        chars => {
            Err(Problem::unusable(format!("the reason has {chars} characters; at most {REASON_CHARS_MAX}")))
        }
    }
}

fn id(kind: &str) -> Result<String, Problem> {
    let mut bits = [0; 6];
    getrandom::fill(&mut bits)
        .map_err(|why| Problem::unready(format!("the system gives no random bits: {why}")))?;
    Ok(format!("{kind}-{}", hex(&bits)))
}

fn named(scope: &Scope) -> Option<String> {
    match scope {
        Scope::All => None,
        Scope::One(workload) => Some(workload.0.clone()),
    }
}

fn told_override(scope: &Scope, decree: &pilot::Override) -> said::Override {
    said::Override {
        id: decree.id.clone(),
        workload: named(scope),
        change: decree.change,
        from: decree.span.from(),
        until: decree.span.until(),
        author: decree.author.clone(),
        reason: decree.reason.clone(),
    }
}

fn told_halt(scope: &Scope, id: String, halt: &pilot::Halt) -> said::Halt {
    said::Halt {
        id,
        workload: named(scope),
        what: halt.what,
        from: halt.span.from(),
        until: halt.span.until(),
        author: halt.author.clone(),
        reason: halt.reason.clone(),
    }
}
