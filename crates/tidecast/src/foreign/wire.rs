//! What is asked of a foreign model, and what of its answer is believed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidecast_forecast::{Grid, Series};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    now: String,
    horizon_seconds: i64,
    step_seconds: i64,
    features: Vec<Feature>,
}

#[derive(Serialize)]
struct Feature {
    ts: String,
    value: f64,
}

/// What is not known is not sent: unknown is never zero.
pub(super) fn question(history: &Series, horizon: Grid) -> Vec<u8> {
    let grid = history.grid();
    let known = grid.times().zip(history.values()).filter(|(_, value)| value.is_finite());
    let question = Question {
        now: grid.end().to_string(),
        horizon_seconds: horizon.step_s * horizon.len as i64,
        step_seconds: horizon.step_s,
        features: known.map(|(time, value)| Feature { ts: time.to_string(), value: *value }).collect(),
    };
    serde_json::to_vec(&question).expect("times and finite numbers are JSON")
}

#[derive(Deserialize)]
struct Answer {
    values: Vec<Option<f64>>,
    #[serde(default)]
    quantiles: BTreeMap<String, Vec<Option<f64>>>,
}

/// An answer of which every number was checked.
#[derive(Debug, PartialEq)]
pub(super) struct Answered {
    pub(super) values: Vec<f64>,
    /// By level, ascending.
    quantiles: Vec<(f64, Vec<f64>)>,
}

impl Answered {
    /// What it says of a level, linear between those it names; nothing beyond them.
    pub(super) fn quantile(&self, level: f64, i: usize) -> Option<f64> {
        let above = self.quantiles.iter().position(|(known, _)| *known >= level - 1e-9)?;
        let (high, values) = &self.quantiles[above];
        if (high - level).abs() < 1e-9 {
            return Some(values[i]);
        }
        let (low, below) = &self.quantiles[above.checked_sub(1)?];
        let share = (level - low) / (high - low);
        Some(below[i] + share * (values[i] - below[i]))
    }
}

/// The largest value that is believed: as for measurements.
const VALUE_MAX: f64 = 1e30;

/// Reads an answer that must have `len` values.
pub(super) fn read(body: &[u8], len: usize) -> Result<Answered, String> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|why| format!("its answer cannot be read: {why}"))?;
    let values = checked("values", answer.values, len)?;
    let mut quantiles = Vec::new();
    for (level, at) in answer.quantiles {
        let name = format!("quantiles[{level:?}]");
        let level = level.parse().ok().filter(|l| *l > 0.0 && *l < 1.0);
        let level: f64 = level.ok_or_else(|| format!("{name} is no level between 0 and 1"))?;
        quantiles.push((level, checked(&name, at, len)?));
    }
    quantiles.sort_by(|a, b| a.0.total_cmp(&b.0));
    for pair in quantiles.windows(2) {
        if let Some(i) = (0..len).find(|i| pair[0].1[*i] > pair[1].1[*i]) {
            return Err(format!(
                "its quantile {} lies above its quantile {} at step {i}",
                pair[0].0, pair[1].0
            ));
        }
    }
    Ok(Answered { values, quantiles })
}

fn checked(name: &str, values: Vec<Option<f64>>, len: usize) -> Result<Vec<f64>, String> {
    if values.len() != len {
        return Err(format!("{name} has {} numbers, {len} were asked for", values.len()));
    }
    let sound = |value: &Option<f64>| value.is_some_and(|v| (0.0..=VALUE_MAX).contains(&v));
    match values.iter().position(|value| !sound(value)) {
        Some(i) => Err(format!(
            "{name}[{i}] is {}, and demand is a number from 0 to 10³⁰",
            values[i].map_or("null".into(), |v| v.to_string())
        )),
        None => Ok(values.into_iter().flatten().collect()),
    }
}
