//! What the self-tuned policy makes of recorded traces:
//! `TIDECAST_TRACES=… cargo run --release -p tidecast-world --example tuned -- 5`, a start-up of five minutes.

#[path = "../tests/common/mod.rs"]
mod common;

use tidecast_world::{Policy, Setup, Stage, Trace};

fn main() {
    let Some(folder) = common::minutes() else { return };
    let start_min = std::env::args().nth(1).and_then(|minutes| minutes.parse().ok()).unwrap_or(5);
    let files = std::fs::read_dir(&folder).expect("the folder of traces").map(|entry| entry.expect("a file"));
    let files = files.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = files.filter_map(|f| f.strip_suffix(".csv.gz").map(str::to_owned)).collect();
    names.sort();
    println!("| trace | beyond capacity | cost | scale-ups a day |\n|---|---|---|---|");
    let mut cards = Vec::new();
    for name in &names {
        let trace: Trace = common::trace(&folder, name);
        let card = Stage::new(&trace).play(Policy::Tidecast, &Setup::usual(&trace, start_min)).scorecard;
        println!(
            "| {name} | {:.4} % | {:.4} | {:.1} |",
            100.0 * card.violated_requests,
            card.cost,
            card.ups_per_day
        );
        cards.push([100.0 * card.violated_requests, card.cost, card.ups_per_day]);
    }
    let mean = |k: usize| cards.iter().map(|card| card[k]).sum::<f64>() / cards.len() as f64;
    let median = |k: usize| {
        let mut all: Vec<f64> = cards.iter().map(|card| card[k]).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!("| mean | {:.4} % | {:.4} | {:.1} |", mean(0), mean(1), mean(2));
    println!("| median | {:.4} % | {:.4} | {:.1} |", median(0), median(1), median(2));
}
