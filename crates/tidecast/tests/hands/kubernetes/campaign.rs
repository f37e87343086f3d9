//! C8: what the API server does on bad days, a thousand times over, and what becomes of the sizes.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use serde_json::json;
use tidecast::scaler::Scaler;
use tidecast::scaler::kubernetes::Kubernetes;
use tidecast::scaler::kubernetes::rights::Feature::{Events, HpaFloor, Observe, Scale};
use tidecast_world::kubernetes::{Fault, Faults, Request, Strike};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::decisions::{grow, shrink};
use super::place::{Place, autoscaler, jiff_now, real, skipped};

/// So many of them are sized by their scale subresource, so many by the floor of their HPA.
const EACH: usize = 4;
/// Turns under a fault before it is healed.
const UNDER: usize = 3;

/// A bad day: what it is called, and what it does.
type BadDay = (&'static str, fn(&mut Faults, &str));

const BAD_DAYS: [BadDay; 10] = [
    ("409 storm", |faults, _| faults.strikes.push(Strike::all(Fault::Conflict).for_share(0.4))),
    ("429 with Retry-After", |faults, _| {
        faults.strikes.push(Strike::all(Fault::TooManyRequests { retry_after: 1 }).for_share(0.2));
    }),
    ("500 and 503", |faults, _| {
        faults.strikes.push(Strike::all(Fault::Failure(500)).for_share(0.3));
        faults.strikes.push(Strike::all(Fault::Failure(503)).for_share(0.2));
    }),
    ("504, not done", |faults, _| faults.strikes.push(Strike::all(Fault::Timeout).for_share(0.4))),
    ("504, but done", |faults, _| faults.strikes.push(Strike::all(Fault::LostReply).for_share(0.5))),
    ("410 and watches dropped", |faults, _| {
        faults.watches_gone = true;
        faults.watches_end_before = jiff_now().checked_add(jiff::SignedDuration::from_secs(5)).ok();
        faults.strikes.push(Strike::all(Fault::Gone).for_share(0.3));
    }),
    ("watches lag behind", |faults, _| faults.stale_by = 40),
    ("admission refuses", |faults, _| {
        let why = || "frozen for the audit".to_owned();
        faults.refused = vec![("deployments".into(), why()), ("horizontalpodautoscalers".into(), why())];
    }),
    ("rights lost", |faults, user| faults.lost_rights.push((user.to_owned(), "*".into(), "*".into()))),
    ("/scale absent", |faults, _| faults.no_scale = true),
];

struct Fleet {
    place: Place,
    hands: Vec<Arc<Kubernetes>>,
    wanted: Vec<u32>,
    turn: u64,
}

impl Fleet {
    async fn gather() -> Self {
        let place = Place::open("campaign", &[Observe, Scale, HpaFloor, Events]).await;
        let cluster = place.cluster();
        let names: Vec<String> = (0..2 * EACH).map(|nth| format!("w{nth}")).collect();
        for (nth, name) in names.iter().enumerate() {
            place.apply(&super::place::workload("Deployment", name, 1));
            if nth >= EACH {
                place.apply(&autoscaler(name, 1, 20));
            }
        }
        let hands = names.iter().map(|name| Arc::new(place.hand_in(cluster.clone(), "Deployment", name)));
        Self { hands: hands.collect(), wanted: vec![1; names.len()], place, turn: 0 }
    }

    /// Each workload looks, decides and carries out.
    async fn turn(&mut self) {
        self.turn += 1;
        let mut all = JoinSet::new();
        for (hand, wanted) in self.hands.iter().cloned().zip(self.wanted.iter().copied()) {
            all.spawn(turn(hand, self.turn, wanted));
        }
        all.join_all().await;
    }

    fn sizes(&self) -> Vec<u32> {
        let fake = self.place.fake.as_ref().unwrap();
        let state = fake.state();
        let number = |resource: &str, name: &str, path: &str| {
            let found = state
                .get(resource, &self.place.namespace, name)
                .and_then(|thing| thing.pointer(path)?.as_u64());
            found.unwrap_or(0) as u32
        };
        let one = |nth: usize| match nth < EACH {
            true => number("deployments.apps", &format!("w{nth}"), "/spec/replicas"),
            false => number("horizontalpodautoscalers.autoscaling", &format!("w{nth}"), "/spec/minReplicas"),
        };
        (0..2 * EACH).map(one).collect()
    }

    /// The requests that were answered since so many, with their status.
    fn answered(&self, since: usize) -> Vec<String> {
        self.place.fake.as_ref().unwrap().state().requests[since..].to_vec()
    }

    fn count(&self) -> usize {
        self.place.fake.as_ref().unwrap().state().requests.len()
    }
}

async fn turn(hand: Arc<Kubernetes>, turn: u64, wanted: u32) {
    let Ok(Some(seen)) = hand.sight(jiff_now()).await else { return };
    let stands = seen.ordered.get();
    let decision = match wanted.cmp(&stands) {
        _ if seen.foreign.is_some() => return,
        std::cmp::Ordering::Greater => grow(turn, stands, wanted),
        std::cmp::Ordering::Less => shrink(turn, stands, wanted),
        std::cmp::Ordering::Equal => return,
    };
    // What has become of it shows in the next sighting.
    let _ = hand.carry_out(&decision).await;
}

/// A write to an object of ours that was accepted. On the day on which answers are lost, those count that are lost too.
fn is_write(answered: &str, day: &str) -> bool {
    let ours = ["/deployments/w", "/horizontalpodautoscalers/w"].iter().any(|path| answered.contains(path));
    let done = answered.ends_with(" 200") || (day == "504, but done" && answered.ends_with(" 504"));
    ours && done && (answered.starts_with("PUT ") || answered.starts_with("PATCH "))
}

fn is_failure(answered: &str) -> bool {
    answered.rsplit(' ').next().is_some_and(|status| status >= "400")
}

#[derive(Default)]
struct Figures {
    rounds: usize,
    faults: usize,
    writes: usize,
    ideal: usize,
    turns: Vec<usize>,
    seconds: Vec<f64>,
    by_day: std::collections::BTreeMap<&'static str, (usize, usize, f64)>,
    foreign: Vec<usize>,
}

impl Figures {
    fn table(&self) -> String {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share).round() as usize];
        let mut table = String::from("| what | figure |\n|---|---|\n");
        let ratio = self.writes as f64 / self.ideal as f64;
        let rows = [
            ("faults met by requests of tidecast", self.faults.to_string()),
            ("bad days, with eight workloads each", self.rounds.to_string()),
            (
                "seconds from the end of the fault until all sizes are right, median",
                format!("{:.2}", at(0.5)),
            ),
            ("the same, at most", format!("{:.2}", at(1.0))),
            ("turns that took, at most", self.turns.iter().max().unwrap().to_string()),
            ("writes accepted, by those that a perfect day needs", format!("{ratio:.3}")),
            (
                "turns until a foreign writer was named, at most",
                self.foreign.iter().max().unwrap().to_string(),
            ),
        ];
        rows.iter().for_each(|(what, figure)| writeln!(table, "| {what} | {figure} |").unwrap());
        table.push_str(
            "\n| bad day | days | faults met | seconds until right, at most |\n|---|---|---|---|\n",
        );
        for (day, (days, faults, seconds)) in &self.by_day {
            writeln!(table, "| {day} | {days} | {faults} | {seconds:.2} |").unwrap();
        }
        table
    }
}

#[tokio::test(flavor = "multi_thread")] // C8, F22, F26
async fn outlives_the_bad_days_of_an_api_server() {
    let enough: usize =
        std::env::var("TIDECAST_CHAOS").ok().and_then(|told| told.parse().ok()).unwrap_or(1_000);
    if real().is_some() {
        return skipped("nobody breaks a real cluster on purpose, with 410 and the like");
    }
    let mut fleet = Fleet::gather().await;
    let mut figures = Figures::default();
    let mut chance = rand_pcg::Pcg64::seed_from_u64(8);
    fleet.turn().await;
    while figures.faults < enough {
        let (day, faults) = BAD_DAYS[figures.rounds % BAD_DAYS.len()];
        bad_day(&mut fleet, &mut figures, day, faults, &mut chance).await;
    }
    for nth in 0..3 {
        figures.foreign.push(foreign_writer(&fleet.place, nth).await);
    }
    println!("{}", figures.table());
    if let Some(path) = std::env::var_os("TIDECAST_FIGURES") {
        std::fs::write(path, figures.table()).unwrap();
    }
    assert!(figures.seconds.iter().all(|seconds| *seconds <= 60.0));
    assert!(figures.writes as f64 <= 1.2 * figures.ideal as f64, "{} of {}", figures.writes, figures.ideal);
    assert!(figures.foreign.iter().all(|turns| *turns <= 2), "{:?}", figures.foreign);
}

async fn bad_day(
    fleet: &mut Fleet,
    figures: &mut Figures,
    day: &'static str,
    faults: fn(&mut Faults, &str),
    chance: &mut impl Rng,
) {
    let user = format!("system:serviceaccount:{}:tidecast", fleet.place.namespace);
    let before = fleet.wanted.clone();
    fleet.wanted.iter_mut().for_each(|wanted| *wanted = 1 + chance.next_u32() % 12);
    let changed =
        |range: std::ops::Range<usize>| range.filter(|nth| fleet.wanted[*nth] != before[*nth]).count();
    figures.ideal += 2 * changed(0..EACH) + changed(EACH..2 * EACH);
    let since = fleet.count();
    faults(&mut fleet.place.fake.as_ref().unwrap().state().faults, &user);
    for _ in 0..UNDER {
        fleet.turn().await;
    }
    let failed = fleet.answered(since).iter().filter(|one| is_failure(one)).count();
    fleet.place.fake.as_ref().unwrap().state().faults.heal();
    let healed = Instant::now();
    let mut turns = 0;
    while fleet.sizes() != fleet.wanted {
        let late = format!("after {day}: {:?}, not {:?}", fleet.sizes(), fleet.wanted);
        assert!(healed.elapsed() < Duration::from_secs(60), "{late}");
        fleet.turn().await;
        turns += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seconds = healed.elapsed().as_secs_f64();
    figures.writes += fleet.answered(since).iter().filter(|one| is_write(one, day)).count();
    figures.rounds += 1;
    figures.faults += failed;
    figures.turns.push(turns);
    figures.seconds.push(seconds);
    let of_day = figures.by_day.entry(day).or_default();
    *of_day = (of_day.0 + 1, of_day.1 + failed, of_day.2.max(seconds));
}

/// Somebody writes another number again and again; turns from the second time on until that is held against.
async fn foreign_writer(place: &Place, nth: usize) -> usize {
    let name = format!("foreign{nth}");
    place.apply(&super::place::workload("Deployment", &name, 1));
    let hand = place.hand("Deployment", &name);
    let (fake, mut written) = (place.fake.as_ref().unwrap(), 0);
    for turn in 1..=20 {
        let seen = hand.sight(jiff_now()).await.unwrap().unwrap();
        if let Some(foreign) = seen.foreign {
            assert_eq!(foreign, "Argo CD (field manager argocd-controller)");
            assert_eq!(written, 2, "it wrote {written} times");
            return turn - written;
        }
        if hand.carry_out(&grow(turn as u64, 1, 5)).await.is_ok() {
            written += 1;
        }
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let path = format!(
            "/apis/apps/v1/namespaces/{}/deployments/{name}?fieldManager=argocd-controller",
            place.namespace
        );
        let patch = Request::of("PATCH", &path, &json!({ "spec": { "replicas": 1 } }))
            .typed("application/merge-patch+json");
        let answer = fake.state().ask(&patch, fake.now());
        assert_eq!(answer.status, 200);
        place.until_seen(&hand, "one is ordered", |seen| seen.ordered.get() == 1).await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    panic!("nobody was named in twenty turns");
}
