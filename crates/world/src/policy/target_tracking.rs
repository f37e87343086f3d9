use super::{Rule, Seen};

/// AWS target tracking: an alarm above the target scales out after three minutes, one well below it scales in after
/// fifteen, and for five minutes after a scale-out nothing happens.
#[derive(Debug)]
pub(crate) struct TargetTracking {
    /// Utilisation aimed at.
    pub(crate) target: f64,
    high: u32,
    low: u32,
    cooldown: u32,
}

const COOLDOWN_MIN: u32 = 5;
const HIGH_MIN: u32 = 3;
const LOW_MIN: u32 = 15;
/// The low alarm lies this far below the target.
const LOW_SHARE: f64 = 0.9;

impl TargetTracking {
    /// At `target` utilisation.
    pub(crate) fn at(target: f64) -> Self {
        Self { target, high: 0, low: 0, cooldown: 0 }
    }
}

impl Rule for TargetTracking {
    fn want(&mut self, seen: &Seen) -> u32 {
        let utilisation = seen.utilisation();
        self.high = if utilisation > self.target { self.high + 1 } else { 0 };
        self.low = if utilisation < LOW_SHARE * self.target { self.low + 1 } else { 0 };
        self.cooldown = self.cooldown.saturating_sub(1);
        if self.cooldown > 0 {
            return seen.total;
        }
        let wanted = (f64::from(seen.ready) * utilisation / self.target).ceil() as u32;
        if self.high >= HIGH_MIN {
            if wanted > seen.total {
                self.cooldown = COOLDOWN_MIN;
                return wanted;
            }
        } else if self.low >= LOW_MIN && wanted < seen.total {
            self.low = 0;
            return wanted;
        }
        seen.total
    }
}
