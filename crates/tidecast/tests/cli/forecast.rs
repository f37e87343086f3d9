//! `tidecast forecast` in its three formats.

use crate::common::{Folder, run, wave};

#[test]
fn shows_chart_and_numbers_in_civil_time() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 28, 3_600));
    let ran = run(&["forecast", &file, "--zone", "Europe/Berlin"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for part in [
        "28d of history in steps of 1h, all of it measured",
        "repeats every day",
        "model: ensemble",
        "Europe/Berlin (+01:00)",
        "80 % band",
        "99.9 %",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
}

#[test]
fn gives_every_step_and_level_to_programs() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 28, 3_600));
    let table = run(&["forecast", &file, "--horizon", "6h", "-o", "csv"]).out;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("time,mean,q0.01,q0.05,") && lines[0].ends_with("q0.9995"), "{}", lines[0]);
    let json: serde_json::Value =
        serde_json::from_str(&run(&["forecast", &file, "--horizon", "6h", "-o", "json"]).out).unwrap();
    assert_eq!((json["version"].as_u64(), json["model"].as_str()), (Some(1), Some("ensemble")));
    assert_eq!(json["forecast"].as_array().map(Vec::len), Some(6));
    assert!(
        json["forecast"][5]["quantiles"]["0.99"].as_f64() > json["forecast"][5]["quantiles"]["0.5"].as_f64()
    );
}

#[test]
fn knows_the_day_it_has_seen_four_weeks_of() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 28, 3_600));
    let json: serde_json::Value = serde_json::from_str(&run(&["forecast", &file, "-o", "json"]).out).unwrap();
    let median = |hour: usize| json["forecast"][hour]["quantiles"]["0.5"].as_f64().unwrap();
    assert!(median(12) > 3.0 * median(0), "noon {} and midnight {}", median(12), median(0));
}

#[test]
fn refuses_a_horizon_that_nobody_can_see() {
    let ran = run(&["forecast", "x.csv", "--horizon", "90d"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--horizon 90d is too far; at most 28d"), "{}", ran.err);
}

#[test] // S5.1, B1
fn plans_capacity_with_reasons_for_a_fleet_that_is_described() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 28, 3_600));
    let fleet = ["--throughput", "10/min", "--start-time", "10m", "--service-level", "99%"];
    let json = run(&[&["forecast", &file, "-o", "json"], &fleet[..]].concat());
    assert_eq!(json.code, 0, "{}", json.err);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let steps = json["plan"]["steps"].as_array().unwrap();
    let sizes: Vec<u64> = steps.iter().map(|step| step["size"].as_u64().unwrap()).collect();
    let peak =
        json["forecast"].as_array().unwrap().iter().map(|point| point["quantiles"]["0.99"].as_f64().unwrap());
    let needed = (peak.fold(0.0, f64::max) / 10.0).ceil() as u64;
    assert_eq!(sizes.iter().max(), Some(&needed), "{steps:?}");
    assert!(steps.iter().all(|step| !step["because"].as_str().unwrap().is_empty()), "{steps:?}");
    let table = run(&[&["forecast", &file], &fleet[..]].concat()).out;
    assert!(table.contains("plan: a server serves 10, starts in 10m, 99 % sure"), "{table}");
    assert!(table.contains("ordered 10m ahead"), "{table}");
}
