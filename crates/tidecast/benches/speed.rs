//! How long it takes to read a history, fit a model, forecast a turn, and rehearse four weeks.

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use std::hint::black_box;
use tidecast::history::{Reading, parse};
use tidecast_forecast::{Fitted, Leads, Series, models};
use tidecast_world::{Policy, Setup, Stage, Trace};

const HOURS: &[u8] = include_bytes!("../data/bikeshare_hourly.csv.gz");
const MINUTES: &[u8] = include_bytes!("../data/retail_minute.csv.gz");

fn series(bytes: &[u8], bin_s: i64) -> Series {
    let reading = Reading { time_column: None, value_column: None, zone: TimeZone::UTC, strict: true };
    parse("sample", bytes, &reading)
        .expect("a sample is a history")
        .samples
        .gather(bin_s)
        .expect("and a series")
        .series
}

fn reading(c: &mut Criterion) {
    c.bench_function("read 100,000 rows of minutes, gzip", |b| b.iter(|| black_box(series(MINUTES, 60))));
}

fn fitting(c: &mut Criterion) {
    let mut group = c.benchmark_group("fit ten weeks");
    group.sample_size(10);
    for (step, data) in [("1 h", series(HOURS, 300)), ("5 min", series(MINUTES, 300))] {
        for name in ["ensemble", "recent_days", "last_week"] {
            let model = models::named(name, Leads::knots()).expect("a listed model");
            group.bench_function(format!("{name}, {step}"), |b| {
                b.iter(|| black_box(model.fit(&data).is_ok()))
            });
        }
    }
}

fn turns(c: &mut Criterion) {
    let data = series(MINUTES, 300);
    let known = data.slice(0, data.len() - 1);
    let mut group = c.benchmark_group("24 leads of 5 min, one turn");
    group.sample_size(10);
    for name in ["ensemble", "recent_days", "last_week"] {
        let model = models::named(name, Leads::knots()).expect("a listed model");
        let fitted: Box<dyn Fitted> = model.fit(&known).expect("ten weeks suffice");
        // The history has grown by one point since the fit: what a turn takes in.
        group.bench_function(name, |b| b.iter(|| black_box(fitted.forecast(&data, data.grid().after(24)))));
    }
}

fn rehearsal(c: &mut Criterion) {
    let (trace, _) = Trace::from_series("minutes", &series(MINUTES, 60)).expect("the sample was measured");
    let setup = Setup::usual(&trace, 5);
    let mut group = c.benchmark_group("rehearse four weeks of minutes");
    group.sample_size(10);
    for policy in [Policy::Hpa, Policy::Dyte, Policy::Oracle] {
        group
            .bench_function(policy.name(), |b| b.iter(|| black_box(Stage::new(&trace).play(policy, &setup))));
    }
}

criterion_group!(benches, reading, fitting, turns, rehearsal);
criterion_main!(benches);
