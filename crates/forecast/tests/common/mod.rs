//! Real traces for the tests, where there are any, and the official scorer, where it can be run.
#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "this is test code, though not inside a test function")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use tidecast_forecast::{Gathered, Sample, Samples, Series};

/// The folder of real traces: `TIDECAST_TRACES`, else beside the repository.
fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("TIDECAST_TRACES").map_or(beside, PathBuf::from)
}

/// All real traces in order; none, with a message, where the folder is absent.
pub(crate) fn traces() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        eprintln!("skipped: no traces in {}; set TIDECAST_TRACES", folder().display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| name(file).ends_with(".csv") || name(file).ends_with(".csv.gz"));
    files.sort();
    files
}

/// One trace whose name begins so.
pub(crate) fn trace(prefix: &str) -> Option<Series> {
    let file = traces().into_iter().find(|file| name(file).starts_with(prefix))?;
    Some(gathered(&file).series)
}

pub(crate) fn name(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A trace on the protocol's grid.
pub(crate) fn gathered(file: &Path) -> Gathered {
    samples(file).gather(300).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

pub(crate) fn samples(file: &Path) -> Samples {
    let mut text = String::new();
    let mut raw = File::open(file).unwrap();
    let read = match name(file).ends_with(".gz") {
        true => GzDecoder::new(raw).read_to_string(&mut text),
        false => raw.read_to_string(&mut text),
    };
    read.unwrap();
    Samples(text.lines().skip(1).map(sample).collect())
}

fn sample(line: &str) -> Sample {
    let (time, value) = line.split_once(',').unwrap();
    Sample { time: time.parse().unwrap(), value: value.parse().unwrap_or(f64::NAN) }
}

/// The official scorer and a Python (`TIDECAST_PYTHON`, else `python3`) that has what it needs; none, with a
/// message, where one of the two is absent.
pub(crate) fn scorer() -> Option<(String, PathBuf)> {
    let script = folder().join("../tools/score.py");
    let python = std::env::var("TIDECAST_PYTHON").unwrap_or_else(|_| "python3".into());
    let able = Command::new(&python).args(["-c", "import numpy, pandas"]).output();
    if script.exists() && able.is_ok_and(|out| out.status.success()) {
        return Some((python, script));
    }
    eprintln!("skipped: needs {} and a python with numpy and pandas; set TIDECAST_PYTHON", script.display());
    None
}
