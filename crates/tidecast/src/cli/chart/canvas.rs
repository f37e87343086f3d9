//! Cells of a chart. A cell has two by four dots of braille; in ASCII it is one mark.

use super::Ink;
use crate::cli::terminal::Terminal;

/// The bits of a braille character, by column and row of its dots.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// A grid of cells, the first row at the top.
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    dots: u8,
    line: Option<Ink>,
    area: Option<Ink>,
}

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, cells: vec![Cell::default(); columns * rows] }
    }

    /// A line between two places, each from 0 (left, bottom) to 1 (right, top).
    pub(super) fn line(&mut self, ink: Ink, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) {
        let (wide, high) = ((2 * self.columns) as f64, (4 * self.rows) as f64);
        let steps = ((x1 - x0).abs() * wide).max((y1 - y0).abs() * high).ceil().max(1.0) as usize;
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            self.dot(ink, x0 + share * (x1 - x0), y0 + share * (y1 - y0));
        }
    }

    /// The area between two spans of height, each at a place from left to right.
    pub(super) fn area(&mut self, ink: Ink, left: (f64, f64, f64), right: (f64, f64, f64)) {
        let (first, last) = (self.column(left.0), self.column(right.0));
        for column in first..=last {
            let share = if last == first { 0.0 } else { (column - first) as f64 / (last - first) as f64 };
            let low = left.1 + share * (right.1 - left.1);
            let high = left.2 + share * (right.2 - left.2);
            for row in self.row_at(high)..=self.row_at(low) {
                self.cells[row * self.columns + column].area = Some(ink);
            }
        }
    }

    fn dot(&mut self, ink: Ink, x: f64, y: f64) {
        let at = |share: f64, of: usize| ((share * of as f64) as usize).min(of - 1);
        let (dot_x, dot_y) = (at(x, 2 * self.columns), 4 * self.rows - 1 - at(y, 4 * self.rows));
        let cell = &mut self.cells[dot_y / 4 * self.columns + dot_x / 2];
        cell.dots |= DOTS[dot_x % 2][dot_y % 4];
        cell.line = cell.line.max(Some(ink));
    }

    fn column(&self, x: f64) -> usize {
        ((x * self.columns as f64) as usize).min(self.columns - 1)
    }

    fn row_at(&self, y: f64) -> usize {
        self.rows - 1 - ((y * self.rows as f64) as usize).min(self.rows - 1)
    }

    /// One row as text.
    pub(super) fn row(&self, row: usize, terminal: &Terminal) -> String {
        let cells = &self.cells[row * self.columns..(row + 1) * self.columns];
        let mut out = String::new();
        for run in cells.chunk_by(|a, b| a.ink() == b.ink()) {
            let text: String = run.iter().map(|cell| cell.character(terminal.unicode)).collect();
            match run[0].ink() {
                Some(ink) => out += &ink.paint().on(terminal.colour, &text),
                None => out += &text,
            }
        }
        out
    }
}

impl Cell {
    fn ink(&self) -> Option<Ink> {
        self.line.or(self.area)
    }

    fn character(&self, unicode: bool) -> char {
        match (self.line, self.area) {
            (Some(_), _) if unicode => char::from_u32(0x2800 + u32::from(self.dots)).unwrap_or('?'),
            (Some(ink), _) => ink.letter(),
            (None, Some(_)) if unicode => '░',
            (None, Some(ink)) => ink.letter(),
            (None, None) => ' ',
        }
    }
}
