//! What must hold wherever the wire is AWS's: run against the pretended account and against moto.

use std::sync::Arc;

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::ScheduledUpdateGroupActionRequest;
use jiff::{SignedDuration, Timestamp};
use tidecast::aws::{Rates, Region};
use tidecast::scaler::{Asg, AsgAction, Receipt, Scaler};
use tidecast_pilot::{Allowed, Phase, Size};
use tidecast_world::aws::{Account, Group};

use super::account::Wire;
use super::decisions::{commanding, decision, drain, grow, shrink, terminate};
use super::moto::Moto;

/// Whom the suite talks to.
pub(crate) enum Counterpart {
    /// AWS's rules, in virtual time.
    Pretended(Wire),
    /// AWS's wire.
    Moto(Moto),
}

/// A group on a counterpart, and the time there.
pub(crate) struct Stage<'a> {
    counterpart: &'a Counterpart,
    pub(crate) group: String,
    pub(crate) now: Timestamp,
    region: Arc<Region>,
    turn: u64,
}

impl Counterpart {
    fn url(&self) -> String {
        match self {
            Self::Pretended(wire) => wire.url(),
            Self::Moto(moto) => moto.url(),
        }
    }

    /// A group with instances in service.
    pub(crate) async fn stage(&self, group: &str, [min, desired, max]: [u32; 3]) -> Stage<'_> {
        let (now, region) = match self {
            Self::Pretended(wire) => {
                let mut account = wire.account();
                let now_s = account.now_s();
                let mut one = Group::new(group, min, desired, max).settled(now_s);
                one.tags.insert("tidecast".into(), "managed".into());
                account.add(one);
                (Timestamp::from_second(now_s).unwrap(), wire.region(Rates::default()))
            }
            Self::Moto(moto) => {
                moto.create(group, [min, desired, max]).await;
                let region = Region::new("eu-west-1", Some(moto.url())).keyed("AKIDTEST", "secret");
                (moto.now(), region)
            }
        };
        Stage { counterpart: self, group: group.into(), now, region: Arc::new(region), turn: 0 }
    }
}

/// A client of the SDK, to look with other eyes.
pub(crate) async fn client(url: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let keys = aws_credential_types::Credentials::new("AKIDTEST", "secret", None, None, "test");
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-west-1"))
        .http_client(http)
        .credentials_provider(keys)
        .endpoint_url(url);
    Client::new(&config.load().await)
}

impl Stage<'_> {
    pub(crate) fn scaler(&self, action: AsgAction) -> Asg {
        Asg::new(self.region.clone(), &self.group, action)
    }

    /// Another group of the same account.
    pub(crate) fn beside(&self, group: &str) -> Self {
        Self { group: group.into(), region: self.region.clone(), turn: 0, ..*self }
    }

    /// Time goes by; where it does so by itself, only our own idea of it.
    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        if let Counterpart::Pretended(wire) = self.counterpart {
            wire.account().pass(self.now.as_second());
        }
    }

    fn turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    pub(crate) async fn read(&self) -> aws_sdk_autoscaling::types::AutoScalingGroup {
        let client = client(&self.counterpart.url()).await;
        let groups =
            client.describe_auto_scaling_groups().auto_scaling_group_names(&self.group).send().await.unwrap();
        groups.auto_scaling_groups()[0].clone()
    }

    /// Names, starts in minutes from `at`, and minima of what is scheduled.
    async fn scheduled(&self, at: Timestamp) -> Vec<(String, i64, Option<i32>)> {
        let client = client(&self.counterpart.url()).await;
        let pages = client.describe_scheduled_actions().auto_scaling_group_name(&self.group);
        let actions = pages.into_paginator().items().send();
        let mut all: Vec<_> = actions
            .collect::<Result<Vec<_>, _>>()
            .await
            .unwrap()
            .into_iter()
            .map(|action| {
                let start_s = action.start_time.unwrap().secs();
                (
                    action.scheduled_action_name.unwrap(),
                    (start_s - at.as_second()).div_euclid(60),
                    action.min_size,
                )
            })
            .collect();
        all.sort_by_key(|(_, minute, _)| *minute);
        all
    }
}

fn floors(all: &[(String, i64, Option<i32>)]) -> Vec<(i64, i32)> {
    let ours = all.iter().filter(|(name, ..)| name.starts_with("tidecast-"));
    ours.map(|(_, minute, min)| (*minute, min.unwrap())).collect()
}

const SCHEDULE: AsgAction = AsgAction::Schedule { lower_ahead: SignedDuration::from_mins(15) };

/// All cases.
pub(crate) async fn all(counterpart: &Counterpart) {
    sees_the_fleet(counterpart).await;
    sets_sizes(counterpart).await;
    ends_a_chosen_instance(counterpart).await;
    refuses_older_turns(counterpart).await;
    keeps_a_schedule(counterpart).await;
    touches_nothing_in_observe(counterpart).await;
    names_what_is_not_there(counterpart).await;
}

async fn sees_the_fleet(counterpart: &Counterpart) {
    let stage = counterpart.stage("sees", [1, 3, 9]).await;
    let sighting = stage.scaler(AsgAction::Direct).sight(stage.now).await.unwrap().unwrap();
    assert_eq!((sighting.ordered, sighting.serving, sighting.complete), (Size(3), Size(3), true));
    assert!(sighting.nodes.iter().all(|node| node.phase == Phase::Serving && node.name.0.starts_with("i-")));
    assert_eq!(sighting.foreign, None);
}

/// S6.3
async fn sets_sizes(counterpart: &Counterpart) {
    let mut stage = counterpart.stage("sets", [2, 3, 9]).await;
    let scaler = stage.scaler(AsgAction::Direct);
    for (command, expected) in [(grow(7), 7), (grow(5), 7), (shrink(4), 4), (shrink(0), 2), (grow(50), 9)] {
        stage.pass(150);
        scaler.sight(stage.now).await.unwrap();
        let decision = commanding(stage.turn(), stage.now, vec![command.clone()]);
        for _ in 0..2 {
            scaler.carry_out(&decision).await.unwrap();
            assert_eq!(stage.read().await.desired_capacity, Some(expected), "{command}");
        }
    }
    let Receipt::Done(said) =
        scaler.carry_out(&commanding(stage.turn(), stage.now, vec![grow(50)])).await.unwrap()
    else {
        panic!("it is not overtaken");
    };
    assert_eq!(said, "its MaxSize of 9 allows no more");
}

/// S6.3, D1, D3.1
async fn ends_a_chosen_instance(counterpart: &Counterpart) {
    let mut stage = counterpart.stage("chosen", [1, 4, 9]).await;
    let scaler = stage.scaler(AsgAction::Direct);
    let sighting = scaler.sight(stage.now).await.unwrap().unwrap();
    let chosen = sighting.nodes[2].name.0.clone();
    scaler.carry_out(&commanding(stage.turn(), stage.now, vec![drain(&chosen)])).await.unwrap();
    stage.pass(30);
    let sighting = scaler.sight(stage.now).await.unwrap().unwrap();
    let draining = sighting.nodes.iter().find(|node| node.name.0 == chosen).unwrap();
    assert!(matches!(draining.phase, Phase::Draining { .. }), "{draining:?}");
    let protected = |group: &aws_sdk_autoscaling::types::AutoScalingGroup| {
        group.instances().iter().filter(|i| i.protected_from_scale_in == Some(true)).count()
    };
    assert_eq!(
        protected(&stage.read().await),
        1,
        "while sessions are on it, nobody else's scale-in takes it"
    );
    let end = commanding(stage.turn(), stage.now, vec![terminate(&chosen)]);
    scaler.carry_out(&end).await.unwrap();
    scaler.carry_out(&end).await.unwrap();
    assert_eq!(stage.read().await.desired_capacity, Some(3), "ended once, and not replaced");
    stage.pass(300);
    let sighting = scaler.sight(stage.now).await.unwrap().unwrap();
    assert!(sighting.nodes.len() == 3 && sighting.nodes.iter().all(|node| node.name.0 != chosen));
    scaler.carry_out(&commanding(stage.turn(), stage.now, vec![])).await.unwrap();
    let marks = stage.read().await.tags().iter().filter(|tag| tag.key().unwrap().contains("drain")).count();
    assert_eq!(marks, 0, "marks of what is gone are taken away");
}

/// F24
async fn refuses_older_turns(counterpart: &Counterpart) {
    let stage = counterpart.stage("older", [1, 3, 9]).await;
    let (ours, another) = (stage.scaler(AsgAction::Direct), stage.scaler(AsgAction::Direct));
    ours.carry_out(&commanding(41, stage.now, vec![grow(6)])).await.unwrap();
    let late = another.carry_out(&commanding(40, stage.now, vec![shrink(2)])).await.unwrap();
    assert_eq!(late, Receipt::Overtaken { by: 41 });
    assert_eq!(
        ours.carry_out(&commanding(39, stage.now, vec![])).await.unwrap(),
        Receipt::Overtaken { by: 41 }
    );
    assert_eq!(stage.read().await.desired_capacity, Some(6));
}

/// S6.2, B3
async fn keeps_a_schedule(counterpart: &Counterpart) {
    let mut stage = counterpart.stage("keeps", [2, 4, 30]).await;
    let eyes = client(&counterpart.url()).await;
    let theirs = stage.now + SignedDuration::from_mins(500);
    let nightly = ScheduledUpdateGroupActionRequest::builder()
        .scheduled_action_name("nightly-down")
        .start_time(DateTime::from_secs(theirs.as_second()))
        .min_size(1)
        .build();
    let put = eyes.batch_put_scheduled_update_group_action().auto_scaling_group_name(&stage.group);
    put.scheduled_update_group_actions(nightly).send().await.unwrap();
    let scaler = stage.scaler(SCHEDULE);
    let day = [(-5, 4), (60, 20), (600, 6), (720, 12), (1_500, 22)];
    let at = stage.now;
    scaler.sight(at).await.unwrap();
    let upload = decision(stage.turn(), at, &day, Allowed::Growing);
    scaler.carry_out(&upload).await.unwrap();
    let first = stage.scheduled(at).await;
    assert_eq!(floors(&first)[1..], [(58, 20), (1_498, 22)]);
    assert_eq!(first.len(), 4, "theirs is still there: {first:?}");
    let said = scaler.carry_out(&upload).await.unwrap().to_string();
    assert!(
        said.contains("3 scheduled actions stand; 1 of others left alone, nightly-down among them"),
        "{said}"
    );
    assert_eq!(stage.scheduled(at).await, first, "again changes nothing");
    // With everything to speak for it, a fall that is near is uploaded, and withdrawn when the evidence is lost.
    let near = [(-5, 20), (10, 6), (120, 12)];
    scaler.carry_out(&decision(stage.turn(), at, &near, Allowed::Everything)).await.unwrap();
    let with = floors(&stage.scheduled(at).await);
    assert!(with.contains(&(10, 6)) && with.contains(&(118, 12)), "{with:?}");
    scaler.carry_out(&decision(stage.turn(), at, &near, Allowed::Growing)).await.unwrap();
    let without = floors(&stage.scheduled(at).await);
    assert!(!without.contains(&(10, 6)) && !without.contains(&(118, 12)), "{without:?}");
    scaler.carry_out(&decision(stage.turn(), at, &near, Allowed::Nothing)).await.unwrap();
    let left = stage.scheduled(at).await;
    assert_eq!((left.len(), left[0].0.as_str()), (1, "nightly-down"));
}

/// B2
async fn touches_nothing_in_observe(counterpart: &Counterpart) {
    let mut stage = counterpart.stage("observes", [2, 4, 30]).await;
    for action in [AsgAction::Direct, SCHEDULE] {
        let scaler = stage.scaler(action);
        scaler.sight(stage.now).await.unwrap();
        let mut decision = decision(stage.turn(), stage.now, &[(-5, 9), (60, 20)], Allowed::Nothing);
        decision.withheld = vec![grow(9)];
        scaler.carry_out(&decision).await.unwrap();
        let shown = scaler.shows(&decision);
        assert_eq!(shown[0], "SetDesiredCapacity observes DesiredCapacity=9");
        let puts =
            shown.iter().filter(|line| line.starts_with("PutScheduledUpdateGroupAction tidecast-")).count();
        assert_eq!(puts, if action == SCHEDULE { 2 } else { 0 }, "{shown:?}");
    }
    let group = stage.read().await;
    assert_eq!(
        (group.desired_capacity, group.tags().iter().filter(|t| t.key() == Some("tidecast:turn")).count()),
        (Some(4), 0)
    );
    assert!(stage.scheduled(stage.now).await.is_empty());
}

async fn names_what_is_not_there(counterpart: &Counterpart) {
    let mut stage = counterpart.stage("there", [1, 1, 1]).await;
    stage.group = "no-such-group".into();
    let trouble = stage.scaler(AsgAction::Direct).sight(stage.now).await.unwrap_err().to_string();
    assert_eq!(
        trouble,
        "the group no-such-group in eu-west-1 sent something that cannot be used: there is no group of that name"
    );
}

#[tokio::test] // S6.2, S6.3
async fn the_pretended_account_passes_the_suite() {
    let mut account = Account::new(1_790_000_040, 1);
    account.policy = Some(super::policy::shipped());
    all(&Counterpart::Pretended(Wire::listen(account).await)).await;
}

#[tokio::test] // S6.2, S6.3
async fn moto_passes_the_suite() {
    let Some(moto) = Moto::start().await else { return };
    let (url, now) = (moto.url(), moto.now());
    let counterpart = Counterpart::Moto(moto);
    all(&counterpart).await;
    // And it lists groups as the command line would.
    let region = Arc::new(Region::new("eu-west-1", Some(url)).keyed("AKIDTEST", "secret"));
    let listed = tidecast::aws::groups(&region, now).await.unwrap();
    let names: Vec<&str> = listed[0]["AutoScalingGroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["AutoScalingGroupName"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"sets") && names.contains(&"keeps"), "{names:?}");
    assert_eq!(listed[2]["ScheduledUpdateGroupActions"][0]["ScheduledActionName"], "nightly-down");
}
