use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use jiff::SignedDuration;

use crate::config::Config;
use crate::config::section::{KedaTarget, KubernetesTarget};
use crate::config::word::Name;
use crate::scaler::kubernetes::{Cluster, Kubernetes, Way, home_of};
use crate::trouble::Trouble;

/// The clusters that somebody is in: one client each, also when the configuration is read anew.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(Arc<Mutex<BTreeMap<Way, Weak<Cluster>>>>);

impl Known {
    fn of(&self, way: Way) -> Arc<Cluster> {
        let mut known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(cluster) = known.get(&way).and_then(Weak::upgrade) {
            return cluster;
        }
        let cluster = Cluster::new(way.clone());
        known.retain(|_, cluster| cluster.strong_count() > 0);
        known.insert(way, Arc::downgrade(&cluster));
        cluster
    }
}

/// The clusters of the configuration, by name; the one that the surroundings tell if it defines none.
#[derive(Debug)]
pub(super) struct Clusters {
    named: BTreeMap<Name, Arc<Cluster>>,
    around: Arc<Cluster>,
}

impl Clusters {
    pub(super) fn of(config: &Config, folder: &Path, known: &Known) -> Self {
        let named = config.clusters.iter().map(|(name, section)| {
            let kubeconfig = section.kubeconfig.as_ref().map(|path| folder.join(&path.0));
            (name.clone(), known.of(Way { kubeconfig, context: section.context.clone() }))
        });
        Self { named: named.collect(), around: known.of(Way::default()) }
    }

    pub(super) fn cluster(&self, named: Option<&Name>) -> Result<Arc<Cluster>, Trouble> {
        let unusable = |why: &str| Trouble::Unusable { who: "the target".into(), why: why.into() };
        match named {
            Some(name) => self.named.get(name).cloned().ok_or_else(|| unusable("there is no such cluster")),
            None if self.named.len() > 1 => Err(unusable("it is not said in which of the clusters it is")),
            None => Ok(self.named.values().next().unwrap_or(&self.around).clone()),
        }
    }

    /// Who sizes a target by its kind.
    pub(super) fn target(&self, workload: &str, target: &KubernetesTarget) -> Result<Kubernetes, Trouble> {
        let cluster = self.cluster(target.cluster.as_ref())?;
        let home = target.api_version.as_deref().or_else(|| home_of(&target.kind));
        let home = home.ok_or_else(|| Trouble::Unusable {
            who: format!("the target {}", target.name),
            why: format!("it is not known where the kind {} lives; give `apiVersion`", target.kind),
        })?;
        let scaler =
            Kubernetes::target(cluster, workload, &target.namespace, home, &target.kind, &target.name);
        Ok(match target.node_headroom {
            Some(ahead) => {
                scaler.with_headroom(SignedDuration::try_from(ahead.0).unwrap_or(SignedDuration::MAX))
            }
            None => scaler,
        })
    }

    /// Who sets the floor of a ScaledObject.
    pub(super) fn scaled_object(&self, workload: &str, target: &KedaTarget) -> Result<Kubernetes, Trouble> {
        let cluster = self.cluster(target.cluster.as_ref())?;
        Ok(Kubernetes::scaled_object(cluster, workload, &target.namespace, &target.name))
    }
}
