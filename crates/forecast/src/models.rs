//! The models there are: one file each, listed here by hand.

mod all_seen;
mod analogues;
mod clusters;
mod harmonics;
mod holt_winters;
mod manual;
mod profile_ratio;
mod recent_days;
mod ridge;
mod seasonal;
mod self_tuned;
mod waves;
mod willing;

pub use all_seen::AllSeen;
pub use analogues::Analogues;
pub use clusters::Clusters;
pub use harmonics::{Harmonics, Iteration};
pub use holt_winters::HoltWinters;
pub use manual::manual;
pub use profile_ratio::ProfileRatio;
pub use recent_days::{RecentDays, RecentDaysFitted};
pub use ridge::Ridge;
pub use seasonal::{LastValue, LastWeek, Yesterday};
pub use self_tuned::SelfTuned;
pub use waves::Waves;
pub use willing::{STAND_INS, Willing, willing};

pub use crate::ensemble::Ensemble;
use crate::method::Method;
use crate::{Calibrated, Leads, Model};

/// The names of all models, the default first.
pub const NAMES: [&str; 25] = [
    "ensemble",
    "ridge_root",
    "ridge_log",
    "ridge_root_wide",
    "ridge_log_wide",
    "holt_winters",
    "analogues_3h",
    "analogues_8h",
    "analogues_24h",
    "profile_ratio",
    "waves_2w",
    "waves_4w",
    "waves_8w",
    "clusters",
    "clusters_tuned",
    "clusters_recent",
    "clusters_fitted",
    "harmonics",
    "harmonics_fitted",
    "recent_days",
    "recent_days_fitted",
    "last_week",
    "yesterday",
    "last_value",
    "all_seen",
];

/// The model called `name`, calibrated at these leads.
pub fn named(name: &str, leads: Leads) -> Option<Box<dyn Model>> {
    let model: Box<dyn Model> = match name {
        "ensemble" => Box::new(Calibrated::new(ensemble(), leads)),
        "ridge_root" => Box::new(Calibrated::new(Ridge::root(), leads)),
        "ridge_log" => Box::new(Calibrated::new(Ridge::log(), leads)),
        "ridge_root_wide" => Box::new(Calibrated::new(Ridge::root_wide(), leads)),
        "ridge_log_wide" => Box::new(Calibrated::new(Ridge::log_wide(), leads)),
        "holt_winters" => Box::new(Calibrated::new(HoltWinters::default(), leads)),
        "analogues_3h" => Box::new(Calibrated::new(Analogues::hours(3), leads)),
        "analogues_8h" => Box::new(Calibrated::new(Analogues::hours(8), leads)),
        "analogues_24h" => Box::new(Calibrated::new(Analogues::hours(24), leads)),
        "profile_ratio" => Box::new(Calibrated::new(ProfileRatio::default(), leads)),
        "waves_2w" => Box::new(Calibrated::new(Waves::weeks(2), leads)),
        "waves_4w" => Box::new(Calibrated::new(Waves::weeks(4), leads)),
        "waves_8w" => Box::new(Calibrated::new(Waves::weeks(8), leads)),
        "clusters" => Box::new(Calibrated::new(Clusters::published(), leads)),
        "clusters_tuned" => Box::new(Calibrated::new(Clusters::tuned(), leads)),
        "clusters_recent" => Box::new(Calibrated::new(Clusters::recent(), leads)),
        "harmonics" => Box::new(Calibrated::new(Harmonics::default(), leads)),
        "clusters_fitted" => Box::new(SelfTuned::new("clusters_fitted", Clusters::published(), leads)),
        "harmonics_fitted" => Box::new(SelfTuned::new("harmonics_fitted", Harmonics::default(), leads)),
        "recent_days" => Box::new(Calibrated::new(RecentDays::default(), leads)),
        "recent_days_fitted" => Box::new(Calibrated::new(RecentDaysFitted::default(), leads)),
        "last_week" => Box::new(Calibrated::new(LastWeek, leads)),
        "yesterday" => Box::new(Calibrated::new(Yesterday, leads)),
        "last_value" => Box::new(Calibrated::new(LastValue, leads)),
        "all_seen" => Box::new(AllSeen),
        _ => return None,
    };
    Some(model)
}

/// The members of the default ensemble.
pub fn ensemble() -> Ensemble {
    let members: Vec<Box<dyn Method>> = vec![
        Box::new(Ridge::root()),
        Box::new(Ridge::log()),
        Box::new(Ridge::root_wide()),
        Box::new(Ridge::log_wide()),
        Box::new(HoltWinters::default()),
        Box::new(Analogues::hours(3)),
        Box::new(Analogues::hours(8)),
        Box::new(Analogues::hours(24)),
        Box::new(ProfileRatio::default()),
        Box::new(Waves::weeks(2)),
        Box::new(Waves::weeks(4)),
        Box::new(Waves::weeks(8)),
        Box::new(Clusters::tuned()),
        Box::new(Clusters::recent()),
        Box::new(LastValue),
        Box::new(Yesterday),
        Box::new(LastWeek),
    ];
    Ensemble { members }
}

/// What `tidecast run` uses where nothing else is asked for.
pub fn default_model(leads: Leads) -> Calibrated {
    Calibrated::new(ensemble(), leads)
}
