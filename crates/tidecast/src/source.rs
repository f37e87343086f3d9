//! Where measured demand comes from: a pluggable list (S3.1).
//!
//! A [`Source`] hands out what was measured in a span of time, and counts what stands behind the newest of it.
//! Two rules hold for each: what is not a finite number from zero up is unknown and named in a [`Remark`], never
//! zero; and an empty answer is an answer about the measuring, not about the load.
//!
//! Read in this order: the trait; [`Prometheus`], [`CsvFile`] and [`Inbox`], which are sources; [`Guard`], which
//! tells falling load from lost scrapes; [`Collector`], which asks for no more than is new.

#[cfg(feature = "aws")]
mod cloudwatch;
mod census;
mod collect;
mod coverage;
mod csv_file;
mod prometheus;
mod pulse;
mod push;
mod remark;
mod rhythm;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::Samples;

pub use census::{Census, Headcount};
#[cfg(feature = "aws")]
pub use cloudwatch::{CloudWatch, Counted, Metric, Statistic, Watch};
pub use collect::{BackFill, Collected, Collector, Progress};
pub use coverage::{Count, Coverage, Doubt, Guard, Part};
pub use csv_file::CsvFile;
pub use prometheus::{
    NotPerNode, PerNode, Prometheus, PrometheusCensus, Query, Selector, Server as PrometheusServer, selectors,
};
pub use pulse::Pulse;
pub use push::{Inbox, Pushed};
pub use remark::{Remark, RemarkKind};
pub use rhythm::Rhythm;

use crate::trouble::Trouble;

/// One series of measured demand.
#[async_trait]
pub trait Source: std::fmt::Debug + Send + Sync {
    /// What reasons and logs call it.
    fn name(&self) -> String;

    /// What was measured from `since` to `until`, both included; `until` is not in the future.
    ///
    /// # Errors
    /// [`Trouble`] when nothing can be known about that span. An empty answer is not an error.
    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble>;

    /// How much stands behind what was measured at `now`; none if this source has nothing to count.
    ///
    /// # Errors
    /// [`Trouble`] when the count cannot be had.
    async fn count(&self, now: Timestamp) -> Result<Option<Count>, Trouble>;

    /// The span in which the samples of a count lie.
    fn count_window(&self) -> SignedDuration {
        SignedDuration::from_mins(5)
    }

    /// How long after its sample's time a measurement is complete: zero for a momentary value, about half of
    /// the window for a rate. A sample is named by the time in the middle of which it was measured.
    fn lag(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    /// Whether lost parts make what it says too small, rather than absent: as a sum over targets is.
    fn is_falsified_by_loss(&self) -> bool {
        true
    }
}

/// What a source handed out, and what is to be said about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    /// Finite values from zero up, in the order in which they came.
    pub samples: Samples,
    /// What was left out, and why.
    pub remarks: Vec<Remark>,
    /// Why the source itself says that something is missing, if it does.
    pub partial: Option<String>,
}

impl Taken {
    /// This and what was taken after it.
    pub fn and(mut self, later: Self) -> Self {
        self.samples.0.extend(later.samples.0);
        remark::merge(&mut self.remarks, later.remarks);
        self.partial = self.partial.or(later.partial);
        self
    }
}
