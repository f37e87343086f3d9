use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{APPLY, CONFIGS, DEPLOYMENTS, JSON, MERGE, STRATEGIC, Stage, config};

#[test]
fn json_patches_test_before_they_write() {
    let mut stage = Stage::new();
    stage.deploy("web", 2);
    let path = format!("{DEPLOYMENTS}/web");
    let patch = |was: i64| json!([{"op": "test", "path": "/spec/replicas", "value": was}, {"op": "replace", "path": "/spec/replicas", "value": 4}]);
    stage.patch(200, &path, JSON, &patch(2));
    stage.patch(422, &path, JSON, &patch(2));
    assert_eq!(stage.size("web"), 4);
}

#[test]
fn strategic_patches_reach_one_container() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    let side = json!({"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}});
    let now = stage.patch(200, &format!("{DEPLOYMENTS}/web"), STRATEGIC, &side);
    let names: Vec<_> = now["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["main", "side"]);
}

#[test]
fn a_patch_may_say_which_state_it_was_made_for() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    let stale = json!({"metadata": {"resourceVersion": "1"}, "data": {"k": "v"}});
    assert_eq!(stage.patch(409, &format!("{CONFIGS}/a"), MERGE, &stale)["reason"], "Conflict");
}

/// Data of a ConfigMap, in which some keys are to go.
fn data() -> impl Strategy<Value = Value> {
    let value = prop_oneof![3 => "[a-z]{0,3}".prop_map(|text| json!(text)), 1 => Just(Value::Null)];
    prop::collection::btree_map("[a-d]", value, 0..4).prop_map(|data| json!(data))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn patching_again_changes_nothing(patches in prop::collection::vec((data(), 0..3_usize), 1..6)) {
        let mut stage = Stage::new();
        stage.expect(201, "POST", CONFIGS, &config("a", &json!({"a": "1", "b": "2"})));
        for (data, sort) in patches {
            let media = [MERGE, STRATEGIC, APPLY][sort];
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data});
            let path = format!("{CONFIGS}/a?force=true&fieldManager=one");
            let once = stage.patch(200, &path, media, &body);
            let again = stage.patch(200, &path, media, &body);
            prop_assert_eq!(once, again);
        }
    }

    #[test]
    fn two_appliers_of_different_keys_never_meet(rounds in prop::collection::vec((prop::bool::ANY, 0..4_usize), 1..12)) {
        let mut stage = Stage::new();
        let mut last = [0, 0];
        for (first, count) in rounds {
            let (who, keys) = if first { (0, ["a", "b", "c"]) } else { (1, ["x", "y", "z"]) };
            last[who] = count.min(3);
            let data: serde_json::Map<String, Value> = keys[..last[who]].iter().map(|key| ((*key).to_owned(), json!("1"))).collect();
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data});
            let answer = stage.ask(&tidecast_world::kubernetes::Request::of("PATCH", &format!("{CONFIGS}/a?fieldManager=m{who}"), &body).typed(APPLY));
            prop_assert!(answer.status < 300, "{}", answer.value()["message"]);
        }
        let now = stage.get(&format!("{CONFIGS}/a"));
        let keys = now["data"].as_object().map_or(0, serde_json::Map::len);
        prop_assert_eq!(keys, last[0] + last[1], "each has what it applied last, and nothing else is left");
    }
}
