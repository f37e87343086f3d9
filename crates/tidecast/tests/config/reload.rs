//! What is invalid never replaces what is valid.

use std::path::{Path, PathBuf};

use tidecast::config::{Config, Poller, Text, Texts, load, read, reload, starter};

fn loaded(content: &str) -> tidecast::config::Loaded {
    let texts = Texts(vec![Text { name: "tidecast.yaml".into(), content: content.into() }]);
    read(texts, Vec::new(), Path::new("."))
}

fn running() -> Config {
    loaded(starter()).config.unwrap()
}

#[test]
fn keeps_the_good_one() {
    let broken = starter().replace("maxReplicas: 20", "maxReplicas: twenty");
    let report = reload(&running(), loaded(&broken)).unwrap_err();
    assert_eq!(report.findings[0].code.to_string(), "TIDE0128");
}

#[test]
fn takes_a_better_one() {
    let change =
        reload(&running(), loaded(&starter().replace("maxReplicas: 20", "maxReplicas: 30"))).unwrap();
    assert_eq!(change.config.workloads[0].max_replicas, 30);
    assert!(change.report.findings.is_empty());
}

#[test]
fn says_what_waits_for_a_restart() {
    let moved = format!("{}server: {{ listen: \"127.0.0.1:9999\" }}\n", starter());
    let change = reload(&running(), loaded(&moved)).unwrap();
    assert_eq!(change.config.server.listen, running().server.listen);
    assert_eq!(change.report.findings[0].code.to_string(), "TIDE0230");
}

fn folder() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tidecast.yaml"), starter()).unwrap();
    let paths = vec![folder.path().to_owned()];
    (folder, paths)
}

#[test]
fn sees_changes_and_nothing_else() {
    let (folder, paths) = folder();
    let file = folder.path().join("tidecast.yaml");
    let mut poller = Poller::new(&paths);
    assert!(poller.look(false).is_none());
    std::fs::write(&file, starter()).unwrap();
    assert!(poller.look(false).is_none(), "touched is not changed");
    std::fs::write(&file, starter().replace("20", "21")).unwrap();
    assert_eq!(poller.look(false).unwrap().config.unwrap().workloads[0].max_replicas, 21);
    assert!(poller.look(false).is_none());
    std::fs::write(folder.path().join("b.yaml"), "limits: { fleetMax: 100 }\n").unwrap();
    assert!(
        poller.look(false).is_some_and(|loaded| loaded.report.findings.is_empty() || loaded.config.is_none())
    );
    std::fs::remove_file(&file).unwrap();
    assert!(poller.look(false).is_some());
    assert!(poller.look(true).is_some(), "asked for, it looks whatever the files say");
}

#[test]
fn sees_the_swapped_links_of_a_mounted_configmap() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mount = |version: &str, content: &str| {
        std::fs::create_dir(at(version)).unwrap();
        std::fs::write(at(version).join("tidecast.yaml"), content).unwrap();
        std::os::unix::fs::symlink(version, at("..data_tmp")).unwrap();
        std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    mount("..1", starter());
    std::os::unix::fs::symlink("..data/tidecast.yaml", at("tidecast.yaml")).unwrap();
    let paths = vec![folder.path().to_owned()];
    assert!(load(&paths).config.is_some());
    let mut poller = Poller::new(&paths);
    mount("..2", &starter().replace("maxReplicas: 20", "maxReplicas: 22"));
    assert_eq!(poller.look(false).unwrap().config.unwrap().workloads[0].max_replicas, 22);
}

#[tokio::test]
async fn looks_at_once_when_the_process_is_hung_up() {
    let (folder, paths) = folder();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let take = move |loaded: tidecast::config::Loaded| tell.send(loaded.config.is_some()).unwrap();
    let long = std::time::Duration::from_secs(3_600);
    let watching = tokio::spawn(tidecast::config::watch(Poller::new(&paths), long, take));
    // The first look happens at once and finds nothing new; the handler stands when it has.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    std::fs::write(folder.path().join("tidecast.yaml"), "oops: [").unwrap();
    let hung_up = std::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status();
    assert!(hung_up.unwrap().success());
    let limit = std::time::Duration::from_secs(20);
    assert_eq!(tokio::time::timeout(limit, told.recv()).await.unwrap(), Some(false));
    watching.abort();
}
