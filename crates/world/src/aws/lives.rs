//! What instances live through besides a launch and an end: hooks, warm pools, weights.

use super::*;

const NOW_S: i64 = 1_790_000_040;
const HOOK: Hook = Hook { heartbeat_s: 600, result: Verdict::Abandon };
const POOL: WarmPool = WarmPool { min: 0, prepared: None, warmth: Warmth::Stopped, starts_s: 30 };

fn account(group: Group) -> Account {
    let mut account = Account::new(NOW_S, 1);
    account.add(group.settled(NOW_S));
    account
}

fn set(desired: u32) -> Call {
    Call::SetDesired { group: "shop".into(), desired }
}

fn of(account: &Account, life: Life) -> Vec<String> {
    account.group("shop").instances.iter().filter(|i| i.life == life).map(|i| i.id.clone()).collect()
}

#[test]
fn a_launch_waits_for_its_hook_and_serves_once_it_is_completed() {
    let mut account = account(Group::new("shop", 1, 2, 9).with_launch_hook(HOOK));
    account.call(set(4));
    account.pass(NOW_S + 300);
    let waiting = of(&account, Life::PendingWait);
    let group = account.group_mut("shop");
    assert_eq!((waiting.len(), group.has(), group.serving()), (2, 4, 2));
    assert_eq!(group.activities.last().unwrap().status, "MidLifecycleAction");
    group.complete(&waiting[0], Verdict::Continue, NOW_S + 300).unwrap();
    assert_eq!(group.serving(), 3);
    assert!(group.complete(&waiting[0], Verdict::Continue, NOW_S + 300).is_err(), "it waits no more");
    let ended = group.activities.iter().find(|a| a.description.ends_with(&waiting[0])).unwrap();
    assert_eq!(
        (ended.status, ended.end_s),
        ("Successful", Some(NOW_S + 300)),
        "the wait is part of the launch"
    );
}

#[test]
fn a_hook_without_a_word_ends_by_its_default_result() {
    for (result, serving, launched) in [(Verdict::Continue, 3, 3), (Verdict::Abandon, 2, 4)] {
        let hook = Hook { result, ..HOOK };
        let mut account = account(Group::new("shop", 1, 2, 9).with_launch_hook(hook));
        account.call(set(3));
        account.pass(NOW_S + 900);
        let group = account.group("shop");
        assert_eq!((group.serving(), group.launched()), (serving, launched), "{result:?}");
        let cancelled = group.activities.iter().filter(|a| a.status == "Cancelled").count();
        assert_eq!(cancelled, usize::from(result == Verdict::Abandon), "an abandoned launch is replaced");
    }
}

#[test]
fn heartbeats_put_the_time_out_off_a_hundred_times_at_most() {
    let mut account = account(Group::new("shop", 1, 3, 9).with_end_hook(HOOK));
    account.call(set(2));
    account.pass(NOW_S + 60);
    let going = of(&account, Life::TerminatingWait).remove(0);
    let group = account.group("shop");
    assert_eq!((group.has(), group.serving()), (2, 2), "it is counted no more");
    let mut waited_s = 60;
    while of(&account, Life::TerminatingWait).len() == 1 {
        let _ = account.group_mut("shop").heartbeat(&going, NOW_S + waited_s);
        waited_s += 300;
        account.pass(NOW_S + waited_s);
        assert!(waited_s < 70_000);
    }
    assert!((60_000..=60_600).contains(&waited_s), "{waited_s}");
    account.pass(NOW_S + waited_s + 60);
    assert_eq!(account.group("shop").instances.len(), 2, "CONTINUE or ABANDON: an end is an end");
}

#[test]
fn a_warm_pool_holds_what_is_missing_to_the_maximum_and_serves_first() {
    for (warmth, life) in [(Warmth::Stopped, Life::WarmedStopped), (Warmth::Running, Life::WarmedRunning)] {
        let pool = WarmPool { warmth, ..POOL };
        let mut account = account(Group::new("shop", 1, 2, 5).with_pool(pool));
        account.pass(NOW_S + 600);
        assert_eq!((of(&account, life).len(), account.group("shop").has()), (3, 2));
        let before = account.group("shop").launched();
        account.call(set(4));
        account.pass(NOW_S + 640);
        let group = account.group("shop");
        assert_eq!((group.serving(), group.warm(), group.launched()), (4, 1, before));
        let out = group.activities.iter().filter(|a| a.description.contains("from warm pool: i-"));
        assert!(out.clone().count() == 2 && out.into_iter().all(|a| a.status == "Successful"));
    }
}

#[test]
fn a_pool_that_is_empty_is_passed_over_and_one_with_a_size_of_its_own_keeps_it() {
    let pool = WarmPool { min: 1, prepared: Some(0), ..POOL };
    let mut account = account(Group::new("shop", 1, 2, 9).with_pool(pool));
    account.pass(NOW_S + 600);
    assert_eq!(account.group("shop").warm(), 1);
    account.call(set(6));
    account.pass(NOW_S + 640);
    assert_eq!(account.group("shop").serving(), 3, "three of four start cold");
    account.pass(NOW_S + 900);
    assert_eq!((account.group("shop").serving(), account.group("shop").warm()), (6, 1));
}

#[test]
fn weights_make_sizes_units_that_are_overshot_and_never_undershot() {
    let mut account = account(Group::new("shop", 2, 10, 40).with_weights([5]));
    assert_eq!((account.group("shop").has(), account.group("shop").units()), (2, 10));
    account.call(set(12));
    account.pass(NOW_S + 300);
    assert_eq!((account.group("shop").has(), account.group("shop").units()), (3, 15), "three units over");
    account.call(set(11));
    account.pass(NOW_S + 600);
    assert_eq!(account.group("shop").units(), 15, "to let five go would be below eleven");
    account.call(set(10));
    account.pass(NOW_S + 900);
    assert_eq!(account.group("shop").units(), 10);
}

#[test]
fn a_chosen_end_lowers_what_is_desired_by_the_weight() {
    let mut account = account(Group::new("shop", 5, 12, 40).with_weights([4]));
    let ids: Vec<String> = account.group("shop").instances.iter().map(|i| i.id.clone()).collect();
    let end = |id: &String| Call::End { id: id.clone(), decrement: true };
    assert_eq!(account.call(end(&ids[0])), Done::Answered(Answer::Done));
    assert_eq!(account.group("shop").desired, 8);
    let Done::Refused(refusal) = account.call(end(&ids[1])) else { panic!("four are below the minimum") };
    assert!(refusal.said.contains("min size constraint"), "{refusal}");
    account.pass(NOW_S + 600);
    assert_eq!((account.group("shop").has(), account.group("shop").units()), (2, 8));
}
