//! Recorded traces, where they can be had: in the folder `TIDECAST_TRACES` names, or beside the repository.

use std::io::Read;
use std::path::{Path, PathBuf};

use tidecast_world::Trace;

/// The folder of minute traces; none with a message if it is not there.
pub(crate) fn minutes() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("TIDECAST_TRACES").map_or_else(beside, PathBuf::from).join("minute");
    if !folder.is_dir() {
        eprintln!(
            "skipped: no recorded traces in {}; name their folder with TIDECAST_TRACES",
            folder.display()
        );
        return None;
    }
    Some(folder)
}

/// Reads `timestamp,value` minutes.
pub(crate) fn trace(folder: &Path, name: &str) -> Trace {
    let file = std::fs::File::open(folder.join(format!("{name}.csv.gz"))).expect("the trace is there");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("the trace is gzipped text");
    let mut rows = text.lines().skip(1).map(|row| row.split_once(',').expect("two columns"));
    let (first, value) = rows.next().expect("a trace has rows");
    let start = first.replace('Z', ":00Z").parse().expect("a timestamp");
    let number = |v: &str| v.parse().expect("a number");
    let demand = std::iter::once(number(value)).chain(rows.map(|(_, v)| number(v))).collect();
    Trace::new(name, start, demand)
}
