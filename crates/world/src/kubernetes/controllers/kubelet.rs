use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::store::Key;
use super::super::tree::{instant, list, put, tag, text, time};
use super::set_condition;

/// The cluster's machines: how many pods fit, and how long those take to come and to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Nodes {
    /// How many pods fit on all machines together; those beyond stay Pending.
    pub room: usize,
    /// Seconds from being placed to being ready, at least and at most; drawn for each pod.
    pub start_up: (f64, f64),
    /// Seconds from being told to go to being gone, at least and at most; never more than the pod's grace.
    pub farewell: (f64, f64),
}

/// Tells a pod's own start-up time in seconds, or `never`.
const START_UP: &str = "fake.tidecast.dev/start-up";
/// How many pods one machine has, as far as names are concerned.
const PODS_PER_NODE: usize = 30;

impl Default for Nodes {
    fn default() -> Self {
        Self { room: 10_000, start_up: (1.0, 3.0), farewell: (0.5, 2.0) }
    }
}

impl Cluster {
    /// Places pods, starts them, and sees off those that were told to go.
    pub(crate) fn run_pods(&mut self, now: Timestamp) {
        let pods: Vec<(Key, State)> =
            self.store.of("pods", "").map(|(key, pod)| (key.clone(), State::of(pod))).collect();
        let mut placed = pods.iter().filter(|(_, state)| !matches!(state, State::Unplaced)).count();
        for (key, state) in pods {
            match state {
                State::Unplaced if placed < self.nodes.room => {
                    self.place(&key, placed, now);
                    placed += 1;
                }
                State::Unplaced => self.turn_away(&key, now),
                State::Starting => self.start(&key, now),
                State::Leaving => self.see_off(&key, now),
                State::Settled => {}
            }
        }
    }

    fn place(&mut self, key: &Key, at: usize, now: Timestamp) {
        let node = format!("node-{}", at / PODS_PER_NODE + 1);
        self.have_node(&node, now);
        let (low, high) = self.nodes.start_up;
        let drawn = self.chance.between(low, high.max(low));
        let Some(pod) = self.find(key) else { return };
        let told = tag(&pod, "annotations", START_UP);
        let seconds = match told {
            Some("never") => None,
            Some(told) => Some(told.parse().unwrap_or(drawn)),
            None => Some(drawn),
        };
        if let Some(seconds) = seconds {
            self.memory
                .due
                .insert(text(&pod, "/metadata/uid").to_owned(), now + SignedDuration::from_secs_f64(seconds));
        }
        self.edit(key, "kube-scheduler", "", now, |pod| put(pod, "/spec/nodeName", node));
        self.edit(key, "kubelet", "status", now, |pod| {
            put(pod, "/status/phase", "Pending");
            put(pod, "/status/startTime", time(now));
            set_condition(pod, ["PodScheduled", "True", "", ""], now);
            set_condition(
                pod,
                ["Ready", "False", "ContainersNotReady", "containers with unready status"],
                now,
            );
            let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
            let statuses = statuses(pod, &waiting, false);
            put(pod, "/status/containerStatuses", statuses);
        });
    }

    /// Machines come into sight when their first pod is placed on them.
    fn have_node(&mut self, name: &str, now: Timestamp) {
        if self.get("nodes", "", name).is_some() {
            return;
        }
        let room = json!({"cpu": "16", "memory": "64Gi", "pods": PODS_PER_NODE.to_string()});
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        });
        self.make(node, "kubelet", now);
        self.edit(&Key::new("nodes", "", name), "kubelet", "status", now, |node| {
            put(node, "/status/capacity", room.clone());
            put(node, "/status/allocatable", room);
            put(
                node,
                "/status/nodeInfo",
                json!({"kubeletVersion": "v1.36.0", "osImage": "none", "kernelVersion": "none"}),
            );
            set_condition(node, ["Ready", "True", "KubeletReady", "kubelet is posting ready status"], now);
        });
    }

    fn turn_away(&mut self, key: &Key, now: Timestamp) {
        let message = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
        let known = self.find(key).is_some_and(|pod| !list(&pod, "/status/conditions").is_empty());
        if !known {
            self.edit(key, "kube-scheduler", "status", now, |pod| {
                put(pod, "/status/phase", "Pending");
                set_condition(pod, ["PodScheduled", "False", "Unschedulable", message], now);
            });
            if let Some(pod) = self.find(key) {
                self.report(&pod, "default-scheduler", ["Warning", "FailedScheduling", message], now);
            }
        }
    }

    fn start(&mut self, key: &Key, now: Timestamp) {
        let Some(pod) = self.find(key) else { return };
        let Some(&ready) = self.memory.due.get(text(&pod, "/metadata/uid")) else { return };
        if ready > now {
            return;
        }
        self.memory.due.remove(text(&pod, "/metadata/uid"));
        let ip = format!(
            "10.{}.{}.{}",
            1 + self.uids % 200,
            (self.uids >> 8) % 250,
            1 + self.chance.whole(0, 250)
        );
        // The pod became ready when it was due, however seldom somebody looks.
        self.edit(key, "kubelet", "status", now, |pod| {
            put(pod, "/status/phase", "Running");
            put(pod, "/status/podIP", ip.clone());
            put(pod, "/status/podIPs", json!([{"ip": ip}]));
            put(pod, "/status/hostIP", "192.168.0.10");
            let running = json!({"running": {"startedAt": time(ready)}});
            let statuses = statuses(pod, &running, true);
            put(pod, "/status/containerStatuses", statuses);
            for condition in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"] {
                set_condition(pod, [condition, "True", "", ""], ready);
            }
        });
    }

    fn see_off(&mut self, key: &Key, now: Timestamp) {
        let Some(pod) = self.find(key) else { return };
        let uid = text(&pod, "/metadata/uid").to_owned();
        let gone_by = instant(&pod, "/metadata/deletionTimestamp").unwrap_or(now);
        let grace = pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
        let told = gone_by - SignedDuration::from_secs(grace);
        let leaving = format!("{uid}/leaving");
        let gone = match self.memory.due.get(&leaving) {
            Some(&gone) => gone,
            None => {
                let (low, high) = self.nodes.farewell;
                let gone = (told + SignedDuration::from_secs_f64(self.chance.between(low, high.max(low))))
                    .min(gone_by);
                self.memory.due.insert(leaving.clone(), gone);
                gone
            }
        };
        if gone <= now && list(&pod, "/metadata/finalizers").is_empty() {
            self.memory.due.remove(&leaving);
            self.memory.due.remove(&uid);
            self.store.remove(key);
        }
    }
}

/// How far a pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unplaced,
    Starting,
    Settled,
    Leaving,
}

impl State {
    fn of(pod: &Value) -> Self {
        if pod.pointer("/metadata/deletionTimestamp").is_some() {
            return Self::Leaving;
        }
        match (text(pod, "/spec/nodeName"), text(pod, "/status/phase")) {
            ("", _) => Self::Unplaced,
            (_, "" | "Pending") => Self::Starting,
            _ => Self::Settled,
        }
    }
}

fn statuses(pod: &Value, state: &Value, ready: bool) -> Vec<Value> {
    let told = list(pod, "/spec/containers").iter().map(|container| {
        json!({
            "name": container["name"], "image": container["image"], "imageID": "", "ready": ready, "started": ready,
            "restartCount": 0, "state": state, "lastState": {},
        })
    });
    told.collect()
}
