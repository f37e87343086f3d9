use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::json;

use super::client::client;
use crate::cluster::Cluster;

const WRITERS: usize = 6;
const WRITES: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_misses_nothing_while_many_write() {
    let cluster = Cluster::start().await;
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster).await);
    for writer in 0..WRITERS {
        let map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("map-{writer}")}});
        api.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    }
    let start = cluster.state().version().to_string();
    let watching = {
        let api = api.clone();
        tokio::spawn(async move { versions_seen(api, &start).await })
    };
    let writing = (0..WRITERS).map(|writer| tokio::spawn(write(api.clone(), writer)));
    let mut written = BTreeSet::new();
    for writer in writing.collect::<Vec<_>>() {
        written.extend(writer.await.unwrap());
    }
    let seen = tokio::time::timeout(Duration::from_secs(60), watching)
        .await
        .expect("the watch sees the last write")
        .unwrap();
    assert!(seen.is_sorted(), "events come in the order of their versions");
    assert_eq!(seen.iter().copied().collect::<BTreeSet<_>>(), written);
    assert_eq!(seen.len(), WRITERS * WRITES, "and each of them once");
}

/// Writes again and again; gives the versions that came of it.
async fn write(api: Api<ConfigMap>, writer: usize) -> Vec<u64> {
    let mut versions = Vec::new();
    for n in 0..WRITES {
        let patch = Patch::Merge(json!({"data": {"n": n.to_string()}}));
        let now = api.patch(&format!("map-{writer}"), &PatchParams::default(), &patch).await.unwrap();
        versions.push(now.metadata.resource_version.unwrap().parse().unwrap());
    }
    versions
}

/// The versions of all events until there are as many as there will be writes.
async fn versions_seen(api: Api<ConfigMap>, start: &str) -> Vec<u64> {
    let mut events = api.watch(&WatchParams::default(), start).await.unwrap().boxed();
    let mut seen = Vec::new();
    while seen.len() < WRITERS * WRITES {
        if let WatchEvent::Modified(map) = events.next().await.expect("the stream goes on").unwrap() {
            seen.push(map.metadata.resource_version.unwrap().parse().unwrap());
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_from_a_forgotten_past_is_told_so() {
    let cluster = Cluster::start().await;
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster).await);
    cluster.install(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}));
    cluster.state().compact();
    let mut events = api.watch(&WatchParams::default(), "1").await.unwrap().boxed();
    match events.next().await.unwrap() {
        Ok(WatchEvent::Error(status)) => assert_eq!((status.code, status.reason.as_str()), (410, "Expired")),
        other => panic!("it should be gone, and is {other:?}"),
    }
}
