//! The hands that carry decisions out, made from what the configuration says of each target.

#[cfg(feature = "kubernetes")]
mod clusters;
mod edges;
#[cfg(feature = "aws")]
mod regions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "kubernetes")]
use jiff::SignedDuration;
use tidecast_pilot::WorkloadName;

use crate::config::section::{KedaAction, Target, Workload};
use crate::config::{Config, secrets_folder};
use crate::scaler::{Answers, Asked, Scaler, Seen, Shown, Tally};
use crate::trouble::Trouble;

/// What hands keep in common across readings of the configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    /// The clusters that somebody is in.
    #[cfg(feature = "kubernetes")]
    clusters: clusters::Known,
    /// The regions of AWS that somebody has asked for.
    #[cfg(feature = "aws")]
    regions: regions::Regions,
}

/// What hands share: the ways to clusters, clouds and addresses, one for each, however many workloads use it.
#[derive(Debug)]
pub(super) struct Hands {
    /// Where files that the configuration names lie.
    folder: PathBuf,
    /// Where secrets lie.
    secrets: PathBuf,
    #[cfg(feature = "kubernetes")]
    clusters: clusters::Clusters,
    #[cfg(feature = "aws")]
    pub(super) regions: regions::Regions,
    /// What autoscalers that ask us were told.
    answers: Arc<Answers>,
}

impl Hands {
    pub(super) fn new(config: &Config, folder: &Path, shared: &Shared, answers: Arc<Answers>) -> Self {
        #[cfg(not(any(feature = "kubernetes", feature = "aws")))]
        let _ = shared;
        Self {
            folder: folder.to_owned(),
            secrets: secrets_folder(config, folder),
            answers,
            #[cfg(feature = "kubernetes")]
            clusters: clusters::Clusters::of(config, folder, &shared.clusters),
            #[cfg(feature = "aws")]
            regions: shared.regions.clone(),
        }
    }

    /// The cluster of this name.
    #[cfg(feature = "kubernetes")]
    pub(super) fn cluster(
        &self,
        named: Option<&crate::config::word::Name>,
    ) -> Result<Arc<crate::scaler::kubernetes::Cluster>, Trouble> {
        self.clusters.cluster(named)
    }

    /// Who carries decisions out for a workload, by the kind of its target: the list of actions, a line each.
    ///
    /// `tally` is asked once more before a server is ended.
    ///
    /// # Errors
    /// [`Trouble`] when the settings of the target cannot work.
    pub(super) fn scaler(
        &self,
        workload: &Workload,
        #[cfg_attr(
            not(any(feature = "kubernetes", feature = "aws")),
            expect(unused_variables, reason = "for those who end")
        )]
        tally: Option<Arc<Tally>>,
    ) -> Result<Arc<dyn Scaler>, Trouble> {
        Ok(match &workload.target {
            Target::None(_) => Arc::new(Shown),
            Target::Keda(keda) if keda.action == KedaAction::Trigger => {
                self.asked(workload, "KEDA", Seen::AsTold)
            }
            #[cfg(feature = "kubernetes")]
            Target::Kubernetes(target) => {
                let hand = self.clusters.target(workload.name.as_str(), target)?.counting(tally);
                let fresh = workload.drain.as_ref().map(|drain| drain.fresh_for.0);
                Arc::new(match fresh.and_then(|fresh| SignedDuration::try_from(fresh).ok()) {
                    Some(fresh_for) => hand.believing(fresh_for),
                    None => hand,
                })
            }
            #[cfg(feature = "kubernetes")]
            Target::Keda(target) => Arc::new(self.clusters.scaled_object(workload.name.as_str(), target)?),
            #[cfg(not(feature = "kubernetes"))]
            Target::Kubernetes(_) | Target::Keda(_) => return Err(left_out("kubernetes")),
            #[cfg(feature = "aws")]
            Target::Asg(target) => Arc::new(self.regions.asg(target).counting(tally)),
            #[cfg(feature = "aws")]
            Target::Ec2(target) => Arc::new(self.regions.ec2(target)?.counting(tally)),
            #[cfg(not(feature = "aws"))]
            Target::Asg(_) | Target::Ec2(_) => return Err(left_out("aws")),
            Target::Webhook(webhook) => Arc::new(edges::webhook(self, workload, webhook)?),
            Target::Command(command) => Arc::new(edges::command(self, workload, command)),
            Target::Agones(_) => self.asked(workload, "the FleetAutoscaler", Seen::AsShown),
            Target::Jitsi(jitsi) => Arc::new(edges::jitsi(self, workload, jitsi)?),
        })
    }

    /// The hand of a fleet whose autoscaler asks.
    fn asked(&self, workload: &Workload, who: &str, seen: Seen) -> Arc<dyn Scaler> {
        let name = WorkloadName(workload.name.as_str().to_owned());
        Arc::new(Asked::new(format!("{who} of {name}"), name, seen, self.answers.clone()))
    }
}

/// What was left out when this binary was built.
#[cfg(not(all(feature = "kubernetes", feature = "aws")))]
pub(super) fn left_out(feature: &str) -> Trouble {
    let why = format!("this build of tidecast was made without the feature `{feature}`");
    Trouble::Unusable { who: "what the configuration asks for".into(), why }
}
