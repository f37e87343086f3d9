use serde::Deserialize;
use utoipa::IntoParams;

use super::limits::{PAGE_DEFAULT, PAGE_MAX};
use super::problem::Problem;

/// Which part of a long list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Where to go on: `next` of the page before.
    pub(super) after: Option<String>,
    /// How many entries; 100 unless given, at most 1000.
    pub(super) limit: Option<usize>,
}

impl Page {
    /// How many.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        limit(self.limit)
    }
}

/// How many, if that many may be asked for.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(PAGE_DEFAULT) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        limit => Err(Problem::unusable(format!("limit is {limit}; it lies between 1 and {PAGE_MAX}"))),
    }
}
