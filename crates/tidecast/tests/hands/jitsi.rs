//! A stand-in for jitsi-autoscaler with its rules: what it refuses there is refused here.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use tidecast_pilot::{Sighting, Size};

use crate::served::{Served, now, write_demand};

/// A group: its floor, its ceiling, what is desired, and what became of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    min: u64,
    max: u64,
    desired: u64,
    puts: u32,
    refused: u32,
}

impl Group {
    /// How often it was changed.
    pub(crate) fn puts(&self) -> u32 {
        self.puts
    }
}

type Groups = Arc<Mutex<Group>>;

pub(crate) const TOKEN: &str = "canary-7f3a";

pub(crate) async fn stand_in() -> (String, Groups) {
    let group = Groups::new(Mutex::new(Group { min: 2, max: 40, desired: 3, puts: 0, refused: 0 }));
    let routes = Router::new()
        .route("/groups/{name}", get(describe))
        .route("/groups/{name}/report", get(report))
        .route("/groups/{name}/desired", put(desire))
        .with_state(group.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (url, group)
}

fn admitted(headers: &HeaderMap, name: &str) -> Result<(), StatusCode> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    match (token, name) {
        (Some(token), "jvb-eu") if token == format!("Bearer {TOKEN}") => Ok(()),
        (Some(_), "jvb-eu") => Err(StatusCode::UNAUTHORIZED),
        (None, _) => Err(StatusCode::UNAUTHORIZED),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

async fn describe(
    State(group): State<Groups>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    admitted(&headers, &name)?;
    let group = *group.lock().unwrap();
    let options = json!({ "minDesired": group.min, "maxDesired": group.max, "desiredCount": group.desired });
    Ok(Json(json!({ "instanceGroup": { "name": name, "type": "JVB", "scalingOptions": options } })))
}

async fn report(
    State(group): State<Groups>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    admitted(&headers, &name)?;
    let group = *group.lock().unwrap();
    let instance =
        |i: u64| json!({ "instanceId": format!("i-{i}"), "scaleStatus": "ONLINE", "isShuttingDown": i == 0 });
    let instances: Vec<_> = (0..=group.desired).map(instance).collect();
    Ok(Json(json!({ "groupReport": {
        "groupName": name, "count": instances.len(), "desiredCount": group.desired, "unTrackedCount": 0, "instances": instances,
    } })))
}

/// Refuses what jitsi-autoscaler refuses: what is desired lies between floor and ceiling.
async fn desire(
    State(group): State<Groups>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(wish): Json<Value>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    admitted(&headers, &name).map_err(|status| (status, Json(json!({}))))?;
    let mut group = group.lock().unwrap();
    let get = |key: &str, now: u64| wish.get(key).map_or(Some(now), Value::as_u64);
    let wished =
        (get("minDesired", group.min), get("maxDesired", group.max), get("desiredCount", group.desired));
    match wished {
        (Some(min), Some(max), Some(desired)) if min <= desired && desired <= max => {
            (group.min, group.max, group.desired, group.puts) = (min, max, desired, group.puts + 1);
            Ok(Json(json!({ "save": "OK" })))
        }
        _ => {
            group.refused += 1;
            let errors = [
                json!({ "msg": "Desired count must be between min and max; min cannot be grater than max" }),
            ];
            Err((StatusCode::BAD_REQUEST, Json(json!({ "errors": errors }))))
        }
    }
}

fn config(url: &str, mode: &str) -> String {
    format!(
        "sources: {{ file: {{ type: csv, path: demand.csv }} }}\nworkloads:\n- {{ name: jvb, mode: {mode}, demand: {{ source: file }}, \
         capacity: {{ perReplica: 41 }}, maxReplicas: 60, target: {{ type: jitsi, url: '{url}', group: jvb-eu, \
         bearerToken: {{ file: token }} }} }}\n"
    )
}

async fn served(url: &str, mode: &str) -> Served {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    write_demand(folder.path());
    Served::start(folder, &config(url, mode)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // B8, S6.3
async fn lifts_the_floor_of_a_group_and_leaves_what_lies_above_alone() {
    let (url, group) = stand_in().await;
    let served = served(&url, "full").await;
    let lifted = |turned: &tidecast::drive::Turned| {
        let sighting = turned.briefing.as_ref().and_then(|briefing| briefing.sighting.as_ref());
        sighting.is_some_and(|sighting| sighting.ordered >= Size(10))
    };
    let turned = served.until("jvb", "its floor is lifted", lifted).await;
    let seen = *group.lock().unwrap();
    assert!(seen.min >= 10 && seen.desired >= seen.min && seen.refused == 0, "{seen:?}");
    let sighting = turned.briefing.as_ref().unwrap().sighting.clone().unwrap();
    let serving = u32::try_from(seen.desired).unwrap();
    assert_eq!(sighting, Sighting::of(sighting.at, Size(u32::try_from(seen.min).unwrap()), Size(serving)));
    assert!(sighting.at <= now());

    (group.lock().unwrap().min, group.lock().unwrap().max) = (2, 5);
    let stuck = |turned: &tidecast::drive::Turned| matches!(&turned.receipt, Some(Err(_)));
    let turned = served.until("jvb", "the ceiling is in the way", stuck).await;
    let trouble = turned.receipt.as_ref().unwrap().as_ref().unwrap_err().to_string();
    assert!(trouble.contains("its maxDesired is 5, and") && trouble.contains("raise it there"), "{trouble}");
    assert_eq!(group.lock().unwrap().refused, 0, "it is not asked for what it must refuse");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // B2
async fn only_reads_while_it_observes_and_shows_what_it_would_ask() {
    let (url, group) = stand_in().await;
    let served = served(&url, "observe").await;
    let turned = served.until("jvb", "it would lift the floor", |turned| !turned.shows.is_empty()).await;
    let shown = &turned.shows[0];
    assert!(shown.starts_with("PUT /groups/jvb-eu/desired {\"minDesired\":1"), "{shown}");
    assert_eq!(group.lock().unwrap().puts, 0);
    served.stop().await;
}
