use super::{Rule, Seen};
use crate::window::Window;

/// Kubernetes' HorizontalPodAutoscaler: follows utilisation, up at once, down to the highest recommendation of the
/// stabilisation window; within its tolerance it does nothing.
#[derive(Debug)]
pub(crate) struct Hpa {
    /// Utilisation aimed at.
    pub(crate) target: f64,
    /// Deviation from the target that changes nothing.
    pub(crate) tolerance: f64,
    recent: Window<u32>,
}

impl Hpa {
    /// At `target` utilisation with Kubernetes' defaults: a tolerance of 10 %, five minutes of stabilisation.
    pub(crate) fn at(target: f64) -> Self {
        Self { target, tolerance: 0.1, recent: Window::of(5) }
    }

    fn recommends(&self, seen: &Seen) -> u32 {
        let ratio = seen.utilisation() / self.target;
        if (ratio - 1.0).abs() <= self.tolerance {
            return seen.total;
        }
        let wanted = (f64::from(seen.ready) * ratio - 1e-9).ceil() as u32;
        if ratio > 1.0 { wanted.max(seen.total) } else { wanted }
    }
}

impl Rule for Hpa {
    fn want(&mut self, seen: &Seen) -> u32 {
        let wanted = self.recommends(seen);
        let held = self.recent.most(wanted);
        let want = if held < seen.total { held } else { wanted.max(seen.total) };
        want.min((2 * seen.total).max(seen.total + 4))
    }
}
