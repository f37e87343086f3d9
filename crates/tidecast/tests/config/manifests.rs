//! What `tidecast manifests` prints: goldens, security, and Kubernetes' own schemas.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tidecast::import::documents::documents;
use tidecast::manifests::rights::{self, Access, EXTRAS};
use tidecast::manifests::{Part, Watched, Wishes, manifests, starter};
use tidecast::yaml;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A program that `scripts/kubernetes-tools` installs; without it the reader is told that the test is skipped.
pub(crate) fn tool(program: &str) -> Option<PathBuf> {
    let own = std::env::current_dir().unwrap().join(root()).join(".venv/bin").join(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).map(|folder| folder.join(program));
    let found = std::iter::once(own).chain(elsewhere).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {program} is not installed; scripts/kubernetes-tools installs it");
    }
    found
}

#[track_caller]
pub(crate) fn golden(path: &str, now: &str) {
    let path = root().join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(then == now, "{} is out of date: run `make bless` and read the diff", path.display());
}

/// Everything that can be wished for.
pub(crate) fn everything() -> Wishes {
    let watched = Watched::All;
    Wishes {
        access: Access::Act,
        extras: EXTRAS.iter().map(|(_, feature)| *feature).collect(),
        priority_class: Some("system-cluster-critical".into()),
        config: vec![("tidecast.yaml".into(), starter(&watched))],
        watched,
        ..Wishes::default()
    }
}

pub(crate) fn usual() -> Wishes {
    let watched = Wishes::default().watched;
    Wishes { config: vec![("tidecast.yaml".into(), starter(&watched))], ..Wishes::default() }
}

#[test]
fn start_the_image_that_the_recipe_makes() {
    let recipe = std::fs::read_to_string(root().join("deploy/Dockerfile")).unwrap();
    let wishes = everything();
    let app =
        manifests(&wishes, &[Part::App]).into_iter().find(|object| object["kind"] == "Deployment").unwrap();
    let pod = &app["spec"]["template"]["spec"];
    let (security, container) = (&pod["securityContext"], &pod["containers"][0]);
    assert!(
        recipe.contains(&format!("-t {} .", container["image"].as_str().unwrap())),
        "{}",
        container["image"]
    );
    assert!(
        recipe.contains(&format!("USER {}:{}\n", security["runAsUser"], security["runAsGroup"])),
        "{security}"
    );
    assert!(recipe.contains(&format!("EXPOSE {}\n", container["ports"][0]["containerPort"])), "{container}");
    // The objects give arguments only: what is begun is the image's own affair.
    assert!(container["command"].is_null() && recipe.contains("ENTRYPOINT [\"/usr/local/bin/tidecast\"]\n"));
    assert!(
        recipe.contains(&format!("CMD {}\n", container["args"].to_string().replace(',', ", "))),
        "{container}"
    );
    assert!(recipe.contains(&format!("FROM rust:{}-", env!("CARGO_PKG_RUST_VERSION"))));
}

#[test]
fn are_what_the_goldens_hold() {
    golden("deploy/chart/files/crd.yaml", &yaml::document(&tidecast::operator::crd()));
    golden("deploy/chart/files/rights.yaml", &yaml::document(&rights::table()));
    golden("crates/tidecast/tests/manifests/usual.yaml", &yaml::documents(&manifests(&usual(), &Part::ALL)));
    golden(
        "crates/tidecast/tests/manifests/everything.yaml",
        &yaml::documents(&manifests(&everything(), &Part::ALL)),
    );
}

#[test]
fn are_the_same_bytes_every_time_and_are_read_back() {
    let objects = manifests(&everything(), &Part::ALL);
    let text = yaml::documents(&objects);
    assert_eq!(text, yaml::documents(&manifests(&everything(), &Part::ALL)));
    assert_eq!(documents(&text).unwrap(), objects);
}

/// The one object of a kind.
pub(crate) fn of<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// S22: what a Pod must be to run where the restricted profile is enforced.
#[track_caller]
pub(crate) fn is_locked_down(deployment: &Value) {
    let pod = &deployment["spec"]["template"]["spec"];
    let (outer, container) = (&pod["securityContext"], &pod["containers"][0]);
    let inner = &container["securityContext"];
    assert_eq!(
        (&outer["runAsNonRoot"], &outer["seccompProfile"]["type"]),
        (&true.into(), &"RuntimeDefault".into())
    );
    assert_eq!(inner["allowPrivilegeEscalation"], false);
    assert_eq!(inner["readOnlyRootFilesystem"], true);
    assert_eq!(inner["capabilities"], serde_json::json!({ "drop": ["ALL"] }));
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(volume["hostPath"].is_null(), "{volume}");
    }
}

#[test] // S22
fn lock_the_pod_down() {
    is_locked_down(of(&manifests(&usual(), &Part::ALL), "Deployment"));
}

#[test] // S9
fn give_rights_in_namespaces_only_unless_asked_for_all() {
    let named = Wishes { watched: Watched::Named(vec!["media".into(), "shop".into()]), ..usual() };
    let objects = manifests(&named, &[Part::Rbac]);
    let kinds: Vec<_> =
        objects.iter().map(|o| (o["kind"].as_str().unwrap(), o["metadata"]["namespace"].as_str())).collect();
    assert_eq!(
        kinds,
        [
            ("ServiceAccount", Some("tidecast")),
            ("Role", Some("media")),
            ("RoleBinding", Some("media")),
            ("Role", Some("shop")),
            ("RoleBinding", Some("shop")),
        ]
    );
    assert_eq!(
        of(&manifests(&everything(), &[Part::Rbac]), "ClusterRole")["rules"],
        of(&manifests(&everything(), &Part::ALL), "ClusterRole")["rules"]
    );
}

#[test] // S9
fn name_every_group_resource_and_verb() {
    for wishes in [usual(), everything()] {
        for object in manifests(&wishes, &[Part::Rbac]) {
            for rule in object["rules"].as_array().into_iter().flatten() {
                let text = rule.to_string();
                assert!(
                    !text.contains('*') && !text.contains("secrets") && !text.contains("delete"),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn are_what_kubernetes_knows() {
    let Some(python) = tool("kubernetes-validate") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, wishes) in [("usual", usual()), ("everything", everything())] {
        let file = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, yaml::documents(&manifests(&wishes, &Part::ALL))).unwrap();
        valid(&python, &file);
    }
}

/// Asks `kubernetes-validate`, which has the schemas of the API server, to refuse every unknown field.
#[track_caller]
pub(crate) fn valid(validate: &Path, file: &Path) {
    let output = Command::new(validate).args(["--strict", "-k", "1.36"]).arg(file).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("ERROR") && !said.contains("WARN"), "{said}");
}

#[test]
fn let_the_api_server_refuse_what_cannot_be_meant() {
    let Some(python) = tool("python").filter(|python| {
        let known = Command::new(python).args(["-c", "import celpy, yaml"]).output();
        known.is_ok_and(|output| output.status.success())
    }) else {
        return eprintln!("skipped: celpy is not installed; scripts/kubernetes-tools installs it");
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crd.yaml");
    std::fs::write(&file, yaml::document(&tidecast::operator::crd())).unwrap();
    let output = Command::new(python).arg(root().join("scripts/crd_rules.py")).arg(file).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn can_be_the_base_of_a_kustomization() {
    let Some(kubectl) = tool("kubectl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("base.yaml", &yaml::documents(&manifests(&usual(), &Part::ALL)));
    write(
        "kustomization.yaml",
        "resources: [base.yaml]\nnamespace: scaling\nnamePrefix: eu-\nimages: [{ name: tidecast, newName: registry.example/tidecast, newTag: '7' }]\n\
         patches:\n- target: { kind: Deployment }\n  patch: '[{\"op\": \"add\", \"path\": \"/spec/template/spec/priorityClassName\", \"value\": \"high\"}]'\n",
    );
    let output = Command::new(kubectl).arg("kustomize").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = documents(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert_eq!(objects.len(), manifests(&usual(), &Part::ALL).len());
    let deployment = of(&objects, "Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(deployment["metadata"]["namespace"], "scaling");
    assert_eq!(pod["serviceAccountName"], "eu-tidecast");
    assert_eq!(pod["containers"][0]["image"], "registry.example/tidecast:7");
    assert_eq!(pod["volumes"][2]["persistentVolumeClaim"]["claimName"], "eu-tidecast");
    assert_eq!(of(&objects, "RoleBinding")["subjects"][0]["name"], "eu-tidecast");
}

#[test]
fn ship_a_configuration_that_passes_the_check() {
    for wishes in [usual(), everything()] {
        let text =
            tidecast::config::Text { name: "tidecast.yaml".into(), content: wishes.config[0].1.clone() };
        let loaded = tidecast::config::read(tidecast::config::Texts(vec![text]), Vec::new(), Path::new("."));
        assert!(loaded.report.findings.is_empty(), "{:?}", loaded.report.findings);
        assert!(loaded.config.unwrap().operator.is_some());
    }
}
