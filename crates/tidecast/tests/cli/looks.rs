//! What goes where, in which characters and colours.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::common::{Folder, ended, run, tidecast, wave};

#[test]
fn colours_only_where_asked_for_without_a_terminal() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 21, 3_600));
    let arguments = ["forecast", file.as_str(), "--model", "last_week"];
    let escape = '\u{1b}';
    assert!(!ended(&mut tidecast(&arguments)).out.contains(escape));
    assert!(ended(tidecast(&arguments).env("CLICOLOR_FORCE", "1")).out.contains(escape));
    assert!(
        !ended(tidecast(&arguments).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")).out.contains(escape)
    );
    let flag = [&arguments[..], &["--no-color"]].concat();
    assert!(!ended(tidecast(&flag).env("CLICOLOR_FORCE", "1")).out.contains(escape));
}

#[test]
fn keeps_to_ascii_where_the_locale_knows_no_more() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 21, 3_600));
    for (name, value) in [("LANG", "en_US.CP1252"), ("TERM", "dumb"), ("LC_ALL", "C")] {
        for command in ["forecast", "backtest"] {
            let ran = ended(tidecast(&[command, &file, "--model", "last_week"]).env(name, value));
            assert!(
                ran.out.is_ascii() && ran.err.is_ascii(),
                "{name}={value} {command}: {}{}",
                ran.out,
                ran.err
            );
        }
        let ran = ended(tidecast(&["simulate", &file, "--policy", "hpa"]).env(name, value));
        assert!(ran.out.is_ascii() && ran.err.is_ascii(), "{name}={value}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn fits_into_eighty_columns() {
    let folder = Folder::new();
    let file = folder.file("w.csv", wave(24 * 21, 3_600));
    let commands: [&[&str]; 7] = [
        &["demo"],
        &["forecast", &file, "--model", "last_week"],
        &["backtest", &file, "--model", "last_week,recent_days_fitted"],
        &["simulate", &file],
        &["models"],
        &["--help"],
        &["backtest", "--help"],
    ];
    for arguments in commands {
        let out = run(arguments).out;
        let widest = out.lines().skip(1).max_by_key(|line| line.chars().count()).unwrap_or_default();
        let limit = if arguments.contains(&"--help") { 100 } else { 80 };
        assert!(widest.chars().count() <= limit, "{arguments:?}: {widest}");
    }
}

#[test]
fn says_nothing_beside_the_data_when_quiet() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 6, 3_600));
    let ran = run(&["simulate", &file, "--policy", "hpa", "-q"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn ends_quietly_when_nobody_reads_on() {
    let folder = Folder::new();
    let file = folder.file("wave.csv", wave(24 * 21, 3_600));
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("tidecast"))
        .args(["forecast", &file, "--model", "last_week", "--horizon", "28d", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

#[test]
fn prints_a_models_page_with_all_headings() {
    let page = run(&["models", "last_week"]).out;
    for heading in ["What it assumes", "When it shines", "When it fails", "Source", "Example"] {
        assert!(page.lines().any(|line| line == heading), "{heading}: {page}");
    }
}

#[test]
fn teaches_by_examples() {
    for command in ["demo", "forecast", "backtest", "simulate", "models", "bench", "completions"] {
        let help = run(&[command, "--help"]).out;
        assert!(
            help.contains("Examples:\n  tidecast ") || help.contains("Examples:\n  "),
            "{command}: {help}"
        );
    }
}
