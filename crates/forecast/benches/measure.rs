//! How long it takes to gather, to find periods, to repair, and to judge: on four weeks of five minutes.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tidecast_forecast::models::{self, Clusters, Harmonics};
use tidecast_forecast::{
    Grid, Leads, Lookout, Protocol, Sample, Samples, Series, readiness, repair, seasons, tune,
};

const DAY: usize = 288;

/// Demand with a day, a week, noise, an outage, a spike and a gap.
fn weeks(n: usize) -> Series {
    let start = "2026-03-02T00:00:00Z".parse().expect("a timestamp");
    let value = |i: usize| {
        let noise = 1.0 + 0.2 * (((i * 7919 + i * i * 31) % 101) as f64 / 101.0 - 0.5);
        let day = 1.3 + (i as f64 / DAY as f64 * std::f64::consts::TAU).sin();
        let week = if i / DAY % 7 > 4 { 0.6 } else { 1.0 };
        match i {
            3000..3006 => 0.0,
            5000..5003 => 900.0,
            6000..6024 => f64::NAN,
            _ => 100.0 * day * noise * week,
        }
    };
    Series::new(Grid::new(start, 300, n * 7 * DAY), (0..n * 7 * DAY).map(value).collect())
}

fn measure(c: &mut Criterion) {
    let series = weeks(4);
    let sample = |(time, value): (_, &f64)| Sample { time, value: *value };
    let samples: Vec<Sample> = series.grid().times().zip(series.values()).map(sample).collect();
    let mut group = c.benchmark_group("8,064 points");
    group.bench_function("gather", |b| b.iter(|| Samples(samples.clone()).gather(300)));
    group.bench_function("seasons", |b| b.iter(|| seasons(black_box(&series))));
    group.bench_function("repair", |b| b.iter(|| repair(black_box(&series))));
    group.bench_function("readiness", |b| b.iter(|| readiness(black_box(&series))));
    group.bench_function("lookout", |b| {
        b.iter(|| {
            let mut lookout = Lookout::new(series.grid()).expect("five minutes divide a day");
            series.values().iter().filter(|value| lookout.push(**value).is_anomaly()).count()
        })
    });
    group.finish();
}

fn judge(c: &mut Criterion) {
    let series = weeks(16);
    let mut group = c.benchmark_group("32,256 points");
    group.sample_size(10);
    group.bench_function("protocol", |b| b.iter(|| Protocol::of(black_box(&series))));
    group.bench_function("tune harmonics", |b| b.iter(|| tune(&Harmonics::default(), black_box(&series))));
    group.bench_function("tune clusters", |b| b.iter(|| tune(&Clusters::tuned(), black_box(&series))));
    group.finish();
}

/// What a service does between two fits: a model is taken up where it was left, takes in what has come, and speaks.
fn go_on(c: &mut Criterion) {
    let whole = weeks(4);
    let until =
        |len: usize| Series::new(Grid::new(whole.grid().start, 300, len), whole.values()[..len].to_vec());
    let known = until(whole.len() - 36);
    let model = models::named("ensemble", Leads::knots()).expect("a model of ours");
    let tape = model.fit(&known).expect("four weeks are enough").taped().expect("it can be kept");
    let left = |history: &Series| model.resume(history, tape.clone()).expect("it fits");
    let mut group = c.benchmark_group("8,064 points, gone on");
    group.bench_function("resume", |b| b.iter(|| left(&known)));
    for steps in [1, 18, 36] {
        let history = until(known.len() + steps);
        group.bench_function(format!("update by {steps}"), |b| {
            b.iter_batched(|| left(&known), |mut fitted| fitted.update(&history), BatchSize::PerIteration)
        });
    }
    let ahead = known.grid().after(2 * DAY);
    group.bench_function("forecast of 2 days", |b| {
        b.iter_batched(|| left(&known), |fitted| fitted.forecast(&known, ahead), BatchSize::PerIteration)
    });
    group.bench_function("tape", |b| {
        b.iter_batched(|| left(&known), |mut it| it.taped(), BatchSize::PerIteration)
    });
    group.finish();
}

criterion_group!(benches, measure, judge, go_on);
criterion_main!(benches);
