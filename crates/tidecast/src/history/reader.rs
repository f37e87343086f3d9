//! The reading itself: line by line, with a number for every limit.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use jiff::tz::TimeZone;
use tidecast_forecast::{Sample, Samples};

use super::clock::Clock;
use super::columns::Columns;
use super::line::{fields, separator, unquoted};
use super::number::{has_decimal_comma, number};
use super::{BadRow, History, Remark, Unreadable};

/// The most text taken from one file, after decompression: 1 GiB.
pub(super) const BYTES_MAX: u64 = 1 << 30;
/// The most rows taken from one file: ten years of minutes, twice.
pub(super) const ROWS_MAX: usize = 10_600_000;
/// The longest line taken.
pub(super) const LINE_BYTES_MAX: u64 = 64 << 10;
/// How many unreadable rows are shown; the others are counted.
const SHOWN_MAX: usize = 3;
/// How much of an unreadable line is shown.
const SHOWN_CHARS_MAX: usize = 72;

/// How to read a file.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The time's column, by name or by its place counted from 1.
    pub time_column: Option<String>,
    /// The value's column, likewise.
    pub value_column: Option<String>,
    /// Where times without a zone were written down.
    pub zone: TimeZone,
    /// Whether an unreadable row refuses the file.
    pub strict: bool,
}

/// The history in the file at `path`; `-` is standard input.
///
/// # Errors
/// [`Unreadable`] when it is no history, or when a row cannot be read and `strict` is on.
pub fn read(path: &Path, reading: &Reading) -> Result<History, Unreadable> {
    let name = path.display().to_string();
    let input: Box<dyn Read> = if name == "-" {
        Box::new(io::stdin().lock())
    } else if path.is_dir() {
        return Err(Unreadable::Folder);
    } else {
        Box::new(File::open(path)?)
    };
    let (samples, remarks) = read_from(unpacked(input)?, reading)?;
    Ok(History { name, samples, remarks })
}

/// The history in the bytes of a file, plain or gzip.
///
/// # Errors
/// [`Unreadable`] as for files.
///
/// ```
/// use tidecast::history::{Reading, parse};
/// let reading = Reading { time_column: None, value_column: None, zone: jiff::tz::TimeZone::UTC, strict: true };
/// let history = parse("two", b"timestamp,value\n2026-01-05T00:00Z,1\n2026-01-05T00:05Z,2\n", &reading).unwrap();
/// assert_eq!(history.samples.0.len(), 2);
/// ```
pub fn parse(name: &str, bytes: &[u8], reading: &Reading) -> Result<History, Unreadable> {
    let input = Box::new(io::Cursor::new(bytes.to_vec()));
    let (samples, remarks) = read_from(unpacked(input)?, reading)?;
    Ok(History { name: name.to_owned(), samples, remarks })
}

/// The text of a file that may be gzip, which its first two bytes tell.
fn unpacked(input: Box<dyn Read>) -> Result<Box<dyn BufRead>, Unreadable> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let packed = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let text: Box<dyn BufRead> =
        if packed { Box::new(BufReader::new(MultiGzDecoder::new(input))) } else { Box::new(input) };
    Ok(Box::new(text.take(BYTES_MAX + 1)))
}

fn read_from(mut input: Box<dyn BufRead>, reading: &Reading) -> Result<(Samples, Vec<Remark>), Unreadable> {
    refuse_foreign_text(input.fill_buf()?)?;
    let mut lines = Lines { input, number: 0, bytes: 0, buffer: Vec::new() };
    let Some(first) = lines.next_content()? else { return Err(Unreadable::Empty) };
    let separator = separator(&first).ok_or(Unreadable::OneColumn)?;
    let names = texts(&first, separator);
    let columns = Columns::find(&names, reading.time_column.as_deref(), reading.value_column.as_deref())?;
    let mut rows = Rows::new(columns, separator, reading.zone.clone());
    if !rows.columns.header {
        rows.take(&first, lines.number)?;
    }
    while let Some(line) = lines.next_content()? {
        rows.take(&line, lines.number)?;
    }
    rows.finish(reading)
}

fn refuse_foreign_text(start: &[u8]) -> Result<(), Unreadable> {
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(Unreadable::NotText("it looks like UTF-16"));
    }
    if start.iter().take(1024).any(|byte| *byte == 0) {
        return Err(Unreadable::NotText("it holds zero bytes"));
    }
    Ok(())
}

fn texts(line: &str, separator: u8) -> Vec<String> {
    let ranges = fields(line, separator).unwrap_or_default();
    ranges.into_iter().map(|range| unquoted(&line[range]).into_owned()).collect()
}

/// The lines of a file that say something: without blank ones, and without comments above the first row.
struct Lines {
    input: Box<dyn BufRead>,
    number: usize,
    bytes: u64,
    buffer: Vec<u8>,
}

impl Lines {
    fn next_content(&mut self) -> Result<Option<String>, Unreadable> {
        loop {
            self.buffer.clear();
            let read = (&mut self.input).take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut self.buffer)? as u64;
            self.number += 1;
            self.bytes += read;
            match read {
                0 => return Ok(None),
                _ if self.bytes > BYTES_MAX => return Err(Unreadable::TooLarge),
                n if n > LINE_BYTES_MAX => return Err(Unreadable::LongLine(self.number)),
                _ => {}
            }
            let text = String::from_utf8_lossy(&self.buffer);
            let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
            if !text.trim().is_empty() && !text.starts_with('#') {
                return Ok(Some(text.to_owned()));
            }
        }
    }
}

/// The rows read so far.
struct Rows {
    columns: Columns,
    separator: u8,
    clock: Clock,
    zone: TimeZone,
    samples: Vec<Sample>,
    bad: Vec<BadRow>,
    bad_count: usize,
    decimal_commas: usize,
}

impl Rows {
    fn new(columns: Columns, separator: u8, zone: TimeZone) -> Self {
        let clock = Clock::new(zone.clone());
        Self {
            columns,
            separator,
            clock,
            zone,
            samples: vec![],
            bad: vec![],
            bad_count: 0,
            decimal_commas: 0,
        }
    }

    fn take(&mut self, line: &str, number: usize) -> Result<(), Unreadable> {
        if self.samples.len() + self.bad_count >= ROWS_MAX {
            return Err(Unreadable::TooManyRows);
        }
        match self.sample(line, number) {
            Ok(sample) => self.samples.push(sample),
            Err(bad) => {
                self.bad_count += 1;
                if self.bad.len() < SHOWN_MAX {
                    self.bad.push(*bad);
                }
            }
        }
        Ok(())
    }

    fn sample(&mut self, line: &str, number: usize) -> Result<Sample, Box<BadRow>> {
        let fault = |range: Range<usize>, what: String, help: &str| fault(line, number, range, what, help);
        let ranges = fields(line, self.separator).map_err(|open| {
            fault(
                open.at..open.at + 1,
                "a quote is opened here and never closed".into(),
                "close it on this line",
            )
        })?;
        let (have, want) = (ranges.len(), self.columns.width);
        if have != want {
            let what =
                format!("{have} field{} where the first row has {want}", if have == 1 { "" } else { "s" });
            let help = "give each row a field for each column; quote a value that holds the separator";
            return Err(fault(0..line.len(), what, help));
        }
        let (time_at, value_at) = (ranges[self.columns.time].clone(), ranges[self.columns.value].clone());
        let time = self.clock.read(&unquoted(&line[time_at.clone()]));
        let time = time.map_err(|no| fault(time_at, no.what, &no.help))?;
        let text = unquoted(&line[value_at.clone()]);
        let value = number_or_comma(&text, self.separator, &mut self.decimal_commas);
        let value = value.map_err(|help| fault(value_at, format!("{text:?} is not a number"), help))?;
        Ok(Sample { time, value })
    }

    fn finish(self, reading: &Reading) -> Result<(Samples, Vec<Remark>), Unreadable> {
        let total = self.samples.len() + self.bad_count;
        if total == 0 {
            return Err(Unreadable::HeaderOnly);
        }
        if reading.strict && self.bad_count > 0 {
            let shown: Vec<String> = self.bad.iter().map(BadRow::to_string).collect();
            return Err(Unreadable::Strict { count: self.bad_count, shown: shown.join("\n") });
        }
        if self.samples.is_empty() {
            let first = Box::new(self.bad[0].clone());
            return Err(Unreadable::NothingReadable { count: total, first });
        }
        let remarks = self.remarks();
        Ok((Samples(self.samples), remarks))
    }

    fn remarks(&self) -> Vec<Remark> {
        let zone = self.zone.iana_name().unwrap_or("UTC").to_owned();
        let Clock { civil, doubtful, .. } = self.clock;
        let (time, value) = (self.columns.time + 1, self.columns.value + 1);
        [
            (!self.columns.header).then_some(Remark::NoHeader { time, value }),
            self.clock.unit().map(Remark::Epoch),
            (civil > 0).then(|| Remark::NoZone { count: civil, zone: zone.clone() }),
            (doubtful > 0).then_some(Remark::ClockChange { count: doubtful, zone }),
            (self.decimal_commas > 0).then_some(Remark::DecimalComma { count: self.decimal_commas }),
            (self.bad_count > 0).then(|| Remark::LeftOut { shown: self.bad.clone(), count: self.bad_count }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn number_or_comma(text: &str, separator: u8, commas: &mut usize) -> Result<f64, &'static str> {
    let value = number(text, separator != b',')?;
    *commas += usize::from(has_decimal_comma(text));
    Ok(value)
}

/// A bad row with the wrong characters marked; the line is cut to what a screen holds.
fn fault(line: &str, number: usize, range: Range<usize>, what: String, help: &str) -> Box<BadRow> {
    let column = line[..range.start].chars().count() + 1;
    let width = line[range].chars().count();
    let text: String = line.chars().map(|c| if c == '\t' { ' ' } else { c }).take(SHOWN_CHARS_MAX).collect();
    let shown = text.chars().count();
    let width = width.min(shown.saturating_sub(column - 1)).max(1);
    Box::new(BadRow { line: number, column, width, text, what, help: help.to_owned() })
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
