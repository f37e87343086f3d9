//! Rehearsal: the production decisions in virtual time, against clouds that take time and fail.
//!
//! The law of this crate is that everything comes from its arguments and a seed: it does no I/O and reads no clock,
//! and two runs with one seed are byte-equal. It may draw chance, from one stream per purpose.
//!
//! Read in this order: a [`Trace`] is demand minute by minute; a [`Policy`] decides how many servers a [`Fleet`]
//! has; [`simulate`] plays one upon the other and gives a [`Run`] with its [`Timeline`] and [`Scorecard`], which
//! judges it against the [`optimum`] of one who knew everything. Where it shall be the whole control loop, a
//! [`Rehearsal`] is a world as data: the production turns against a [`Cloud`] while [`Spell`]s of trouble pass; the
//! [`swarm`] makes such worlds from seeds and watches that no [`Invariant`] breaks.

pub mod aws;
mod chance;
mod chart;
mod cloud;
mod fleet;
mod foresight;
mod invariants;
pub mod kubernetes;
mod made;
mod modelled;
mod oracle;
mod policy;
mod practice;
mod rehearsal;
mod scorecard;
mod sessions;
mod simulate;
mod story;
mod swarm;
mod timeline;
mod trace;
mod traffic;
mod weather;
mod window;
mod worlds;

pub use chance::{Chance, Purpose};
pub use chart::Chart;
pub use cloud::Cloud;
pub use fleet::Fleet;
pub use invariants::{Breach, Invariant, Watch, turns_round};
pub use made::MadeForecasts;
pub use modelled::Modelled;
pub use oracle::{optimum, oracle};
pub use policy::{NoSuchPolicy, Policy};
pub use rehearsal::{Decider, Forecaster, Measured, Production, Rehearsal, Scene, Ways};
pub use scorecard::Scorecard;
pub use sessions::Sessions;
pub use simulate::{Run, Setup, Stage, simulate};
pub use story::{Expectation, Foretold, Story, Stretch, Told, Trouble};
pub use swarm::{Failure, Played, swarm};
pub use timeline::Timeline;
pub use trace::{BIN, DAY, DAY_BINS, Trace};
pub use traffic::{Again, Event, Traffic};
pub use weather::{Fault, Spell, Weather};
pub use worlds::{DAYS, world};
