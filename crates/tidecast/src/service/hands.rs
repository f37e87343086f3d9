//! The hands that carry decisions out, made from what the configuration says of each target.

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "aws")]
use jiff::SignedDuration;

#[cfg(feature = "aws")]
use crate::aws::Region;
#[cfg(feature = "aws")]
use crate::config::section::{self, AsgTarget, CloudwatchSource, Demand};
use crate::config::section::{Target, Workload};
#[cfg(feature = "aws")]
use crate::config::word::Link;
use crate::config::{Config, secrets_folder};
#[cfg(feature = "aws")]
use crate::scaler::{Asg, AsgAction};
use crate::scaler::{Scaler, Shown};
#[cfg(feature = "aws")]
use crate::source::{CloudWatch, Counted, Metric, Statistic, Watch};
use crate::trouble::Trouble;

/// What hands share: the ways to clusters, clouds and addresses, one for each, however many workloads use it.
#[derive(Debug)]
pub(super) struct Hands {
    /// Where files that the configuration names lie.
    #[expect(dead_code, reason = "for hands that read files")]
    folder: PathBuf,
    /// Where secrets lie.
    #[expect(dead_code, reason = "for hands that sign")]
    secrets: PathBuf,
    /// Regions of AWS that somebody has asked for, by name and address.
    #[cfg(feature = "aws")]
    regions: Regions,
    /// What their CloudWatch shows, likewise.
    #[cfg(feature = "aws")]
    watches: Watches,
}

/// What regions' CloudWatch shows, one for each, so that all workloads are asked for together.
#[cfg(feature = "aws")]
type Watches = std::sync::Mutex<std::collections::BTreeMap<(String, Option<String>), Arc<Watch>>>;

/// The ways to regions of AWS: one for each, so that all who ask it keep to one rate.
#[cfg(feature = "aws")]
type Regions =
    std::sync::Mutex<std::collections::BTreeMap<(String, Option<String>), Arc<crate::aws::Region>>>;

impl Hands {
    pub(super) fn new(config: &Config, folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            secrets: secrets_folder(config, folder),
            #[cfg(feature = "aws")]
            regions: Regions::default(),
            #[cfg(feature = "aws")]
            watches: Watches::default(),
        }
    }

    /// Who carries decisions out for a workload, by the kind of its target: the list of actions, a line each.
    ///
    /// # Errors
    /// [`Trouble`] when the settings of the target cannot work.
    pub(super) fn scaler(&self, workload: &Workload) -> Result<Arc<dyn Scaler>, Trouble> {
        Ok(match &workload.target {
            Target::None(_) => Arc::new(Shown),
            Target::Kubernetes(_) => Arc::new(Shown),
            Target::Keda(_) => Arc::new(Shown),
            #[cfg(feature = "aws")]
            Target::Asg(target) => Arc::new(self.asg(target)),
            #[cfg(not(feature = "aws"))]
            Target::Asg(_) => return Err(left_out("aws")),
            Target::Webhook(_) => Arc::new(Shown),
        })
    }

    #[cfg(feature = "aws")]
    fn asg(&self, target: &AsgTarget) -> Asg {
        let lower_ahead = SignedDuration::try_from(target.lower_ahead.0).unwrap_or(SignedDuration::MAX);
        let action = match target.action {
            section::AsgAction::Schedule => AsgAction::Schedule { lower_ahead },
            section::AsgAction::Direct => AsgAction::Direct,
        };
        Asg::new(self.region(&target.region, target.endpoint.as_ref()), &target.group, action)
    }

    /// The source of a demand that CloudWatch measures.
    ///
    /// # Errors
    /// [`Trouble`] when it does not say which metric that is.
    #[cfg(feature = "aws")]
    pub(super) fn cloudwatch(
        &self,
        section: &CloudwatchSource,
        demand: &Demand,
    ) -> Result<CloudWatch, Trouble> {
        let told = demand.metric.as_ref().ok_or_else(|| Trouble::Unusable {
            who: format!("the source {}", demand.source),
            why: "the demand names no metric".into(),
        })?;
        let key = (section.region.clone(), section.endpoint.as_ref().map(ToString::to_string));
        let region = self.region(&section.region, section.endpoint.as_ref());
        let mut watches = self.watches.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let watch = watches.entry(key).or_insert_with(|| Arc::new(Watch::new(region))).clone();
        Ok(CloudWatch::new(watch, metric(told), demand.step.as_seconds()))
    }

    /// The way to a region, the same for all who ask for it.
    #[cfg(feature = "aws")]
    pub(super) fn region(&self, name: &str, endpoint: Option<&Link>) -> Arc<Region> {
        let key = (name.to_owned(), endpoint.map(ToString::to_string));
        let mut regions = self.regions.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        regions.entry(key.clone()).or_insert_with(|| Arc::new(Region::new(key.0, key.1))).clone()
    }
}

#[cfg(feature = "aws")]
fn metric(told: &section::Metric) -> Metric {
    Metric {
        namespace: told.namespace.clone(),
        name: told.name.clone(),
        dimensions: told.dimensions.clone(),
        statistic: match told.statistic {
            section::Statistic::Sum => Statistic::Sum,
            section::Statistic::Average => Statistic::Average,
            section::Statistic::Maximum => Statistic::Maximum,
        },
        coverage: match told.count {
            section::Counted::Newest => Counted::Newest,
            section::Counted::Samples => Counted::Samples,
        },
    }
}

/// A hand that this binary was built without.
#[cfg(not(feature = "aws"))]
pub(super) fn left_out(feature: &str) -> Trouble {
    let why = format!("this binary was built without the feature `{feature}`");
    Trouble::Unusable { who: "the target".into(), why }
}
