//! `tidecast backtest`: its schema, and that its figures are the independent scorer's.

use crate::common::{Folder, assert_agrees, csv, run, scored, wave};

/// A wave with gaps, growth and noise, so that no figure is trivial.
fn rough(points: usize, step_s: i64) -> String {
    csv(points, step_s, |i| {
        let hours = i as f64 * step_s as f64 / 3_600.0;
        let noise = ((i * 7_919 + i * i) % 97) as f64 / 97.0;
        let value = 20.0 + hours / 100.0 + 15.0 * (hours / 24.0 * std::f64::consts::TAU).sin() + 9.0 * noise;
        (i % 41 != 7 && !(700..730).contains(&i)).then_some(value)
    })
}

#[test]
fn prints_one_object_a_file_and_model_in_the_schema() {
    let folder = Folder::new();
    let files = [folder.file("a.csv", wave(24 * 28, 3_600)), folder.file("b.csv", wave(48 * 28, 1_800))];
    let ran = run(&["backtest", &files[0], &files[1], "--model", "last_week,recent_days", "-o", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let order: Vec<_> =
        lines.iter().map(|l| (l["file"].as_str().unwrap(), l["model"].as_str().unwrap())).collect();
    let (a, b) = (files[0].as_str(), files[1].as_str());
    assert_eq!(order, [(a, "last_week"), (a, "recent_days"), (b, "last_week"), (b, "recent_days")]);
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&lines[0]),
        ["file", "fit_ms", "forecast_us", "leads", "model", "origins", "step_s", "version"]
    );
    let lead = &lines[0]["leads"][0];
    assert_eq!(keys(lead), ["bias", "coverage", "lead_s", "mase", "n", "rel_wape", "wape", "wql"]);
    assert_eq!(keys(&lead["wql"]), ["0.5", "0.9", "0.95", "0.99"]);
    assert_eq!(
        (&lines[0]["step_s"], &lines[0]["origins"], &lead["lead_s"]),
        (&3_600.into(), &167.into(), &3_600.into())
    );
}

#[test]
fn agrees_with_the_independent_scorer() {
    let folder = Folder::new();
    for (name, points, step_s) in
        [("hour.csv", 24 * 60, 3_600), ("ten.csv", 144 * 25, 600), ("minute.csv", 1_440 * 12, 60)]
    {
        let file = folder.file(name, rough(points, step_s));
        let out = folder.path(&format!("{name}.gz")).to_str().unwrap().to_owned();
        let ran = run(&["backtest", &file, "--model", "recent_days", "-o", "json", "--emit-forecasts", &out]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let mine: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let Some(theirs) = scored(&["forecasts", "--data", &file, &out]) else { return };
        let leads: Vec<_> = theirs["leads"].as_object().unwrap().values().collect();
        assert_eq!(mine["leads"].as_array().map(Vec::len), Some(leads.len()));
        for lead in leads {
            let own =
                mine["leads"].as_array().unwrap().iter().find(|own| own["lead_s"] == lead["lead_s"]).unwrap();
            assert_eq!(own["n"], lead["n"]);
            for measure in ["wape", "bias", "mase", "rel_wape"] {
                assert_agrees(&format!("{name} {measure}"), &own[measure], &lead[measure], 1.0);
            }
            for level in ["0.5", "0.9", "0.95", "0.99"] {
                for measure in ["wql", "coverage"] {
                    assert_agrees(
                        &format!("{name} {measure} {level}"),
                        &own[measure][level],
                        &lead[measure][level],
                        1.0,
                    );
                }
            }
        }
    }
}

#[test] // B1
fn says_what_stood_in_for_a_model_that_declined() {
    let folder = Folder::new();
    let file = folder.file("short.csv", wave(24 * 11, 3_600));
    let ran = run(&["backtest", &file, "--model", "all"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let short = run(&["backtest", &folder.file("days.csv", wave(24 * 8, 3_600))]);
    assert_eq!(short.code, 2);
    assert!(
        short.err.contains("too short to be judged: 8d of history are there, 10d 12h are needed"),
        "{}",
        short.err
    );
}

#[test]
fn judges_what_it_can_and_ends_with_two() {
    let folder = Folder::new();
    let (good, bad) = (folder.file("good.csv", wave(24 * 28, 3_600)), folder.file("bad.csv", ""));
    let ran = run(&["backtest", &bad, &good, "--model", "last_week", "-o", "csv"]);
    assert_eq!((ran.code, ran.out.lines().count()), (2, 3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("bad.csv is empty"), "{}", ran.err);
}

#[test]
fn keeps_several_outputs_apart() {
    let folder = Folder::new();
    let file = folder.file("a.csv", wave(24 * 28, 3_600));
    let refused = run(&["backtest", &file, "--model", "last_week,yesterday", "--emit-forecasts", "out.csv"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("would be written 2 times over"), "{}", refused.err);
    let pattern = folder.path("{file}.{name}.csv");
    let ran = run(&[
        "backtest",
        &file,
        "--model",
        "last_week,yesterday",
        "--emit-forecasts",
        pattern.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let written = std::fs::read_to_string(folder.path("a.yesterday.csv")).unwrap();
    assert!(written.starts_with("origin,lead_s,mean,q0.5,q0.9,q0.95,q0.99\n"), "{}", &written[..80]);
}
