use super::{Context, DAY, out_of_range, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::{Kind, Node};
use crate::config::word::{Bytes, Duration};

/// The server, the store and the common limits.
pub(super) fn check(context: Context<'_>) -> Vec<Finding> {
    let Context { config, tree, whole } = context;
    let (server, limits) = (&config.server, &config.limits);
    let mut found = Vec::new();
    found.extend(open_to_all(context));
    found.extend(within(
        tree,
        &["server", "turnEvery"],
        server.turn_every,
        Duration::seconds(5),
        Duration::seconds(600),
    ));
    if let Some(heartbeat) = &server.heartbeat {
        let (least, most) = (Duration::seconds(10), Duration::seconds(3_600));
        found.extend(within(tree, &["server", "heartbeat", "every"], heartbeat.every, least, most));
    }
    let (least, most) = (Duration::seconds(14 * DAY.as_seconds() as u64), Duration::seconds(1_830 * 86_400));
    found.extend(within(tree, &["store", "history"], config.store.history, least, most));
    found.extend(models_without_room(context));
    for (key, value) in [("launchesPerMinute", limits.launches_per_minute), ("fleetMax", limits.fleet_max)] {
        if value == Some(0) {
            let node = tree.nearest(&["limits", key]);
            found.push(out_of_range(node, 0, 1, "at least 1; take the key away for no limit".into()));
        }
    }
    if limits.scale_in_per_10m.share() <= 0.0 {
        let node = tree.nearest(&["limits", "scaleInPer10m"]);
        found.push(out_of_range(
            node,
            "0%",
            "10%",
            "above 0%; to keep a workload from shrinking set its mode to scaleOutOnly".into(),
        ));
    }
    let nothing = whole.get("workloads").is_none_or(|list| matches!(list.kind, Kind::Null) || empty(list));
    // Resources may bring some.
    let nothing = nothing && context.written("operator").is_empty();
    found.extend(nothing.then(|| {
        Finding::new(Code::NOTHING_TO_DO, "no workload is configured")
            .help("`tidecast init` writes an example")
    }));
    found
}

/// What a fitted model needs at most: 2.1 MiB were seen with eight weeks of history.
const MODEL_BYTES: u64 = 9 << 18;
const GIB: u64 = 1 << 30;

fn models_without_room(context: Context<'_>) -> Option<Finding> {
    let Context { config, tree, .. } = context;
    let (workloads, room) = (config.workloads.len() as u64, config.store.models_max);
    let need = Bytes((workloads * MODEL_BYTES).next_multiple_of(GIB));
    let written = context.written("store").iter().any(|entry| entry.key == "modelsMax");
    let node = tree.nearest(&["store", "modelsMax"]);
    (workloads * MODEL_BYTES > room.0).then(|| {
        let fit = room.0 / MODEL_BYTES;
        let message = format!("{room} is room for {fit} of {workloads} fitted models");
        let found = Finding::new(Code::MODELS_WITHOUT_ROOM, message).at(node.place);
        let found = found.help(format!("write `modelsMax: {need}` in the section `store`"));
        if written { found.fix(node.place, need.to_string()) } else { found }
    })
}

fn empty(list: &Node) -> bool {
    matches!(&list.kind, Kind::List(items) if items.is_empty())
}

/// S1: no server beyond loopback that anybody may talk to.
fn open_to_all(context: Context<'_>) -> Option<Finding> {
    let server = &context.config.server;
    let auth = context.written("server").iter().any(|entry| entry.key == "auth");
    let open = !server.listen.0.ip().is_loopback() && server.auth.is_none() && !auth;
    let node = context.tree.nearest(&["server", "listen"]);
    let port = server.listen.0.port();
    open.then(|| {
        Finding::new(Code::OPEN_TO_ALL, format!("{} is open to everybody who can reach it", server.listen))
            .at(node.place)
            .help(format!("listen on 127.0.0.1:{port}, or add `auth: {{ tokenFile: … }}` to the section"))
            .fix(node.place, format!("127.0.0.1:{port}"))
    })
}
