//! What is shipped for Prometheus and Grafana, held to what it says by Prometheus' own tool and by the metrics there are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::servers::installed;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

#[test] // S6.1, F36
fn alerts_fire_when_they_should_and_only_then() {
    let Some(promtool) = installed("promtool") else { return };
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let output = Command::new(&promtool).args(arguments).current_dir(deploy()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
    }
}

#[test] // S6.1
fn ask_only_for_metrics_that_there_are() {
    let code = include_str!("../../src/metrics.rs");
    for file in ["alerts.yml", "dashboard.json"] {
        let text = std::fs::read_to_string(deploy().join(file)).unwrap();
        let names = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let names: std::collections::BTreeSet<&str> =
            names.filter_map(|word| word.strip_prefix("tidecast_")).collect();
        assert!(names.len() >= 5, "{file}: {names:?}");
        for name in names {
            let base = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            assert!(
                code.contains(&format!("\"{}\"", base.unwrap_or(name))),
                "{file} asks for tidecast_{name}"
            );
        }
    }
    let dashboard = std::fs::read(deploy().join("dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_slice(&dashboard).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() >= 6);
}
