//! The scaler against AWS's rules in virtual time: what fires when, what is launched, and what happens when things go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use jiff::{SignedDuration, Timestamp};
use tidecast::aws::{Rates, Region};
use tidecast::scaler::{Asg, AsgAction, Receipt, Scaler};
use tidecast_pilot::{Allowed, Decision, Lessons, Size, learn_fleet};
use tidecast_world::aws::{Account, Call, Done, Fault, Group, ScalingPolicy, Scheduled, Spell};

use super::account::Wire;
use super::decisions::{commanding, decision, drain, grow, shrink, terminate};

pub(super) const START_S: i64 = 1_790_000_040;
const SCHEDULE: AsgAction = AsgAction::Schedule { lower_ahead: SignedDuration::from_mins(15) };

pub(super) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(START_S + 60 * minute).unwrap()
}

/// A group in an account that listens.
pub(super) struct Scene {
    pub(super) wire: Wire,
    pub(super) region: Arc<Region>,
}

impl Scene {
    pub(super) async fn of(groups: Vec<Group>, seed: u64) -> Self {
        let mut account = Account::new(START_S, seed);
        account.policy = Some(super::policy::shipped());
        for mut group in groups {
            group.tags.insert("tidecast".into(), "managed".into());
            account.add(group);
        }
        let wire = Wire::listen(account).await;
        let region = Arc::new(wire.region(Rates::default()));
        Self { wire, region }
    }

    async fn one(min: u32, desired: u32, max: u32) -> Self {
        Self::of(vec![Group::new("shop", min, desired, max).settled(START_S)], 7).await
    }

    pub(super) fn scaler(&self, action: AsgAction) -> Asg {
        Asg::new(self.region.clone(), "shop", action)
    }

    pub(super) fn pass(&self, minute: i64) {
        self.wire.account().pass(START_S + 60 * minute);
    }

    fn spell(&self, fault: Fault, share: f64, minutes: std::ops::Range<i64>) {
        let (from_s, until_s) = (START_S + 60 * minutes.start, START_S + 60 * minutes.end);
        self.wire.account().faults.spells.push(Spell { fault, share, from_s, until_s });
    }

    fn desired(&self) -> u32 {
        self.wire.account().group("shop").desired
    }

    fn serving(&self) -> usize {
        self.wire.account().group("shop").serving()
    }
}

#[tokio::test] // S6.2, A18
async fn has_capacity_in_service_before_the_rush_while_tidecast_is_away() {
    let scene = Scene::one(2, 4, 30).await;
    let scaler = scene.scaler(SCHEDULE);
    // The rush is at minute 70; instances take up to 3.5 minutes, so the plan orders at minute 66.
    let plan = decision(1, at(0), &[(-5, 4), (66, 20)], Allowed::Growing);
    scaler.carry_out(&plan).await.unwrap();
    scene.pass(63);
    assert_eq!(scene.serving(), 4);
    scene.pass(70);
    assert_eq!(scene.serving(), 20, "uploaded once, and nobody was there since");
}

#[tokio::test] // B3
async fn lowers_nothing_by_what_it_uploaded_before_the_evidence_was_lost() {
    let scene = Scene::one(20, 20, 30).await;
    let scaler = scene.scaler(SCHEDULE);
    let steps = |now: i64| [(-60 - now, 20), (30 - now, 6), (240 - now, 12), (400 - now, 25)];
    for now in (0..20).step_by(5) {
        scene.pass(now);
        scaler.sight(at(now)).await.unwrap();
        scaler.carry_out(&decision(now as u64 + 1, at(now), &steps(now), Allowed::Everything)).await.unwrap();
    }
    let falls = scene.wire.account().group("shop").scheduled.values().filter(|a| a.min < Some(20)).count();
    assert_eq!(falls, 2, "the fall at minute 30, and the rise to 12 that is one only after it");
    scene.pass(20);
    scaler.carry_out(&decision(30, at(20), &steps(20), Allowed::Growing)).await.unwrap();
    scene.pass(399);
    assert_eq!((scene.desired(), scene.wire.account().group("shop").min), (20, 20));
    scene.pass(410);
    assert_eq!(scene.desired(), 25, "growing goes on");
}

#[tokio::test] // S6.2
async fn lets_the_floor_fall_where_everything_speaks_for_it() {
    let scene = Scene::one(20, 20, 30).await;
    let scaler = scene.scaler(SCHEDULE);
    scaler.carry_out(&decision(1, at(0), &[(-60, 20), (10, 6)], Allowed::Everything)).await.unwrap();
    scene.pass(13);
    assert_eq!(
        (scene.desired(), scene.wire.account().group("shop").min),
        (20, 6),
        "a floor takes nobody away"
    );
    scaler.carry_out(&commanding(2, at(13), vec![shrink(18)])).await.unwrap();
    assert_eq!(scene.desired(), 18);
    let tracking = ScalingPolicy::cpu("track-cpu");
    scene.wire.account().group_mut("shop").policies.push(tracking.clone());
    let scaler = scene.scaler(SCHEDULE);
    let said = scaler.carry_out(&commanding(3, at(13), vec![shrink(16)])).await.unwrap().to_string();
    assert!(said.starts_with("taking instances away is left to its own scaling policies"), "{said}");
    assert_eq!(scene.desired(), 18);
    let only_adds = vec![ScalingPolicy { only_adds: true, ..tracking }];
    scene.wire.account().group_mut("shop").policies = only_adds;
    scene.scaler(SCHEDULE).carry_out(&commanding(4, at(13), vec![shrink(16)])).await.unwrap();
    assert_eq!(scene.desired(), 16, "a policy that only adds would have kept them for ever");
}

#[tokio::test] // F25, C9
async fn names_what_of_a_batch_was_not_put_and_puts_it_the_next_time() {
    let scene = Scene::one(2, 4, 60).await;
    let scaler = scene.scaler(SCHEDULE);
    let plan = |turn, minute: i64| {
        let steps: Vec<(i64, u32)> = (0..9).map(|n| (30 + 20 * n - minute, 5 + n as u32)).collect();
        decision(turn, at(minute), &steps, Allowed::Growing)
    };
    scene.spell(Fault::PartlyDone, 1.0, 0..2);
    let trouble = scaler.carry_out(&plan(1, 0)).await.unwrap_err().to_string();
    assert!(trouble.contains("3 scheduled actions are not as wanted, tidecast-"), "{trouble}");
    assert!(trouble.contains("You already have a pending update"), "{trouble}");
    let stand = || scene.wire.account().group("shop").scheduled.len();
    assert_eq!(stand(), 6);
    scene.pass(3);
    scaler.carry_out(&plan(2, 3)).await.unwrap();
    assert_eq!(stand(), 9);
}

#[tokio::test] // B1, S6.2
async fn tells_what_is_suspended_and_grows_all_the_same() {
    let scene = Scene::one(2, 4, 30).await;
    scene.wire.account().group_mut("shop").suspended.insert("ScheduledActions".into());
    let scaler = scene.scaler(SCHEDULE);
    let says = scaler.sight(at(0)).await.unwrap().unwrap().says;
    assert!(says.len() == 1 && says[0].contains("what is uploaded does not fire"), "{says:?}");
    let due =
        Decision { commands: vec![grow(9)], ..decision(1, at(0), &[(-5, 9), (60, 20)], Allowed::Growing) };
    scaler.carry_out(&due).await.unwrap();
    assert_eq!(scene.desired(), 9, "what is due at once needs no action");
    scene.pass(70);
    assert_eq!(scene.desired(), 9, "and what is scheduled did not fire");
    scene.wire.account().group_mut("shop").suspended = ["Launch".to_owned()].into();
    let says = scaler.sight(at(70)).await.unwrap().unwrap().says;
    assert!(says[0].contains("nothing is launched until somebody resumes it"), "{says:?}");
}

#[tokio::test] // F17
async fn reads_one_page_of_activities_where_it_knows_the_others() {
    let scene = Scene::one(1, 1_050, 2_000).await;
    let scaler = scene.scaler(AsgAction::Direct);
    scaler.sight(at(0)).await.unwrap();
    let before = scene.wire.account().calls;
    scaler.sight(at(6)).await.unwrap();
    let calls = scene.wire.account().calls - before;
    assert_eq!(calls, 2, "the group, and the newest page of eleven");
}

#[tokio::test] // F27
async fn grows_although_its_tags_are_nearly_used_up() {
    let scene = Scene::one(2, 20, 60).await;
    let tags = (0..45).map(|n| (format!("team-{n}"), "shop".to_owned()));
    scene.wire.account().group_mut("shop").tags.extend(tags);
    let scaler = scene.scaler(AsgAction::Direct);
    let sighting = scaler.sight(at(0)).await.unwrap().unwrap();
    let mut commands = vec![grow(30)];
    commands.extend(sighting.nodes.iter().map(|node| drain(&node.name.0)));
    scaler.carry_out(&commanding(1, at(0), commands)).await.unwrap();
    let account = scene.wire.account();
    assert_eq!((account.group("shop").desired, account.group("shop").tags.len()), (30, 50));
}

#[tokio::test] // F26
async fn reads_credentials_again_once_they_are_refused() {
    let scene = Scene::one(2, 4, 30).await;
    let looked = Arc::new(AtomicUsize::new(0));
    let count = looked.clone();
    let provider = Renewed(count);
    let region = Region::new("eu-west-1", Some(scene.wire.url())).provided(provider);
    let scaler = Asg::new(Arc::new(region), "shop", AsgAction::Direct);
    scene.spell(Fault::Expired, 1.0, 0..10);
    for minute in 0..4 {
        scene.pass(minute);
        assert_eq!(scaler.sight(at(minute)).await.unwrap_err().kind(), "credentials");
        let soon = at(minute) + SignedDuration::from_secs(30);
        assert_eq!(scaler.sight(soon).await.unwrap_err().kind(), "credentials");
    }
    assert_eq!(
        looked.load(Ordering::Relaxed),
        5,
        "once at first, then once a minute, and not with each call"
    );
    assert_eq!(scene.wire.account().calls, 8, "and each turn tries once");
}

/// A chain of credentials that tells how often it was gone through.
#[derive(Debug)]
struct Renewed(Arc<AtomicUsize>);

impl ProvideCredentials for Renewed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::Relaxed);
        future::ProvideCredentials::ready(Ok(Credentials::new("AKIDTEST", "secret", None, None, "test")))
    }
}

#[tokio::test] // F27, A8
async fn keeps_two_hundred_steps_within_aws_quotas() {
    let scene = Scene::one(1, 1, 400).await;
    {
        let mut account = scene.wire.account();
        for n in 0..20 {
            let mut theirs = Scheduled::floor(format!("theirs-{n}"), START_S + 3_600 + n * 300 - 120, 1);
            theirs.recurrence = Some("0 8 * * *".into());
            let call = Call::Schedule { group: "shop".into(), actions: vec![theirs] };
            assert!(matches!(account.call(call), Done::Answered(_)));
        }
    }
    let before = scene.wire.account().group("shop").scheduled.clone();
    let lower_ahead = SignedDuration::from_hours(48);
    let scaler = scene.scaler(AsgAction::Schedule { lower_ahead });
    let size = |n: i64| (60.0 + 50.0 * (n as f64 / 15.0).sin()) as u32 + (n % 5) as u32;
    let steps: Vec<(i64, u32)> = (0..200).map(|n| (13 * n, size(n))).collect();
    scaler.carry_out(&decision(1, at(0), &steps, Allowed::Everything)).await.unwrap();
    let all = scene.wire.account().group("shop").scheduled.clone();
    assert!(all.len() <= 120, "{} actions", all.len());
    assert!(before.iter().all(|(name, action)| all[name] == *action), "theirs are untouched");
    let mut ours: Vec<&Scheduled> = all.values().filter(|a| a.name.starts_with("tidecast-")).collect();
    ours.sort_by_key(|action| action.start_s);
    for (minute, size) in &steps[1..] {
        let floor = ours.iter().rfind(|action| action.start_s <= at(*minute).as_second()).unwrap();
        assert!(floor.min >= Some(*size), "minute {minute}: {:?} where {size} are planned", floor.min);
    }
    // A second plan replaces the first within the quota: nothing is lost on the way.
    let other: Vec<(i64, u32)> = (0..200).map(|n| (13 * n + 4, size(n + 7))).collect();
    scaler.carry_out(&decision(2, at(0), &other, Allowed::Everything)).await.unwrap();
    assert!(scene.wire.account().group("shop").scheduled.len() <= 125);
}

#[tokio::test] // B6
async fn learns_start_up_times_from_scaling_activities() {
    let scene = Scene::one(2, 2, 30).await;
    let scaler = scene.scaler(AsgAction::Direct);
    scaler.sight(at(0)).await.unwrap();
    scaler.carry_out(&commanding(1, at(0), vec![grow(10)])).await.unwrap();
    let mut lessons = Lessons::default();
    for minute in 1..8 {
        scene.pass(minute);
        let sighting = scaler.sight(at(minute)).await.unwrap().unwrap();
        lessons = learn_fleet(&lessons, &sighting, &tidecast_pilot::Evidence::default());
    }
    // The two that were there before teach too: AWS tells of them for six weeks.
    let fresh: Vec<i64> =
        lessons.start_ups.iter().map(SignedDuration::as_secs).filter(|took| *took != 200).collect();
    assert_eq!(fresh.len(), 8, "{fresh:?}");
    assert!(fresh.iter().all(|took| (150..=215).contains(took)), "{fresh:?}");
}

#[tokio::test] // F31
async fn sees_more_than_a_thousand_instances_exactly() {
    let scene = Scene::one(1, 1_050, 2_000).await;
    let sighting = scene.scaler(AsgAction::Direct).sight(at(0)).await.unwrap().unwrap();
    assert_eq!((sighting.nodes.len(), sighting.serving, sighting.complete), (1_050, Size(1_050), true));
    let measured = sighting.nodes.iter().filter(|node| node.ready.is_some()).count();
    assert_eq!(measured, 1_050, "all eleven pages of activities");
}

#[tokio::test] // F22
async fn names_somebody_else_who_sets_sizes() {
    let scene = Scene::one(2, 4, 30).await;
    let scaler = scene.scaler(AsgAction::Direct);
    scaler.sight(at(0)).await.unwrap();
    scaler.carry_out(&commanding(1, at(0), vec![grow(6)])).await.unwrap();
    for (minute, to) in [(2, 9), (4, 5)] {
        scene.pass(minute);
        let call = Call::SetDesired { group: "shop".into(), desired: to };
        assert!(matches!(scene.wire.account().call(call), Done::Answered(_)));
    }
    scene.pass(5);
    let foreign = scaler.sight(at(5)).await.unwrap().unwrap().foreign.unwrap();
    assert!(foreign.contains("set the desired capacity 2 times in half an hour, last to 5"), "{foreign}");
    // Another replica, which has done nothing itself, knows what was ours from the tag.
    let other = scene.scaler(AsgAction::Direct);
    assert_eq!(
        other.sight(at(5)).await.unwrap().unwrap().foreign,
        None,
        "what was before it came is not judged"
    );
    scene.pass(40);
    assert_eq!(
        scaler.sight(at(40)).await.unwrap().unwrap().foreign,
        None,
        "half an hour later it is forgiven"
    );
}

#[tokio::test] // A13, F25
async fn a_lost_reply_launches_nothing_twice() {
    let scene = Scene::one(2, 4, 30).await;
    let scaler = scene.scaler(AsgAction::Direct);
    scene.spell(Fault::ReplyLost, 1.0, 0..2);
    let trouble = scaler.carry_out(&commanding(1, at(0), vec![grow(10)])).await.unwrap_err().to_string();
    assert!(trouble.contains("may have done DescribeAutoScalingGroups or not"), "{trouble}");
    scene.wire.account().faults.spells.clear();
    scene.spell(Fault::Lag(60), 1.0, 0..60);
    // Every third reply is lost, and what is read is a minute old: it ends with ten all the same.
    scene.spell(Fault::ReplyLost, 0.33, 0..20);
    for turn in 2..40 {
        scene.wire.account().pass(START_S + 30 * turn);
        let now = Timestamp::from_second(START_S + 30 * turn).unwrap();
        let _ = scaler.sight(now).await;
        let _ = scaler.carry_out(&commanding(turn as u64, now, vec![grow(10)])).await;
    }
    let account = scene.wire.account();
    let group = account.group("shop");
    assert_eq!((group.desired, group.serving(), group.launched()), (10, 10, 10));
}

#[tokio::test] // F26, C9
async fn says_what_to_renew_when_credentials_have_expired() {
    let scene = Scene::one(2, 4, 30).await;
    scene.spell(Fault::Expired, 1.0, 0..2);
    let trouble = scene.scaler(AsgAction::Direct).sight(at(0)).await.unwrap_err();
    assert_eq!(trouble.kind(), "credentials");
    let said = trouble.to_string();
    assert!(
        said.contains("security token included in the request is expired; renew them: `aws sso login`"),
        "{said}"
    );
}

#[tokio::test] // F17
async fn asks_less_often_when_throttled_and_never_storms() {
    let scene = Scene::one(2, 4, 30).await;
    let scaler = scene.scaler(AsgAction::Direct);
    scene.spell(Fault::Throttled, 1.0, 0..10);
    for minute in 0..10 {
        scene.pass(minute);
        assert_eq!(scaler.sight(at(minute)).await.unwrap_err().kind(), "throttled");
    }
    assert_eq!(scene.region.per_s(), 0.5);
    assert_eq!(scene.wire.account().calls, 10, "one attempt a turn");
    scene.pass(10);
    scaler.sight(at(10)).await.unwrap();
    assert!(scene.region.per_s() > 0.5);
}

#[tokio::test] // S10
async fn is_refused_by_the_policy_on_groups_that_are_not_tagged_for_it() {
    let scene = Scene::one(2, 4, 30).await;
    scene.wire.account().group_mut("shop").tags.clear();
    let trouble =
        scene.scaler(AsgAction::Direct).carry_out(&commanding(1, at(0), vec![grow(9)])).await.unwrap_err();
    assert!(
        trouble.to_string().contains("not authorized to perform: autoscaling:CreateOrUpdateTags"),
        "{trouble}"
    );
    assert_eq!(scene.desired(), 4);
}

#[tokio::test] // F29, F30
async fn ends_no_instance_whose_end_was_asked_for_just_now() {
    let scene = Scene::one(1, 5, 30).await;
    let scaler = scene.scaler(AsgAction::Direct);
    let sighting = scaler.sight(at(0)).await.unwrap().unwrap();
    let id = sighting.nodes[1].name.0.clone();
    scene.spell(Fault::Lag(60), 1.0, 0..60);
    for half in 0..12 {
        let now = at(0) + SignedDuration::from_secs(30 * half);
        scene.wire.account().pass(now.as_second());
        let _ = scaler.sight(now).await;
        let _ = scaler.carry_out(&commanding(half as u64 + 1, now, vec![terminate(&id)])).await;
    }
    let account = scene.wire.account();
    let ends = account.log.iter().filter(|(_, call)| matches!(call, Call::End { .. })).count();
    assert_eq!((ends, account.group("shop").desired, account.group("shop").launched()), (1, 4, 5));
}

#[tokio::test] // F24
async fn a_turn_that_was_overtaken_while_it_looked_ends_nobody() {
    let scene = Scene::one(1, 5, 30).await;
    let (slow, fast) = (scene.scaler(AsgAction::Direct), scene.scaler(AsgAction::Direct));
    fast.carry_out(&commanding(9, at(0), vec![grow(8)])).await.unwrap();
    let older = commanding(8, at(0), vec![shrink(2)]);
    assert_eq!(slow.carry_out(&older).await.unwrap(), Receipt::Overtaken { by: 9 });
    assert_eq!(scene.desired(), 8);
}
