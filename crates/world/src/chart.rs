use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::Timeline;

/// A timeline as text: demand in servers, the capacity above it, and where it was short.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Characters across, without the axis.
    pub columns: usize,
    /// Lines high.
    pub rows: usize,
    /// Whose clock the time axis shows.
    pub zone: TimeZone,
}

impl Default for Chart {
    fn default() -> Self {
        Self { columns: 96, rows: 12, zone: TimeZone::UTC }
    }
}

/// What a column sums up: the most demand, the least ready, the most billed of its minutes.
struct Column {
    need: u32,
    ready: u32,
    total: u32,
    short: bool,
}

impl Chart {
    /// Draws it. The same timeline gives the same text.
    pub fn draw(&self, timeline: &Timeline) -> String {
        let columns = self.columns(timeline);
        let top = columns.iter().map(|c| c.need.max(c.total)).max().unwrap_or(0).max(1);
        let height = f64::from(top) / self.rows as f64;
        let mut out = String::from("servers: ▒ needed · ━ ready · ╌ billed · ! missing\n");
        for row in (0..self.rows).rev() {
            let line: String = columns.iter().map(|c| c.cell(row, height)).collect();
            let label = if row % 3 == 2 || row == 0 {
                format!("{:.0}", (row + 1) as f64 * height)
            } else {
                String::new()
            };
            writeln!(out, "{label:>6} ┤{}", line.trim_end()).expect("a string takes all text");
        }
        writeln!(out, "{:>6} └{}", "", "─".repeat(columns.len())).expect("a string takes all text");
        out + &self.axis(timeline, columns.len())
    }

    fn columns(&self, timeline: &Timeline) -> Vec<Column> {
        let (n, need) = (timeline.minutes(), timeline.need());
        let count = self.columns.min(n).max(1);
        let column = |k: usize| {
            let minutes = k * n / count..(k + 1) * n / count;
            Column {
                need: need[minutes.clone()].iter().copied().max().unwrap_or(0),
                ready: timeline.ready[minutes.clone()].iter().copied().min().unwrap_or(0),
                total: timeline.total[minutes.clone()].iter().copied().max().unwrap_or(0),
                short: minutes.clone().any(|t| timeline.ready[t] < need[t]),
            }
        };
        (0..count).map(column).collect()
    }

    fn axis(&self, timeline: &Timeline, columns: usize) -> String {
        let mut line = String::new();
        for k in (0..columns).step_by(24) {
            let second = timeline.start.as_second() + 60 * (k * timeline.minutes() / columns) as i64;
            let time =
                jiff::Timestamp::from_second(second).unwrap_or(timeline.start).to_zoned(self.zone.clone());
            write!(line, "{:<24}", time.strftime("%a %d %b %H:%M")).expect("a string takes all text");
        }
        format!("{:>8}{}\n", "", line.trim_end())
    }
}

impl Column {
    fn cell(&self, row: usize, height: f64) -> char {
        let (low, high) = (row as f64 * height, (row + 1) as f64 * height);
        let within = |n: u32| f64::from(n) > low && f64::from(n) <= high;
        match () {
            () if within(self.ready) => '━',
            () if self.short && f64::from(self.need) > low && f64::from(self.ready) <= low => '!',
            () if within(self.total) => '╌',
            () if f64::from(self.need) > low => '▒',
            () => ' ',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_servers_were_missing() {
        let timeline = Timeline {
            start: jiff::Timestamp::UNIX_EPOCH,
            start_min: 1,
            throughput: 1.0,
            demand: vec![1.0, 1.0, 4.0, 4.0],
            ready: vec![2, 2, 2, 4],
            total: vec![2, 2, 4, 4],
        };
        let drawn = Chart { columns: 4, rows: 4, zone: TimeZone::UTC }.draw(&timeline);
        let lines: Vec<_> = drawn.lines().skip(1).collect();
        assert_eq!(
            lines[..5],
            ["       ┤  !━", "     3 ┤  !▒", "       ┤━━━▒", "     1 ┤▒▒▒▒", "       └────"]
        );
        assert_eq!(lines[5], "        Thu 01 Jan 00:00");
    }
}
