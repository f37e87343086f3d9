//! Other autoscalers' objects, of our own writing, each with the configuration that becomes of it: `*.golden` beside it holds
//! that, as a person gets it. Every one passes the check.

use std::path::{Path, PathBuf};

use tidecast::config::codes::Severity;
use tidecast::config::section::Mode;
use tidecast::config::{Text, Texts, read};
use tidecast::import::documents::documents;
use tidecast::import::{Around, Imported, Origin, import};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports")
}

/// Every input, by name, with whose objects it holds.
fn inputs() -> Vec<(Origin, PathBuf)> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|end| end != "golden")).collect();
    files.sort();
    let origin = |file: &Path| match file.file_name().unwrap().to_str().unwrap().split('_').next().unwrap() {
        "hpa" => Origin::Hpa,
        "keda" => Origin::Keda,
        "asg" => Origin::Asg,
        other => panic!("{other} is no origin"),
    };
    files.into_iter().map(|file| (origin(&file), file)).collect()
}

fn imported(origin: Origin, file: &Path) -> Imported {
    let objects = documents(&std::fs::read_to_string(file).unwrap()).unwrap();
    import(origin, &objects, &Around::default()).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

#[test] // U9
fn become_what_their_goldens_hold() {
    assert!(inputs().len() >= 20);
    let mut stale = Vec::new();
    for (origin, file) in inputs() {
        let (golden, now) = (file.with_extension("golden"), imported(origin, &file).yaml);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &now).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != now {
            stale.push(golden);
        }
    }
    assert!(stale.is_empty(), "run `make bless` and read the diff: {stale:?}");
}

#[test] // U9
fn pass_the_check_and_are_observed_only() {
    for (origin, file) in inputs() {
        let imported = imported(origin, &file);
        let text = Text { name: file.display().to_string(), content: imported.yaml.clone() };
        let loaded = read(Texts(vec![text]), Vec::new(), Path::new("."));
        let errors: Vec<_> = loaded
            .report
            .findings
            .iter()
            .filter(|finding| finding.code.severity() == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}\n{}", file.display(), imported.yaml);
        let config = loaded.config.unwrap();
        assert_eq!(config.workloads.len(), imported.workloads);
        assert!(config.workloads.iter().all(|workload| workload.mode == Mode::Observe));
    }
}

/// Scalars of an object, without the words that only say what kind of thing it is.
fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(keys) => {
            keys.iter().for_each(|(key, value)| leaves(value, &format!("{path}.{key}"), found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, path, found)),
        serde_json::Value::Null => {}
        other => found.push((path.to_owned(), other.to_string().trim_matches('"').to_owned())),
    }
}

/// What of an object needs to be found nowhere: it is bookkeeping, or tells of other things than scaling.
const SILENT: [&str; 12] = [
    ".apiVersion",
    ".kind",
    ".metadata",
    ".spec.template",
    ".spec.selector",
    ".type",
    ".name",
    "metricType",
    "lagThreshold",
    "bootstrapServers",
    "consumerGroup",
    "Instances",
];

#[test] // U9
fn lose_no_bound_and_no_setting_without_a_named_warning() {
    for (origin, file) in inputs().into_iter().filter(|(origin, _)| *origin != Origin::Asg) {
        let imported = imported(origin, &file);
        let objects = documents(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let warned = imported.warnings.len();
        for object in objects {
            let scaler =
                ["HorizontalPodAutoscaler", "ScaledObject"].iter().any(|kind| object["kind"] == *kind);
            let name = object["metadata"]["name"].as_str().unwrap();
            let skipped = imported
                .warnings
                .iter()
                .any(|w| w.code.to_string() == "TIDE0317" && w.object.ends_with(name));
            if !scaler || skipped {
                continue;
            }
            let mut found = Vec::new();
            leaves(&object, "", &mut found);
            for (path, value) in found {
                let silent = SILENT.iter().any(|silent| path.starts_with(silent) || path.ends_with(silent));
                let carried = imported.yaml.contains(value.trim_end_matches('m'));
                assert!(
                    silent || carried || warned > 0,
                    "{}: {path} = {value} is lost in silence",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn say_what_was_looked_for_when_nothing_is_there() {
    let pod = documents("apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n").unwrap();
    let why = import(Origin::Hpa, &pod, &Around::default()).unwrap_err();
    assert_eq!(why, "there is no HorizontalPodAutoscaler among the 1 objects that were read");
}

#[test]
fn ask_the_prometheus_that_is_given() {
    let file = folder().join("hpa_cpu_with_its_deployment.yaml");
    let objects = documents(&std::fs::read_to_string(file).unwrap()).unwrap();
    let around = Around { prometheus: Some("http://prometheus.monitoring.svc:9090".into()) };
    let imported = import(Origin::Hpa, &objects, &around).unwrap();
    assert!(imported.yaml.contains("url: http://prometheus.monitoring.svc:9090"), "{}", imported.yaml);
    assert!(imported.warnings.iter().all(|warning| warning.code.to_string() != "TIDE0315"));
}

#[test] // the HPA's own arithmetic: usage ÷ (request × share)
fn size_by_cpu_exactly_as_the_hpa_does() {
    let imported = imported(Origin::Hpa, &folder().join("hpa_cpu_with_its_deployment.yaml"));
    // (500m + 100m) × 50 %
    assert!(imported.yaml.contains("perReplica: 0.3\n"), "{}", imported.yaml);
}
