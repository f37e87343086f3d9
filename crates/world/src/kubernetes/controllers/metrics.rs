use std::collections::BTreeMap;

/// What the HPA controller measures: set by whoever plays the load.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    totals: BTreeMap<(String, String), f64>,
}

impl Metrics {
    /// Sets what an autoscaler finds, as a total over all pods in the unit of its target: for a target in percent
    /// of the request, 300 is three pods' worth of it.
    pub fn set(&mut self, namespace: &str, autoscaler: &str, total: f64) {
        self.totals.insert((namespace.to_owned(), autoscaler.to_owned()), total);
    }

    /// Takes the measurement away: the metrics API has nothing to say.
    pub fn lose(&mut self, namespace: &str, autoscaler: &str) {
        self.totals.remove(&(namespace.to_owned(), autoscaler.to_owned()));
    }

    pub(crate) fn total(&self, namespace: &str, autoscaler: &str) -> Option<f64> {
        self.totals.get(&(namespace.to_owned(), autoscaler.to_owned())).copied()
    }
}
