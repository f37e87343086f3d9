//! Prometheus and what speaks like it: VictoriaMetrics, Thanos, Mimir (by their tenant headers).

mod census;
mod per_node;
mod reply;
mod selector;
mod server;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

pub use census::PrometheusCensus;
pub use per_node::{NotPerNode, PerNode};
pub use selector::{Selector, selectors};
pub use server::Server;

use self::reply::{Data, Line, Point, Reply, Value};
use super::coverage::Part;
use super::remark::Sieve;
use super::{Count, RemarkKind, Source, Taken};
use crate::trouble::{Trouble, one_line};

/// One query's answers over time, as a source.
#[derive(Debug)]
pub struct Prometheus {
    server: Arc<Server>,
    query: Query,
    stands_on: Vec<Selector>,
    lag_s: i64,
}

/// What is asked, and how finely.
#[derive(Debug, Clone)]
pub struct Query {
    /// An expression with one series as its answer: `sum(rate(http_requests_total{app="shop"}[5m]))`.
    pub text: String,
    /// Seconds between two points.
    pub step_s: i64,
    /// The selector by which coverage is counted, instead of those found in the query.
    pub counted: Option<String>,
}

impl Query {
    /// A point a minute, as fine as most sources scrape.
    pub const STEP_S: i64 = 60;

    /// This expression, with a point a minute.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), step_s: Self::STEP_S, counted: None }
    }
}

/// The most selectors of one query that are counted.
const COUNTED_MAX: usize = 4;

impl Prometheus {
    /// The answers of `server` to `query`.
    pub fn new(server: Arc<Server>, query: Query) -> Self {
        let found = selectors(&query.text);
        let lag_s = lag_s(&found, query.step_s);
        let mut stands_on = query.counted.as_deref().map_or(found, selectors);
        stands_on.truncate(COUNTED_MAX);
        Self { server, query, stands_on, lag_s }
    }

    /// The selectors whose series are counted for coverage; none if the query shows none.
    pub fn stands_on(&self) -> &[Selector] {
        &self.stands_on
    }

    async fn window(&self, from_s: i64, to_s: i64) -> Result<Reply, Trouble> {
        let (start, end, step) = (from_s.to_string(), to_s.to_string(), self.query.step_s.to_string());
        let asked = [("query", self.query.text.as_str()), ("start", &start), ("end", &end), ("step", &step)];
        self.server.ask("/api/v1/query_range", &asked).await
    }

    /// Asks for one window, as large as the server takes; the answer and where it ends.
    async fn next(&self, from_s: i64, last_s: i64) -> Result<(Reply, i64), Trouble> {
        let step_s = self.query.step_s;
        loop {
            let points = self.server.points();
            let to_s = last_s.min(from_s + (points - 1) * step_s);
            let asked = (to_s - from_s) / step_s + 1;
            match self.window(from_s, to_s).await {
                Err(Trouble::Answered { status: 400 | 422, .. }) if asked > 1 => {
                    self.window(from_s, from_s).await?; // if one point is refused too, it is not their number
                    self.server.refuses(asked);
                }
                Err(trouble) => {
                    self.server.struggles(asked, &trouble);
                    return Err(trouble);
                }
                Ok(reply) => {
                    self.server.takes();
                    return Ok((reply, to_s));
                }
            }
        }
    }

    fn garbled(&self, why: impl Into<String>) -> Trouble {
        Trouble::Garbled { who: self.server.who(), why: why.into() }
    }

    /// The one series of a result, if there is any.
    fn one(&self, data: Data) -> Result<Option<Line>, Trouble> {
        let mut lines = data.result.0;
        if lines.len() > 1 {
            let names = lines.iter().take(3).map(Line::name).collect();
            return Err(Trouble::ManySeries { who: self.server.who(), count: lines.len(), names });
        }
        let line = lines.pop();
        if line.as_ref().is_some_and(|line| line.histograms.is_some() || line.histogram.is_some()) {
            return Err(self.garbled("the query gives a histogram where a number is expected"));
        }
        Ok(line)
    }

    fn sift(&self, reply: Reply, sieve: &mut Sieve) -> Result<(), Trouble> {
        warnings(&reply, sieve);
        let data = reply.data.ok_or_else(|| self.garbled("the answer has no data"))?;
        if data.result_type != "matrix" {
            return Err(self.garbled(format!("a {} where a matrix is expected", one_line(&data.result_type))));
        }
        let Some(line) = self.one(data)? else { return Ok(()) };
        for Point { time, value } in line.values.0 {
            let time = match time {
                Ok(time) => time.saturating_sub(self.lag()).unwrap_or(time),
                Err(odd) => {
                    sieve.remark(RemarkKind::NoTime, None, &odd);
                    continue;
                }
            };
            match value {
                Value::Text(text) => sieve.text(time, &text),
                Value::Number(number) => sieve.value(time, number, &number),
                Value::Other(other) => sieve.remark(RemarkKind::NotANumber, Some(time), &other),
            }
        }
        Ok(())
    }

    /// Counts one selector's targets, series and samples, and finds its newest sample's time, in one question.
    async fn part(&self, selector: &Selector, now: Timestamp) -> Result<(Part, Option<Timestamp>), Trouble> {
        let (text, now_s) = (counting(selector), now.as_second().to_string());
        let reply = self.server.ask("/api/v1/query", &[("query", &text), ("time", &now_s)]).await?;
        let data = reply.data.ok_or_else(|| self.garbled("the answer has no data"))?;
        if data.result_type != "vector" {
            return Err(self.garbled(format!("a {} where a vector is expected", one_line(&data.result_type))));
        }
        let of = |label: &str| {
            let line = data.result.0.iter().find(|l| l.metric.get("tidecast").is_some_and(|v| v == label))?;
            match &line.value.as_ref()?.value {
                Value::Text(text) => text.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0),
                _ => None,
            }
        };
        let count = |label| of(label).unwrap_or(0.0).min(1e9);
        let newest = of("newest").and_then(|s| Timestamp::from_millisecond((s * 1e3) as i64).ok());
        let part = Part {
            targets: count("targets") as u32,
            series: count("series") as u32,
            samples: count("samples"),
        };
        Ok((part, newest))
    }
}

#[async_trait]
impl Source for Prometheus {
    fn name(&self) -> String {
        self.server.who()
    }

    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let step_s = self.query.step_s;
        let first_s = (since.as_second() + self.lag_s + step_s - 1).div_euclid(step_s) * step_s;
        let last_s = until.as_second().div_euclid(step_s) * step_s;
        let (mut sieve, mut from_s) = (Sieve::new(since, until), first_s);
        while from_s <= last_s {
            let (reply, to_s) = self.next(from_s, last_s).await?;
            self.sift(reply, &mut sieve)?;
            from_s = to_s + step_s;
        }
        Ok(if first_s > last_s { Taken::default() } else { sieve.done() })
    }

    async fn count(&self, now: Timestamp) -> Result<Option<Count>, Trouble> {
        let (mut parts, mut newest) = (Vec::new(), None);
        for selector in &self.stands_on {
            let (part, seen) = self.part(selector, now).await?;
            parts.push(part);
            newest = newest.map_or(seen, |known: Timestamp| seen.map(|seen| seen.min(known)).or(Some(known)));
        }
        Ok((!parts.is_empty()).then_some(Count { at: now, parts, newest }))
    }

    fn count_window(&self) -> SignedDuration {
        let windows = self.stands_on.iter().map(window_s).min();
        SignedDuration::from_secs(windows.unwrap_or(LOOK_BACK_S))
    }

    fn lag(&self) -> SignedDuration {
        SignedDuration::from_secs(self.lag_s)
    }
}

/// How much later than the interval that it speaks of a point is evaluated, in whole steps.
///
/// `rate(x[5m])` at 12:05 speaks of 12:00 to 12:05, and its middle is 12:02:30; the interval of one step with the
/// same middle begins half a window and half a step before 12:05. A momentary value speaks of its own time.
fn lag_s(stands_on: &[Selector], step_s: i64) -> i64 {
    let window = stands_on.iter().filter_map(|selector| selector.window).max();
    window.map_or(0, |window| (window.as_secs() + step_s) / 2 / step_s * step_s)
}

/// Warnings of a server that got no answer from some of its stores are not about the query.
fn warnings(reply: &Reply, sieve: &mut Sieve) {
    for warning in reply.warnings.iter().flatten() {
        sieve.remark(RemarkKind::Warning, None, warning);
        if !warning.starts_with("PromQL") {
            sieve.partial(one_line(warning));
        }
    }
    if reply.is_partial {
        sieve.partial("the server says that its answer is partial".into());
    }
}

/// The window over which samples are counted where the selector has none: how far back a momentary value is
/// looked for.
const LOOK_BACK_S: i64 = 300;

fn window_s(selector: &Selector) -> i64 {
    selector.window.map_or(LOOK_BACK_S, |window| window.as_secs().max(1))
}

fn counting(selector: &Selector) -> String {
    let (text, window_s) = (&selector.text, window_s(selector));
    let labelled =
        |label: &str, inner: &str| format!("label_replace({inner},\"tidecast\",\"{label}\",\"\",\"\")");
    [
        labelled("targets", &format!("count(count by (job,instance)({text}))")),
        labelled("series", &format!("count({text})")),
        labelled("samples", &format!("sum(count_over_time({text}[{window_s}s]))")),
        labelled("newest", &format!("max(timestamp({text}))")),
    ]
    .join(" or ")
}

#[cfg(test)]
mod tests;
