//! Histories from files: CSV in, samples out, and every row that was left out is named with line and column.
//!
//! Nothing is repaired here: what is late, doubled or negative passes through to
//! [`tidecast_forecast::Samples::gather`], which names it. Only what cannot be read at all is left out here.

mod clock;
mod columns;
mod line;
mod number;
mod reader;
mod remark;

pub use clock::Unit;
pub use reader::{Reading, parse, read};
pub use remark::{BadRow, Remark, Unreadable};

use tidecast_forecast::Samples;

/// What one file holds.
#[derive(Debug)]
pub struct History {
    /// The file as it was named, or `-`.
    pub name: String,
    /// Every row that could be read, in the file's order.
    pub samples: Samples,
    /// What a person should know about how the file was read.
    pub remarks: Vec<Remark>,
}
