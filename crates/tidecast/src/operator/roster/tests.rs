use super::*;
use crate::config::{Text, Texts, read};

fn files(more: &str) -> Config {
    let content = format!("operator: {{ namespaces: ['*'] }}\nsources: {{ main: {{ type: push }} }}\n{more}");
    let loaded = read(Texts(vec![Text { name: "f".into(), content }]), Vec::new(), Path::new("."));
    loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.report.findings))
}

/// A resource of a namespace; the later its number, the younger it is.
fn resource(name: &str, age: i64, spec: Value) -> Resource {
    Resource::read(&json!({
        "metadata": {
            "namespace": "shop", "name": name, "uid": name, "generation": 1,
            "creationTimestamp": jiff::Timestamp::from_second(1_700_000_000 + age).unwrap().to_string(),
        },
        "spec": spec,
    }))
    .unwrap()
}

fn spec(target: &str, max: u32) -> Value {
    json!({
        "target": { "type": "kubernetes", "name": target }, "demand": { "source": "main" },
        "mode": "full", "maxReplicas": max,
    })
}

/// The names that are driven with their maxima, and the codes of those that are not, or not as they are now.
#[track_caller]
fn check(roster: &mut Roster, driven: &[(&str, u32)], faults: &[(&str, &str)]) {
    let config = roster.settle();
    let now: Vec<_> = config.workloads.iter().map(|w| (w.name.as_str(), w.max_replicas)).collect();
    let wrong: Vec<_> = roster
        .standings()
        .flat_map(|(resource, standing)| {
            standing.faults.iter().map(|fault| (resource.name.clone(), fault.code.to_string()))
        })
        .collect();
    let wrong: Vec<_> = wrong.iter().map(|(name, code)| (name.as_str(), code.as_str())).collect();
    assert_eq!((now.as_slice(), wrong.as_slice()), (driven, faults));
}

fn roster(config: &Config, resources: &[Resource]) -> Roster {
    let mut roster = Roster::default();
    roster.beside(config);
    roster.replace(resources.to_vec());
    roster
}

#[test]
fn drives_what_is_sound() {
    let mut roster = roster(&files(""), &[resource("a", 1, spec("a", 9)), resource("b", 2, spec("b", 8))]);
    check(&mut roster, &[("shop/a", 9), ("shop/b", 8)], &[]);
    let config = roster.settle();
    let Target::Kubernetes(target) = &config.workloads[0].target else { panic!() };
    assert_eq!((target.namespace.as_str(), target.kind.as_str()), ("shop", "Deployment"));
}

#[test]
fn says_what_is_wrong_with_the_codes_of_the_file() {
    let mut wrong = spec("a", 9);
    wrong["minReplicas"] = 20.into();
    wrong["startTime"] = 240.into();
    let mut foreign = spec("b", 9);
    foreign["target"]["namespace"] = "media".into();
    let mut cloud = spec("c", 9);
    cloud["target"] = json!({ "type": "asg", "group": "g", "region": "eu-west-1" });
    let mut unknown = spec("d", 9);
    unknown["demand"]["source"] = "mian".into();
    let none = json!(null);
    let all = [
        resource("a", 1, wrong),
        resource("b", 2, foreign),
        resource("c", 3, cloud),
        resource("d", 4, unknown),
        resource("e", 5, none),
    ];
    let mut roster = roster(&files(""), &all);
    roster.settle();
    let codes = |name: &str| -> Vec<String> {
        let (_, standing) = roster.standings().find(|(resource, _)| resource.name == name).unwrap();
        let mut codes: Vec<_> = standing.faults.iter().map(|fault| fault.code.to_string()).collect();
        codes.sort();
        codes
    };
    assert_eq!(codes("a"), ["TIDE0104", "TIDE0114"]);
    assert_eq!(codes("b"), ["TIDE0160"]);
    assert_eq!(codes("c"), ["TIDE0161"]);
    assert_eq!(codes("d"), ["TIDE0116"]);
    assert!(codes("e").contains(&"TIDE0106".to_owned()), "{:?}", codes("e"));
}

#[test]
fn goes_on_with_the_last_good_spec_when_the_next_is_none() {
    let mut roster = roster(&files(""), &[resource("a", 1, spec("a", 9)), resource("b", 2, spec("b", 8))]);
    check(&mut roster, &[("shop/a", 9), ("shop/b", 8)], &[]);
    let mut broken = resource("a", 1, spec("a", 0));
    broken.generation = 2;
    assert!(roster.replace(vec![broken.clone(), resource("b", 2, spec("b", 8))]));
    check(&mut roster, &[("shop/a", 9), ("shop/b", 8)], &[("a", "TIDE0113")]);
    let generation = roster.standings().next().unwrap().1.generation;
    assert_eq!(generation, Some(1), "the status says which generation is driven");
    broken.spec = spec("a", 12);
    broken.generation = 3;
    roster.replace(vec![broken]);
    check(&mut roster, &[("shop/a", 12)], &[]);
}

#[test] // I6
fn lets_the_older_of_two_have_a_target_and_nobody_lose_one() {
    let (old, young) = (resource("z-old", 1, spec("web", 9)), resource("a-young", 2, spec("web", 8)));
    let mut roster = roster(&files(""), &[old.clone(), young.clone()]);
    check(&mut roster, &[("shop/z-old", 9)], &[("a-young", "TIDE0136")]);
    roster.replace(vec![young.clone()]);
    check(&mut roster, &[("shop/a-young", 8)], &[]);
    // An older one that comes to want it now does not take it away.
    roster.replace(vec![old, young]);
    check(&mut roster, &[("shop/a-young", 8)], &[("z-old", "TIDE0136")]);
}

#[test]
fn keeps_to_its_own_target_when_the_one_it_wants_is_taken() {
    let mut roster = roster(&files(""), &[resource("a", 1, spec("a", 9)), resource("b", 2, spec("b", 8))]);
    roster.settle();
    let mut greedy = resource("b", 2, spec("a", 7));
    greedy.generation = 2;
    roster.replace(vec![resource("a", 1, spec("a", 9)), greedy]);
    check(&mut roster, &[("shop/a", 9), ("shop/b", 8)], &[("b", "TIDE0136")]);
}

#[test]
fn leaves_to_the_files_what_stands_there() {
    let config = files(
        "workloads:\n- { name: shop/a, maxReplicas: 3, demand: { source: main }, target: { type: none } }\n\
         - { name: web, maxReplicas: 3, demand: { source: main }, target: { type: kubernetes, namespace: shop, name: b } }\n",
    );
    let mut roster = roster(&config, &[resource("a", 1, spec("a", 9)), resource("b", 2, spec("b", 8))]);
    check(&mut roster, &[("shop/a", 3), ("web", 3)], &[("a", "TIDE0115"), ("b", "TIDE0136")]);
}

#[test]
fn knows_the_only_cluster_by_its_name_and_without() {
    let config = files(
        "clusters: { prod: { kubeconfig: k } }\nworkloads:\n- { name: web, maxReplicas: 3, demand: { source: main }, \
         target: { type: kubernetes, cluster: prod, namespace: shop, name: a } }\n",
    );
    let mut roster = roster(&config, &[resource("a", 1, spec("a", 9))]);
    check(&mut roster, &[("web", 3)], &[("a", "TIDE0136")]);
}

#[test]
fn reads_everything_again_when_the_files_change() {
    let mut roster = roster(&files(""), &[resource("a", 1, spec("a", 9))]);
    check(&mut roster, &[("shop/a", 9)], &[]);
    let other = read(
        Texts(vec![Text {
            name: "f".into(),
            content: "operator: { namespaces: ['*'] }\nsources: { other: { type: push } }".into(),
        }]),
        Vec::new(),
        Path::new("."),
    );
    roster.beside(&other.config.unwrap());
    check(&mut roster, &[], &[("a", "TIDE0116")]);
    roster.beside(&files(""));
    check(&mut roster, &[("shop/a", 9)], &[]);
}

#[test]
fn takes_one_made_anew_under_the_same_name_for_another() {
    let mut roster = roster(&files(""), &[resource("a", 1, spec("a", 9))]);
    roster.settle();
    let mut again = resource("a", 5, spec("a", 0));
    again.uid = "another".into();
    roster.replace(vec![again]);
    check(&mut roster, &[], &[("a", "TIDE0113")]);
}

#[test]
fn holds_back_what_is_paused() {
    let mut paused = resource("a", 1, spec("a", 9));
    paused.pause = Pause::All;
    let mut in_only = resource("b", 2, spec("b", 9));
    in_only.pause = Pause::ScaleIn;
    let mut roster = roster(&files(""), &[paused, in_only]);
    let modes: Vec<_> = roster.settle().workloads.iter().map(|workload| workload.mode).collect();
    assert_eq!(modes, [Mode::Observe, Mode::ScaleOutOnly]);
}

#[test]
fn is_settled_by_one_look_whatever_the_order() {
    let all: Vec<_> =
        (0..20).map(|i| resource(&format!("r{i}"), i, spec(&format!("t{}", i % 7), 9))).collect();
    let mut forwards = roster(&files(""), &all);
    let mut backwards = roster(&files(""), &all.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(forwards.settle(), backwards.settle());
    assert_eq!(forwards.settle(), backwards.settle(), "again changes nothing");
    assert!(!forwards.replace(all), "the same resources change nothing");
}
