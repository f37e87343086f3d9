use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tidecast_pilot::Issued;
use utoipa::IntoParams;

use super::door::Viewer;
use super::limits::ACCURACY_DAYS_MAX;
use super::problem::{Answer, Part, Problem, Query};
use super::{Shared, said};
use crate::drive::clock;
use crate::service::Known;
use crate::trouble::Trouble;

/// Over how many days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Over {
    /// 1 to 8; 7 unless given.
    days: Option<i64>,
}

/// The leads, in minutes.
const LEADS: [i64; 5] = [15, 60, 360, 1_440, 2_880];

/// How the forecasts that are kept have fared against what was measured since (S11.1).
#[utoipa::path(get, path = "/api/v1/workloads/{name}/accuracy", tag = "workloads", params(("name" = String, Path), Over),
    responses((status = 200, body = said::Accuracy), (status = "4XX", body = Problem)))]
pub(super) async fn accuracy(
    _: Viewer,
    State(known): Shared,
    Part(name): Part<String>,
    Query(Over { days }): Query<Over>,
) -> Answer<said::Accuracy> {
    super::workloads::workload(&known, &name)?;
    let days = days.unwrap_or(7);
    if !(1..=ACCURACY_DAYS_MAX).contains(&days) {
        return Err(Problem::unusable(format!("days is {days}; it lies between 1 and {ACCURACY_DAYS_MAX}")));
    }
    Ok(Json(fared(&known, &name, days).await?))
}

/// How a workload's forecasts of the last days have fared.
///
/// # Errors
/// [`Trouble`] when the history cannot be read.
pub(crate) async fn fared(known: &Known, name: &str, days: i64) -> Result<said::Accuracy, Trouble> {
    let now = clock();
    let since = now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN);
    let measured = known.history.read(name, since, now).await?.0;
    let mut fared = [Fared::default(); LEADS.len()];
    for issued in known.history.issued(name).await?.into_iter().filter(|at| *at >= since) {
        if let Some(issued) = known.history.forecast(name, issued).await? {
            judge(&issued, &peaks(&measured, issued.forecast.grid().step_s), now, &mut fared);
        }
    }
    let leads = LEADS.iter().zip(&fared).map(|(minutes, fared)| fared.told(*minutes)).collect();
    Ok(said::Accuracy { workload: name.to_owned(), days, leads })
}

/// The most that was measured in each step, as it is forecast.
fn peaks(measured: &[tidecast_forecast::Sample], step_s: i64) -> BTreeMap<i64, f64> {
    let mut peaks: BTreeMap<i64, f64> = BTreeMap::new();
    for sample in measured {
        let peak = peaks.entry(sample.time.as_second().div_euclid(step_s)).or_default();
        *peak = peak.max(sample.value);
    }
    peaks
}

fn judge(issued: &Issued, measured: &BTreeMap<i64, f64>, now: Timestamp, fared: &mut [Fared; LEADS.len()]) {
    let grid = issued.forecast.grid();
    for (i, fan) in issued.forecast.fans().iter().enumerate() {
        let begin = grid.at(i).as_second();
        if begin + grid.step_s > now.as_second() {
            return;
        }
        let lead = (begin + grid.step_s - issued.at.as_second()).max(0) / 60;
        let actual = measured.get(&begin.div_euclid(grid.step_s));
        if let (Some(bucket), Some(actual)) = (LEADS.iter().position(|minutes| lead <= *minutes), actual) {
            fared[bucket].add(*actual, fan);
        }
    }
}

/// How forecasts of one lead have fared.
#[derive(Debug, Clone, Copy, Default)]
struct Fared {
    steps: usize,
    actual: f64,
    apart: f64,
    off: f64,
    within_80: usize,
    below_99: usize,
}

impl Fared {
    fn add(&mut self, actual: f64, fan: &tidecast_forecast::Fan) {
        self.steps += 1;
        self.actual += actual;
        self.apart += (actual - fan.point).abs();
        self.off += actual - fan.point;
        self.within_80 += usize::from((fan.at(0.1)..=fan.at(0.9)).contains(&actual));
        self.below_99 += usize::from(actual <= fan.at(0.99));
    }

    fn told(&self, minutes: i64) -> said::LeadAccuracy {
        let share = |part: f64, of: f64| (of > 0.0).then(|| part / of);
        let steps = self.steps as f64;
        said::LeadAccuracy {
            minutes,
            steps: self.steps,
            wape: share(self.apart, self.actual),
            bias: share(self.off, self.actual),
            within_80: share(self.within_80 as f64, steps),
            below_99: share(self.below_99 as f64, steps),
        }
    }
}
