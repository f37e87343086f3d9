//! Judgment: a briefing goes in, a decision comes out.
//!
//! The law of this crate is that everything is a total, pure function. It does no I/O, reads no clock, draws no
//! chance, and never fails: what is missing becomes a [`Note`], what is refused becomes a [`Limit`], and both say why.
//!
//! Read in this order: [`Demand`] divided by [`Throughput`] is a [`Size`]; a [`Workload`] is what the operator tells,
//! [`Evidence`] what was measured, a [`Sighting`] what the fleet looks like, an [`Override`] what somebody decrees for
//! a while, and [`Lessons`] what was learned; together with a forecast they are a [`Briefing`], and deciding makes
//! of it a [`Decision`] with a [`Plan`], [`Command`]s, and a [`Reason`] for every size.
//!
//! Three rules hold everywhere. Unknown is never zero: lost measurements never lower a size. No decision is a
//! function of the current size alone. Growing is always allowed up to the bound; shrinking needs a forecast, fresh
//! and complete measurements, and budget left.

mod units;

mod briefing;
pub mod calendar;
mod command;
mod decide;
mod decision;
mod digest;
mod dip;
mod drain;
mod evidence;
mod flaws;
mod kept;
mod learn;
mod lessons;
mod note;
mod overrides;
mod plan;
pub mod planner;
mod planning;
mod reason;
mod reconcile;
mod share;
mod sighting;
mod sizing;
mod told;
mod tuning;
mod vigil;
mod workload;

pub use briefing::{Briefing, FORECAST_FRESH, Halt, Halted, Issued};
pub use command::Command;
pub use decide::decide;
pub use decision::{Allowed, Decision, Move};
pub use drain::{Drain, DrainOrder};
pub use evidence::{COMPLETE, Evidence, Quality, Reading};
pub use flaws::{Flaw, flaws};
pub use kept::Kept;
pub use learn::{learn, learn_fleet};
pub use lessons::{Drift, Lessons, Load};
pub use note::{Note, Shortage};
pub use overrides::{Change, EmptySpan, Override, Span};
pub use plan::{Basis, Plan, Step};
pub use planning::{PLAN_STEP_S, Planned, plan};
pub use reason::{Limit, Reason};
pub use reconcile::{Reconciled, reconcile};
pub use share::{Share, Shared};
pub use sighting::{Node, NodeName, Phase, Sessions, Sighting};
pub use sizing::{Sized, Sizer};
pub use tuning::{Ground, Menu, Nowcasted, Rated, Sizing, Source, Tuning, Way};
pub use units::{Demand, Size, Throughput, Unsound};
pub use vigil::{Stuck, Unready, Vigil};
pub use workload::{
    Batch, Bounds, Budget, Buffer, Costs, EmptyBounds, Level, Mode, NoLevel, Ramp, Rate, Told, Workload,
    WorkloadName,
};
