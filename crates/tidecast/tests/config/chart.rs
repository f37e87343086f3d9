//! The Helm chart, rendered by the real helm: it makes the same objects as `tidecast manifests`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tidecast::import::documents::documents;
use tidecast::manifests::{Part, Watched, Wishes, manifests, starter};

use super::manifests::{everything, is_locked_down, of, root, tool, usual, valid};

fn helm(program: &Path, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(root().join("deploy"))
        .env("HOME", home.path())
        .env_remove("KUBECONFIG")
        .args(arguments);
    command.output().unwrap()
}

/// The objects of the chart with these values.
#[track_caller]
fn rendered(program: &Path, values: &[&str]) -> Vec<Value> {
    let arguments = [&["template", "tidecast", "chart", "--namespace", "tidecast"], values].concat();
    let output = helm(program, &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    documents(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

/// Objects by kind, namespace and name, without what only Helm adds.
fn plain(objects: &[Value]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for object in objects {
        let mut object = object.clone();
        for path in ["/metadata/labels", "/metadata/annotations", "/spec/template/metadata/annotations"] {
            if let Some(Value::Object(words)) = object.pointer_mut(path) {
                words.retain(|key, _| {
                    !key.contains("helm.sh") && !key.contains("managed-by") && !key.contains("checksum")
                });
            }
        }
        for path in ["/metadata", "/spec/template/metadata"] {
            if let Some(Value::Object(metadata)) = object.pointer_mut(path) {
                metadata.retain(|key, value| {
                    key != "annotations" || value.as_object().is_none_or(|words| !words.is_empty())
                });
            }
        }
        if object["kind"] == "ConfigMap" {
            let text = object["data"]["tidecast.yaml"].as_str().unwrap().to_owned();
            object["data"]["tidecast.yaml"] = documents(&text).unwrap().remove(0);
        }
        let word = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        all.insert(
            format!("{} {}/{}", word("/kind"), word("/metadata/namespace"), word("/metadata/name")),
            object,
        );
    }
    all
}

#[track_caller]
fn same(chart: &[Value], ours: &[Value]) {
    let (chart, ours) = (plain(chart), plain(ours));
    assert_eq!(chart.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    for (name, object) in &ours {
        assert_eq!(&chart[name], object, "{name}");
    }
}

#[test]
fn makes_the_same_objects_as_the_manifests() {
    let Some(program) = tool("helm") else { return };
    same(&rendered(&program, &[]), &manifests(&usual(), &Part::ALL));
    let all = [
        "--set",
        "access=act",
        "--set",
        "operator.namespaces={*}",
        "--set",
        "priorityClassName=system-cluster-critical",
        "--set",
        "extras={rollouts,fleets,drain,nodeHeadroom}",
    ];
    same(&rendered(&program, &all), &manifests(&everything(), &Part::ALL));
    let watched = Watched::Named(vec!["media".into(), "shop".into()]);
    let named = Wishes { config: vec![("tidecast.yaml".into(), starter(&watched))], watched, ..usual() };
    same(&rendered(&program, &["--set", "operator.namespaces={media,shop}"]), &manifests(&named, &Part::ALL));
}

#[test]
fn passes_helms_own_lint_and_kubernetes_schemas() {
    let Some(program) = tool("helm") else { return };
    let lint = helm(&program, &["lint", "--strict", "chart"]);
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
    let Some(validate) = tool("kubernetes-validate") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (i, values) in VARIANTS.iter().enumerate() {
        let file = folder.path().join(format!("{i}.yaml"));
        std::fs::write(&file, tidecast::yaml::documents(&rendered(&program, values))).unwrap();
        valid(&validate, &file);
    }
}

/// Values that people give.
const VARIANTS: [&[&str]; 4] = [
    &[],
    &[
        "--set",
        "operator.enabled=false",
        "--set",
        "persistence.enabled=false",
        "--set",
        "podDisruptionBudget.enabled=false",
    ],
    &[
        "--set",
        "secrets={prom-reader,webhook}",
        "--set",
        "secretEnv[0].name=T,secretEnv[0].secretName=s,secretEnv[0].key=k",
        "--set",
        "serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=arn:aws:iam::1:role/t",
        "--set",
        "persistence.storageClass=fast",
        "--set",
        "service.type=NodePort",
        "--set",
        "nodeSelector.pool=system",
    ],
    &[
        "--set",
        "serviceAccount.create=false",
        "--set",
        "serviceAccount.name=mine",
        "--set",
        "persistence.existingClaim=old",
    ],
];

#[test] // S22
fn locks_the_pod_down_whatever_the_values() {
    let Some(program) = tool("helm") else { return };
    for values in VARIANTS {
        is_locked_down(of(&rendered(&program, values), "Deployment"));
    }
}

#[test]
fn rolls_the_pod_when_the_configuration_changes() {
    let Some(program) = tool("helm") else { return };
    let checksum = |values: &[&str]| {
        let objects = rendered(&program, values);
        of(&objects, "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone()
    };
    let before = checksum(&[]);
    assert_eq!(before.as_str().map(str::len), Some(64));
    assert_ne!(checksum(&["--set", "config.limits.fleetMax=400"]), before);
    assert_eq!(checksum(&["--set", "podLabels.a=b"]), before);
}

#[test]
fn gives_rights_where_the_workloads_of_its_configuration_are() {
    let Some(program) = tool("helm") else { return };
    let workload = "config.workloads[0].name=a,config.workloads[0].maxReplicas=3,config.workloads[0].demand.source=main,\
                    config.workloads[0].target.type=kubernetes,config.workloads[0].target.namespace=media,config.workloads[0].target.name=a";
    let objects = rendered(&program, &["--set", workload]);
    let roles: Vec<_> = objects
        .iter()
        .filter(|object| object["kind"] == "Role")
        .map(|role| role["metadata"]["namespace"].clone())
        .collect();
    assert_eq!(roles, ["media", "tidecast"]);
}

#[test]
fn refuses_values_that_cannot_be_meant() {
    let Some(program) = tool("helm") else { return };
    for (values, said) in [
        ("access=everything", "access"),
        ("extras={secrets}", "extras"),
        ("operator.namespaces={Shop}", "namespaces"),
        ("config.server.listen=0.0.0.0:80", "config"),
        ("replicas=3", "replicas"),
        ("persistence.size=big", "size"),
        ("tokens.secretName=", "secretName"),
    ] {
        let output = helm(&program, &["template", "tidecast", "chart", "--set", values]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(said), "{values}: {error}");
    }
}

#[test] // S8
fn holds_no_secret_itself() {
    let Some(program) = tool("helm") else { return };
    for values in VARIANTS {
        assert!(rendered(&program, values).iter().all(|object| object["kind"] != "Secret"));
    }
}
