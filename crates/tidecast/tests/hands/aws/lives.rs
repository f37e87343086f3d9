//! The scaler where instances do more than launch and end: lifecycle hooks, warm pools, instances of several units.

use aws_sdk_autoscaling::types::{
    AutoScalingGroup, LaunchTemplate, LaunchTemplateOverrides, LaunchTemplateSpecification,
    MixedInstancesPolicy,
};
use jiff::SignedDuration;
use tidecast::scaler::{AsgAction, Scaler};
use tidecast_pilot::{Allowed, Evidence, Lessons, Phase, Sighting, Size, learn_fleet};
use tidecast_world::aws::{Call, Group, Hook, Life, Verdict, WarmPool, Warmth};

use super::behaviour::{START_S, Scene, at};
use super::decisions::{commanding, decision, drain, grow, shrink, terminate};
use super::moto::Moto;
use super::suite::{Counterpart, client};

const SCHEDULE: AsgAction = AsgAction::Schedule { lower_ahead: SignedDuration::from_mins(15) };
const HOUR: Hook = Hook { heartbeat_s: 3_600, result: Verdict::Abandon };

fn shop(min: u32, desired: u32, max: u32) -> Group {
    Group::new("shop", min, desired, max)
}

async fn scene(group: Group) -> Scene {
    Scene::of(vec![group.settled(START_S)], 7).await
}

fn lives(scene: &Scene, life: Life) -> Vec<String> {
    let account = scene.wire.account();
    account.group("shop").instances.iter().filter(|i| i.life == life).map(|i| i.id.clone()).collect()
}

fn phases(sighting: &Sighting, phase: Phase) -> usize {
    sighting.nodes.iter().filter(|node| node.phase == phase).count()
}

/// Calls of one action that were done.
fn done(scene: &Scene, action: &str) -> usize {
    scene.wire.account().log.iter().filter(|(_, call)| call.action().ends_with(action)).count()
}

#[tokio::test] // S6.2, S6.3, B6
async fn what_waits_for_its_hook_boots_and_its_start_up_ends_with_the_hook() {
    for action in [AsgAction::Direct, SCHEDULE] {
        let scene = scene(shop(2, 2, 30).with_launch_hook(HOUR)).await;
        let scaler = scene.scaler(action);
        scaler.sight(at(0)).await.unwrap();
        let told = decision(1, at(0), &[(-5, 5)], Allowed::Everything);
        scaler.carry_out(&tidecast_pilot::Decision { commands: vec![grow(5)], ..told }).await.unwrap();
        scene.pass(10);
        let seen = scaler.sight(at(10)).await.unwrap().unwrap();
        let waiting = lives(&scene, Life::PendingWait);
        assert_eq!((waiting.len(), phases(&seen, Phase::Booting)), (3, 3), "{action:?}");
        assert_eq!((seen.ordered, seen.serving), (Size(5), Size(2)), "in Pending:Wait nobody serves");
        assert!(
            seen.nodes.iter().filter(|node| node.phase == Phase::Booting).all(|node| node.ready.is_none())
        );
        for id in &waiting {
            let now_s = scene.wire.account().now_s();
            scene.wire.account().group_mut("shop").complete(id, Verdict::Continue, now_s).unwrap();
        }
        scene.pass(11);
        let seen = scaler.sight(at(11)).await.unwrap().unwrap();
        assert_eq!(seen.serving, Size(5));
        let lessons = learn_fleet(&Lessons::default(), &seen, &Evidence::default());
        let took = lessons.start_ups.iter().filter(|took| (595..=605).contains(&took.as_secs())).count();
        assert_eq!(took, 3, "ten minutes, the wait among them: {:?}", lessons.start_ups);
    }
}

#[tokio::test] // F28
async fn an_abandoned_launch_is_replaced_by_its_group_and_by_nobody_else() {
    let hook = Hook { heartbeat_s: 120, ..HOUR };
    let scene = scene(shop(2, 2, 30).with_launch_hook(hook)).await;
    let scaler = scene.scaler(AsgAction::Direct);
    for turn in 0..40 {
        let now = at(turn as i64);
        scene.pass(turn as i64);
        let seen = scaler.sight(now).await.unwrap().unwrap();
        assert_eq!((seen.serving, &seen.foreign), (Size(2), &None), "minute {turn}");
        assert!(seen.nodes.len() <= 4, "what was abandoned is not there any more: {:?}", seen.nodes);
        scaler.carry_out(&commanding(turn + 1, now, vec![grow(4)])).await.unwrap();
    }
    assert_eq!(done(&scene, "SetDesiredCapacity"), 1);
    assert!(scene.wire.account().group("shop").launched() > 6, "its launches were abandoned again and again");
}

#[tokio::test] // S6.3, D1
async fn what_waits_to_end_is_neither_counted_nor_ended_again() {
    let scene = scene(shop(1, 5, 9).with_end_hook(HOUR)).await;
    let scaler = scene.scaler(AsgAction::Direct);
    let seen = scaler.sight(at(0)).await.unwrap().unwrap();
    let chosen = seen.nodes[1].name.0.clone();
    scaler.carry_out(&commanding(1, at(0), vec![drain(&chosen)])).await.unwrap();
    scaler.carry_out(&commanding(2, at(1), vec![terminate(&chosen)])).await.unwrap();
    for minute in [2, 10, 45] {
        scene.pass(minute);
        assert_eq!(lives(&scene, Life::TerminatingWait), [chosen.as_str()]);
        let now = at(minute);
        let seen = scaler.sight(now).await.unwrap().unwrap();
        assert_eq!((seen.ordered, seen.serving, seen.nodes.len()), (Size(4), Size(4), 4), "minute {minute}");
        let turn = 2 + minute as u64;
        let said =
            scaler.carry_out(&commanding(turn, now, vec![terminate(&chosen)])).await.unwrap().to_string();
        assert!(said.contains(&format!("{chosen} is not there any more")), "{said}");
    }
    assert_eq!(
        (done(&scene, "TerminateInstanceInAutoScalingGroup"), scene.wire.account().group("shop").desired),
        (1, 4)
    );
    scene.pass(75);
    assert_eq!(scene.wire.account().group("shop").instances.len(), 4, "the hook's time is over");
    // By shrinking, too: the group chooses, and what waits is no longer in it.
    scaler.carry_out(&commanding(90, at(75), vec![shrink(2)])).await.unwrap();
    scene.pass(80);
    let seen = scaler.sight(at(80)).await.unwrap().unwrap();
    assert_eq!(
        (lives(&scene, Life::TerminatingWait).len(), seen.ordered, seen.serving),
        (2, Size(2), Size(2))
    );
}

#[tokio::test] // S6.2, S6.3, B6
async fn what_is_warm_serves_nobody_and_its_start_up_is_that_out_of_the_pool() {
    for (warmth, action) in [(Warmth::Stopped, AsgAction::Direct), (Warmth::Running, SCHEDULE)] {
        let pool = WarmPool { min: 3, prepared: Some(0), warmth, starts_s: 30 };
        let scene = scene(shop(2, 2, 30).with_pool(pool)).await;
        let scaler = scene.scaler(action);
        scene.pass(10);
        let seen = scaler.sight(at(10)).await.unwrap().unwrap();
        assert_eq!(scene.wire.account().group("shop").warm(), 3);
        assert_eq!((seen.ordered, seen.serving, seen.nodes.len()), (Size(2), Size(2), 2), "{warmth:?}");
        assert!(seen.says.iter().any(|said| said.starts_with("its warm pool has 3")), "{:?}", seen.says);
        let started = |seen: &Sighting| -> Vec<i64> {
            let lessons = learn_fleet(&Lessons::default(), seen, &Evidence::default());
            lessons.start_ups.iter().map(SignedDuration::as_secs).filter(|took| *took != 200).collect()
        };
        assert_eq!(started(&seen), [0; 0], "what was launched into the pool has not started up");
        scaler.carry_out(&commanding(1, at(10), vec![grow(7)])).await.unwrap();
        scene.pass(20);
        let seen = scaler.sight(at(20)).await.unwrap().unwrap();
        assert_eq!((seen.serving, seen.nodes.len()), (Size(7), 7));
        let (warm, cold): (Vec<i64>, Vec<i64>) = started(&seen).into_iter().partition(|took| *took < 60);
        assert_eq!((warm.len(), cold.len()), (3, 2), "three out of the pool, two that it had not");
        assert!(warm.iter().all(|took| *took == 30), "not since they were launched into it: {warm:?}");
        assert!(cold.iter().all(|took| (150..=215).contains(took)), "{cold:?}");
    }
}

#[tokio::test] // S6.2, S6.3
async fn weights_make_sizes_units_and_no_instance_is_chosen() {
    let weighted = || shop(4, 8, 40).with_weights([4, 5]);
    let scene = scene(weighted()).await;
    let scaler = scene.scaler(AsgAction::Direct);
    let seen = scaler.sight(at(0)).await.unwrap().unwrap();
    assert_eq!(
        (seen.ordered, seen.serving, seen.nodes.len()),
        (Size(8), Size(9), 2),
        "nine units on two instances"
    );
    assert!(
        seen.says.iter().any(|said| said.contains("units of capacity, not instances")),
        "{:?}",
        seen.says
    );
    scaler.carry_out(&commanding(1, at(0), vec![grow(20)])).await.unwrap();
    scene.pass(10);
    let seen = scaler.sight(at(10)).await.unwrap().unwrap();
    assert_eq!(
        (seen.ordered, seen.serving, seen.nodes.len()),
        (Size(20), Size(23), 5),
        "twenty units, not twenty instances"
    );
    let chosen = seen.nodes[0].name.0.clone();
    for (turn, command) in [(2, drain(&chosen)), (3, terminate(&chosen))] {
        let said = scaler.carry_out(&commanding(turn, at(10), vec![command])).await.unwrap().to_string();
        assert!(said.contains("counts units of capacity, and nobody knows"), "{said}");
    }
    assert_eq!(
        (done(&scene, "TerminateInstanceInAutoScalingGroup"), done(&scene, "SetInstanceProtection")),
        (0, 0)
    );
    scaler.carry_out(&commanding(4, at(10), vec![shrink(12)])).await.unwrap();
    scene.pass(20);
    let seen = scaler.sight(at(20)).await.unwrap().unwrap();
    assert_eq!((seen.ordered, seen.foreign.clone()), (Size(12), None));
    assert!((12..=16).contains(&seen.serving.get()), "never below twelve units: {:?}", seen.serving);
    // Floors count units as well.
    let scene = self::scene(weighted()).await;
    let plan = decision(1, at(0), &[(-5, 8), (30, 20)], Allowed::Growing);
    scene.scaler(SCHEDULE).carry_out(&plan).await.unwrap();
    scene.pass(40);
    let account = scene.wire.account();
    assert_eq!(
        (account.group("shop").min, account.group("shop").units(), account.group("shop").has()),
        (20, 23, 5)
    );
}

#[tokio::test] // S6.3
async fn what_is_not_counted_by_its_weight_is_never_taken_for_more() {
    let scene = scene(shop(4, 12, 40).with_weights([4]).with_end_hook(HOUR)).await;
    let id = scene.wire.account().group("shop").instances[0].id.clone();
    scene.wire.account().call(Call::End { id, decrement: true });
    let seen = scene.scaler(AsgAction::Direct).sight(at(0)).await.unwrap().unwrap();
    assert_eq!(
        (seen.ordered, seen.serving, seen.nodes.len()),
        (Size(8), Size(8), 2),
        "somebody's end took a weight"
    );
}

fn in_service(group: &AutoScalingGroup) -> usize {
    group
        .instances()
        .iter()
        .filter(|i| i.lifecycle_state.as_ref().is_some_and(|l| l.as_str() == "InService"))
        .count()
}

/// moto takes hooks and pools and lets nobody wait for them; of weights it launches as many as are needed, and tells of them
/// only in the policy. What the scaler makes of that must be right all the same.
#[tokio::test] // S6.3
async fn moto_takes_hooks_pools_and_weights_and_lets_nobody_wait() {
    let Some(moto) = Moto::start().await else { return };
    let eyes = client(&moto.url()).await;
    moto.template("heavy").await;
    let spec =
        LaunchTemplateSpecification::builder().launch_template_name("heavy").version("$Latest").build();
    let heavy = LaunchTemplateOverrides::builder().instance_type("t3.large").weighted_capacity("4").build();
    let template = LaunchTemplate::builder().launch_template_specification(spec).overrides(heavy).build();
    let create = eyes.create_auto_scaling_group().auto_scaling_group_name("heavy").min_size(4).max_size(40);
    let mixed = MixedInstancesPolicy::builder().launch_template(template).build();
    create
        .desired_capacity(12)
        .availability_zones("eu-west-1a")
        .mixed_instances_policy(mixed)
        .send()
        .await
        .unwrap();
    let counterpart = Counterpart::Moto(moto);
    let hooked = counterpart.stage("hooked", [1, 2, 9]).await;
    let hook = eyes.put_lifecycle_hook().auto_scaling_group_name("hooked").lifecycle_hook_name("boot");
    hook.lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING")
        .heartbeat_timeout(600)
        .send()
        .await
        .unwrap();
    eyes.put_warm_pool().auto_scaling_group_name("hooked").min_size(3).send().await.unwrap();
    let scaler = hooked.scaler(AsgAction::Direct);
    let now = hooked.now;
    scaler.carry_out(&commanding(1, now, vec![grow(4)])).await.unwrap();
    let group = hooked.read().await;
    assert_eq!((in_service(&group), group.instances().len()), (4, 4), "nobody waits, nobody is warm");
    let seen = scaler.sight(now).await.unwrap().unwrap();
    assert_eq!((seen.ordered, seen.serving), (Size(4), Size(4)));
    let heavy = hooked.beside("heavy");
    let scaler = heavy.scaler(AsgAction::Direct);
    let seen = scaler.sight(now).await.unwrap().unwrap();
    assert_eq!((seen.ordered, seen.nodes.len()), (Size(12), 3), "three of four units each");
    assert!(seen.says.iter().any(|said| said.contains("units of capacity")), "{:?}", seen.says);
    assert!(
        heavy.read().await.instances().iter().all(|i| i.weighted_capacity.is_none()),
        "moto tells no weights"
    );
    let chosen = seen.nodes[0].name.0.clone();
    let said = scaler.carry_out(&commanding(1, now, vec![terminate(&chosen)])).await.unwrap().to_string();
    assert!(said.contains("stays: its group counts units"), "{said}");
    scaler.carry_out(&commanding(2, now, vec![grow(20)])).await.unwrap();
    assert_eq!((heavy.read().await.desired_capacity, heavy.read().await.instances().len()), (Some(20), 5));
}
