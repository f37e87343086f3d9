//! What there is to say about a file: remarks that stopped nothing, and reasons why it cannot be read.

use std::fmt;

use super::clock::Unit;
use super::reader::{BYTES_MAX, LINE_BYTES_MAX, ROWS_MAX};

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct BadRow {
    /// The line, counted from 1.
    pub line: usize,
    /// The column of the first wrong character, counted from 1.
    pub column: usize,
    /// How many characters are wrong, at least one.
    pub width: usize,
    /// The line itself, shortened to what a screen holds.
    pub text: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, width, text, what, help } = self;
        let gutter = line.to_string().len();
        writeln!(f, "line {line}, column {column}: {what}")?;
        writeln!(f, "  {line} | {text}")?;
        writeln!(f, "  {:gutter$} | {:before$}{}", "", "", "^".repeat(*width), before = column - 1)?;
        write!(f, "  {:gutter$} = help: {help}", "")
    }
}

/// Something worth knowing about how a file was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Remark {
    /// Rows were left out; the first few of them, and how many in all.
    LeftOut {
        /// The first few.
        shown: Vec<BadRow>,
        /// How many in all.
        count: usize,
    },
    /// Times are numbers.
    Epoch(Unit),
    /// Times have no zone.
    NoZone {
        /// How many.
        count: usize,
        /// Where they were taken to be of.
        zone: String,
    },
    /// Times that the zone has twice or not at all.
    ClockChange {
        /// How many.
        count: usize,
        /// Whose clocks were changed.
        zone: String,
    },
    /// A comma was read as decimal sign.
    DecimalComma {
        /// How often.
        count: usize,
    },
    /// The first row is data.
    NoHeader {
        /// The time's column, counted from 1.
        time: usize,
        /// The value's column, likewise.
        value: usize,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut { shown, count } => left_out(f, shown, *count),
            Self::Epoch(unit) => write!(f, "times read as {unit} since 1970"),
            Self::NoZone { count, zone } => {
                write!(f, "{count} times without a zone read in {zone} (--zone says otherwise)")
            }
            Self::ClockChange { count, zone } => write!(
                f,
                "{count} times lie in an hour that {zone} has twice or not at all; the order of the rows decided"
            ),
            Self::DecimalComma { count } => write!(f, "{count} values read with a decimal comma"),
            Self::NoHeader { time, value } => {
                write!(f, "no header: column {time} read as the time, column {value} as the value")
            }
        }
    }
}

fn left_out(f: &mut fmt::Formatter<'_>, shown: &[BadRow], count: usize) -> fmt::Result {
    write!(
        f,
        "{count} unreadable row{} left out (--strict refuses them)",
        if count == 1 { "" } else { "s" }
    )?;
    for row in shown {
        write!(f, "\n{row}")?;
    }
    if count > shown.len() {
        write!(f, "\n  … and {} more", count - shown.len())?;
    }
    Ok(())
}

/// Why a file cannot be read as a history.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file system says no.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A folder.
    #[error("is a folder; name the files in it")]
    Folder,
    /// Not a byte in it, or nothing but blank lines and comments.
    #[error("is empty; expected CSV with a header such as timestamp,value and at least two rows")]
    Empty,
    /// Names of columns, and nothing below.
    #[error("has a header but no rows; a history needs at least two")]
    HeaderOnly,
    /// One single column.
    #[error("has one column only; expected a time and a value, separated by a comma, semicolon or tab")]
    OneColumn,
    /// Text in two bytes a character, or no text at all.
    #[error("is not UTF-8 text ({0}); save it as CSV in UTF-8, plain or gzip")]
    NotText(&'static str),
    /// More bytes than taken.
    #[error("has more than {BYTES_MAX} bytes of text; average it to minutes, or cut it to the last months")]
    TooLarge,
    /// More rows than taken.
    #[error("has more than {ROWS_MAX} rows; average it to minutes, or cut it to the last months")]
    TooManyRows,
    /// A line that is no row.
    #[error("line {0} is longer than {LINE_BYTES_MAX} bytes, which no row of a history is")]
    LongLine(usize),
    /// A column that is not there.
    #[error(
        "{} (columns: {has}); say which with {flag} NAME or {flag} NUMBER",
        .asked.as_ref().map_or_else(|| format!("the {} column cannot be told", role(.flag)), |a| format!("has no column {a:?}"))
    )]
    NoColumn {
        /// The option that chooses it.
        flag: &'static str,
        /// What was asked for.
        asked: Option<String>,
        /// The columns that are there.
        has: String,
    },
    /// One column asked for twice.
    #[error("column {name:?} cannot be both the time and the value; see --time-column and --value-column")]
    SameColumn {
        /// The column.
        name: String,
    },
    /// No row could be read.
    #[error("has no readable row: all {count} are unreadable; the first:\n{first}")]
    NothingReadable {
        /// How many rows there are.
        count: usize,
        /// The first of them.
        first: Box<BadRow>,
    },
    /// Rows that `--strict` refuses.
    #[error("--strict refuses {count} unreadable row{}\n{shown}", if *.count == 1 { "" } else { "s" })]
    Strict {
        /// How many there are.
        count: usize,
        /// The first few.
        shown: String,
    },
}

fn role(flag: &str) -> &str {
    flag.trim_start_matches("--").trim_end_matches("-column")
}
