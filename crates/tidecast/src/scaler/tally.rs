use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Node, NodeName, Phase, Sessions, Sighting};

use crate::source::{Census, Headcount};
use crate::trouble::Trouble;

/// The sessions of a fleet's servers as a source counts them, joined to the servers as their actuator names them, and since
/// when each has had none (D1, F29).
///
/// Whatever is lost on the way makes a count unknown, and unknown is not zero: a server of which nothing is told, an answer
/// that is partial or does not come, fewer targets behind a server than there were.
#[derive(Debug)]
pub struct Tally {
    census: Arc<dyn Census>,
    /// How old a count may be when a server is ended by it.
    fresh_for: SignedDuration,
    clock: fn() -> Timestamp,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    known: BTreeMap<NodeName, Known>,
    /// What servers are called besides.
    also: BTreeMap<NodeName, Vec<String>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// When it was last counted.
    at: Timestamp,
    empty_since: Option<Timestamp>,
    /// The most targets that have stood behind it.
    targets: u32,
}

/// How long the source may take.
const LOOK_MAX: Duration = Duration::from_secs(10);

impl Tally {
    /// What `census` counts; a count is good for so long.
    pub fn new(census: Arc<dyn Census>, fresh_for: SignedDuration) -> Self {
        Self { census, fresh_for, clock: crate::drive::clock, memory: Mutex::default() }
    }

    /// Reads another clock than everybody: for rehearsals in a time of their own.
    #[must_use]
    pub fn by_clock(mut self, clock: fn() -> Timestamp) -> Self {
        self.clock = clock;
        self
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Adds to the servers that were sighted what is known of their sessions. `also` is what they are called besides their
    /// names: addresses, host names.
    pub async fn join(&self, sighting: &mut Sighting, also: BTreeMap<NodeName, Vec<String>>, now: Timestamp) {
        self.memory().also = also;
        let counted = self.ask(now).await;
        let memory = &mut *self.memory();
        let told = counted.as_ref().map(|counted| memory.told(&sighting.nodes, counted));
        let mut next = BTreeMap::new();
        for node in &mut sighting.nodes {
            let told = told.as_ref().ok().and_then(|told| told.get(&node.name)).copied();
            let before = memory.known.get(&node.name).copied();
            let known = self.known(before, told);
            let sessions = told.zip(known).and_then(|(told, known)| known.believed(told));
            node.sessions = agreed(sessions, node.sessions);
            next.extend(known.map(|known| (node.name.clone(), known)));
        }
        memory.known = next;
        sighting.says.extend(match (&counted, &told) {
            (Err(trouble), _) => {
                Some(format!("no server is ended, as their sessions are not known: {trouble}"))
            }
            (Ok(counted), Ok(told)) => self.unknown(sighting, told, counted),
            (Ok(_), Err(_)) => None,
        });
    }

    /// What is remembered of a server after this look; a gap in knowledge breaks the time in which it was empty.
    fn known(&self, before: Option<Known>, told: Option<Headcount>) -> Option<Known> {
        let Some(told) = told else { return before.map(|before| Known { empty_since: None, ..before }) };
        let targets = before.map_or(told.targets, |before| before.targets.max(told.targets));
        let whole = told.targets >= targets;
        let unbroken = before
            .filter(|before| told.at.duration_since(before.at) <= self.fresh_for)
            .and_then(|before| before.empty_since);
        let empty_since = (told.count == 0 && whole).then(|| unbroken.unwrap_or(told.at));
        Some(Known { at: told.at, empty_since, targets })
    }

    /// Which of these servers are not known to be empty at this moment, and why: asked once more, for sessions may have come.
    pub async fn not_empty(&self, nodes: &[NodeName]) -> BTreeMap<NodeName, String> {
        let now = (self.clock)();
        let counted = self.ask(now).await;
        let memory = self.memory();
        let why = |node: &NodeName| match &counted {
            Err(trouble) => Some(format!("its sessions are not known: {trouble}")),
            Ok(counted) => {
                let told = sum(memory.called(node, counted));
                let most = memory.known.get(node).map_or(0, |known| known.targets);
                match told {
                    None => Some(format!("{} tells nothing of its sessions", self.census.name())),
                    Some(told) if told.count > 0 => Some(format!("it holds {} sessions", told.count)),
                    Some(told) if told.targets < most => {
                        Some(format!("{} of {most} targets tell its sessions", told.targets))
                    }
                    Some(told) if now.duration_since(told.at) > self.fresh_for => {
                        Some(format!("its sessions were last counted at {}", told.at))
                    }
                    Some(_) => None,
                }
            }
        };
        nodes.iter().filter_map(|node| Some((node.clone(), why(node)?))).collect()
    }

    async fn ask(&self, now: Timestamp) -> Result<BTreeMap<String, Headcount>, Trouble> {
        let answer = tokio::time::timeout(LOOK_MAX, self.census.sessions(now)).await;
        let limit_ms = LOOK_MAX.as_millis() as u64;
        answer.unwrap_or_else(|_| Err(Trouble::Slow { who: self.census.name(), limit_ms }))
    }

    /// A sentence about servers of which nothing is told, though they should be.
    fn unknown(
        &self,
        sighting: &Sighting,
        told: &BTreeMap<NodeName, Headcount>,
        counted: &BTreeMap<String, Headcount>,
    ) -> Option<String> {
        let serves = |node: &&Node| matches!(node.phase, Phase::Serving | Phase::Draining { .. });
        let all = sighting.nodes.iter().filter(serves);
        let missing: Vec<&Node> = all.clone().filter(|node| !told.contains_key(&node.name)).collect();
        let first = missing.first()?;
        let (count, of) = (missing.len(), all.count());
        let hint = counted.keys().next().filter(|_| told.is_empty()).map_or_else(String::new, |stranger| {
            format!("; it tells of {}, which is none of them", crate::trouble::one_line(stranger))
        });
        Some(format!(
            "{} does not tell how many sessions {count} of {of} servers hold, {} among them, so these are not ended{hint}",
            self.census.name(),
            first.name
        ))
    }
}

impl Known {
    /// What is believed of what was told: a sum that lacks a part is at least what it is, and is not zero.
    fn believed(self, told: Headcount) -> Option<Sessions> {
        let whole = told.targets >= self.targets;
        (whole || told.count > 0).then_some(Sessions {
            count: told.count,
            at: told.at,
            empty_since: self.empty_since,
        })
    }
}

impl Memory {
    /// What is told of each server.
    fn told(&self, nodes: &[Node], counted: &BTreeMap<String, Headcount>) -> BTreeMap<NodeName, Headcount> {
        let owned = nodes.iter().filter_map(|node| {
            let told = sum(self.called(&node.name, counted))?;
            Some((node.name.clone(), told))
        });
        owned.collect()
    }

    /// What is told of a server, under whichever of its names.
    fn called<'a>(
        &'a self,
        node: &'a NodeName,
        counted: &'a BTreeMap<String, Headcount>,
    ) -> impl Iterator<Item = Headcount> + 'a {
        let also = self.also.get(node).map_or(&[][..], Vec::as_slice);
        let is_it = move |told: &str| {
            let mut names = names(told);
            names.any(|name| name == node.0 || also.iter().any(|known| known == name))
        };
        counted.iter().filter(move |(told, _)| is_it(told)).map(|(_, headcount)| *headcount)
    }
}

/// What a label's value may name: itself, without a port, without what comes before the last slash (`aws:///eu-west-1a/i-0a`),
/// and of a host name its first part.
fn names(told: &str) -> impl Iterator<Item = &str> {
    let last = told.rsplit('/').next().unwrap_or(told);
    let host = match last.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            bare.unwrap_or(if host.contains(':') { last } else { host })
        }
        _ => last,
    };
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let short = host.split('.').next().filter(|_| !is_address);
    [Some(told), Some(last), Some(host), short].into_iter().flatten()
}

/// What several targets or names of one server tell together: all sessions, as old as the oldest of the counts.
fn sum(counts: impl Iterator<Item = Headcount>) -> Option<Headcount> {
    counts.reduce(|a, b| Headcount {
        count: a.count.saturating_add(b.count),
        at: a.at.min(b.at),
        targets: a.targets.saturating_add(b.targets),
    })
}

/// What a source and the server itself say together. A server is empty only if both say so, each freshly; one that holds
/// sessions by either word holds them; where the source is silent, the server's own zero is not enough.
fn agreed(counted: Option<Sessions>, own: Option<Sessions>) -> Option<Sessions> {
    match (counted, own) {
        (None, own) => own.filter(|own| own.count > 0),
        (counted, None) => counted,
        (Some(counted), Some(own)) => Some(Sessions {
            count: counted.count.max(own.count),
            at: counted.at.min(own.at),
            empty_since: counted.empty_since.zip(own.empty_since).map(|(a, b)| a.max(b)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use tidecast_pilot::Size;

    use super::*;

    #[derive(Debug, Default)]
    struct Told(Mutex<Option<BTreeMap<String, Headcount>>>);

    #[async_trait::async_trait]
    impl Census for Told {
        fn name(&self) -> String {
            "the source".into()
        }

        async fn sessions(&self, _: Timestamp) -> Result<BTreeMap<String, Headcount>, Trouble> {
            let told = self.0.lock().unwrap().clone();
            told.ok_or(Trouble::Slow { who: "the source".into(), limit_ms: 5 })
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    struct Scene {
        told: Arc<Told>,
        tally: Tally,
    }

    impl Scene {
        fn new() -> Self {
            let told = Arc::new(Told::default());
            let tally = Tally::new(told.clone(), SignedDuration::from_secs(90)).by_clock(|| at(1_000));
            Self { told, tally }
        }

        fn tell(&self, counts: &[(&str, u32, i64, u32)]) {
            let one = |(name, count, second, targets): &(&str, u32, i64, u32)| {
                let headcount = Headcount { count: *count, at: at(*second), targets: *targets };
                ((*name).to_owned(), headcount)
            };
            *self.told.0.lock().unwrap() = Some(counts.iter().map(one).collect());
        }

        /// The sessions of a server called `i-1`, and since when it has been empty.
        async fn look(&self, own: Option<Sessions>) -> (Option<(u32, Option<i64>)>, Vec<String>) {
            let node = Node {
                name: NodeName("i-1".into()),
                phase: Phase::Serving,
                launched: at(0),
                ready: None,
                sessions: own,
            };
            let mut seen = Sighting { nodes: vec![node], ..Sighting::of(at(0), Size(1), Size(1)) };
            let also = BTreeMap::from([(NodeName("i-1".into()), vec!["10.0.0.7".to_owned()])]);
            self.tally.join(&mut seen, also, at(0)).await;
            let sessions = seen.nodes[0].sessions.map(|sessions| {
                let empty = sessions.empty_since.map(|empty| empty.duration_since(at(0)).as_secs());
                (sessions.count, empty)
            });
            (sessions, seen.says)
        }
    }

    #[tokio::test] // D1, F29
    async fn counts_a_server_as_empty_only_while_it_is_told_so_without_a_break() {
        let scene = Scene::new();
        scene.tell(&[("i-1", 2, 10, 1)]);
        assert_eq!(scene.look(None).await.0, Some((2, None)));
        scene.tell(&[("i-1", 0, 40, 1)]);
        assert_eq!(scene.look(None).await.0, Some((0, Some(40))));
        scene.tell(&[("i-1", 0, 100, 1)]);
        assert_eq!(scene.look(None).await.0, Some((0, Some(40))));
        scene.tell(&[("i-1", 0, 191, 1)]);
        assert_eq!(scene.look(None).await.0, Some((0, Some(191))), "for a while nobody looked");
        scene.tell(&[]);
        let (sessions, says) = scene.look(None).await;
        assert_eq!(sessions, None);
        assert!(
            says[0].starts_with("the source does not tell how many sessions 1 of 1 servers hold, i-1"),
            "{says:?}"
        );
        scene.tell(&[("i-1", 0, 220, 1)]);
        assert_eq!(scene.look(None).await.0, Some((0, Some(220))));
        *scene.told.0.lock().unwrap() = None;
        let (sessions, says) = scene.look(None).await;
        assert_eq!(sessions, None);
        assert!(says[0].contains("no server is ended"), "{says:?}");
    }

    #[tokio::test] // D1, B3
    async fn takes_no_sum_that_lacks_a_target_for_zero() {
        let scene = Scene::new();
        scene.tell(&[("i-1", 3, 10, 4)]);
        scene.look(None).await;
        scene.tell(&[("i-1", 0, 20, 3)]);
        assert_eq!(scene.look(None).await.0, None, "the sessions may be on the target that is lost");
        let why = scene.tally.not_empty(&[NodeName("i-1".into())]).await;
        assert_eq!(why[&NodeName("i-1".into())], "3 of 4 targets tell its sessions");
        scene.tell(&[("i-1", 1, 30, 3)]);
        assert_eq!(scene.look(None).await.0, Some((1, None)), "one there is in any case");
        scene.tell(&[("i-1", 0, 40, 4)]);
        assert_eq!(scene.look(None).await.0, Some((0, Some(40))));
    }

    #[tokio::test] // F29
    async fn asks_once_more_before_a_server_is_ended() {
        let scene = Scene::new();
        let node = NodeName("i-1".into());
        let why = async || scene.tally.not_empty(std::slice::from_ref(&node)).await.remove(&node);
        assert!(why().await.unwrap().contains("not known: the source did not answer"));
        scene.tell(&[("i-2", 0, 1_000, 1)]);
        assert_eq!(why().await.unwrap(), "the source tells nothing of its sessions");
        scene.tell(&[("i-1", 2, 1_000, 1)]);
        assert_eq!(why().await.unwrap(), "it holds 2 sessions");
        scene.tell(&[("i-1", 0, 909, 1)]);
        assert!(why().await.unwrap().starts_with("its sessions were last counted at "));
        scene.tell(&[("i-1", 0, 910, 1)]);
        assert_eq!(why().await, None);
    }

    #[tokio::test]
    async fn knows_a_server_under_all_its_names() {
        for name in
            ["i-1", "i-1:9090", "10.0.0.7:8443", "i-1.eu-west-1.compute.internal", "aws:///eu-west-1a/i-1"]
        {
            let scene = Scene::new();
            scene.tell(&[(name, 2, 10, 1)]);
            assert_eq!(scene.look(None).await.0, Some((2, None)), "{name}");
        }
        for name in ["i-11", "10.0.0.70:8443", "10", "x-i-1", "i-1-x.internal"] {
            let scene = Scene::new();
            scene.tell(&[(name, 2, 10, 1)]);
            let (sessions, says) = scene.look(None).await;
            assert_eq!(sessions, None, "{name}");
            assert!(says[0].ends_with(&format!("it tells of {name}, which is none of them")), "{says:?}");
        }
        let scene = Scene::new();
        scene.tell(&[("i-1", 2, 10, 1), ("10.0.0.7:1", 3, 5, 1)]);
        assert_eq!(scene.look(None).await.0, Some((5, None)), "two targets of one server");
    }

    #[tokio::test] // D1
    async fn believes_the_word_that_keeps_a_server() {
        let own =
            |count, empty: Option<i64>| Some(Sessions { count, at: at(30), empty_since: empty.map(at) });
        let scene = Scene::new();
        scene.tell(&[("i-1", 0, 40, 1)]);
        assert_eq!(scene.look(own(0, Some(20))).await.0, Some((0, Some(40))));
        assert_eq!(scene.look(own(3, None)).await.0, Some((3, None)));
        scene.tell(&[("i-1", 2, 50, 1)]);
        assert_eq!(scene.look(own(0, Some(20))).await.0, Some((2, None)));
        scene.tell(&[]);
        assert_eq!(scene.look(own(0, Some(20))).await.0, None, "its own zero is not enough");
        assert_eq!(scene.look(own(1, None)).await.0, Some((1, None)));
    }
}
