//! What works without any file: `tidecast demo` and `tidecast bench`.

use crate::common::run;

#[test]
fn shows_the_main_job_on_one_screen() {
    let ran = run(&["demo"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for part in [
        "DEMO",
        "What comes next",
        "repeats every day",
        "What scaling ahead saves",
        "oracle",
        "tidecast simulate FILE",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(ran.out.lines().count() <= 60, "{}", ran.out);
    assert_eq!(run(&["demo"]).out, ran.out, "twice the same");
}

#[test]
fn times_models_and_policies() {
    let ran = run(&["bench", "--model", "last_week", "--policy", "hpa", "-o", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0]["fit_ms"].as_f64() > Some(0.0) && lines[0]["turn_us"].as_f64() > Some(0.0),
        "{}",
        ran.out
    );
    assert!(lines[2]["turns_per_s"].as_f64() > Some(1_000.0), "{}", ran.out);
}
