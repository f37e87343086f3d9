use std::sync::atomic::{AtomicI64, Ordering};

use url::form_urlencoded::Serializer;

use super::reply::Reply;
use crate::egress::{Ask, Connector};
use crate::trouble::{Trouble, one_line};

/// A Prometheus-compatible server, shared by all workloads that ask it. It remembers how many points at once the
/// server has shown to take, whoever's query it was.
#[derive(Debug)]
pub struct Server {
    connector: Connector,
    /// No more than this, for it has refused twice as many.
    ceiling: AtomicI64,
    /// How many are asked for at present; fewer than the ceiling while it struggles.
    points: AtomicI64,
}

impl Server {
    /// Prometheus takes 11,000 steps and VictoriaMetrics 30,000 points unless told otherwise; so this begins
    /// below both, and halves when it is refused.
    pub const POINTS_AT_FIRST: i64 = 10_800;

    /// Fewer are not asked for just because an answer was slow.
    const POINTS_WHEN_SLOW: i64 = 180;

    /// The server that this way leads to.
    pub fn new(connector: Connector) -> Self {
        Self::taking(connector, Self::POINTS_AT_FIRST)
    }

    /// The same, if it is said to take so many points.
    pub fn taking(connector: Connector, points: i64) -> Self {
        let points = points.max(1);
        Self { connector, ceiling: AtomicI64::new(points), points: AtomicI64::new(points) }
    }

    /// How many points are asked for at once.
    pub fn points(&self) -> i64 {
        self.points.load(Ordering::Relaxed).max(1)
    }

    /// What reasons call it.
    pub(super) fn who(&self) -> String {
        self.connector.who()
    }

    /// It has refused so many points, while it answers one.
    pub(super) fn refuses(&self, asked: i64) {
        let half = (asked / 2).max(1);
        self.ceiling.fetch_min(half, Ordering::Relaxed);
        self.points.fetch_min(half, Ordering::Relaxed);
    }

    /// It did not manage so many points in time: fewer the next time.
    pub(super) fn struggles(&self, asked: i64, trouble: &Trouble) {
        let half = (asked / 2).max(Self::POINTS_WHEN_SLOW);
        if matches!(trouble, Trouble::Slow { .. }) && asked > half {
            self.points.fetch_min(half, Ordering::Relaxed);
        }
    }

    /// It answered: a little more the next time, up to the ceiling.
    pub(super) fn takes(&self) {
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        let more = |points: i64| (points < ceiling).then(|| (points + points / 4 + 1).min(ceiling));
        let _ = self.points.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Asks, and reads the answer if it is a success.
    pub(super) async fn ask(&self, path: &str, asked: &[(&str, &str)]) -> Result<Reply, Trouble> {
        let seconds = format!("{}s", self.connector.limits().total.as_secs().max(1));
        let always = [("timeout", seconds.as_str()), ("nocache", "1")];
        let pairs: Vec<_> = asked.iter().copied().chain(always).collect();
        let answer = self.connector.ask(question(path, &pairs)).await?;
        let reply = serde_json::from_slice::<Reply>(&answer.body);
        match reply {
            Ok(reply) if answer.is_success() && reply.status == "success" => Ok(reply),
            Ok(Reply { error: Some(error), .. }) => {
                Err(Trouble::Answered { who: self.who(), status: answer.status, said: one_line(&error) })
            }
            Err(error) if answer.is_success() => {
                Err(Trouble::Garbled { who: self.who(), why: one_line(&error.to_string()) })
            }
            _ => Err(Trouble::Answered { who: self.who(), status: answer.status, said: answer.said() }),
        }
    }
}

/// Addresses longer than this are refused by some proxies.
const ADDRESS_BYTES_MAX: usize = 2_000;

/// A GET, which proxies in front of servers like to allow; a POST when the query is too long for an address.
fn question<'a>(path: &'a str, pairs: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
    match form.len() <= ADDRESS_BYTES_MAX {
        true => Ask { path, query: pairs, ..Ask::default() },
        false => {
            let body = Some(("application/x-www-form-urlencoded", form.into_bytes()));
            Ask { path, body, ..Ask::default() }
        }
    }
}
