/// A dynamic scaling policy of a group, as it is described. The pretended account does not follow it: who scales beside
/// tidecast is told by tests themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingPolicy {
    /// Its name.
    pub name: String,
    /// What target tracking follows: `ASGAverageCPUUtilization`, `ALBRequestCountPerTarget`, …
    pub metric: String,
    /// Which load balancer and which of its target groups, for metrics of those.
    pub label: Option<String>,
    /// Where it keeps the metric.
    pub target: f64,
    /// Whether it only adds instances.
    pub only_adds: bool,
}

impl ScalingPolicy {
    /// Target tracking of the mean CPU.
    pub fn cpu(name: impl Into<String>) -> Self {
        let metric = "ASGAverageCPUUtilization".into();
        Self { name: name.into(), metric, label: None, target: 50.0, only_adds: false }
    }
}
