use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tidecast_forecast::{Sample, Samples};
use tidecast_pilot::{Bounds, Command, Decision, Mode, Sighting, Size, Throughput, Told, Workload};

use super::*;
use crate::scaler::{Receipt, Scaler};
use crate::source::{Collector, Count, Part, Source, Taken};
use crate::store::{Decree, Draft, Entry, History, Keepsake, Kept, Ledger, Scope, Sqlite, Store};

const MINUTE: i64 = 60;
const DAY: i64 = 1_440;

fn at(minute: i64) -> Timestamp {
    // A Monday, at midnight.
    Timestamp::from_second(1_769_990_400 + MINUTE * minute).unwrap()
}

fn minute_of(time: Timestamp) -> i64 {
    (time.as_second() - at(0).as_second()).div_euclid(MINUTE)
}

/// What comes: quiet nights, and a rush every day at ten.
fn load(minute: i64) -> f64 {
    let of_day = minute.rem_euclid(DAY);
    let day = 300.0 - 250.0 * (of_day as f64 / DAY as f64 * std::f64::consts::TAU).cos();
    day + if (600..660).contains(&of_day) { 600.0 } else { 0.0 }
}

/// How the source behaves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Manner {
    #[default]
    Sound,
    Down,
    Empty,
    Half,
    Hangs,
    Panics,
    Huge,
    NotANumber,
}

#[derive(Debug, Default)]
struct Meter {
    /// From a minute on.
    manners: Mutex<Vec<(i64, Manner)>>,
    /// How many servers there are to be scraped.
    servers: AtomicU64,
    /// Minutes after its name that a measurement is known.
    lag: i64,
    /// Minutes from one to the next, if there are several.
    every: i64,
    /// Days of which nothing is known any more, of the three weeks that are asked for.
    forgotten: i64,
}

impl Meter {
    fn manner(&self, minute: i64) -> Manner {
        let manners = self.manners.lock().unwrap();
        manners.iter().rev().find(|(from, _)| *from <= minute).map_or(Manner::Sound, |(_, manner)| *manner)
    }

    fn becomes(&self, minute: i64, manner: Manner) {
        self.manners.lock().unwrap().push((minute, manner));
    }

    fn value(&self, minute: i64) -> Option<f64> {
        match self.manner(minute) {
            Manner::Sound => Some(load(minute)),
            Manner::Half => Some(load(minute) / 2.0),
            Manner::Huge => Some(1e308),
            Manner::NotANumber => Some(f64::NAN),
            Manner::Down | Manner::Empty | Manner::Hangs | Manner::Panics => None,
        }
    }
}

#[async_trait]
impl Source for Meter {
    fn name(&self) -> String {
        "the meter".into()
    }

    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        match self.manner(minute_of(until)) {
            Manner::Down => return Err(Trouble::Slow { who: self.name(), limit_ms: 1 }),
            Manner::Hangs => std::future::pending().await,
            Manner::Panics => panic!("a bug that only this workload's data brings out"),
            _ => {}
        }
        let minutes = minute_of(since + SignedDuration::from_secs(59))..=minute_of(until) - self.lag;
        let known = |minute: &i64| minute % self.every.max(1) == 0 && *minute >= (self.forgotten - 21) * DAY;
        let minutes = minutes.filter(known);
        let samples = minutes.filter_map(|m| Some(Sample { time: at(m), value: self.value(m)? }));
        Ok(Taken { samples: Samples(samples.collect()), ..Taken::default() })
    }

    async fn count(&self, now: Timestamp) -> Result<Option<Count>, Trouble> {
        let servers = self.servers.load(Ordering::SeqCst).max(4) as u32;
        let targets = match self.manner(minute_of(now)) {
            Manner::Down => return Err(Trouble::Slow { who: self.name(), limit_ms: 1 }),
            Manner::Empty => 0,
            Manner::Half => servers / 2,
            _ => servers,
        };
        let part = Part { targets, series: targets, samples: 5.0 * f64::from(targets) };
        Ok(Some(Count { at: now, parts: vec![part], newest: (targets > 0).then_some(now) }))
    }

    fn lag(&self) -> SignedDuration {
        SignedDuration::from_mins(self.lag)
    }
}

/// A fleet whose servers start at once; it notes every turn that was carried out.
#[derive(Debug)]
struct Park {
    size: AtomicU64,
    turn: AtomicU64,
    carried_out: Mutex<Vec<(u64, Vec<Command>)>>,
}

impl Park {
    fn of(size: u64) -> Arc<Self> {
        Arc::new(Self { size: size.into(), turn: 0.into(), carried_out: Mutex::default() })
    }

    fn size(&self) -> u32 {
        self.size.load(Ordering::SeqCst) as u32
    }
}

#[async_trait]
impl Scaler for Park {
    fn name(&self) -> String {
        "the park".into()
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        Ok(Some(Sighting::of(now, Size(self.size()), Size(self.size()))))
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let before = self.turn.fetch_max(decision.turn, Ordering::SeqCst);
        if before > decision.turn {
            return Ok(Receipt::Overtaken { by: before });
        }
        for command in &decision.commands {
            match command {
                Command::Grow { to } => drop(self.size.fetch_max(u64::from(to.get()), Ordering::SeqCst)),
                Command::Shrink { to } => drop(self.size.fetch_min(u64::from(to.get()), Ordering::SeqCst)),
                _ => {}
            }
        }
        self.carried_out.lock().unwrap().push((decision.turn, decision.commands.clone()));
        Ok(Receipt::Done(format!("{} servers", self.size())))
    }
}

/// A store, and what is needed to have charges of it.
struct Scene {
    folder: tempfile::TempDir,
    store: Arc<Sqlite>,
    history: Arc<History>,
    workshop: Workshop,
}

const CADENCE: Cadence = Cadence {
    forecast: SignedDuration::from_mins(5),
    refit: SignedDuration::from_hours(6),
    horizon: SignedDuration::from_hours(48),
    window: SignedDuration::from_hours(21 * 24),
    step_s: 300,
};

impl Scene {
    fn set() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    fn on(folder: tempfile::TempDir) -> Self {
        let store = Arc::new(Sqlite::open(&folder.path().join("ledger.db")).unwrap());
        let history = Arc::new(History::open(&folder.path().join("history.db")).unwrap());
        let workshop = Workshop::new(history.clone(), 1, 1);
        Self { folder, store, history, workshop }
    }

    /// Fitted models lie on the disk from now on.
    fn put_up_a_shelf(&mut self) {
        let shelf = crate::store::Shelf::open(&self.folder.path().join("models"), 1 << 30).unwrap();
        self.workshop = self.workshop.clone().with_shelf(Arc::new(shelf));
    }

    /// Everything dropped and opened again, as after a restart.
    fn again(self) -> Self {
        let Self { folder, store, history, workshop } = self;
        drop((store, history, workshop));
        Self::on(folder)
    }

    /// A charge whose history is there already, so that its first forecast does not depend on who is faster.
    async fn filled(&self, name: &str, meter: &Arc<Meter>, scaler: Arc<dyn Scaler>, minute: i64) -> Charge {
        let charge = self.charge(name, meter, scaler);
        charge.collector.back_fill().run(at(minute), |_| ()).await.unwrap();
        charge
    }

    fn charge(&self, name: &str, meter: &Arc<Meter>, scaler: Arc<dyn Scaler>) -> Charge {
        let bounds = Bounds::new(2, 100).unwrap();
        let workload = Workload {
            mode: Mode::Full,
            throughput: Told::Given(Throughput::new(20.0).unwrap()),
            start_up: Told::Given(SignedDuration::from_mins(5)),
            ..Workload::new(name, bounds)
        };
        let step = SignedDuration::from_mins(1);
        let collector = Collector::new(meter.clone(), self.history.clone(), name, CADENCE.window, step);
        let forecaster = Forecaster::new(self.workshop.clone(), name, "last_week", TimeZone::UTC, CADENCE);
        Charge::new(Arc::new(workload), Agenda::default(), collector, forecaster, scaler, self.store.clone())
    }
}

/// A turn every five minutes of virtual time; the sizes after each.
async fn play(
    charge: &mut Charge,
    meter: &Meter,
    park: &Park,
    minutes: std::ops::Range<i64>,
) -> Vec<(i64, u32)> {
    let mut sizes = Vec::new();
    for minute in minutes.step_by(5) {
        meter.servers.store(park.size().into(), Ordering::SeqCst);
        let turned = charge.turn(at(minute)).await;
        assert!(turned.trouble.is_none() && turned.committed, "{turned:?}");
        charge.settle(at(minute)).await;
        sizes.push((minute, park.size()));
    }
    sizes
}

#[tokio::test] // S1, S3.3, S12, A18
async fn has_capacity_before_the_rush_from_back_filled_history_alone() {
    let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    let mut charge = scene.charge("shop", &meter, park.clone());
    let sizes = play(&mut charge, &meter, &park, 8 * 60..13 * 60).await;
    let at_0955 = sizes.iter().find(|(minute, _)| *minute == 595).unwrap().1;
    assert!(f64::from(at_0955) * 20.0 >= load(605), "{at_0955} servers at 09:55: {sizes:?}");
    let at_noon = sizes.last().unwrap().1;
    assert!(at_noon < at_0955, "{sizes:?}");
    let months = scene.history.read("shop", at(-30 * DAY), at(0)).await.unwrap();
    assert_eq!(months.0.len() as i64, 21 * DAY - 8 * 60 + 1);
}

#[tokio::test] // B3, F5, S3.4, S9.1
async fn keeps_scaling_out_by_the_stored_forecast_while_the_source_is_away_and_over_a_restart() {
    let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
    play(&mut charge, &meter, &park, 0..120).await;
    meter.becomes(120, Manner::Down);
    let before = park.size();
    play(&mut charge, &meter, &park, 120..300).await;
    charge.close(at(300)).await;
    drop(charge);
    let scene = scene.again();
    let mut charge = scene.charge("shop", &meter, park.clone());
    let first = charge.turn(at(300)).await;
    assert!(first.briefing.unwrap().issued.is_some(), "the stored forecast is not there at the first turn");
    let sizes = play(&mut charge, &meter, &park, 305..1_200).await;
    assert!(sizes.windows(2).all(|pair| pair[0].1 <= pair[1].1), "shrunk without evidence: {sizes:?}");
    // Hours ahead a forecast has fewer points than there are steps, so that the edge of a rush is less sharp.
    let rush = sizes.iter().find(|(minute, _)| *minute == 610).unwrap().1;
    assert!(rush > before && f64::from(rush) * 20.0 >= 0.9 * load(605), "{rush} servers in the rush");
}

#[tokio::test] // F5, B3
async fn is_no_shorter_in_three_blind_days_than_with_its_eyes_open_and_takes_nothing_away() {
    let mut short = Vec::new();
    for manner in [Manner::Sound, Manner::Down] {
        let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
        let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
        play(&mut charge, &meter, &park, 0..60).await;
        meter.becomes(60, manner);
        let sizes = play(&mut charge, &meter, &park, 60..60 + 3 * DAY).await;
        let shrunk = sizes.windows(2).any(|pair| pair[1].1 < pair[0].1);
        assert_eq!(shrunk, manner == Manner::Sound, "{manner:?}: {sizes:?}");
        short.push(sizes.iter().filter(|(minute, size)| f64::from(*size) * 20.0 < load(*minute)).count());
    }
    assert!(5 * short[1] <= 6 * short[0] + 5, "short with open eyes and blind: {short:?}");
}

#[tokio::test] // S9.1, S3.4
async fn goes_on_from_the_shelf_after_a_restart_as_if_nothing_had_happened() {
    let mut told = Vec::new();
    for restarted in [false, true] {
        let (mut scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
        scene.put_up_a_shelf();
        let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
        play(&mut charge, &meter, &park, 0..120).await;
        if restarted {
            charge.close(at(120)).await;
            drop(charge);
            scene = scene.again();
            scene.put_up_a_shelf();
            charge = scene.charge("shop", &meter, park.clone());
        }
        play(&mut charge, &meter, &park, 120..300).await;
        let issued = scene.history.forecast("shop", at(300)).await.unwrap().unwrap();
        assert_eq!(issued.forecast.model, "last_week");
        assert!(issued.forecast.grid().start >= at(290), "what came since was not taken in");
        told.push((issued.at, format!("{:?}", issued.forecast)));
    }
    assert_eq!(told[0], told[1]);
}

/// Who made the forecast in use, in whose place.
fn speaker(turned: &Turned) -> Option<(String, Option<String>)> {
    let forecast = &turned.briefing.as_ref()?.issued.as_ref()?.forecast;
    Some((forecast.model.clone(), forecast.fallback.clone()))
}

#[tokio::test] // B3, S9.1, B1
async fn somebody_stands_in_while_no_bench_is_free() {
    let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
    let taken = scene.workshop.bench(at(0)).await;
    let begin = tokio::time::Instant::now();
    let (model, why) = loop {
        if let Some(speaker) = speaker(&charge.turn(at(0)).await) {
            break speaker;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "nobody has spoken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(model, "ridge_root_wide");
    let expected =
        "the model waits for a processor that is free to fit it; ridge_root_wide stands in, hour by hour";
    assert_eq!(why.as_deref(), Some(expected));
    charge.turn(at(0)).await;
    assert!(charge.practice.work.is_none(), "ways to size are tried although a model is still to be fitted");
    let kept = scene.history.forecast("shop", at(DAY)).await.unwrap().unwrap();
    assert_eq!(kept.forecast.grid().step_s, 3_600);
    let rush = kept.forecast.fan_at(at(610)).unwrap().at(0.99);
    assert!(rush > 0.9 * load(610), "{rush} is forecast for the rush");
    drop(taken);
    charge.settle(at(1)).await;
    assert_eq!(speaker(&charge.turn(at(1)).await), Some(("last_week".into(), None)));
    assert!(charge.practice.work.is_some());
}

#[tokio::test] // S9.1, B3
async fn decides_by_what_is_stored_before_anything_is_learned() {
    let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
    play(&mut charge, &meter, &park, 0..30).await;
    drop(charge);
    let mut scene = scene.again();
    scene.workshop = scene.workshop.closed();
    let mut charge = scene.charge("shop", &meter, park.clone());
    for minute in [60, 61] {
        let turned = charge.turn(at(minute)).await;
        assert_eq!(turned.briefing.unwrap().issued.clone().unwrap().at, at(25));
        assert!(turned.committed && turned.unfit.is_none());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    scene.workshop.open();
    charge.settle(at(61)).await;
    assert!(charge.turn(at(61)).await.briefing.unwrap().issued.clone().unwrap().at >= at(60));
}

#[tokio::test] // S9.1
async fn goes_on_from_the_shelf_while_no_bench_is_free() {
    let (mut scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    scene.put_up_a_shelf();
    let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
    play(&mut charge, &meter, &park, 0..30).await;
    let _taken = scene.workshop.bench(at(30)).await;
    let played = tokio::time::timeout(Duration::from_secs(60), play(&mut charge, &meter, &park, 30..60));
    played.await.expect("a model that was fitted needs no bench");
    let turned = charge.turn(at(56)).await;
    assert_eq!(speaker(&turned), Some(("last_week".into(), None)));
    assert_eq!(turned.briefing.unwrap().issued.clone().unwrap().at, at(55));
}

#[tokio::test] // S7.2, S9.1, B1
async fn sizes_by_what_replay_has_chosen_and_goes_on_with_it_after_a_kill() {
    let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
    play(&mut charge, &meter, &park, 0..120).await;
    meter.servers.store(park.size().into(), Ordering::SeqCst);
    let turned = charge.turn(at(120)).await;
    let (briefing, decision) = (turned.briefing.unwrap(), turned.decision.unwrap());
    let sizing = briefing.lessons.sizing.expect("the week after two weeks was replayed");
    assert!(sizing.chosen.served > 0.999 && sizing.days == 7, "{sizing:?}");
    assert!(!briefing.lessons.frontier.is_empty());
    assert_eq!(
        briefing.nowcast.map(|nowcast| nowcast.way),
        Some(sizing.chosen.way),
        "{:?}",
        briefing.nowcast
    );
    assert!(decision.notes.iter().any(|note| note.code() == "sized"), "{:?}", decision.notes);
    let told = crate::explain::explain(&briefing, &decision);
    assert!(told.alternatives.len() > 1 && told.alternatives.iter().any(|way| way.chosen), "{told:?}");
    // Killed: nothing is closed.
    drop(charge);
    let scene = scene.again();
    let mut charge = scene.charge("shop", &meter, park.clone());
    meter.servers.store(park.size().into(), Ordering::SeqCst);
    let first = charge.turn(at(121)).await.briefing.unwrap();
    assert_eq!(first.lessons.sizing, Some(sizing), "the first turn knows what was chosen");
    charge.settle(at(121)).await;
    meter.servers.store(park.size().into(), Ordering::SeqCst);
    let next = charge.turn(at(123)).await.briefing.unwrap();
    let nowcast = next.nowcast.expect("what was kept is taken up again");
    assert_eq!((nowcast.way, nowcast.at), (sizing.chosen.way, at(123)));
}

#[tokio::test] // S3.3, S7.2
async fn replays_what_was_measured_beside_what_was_forecast_of_it_however_late_it_is_known() {
    let mut costs = Vec::new();
    for lag in [0, 1, 3] {
        let (scene, park) = (Scene::set(), Park::of(5));
        let meter = Arc::new(Meter { lag, ..Meter::default() });
        let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
        play(&mut charge, &meter, &park, 0..30).await;
        let briefing = charge.turn(at(31)).await.briefing.unwrap();
        let sizing = briefing.lessons.sizing.expect("three weeks were replayed");
        assert!(sizing.chosen.served > 0.999, "{sizing:?} with a lag of {lag} min");
        assert!(briefing.nowcast.is_none_or(|nowcast| nowcast.at <= at(31)), "{:?}", briefing.nowcast);
        costs.push(sizing.chosen.cost);
    }
    // Demand that comes as it did a week ago is foretold to the minute; a lag is paid for as a longer start.
    let [momentary, usual, late] = costs[..] else { unreachable!() };
    assert!((momentary / usual - 1.0).abs() < 0.005 && (0.999..1.03).contains(&(late / usual)), "{costs:?}");
}

#[tokio::test] // S7.2
async fn learns_how_to_size_anew_when_forecasts_come_from_a_model_that_has_seen_weeks() {
    let (scene, park) = (Scene::set(), Park::of(5));
    let meter = Arc::new(Meter { forgotten: 2, ..Meter::default() });
    let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
    play(&mut charge, &meter, &park, 0..60).await;
    let days = |charge: &Charge| charge.practice.tuning.as_ref().unwrap().sizing().unwrap().days;
    assert_eq!(days(&charge), 12, "of nineteen days what came after the first week");
    play(&mut charge, &meter, &park, 60..2 * DAY).await;
    assert_eq!(days(&charge), 13);
    play(&mut charge, &meter, &park, 2 * DAY..4 * DAY).await;
    assert!((7..=9).contains(&days(&charge)), "{} days instead of what came after two weeks", days(&charge));
}

#[tokio::test] // S3.3, S7.2
async fn replays_hours_as_the_hours_that_they_speak_of_and_after_a_restart_too() {
    let (scene, park) = (Scene::set(), Park::of(5));
    let meter = Arc::new(Meter { every: 60, ..Meter::default() });
    let mut charge = scene.filled("shop", &meter, park.clone(), 0).await;
    play(&mut charge, &meter, &park, 0..30).await;
    let sizing =
        charge.turn(at(31)).await.briefing.unwrap().lessons.sizing.expect("three weeks were replayed");
    let hours = (0..24).map(|hour| 60.0 * (load(60 * hour) / 20.0).ceil());
    let need: f64 = hours.sum();
    assert!(sizing.chosen.served > 0.999 && sizing.chosen.cost < 1.1 * need, "{sizing:?} for {need}");
    charge.practice.keep(at(31), SignedDuration::ZERO).await;
    drop(charge);
    let scene = scene.again();
    let mut charge = scene.charge("shop", &meter, park.clone());
    play(&mut charge, &meter, &park, 65..80).await;
    let (begun, _) = scene.history.tuning("shop").await.unwrap().expect("it is kept");
    let tuning = charge.practice.tuning.as_ref().expect("what was kept is taken up");
    assert_eq!(
        (tuning.begun(), tuning.now()),
        (begun, at(120)),
        "the hour that began at one is known since then"
    );
    assert_eq!(tuning.sizing().unwrap(), sizing);
}

#[tokio::test] // A1, A17, F1, F3
async fn takes_nothing_away_while_the_source_is_empty_or_half_of_its_targets_are_lost() {
    for manner in [Manner::Empty, Manner::Half] {
        let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
        let mut charge = scene.charge("shop", &meter, park.clone());
        play(&mut charge, &meter, &park, 9 * 60..10 * 60 + 30).await;
        let before = park.size();
        meter.becomes(10 * 60 + 31, manner);
        let sizes = play(&mut charge, &meter, &park, 10 * 60 + 35..15 * 60).await;
        assert!(sizes.iter().all(|(_, size)| *size >= before), "{manner:?}: {sizes:?}");
        meter.becomes(15 * 60, Manner::Sound);
        let sizes = play(&mut charge, &meter, &park, 15 * 60..20 * 60).await;
        assert!(sizes.last().unwrap().1 < before, "{manner:?}: never shrunk again: {sizes:?}");
    }
}

#[tokio::test] // F8, I11 of the safety invariants
async fn decides_the_same_for_all_others_when_one_workload_is_poisoned() {
    let mut told = Vec::new();
    for poison in [Manner::Sound, Manner::Huge, Manner::NotANumber, Manner::Panics] {
        let (scene, board) = (Scene::set(), Board::default());
        let mut charges = Vec::new();
        for i in 0..8 {
            let (meter, park) = (Arc::new(Meter::default()), Park::of(5 + i));
            if i == 3 {
                meter.becomes(40, poison);
            }
            let name = WorkloadName(format!("w{i}"));
            let charge = scene.filled(&name.0, &meter, park.clone(), 30).await;
            charges.push((name, Some(charge), meter, park));
        }
        let mut said = String::new();
        for minute in (30..120).step_by(10) {
            for (name, charge, meter, park) in &mut charges {
                let recipe: Recipe = {
                    let again = scene.charge(&name.0, meter, park.clone());
                    let again = Mutex::new(Some(again));
                    Arc::new(move || Ok(again.lock().unwrap().take().unwrap()))
                };
                *charge = take_turn(name, charge.take(), &recipe, &board, at(minute)).await;
                if let Some(charge) = charge {
                    charge.settle(at(minute)).await;
                }
                if name.0 != "w3" {
                    let turned = board.seat(name).unwrap().turned.unwrap();
                    said += &serde_json::to_string(&*turned.decision.clone().unwrap()).unwrap();
                }
            }
        }
        let poisoned = board.seat(&WorkloadName("w3".into())).unwrap();
        assert_eq!(poisoned.failed > 0, poison == Manner::Panics, "{poison:?}: {:?}", poisoned.trouble);
        told.push(said);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "the others noticed");
}

/// A store whose disk is full while it is told so.
#[derive(Debug)]
struct Brimful {
    store: Arc<Sqlite>,
    full: AtomicBool,
}

#[async_trait]
impl Store for Brimful {
    async fn commit(&self, workload: &WorkloadName, decision: &Decision) -> Result<bool, Trouble> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(Trouble::Full { who: "the ledger".into() }),
            false => self.store.commit(workload, decision).await,
        }
    }

    async fn load(&self, workload: &WorkloadName, before: Option<&Ledger>) -> Result<Ledger, Trouble> {
        self.store.load(workload, before).await
    }

    async fn carried_out(
        &self,
        workload: &WorkloadName,
        turn: u64,
        outcome: &str,
        at: Timestamp,
    ) -> Result<(), Trouble> {
        self.store.carried_out(workload, turn, outcome, at).await
    }

    async fn learn(&self, workload: &WorkloadName, keepsake: Keepsake) -> Result<(), Trouble> {
        self.store.learn(workload, keepsake).await
    }

    async fn turns(&self, workload: &WorkloadName, before: u64, limit: usize) -> Result<Vec<Kept>, Trouble> {
        self.store.turns(workload, before, limit).await
    }

    async fn decree(&self, scope: &Scope, decree: &Decree, at: Timestamp) -> Result<(), Trouble> {
        self.store.decree(scope, decree, at).await
    }

    async fn withdraw(&self, id: &str, who: &str, why: &str, at: Timestamp) -> Result<bool, Trouble> {
        self.store.withdraw(id, who, why, at).await
    }

    async fn decrees(&self) -> Result<Vec<(Scope, Decree)>, Trouble> {
        self.store.decrees().await
    }

    async fn log(&self, draft: Draft) -> Result<Entry, Trouble> {
        self.store.log(draft).await
    }

    async fn audit(
        &self,
        after: u64,
        limit: usize,
        workload: Option<&WorkloadName>,
    ) -> Result<Vec<Entry>, Trouble> {
        self.store.audit(after, limit, workload).await
    }
}

#[tokio::test] // F32
async fn grows_and_only_grows_while_the_ledger_cannot_be_written() {
    let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    let store = Arc::new(Brimful { store: scene.store.clone(), full: false.into() });
    let mut charge = scene.charge("shop", &meter, park.clone());
    charge.store = store.clone();
    play(&mut charge, &meter, &park, 8 * 60..9 * 60).await;
    let before = park.size();
    store.full.store(true, Ordering::SeqCst);
    let mut sizes = Vec::new();
    for minute in (9 * 60..16 * 60).step_by(5) {
        let turned = charge.turn(at(minute)).await;
        assert_eq!((turned.committed, turned.trouble.unwrap().kind()), (false, "full"));
        charge.settle(at(minute)).await;
        sizes.push(park.size());
    }
    assert!(sizes.windows(2).all(|pair| pair[0] <= pair[1]), "{sizes:?}");
    assert!(
        f64::from(*sizes.last().unwrap()) * 20.0 >= load(605) && *sizes.last().unwrap() > before,
        "{sizes:?}"
    );
    store.full.store(false, Ordering::SeqCst);
    let sizes = play(&mut charge, &meter, &park, 16 * 60..20 * 60).await;
    assert!(sizes.last().unwrap().1 < sizes[0].1, "{sizes:?}");
}

#[tokio::test] // B9
async fn lets_one_of_two_replicas_have_each_turn() {
    let (scene, meter, park) = (Scene::set(), Arc::new(Meter::default()), Park::of(5));
    let mut one = scene.charge("shop", &meter, park.clone());
    let mut other = scene.charge("shop", &meter, park.clone());
    let mut committed = 0;
    for minute in (480..600).step_by(5) {
        let (a, b) = tokio::join!(one.turn(at(minute)), other.turn(at(minute)));
        committed += u32::from(a.committed) + u32::from(b.committed);
        one.settle(at(minute)).await;
        other.settle(at(minute)).await;
    }
    let turns: Vec<u64> = park.carried_out.lock().unwrap().iter().map(|(turn, _)| *turn).collect();
    assert_eq!(turns.len(), committed as usize);
    assert!(turns.windows(2).all(|pair| pair[0] < pair[1]), "{turns:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // S9.2, F17
async fn waits_for_nobody_elses_source() {
    let (scene, board) = (Scene::set(), Arc::new(Board::default()));
    let pace =
        Pace { interval: SignedDuration::from_millis(300), first_within: SignedDuration::from_millis(100) };
    let mut drive = Drive::new(pace, board.clone());
    for i in 0..20 {
        let meter = Arc::new(Meter::default());
        if i % 4 == 0 {
            meter.becomes(i64::MIN, Manner::Hangs);
        }
        let name = WorkloadName(format!("w{i}"));
        let charge = Mutex::new(Some(scene.charge(&name.0, &meter, Park::of(5))));
        drive.enlist(name, Arc::new(move || Ok(charge.lock().unwrap().take().unwrap())));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let seats = board.seats();
    let turns = |i: usize| seats.get(&WorkloadName(format!("w{i}"))).map_or(0, |seat| seat.turns);
    let (hanging, others): (Vec<usize>, Vec<usize>) = (0..20).partition(|i| i % 4 == 0);
    assert!(hanging.iter().all(|i| turns(*i) == 0), "{hanging:?}");
    assert!(
        others.iter().all(|i| turns(*i) >= 3),
        "{:?}",
        others.iter().map(|i| turns(*i)).collect::<Vec<_>>()
    );
    drive.stop(Duration::from_millis(500)).await;
    assert!(board.lateness().count() > 40);
}
