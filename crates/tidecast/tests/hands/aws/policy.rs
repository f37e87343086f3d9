//! The policy that is shipped, looked at line by line; the pretended account enforces it in the suite.

use std::collections::BTreeSet;

use tidecast_world::aws::Policy;

/// deploy/aws/policy.json
pub(crate) fn shipped() -> Policy {
    read("policy.json")
}

fn read(name: &str) -> Policy {
    let path = format!("{}/../../deploy/aws/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// S10
#[test]
fn what_writes_is_bound_to_a_tag_and_nothing_is_allowed_in_general() {
    for policy in [shipped(), read("policy-ec2-fleet.json")] {
        assert_eq!(policy.version, "2012-10-17");
        for statement in &policy.statement {
            assert_eq!(statement.effect, "Allow");
            for action in &statement.action {
                assert!(!action.contains('*'), "{action}: each action by its full name");
                let reads = ["Describe", "Get"].iter().any(|verb| action.contains(&format!(":{verb}")));
                let launches = action == "ec2:RunInstances";
                let bound = statement.condition.values().flatten().any(|(key, _)| key.contains("Tag/"));
                assert!(reads || bound || launches, "{action} is bound to no tag");
            }
        }
    }
}

/// S10
#[test]
fn groups_need_no_right_to_end_instances_of_ec2() {
    let policy = shipped();
    let actions: BTreeSet<&str> =
        policy.statement.iter().flat_map(|s| &s.action).map(String::as_str).collect();
    assert!(actions.iter().all(|action| !action.starts_with("ec2:")), "{actions:?}");
    for never in ["DeleteAutoScalingGroup", "UpdateAutoScalingGroup", "SuspendProcesses", "PutScalingPolicy"]
    {
        assert!(!actions.contains(format!("autoscaling:{never}").as_str()), "{never}");
    }
}
