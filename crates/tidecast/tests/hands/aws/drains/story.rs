//! An evening of calls, in virtual time: the fleet shrinks, some calls last, one server falls silent, and people come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tidecast::scaler::{Scaler, Tally};
use tidecast_forecast::{Fan, Forecast, Grid};
use tidecast_pilot::{
    Bounds, Briefing, Budget, Command, Decision, Demand, Drain, Evidence, Issued, Lessons, Mode, NodeName,
    Reading, Throughput, Told, Workload, decide,
};

use super::ground::Ground;
use crate::aws::behaviour::at;
use crate::counted::Counted;

/// The minute of the story.
static NOW: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    at(NOW.load(Ordering::SeqCst))
}

fn workload() -> Workload {
    Workload {
        mode: Mode::Full,
        throughput: Told::Given(Throughput::new(10.0).unwrap()),
        start_up: Told::Given(SignedDuration::from_mins(4)),
        reactive: Told::Given(1.0),
        scale_in: Budget { percent: 100.0, per: SignedDuration::from_mins(1) },
        drain: Some(Drain::default()),
        ..Workload::new("media", Bounds::new(2, 9).unwrap())
    }
}

/// The fleet, who moves it, and what was decided.
struct Story {
    ground: Ground,
    counted: Arc<Counted>,
    tally: Arc<Tally>,
    scaler: Box<dyn Scaler>,
    last: Option<Arc<Decision>>,
    told: Vec<(i64, String)>,
}

impl Story {
    fn begin(ground: Ground) -> Self {
        NOW.store(0, Ordering::SeqCst);
        let counted = Arc::new(Counted::default());
        let tally = Tally::new(counted.clone(), SignedDuration::from_secs(90)).by_clock(clock);
        let tally = Arc::new(tally);
        let scaler = ground.scaler(Some(tally.clone()));
        Self { ground, counted, tally, scaler, last: None, told: Vec::new() }
    }

    async fn ids(&self) -> Vec<String> {
        let seen = self.scaler.sight(clock()).await.unwrap().unwrap();
        let mut ids: Vec<String> = seen.nodes.iter().map(|node| node.name.0.clone()).collect();
        ids.sort();
        ids
    }

    /// A minute of it: look, count, decide, carry out, as `tidecast run` does it.
    async fn minute(&mut self, minute: i64, demand: f64) {
        NOW.store(minute, Ordering::SeqCst);
        let now = at(minute);
        self.ground.pass(minute);
        let mut sighting = self.scaler.sight(now).await.unwrap().unwrap();
        self.tally.join(&mut sighting, self.scaler.also_called(), now).await;
        let briefing = Briefing {
            now,
            turn: minute as u64 + 1,
            workload: Arc::new(workload()),
            issued: Some(Arc::new(issued(now, demand))),
            evidence: evidence(now, demand),
            nowcast: None,
            sighting: Some(sighting),
            overrides: Vec::new(),
            halts: Vec::new(),
            lessons: Lessons::default(),
            share: None,
            last: self.last.clone(),
        };
        let recorded = serde_json::to_string(&briefing).unwrap();
        let decision = decide(&briefing);
        assert_eq!(
            decide(&serde_json::from_str(&recorded).unwrap()),
            decision,
            "replayed, it decides the same"
        );
        self.scaler.carry_out(&decision).await.unwrap();
        self.told.extend(decision.commands.iter().map(|command| (minute, command.to_string())));
        self.last = Some(Arc::new(decision));
    }

    /// When something was commanded for the first time.
    fn first(&self, command: &Command) -> Option<i64> {
        let command = command.to_string();
        self.told.iter().find(|(_, told)| *told == command).map(|(minute, _)| *minute)
    }
}

fn issued(now: Timestamp, demand: f64) -> Issued {
    let forecast = Forecast::new(Grid::new(now, 300, 24), vec![Fan::certain(demand); 24], "test");
    Issued { at: now, forecast }
}

fn evidence(now: Timestamp, demand: f64) -> Evidence {
    let reading = |back: i64| Reading {
        at: now - SignedDuration::from_mins(back),
        ..Reading::complete(now, Demand::new(demand).unwrap())
    };
    let minute = SignedDuration::from_mins(1);
    Evidence { readings: (0..15).rev().map(reading).collect(), interval: minute, lag: minute }
}

fn ended(id: &str) -> Command {
    Command::Terminate { node: NodeName(id.into()) }
}

#[tokio::test] // D1, D3.1, D3.2, F29
async fn a_fleet_shrinks_around_its_calls_and_takes_them_back_before_it_launches() {
    // One after the other, as both go by one clock.
    for ground in [Ground::group([2, 6, 9]).await, Ground::fleet(6).await] {
        evening(ground).await;
    }
}

async fn evening(ground: Ground) {
    let mut story = Story::begin(ground);
    let ids = story.ids().await;
    let [lasting, silent, short, stays, stays_too, empty] = &ids[..] else { panic!("six instances") };
    let launched = story.ground.launched();
    for minute in 0..40 {
        let told = [(lasting, 3), (short, u32::from(minute < 12)), (stays, 5), (stays_too, 4), (empty, 0)];
        told.iter().for_each(|(id, count)| story.counted.tell(id, *count, at(minute)));
        match minute {
            0..8 => story.counted.tell(silent, 0, at(minute)),
            8 => story.counted.forget(silent),
            _ => {}
        }
        // Most people go home at minute 3, and come back at minute 30.
        let demand = if (3..30).contains(&minute) { 20.0 } else { 40.0 };
        story.minute(minute, if minute < 3 { 60.0 } else { demand }).await;
    }
    let told = &story.told;
    assert_eq!(story.first(&Command::Drain { node: NodeName(empty.clone()) }), Some(3), "{told:?}");
    assert_eq!(story.first(&Command::Drain { node: NodeName(silent.clone()) }), Some(3), "{told:?}");
    assert_eq!(story.first(&ended(empty)), Some(8), "empty for five minutes since it was drained: {told:?}");
    assert_eq!(story.first(&ended(short)), Some(17), "its call ended at minute 12: {told:?}");
    assert_eq!(
        story.first(&ended(silent)),
        None,
        "nobody knows since minute 8 whether it is empty: {told:?}"
    );
    assert_eq!(story.first(&ended(lasting)), None, "its call goes on: {told:?}");
    let back: Vec<&str> = told.iter().filter(|(minute, _)| *minute >= 30).map(|(_, told)| &**told).collect();
    assert_eq!(back, [format!("restore {silent}"), format!("restore {lasting}")], "{told:?}");
    assert_eq!((story.ground.launched(), story.ground.kept()), (launched, 4), "{told:?}");
    assert!(story.ground.marked().is_empty(), "{:?}", story.ground.marked());
}
