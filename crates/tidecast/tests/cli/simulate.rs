//! `tidecast simulate`: its schema, and that its figures are the independent scorer's.

use crate::common::{Folder, assert_agrees, run, scored, wave};

#[test]
fn prints_one_object_a_file_and_policy_in_the_schema() {
    let folder = Folder::new();
    let file = folder.file("a.csv", wave(1_440 * 4, 60));
    let ran = run(&[
        "simulate",
        &file,
        "--policy",
        "hpa,oracle",
        "-o",
        "json",
        "--throughput",
        "0.1/s",
        "-l",
        "10m",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut keys: Vec<_> = lines[0].as_object().unwrap().keys().cloned().collect();
    keys.sort();
    let expected = [
        "cost",
        "downs_per_day",
        "file",
        "overprovision",
        "policy",
        "server_hours",
        "start_s",
        "throughput_per_min",
        "ups_per_day",
        "utilisation",
        "version",
        "violated_requests",
        "violated_time",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&lines[0]["policy"], &lines[1]["policy"]), (&"hpa".into(), &"oracle".into()));
    assert_eq!((&lines[0]["start_s"], &lines[0]["throughput_per_min"]), (&600.into(), &6.0.into()));
    assert_agrees("the oracle's cost", &lines[1]["cost"], &1.0.into(), 0.9998);
    assert_eq!(lines[1]["violated_requests"], 0.0);
}

#[test]
fn agrees_with_the_independent_scorer() {
    let folder = Folder::new();
    let file = folder.file("a.csv", wave(1_440 * 6, 60));
    let pattern = folder.path("{name}.csv.gz");
    let arguments = ["--throughput", "7.5", "--start-time", "5m", "-o", "json"];
    let ran =
        run(&[&["simulate", &file, "--emit-timeline", pattern.to_str().unwrap()], &arguments[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    for line in ran.out.lines() {
        let mine: serde_json::Value = serde_json::from_str(line).unwrap();
        let policy = mine["policy"].as_str().unwrap();
        let out = folder.path(&format!("{policy}.csv.gz"));
        let theirs =
            scored(&["capacity", out.to_str().unwrap(), "--start-time", "5m", "--throughput", "7.5"]);
        let Some(theirs) = theirs else { return };
        let pairs = [
            ("violated_requests", "violated_requests_pct", 0.01),
            ("violated_time", "violated_time_pct", 0.01),
            ("cost", "cost_ratio", 1.0),
            ("overprovision", "overprovision_pct", 0.01),
            ("utilisation", "utilisation_pct", 0.01),
            ("ups_per_day", "scale_ups_per_day", 1.0),
            ("downs_per_day", "scale_downs_per_day", 1.0),
            ("server_hours", "cost_server_minutes", 1.0 / 60.0),
        ];
        for (own, their, scale) in pairs {
            assert_agrees(&format!("{policy} {own}"), &mine[own], &theirs[their], scale);
        }
    }
}

#[test] // B1
fn says_what_it_assumed() {
    let folder = Folder::new();
    let ran = run(&[
        "simulate",
        &folder.file("h.csv", wave(24 * 6, 3_600)),
        "--policy",
        "hpa",
        "--start-time",
        "90s",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for sentence in [
        "no --throughput given; a server is taken to serve",
        "steps of 1h drawn out to minutes linearly, without noise",
        "a start-up of 1m 30s is taken as 2m",
    ] {
        assert!(ran.err.contains(sentence), "{sentence}: {}", ran.err);
    }
}

#[test]
fn values_a_second_are_sixty_a_minute() {
    let folder = Folder::new();
    let file = folder.file("a.csv", wave(1_440 * 4, 60));
    let json = |more: &[&str]| {
        let out = run(&[&["simulate", &file, "--policy", "hpa", "-o", "json"], more].concat()).out;
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let (minute, second) = (json(&["--throughput", "5"]), json(&["--throughput", "5", "--per", "second"]));
    assert_eq!(minute["cost"], second["cost"]);
    assert_eq!(second["throughput_per_min"], 300.0);
}

#[test]
fn starts_scoring_where_told_and_not_outside() {
    let folder = Folder::new();
    let file = folder.file("a.csv", wave(1_440 * 4, 60));
    let told = run(&["simulate", &file, "--policy", "hpa", "--score-from", "2026-01-08"]);
    assert!(told.out.contains("1.0 days from 2026-01-08 00:00 on"), "{}{}", told.out, told.err);
    let outside = run(&["simulate", &file, "--score-from", "2025-01-08"]);
    assert_eq!(outside.code, 2);
    assert!(outside.err.contains("lies outside"), "{}", outside.err);
    let short = run(&["simulate", &folder.file("s.csv", wave(600, 60))]);
    assert_eq!(short.code, 2);
    assert!(short.err.contains("10h of history leave nothing to learn from"), "{}", short.err);
}

#[test]
fn names_the_policies_there_are() {
    let ran = run(&["simulate", "x.csv", "--policy", "magic"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("there is no policy 'magic'; there are"), "{}", ran.err);
}

#[test]
fn writes_a_report_that_needs_nothing_else() {
    let folder = Folder::new();
    let file = folder.file("<b>&.csv", wave(1_440 * 4, 60));
    let path = folder.path("report.html");
    let ran = run(&["simulate", &file, "--policy", "hpa,oracle", "--html", path.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let report = std::fs::read_to_string(path).unwrap();
    assert_eq!(report.matches("<svg").count(), 2);
    assert!(report.contains("&lt;b&gt;&amp;.csv") && !report.contains("<b>"), "names are escaped");
    for fetched in ["http:", "https:", "<script", "@import", "url("] {
        assert!(!report.contains(fetched), "{fetched}");
    }
}

#[test]
fn shows_the_price_of_a_service_level() {
    let folder = Folder::new();
    let file = folder.file("a.csv", wave(1_440 * 10, 60));
    let html = folder.path("frontier.html");
    let ran = run(&["simulate", &file, "--frontier", "-o", "json", "--html", html.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|line| line["policy"] == "tidecast"));
    assert_eq!((&lines[0]["service_level"], &lines[6]["service_level"]), (&0.95.into(), &0.9995.into()));
    assert!(lines[0]["cost"].as_f64() <= lines[6]["cost"].as_f64());
    assert!(std::fs::read_to_string(html).unwrap().contains("<circle"), "a plot");
    let one = run(&["simulate", &file, "--policy", "tidecast", "--service-level", "95%", "-o", "json"]);
    let one: serde_json::Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!(one["cost"], lines[0]["cost"], "the frontier is what the policy does at each level");
    let refused = run(&["simulate", &file, "--service-level", "99.9"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("0.999 or 99.9%"), "{}", refused.err);
}
