use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;

use super::remark::Sieve;
use super::{Count, RemarkKind, Source, Taken};
use crate::trouble::Trouble;

/// A file with a time and a value in each line: `2026-03-01T00:00:00Z,41.5`.
///
/// Times are RFC 3339 or seconds since 1970; a first line without a readable time is taken for a heading. The file
/// is read anew each time, for it may grow.
#[derive(Debug, Clone)]
pub struct CsvFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes that are read at most.
    pub bytes_max: u64,
}

impl CsvFile {
    /// Larger files belong into a metrics server: 256 MiB hold ten years of minutes.
    pub const BYTES_MAX: u64 = 256 << 20;

    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), bytes_max: Self::BYTES_MAX }
    }

    fn broken(&self, why: impl ToString) -> Trouble {
        Trouble::Broken { who: self.name(), why: why.to_string() }
    }

    fn read(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let file = std::fs::File::open(&self.path).map_err(|error| self.broken(error))?;
        let size = file.metadata().map_err(|error| self.broken(error))?.len();
        if size > self.bytes_max {
            return Err(Trouble::TooMuch { who: self.name(), limit: self.bytes_max, unit: "bytes" });
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
        let (mut sieve, mut record, mut line) = (Sieve::new(since, until), csv::StringRecord::new(), 0);
        while reader.read_record(&mut record).map_err(|error| self.broken(error))? {
            line += 1;
            let (time, value) = (record.get(0).unwrap_or("").trim(), record.get(1).unwrap_or(""));
            match read_time(time.trim_start_matches('\u{feff}')) {
                Some(time) if time < since || time > until => {}
                Some(time) => sieve.text(time, value),
                None if line == 1 => {}
                None => sieve.remark(RemarkKind::NoTime, None, &format_args!("line {line}: {time:?}")),
            }
        }
        Ok(sieve.done())
    }
}

fn read_time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let seconds: f64 = text.parse().ok()?;
        let exact = seconds.is_finite() && seconds.abs() < 1e12;
        exact.then(|| Timestamp::from_millisecond((seconds * 1e3).round() as i64).ok()).flatten()
    })
}

#[async_trait]
impl Source for CsvFile {
    fn name(&self) -> String {
        format!("the file {}", self.path.display())
    }

    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let file = self.clone();
        let read = tokio::task::spawn_blocking(move || file.read(since, until)).await;
        read.unwrap_or_else(|_| Err(self.broken("reading it did not end well")))
    }

    async fn count(&self, _: Timestamp) -> Result<Option<Count>, Trouble> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken of a file from minute 0 to minute 10 of the epoch, and what is said.
    async fn check(text: &str, values: &[f64], remarks: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("load.csv");
        std::fs::write(&path, text).unwrap();
        let until = Timestamp::from_second(600).unwrap();
        let taken = CsvFile::new(path).samples(Timestamp::UNIX_EPOCH, until).await.unwrap();
        assert_eq!(taken.samples.0.iter().map(|s| s.value).collect::<Vec<_>>(), values);
        assert_eq!(taken.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(), remarks);
    }

    #[tokio::test] // S3.1
    async fn reads_times_and_values_with_or_without_a_heading() {
        check("time,value\n1970-01-01T00:01:00Z,1.5\n120, 2\n", &[1.5, 2.0], &[]).await;
        check("\u{feff}60,1\r\n90.5,2,extra\r\n", &[1.0, 2.0], &[]).await;
    }

    #[tokio::test]
    async fn names_what_it_leaves_out() {
        check(
            "t,v\n60,abc\n120,\n180,NaN\n240,-1\n300,-inf\n360,1e999\nsoon,5\n900,7\n400,8\n",
            &[8.0],
            &[
                "2 values are no number but \"abc\", left unknown, the first at 1970-01-01T00:01:00Z",
                "3 values are not finite: NaN, left unknown, the first at 1970-01-01T00:03:00Z",
                "1 value is negative: -1, left unknown, the first at 1970-01-01T00:04:00Z",
                "1 measurement without a readable time left out: line 8: \"soon\"",
            ],
        )
        .await;
    }

    #[tokio::test] // F1
    async fn takes_an_empty_file_for_unknown() {
        check("", &[], &["the source has no measurement at all here; unknown is not zero"]).await;
    }

    #[tokio::test]
    async fn says_what_is_wrong_with_the_file() {
        let now = Timestamp::UNIX_EPOCH;
        let missing = CsvFile::new("/nowhere/load.csv").samples(now, now).await.unwrap_err().to_string();
        assert!(missing.starts_with("the file /nowhere/load.csv failed: No such file"), "{missing}");
        let small = CsvFile { bytes_max: 10, ..CsvFile::new("Cargo.toml") };
        let large = small.samples(now, now).await.unwrap_err().to_string();
        assert_eq!(large, "the file Cargo.toml sent more than 10 bytes, which is the limit");
    }
}
