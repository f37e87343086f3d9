//! Demand as a distribution: series in, forecast out.
//!
//! The law of this crate is mathematics. It does no I/O, reads no clock, draws no chance, and has no word for
//! the machines that will serve the demand: what is predicted here must not change with the prediction
//! (SPEC S7.1). Everything is a total function of its arguments, so the same history gives the same bytes.
//!
//! Read in this order: a [`Grid`] is a regular axis of time; [`Samples`] are measurements as they arrived and
//! become a [`Series`] with every [`Repair`] named; a [`Model`] fitted to a series gives a [`Forecast`], which
//! has a [`Fan`] of quantiles for each future point, or says why it is [`Unfit`].

mod grid;
mod samples;
mod axis;
mod series;
mod season;
mod periods;
mod spectrum;
mod profile;
mod repair;
mod anomaly;
mod shift;
mod lookout;
mod readiness;
mod fan;
mod model;
pub mod past;
pub mod method;
pub mod models;
mod ensemble;
mod calibrated;
mod civil;
mod lane;
mod ranked;
mod hindsight;
mod nowcast;
mod tape;
mod tune;
mod backtest;
mod score;
mod reference;
pub mod linalg;

pub use backtest::{Backtest, Fallback, Unwatched, Watch, backtest, leak};
pub use calibrated::{Calibrated, Leads};
pub use civil::InCivilTime;
pub use fan::{Fan, Forecast, LEVELS, level_index};
pub use grid::{DAY_S, Grid, HOUR_S, WEEK_S};
pub use hindsight::Hindsight;
pub use lookout::{Lookout, Verdict};
pub use model::{Fitted, Model, Unfit};
pub use nowcast::{FLAVOURS, Flavour, Nowcast};
pub use readiness::{Doubt, Readiness, readiness};
pub use reference::WeeklyNaive;
pub use repair::{Finding, FindingKind, Repaired, repair};
pub use samples::{Gathered, POINTS_MAX, Repair, RepairKind, Sample, Samples, Useless, VALUE_MAX};
pub use score::{Lead, Measures, Protocol, Row, SCORED_LEVELS, Unscorable, geometric_mean, leads, pinball};
pub use season::{STRENGTH_MIN, Season, Seasons, seasons};
pub use series::Series;
pub use tape::{Tape, Taped};
pub use tune::{Tunable, Tuned, TunedLead, tune};
