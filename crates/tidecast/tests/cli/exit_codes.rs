//! The exit codes that `--help` promises.

use crate::common::{Folder, run, wave};

#[test]
fn end_as_the_help_says() {
    let folder = Folder::new();
    let good = folder.file("good.csv", wave(24 * 28, 3_600));
    let minutes = folder.file("minutes.csv", wave(1_440 * 3, 60));
    let bad = folder.file("bad.csv", "");
    let cases: &[(&[&str], i32)] = &[
        (&["--help"], 0),
        (&["--version"], 0),
        (&["forecast", "--help"], 0),
        (&["models"], 0),
        (&["models", "last_week"], 0),
        (&["completions", "bash"], 0),
        (&["forecast", &good, "--model", "last_week"], 0),
        (&["backtest", &good, "--model", "last_week", "--max-wape", "90%"], 0),
        (&["backtest", &good, "--model", "last_week", "--max-wape", "0.0001"], 1),
        (&["simulate", &minutes, "--policy", "oracle", "--max-violated", "0"], 0),
        (&["simulate", &minutes, "--policy", "hpa", "--max-violated", "0", "--start-time", "4h"], 1),
        (&[], 2),
        (&["frobnicate"], 2),
        (&["forecast"], 2),
        (&["forecast", &bad], 2),
        (&["forecast", &good, "--zone", "Europe/Nowhere"], 2),
        (&["forecast", &good, "--horizon", "300"], 2),
        (&["forecast", &good, "--model", "oracle"], 2),
        (&["simulate", &minutes, "--throughput", "0/s"], 2),
        (&["models", "nobody"], 2),
        (&["completions", "klingon"], 2),
    ];
    for (arguments, code) in cases {
        let ran = run(arguments);
        assert_eq!(ran.code, *code, "{arguments:?}\n{}", ran.err);
    }
}

#[test]
fn are_in_the_help() {
    let help = run(&["--help"]).out;
    for line in [
        "Exit codes:",
        " 0  it did",
        " 1  it ran",
        " 2  the command",
        " 3  a server",
        " 4  a safety",
        "10  there are",
    ] {
        assert!(help.contains(line), "{line}: {help}");
    }
}
