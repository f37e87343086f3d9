//! Tables: for people in columns, for programs as CSV.

use std::io::Write;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::terminal::{Paint, Terminal};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON object a line, with a version.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// Rows of text under named columns. The first column is a name, the others are figures.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// How many of the first columns are words and stand left.
    words: usize,
}

impl Sheet {
    /// No row yet. The first `words` columns are words, the others figures.
    pub(crate) fn new(words: usize, columns: impl Into<Vec<&'static str>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new(), words }
    }

    /// One row more.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        assert_eq!(row.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(row);
    }

    /// The columns' names.
    pub(crate) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// The rows' cells.
    pub(crate) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// The sheet for people, within the terminal's width.
    pub(crate) fn print(&self, terminal: &Terminal, out: &mut dyn Write) -> std::io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.force_no_tty().set_width(terminal.width as u16);
        table.set_header(self.columns.clone());
        self.rows.iter().for_each(|row| {
            table.add_row(row.iter().map(|cell| terminal.plain(cell)).collect::<Vec<_>>());
        });
        let gap = self.gap(terminal.width);
        for (i, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, gap));
            if i >= self.words {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for (i, line) in table.lines().enumerate() {
            let line = line.trim_end();
            let line = if i == 0 { Paint::Bold.on(terminal.colour, line) } else { line.to_owned() };
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// Blanks between columns: two where they fit.
    fn gap(&self, width: usize) -> u16 {
        let cells = |i: usize| self.rows.iter().map(move |row| row[i].chars().count());
        let widest = |i: usize| cells(i).chain([self.columns[i].len()]).max().unwrap_or(0);
        let content: usize = (0..self.columns.len()).map(widest).sum();
        if content + 2 * self.columns.len() <= width { 2 } else { 1 }
    }

    /// The sheet for programs.
    pub(crate) fn print_csv(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{}", self.columns.join(","))?;
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            writeln!(out, "{}", cells.join(","))?;
        }
        Ok(())
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_would_break_a_row() {
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!(quoted("ab"), "ab");
    }
}
