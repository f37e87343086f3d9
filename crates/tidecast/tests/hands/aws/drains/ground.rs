//! Where instances drain: in an Auto Scaling group, or outside of any.

use std::sync::Arc;

use tidecast::aws::Rates;
use tidecast::scaler::{AsgAction, Scaler, Tally};
use tidecast_world::aws::{Account, Group};

use crate::aws::account::Wire;
use crate::aws::behaviour::{START_S, Scene};
use crate::aws::fleet;

/// The tags of a fleet's instances.
pub(super) const OURS: [(&str, &str); 2] = [("tidecast:fleet", "encoders"), ("tidecast", "managed")];

/// Instances that run, and who moves them.
pub(super) enum Ground {
    /// In a group called `shop`.
    Group(Scene),
    /// In a fleet called `encoders`.
    Fleet(Wire),
}

impl Ground {
    pub(super) async fn group([min, desired, max]: [u32; 3]) -> Self {
        Self::Group(Scene::of(vec![Group::new("shop", min, desired, max).settled(START_S)], 7).await)
    }

    pub(super) async fn fleet(count: u32) -> Self {
        let mut account = Account::new(START_S - 60, 7);
        account.policy = Some(fleet::policy());
        (0..count).for_each(|_| account.add_bare(&OURS));
        account.pass(START_S);
        Self::Fleet(Wire::listen(account).await)
    }

    pub(super) fn wire(&self) -> &Wire {
        match self {
            Self::Group(scene) => &scene.wire,
            Self::Fleet(wire) => wire,
        }
    }

    pub(super) fn scaler(&self, tally: Option<Arc<Tally>>) -> Box<dyn Scaler> {
        match self {
            Self::Group(scene) => Box::new(scene.scaler(AsgAction::Direct).counting(tally)),
            Self::Fleet(wire) => {
                let fleet = fleet::fleet(wire.region(Rates::default()), &wire.url());
                Box::new(fleet.counting(tally))
            }
        }
    }

    pub(super) fn pass(&self, minute: i64) {
        self.wire().account().pass(START_S + 60 * minute);
    }

    /// How many were ever launched.
    pub(super) fn launched(&self) -> u64 {
        let account = self.wire().account();
        match self {
            Self::Group(_) => account.group("shop").launched(),
            Self::Fleet(_) => account.bares().len() as u64,
        }
    }

    /// How many are kept: the desired capacity, or those that are not ended.
    pub(super) fn kept(&self) -> u32 {
        let account = self.wire().account();
        match self {
            Self::Group(_) => account.group("shop").desired,
            Self::Fleet(_) => account.bares().iter().filter(|bare| bare.stays()).count() as u32,
        }
    }

    /// Who bears the mark of those that are not ended.
    pub(super) fn marked(&self) -> Vec<String> {
        let account = self.wire().account();
        match self {
            Self::Group(_) => {
                let keys = account.group("shop").tags.keys();
                keys.filter_map(|key| Some(key.strip_prefix("tidecast:drain:")?.to_owned())).collect()
            }
            Self::Fleet(_) => {
                let marked = |bare: &&tidecast_world::aws::Bare| bare.tags.contains_key("tidecast:drain");
                account.bares().iter().filter(|b| b.stays()).filter(marked).map(|b| b.id.clone()).collect()
            }
        }
    }
}
