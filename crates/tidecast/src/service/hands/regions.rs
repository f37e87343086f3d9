//! The ways to regions of AWS, and what their CloudWatch shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;

use crate::aws::{Ec2, Region};
use crate::config::section::{self, AsgAction, AsgTarget, CloudwatchSource, Demand, Ec2Target};
use crate::config::word::Link;
use crate::scaler::{self, Asg, Ec2Fleet, Launch};
use crate::source::{CloudWatch, Counted, Metric, Statistic, Watch};
use crate::trouble::Trouble;

/// One way to each region that somebody has asked for, so that all who ask it keep to one rate and ask together. They
/// outlive readings of the configuration, for what was learned about rates holds on.
#[derive(Debug, Clone, Default)]
pub(in crate::service) struct Regions(Arc<Mutex<BTreeMap<Key, Way>>>);

/// A region's name, and its address if it is another than AWS's own.
type Key = (String, Option<String>);

#[derive(Debug, Clone)]
struct Way {
    region: Arc<Region>,
    watch: Arc<Watch>,
}

impl Regions {
    fn way(&self, name: &str, endpoint: Option<&Link>) -> Way {
        let key = (name.to_owned(), endpoint.map(ToString::to_string));
        let mut ways = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let made = || {
            let region = Arc::new(Region::new(name, endpoint.map(ToString::to_string)));
            Way { watch: Arc::new(Watch::new(region.clone())), region }
        };
        ways.entry(key).or_insert_with(made).clone()
    }

    /// The scaler of a group.
    pub(super) fn asg(&self, target: &AsgTarget) -> Asg {
        let lower_ahead = SignedDuration::try_from(target.lower_ahead.0).unwrap_or(SignedDuration::MAX);
        let action = match target.action {
            AsgAction::Schedule => scaler::AsgAction::Schedule { lower_ahead },
            AsgAction::Direct => scaler::AsgAction::Direct,
        };
        let region = self.way(&target.region, target.endpoint.as_ref()).region;
        Asg::new(region, &target.group, action)
    }

    /// The scaler of instances outside of groups.
    ///
    /// # Errors
    /// [`Trouble`] when the address may not be asked.
    pub(super) fn ec2(&self, target: &Ec2Target) -> Result<Ec2Fleet, Trouble> {
        let region = self.way(&target.region, target.endpoint.as_ref()).region;
        let endpoint = target.endpoint.as_ref().map(ToString::to_string);
        let ec2 = Ec2::new(region, endpoint.as_deref())?;
        let (template, subnet) = (target.launch_template.clone(), target.subnet.clone());
        Ok(Ec2Fleet::new(ec2, &target.fleet, Launch { template, subnet }))
    }

    /// The source of a demand that CloudWatch measures.
    ///
    /// # Errors
    /// [`Trouble`] when it does not say which metric that is.
    pub(in crate::service) fn cloudwatch(
        &self,
        section: &CloudwatchSource,
        demand: &Demand,
    ) -> Result<CloudWatch, Trouble> {
        let told = demand.metric.as_ref().ok_or_else(|| Trouble::Unusable {
            who: format!("the source {}", demand.source),
            why: "the demand names no metric".into(),
        })?;
        let watch = self.way(&section.region, section.endpoint.as_ref()).watch;
        Ok(CloudWatch::new(watch, metric(told), demand.step.as_seconds()))
    }
}

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
