//! What the planner saves and how little it churns, on recorded traces:
//! `TIDECAST_TRACES=… cargo run --release -p tidecast-world --example planner`. docs/explanation/planner.md has the tables.

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::planner::{Problem, Rules, solve};
use tidecast_pilot::{
    Bounds, Briefing, Decision, Issued, Level, Menu, Mode, Plan, Throughput, Told, Workload, decide,
};
use tidecast_world::{
    BIN, DAY, Decider, Forecaster, Measured, Modelled, Production, Rehearsal, Scorecard, Setup, Trace, Ways,
    turns_round,
};

fn main() {
    let Some(folder) = common::minutes() else { return };
    let names = names(&folder);
    println!("| trace | scale-ups a day, greedy | planned | extra server time |\n|---|---|---|---|");
    for name in &names {
        println!("| {name} | {} |", lots(&common::trace(&folder, name)));
    }
    println!(
        "\n| trace | decided | changes a day | scale-ups | turns round | torn up | cost | beyond capacity |"
    );
    println!("|---|---|---|---|---|---|---|---|");
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

/// The need of each five minutes, known beforehand, met at once and met in lots: half a minute of the peak for an event.
fn lots(trace: &Trace) -> String {
    let setup = Setup::usual(trace, 5);
    let peaks = trace.peaks();
    let need: Vec<u32> =
        peaks[setup.score_from / BIN..].iter().map(|peak| (peak / setup.throughput).ceil() as u32).collect();
    let (mut ups, mut cost) = ([0; 2], [0u64; 2]);
    // Two days at a time, as a plan looks.
    for days in need.chunks(2 * DAY / BIN) {
        let problem = Problem { floors: days, caps: &[], standing: days[0], in_force: &[] };
        for (way, up_cost) in [(0, 0.0), (1, 25.0 / BIN as f64)] {
            let sizes = solve(&problem, &Rules::free(up_cost)).sizes;
            ups[way] += sizes.windows(2).filter(|pair| pair[1] > pair[0]).count();
            cost[way] += sizes.iter().map(|size| u64::from(*size)).sum::<u64>();
        }
    }
    let days = need.len() as f64 * BIN as f64 / DAY as f64;
    let extra = 100.0 * (cost[1] as f64 / cost[0] as f64 - 1.0);
    format!("{:.0} | {:.0} | {extra:.1} %", ups[0] as f64 / days, ups[1] as f64 / days)
}

/// Three weeks of learning, a week of turns every minute with a new forecast every five.
fn churn(name: &str, trace: &Trace) {
    let setup = Setup::usual(trace, 5);
    let from = setup.score_from.min(trace.minutes() - 7 * DAY);
    let until = (from + 7 * DAY).min(trace.minutes());
    let learn = from.min(21 * DAY);
    let short = Trace::new(name, trace.at(from - learn), trace.demand()[from - learn..until].to_vec());
    let from = learn;
    let world = Rehearsal {
        workload: Arc::new(workload(setup.throughput)),
        trace: short,
        from,
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
        let (mut announced, mut torn) = (Arc::<Plan>::default(), 0);
        let timeline = world.play(decider, &mut forecasts, &mut |scene| {
            torn += torn_up(&announced, &scene.decision.plan, scene.briefing.now);
            announced = Arc::clone(&scene.decision.plan);
            ControlFlow::Continue(())
        });
        let card = Scorecard::of(&timeline);
        let days = timeline.minutes() as f64 / DAY as f64;
        let changes = timeline.total.windows(2).filter(|pair| pair[1] != pair[0]).count() as f64 / days;
        println!(
            "| {name} | {way} | {changes:.0} | {:.0} | {:.0} | {:.0} | {:.3} | {:.3} % |",
            card.ups_per_day,
            turns_round(&timeline.total) as f64 / days,
            torn as f64 / days,
            card.cost,
            100.0 * card.violated_requests
        );
    }
}

/// The steps announced for the next two hours that the new plan does not have any more.
fn torn_up(before: &Plan, after: &Plan, now: Timestamp) -> usize {
    let soon = now + SignedDuration::from_hours(2);
    let announced = before.after(now).iter().take_while(|step| step.at < soon);
    announced.filter(|step| !after.steps.iter().any(|new| (new.at, new.size) == (step.at, step.size))).count()
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
