//! The report as one HTML file: tables and plots, nothing to fetch, readable without scripts.

use std::fmt::Write;
use std::io;

use jiff::tz::TimeZone;
use tidecast_world::{Run, Timeline};

use super::Played;
use super::print::{circumstances, table};
use crate::cli::chart::{nice_top, ticks};
use crate::cli::figures::{brief, percent};

// Width and height of a plot, and the room for its axes.
const WIDE: f64 = 960.0;
const HIGH: f64 = 220.0;
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 24.0;
/// Points of a line in a plot: what a screen can show.
const BUCKETS: usize = 640;

/// Writes the report.
pub(super) fn report(played: &[Played], zone: &TimeZone, out: &mut dyn io::Write) -> io::Result<()> {
    let mut body = String::new();
    for one in played {
        section(one, zone, &mut body);
    }
    write!(out, "{HEAD}{body}{FOOT}")
}

fn section(played: &Played, zone: &TimeZone, body: &mut String) {
    let file = escaped(&played.setting.file.display().to_string());
    let _ = write!(
        body,
        "<section>\n<h2>{file}</h2>\n<p>{}</p>\n",
        escaped(&circumstances(played.setting, zone))
    );
    rows(played, body);
    match played.levels {
        Some(levels) => frontier(&played.runs, levels, body),
        None => played.runs.iter().for_each(|run| figure(run, zone, body)),
    }
    body.push_str("</section>\n");
}

fn rows(played: &Played, body: &mut String) {
    let sheet = table(played);
    body.push_str("<table><thead><tr>");
    sheet.columns().iter().for_each(|name| _ = write!(body, "<th scope=col>{}</th>", escaped(name)));
    body.push_str("</tr></thead><tbody>\n");
    for row in sheet.rows() {
        body.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let (open, close) = if i == 0 { ("<th scope=row>", "</th>") } else { ("<td>", "</td>") };
            let _ = write!(body, "{open}{}{close}", escaped(cell));
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table>\n");
}

/// Demand under capacity, with the minutes marked in which demand was above it.
fn figure(run: &Run, zone: &TimeZone, body: &mut String) {
    let timeline = &run.timeline;
    let capacity: Vec<f64> =
        timeline.ready.iter().map(|ready| f64::from(*ready) * timeline.throughput).collect();
    let most = capacity.iter().chain(&timeline.demand).copied().fold(0.0, f64::max);
    let top = nice_top(most);
    let short = percent(Some(run.scorecard.violated_requests), 3);
    let said = format!("{}: {}. Unserved: {short}.", run.policy.name(), run.policy.says());
    let said = escaped(&said);
    let _ = write!(
        body,
        "<figure><figcaption>{said}</figcaption>\n<svg viewBox=\"0 0 {WIDE} {HIGH}\" role=img aria-label=\"{said}\">\n"
    );
    grid(timeline, top, zone, body);
    shortages(&timeline.demand, &capacity, body);
    let _ = writeln!(body, "<path class=capacity d=\"{}\"/>", path(&capacity, top));
    let _ = writeln!(body, "<path class=demand d=\"{}\"/>", path(&timeline.demand, top));
    body.push_str("</svg></figure>\n");
}

fn grid(timeline: &Timeline, top: f64, zone: &TimeZone, body: &mut String) {
    for quarter in 0..=4 {
        let value = top * f64::from(quarter) / 4.0;
        let y = y(value, top);
        let _ = write!(body, "<path class=grid d=\"M{LEFT} {y:.1}H{WIDE}\"/>");
        let _ = writeln!(
            body,
            "<text x={:.0} y={:.1} text-anchor=end>{}</text>",
            LEFT - 6.0,
            y + 4.0,
            brief(value)
        );
    }
    let columns = 110;
    let until = jiff::Timestamp::from_second(timeline.start.as_second() + 60 * timeline.minutes() as i64);
    for (column, label) in ticks(timeline.start, until.unwrap_or(timeline.start), zone, columns) {
        let x = LEFT + (WIDE - LEFT) * column as f64 / columns as f64;
        let _ = write!(body, "<path class=grid d=\"M{x:.1} 0V{:.1}\"/>", HIGH - BOTTOM);
        let _ = writeln!(body, "<text x={:.1} y={:.0}>{label}</text>", x + 2.0, HIGH - 8.0);
    }
}

/// Cost against the share unserved, a point a service level; the share on a scale of powers of ten.
fn frontier(runs: &[Run], levels: &[f64], body: &mut String) {
    let costs = || runs.iter().map(|run| run.scorecard.cost);
    let (least, most) = (costs().fold(f64::MAX, f64::min), costs().fold(f64::MIN, f64::max));
    let place = |run: &Run| {
        let power = run.scorecard.violated_requests.max(1e-5).log10().clamp(-5.0, 0.0);
        let along = (run.scorecard.cost - least) / (most - least).max(1e-9);
        (LEFT + 20.0 + (WIDE - LEFT - 120.0) * along, 10.0 + (HIGH - BOTTOM - 20.0) * -power / 5.0)
    };
    let said = "Cost beside the least possible (across), and the share of requests unserved (down), by service level.";
    let _ = write!(
        body,
        "<figure><figcaption>{said}</figcaption>\n<svg viewBox=\"0 0 {WIDE} {HIGH}\" role=img aria-label=\"{said}\">\n"
    );
    for (power, label) in ["100 %", "10 %", "1 %", "0.1 %", "0.01 %", "0.001 %"].into_iter().enumerate() {
        let y = 10.0 + (HIGH - BOTTOM - 20.0) * power as f64 / 5.0;
        let _ = write!(body, "<path class=grid d=\"M{LEFT} {y:.1}H{WIDE}\"/>");
        let _ = writeln!(body, "<text x={:.0} y={:.1} text-anchor=end>{label}</text>", LEFT - 6.0, y + 4.0);
    }
    let points: Vec<String> = runs.iter().map(place).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let _ = writeln!(body, "<path class=capacity d=\"M{}\"/>", points.join("L"));
    for (run, level) in runs.iter().zip(levels) {
        let (x, y) = place(run);
        let _ = write!(body, "<circle class=short cx={x:.1} cy={y:.1} r=3 />");
        let _ = writeln!(body, "<text x={:.1} y={:.1}>{level}</text>", x + 6.0, y - 4.0);
        let _ = writeln!(body, "<text x={x:.1} y={:.0}>{:.3}</text>", HIGH - 8.0, run.scorecard.cost);
    }
    body.push_str("</svg></figure>\n");
}

/// A mark along the bottom wherever demand was above capacity.
fn shortages(demand: &[f64], capacity: &[f64], body: &mut String) {
    let short: Vec<bool> = demand.iter().zip(capacity).map(|(demand, capacity)| demand > capacity).collect();
    for (bucket, part) in short.chunks(size(short.len())).enumerate() {
        if part.contains(&true) {
            let (x, y) = (x(bucket * size(short.len()), short.len()), HIGH - BOTTOM - 5.0);
            let _ = writeln!(body, "<rect class=short x={x:.1} y={y:.1} width=2 height=5 />");
        }
    }
}

/// A line through the most and the least of each bucket: a spike of one minute stays visible.
fn path(values: &[f64], top: f64) -> String {
    let mut path = String::new();
    for (bucket, part) in values.chunks(size(values.len())).enumerate() {
        let most = part.iter().copied().fold(f64::MIN, f64::max);
        let least = part.iter().copied().fold(f64::MAX, f64::min);
        let x = x(bucket * size(values.len()), values.len());
        let verb = if bucket == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{verb}{x:.1} {:.1}", y(most, top));
        if least < most {
            let _ = write!(path, "V{:.1}", y(least, top));
        }
    }
    path
}

fn size(len: usize) -> usize {
    len.div_ceil(BUCKETS).max(1)
}

fn x(at: usize, len: usize) -> f64 {
    LEFT + (WIDE - LEFT) * at as f64 / len.max(1) as f64
}

fn y(value: f64, top: f64) -> f64 {
    4.0 + (HIGH - BOTTOM - 4.0) * (1.0 - value / top)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HEAD: &str = r#"<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width,initial-scale=1">
<title>tidecast: ways to scale, compared</title>
<style>
:root{color-scheme:light dark;--ink:#1c2733;--paper:#fff;--faint:#d5dbe1;--demand:#0b62a4;--capacity:#1b7f3b;--short:#c62828}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--paper:#14191f;--faint:#37424d;--demand:#6cb6f0;--capacity:#6fcf8a;--short:#ff7b72}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1000px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}
th,td{padding:.25rem .75rem;border-bottom:1px solid var(--faint);text-align:right;white-space:nowrap}
th:first-child{text-align:left}
figure{margin:1.5rem 0}figcaption{margin-bottom:.25rem}
svg{width:100%;height:auto}svg text{font-size:11px;fill:var(--ink)}
path{fill:none;stroke-width:1.2}.grid{stroke:var(--faint)}.demand{stroke:var(--demand)}
.capacity{stroke:var(--capacity);stroke-dasharray:5 2}.short{fill:var(--short)}
.key span{margin-right:1.5rem}
</style>
<h1>Ways to scale, compared on your own history</h1>
<p class=key><span style="color:var(--demand)">solid: demand a minute</span><span style="color:var(--capacity)">dashed: capacity that is ready</span><span style="color:var(--short)">marks below: minutes with more demand than capacity</span></p>
<p>short: share of the requests, and of the minutes, for which no ready server was left. cost: server-minutes billed ÷ the least
possible with perfect foresight; read it only beside short. idle: capacity that stood idle ÷ demand. used: demand ÷ ready capacity.</p>
"#;

const FOOT: &str = "</html>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_spike_of_one_minute() {
        let mut values = vec![1.0; 40_000];
        values[20_001] = 10.0;
        assert!(path(&values, 10.0).contains(&format!(" {:.1}V", y(10.0, 10.0))));
    }

    #[test]
    fn lets_no_name_break_out() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
