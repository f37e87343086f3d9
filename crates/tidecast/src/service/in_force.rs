use std::sync::Arc;

use crate::config::Config;
use crate::config::section::Workload;

/// A configuration that is in force, with its workloads in order, so that one of thousands is found at once.
#[derive(Debug)]
pub struct InForce {
    /// The configuration.
    pub config: Arc<Config>,
    /// Its workloads by name: where each stands.
    order: Vec<usize>,
}

impl InForce {
    /// This configuration.
    pub fn of(config: Config) -> Self {
        let mut order: Vec<usize> = (0..config.workloads.len()).collect();
        order.sort_by(|a, b| config.workloads[*a].name.cmp(&config.workloads[*b].name));
        Self { config: Arc::new(config), order }
    }

    /// The workload of that name.
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        let at = self.order.binary_search_by(|at| self.at(*at).name.as_str().cmp(name)).ok()?;
        Some(self.at(self.order[at]))
    }

    /// So many workloads after a name, in order, and whether there are more.
    pub fn page(&self, after: Option<&str>, limit: usize) -> (impl Iterator<Item = &Workload>, bool) {
        let before = |at: &usize| after.is_some_and(|after| self.at(*at).name.as_str() <= after);
        let rest = &self.order[self.order.partition_point(before)..];
        (rest.iter().take(limit).map(|at| self.at(*at)), rest.len() > limit)
    }

    fn at(&self, at: usize) -> &Workload {
        &self.config.workloads[at]
    }
}
