//! The commands around the configuration, as a person or a pipeline runs them.

#![allow(clippy::unwrap_used, reason = "a test says that something went wrong by panicking")]

use std::path::Path;

use assert_cmd::Command;

/// Runs a command in a folder: its exit code, and what it wrote to stdout and stderr.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("tidecast").unwrap();
    let output = command.current_dir(folder).env("NO_COLOR", "1").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test] // U5
fn begins_with_a_file_that_passes() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["init"]).0, 0);
    let (code, out, _) = run(folder.path(), &["check"]);
    assert_eq!((code, out.as_str()), (0, "no mistakes in 1 workload and 1 source\n"));
    let schema = std::fs::read_to_string(folder.path().join("tidecast.schema.json")).unwrap();
    assert_eq!(schema, run(folder.path(), &["schema"]).1);
    let (code, _, err) = run(folder.path(), &["init"]);
    assert!(code == 2 && err.contains("is there already") && err.contains("--force"), "{err}");
    assert_eq!(run(folder.path(), &["init", "--force"]).0, 0);
    let (code, out, _) = run(folder.path(), &["init", "-"]);
    assert!(code == 0 && out.starts_with("# yaml-language-server"));
}

#[test] // U5
fn ends_with_the_documented_codes() {
    let folder = folder();
    let write = |text: &str| std::fs::write(folder.path().join("tidecast.yaml"), text).unwrap();
    let starter = tidecast::config::starter();
    write(&starter.replace("maxReplicas: 20", "maxReplicas: 2"));
    assert_eq!(run(folder.path(), &["check"]).0, 0);
    let (code, out, _) = run(folder.path(), &["check", "--deny-warnings"]);
    assert!(
        code == 1 && out.contains("warning[TIDE0211]") && out.ends_with("0 errors, 1 warning\n"),
        "{out}"
    );
    write(&starter.replace("startTime: auto", "startTime: 240"));
    let (code, out, _) = run(folder.path(), &["check"]);
    assert!(code == 2 && out.contains("tidecast.yaml:29:16") && out.contains("240s"), "{out}");
    assert_eq!(run(folder.path(), &["check", "nowhere.yaml"]).0, 2);
}

#[test]
fn speaks_to_machines() {
    let folder = folder();
    let text = tidecast::config::starter().replace("startTime: auto", "startTime: 240");
    std::fs::write(folder.path().join("tidecast.yaml"), text).unwrap();
    for args in [["check", "--format", "json"], ["check", "-o", "json"]] {
        let json: serde_json::Value = serde_json::from_str(&run(folder.path(), &args).1).unwrap();
        let finding = &json["findings"][0];
        assert_eq!((&json["errors"], &finding["code"]), (&1.into(), &"TIDE0104".into()));
        assert_eq!((&finding["place"]["line"], &finding["place"]["column"]), (&29.into(), &16.into()));
        assert_eq!(finding["fixes"][0]["with"], "240s");
    }
    let sarif = run(folder.path(), &["check", "--format", "sarif"]).1;
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "TIDE0104");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 29);
    let github = run(folder.path(), &["check", "--format", "github"]).1;
    assert!(
        github.starts_with(
            "::error file=tidecast.yaml,line=29,endLine=29,col=16,endColumn=19,title=TIDE0104::"
        )
    );
}

#[test]
fn explains_codes_and_values() {
    let folder = folder();
    let (code, out, _) = run(folder.path(), &["explain", "tide0104"]);
    assert!(code == 0 && out.contains("duration needs a unit") && out.contains("startTime: 240s"), "{out}");
    assert_eq!(run(folder.path(), &["explain", "TIDE9999"]).0, 2);
    run(folder.path(), &["init"]);
    let (_, out, _) = run(folder.path(), &["check", "--effective"]);
    let line = |key: &str| out.lines().find(|line| line.contains(key)).unwrap_or_default().to_owned();
    assert!(line(".maxReplicas").contains("20") && line(".maxReplicas").contains("tidecast.yaml:"), "{out}");
    assert!(line("server.listen").ends_with("default"), "{out}");
}

#[test]
fn reads_standard_input() {
    let mut command = Command::cargo_bin("tidecast").unwrap();
    let output = command.args(["check", "-"]).write_stdin(tidecast::config::starter()).output().unwrap();
    assert!(output.status.success());
}

const HPA: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: web, namespace: shop }\n\
                   spec: { scaleTargetRef: { kind: Deployment, name: web }, maxReplicas: 9 }\n";

#[test] // U9
fn imports_what_another_autoscaler_has() {
    let folder = folder();
    std::fs::write(folder.path().join("hpa.yaml"), HPA).unwrap();
    let (code, out, err) = run(folder.path(), &["init", "--from", "hpa", "--input", "hpa.yaml", "-"]);
    assert!(code == 0 && out.contains("name: shop/web") && err.contains("TIDE0301"), "{out}{err}");
    let mut command = Command::cargo_bin("tidecast").unwrap();
    let arguments = ["init", "--from", "hpa", "--input", "-", "--prometheus", "http://127.0.0.1:9"];
    let output = command.current_dir(folder.path()).args(arguments).write_stdin(HPA).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (code, out, _) = run(folder.path(), &["check"]);
    assert!(code == 0 && out.contains("0 errors"), "{out}");
    let (code, _, err) = run(folder.path(), &["init", "--from", "keda", "--input", "hpa.yaml", "-"]);
    assert!(code == 2 && err.contains("there is no ScaledObject") && err.contains("--from hpa"), "{err}");
    let (code, _, err) = run(folder.path(), &["init", "--from", "asg", "-"]);
    assert!(code == 2 && err.contains("describe-auto-scaling-groups"), "{err}");
}

#[test]
fn says_which_cluster_could_not_be_asked() {
    let folder = folder();
    let mut command = Command::cargo_bin("tidecast").unwrap();
    command.current_dir(folder.path()).env("KUBECONFIG", "nowhere").env("NO_COLOR", "1");
    let output = command.args(["init", "--from", "hpa", "-"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && error.contains("KUBECONFIG"), "{error}");
}

#[test]
fn prints_manifests_for_a_configuration() {
    let folder = folder();
    let text = tidecast::config::starter()
        .replace("target: { type: none }", "target: { type: kubernetes, namespace: shop, name: checkout }")
        .replace("mode: observe", "mode: full");
    std::fs::write(folder.path().join("tidecast.yaml"), text).unwrap();
    let (code, out, err) = run(folder.path(), &["manifests", "-c", "tidecast.yaml"]);
    assert!(code == 0 && err.contains("loopback"), "{err}");
    assert!(
        out.contains("namespace: shop")
            && out.contains("- patch")
            && !out.contains("CustomResourceDefinition"),
        "{out}"
    );
    let (code, out, _) = run(folder.path(), &["manifests", "--only", "crd"]);
    assert!(code == 0 && out.starts_with("---\napiVersion: apiextensions.k8s.io/v1"), "{out}");
    let (code, out, _) = run(folder.path(), &["manifests", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &list["kind"]), (0, &"List".into()));
}

#[test]
fn is_a_plug_in_of_kubectl_by_its_name() {
    let folder = folder();
    let program = Command::cargo_bin("tidecast").unwrap().get_program().to_owned();
    for name in ["kubectl-tidecast", "kubectl_complete-tidecast"] {
        std::os::unix::fs::symlink(&program, folder.path().join(name)).unwrap();
    }
    let said = |name: &str, arguments: &[&str]| {
        let output = std::process::Command::new(folder.path().join(name)).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(said("kubectl-tidecast", &["check", "--help"]).contains("Usage: kubectl tidecast check"));
    assert!(said("kubectl_complete-tidecast", &["fore"]).starts_with("forecast\t"));
    let Ok(output) = std::process::Command::new("kubectl")
        .env("PATH", format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap()))
        .args(["tidecast", "models", "--help"])
        .output()
    else {
        return eprintln!("skipped: kubectl is not installed");
    };
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: kubectl tidecast models"));
}
