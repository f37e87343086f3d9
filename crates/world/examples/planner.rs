//! What the planner saves, how little it churns and how long it takes, on recorded traces:
//! `TIDECAST_TRACES=… cargo run --release -p tidecast-world --example planner`. docs/explanation/planner.md and
//! docs/benchmarks/capacity.md have the tables.

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::planner::{Problem, Rules, most_within, solve};
use tidecast_pilot::{
    Bounds, Briefing, Decision, Issued, Level, Menu, Mode, Plan, Throughput, Told, Workload, decide,
};
use tidecast_world::{
    DAY, Decider, Forecaster, Measured, Modelled, Production, Rehearsal, Scorecard, Setup, Trace, Ways,
    turns_round,
};

fn main() {
    let Some(folder) = common::minutes() else { return };
    let names = names(&folder);
    println!(
        "| trace | start-up | scale-ups a day, greedy | planned | extra server time | price of an event, server-minutes |"
    );
    println!("|---|---|---|---|---|---|");
    for name in &names {
        let trace = common::trace(&folder, name);
        [5, 15]
            .into_iter()
            .for_each(|start_min| println!("| {name} | {start_min} min | {} |", lots(&trace, start_min)));
    }
    println!(
        "\n| trace | decided | sizes revised | by servers | changes a day | scale-ups | turns round | cost | beyond capacity | a turn, mean | new forecast, p50 | p99 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for name in &names {
        churn(name, &common::trace(&folder, name));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("the folder of traces").map(|entry| entry.expect("a file"));
    let files = files.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = files.filter_map(|f| f.strip_suffix(".csv.gz").map(str::to_owned)).collect();
    names.sort();
    names
}

/// The need of each minute, known beforehand, served as the protocol has it: ordered a start-up ahead and billed from then
/// on. Greedily, and in lots at the least price of an event that halves the scale-ups.
fn lots(trace: &Trace, start_min: usize) -> String {
    let setup = Setup::usual(trace, start_min);
    let need = |demand: &f64| ((demand / setup.throughput).ceil() as u32).max(1);
    let need: Vec<u32> = trace.demand()[setup.score_from..].iter().map(need).collect();
    let orders: Vec<u32> = most_within(&need, start_min + 1).into_iter().map(|at| need[at]).collect();
    let greedy = in_lots(&orders, 0.0);
    let (mut low, mut high) = (0.0, 64.0);
    for _ in 0..12 {
        let price = (low + high) / 2.0;
        if 2 * in_lots(&orders, price).0 <= greedy.0 { high = price } else { low = price }
    }
    let (ups, cost) = in_lots(&orders, high);
    let days = need.len() as f64 / DAY as f64;
    let extra = 100.0 * (cost as f64 / greedy.1 as f64 - 1.0);
    format!("{:.1} | {:.1} | {extra:.2} % | {high:.1}", greedy.0 as f64 / days, ups as f64 / days)
}

/// Scale-ups and server-minutes at this price of an event, looking two days ahead as a plan does.
fn in_lots(orders: &[u32], price: f64) -> (usize, u64) {
    let (mut standing, mut ups, mut cost) = (orders[0], 0, 0);
    for days in orders.chunks(2 * DAY) {
        let problem = Problem { floors: days, caps: &[], standing, in_force: &[] };
        for size in solve(&problem, &Rules::free(price)).sizes {
            ups += usize::from(size > standing);
            cost += u64::from(size);
            standing = size;
        }
    }
    (ups, cost)
}

/// Three weeks of learning, a week of turns every minute with a new forecast every five.
fn churn(name: &str, trace: &Trace) {
    let setup = Setup::usual(trace, 5);
    let from = setup.score_from.min(trace.minutes() - 7 * DAY);
    let until = (from + 7 * DAY).min(trace.minutes());
    let learn = from.min(21 * DAY);
    let short = Trace::new(name, trace.at(from - learn), trace.demand()[from - learn..until].to_vec());
    let world = Rehearsal {
        workload: Arc::new(workload(setup.throughput)),
        trace: short,
        from: learn,
        start_min: 5,
        turn_min: 1,
        forecast_min: 5,
        spells: Vec::new(),
        overrides: Vec::new(),
        halts: Vec::new(),
        sessions: None,
        ways: Ways::Untuned,
        seed: 1,
    };
    let model = Modelled::new("ensemble", 72, TimeZone::UTC, Arc::default(), world.trace.start);
    let mut forecasts = Remembered { model, made: BTreeMap::new() };
    let mut tuned = world.clone();
    tuned.ways = Ways::Tuned(Menu::Whole);
    let learned =
        Workload { service_level: Told::Learned, reactive: Told::Learned, ..(*world.workload).clone() };
    tuned.workload = Arc::new(learned);
    let ways: [(&str, &Rehearsal, &mut dyn Decider); 5] = [
        ("weighing the plan in force", &world, &mut Production),
        ("planning anew each turn", &world, &mut Anew),
        ("the greedy planner", &world, &mut Greedy),
        ("sized by replay's choice", &tuned, &mut Production),
        ("the same, greedy", &tuned, &mut Greedy),
    ];
    for (way, world, decider) in ways {
        let mut timed = Timed { decider, took: Vec::new(), issued: None };
        let (mut announced, mut revised) = (Arc::<Plan>::default(), Revised::default());
        let timeline = world.play(&mut timed, &mut forecasts, &mut |scene| {
            let fresh = scene.briefing.issued.as_ref().is_some_and(|issued| issued.at == scene.briefing.now);
            if fresh {
                revised.see(&announced, &scene.decision.plan, scene.briefing.now);
            }
            announced = Arc::clone(&scene.decision.plan);
            ControlFlow::Continue(())
        });
        let card = Scorecard::of(&timeline);
        let days = timeline.minutes() as f64 / DAY as f64;
        let changes = timeline.total.windows(2).filter(|pair| pair[1] != pair[0]).count() as f64 / days;
        println!(
            "| {name} | {way} | {:.1} % | {:.2} | {changes:.0} | {:.0} | {:.0} | {:.3} | {:.3} % | {} |",
            100.0 * revised.share(),
            revised.by / revised.looked_at as f64,
            card.ups_per_day,
            turns_round(&timeline.total) as f64 / days,
            card.cost,
            100.0 * card.violated_requests,
            timed.tell(),
        );
    }
}

/// How much a new plan changes of what the one before it had announced: at each five minutes of the two hours to come.
#[derive(Default)]
struct Revised {
    looked_at: usize,
    otherwise: usize,
    by: f64,
}

impl Revised {
    fn see(&mut self, before: &Plan, after: &Plan, now: Timestamp) {
        for step in 1..=24 {
            let at = now + SignedDuration::from_mins(5 * step);
            let (Some(before), Some(after)) = (before.at(at), after.at(at)) else { continue };
            self.looked_at += 1;
            self.otherwise += usize::from(before.size != after.size);
            self.by += f64::from(before.size.get().abs_diff(after.size.get()));
        }
    }

    fn share(&self) -> f64 {
        self.otherwise as f64 / self.looked_at as f64
    }
}

/// How long each turn takes, those with a new forecast apart.
struct Timed<'a> {
    decider: &'a mut dyn Decider,
    took: Vec<(bool, Duration)>,
    issued: Option<Timestamp>,
}

impl Decider for Timed<'_> {
    #[expect(clippy::disallowed_methods, reason = "what is measured is time")]
    fn decide(&mut self, briefing: &Briefing) -> Decision {
        let issued = briefing.issued.as_ref().map(|issued| issued.at);
        let began = Instant::now();
        let decision = self.decider.decide(briefing);
        self.took.push((issued != self.issued, began.elapsed()));
        self.issued = issued;
        decision
    }
}

impl Timed<'_> {
    /// The mean as with a turn every half minute and a forecast every five: nine of ten turns have no new one.
    fn tell(&self) -> String {
        let of = |fresh: bool| {
            self.took.iter().filter(move |(f, _)| *f == fresh).map(|(_, took)| took.as_nanos() as f64 / 1e3)
        };
        let mean = |fresh: bool| of(fresh).sum::<f64>() / of(fresh).count().max(1) as f64;
        let mut fresh: Vec<f64> = of(true).collect();
        fresh.sort_by(f64::total_cmp);
        let rank = |share: f64| fresh[((share * fresh.len() as f64) as usize).min(fresh.len() - 1)];
        format!("{:.1} µs | {:.0} µs | {:.0} µs", 0.1 * mean(true) + 0.9 * mean(false), rank(0.5), rank(0.99))
    }
}

fn workload(throughput: f64) -> Workload {
    let mut workload = Workload::new("trace", Bounds::new(1, 5_000).expect("bounds"));
    workload.throughput = Told::Given(Throughput::new(throughput).expect("a throughput"));
    workload.start_up = Told::Given(SignedDuration::from_mins(5));
    workload.service_level = Told::Given(Level::new(0.99).expect("a level"));
    workload.reactive = Told::Given(1.0);
    workload.mode = Mode::Full;
    workload
}

/// Makes each forecast once, for all who ask.
struct Remembered {
    model: Modelled,
    made: BTreeMap<usize, Option<Issued>>,
}

impl Forecaster for Remembered {
    fn forecast(&mut self, now: Timestamp, minute: usize, measured: &Measured, wrong: f64) -> Option<Issued> {
        if let Some(made) = self.made.get(&minute) {
            return made.clone();
        }
        let made = self.model.forecast(now, minute, measured, wrong);
        self.made.insert(minute, made.clone());
        made
    }
}

/// Forgets the plan in force before each turn.
struct Anew;

impl Decider for Anew {
    fn decide(&mut self, briefing: &Briefing) -> Decision {
        let mut briefing = briefing.clone();
        if let Some(last) = &briefing.last {
            briefing.last = Some(Arc::new(Decision { plan: Arc::default(), ..(**last).clone() }));
        }
        decide(&briefing)
    }
}

/// Pays nothing for a change, so that it follows every need.
struct Greedy;

impl Decider for Greedy {
    fn decide(&mut self, briefing: &Briefing) -> Decision {
        let mut briefing = briefing.clone();
        let mut workload = (*briefing.workload).clone();
        workload.costs.scale_up = Told::Given(0.0);
        workload.costs.change_of_plan = Told::Given(0.0);
        briefing.workload = Arc::new(workload);
        decide(&briefing)
    }
}
