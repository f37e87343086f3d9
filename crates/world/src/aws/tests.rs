use std::collections::BTreeMap;

use super::*;

const NOW_S: i64 = 1_790_000_040;

fn account(group: Group) -> Account {
    let mut account = Account::new(NOW_S, 1);
    account.add(group.settled(NOW_S));
    account
}

fn shop(desired: u32) -> Account {
    account(Group::new("shop", 2, desired, 10))
}

fn refused(account: &mut Account, call: Call) -> String {
    match account.call(call) {
        Done::Refused(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    }
}

fn put(account: &mut Account, actions: Vec<Scheduled>) -> Vec<(String, String, String)> {
    match account.call(Call::Schedule { group: "shop".into(), actions }) {
        Done::Answered(Answer::Failed(failed)) => failed,
        other => panic!("{other:?}"),
    }
}

fn set(desired: u32) -> Call {
    Call::SetDesired { group: "shop".into(), desired }
}

#[test]
fn keeps_sizes_between_minimum_and_maximum() {
    let mut account = shop(4);
    assert!(
        refused(&mut account, set(11))
            .starts_with("ValidationError: New SetDesiredCapacity value 11 is above max")
    );
    assert!(refused(&mut account, set(1)).contains("below min value 2"));
    let update = Call::Update { group: "shop".into(), sizes: [Some(6), None, None] };
    assert_eq!(account.call(update), Done::Answered(Answer::Done));
    assert_eq!(account.group("shop").desired, 6, "what is desired follows the minimum");
}

#[test]
fn takes_a_hundred_and_twenty_five_actions_fifty_at_once_none_past_no_two_together() {
    let mut account = shop(4);
    let many = |from: i64, count: i64| -> Vec<Scheduled> {
        (from..from + count).map(|n| Scheduled::floor(format!("a-{n}"), NOW_S + 60 + n, 3)).collect()
    };
    let call = Call::Schedule { group: "shop".into(), actions: many(0, 51) };
    assert!(refused(&mut account, call).contains("51 scheduled actions in one batch"));
    assert!(put(&mut account, many(0, 50)).is_empty() && put(&mut account, many(50, 50)).is_empty());
    let failed = put(&mut account, many(100, 30));
    assert_eq!((failed.len(), failed[0].1.as_str()), (5, "LimitExceeded"));
    let odd = vec![Scheduled::floor("past", NOW_S - 1, 3), Scheduled::floor("same", NOW_S + 60, 3)];
    let codes: Vec<String> = put(&mut account, odd).into_iter().map(|(_, code, _)| code).collect();
    assert_eq!(codes, ["ValidationError", "AlreadyExists"]);
    assert!(
        put(&mut account, vec![Scheduled::floor("a-0", NOW_S + 30, 9)]).is_empty(),
        "one's own name is a change"
    );
}

#[test]
fn fires_up_to_two_minutes_late_and_in_order() {
    for seed in 0..40 {
        let mut account = Account::new(NOW_S, seed);
        account.add(Group::new("shop", 1, 1, 99).settled(NOW_S));
        for n in 0..5 {
            put(&mut account, vec![Scheduled::floor(format!("a-{n}"), NOW_S + 300 + 20 * n, 10 + n as u32)]);
        }
        let mut seen = Vec::new();
        for second in (0..520).step_by(5) {
            account.pass(NOW_S + second);
            let min = account.group("shop").min;
            if seen.last().is_none_or(|(_, last)| *last != min) {
                seen.push((second, min));
            }
        }
        assert!(seen.windows(2).all(|pair| pair[1].1 > pair[0].1), "{seen:?}");
        assert_eq!(seen.last().unwrap().1, 14);
        assert!(seen[1].0 >= 300 && seen.last().unwrap().0 <= 505, "{seen:?}");
    }
}

#[test]
fn launches_in_its_own_time_and_tells_of_it() {
    let mut account = shop(4);
    account.call(set(9));
    account.pass(NOW_S + 100);
    assert_eq!((account.group("shop").has(), account.group("shop").serving()), (9, 4));
    account.pass(NOW_S + 300);
    let group = account.group("shop");
    assert_eq!(group.serving(), 9);
    let last = group.activities.last().unwrap();
    assert!(last.cause.contains(
        "a user request explicitly set group desired capacity changing the desired capacity from 4 to 9"
    ));
    assert!(last.description.starts_with("Launching a new EC2 instance: i-") && last.status == "Successful");
    assert!((150..=215).contains(&(last.end_s.unwrap() - last.start_s)));
}

#[test]
fn launches_nothing_where_there_is_no_capacity_and_does_not_storm() {
    let mut account = shop(4);
    account.faults.spells.push(Spell {
        fault: Fault::NoCapacity,
        share: 1.0,
        from_s: NOW_S,
        until_s: NOW_S + 1_800,
    });
    account.call(set(9));
    account.pass(NOW_S + 1_800);
    assert_eq!((account.group("shop").has(), account.group("shop").failed_launches()), (4, 5));
    account.pass(NOW_S + 2_600);
    assert_eq!(account.group("shop").serving(), 9);
}

#[test]
fn leaves_protected_instances_alone_and_ends_chosen_ones() {
    let mut account = shop(5);
    let ids: Vec<String> = account.group("shop").instances.iter().map(|i| i.id.clone()).collect();
    let protect = Call::Protect { group: "shop".into(), ids: ids[..4].to_vec(), protected: true };
    account.call(protect);
    account.call(set(2));
    account.pass(NOW_S + 120);
    assert_eq!(account.group("shop").has(), 4, "only one was not protected");
    let end = Call::End { id: ids[1].clone(), decrement: true };
    assert!(refused(&mut account, end.clone()).contains("desiredSize equals minSize"));
    account.call(set(3));
    assert_eq!(account.call(end.clone()), Done::Answered(Answer::Done));
    assert!(refused(&mut account, end).contains("No managed instance found"), "it is going already");
    account.pass(NOW_S + 600);
    assert_eq!((account.group("shop").desired, account.group("shop").has()), (2, 3));
}

#[test]
fn shows_what_was_while_it_lags_and_loses_replies_of_what_is_done() {
    let mut account = shop(4);
    let spell = |fault| Spell { fault, share: 1.0, from_s: NOW_S, until_s: NOW_S + 600 };
    account.faults.spells.push(spell(Fault::Lag(60)));
    account.pass(NOW_S + 70);
    account.faults.spells.push(spell(Fault::ReplyLost));
    assert_eq!(account.call(set(8)), Done::Lost);
    account.faults.spells.pop();
    let desired = |account: &mut Account| {
        let page = Page { from: 0, most: 50 };
        match account.call(Call::Groups { names: vec!["shop".into()], page }) {
            Done::Answered(Answer::Groups(groups, None)) => groups[0].desired,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((account.group("shop").desired, desired(&mut account)), (8, 4));
    account.pass(NOW_S + 140);
    assert_eq!(desired(&mut account), 8);
    assert_eq!(account.faults.hits, 1);
}

#[test]
fn refuses_calls_that_are_too_many() {
    let mut account = shop(4);
    account.rate = (2.0, 5.0);
    account.pass(NOW_S + 60);
    let page = Page { from: 0, most: 50 };
    let policies = || Call::Policies { group: "shop".into(), page };
    let through = |account: &mut Account| {
        (0..20).filter(|_| matches!(account.call(policies()), Done::Answered(_))).count()
    };
    assert_eq!(through(&mut account), 5);
    account.pass(NOW_S + 61);
    assert_eq!(through(&mut account), 2);
}

#[test]
fn lets_nobody_do_what_the_policy_does_not_allow() {
    let policy = r#"{ "Version": "2012-10-17", "Statement": [{ "Sid": "S", "Effect": "Allow",
        "Action": ["autoscaling:SetDesiredCapacity"], "Resource": "*",
        "Condition": { "StringEquals": { "autoscaling:ResourceTag/tidecast": "managed" } } }] }"#;
    let mut account = shop(4);
    account.policy = Some(serde_saphyr::from_str(policy).unwrap());
    assert!(refused(&mut account, set(5)).starts_with("AccessDenied"));
    account.group_mut("shop").tags = BTreeMap::from([("tidecast".into(), "managed".into())]);
    assert_eq!(account.call(set(5)), Done::Answered(Answer::Done));
    let other = Call::Update { group: "shop".into(), sizes: [Some(1), None, None] };
    assert!(refused(&mut account, other).contains("autoscaling:UpdateAutoScalingGroup"));
}

#[test]
fn launches_once_for_each_token() {
    let mut account = shop(4);
    let run = |count| Call::Run {
        token: "t".into(),
        least: 1,
        count,
        template: "lt".into(),
        tags: vec![("k".into(), "v".into())],
    };
    let first = account.call(run(3));
    assert_eq!(account.call(run(3)), first);
    assert_eq!(account.bares().len(), 3);
    assert!(refused(&mut account, run(4)).starts_with("IdempotentParameterMismatch"));
    let ids: Vec<String> = account.bares().iter().map(|bare| bare.id.clone()).collect();
    account.pass(NOW_S + 60);
    assert!(account.bares().iter().all(|bare| bare.state == "running"));
    account.call(Call::EndBare { ids });
    account.pass(NOW_S + 120);
    assert!(account.bares().iter().all(|bare| bare.state == "terminated"));
}

#[test]
fn repeats_itself_from_its_seed() {
    let play = |seed| {
        let mut account = Account::new(NOW_S, seed);
        account.add(Group::new("shop", 2, 4, 10).settled(NOW_S));
        let fault = Fault::LaunchesFail(0.3);
        account.faults.spells.push(Spell { fault, share: 1.0, from_s: NOW_S, until_s: NOW_S + 3_000 });
        account.call(set(9));
        account.pass(NOW_S + 3_600);
        account.group("shop").activities.clone()
    };
    assert_eq!(play(3), play(3));
    assert_ne!(play(3), play(4));
}
