//! Charts of text: demand and capacity over civil time, in braille, or in ASCII where that cannot be shown.

mod axis;
mod canvas;

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tidecast_forecast::{Forecast, Series};

use super::figures::brief;
use super::terminal::{Paint, Terminal};
pub(crate) use axis::{nice_top, ticks};
use canvas::Canvas;

/// What is drawn over each other, the first at the bottom.
pub(crate) struct Chart {
    from: Timestamp,
    until: Timestamp,
    zone: TimeZone,
    rows: usize,
    layers: Vec<Layer>,
}

/// One thing drawn.
struct Layer {
    ink: Ink,
    name: String,
    shape: Shape,
    points: Vec<Point>,
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// From point to point.
    Line,
    /// Level until the next point.
    Steps,
    /// All between low and high.
    Area,
}

/// A span of values at a time; NaN where there is none.
#[derive(Clone, Copy)]
struct Point {
    at: f64,
    low: f64,
    high: f64,
}

/// What a layer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ink {
    /// The band of a forecast.
    Band,
    /// What was measured.
    Measured,
    /// What is expected.
    Expected,
    /// Capacity.
    Capacity,
}

impl Ink {
    fn paint(self) -> Paint {
        match self {
            Self::Band => Paint::Blue,
            Self::Measured => Paint::Cyan,
            Self::Expected => Paint::Yellow,
            Self::Capacity => Paint::Green,
        }
    }

    /// The mark in a chart of ASCII.
    fn letter(self) -> char {
        match self {
            Self::Band => ':',
            Self::Measured => '*',
            Self::Expected => 'o',
            Self::Capacity => '#',
        }
    }

    /// The mark in a legend.
    fn mark(self, unicode: bool) -> char {
        match self {
            _ if !unicode => self.letter(),
            Self::Band => '░',
            _ => '⣿',
        }
    }
}

impl Chart {
    /// An empty chart of a span of time, so many rows high.
    pub(crate) fn new(from: Timestamp, until: Timestamp, zone: &TimeZone, rows: usize) -> Self {
        Self { from, until, zone: zone.clone(), rows, layers: Vec::new() }
    }

    /// Adds a measured series as a line; gaps stay open.
    pub(crate) fn line(mut self, ink: Ink, name: impl Into<String>, series: &Series) -> Self {
        let points = points(series.grid().times(), series.values().iter().map(|v| (*v, *v)));
        self.layers.push(Layer { ink, name: name.into(), shape: Shape::Line, points });
        self
    }

    /// Adds values that hold until the next one.
    pub(crate) fn steps(mut self, ink: Ink, name: impl Into<String>, series: &Series) -> Self {
        let points = points(series.grid().times(), series.values().iter().map(|v| (*v, *v)));
        self.layers.push(Layer { ink, name: name.into(), shape: Shape::Steps, points });
        self
    }

    /// Adds a forecast: its median over the band between two of its levels.
    pub(crate) fn forecast(mut self, forecast: &Forecast, (low, high): (f64, f64)) -> Self {
        let times = || forecast.grid().times().collect::<Vec<_>>();
        let band = points(times().into_iter(), forecast.fans().iter().map(|fan| (fan.at(low), fan.at(high))));
        let median =
            points(times().into_iter(), forecast.fans().iter().map(|fan| (fan.median(), fan.median())));
        let name = format!("{:.0} % band", 100.0 * (high - low));
        self.layers.push(Layer { ink: Ink::Band, name, shape: Shape::Area, points: band });
        self.layers.push(Layer {
            ink: Ink::Expected,
            name: "median".into(),
            shape: Shape::Line,
            points: median,
        });
        self
    }

    /// The chart as lines of text.
    pub(crate) fn draw(&self, terminal: &Terminal) -> String {
        let top = axis::nice_top(self.most());
        let labels: Vec<String> = (0..=4).map(|i| brief(top * f64::from(i) / 4.0)).collect();
        let gutter = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(4);
        let columns = terminal.width.saturating_sub(gutter + 2).max(10);
        let mut canvas = Canvas::new(columns, self.rows);
        for layer in &self.layers {
            self.ink(layer, &mut canvas, top);
        }
        let mut out = String::new();
        for row in 0..self.rows {
            let label = axis::label_of_row(row, self.rows, &labels);
            let edge = if terminal.unicode { if label.is_empty() { '│' } else { '┤' } } else { '|' };
            let line = canvas.row(row, terminal);
            let _ = writeln!(out, "{label:>gutter$} {edge}{}", line.trim_end());
        }
        out += &axis::time_axis(self.from, self.until, &self.zone, columns, gutter, terminal);
        out += &self.legend(gutter, terminal);
        out
    }

    fn most(&self) -> f64 {
        let points = self.layers.iter().flat_map(|layer| &layer.points);
        points.filter(|p| p.high.is_finite()).map(|p| p.high).fold(0.0, f64::max)
    }

    fn ink(&self, layer: &Layer, canvas: &mut Canvas, top: f64) {
        let (from, until) = (seconds(self.from), seconds(self.until));
        let x = |at: f64| (at - from) / (until - from);
        let inside: Vec<Point> =
            layer.points.iter().copied().filter(|p| p.at >= from && p.at < until).collect();
        for (i, point) in inside.iter().enumerate() {
            let next = inside.get(i + 1).copied().filter(|next| next.low.is_finite());
            if !point.low.is_finite() {
                continue;
            }
            let to = next.unwrap_or(*point);
            let (x0, x1) = (x(point.at), x(to.at));
            match layer.shape {
                Shape::Line => canvas.line(layer.ink, (x0, point.low / top), (x1, to.low / top)),
                Shape::Steps => {
                    canvas.line(layer.ink, (x0, point.low / top), (x1, point.low / top));
                    canvas.line(layer.ink, (x1, point.low / top), (x1, to.low / top));
                }
                Shape::Area => {
                    canvas.area(
                        layer.ink,
                        (x0, point.low / top, point.high / top),
                        (x1, to.low / top, to.high / top),
                    );
                }
            }
        }
    }

    fn legend(&self, gutter: usize, terminal: &Terminal) -> String {
        let entry = |layer: &Layer| {
            let mark = layer.ink.mark(terminal.unicode).to_string();
            format!("{} {}", layer.ink.paint().on(terminal.colour, &mark), terminal.plain(&layer.name))
        };
        let mut layers: Vec<&Layer> = self.layers.iter().collect();
        layers.sort_by_key(|layer| std::cmp::Reverse(layer.ink == Ink::Measured));
        let entries: Vec<String> = layers.into_iter().map(entry).collect();
        format!("{:gutter$}  {}\n", "", entries.join("   "))
    }
}

fn points(times: impl Iterator<Item = Timestamp>, values: impl Iterator<Item = (f64, f64)>) -> Vec<Point> {
    times.zip(values).map(|(at, (low, high))| Point { at: seconds(at), low, high }).collect()
}

fn seconds(time: Timestamp) -> f64 {
    time.as_second() as f64
}

#[cfg(test)]
mod tests;
