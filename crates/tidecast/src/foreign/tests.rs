use std::io::Read;

use super::*;
use crate::test_server::{TestServer, reply};

/// Five weeks of hours, a wave a day.
fn waves(points: usize) -> Series {
    let grid = Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 3_600, points);
    let wave = |i: usize| 100.0 + 60.0 * (i as f64 / 24.0 * std::f64::consts::TAU).sin();
    Series::new(grid, (0..points).map(wave).collect())
}

/// A server that answers every question with this, and the runtime that it lives on.
fn server(answer: impl Fn(usize) -> Vec<u8> + Send + 'static) -> (tokio::runtime::Runtime, Foreign) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let next = move |_: &str| answer(asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    let url = runtime.block_on(TestServer::start(next)).url();
    (runtime, Foreign::at(&url).unwrap())
}

fn json(body: &str) -> Vec<u8> {
    reply("200 OK", "Content-Type: application/json\r\n", body.as_bytes())
}

#[test]
fn believes_only_what_can_be() {
    let check = |body: &str, expected: &str| {
        let why = wire::read(body.as_bytes(), 2).unwrap_err();
        assert!(why.contains(expected), "{why}");
    };
    check("<html>", "cannot be read");
    check(r#"{"values":[1]}"#, "values has 1 numbers, 2 were asked for");
    check(r#"{"values":[1,-2]}"#, "values[1] is -2");
    check(r#"{"values":[1,null]}"#, "values[1] is null");
    check(r#"{"values":[1,1e31]}"#, "values[1] is 1");
    check(r#"{"values":[1,2],"quantiles":{"high":[1,2]}}"#, "no level between 0 and 1");
    check(r#"{"values":[1,2],"quantiles":{"0.9":[1]}}"#, "has 1 numbers");
    check(
        r#"{"values":[1,2],"quantiles":{"0.5":[1,2],"0.9":[3,1]}}"#,
        "its quantile 0.5 lies above its quantile 0.9 at step 1",
    );
    let good =
        wire::read(br#"{"metric":"m","values":[1,2],"quantiles":{"0.5":[1,2],"0.9":[3,5]}}"#, 2).unwrap();
    let between = good.quantile(0.7, 1).unwrap();
    assert!((between - 3.5).abs() < 1e-9, "{between}");
    assert_eq!((good.quantile(0.99, 1), good.quantile(0.1, 1)), (None, None));
}

#[test]
fn asks_in_the_words_of_the_contract() {
    let mut history = waves(3);
    history.push(f64::NAN);
    let body = wire::question(&history, history.grid().after(24));
    let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(asked["now"], "2026-01-05T04:00:00Z");
    assert_eq!((&asked["horizonSeconds"], &asked["stepSeconds"]), (&86_400.into(), &3_600.into()));
    assert_eq!(asked["features"].as_array().unwrap().len(), 3, "what is unknown is not sent");
    assert_eq!(asked["features"][0], serde_json::json!({ "ts": "2026-01-05T00:00:00Z", "value": 100.0 }));
}

#[test] // B1
fn says_in_fitting_why_it_declines() {
    let (_runtime, model) = server(|_| reply("400 Bad Request", "", b"what is this"));
    let why = model.fit(&waves(24 * 21)).err().unwrap().to_string();
    assert_eq!(why, "the foreign model gave no usable answer: it answered 400: what is this");
    let why = Foreign::at("ftp://x").unwrap_err().to_string();
    assert!(why.contains("ftp"), "{why}");
}

#[test]
fn is_asked_again_and_then_the_ensemble_stands_in_and_says_so() {
    let probes = 1 + PROBES;
    let (_runtime, model) = server(move |asked| match asked {
        0 => reply("503 Service Unavailable", "", b"still loading"),
        asked if asked < probes => json(&format!(r#"{{"values":{:?}}}"#, vec![100.0; lengths(asked)])),
        _ => reply("500 Internal Server Error", "", b"out of memory"),
    });
    let history = waves(24 * 21);
    let fitted = model.fit(&history).expect("the second try is answered");
    let forecast = fitted.forecast(&history, history.grid().after(24));
    let said = forecast.fallback.unwrap();
    assert!(said.ends_with("it answered 500: out of memory; ensemble stands in"), "{said}");
}

/// How many values the probe wants that is answered as the `asked`-th: the first only one.
fn lengths(asked: usize) -> usize {
    if asked == 1 { 1 } else { 13 * (asked - 1) + 1 }.min(24)
}

/// The example that ships with the project, run by Python.
struct Example(std::process::Child, String);

impl Example {
    fn start() -> Option<Self> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/foreign_model.py");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut python = std::process::Command::new("python3");
        let python = python.arg(file).arg(port.to_string()).stdout(std::process::Stdio::piped());
        let Ok(child) = python.stderr(std::process::Stdio::null()).spawn() else {
            eprintln!("skipped: there is no python3 here");
            return None;
        };
        let mut example = Self(child, format!("127.0.0.1:{port}"));
        let mut said = [0; 10];
        example.0.stdout.take().unwrap().read_exact(&mut said).unwrap();
        assert_eq!(&said, b"listening\n");
        Some(example)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn speaks_with_the_example_server() {
    let Some(example) = Example::start() else { return };
    let model = Foreign::at(&format!("http://{}", example.1)).unwrap();
    let whole = waves(24 * 35);
    let history = whole.slice(0, 24 * 34);
    let fitted = model.fit(&history).unwrap();
    let forecast = fitted.forecast(&history, history.grid().after(24));
    assert_eq!((forecast.fallback.as_deref(), forecast.model.as_str()), (None, model.name().as_str()));
    for (fan, came) in forecast.fans().iter().zip(&whole.values()[24 * 34..]) {
        assert!((fan.point - came).abs() < 1e-6 && fan.at(0.999) - fan.at(0.01) < 1.0, "{fan:?} for {came}");
    }
    let far = fitted.forecast(&history, Grid::new(history.grid().after(24).at(23), 3_600, 1));
    assert_eq!(far.fans()[0].point, forecast.fans()[23].point, "one point far ahead");
    drop(example);
    let silent = fitted.forecast(&history, history.grid().after(24));
    let said = silent.fallback.unwrap();
    assert!(said.contains("cannot be reached") && said.ends_with("ensemble stands in"), "{said}");
}
