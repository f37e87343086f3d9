//! A FleetAutoscaler asks how large its Fleet is to be.

use serde_json::{Value, json};
use tidecast::egress::{Answer, Ask};

use crate::served::{Served, project, write_demand};

fn review(uid: &str, status: &Value) -> Value {
    json!({ "request": { "uid": uid, "name": "lobby", "namespace": "games", "status": status }, "response": null })
}

fn config() -> String {
    let workload = |name: &str, fleet: &str, mode: &str| {
        format!(
            "- {{ name: {name}, mode: {mode}, demand: {{ source: file }}, capacity: {{ perReplica: 41 }}, maxReplicas: 60, \
             target: {{ type: agones, namespace: games, fleet: {fleet}, token: {{ file: token }} }} }}\n"
        )
    };
    "sources: { file: { type: csv, path: demand.csv } }\nworkloads:\n".to_owned()
        + &workload("lobby", "lobby", "full")
        + &workload("quiet", "quiet", "observe")
}

async fn ask(served: &Served, path: &str, review: &Value) -> Answer {
    let body = Some(("application/json", review.to_string().into_bytes()));
    served.ask(Ask { path, body, ..Ask::default() }).await
}

async fn told(served: &Served, path: &str, review: &Value) -> Value {
    let answer = ask(served, path, review).await;
    assert_eq!(answer.status, 200, "{}", answer.said());
    serde_json::from_slice(&answer.body).unwrap()
}

const PATH: &str = "/agones/games/lobby/canary-7f3a";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // B8, B2, B1
async fn answers_a_fleet_autoscaler() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "canary-7f3a\n").unwrap();
    write_demand(folder.path());
    let served = Served::start(folder, &config()).await;
    let status = json!({ "replicas": 4, "readyReplicas": 1, "reservedReplicas": 0, "allocatedReplicas": 3, "counters": {} });
    let first = told(&served, PATH, &review("u-1", &status)).await;
    assert_eq!(
        first["response"],
        json!({ "uid": "u-1", "scale": false, "replicas": 4 }),
        "no turn has seen the Fleet"
    );
    assert_eq!(first["request"], review("u-1", &status)["request"], "the request comes back as it was");

    let sees = |turned: &tidecast::drive::Turned| {
        turned
            .briefing
            .as_ref()
            .is_some_and(|briefing| briefing.sighting.is_some() && briefing.issued.is_some())
    };
    let turned = served.until("lobby", "it has seen the Fleet", sees).await;
    let sighting = turned.briefing.as_ref().unwrap().sighting.clone().unwrap();
    assert_eq!((sighting.ordered.get(), sighting.serving.get(), sighting.complete), (4, 4, true));
    let second = told(&served, PATH, &review("u-2", &status)).await;
    assert_eq!(second["response"]["scale"], true, "{second}");
    assert_eq!(second["response"]["uid"], "u-2");
    let size = second["response"]["replicas"].as_u64().unwrap();
    assert!((10..=20).contains(&size), "400 over 41 a server: {second}");

    let busy = json!({ "replicas": 50, "readyReplicas": 0, "allocatedReplicas": 50 });
    let third = told(&served, PATH, &review("u-3", &busy)).await;
    assert_eq!(third["response"]["replicas"], 50, "who plays is not asked away");

    let mut quiet = review("u-4", &status);
    quiet["request"]["name"] = "quiet".into();
    let path = "/agones/games/quiet/canary-7f3a";
    told(&served, path, &quiet).await;
    served.until("quiet", "it has seen the Fleet", sees).await;
    let observing = told(&served, path, &quiet).await;
    assert_eq!(observing["response"], json!({ "uid": "u-4", "scale": false, "replicas": 4 }));
    refuses(&served, &review("u-5", &status)).await;
    served.stop().await;
}

async fn refuses(served: &Served, sound: &Value) {
    let sample = std::fs::read_to_string(project("deploy/agones/fleetautoscaler.yaml")).unwrap();
    let sample: Value = serde_saphyr::from_str(&sample).unwrap();
    let path = sample["spec"]["policy"]["webhook"]["service"]["path"].as_str().unwrap();
    let path = path.replace("REPLACE-BY-THE-TOKEN", "canary-7f3a");
    assert_eq!(ask(served, &path, sound).await.status, 200, "what ships in deploy/ leads here");
    let headers = [("authorization", "Bearer canary-7f3a")];
    let body = || Some(("application/json", sound.to_string().into_bytes()));
    let ask_with = |headers| Ask { path: "/agones/games/lobby", body: body(), headers, ..Ask::default() };
    assert_eq!(served.ask(ask_with(&headers)).await.status, 200, "the token in the header will do as well");
    for (path, review, status) in [
        ("/agones/games/lobby", sound.clone(), 401),
        ("/agones/games/lobby/canary-7f3b", sound.clone(), 401),
        ("/agones/games/nowhere/canary-7f3a", sound.clone(), 401),
        (PATH, json!({ "request": { "uid": "u" } }), 400),
        (PATH, review_of(sound, "name", "quiet".into()), 400),
        (PATH, review_of(sound, "status", json!({ "replicas": -1 })), 400),
        (PATH, review_of(sound, "status", json!({ "replicas": 1e9 })), 400),
        (PATH, review_of(sound, "status", json!({ "replicas": 5, "readyReplicas": 4_000_000_000u32 })), 400),
        (PATH, review_of(sound, "labels", json!({ "x": "x".repeat(70_000) })), 400),
    ] {
        let answer = ask(served, path, &review).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.said());
        assert!(!answer.said().contains("canary"), "{}", answer.said());
    }
    let answer = served.ask(Ask { path: PATH, ..Ask::default() }).await;
    assert_eq!(answer.status, 405);
}

fn review_of(sound: &Value, key: &str, value: Value) -> Value {
    let mut review = sound.clone();
    review["request"][key] = value;
    review
}
