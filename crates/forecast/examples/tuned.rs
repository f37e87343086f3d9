//! What tuning on the past does for forecasts of the future: for each trace given, Scryer's two methods as they are and
//! with parameters chosen on what lies before the judged window, by the official protocol.
//!
//! ```text
//! cargo run --release -p tidecast-forecast --example tuned -- TRACE.csv…
//! ```

use tidecast_forecast::models::{Clusters, Harmonics};
use tidecast_forecast::{
    Calibrated, Leads, Protocol, Sample, Samples, Series, Tunable, Unwatched, geometric_mean, tune,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut kept: [Vec<Option<f64>>; 4] = Default::default();
    println!("WAPE of the tuned ÷ as it was, 1 h and 24 h ahead");
    for file in std::env::args().skip(1) {
        let series = read(&file)?;
        let protocol = Protocol::of(&series)?;
        println!("{file}");
        for (i, kept) in kept.chunks_mut(2).enumerate() {
            let ratios = match i {
                0 => compare(&Harmonics::default(), &protocol),
                _ => compare(&Clusters::tuned(), &protocol),
            };
            kept.iter_mut().zip(ratios).for_each(|(kept, ratio)| kept.push(ratio));
        }
    }
    for (name, ratios) in
        ["harmonics 1 h", "harmonics 24 h", "clusters 1 h", "clusters 24 h"].iter().zip(kept)
    {
        println!("{name}: {:.4} in the geometric mean", geometric_mean(ratios).unwrap_or(f64::NAN));
    }
    Ok(())
}

fn compare<T: Tunable + 'static>(method: &T, protocol: &Protocol) -> [Option<f64>; 2] {
    let history = protocol.series().slice(0, protocol.start());
    let tuned = match tune(method, &history) {
        Ok(tuned) => tuned,
        Err(why) => {
            println!("  {}: {why}", method.name());
            return [None; 2];
        }
    };
    let judged = |method: &T| {
        let model = Calibrated::new(method.clone(), Leads::exactly([3600, 86_400]));
        protocol.backtest(&model, &mut Unwatched).leads
    };
    let (before, after) = (judged(method), judged(&tuned.method));
    let ratio = |lead_s: i64| {
        let wape =
            |leads: &[tidecast_forecast::Measures]| leads.iter().find(|lead| lead.lead_s == lead_s)?.wape;
        Some(wape(&after)? / wape(&before)?)
    };
    let ratios = [3600, 86_400].map(ratio);
    let changes = tuned.changes.join(", ");
    println!("  {} [{changes}]: {ratios:.3?}", method.name());
    ratios
}

fn read(file: &str) -> Result<Series, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file)?;
    let sample = |line: &str| {
        let (time, value) = line.split_once(',')?;
        Some(Sample { time: time.parse().ok()?, value: value.parse().unwrap_or(f64::NAN) })
    };
    Ok(Samples(text.lines().skip(1).filter_map(sample).collect()).gather(300)?.series)
}
