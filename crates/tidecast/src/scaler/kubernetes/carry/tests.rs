use std::sync::Arc;

use tidecast_pilot::{Allowed, Move, Reason, Size};

use super::super::kind::Kind;
use super::super::marks::{CONTESTED_AT, CONTESTED_BY, DECIDED_AT, GENERATION, SIZE, TURN, WORKLOAD};
use super::super::stand::tests::{stand, thing};
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn decision(turn: u64, second: i64, commands: Vec<Command>, from: u32) -> Decision {
    Decision {
        turn,
        at: at(second),
        size: Size(0),
        wanted: Size(0),
        because: Reason::Minimum { min: Size(1) },
        limits: Vec::new(),
        plan: Arc::default(),
        vigil: Default::default(),
        moves: vec![Move { at: at(second), from: Size(from), to: Size(0) }],
        commands,
        withheld: Vec::new(),
        allowed: Allowed::Everything,
        notes: Vec::new(),
    }
}

fn grow(to: u32) -> Vec<Command> {
    vec![Command::Grow { to: Size(to) }]
}

fn shrink(to: u32) -> Vec<Command> {
    vec![Command::Shrink { to: Size(to) }]
}

/// A Deployment of so many replicas; marks of a turn that wrote a size; who has written since, and when.
struct Found {
    replicas: u32,
    marks: Option<(u64, i64, u32)>,
    contested: Option<i64>,
    writer: Option<(&'static str, i64)>,
}

const UNTOUCHED: Found = Found { replicas: 5, marks: None, contested: None, writer: None };

fn found(found: &Found) -> Stand {
    let mut notes = serde_json::Map::new();
    let mut fields = Vec::new();
    let entry = |manager: &str, second: i64, owned: Value| json!({ "manager": manager, "operation": "Update", "time": at(second).to_string(), "fieldsV1": owned });
    if let Some((turn, second, size)) = found.marks {
        let told =
            [(WORKLOAD, "shop/checkout".to_owned()), (TURN, turn.to_string()), (SIZE, size.to_string())];
        notes.extend(told.into_iter().map(|(key, note)| (key.to_owned(), note.into())));
        notes.insert(DECIDED_AT.into(), at(second).to_string().into());
        fields.push(entry("tidecast", second + 1, json!({ "f:metadata": {} })));
    }
    if let Some(second) = found.contested {
        notes.insert(CONTESTED_BY.into(), "Argo CD".into());
        notes.insert(CONTESTED_AT.into(), at(second).to_string().into());
    }
    if let Some((manager, second)) = found.writer {
        fields.push(entry(manager, second, json!({ "f:spec": { "f:replicas": {} } })));
    }
    let target = json!({
        "metadata": { "name": "checkout", "annotations": notes, "managedFields": fields },
        "spec": { "replicas": found.replicas },
    });
    stand("Deployment", target, Holder::Scale)
}

fn judged(stand: &Stand, decision: &Decision) -> Verdict {
    judge("shop/checkout", stand, &Wish::of(decision), decision, decision.at)
}

fn write(number: u32) -> Verdict {
    Verdict::Write { number, but: String::new(), overruled: None }
}

#[test]
fn writes_where_to_arrive_and_nothing_twice() {
    let stand = found(&UNTOUCHED);
    assert_eq!(judged(&stand, &decision(1, 0, grow(8), 5)), write(8));
    assert_eq!(judged(&stand, &decision(1, 0, shrink(4), 5)), write(4));
    assert!(matches!(judged(&stand, &decision(1, 0, grow(5), 5)), Verdict::Stay(_)));
    assert!(matches!(judged(&stand, &decision(1, 0, grow(3), 5)), Verdict::Stay(_)), "growing never lowers");
}

#[test] // F24
fn lets_no_older_decision_through() {
    let stand = found(&Found { marks: Some((9, 100, 5)), ..UNTOUCHED });
    assert_eq!(judged(&stand, &decision(8, 90, shrink(2), 5)), Verdict::Overtaken(9));
    assert_eq!(judged(&stand, &decision(8, 200, grow(50), 5)), Verdict::Overtaken(9));
    assert_eq!(judged(&stand, &decision(10, 130, grow(8), 5)), write(8));
}

#[test] // F25
fn does_the_same_turn_once() {
    let stand = found(&Found { marks: Some((9, 100, 5)), ..UNTOUCHED });
    let mut wish = Wish::of(&decision(9, 100, Vec::new(), 6));
    wish.ended = 1;
    let again = judge("shop/checkout", &stand, &wish, &decision(9, 100, Vec::new(), 6), at(101));
    assert!(matches!(again, Verdict::Stay(_)), "one ended already: {again:?}");
    let torn = found(&Found { replicas: 6, marks: Some((9, 100, 5)), ..UNTOUCHED });
    let again = judge("shop/checkout", &torn, &wish, &decision(9, 100, Vec::new(), 6), at(101));
    assert_eq!(again, write(5), "the marks were written, and the number was not");
    assert_eq!(
        judged(&stand, &decision(9, 130, grow(8), 5)),
        write(8),
        "the turn that was committed after all"
    );
}

#[test] // I4
fn takes_no_more_away_than_was_decided() {
    let raised = found(&Found { replicas: 20, ..UNTOUCHED });
    let verdict = judged(&raised, &decision(3, 0, shrink(9), 10));
    let Verdict::Refuse(trouble) = verdict else { panic!("{verdict:?}") };
    assert!(
        trouble.to_string().contains("20 stand there now, and it was decided to shrink 10 to 9"),
        "{trouble}"
    );
    let lowered = found(&Found { replicas: 9, ..UNTOUCHED });
    assert!(matches!(judged(&lowered, &decision(3, 0, shrink(9), 10)), Verdict::Stay(_)));
}

#[test] // F22
fn overrules_a_foreign_writer_once_and_then_holds() {
    let first =
        Found { replicas: 3, marks: Some((4, 0, 5)), writer: Some(("argocd-controller", 20)), ..UNTOUCHED };
    let verdict = judged(&found(&first), &decision(5, 30, grow(5), 3));
    let Verdict::Write { number: 5, overruled: Some(who), .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(who, "Argo CD (field manager argocd-controller)");
    assert!(matches!(contest(&found(&first), at(30)), Some(Contest::Once(_))));

    let second = Found {
        contested: Some(30),
        marks: Some((5, 30, 5)),
        writer: Some(("argocd-controller", 50)),
        ..first
    };
    let verdict = judged(&found(&second), &decision(6, 60, grow(5), 3));
    let Verdict::Refuse(trouble) = verdict else { panic!("{verdict:?}") };
    assert!(
        trouble.to_string().contains("Argo CD (field manager argocd-controller) has changed replicas"),
        "{trouble}"
    );
    assert!(matches!(contest(&found(&second), at(60)), Some(Contest::Again(_))));
    assert!(matches!(contest(&found(&second), at(3_700)), Some(Contest::Once(_))), "the truce is over");
}

/// A target that kubectl has scaled at a time that nobody knows, marked at the first generation, at this one now.
fn scaled(kind: &str, recorded: bool, generation: i64) -> Stand {
    let torn = Found { replicas: 3, marks: Some((4, 60, 5)), ..UNTOUCHED };
    let mut target = serde_json::to_value(&*found(&torn).target).unwrap();
    target["metadata"]["generation"] = generation.into();
    target["metadata"]["annotations"][GENERATION] = "1".into();
    if recorded {
        let entry = json!({ "manager": "kubectl", "operation": "Update", "subresource": "scale",
            "fieldsV1": { "f:spec": { "f:replicas": {} } } });
        target["metadata"]["managedFields"].as_array_mut().unwrap().push(entry);
    }
    stand(kind, target, Holder::Scale)
}

#[test] // F22
fn sees_a_writer_of_whom_the_server_records_no_time() {
    let by = |stand: &Stand| match contest(stand, at(90)) {
        Some(Contest::Once(writer)) => writer.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(by(&scaled("Deployment", true, 3)), "a person with kubectl scale (field manager kubectl)");
    assert_eq!(contest(&scaled("Deployment", true, 1), at(90)), None, "our number was never written");
    assert_eq!(contest(&scaled("Deployment", true, 2), at(90)), None, "and something else has changed since");
    assert_eq!(contest(&scaled("Deployment", false, 3), at(90)), None, "nobody has written it");
    let mut custom = scaled("Rollout", false, 3);
    custom.kind = Kind::new("argoproj.io", "v1alpha1", "Rollout", "rollouts");
    assert_eq!(by(&custom), "somebody who gives no name");
}

#[test]
fn takes_nobody_for_a_foreign_writer_while_its_own_number_has_not_come() {
    let beside = Found { replicas: 3, marks: Some((4, 60, 5)), writer: Some(("helm", 61)), ..UNTOUCHED };
    let with_generation = |generation: i64| {
        let mut target = serde_json::to_value(&*found(&beside).target).unwrap();
        target["metadata"]["generation"] = generation.into();
        target["metadata"]["annotations"][GENERATION] = "7".into();
        stand("Deployment", target, Holder::Scale)
    };
    assert!(contest(&found(&beside), at(90)).is_some(), "by their times alone it would be somebody else");
    assert_eq!(contest(&with_generation(7), at(90)), None, "within the same second, but before");
    assert!(contest(&with_generation(8), at(90)).is_some());
}

#[test]
fn marks_a_target_once_as_long_as_nothing_happens_to_it() {
    let stand = scaled("Deployment", false, 1);
    let marks = |size: u32| Marks {
        size,
        generation: stand.generation_marked(),
        ..Marks::of(&stand.target).unwrap()
    };
    assert_eq!(marks(5).generation, Some(2), "a Deployment's annotations count");
    assert!(is_marked(&stand, &marks(5)) && !is_marked(&stand, &marks(6)));
    assert!(!is_marked(&scaled("Deployment", false, 2), &marks(5)), "something has happened since");
}

#[test]
fn takes_a_write_of_ours_that_failed_for_nobodys() {
    let torn = Found { replicas: 3, marks: Some((4, 60, 5)), writer: Some(("helm", 10)), ..UNTOUCHED };
    assert_eq!(contest(&found(&torn), at(90)), None);
    assert_eq!(judged(&found(&torn), &decision(5, 90, grow(5), 3)), write(5));
}

#[test] // A7
fn keeps_a_floor_within_what_its_owner_takes() {
    let hpa = |min: u32| {
        let hpa = json!({ "metadata": { "name": "h" }, "spec": { "minReplicas": min, "maxReplicas": 21 } });
        stand(
            "Deployment",
            json!({ "metadata": { "name": "d" }, "spec": { "replicas": 30 } }),
            Holder::Hpa(thing(hpa)),
        )
    };
    assert_eq!(judged(&hpa(20), &decision(1, 0, grow(21), 20)), write(21));
    let Verdict::Write { number: 21, but, .. } = judged(&hpa(20), &decision(1, 0, grow(25), 20)) else {
        panic!()
    };
    assert_eq!(but, ", not 25: its owner takes 1 to 21");
    let Verdict::Stay(said) = judged(&hpa(21), &decision(1, 0, grow(25), 21)) else { panic!() };
    assert_eq!(said, "minReplicas of the HPA h is 21 already, not 25: its owner takes 1 to 21");
    assert!(matches!(judged(&hpa(1), &decision(1, 0, shrink(0), 1)), Verdict::Stay(_)));
}
