use serde_json::{Value, json};
use tidecast_world::kubernetes::{Request, User};

use crate::common::{APPLY, AUTOSCALERS, CONFIGS, DEPLOYMENTS, MERGE, Stage, config};

/// A stage on which the service account `tidecast` has these rules in the namespace `default`.
fn stage(rules: &Value) -> Stage {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    let rbac = "rbac.authorization.k8s.io";
    stage.cluster.install(json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": {"name": "r"}, "rules": rules}), stage.now);
    let binding = json!({
        "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"name": "b"},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "tidecast", "namespace": "default"}],
    });
    stage.cluster.install(binding, stage.now);
    stage
}

fn tidecast() -> User {
    User::service_account("default", "tidecast")
}

#[test]
fn nothing_is_allowed_that_no_role_allows() {
    let mut stage = stage(
        &json!([{"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["get", "patch"]}]),
    );
    stage.expect_of(200, &Request::of("GET", &format!("{DEPLOYMENTS}/web"), &Value::Null).by(tidecast()));
    let scale = Request::of("PATCH", &format!("{DEPLOYMENTS}/web/scale"), &json!({"spec": {"replicas": 2}}));
    stage.expect_of(200, &scale.typed(MERGE).by(tidecast()));
    let refusal = stage
        .expect_of(403, &Request::of("DELETE", &format!("{DEPLOYMENTS}/web"), &Value::Null).by(tidecast()));
    assert_eq!(
        refusal["message"],
        "deployments.apps \"web\" is forbidden: User \"system:serviceaccount:default:tidecast\" cannot delete resource \"deployments\" in API group \"apps\" in the namespace \"default\""
    );
    let all = Request::of("GET", "/apis/apps/v1/deployments", &Value::Null).by(tidecast());
    assert!(stage.expect_of(403, &all)["message"].as_str().unwrap().ends_with("at the cluster scope"));
}

#[test]
fn names_narrow_a_rule() {
    let mut stage = stage(
        &json!([{"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"], "verbs": ["*"]}]),
    );
    stage.expect_of(200, &Request::of("GET", &format!("{DEPLOYMENTS}/web"), &Value::Null).by(tidecast()));
    stage.expect_of(403, &Request::of("GET", &format!("{DEPLOYMENTS}/other"), &Value::Null).by(tidecast()));
    stage.expect_of(403, &Request::of("GET", DEPLOYMENTS, &Value::Null).by(tidecast()));
}

#[test]
fn an_apply_that_makes_something_needs_the_right_to_create() {
    let rule = |verbs: &[&str]| json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]);
    let ask = Request::of("PATCH", &format!("{CONFIGS}/a?fieldManager=me"), &config("a", &json!({"k": "1"})));
    let ask = ask.typed(APPLY).by(tidecast());
    let refusal = stage(&rule(&["patch"])).expect_of(403, &ask);
    assert!(refusal["message"].as_str().unwrap().contains("cannot create resource"), "{refusal}");
    let mut stage = stage(&rule(&["patch", "create"]));
    stage.expect_of(201, &ask);
    stage.expect_of(200, &ask);
}

#[test]
fn nobody_grants_what_he_may_not_do_himself() {
    let rbac = "rbac.authorization.k8s.io";
    let roles = format!("/apis/{rbac}/v1/namespaces/default/roles");
    let role = |name: &str, verbs: &[&str]| {
        json!({
            "apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": {"name": name},
            "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": verbs}],
        })
    };
    let mine = json!([
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
        {"apiGroups": [rbac], "resources": ["roles"], "verbs": ["create"]},
    ]);
    let make = |name: &str, verbs: &[&str]| Request::of("POST", &roles, &role(name, verbs)).by(tidecast());
    let mut plain = stage(&mine);
    plain.expect_of(201, &make("a", &["get"]));
    let refusal = plain.expect_of(403, &make("b", &["get", "patch"]));
    let said = refusal["message"].as_str().unwrap();
    assert!(said.contains("is attempting to grant RBAC permissions not currently held"), "{said}");
    assert!(said.ends_with(r#"{APIGroups:["apps"], Resources:["deployments"], Verbs:["patch"]}"#), "{said}");
    let mut trusted = mine.clone();
    trusted[1]["verbs"] = json!(["create", "escalate"]);
    stage(&trusted).expect_of(201, &make("b", &["get", "patch"]));
}

#[test]
fn rights_can_be_lost_and_come_back() {
    let mut stage = stage(&json!([{"apiGroups": ["autoscaling"], "resources": ["*"], "verbs": ["*"]}]));
    let list = Request::of("GET", AUTOSCALERS, &Value::Null).by(tidecast());
    stage.expect_of(200, &list);
    stage.cluster.faults.lost_rights.push((tidecast().name, "*".to_owned(), "*".to_owned()));
    stage.expect_of(403, &list);
    stage.cluster.faults.heal();
    stage.expect_of(200, &list);
}

#[test]
fn one_may_ask_what_one_may_do() {
    let mut stage = stage(&json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]));
    let mut allowed = |verb: &str| {
        let ask = json!({"spec": {"resourceAttributes": {"namespace": "default", "verb": verb, "group": "apps", "resource": "deployments"}}});
        let review = Request::of("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &ask)
            .by(tidecast());
        stage.expect_of(201, &review)["status"]["allowed"].clone()
    };
    assert_eq!((allowed("get"), allowed("patch")), (json!(true), json!(false)));
}

#[test]
fn tokens_are_given_to_service_accounts() {
    let mut stage = Stage::new();
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let token =
        stage.expect(201, "POST", path, &json!({"spec": {}}))["status"]["token"].as_str().unwrap().to_owned();
    assert_eq!(stage.cluster.user_of(&token), Some(User::service_account("default", "default")));
    assert_eq!(stage.cluster.user_of("guessed"), None);
}
