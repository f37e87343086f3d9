//! The weekly profile, lifted or lowered to where the last hour stands.

use crate::method::{Memoryless, Method, Walker};
use crate::past::{Past, positive};

/// The median week, corrected by the level of the last seven days and by the last hour's ratio to it, which fades.
///
/// # What it assumes
/// That a deviation is a factor, not an amount, and that it fades with a time constant of six hours.
///
/// # When it shines
/// With little history, and where whole days are larger or smaller than usual.
///
/// # When it fails
/// Where the last hour was a burst: it multiplies the coming hours by it.
///
/// # Source
/// Ratio-to-profile correction as used in intraday call-centre forecasting; Taylor, *A Comparison of Univariate Time
/// Series Methods for Forecasting Intraday Arrivals at a Call Center*, Management Science 54 (2008).
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::ProfileRatio};
/// assert_eq!(Calibrated::new(ProfileRatio::default(), Leads::knots()).name(), "profile_ratio");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfileRatio {
    /// Seconds over which the recent ratio is taken.
    pub window_s: i64,
    /// Seconds after which its excess has faded to 1/e.
    pub fading_s: f64,
    /// Days over which the level is taken.
    pub level_days: usize,
}

impl Default for ProfileRatio {
    fn default() -> Self {
        Self { window_s: 3600, fading_s: 6.0 * 3600.0, level_days: 7 }
    }
}

impl Method for ProfileRatio {
    fn name(&self) -> &'static str {
        "profile_ratio"
    }

    fn start(&self, empty: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let spec = *self;
        let width = (self.window_s / empty.grid().step_s).max(1) as usize;
        Memoryless::boxed(leads, move |past, lead| spec.point(past, width, lead))
    }
}

impl ProfileRatio {
    fn point(&self, past: &Past, width: usize, lead: usize) -> f64 {
        let (track, now) = (&past.linear, past.now() as i64);
        // The profile's running mean is the value's less the deviation's.
        let pair = |width: usize| {
            let value = track.z.trailing(now, width);
            (value, value - track.dev.trailing(now, width))
        };
        let least = 0.02 * past.mean + 1e-9;
        let (recent, expected) = pair(width);
        let (level, profile) = pair(self.level_days * past.day);
        let lift = ((level + least) / (profile + least)).clamp(0.5, 2.0);
        let ratio = ((recent + least) / (expected * lift + least)).clamp(0.2, 5.0);
        let fading = (-(lead as f64) * past.grid().step_s as f64 / self.fading_s).exp();
        positive(track.profile.at(past.now() + lead) * lift * (1.0 + fading * (ratio - 1.0)))
    }
}
