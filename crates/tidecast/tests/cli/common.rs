//! Histories made for the tests, and the command under test.
#![allow(clippy::unwrap_used, reason = "this is test code, though not inside a test function")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// The command, in an environment that says nothing.
pub(crate) fn tidecast(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("tidecast").unwrap();
    for name in [
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "CLICOLOR",
        "TERM",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "COLUMNS",
        "TIDECAST_ZONE",
    ] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// What a command printed, and how it ended.
pub(crate) struct Ran {
    pub out: String,
    pub err: String,
    pub code: i32,
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    ended(&mut tidecast(arguments))
}

pub(crate) fn ended(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// A folder with histories in it, gone at the end of the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives its path as an argument.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A wave of a day and a lower weekend, `points` of them from a Monday on, `step_s` apart, as CSV.
pub(crate) fn wave(points: usize, step_s: i64) -> String {
    csv(points, step_s, |i| {
        let hours = (i as f64) * step_s as f64 / 3_600.0;
        let day = 1.0 - 0.7 * (hours / 24.0 * std::f64::consts::TAU).cos();
        let weekend = if (hours / 24.0) as usize % 7 >= 5 { 0.6 } else { 1.0 };
        let jitter = 1.0 + 0.03 * (((i * 7_919) % 101) as f64 / 50.0 - 1.0);
        Some(100.0 * day * weekend * jitter)
    })
}

/// A history as CSV; a point without a value has no row.
pub(crate) fn csv(points: usize, step_s: i64, value: impl Fn(usize) -> Option<f64>) -> String {
    let start = jiff::civil::date(2026, 1, 5).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    let mut text = String::from("timestamp,value\n");
    for i in 0..points {
        if let Some(value) = value(i) {
            let time = jiff::Timestamp::from_second(start.as_second() + step_s * i as i64).unwrap();
            writeln!(text, "{time},{value:.4}").unwrap();
        }
    }
    text
}

/// The independent scorer and a python that can run it; none, with a message, where one of the two is absent.
pub(crate) fn scorer() -> Option<(String, PathBuf)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tools/score.py");
    let script = std::env::var_os("TIDECAST_SCORER").map_or(beside, PathBuf::from);
    let python = std::env::var("TIDECAST_PYTHON").unwrap_or_else(|_| "python3".into());
    let able = std::process::Command::new(&python).args(["-c", "import numpy, pandas"]).output();
    if script.exists() && able.is_ok_and(|out| out.status.success()) {
        return Some((python, script));
    }
    eprintln!("skipped: needs {} and a python with numpy and pandas (TIDECAST_PYTHON)", script.display());
    None
}

/// What the scorer says.
pub(crate) fn scored(arguments: &[&str]) -> Option<serde_json::Value> {
    let (python, script) = scorer()?;
    let output =
        std::process::Command::new(python).arg(script).args(arguments).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_str(&text).unwrap())
}

/// Equal to four digits.
#[track_caller]
pub(crate) fn assert_agrees(name: &str, mine: &serde_json::Value, theirs: &serde_json::Value, scale: f64) {
    let (mine, theirs) = (mine.as_f64().unwrap(), theirs.as_f64().unwrap() * scale);
    assert!((mine - theirs).abs() <= 5e-5 * theirs.abs().max(0.01), "{name}: {mine} here, {theirs} there");
}
