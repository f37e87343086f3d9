//! `tidecast init --from asg` against living accounts: what both show becomes the same configuration, whose demand is read
//! from CloudWatch.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tidecast::aws::{Rates, Region, groups};
use tidecast::import::{Around, Origin, import};
use tidecast_world::aws::{Account, Group, ScalingPolicy};

use super::account::Wire;
use super::behaviour::START_S;
use super::moto::Moto;

const BOUNDS: [u32; 3] = [2, 4, 30];

fn policies() -> [ScalingPolicy; 2] {
    let requests = ScalingPolicy {
        name: "requests".into(),
        metric: "ALBRequestCountPerTarget".into(),
        label: Some("app/shop/50dc6c495c0c9188/targetgroup/checkout/943f017f100becff".into()),
        target: 2_400.0,
        only_adds: false,
    };
    [requests, ScalingPolicy::cpu("cpu")]
}

async fn check(region: Region, now: Timestamp) {
    let listed = groups(&Arc::new(region), now).await.unwrap();
    let yaml = import(Origin::Asg, &listed, &Around::default()).unwrap().yaml;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports/living_asg.golden");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &yaml).unwrap();
    }
    assert_eq!(
        yaml,
        std::fs::read_to_string(golden).unwrap_or_default(),
        "run `make bless` and read the diff"
    );
}

#[tokio::test] // U9
async fn the_pretended_account_becomes_what_its_golden_holds() {
    let mut account = Account::new(START_S, 1);
    account.policy = Some(super::policy::shipped());
    let [min, desired, max] = BOUNDS;
    let mut group = Group::new("checkout", min, desired, max).settled(START_S);
    group.policies = policies().to_vec();
    account.add(group);
    let wire = Wire::listen(account).await;
    check(wire.region(Rates::default()), Timestamp::from_second(START_S).unwrap()).await;
}

#[tokio::test] // U9
async fn moto_becomes_the_same() {
    let Some(moto) = Moto::start().await else { return };
    moto.create("checkout", BOUNDS).await;
    for policy in policies() {
        moto.track("checkout", &policy).await;
    }
    check(Region::new("eu-west-1", Some(moto.url())).keyed("AKIDTEST", "secret"), moto.now()).await;
}
