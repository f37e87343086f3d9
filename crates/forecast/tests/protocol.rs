//! The protocol's figures are those of the official scorer.
#![allow(clippy::unwrap_used, reason = "this is test code, also outside of the test functions")]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tidecast_forecast::{
    Backtest, Fan, Fitted, Forecast, Grid, LEVELS, Model, Row, SCORED_LEVELS, Series, Unfit, Unwatched,
    backtest,
};

/// Somewhere between now and yesterday, biased and crossing-free, so that no figure is trivial.
#[derive(Debug)]
struct Drifting;

impl Model for Drifting {
    fn name(&self) -> String {
        "drifting".into()
    }

    fn fit(&self, _: &Series) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Self))
    }
}

impl Fitted for Drifting {
    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
        let day = history.grid().day().unwrap();
        let known = |back: usize| history.values()[history.len() - 1 - back];
        let last = history.last_measured().map_or(1.0, |(_, value)| value);
        let then = if known(day).is_nan() { last } else { known(day) };
        let point = 0.6 * last + 0.45 * then;
        let fan = Fan::new(point, LEVELS.map(|level| point * (0.5 + level)));
        Forecast::new(horizon, vec![fan; horizon.len], "drifting")
    }
}

fn emitted(backtest: &Backtest) -> String {
    let mut csv = format!("{}\n", Row::HEADER);
    backtest.rows.iter().for_each(|row| writeln!(csv, "{row}").unwrap());
    csv
}

fn official(python: &str, script: &Path, data: &Path, csv: &str) -> Value {
    let file = std::env::temp_dir()
        .join(format!("{}-{}", std::process::id(), common::name(data)))
        .with_extension("forecasts.csv");
    std::fs::write(&file, csv).unwrap();
    let mut run = Command::new(python);
    run.arg(script).arg("forecasts").arg("--data").arg(data).arg(&file).arg("--json");
    let out = run.output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(out.status.success(), "{}: {}", data.display(), String::from_utf8_lossy(&out.stdout));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[track_caller]
fn check_same(what: &str, ours: Option<f64>, theirs: &Value) {
    let (ours, theirs) = (ours.unwrap_or(f64::NAN), theirs.as_f64().unwrap_or(f64::NAN));
    let same = (ours - theirs).abs() <= 1e-5 * theirs.abs().max(1e-6) || (ours.is_nan() && theirs.is_nan());
    assert!(same, "{what}: ours {ours}, official {theirs}");
}

#[test]
fn agrees_with_the_official_scorer_on_every_trace() {
    let Some((python, script)) = common::scorer() else { return };
    for file in common::traces() {
        let name = common::name(&file);
        let series = common::gathered(&file).series;
        let judged = backtest(&series, &Drifting, &mut Unwatched).unwrap();
        let official = official(&python, &script, &file, &emitted(&judged));
        assert_eq!(official["window_start"], judged.window.start.to_string(), "{name}");
        assert_eq!(official["steps"].as_u64(), Some(series.len() as u64), "{name}");
        let leads = official["leads"].as_object().unwrap();
        assert_eq!(leads.len(), judged.leads.len(), "{name}");
        for ours in &judged.leads {
            let theirs = leads.values().find(|lead| lead["lead_s"] == ours.lead_s).unwrap();
            assert_eq!(theirs["n"].as_u64(), Some(ours.n as u64), "{name}");
            assert_eq!(theirs["crossings"].as_u64(), Some(ours.crossings as u64), "{name}");
            let what = |measure: &str| format!("{name} {} s {measure}", ours.lead_s);
            for (measure, figure) in [
                ("wape", ours.wape),
                ("bias", ours.bias),
                ("mase", ours.mase),
                ("rel_wape", ours.rel_wape),
                ("naive_wape", ours.naive_wape),
            ] {
                check_same(&what(measure), figure, &theirs[measure]);
            }
            for (measure, figures) in
                [("wql", ours.wql), ("rel_wql", ours.rel_wql), ("coverage", ours.coverage)]
            {
                for (level, figure) in SCORED_LEVELS.iter().zip(figures.0) {
                    check_same(&what(measure), figure, &theirs[measure][level.to_string()]);
                }
            }
        }
    }
}

/// What the official scorer makes of a file: start in epoch seconds, step, and the values' bits.
const LOAD: &str = "
import importlib.util, struct, sys
spec = importlib.util.spec_from_file_location('score', sys.argv[1])
score = importlib.util.module_from_spec(spec); sys.modules['score'] = score; spec.loader.exec_module(score)
g = score.load_grid(sys.argv[2])
print(g.t0, g.step, *(struct.pack('>d', v).hex() if v == v else 'gap' for v in g.y))
";

#[test]
fn gathers_every_trace_onto_the_official_grid() {
    let Some((python, script)) = common::scorer() else { return };
    for file in common::traces() {
        let run = Command::new(&python).arg("-c").arg(LOAD).arg(&script).arg(&file).output().unwrap();
        let text = String::from_utf8(run.stdout).unwrap();
        let mut words = text.split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<i64>().ok()).unwrap();
        let (start, step) = (number(), number());
        let values: Vec<&str> = words.collect();
        let series = common::gathered(&file).series;
        let grid = series.grid();
        let name = common::name(&file);
        assert_eq!((grid.start.as_second(), grid.step_s, grid.len), (start, step, values.len()), "{name}");
        for (i, (ours, theirs)) in series.values().iter().zip(values).enumerate() {
            let ours = if ours.is_nan() { "gap".into() } else { format!("{:016x}", ours.to_bits()) };
            assert_eq!(ours, theirs, "{name} at {}", grid.at(i));
        }
    }
}
