//! Time on one core: `cargo bench -p tidecast-pilot`. docs/explanation/planner.md quotes the figures.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Fan, Forecast, Grid, LEVELS};
use tidecast_pilot::planner::{DownMax, Problem, Rules, compress, solve};
use tidecast_pilot::{
    Bounds, Briefing, Decision, Demand, Evidence, Issued, Lessons, Mode, Reading, Sighting, Size, Throughput,
    Told, Workload, decide,
};

/// Time on the processor, so that a busy machine tells the same as an idle one. As wall time where the kernel does not
/// say.
struct CpuTime(WallTime);

impl CpuTime {
    fn nanoseconds() -> u64 {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        told.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or_default()
    }
}

impl Measurement for CpuTime {
    type Intermediate = (u64, <WallTime as Measurement>::Intermediate);
    type Value = std::time::Duration;

    fn start(&self) -> Self::Intermediate {
        (Self::nanoseconds(), self.0.start())
    }

    fn end(&self, (began, wall): Self::Intermediate) -> Self::Value {
        let wall = self.0.end(wall);
        match Self::nanoseconds() {
            0 => wall,
            ended => std::time::Duration::from_nanos(ended - began),
        }
    }

    fn add(&self, a: &Self::Value, b: &Self::Value) -> Self::Value {
        *a + *b
    }

    fn zero(&self) -> Self::Value {
        std::time::Duration::ZERO
    }

    fn to_f64(&self, value: &Self::Value) -> f64 {
        self.0.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self.0.formatter()
    }
}

/// A day's wave with a ripple: as many different needs as there are sizes.
fn wave(steps: usize, peak: u32) -> Vec<u32> {
    let day = std::f64::consts::TAU / 288.0;
    let at = |k: usize| 0.55 - 0.4 * (k as f64 * day).cos() + 0.05 * ((k * 7_919 % 101) as f64 / 101.0);
    (0..steps).map(|k| (f64::from(peak) * at(k)) as u32).collect()
}

fn limited() -> Rules {
    Rules {
        down_cost: 5.0,
        change_cost: 10.0,
        preferred: Some(40),
        up_max: Some(100),
        down_max: Some(DownMax { percent: 10.0, servers: None }),
        down_every: 2,
        dwell: 3,
        ..Rules::free(100.0)
    }
}

fn planner(bench: &mut Criterion<CpuTime>) {
    let paced = Rules {
        down_max: Some(DownMax { percent: 10.0, servers: None }),
        down_every: 2,
        change_cost: 1.0,
        ..Rules::free(10.0)
    };
    for (steps, peak) in [(288, 50), (288, 1_000), (576, 50), (2_016, 200)] {
        let floors = wave(steps, peak);
        let problem = Problem { floors: &floors, caps: &[], standing: floors[0], in_force: &[] };
        let kinds = [("free", Rules::free(10.0)), ("paced", paced.clone()), ("limited", limited())];
        for (kind, rules) in kinds {
            bench.bench_function(&format!("plan {steps} steps x {peak} sizes, {kind}"), |b| {
                b.iter(|| solve(black_box(&problem), black_box(&rules)));
            });
        }
    }
    let steps: Vec<(i64, u32)> = wave(576, 1_000).iter().zip(0..).map(|(size, k)| (300 * k, *size)).collect();
    bench.bench_function("compress 576 steps to 125 actions", |b| {
        b.iter(|| compress(black_box(&steps), 576 * 300, 125, 60));
    });
}

/// A turn of a fleet of fifty at peak, with a forecast of two days in steps of five minutes.
fn briefing() -> Briefing {
    let now: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a timestamp");
    let mut workload = Workload::new("shop", Bounds::new(1, 5_000).expect("bounds"));
    workload.throughput = Told::Given(Throughput::new(10.0).expect("a throughput"));
    workload.mode = Mode::Full;
    let demand = wave(576, 500);
    let fan = |demand: &u32| {
        Fan::new(f64::from(*demand), LEVELS.map(|level| f64::from(*demand) * (0.6 + 0.4 * level)))
    };
    let forecast = Forecast::new(Grid::new(now, 300, 576), demand.iter().map(fan).collect(), "bench");
    let reading = |minute: i64| {
        Reading::complete(
            now - SignedDuration::from_mins(minute),
            Demand::new(f64::from(demand[0])).expect("a demand"),
        )
    };
    let readings = (0..15).rev().map(reading).collect();
    let stands = Size(demand[0] / 10 + 3);
    Briefing {
        now,
        turn: 1,
        workload: Arc::new(workload),
        issued: Some(Arc::new(Issued { at: now, forecast })),
        evidence: Evidence {
            readings,
            interval: SignedDuration::from_mins(1),
            lag: SignedDuration::from_mins(1),
        },
        nowcast: None,
        sighting: Some(Sighting::of(now, stands, stands)),
        overrides: Vec::new(),
        halts: Vec::new(),
        lessons: Lessons::default(),
        share: None,
        last: None,
    }
}

/// The turns of a day, one every half minute; every tenth has a new forecast, which says a little more or less than the
/// one before it.
fn day() -> Vec<Briefing> {
    let first = briefing();
    let wave = wave(3 * 288, 500);
    let forecast = |issue: usize| {
        let off = 1.0 + 0.02 * ((issue * 7_919 % 101) as f64 / 101.0 - 0.5);
        let fan = |demand: &u32| {
            let demand = f64::from(*demand) * off;
            Fan::new(demand, LEVELS.map(|level| demand * (0.6 + 0.4 * level)))
        };
        let at = first.now + SignedDuration::from_secs(300 * issue as i64);
        let fans = wave[issue..issue + 576].iter().map(fan).collect();
        Arc::new(Issued { at, forecast: Forecast::new(Grid::new(at, 300, 576), fans, "bench") })
    };
    let forecasts: Vec<_> = (0..288).map(forecast).collect();
    let turn = |turn: usize| {
        let now = first.now + SignedDuration::from_secs(30 * turn as i64);
        let reading = |minute: i64| {
            let demand = f64::from(wave[turn / 10]) * 0.95;
            Reading::complete(now - SignedDuration::from_mins(minute), Demand::new(demand).expect("a demand"))
        };
        let evidence = Evidence {
            readings: (0..15).rev().map(reading).collect(),
            interval: SignedDuration::from_mins(1),
            lag: SignedDuration::from_mins(1),
        };
        let (turn, issued) = (1 + turn as u64, Some(Arc::clone(&forecasts[turn / 10])));
        Briefing { now, turn, issued, evidence, ..first.clone() }
    };
    (0..2_880).map(turn).collect()
}

/// Decides all turns of a day, each in the light of the one before it.
fn live(day: &mut [Briefing]) -> Arc<Decision> {
    let mut last: Option<Arc<Decision>> = None;
    for briefing in day {
        if let Some(last) = &last {
            briefing.sighting = Some(Sighting::of(briefing.now, last.size, last.size));
        }
        briefing.last = last.take();
        last = Some(Arc::new(decide(black_box(briefing))));
    }
    last.expect("a day has turns")
}

fn turns(bench: &mut Criterion<CpuTime>) {
    let first = briefing();
    bench.bench_function("decide a turn with a new forecast of 576 steps", |b| {
        b.iter(|| decide(black_box(&first)))
    });
    let mut second = first.clone();
    second.last = Some(Arc::new(decide(&first)));
    bench.bench_function("decide a turn under the plan in force", |b| b.iter(|| decide(black_box(&second))));
    let mut day = day();
    bench.bench_function("decide the 2880 turns of a day, 288 of them with a new forecast", |b| {
        b.iter(|| live(&mut day));
    });
}

criterion_group!(
    name = benches;
    config = Criterion::default().sample_size(10).with_measurement(CpuTime(WallTime));
    targets = planner, turns
);
criterion_main!(benches);
