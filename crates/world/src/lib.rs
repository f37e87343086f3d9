//! Rehearsal: the production decisions in virtual time, against clouds that take time and fail.
//!
//! The law of this crate is that everything comes from its arguments and a seed: it does no I/O and reads no clock,
//! and two runs with one seed are byte-equal. It may draw chance, from one stream per purpose.
//!
//! Read in this order: a [`Trace`] is demand minute by minute; a [`Policy`] decides how many servers a [`Fleet`]
//! has; [`simulate`] plays one upon the other and gives a [`Run`] with its [`Timeline`] and [`Scorecard`], which
//! judges it against the [`optimum`] of one who knew everything.

mod chance;
mod chart;
mod fleet;
mod foresight;
mod lookout;
mod menu;
mod oracle;
mod policy;
mod replay;
mod scorecard;
mod signals;
mod simulate;
mod timeline;
mod trace;
mod traffic;
mod tuner;
mod window;

pub use chance::{Chance, Purpose};
pub use chart::Chart;
pub use fleet::Fleet;
pub use lookout::Lookout;
pub use menu::{Choice, Source};
pub use oracle::{optimum, oracle};
pub use policy::{NoSuchPolicy, Policy};
pub use scorecard::Scorecard;
pub use simulate::{Run, Setup, Stage, simulate};
pub use timeline::Timeline;
pub use trace::{BIN, DAY, DAY_BINS, Trace};
pub use traffic::{Again, Event, Traffic};
