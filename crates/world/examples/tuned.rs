//! What the self-tuned policy makes of recorded traces:
//! `TIDECAST_TRACES=… cargo run --release -p tidecast-world --example tuned -- 5`, a start-up of five minutes; and with
//! `-- 5 burden`, what it costs to tune a workload. With `-- 5 10 40`, also at these prices of a scale-up in server-minutes.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use tidecast_forecast::{Fan, LEVELS};
use tidecast_pilot::{Bounds, Buffer, Ground, Menu, Sizer, Throughput, Tuning};
use tidecast_world::{DAY, Policy, Setup, Stage, Trace};

fn main() {
    let start_min = std::env::args().nth(1).and_then(|minutes| minutes.parse().ok()).unwrap_or(5);
    if std::env::args().nth(2).as_deref() == Some("burden") {
        return [Menu::Whole, Menu::Outlooks].into_iter().for_each(|menu| burden(menu, start_min));
    }
    let Some(folder) = common::minutes() else { return };
    let files = std::fs::read_dir(&folder).expect("the folder of traces").map(|entry| entry.expect("a file"));
    let files = files.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = files.filter_map(|f| f.strip_suffix(".csv.gz").map(str::to_owned)).collect();
    names.sort();
    let mut prices = vec![None];
    prices.extend(std::env::args().skip(2).map(|price| Some(price.parse::<f64>().expect("server-minutes"))));
    let mut cards = vec![Vec::new(); prices.len()];
    println!(
        "| trace | price of a scale-up | beyond capacity | cost | scale-ups a day |\n|---|---|---|---|---|"
    );
    for name in &names {
        let trace: Trace = common::trace(&folder, name);
        let stage = Stage::new(&trace);
        for (price, cards) in prices.iter().zip(&mut cards) {
            let setup = Setup { up_cost: *price, ..Setup::usual(&trace, start_min) };
            let run = stage.play(Policy::Tidecast, &setup);
            let card = run.scorecard;
            let row = [100.0 * card.violated_requests, card.cost, card.ups_per_day];
            println!("| {name} | {} | {:.4} % | {:.4} | {:.1} |", told(*price), row[0], row[1], row[2]);
            if std::env::var_os("CHOICES").is_some() {
                run.choices.iter().for_each(|way| println!("way {way}"));
            }
            cards.push(row);
        }
    }
    prices.iter().zip(&cards).for_each(|(price, cards)| sum_up(&told(*price), cards));
}

fn told(price: Option<f64>) -> String {
    price.map_or_else(|| "default".to_owned(), |price| format!("{price} server-minutes"))
}

fn sum_up(price: &str, cards: &[[f64; 3]]) {
    let mean = |k: usize| cards.iter().map(|card| card[k]).sum::<f64>() / cards.len() as f64;
    let median = |k: usize| {
        let mut all: Vec<f64> = cards.iter().map(|card| card[k]).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!("| mean | {price} | {:.4} % | {:.4} | {:.1} |", mean(0), mean(1), mean(2));
    println!("| median | {price} | {:.4} % | {:.4} | {:.1} |", median(0), median(1), median(2));
}

/// What tuning many workloads costs: memory, and time for a minute of one.
fn burden(menu: Menu, start_min: usize) {
    const MANY: usize = 200;
    const DAYS: usize = 8;
    let sizer = Sizer::new(Throughput::new(4.0).expect("a throughput"), Buffer::default());
    let ground =
        Ground { start_min, sizer: Some(sizer), bounds: Bounds::new(1, 500).expect("bounds"), up_cost: None };
    let before = resident();
    let mut all: Vec<Tuning> =
        (0..MANY).map(|_| Tuning::new(jiff::Timestamp::UNIX_EPOCH, menu, &ground, 0.001)).collect();
    let level = |minute: usize| 100.0 + 80.0 * (minute as f64 / 229.2).sin();
    #[expect(clippy::disallowed_methods, reason = "a stopwatch of a bench that nobody rehearses")]
    let began = Instant::now();
    for tuning in &mut all {
        for minute in 0..DAYS * DAY {
            if (minute + 1).is_multiple_of(5) {
                let fan = |k: usize| {
                    let level = level(minute + 1 + 5 * k);
                    Fan::new(level, LEVELS.map(|l| level * (0.9 + 0.2 * l)))
                };
                tuning.look_out(&(0..tuning.bins()).map(fan).collect::<Vec<_>>());
            }
            tuning.minute(level(minute) + (minute * 7_919 % 101) as f64 / 10.0);
        }
    }
    let us = began.elapsed().as_secs_f64() * 1e6 / (MANY * DAYS * DAY) as f64;
    let kib = (resident() - before) as f64 / 1024.0 / MANY as f64;
    println!("{menu:?}, start-up {start_min} min: {us:.2} µs a minute and {kib:.0} KiB, a workload");
}

/// Bytes of memory in use.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    4_096 * pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0)
}
