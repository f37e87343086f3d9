use std::path::Path;
use std::process::Command;

use super::client::deployment;
use crate::cluster::Cluster;

/// The project's Python with the official client, if it is there or can be fetched.
fn python() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(root.join("scripts/python")).arg("kubernetes").output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    if output.status.success() && !path.is_empty() {
        return Some(path);
    }
    eprintln!("skipped: the Python client cannot be had: {}", String::from_utf8_lossy(&output.stderr));
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_lists_watches_patches_and_conflicts() {
    let Some(python) = python() else { return };
    let cluster = Cluster::start().await;
    cluster.install(deployment("web", 2));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hands/fake_cluster/client.py");
    let config = cluster.kubeconfig_path();
    let run = move || Command::new(python).arg(script).env("KUBECONFIG", config).output().unwrap();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "list\npage\nscale\nconflict\napply\nwatch\ngone\nstrategic\ndelete\n"
    );
}
