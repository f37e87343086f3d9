//! What a fault campaign has come to: a row for each figure, as they stand in docs/benchmarks/scalers.md.

use std::collections::BTreeMap;
use std::fmt;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    what: &'static str,
    over: Over,
}

/// What becomes of several figures of one row.
#[derive(Debug, Clone, Copy)]
enum Over {
    Sum,
    Most,
}

/// The table, in the order of its rows.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    rows: &'static [Row],
    known: BTreeMap<&'static str, i64>,
}

impl Row {
    /// A figure that adds up.
    pub(super) const fn sum(what: &'static str) -> Self {
        Self { what, over: Over::Sum }
    }

    /// A figure of which the largest is told.
    pub(super) const fn most(what: &'static str) -> Self {
        Self { what, over: Over::Most }
    }
}

impl Figures {
    pub(super) fn new(rows: &'static [Row]) -> Self {
        Self { rows, known: BTreeMap::new() }
    }

    /// Takes one more figure of a row in.
    pub(super) fn take(&mut self, row: Row, figure: impl TryInto<i64>) {
        let figure = figure.try_into().unwrap_or(i64::MAX);
        let known = self.known.entry(row.what).or_default();
        *known = match row.over {
            Over::Sum => *known + figure,
            Over::Most => figure.max(*known),
        };
    }

    pub(super) fn of(&self, row: Row) -> i64 {
        self.known.get(row.what).copied().unwrap_or(0)
    }

    /// All that another table says.
    pub(super) fn add(&mut self, other: &Self) {
        self.rows.iter().for_each(|row| self.take(*row, other.of(*row)));
    }

    /// Writes the table where `make chaos` wants it.
    pub(super) fn record(&self) {
        if let Ok(file) = std::env::var("TIDECAST_FIGURES") {
            std::fs::write(file, self.to_string()).unwrap();
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | |\n|---|---:|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} | {} |", row.what, self.of(*row)))
    }
}

/// How many calls a campaign is to hit, and with which seed it begins.
pub(super) fn asked() -> (i64, u64) {
    let told = |name: &str| std::env::var(name).ok();
    let faults = told("TIDECAST_CHAOS").and_then(|n| n.parse().ok()).unwrap_or(1_000);
    (faults, told("TIDECAST_SEED").and_then(|n| n.parse().ok()).unwrap_or(1))
}
