use tidecast_forecast::{Fan, Forecast, Grid, LEVELS};

use super::*;

const HOUR: i64 = 3_600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).unwrap()
}

fn samples(from: i64, to: i64, step: i64, value: impl Fn(i64) -> f64) -> Samples {
    Samples((from..to).step_by(step as usize).map(|s| Sample { time: at(s), value: value(s) }).collect())
}

fn asked(from: i64, until: i64) -> Asked {
    Asked { from: at(from), until: at(until) }
}

fn history() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("history.db")).unwrap();
    (folder, history)
}

#[tokio::test] // S3.4
async fn gives_back_what_was_put_packed_or_not() {
    let (_folder, history) = history();
    let (from, now) = (-28 * 24 * HOUR, 0);
    let month = samples(from, now, 60, |s| (s as f64 / 1e4).sin() + 2.0);
    history.put("shop", month.clone(), asked(from, now), at(now)).await.unwrap();
    history.put("other", samples(0, 600, 60, |_| 1.0), asked(0, 600), at(600)).await.unwrap();
    assert_eq!(history.read("shop", at(from), at(now)).await.unwrap(), month);
    assert_eq!(
        history.read("shop", at(-600), at(-300)).await.unwrap(),
        samples(-600, -299, 60, |s| (s as f64 / 1e4).sin() + 2.0)
    );
    assert_eq!(history.pack(at(6 * HOUR), 10).await.unwrap(), 2);
    assert_eq!(history.pack(at(6 * HOUR), 10).await.unwrap(), 0);
    assert_eq!(history.read("shop", at(from), at(now)).await.unwrap(), month);
    assert_eq!(history.asked("shop").await.unwrap(), Some(asked(from, now)));
    assert_eq!(history.asked("nobody").await.unwrap(), None);
    assert_eq!(history.read("nobody", at(from), at(now)).await.unwrap(), Samples::default());
}

#[tokio::test] // S3.3
async fn welcomes_late_points_and_later_words() {
    let (_folder, history) = history();
    history.put("x", samples(-48 * HOUR, 0, 120, |_| 1.0), asked(-48 * HOUR, 0), at(0)).await.unwrap();
    history.put("x", samples(-48 * HOUR, 0, 60, |_| 2.0), asked(-48 * HOUR, 0), at(0)).await.unwrap();
    let all = history.read("x", at(-48 * HOUR), at(0)).await.unwrap();
    assert_eq!(all, samples(-48 * HOUR, 0, 60, |_| 2.0));
}

#[tokio::test]
async fn writes_only_what_is_new() {
    let (_folder, history) = history();
    let changes = async || {
        let count = history.db.write(|db| Ok(db.query_row("SELECT total_changes()", [], |row| row.get(0))?));
        count.await.unwrap()
    };
    let (day, now) = (samples(-24 * HOUR, 0, 60, |s| s as f64 + 1e6), at(0));
    history.put("x", day.clone(), asked(-24 * HOUR, 0), now).await.unwrap();
    let before: i64 = changes().await;
    history.put("x", day, asked(-24 * HOUR, 0), now).await.unwrap();
    assert_eq!(changes().await, before);
    history.put("x", samples(-60, 0, 60, |_| 7.0), asked(-24 * HOUR, 0), now).await.unwrap();
    let row_and_seal = 2;
    assert_eq!(changes().await, before + row_and_seal);
    history.put("x", samples(-60, 0, 60, |_| 7.0), asked(-24 * HOUR, 300), now).await.unwrap();
    assert_eq!(changes().await, before + 2 * row_and_seal);
}

#[tokio::test]
async fn knows_what_has_been_asked_for() {
    let (_folder, history) = history();
    for (ask, known) in [
        (asked(1_000, 2_000), asked(1_000, 2_000)),
        (asked(1_900, 3_000), asked(1_000, 3_000)),
        (asked(2_900, 3_299), asked(1_000, 3_000)), // not worth a write yet
        (asked(2_900, 3_300), asked(1_000, 3_300)),
        (asked(500, 1_000), asked(500, 3_300)),
        (asked(100, 200), asked(500, 3_300)),
        (asked(4_000, 5_000), asked(4_000, 5_000)),
    ] {
        history.put("x", Samples::default(), ask, at(0)).await.unwrap();
        assert_eq!(history.asked("x").await.unwrap(), Some(known));
    }
}

#[tokio::test] // A15
async fn lets_a_new_group_inherit() {
    let (_folder, history) = history();
    history.put("green", samples(-100 * HOUR, 0, 600, |_| 1.0), asked(-100 * HOUR, 0), at(0)).await.unwrap();
    history.put("blue", samples(-600, 600, 600, |_| 2.0), asked(-600, 600), at(600)).await.unwrap();
    history.inherit("green", "blue", at(600)).await.unwrap();
    let blue = history.read("blue", at(-100 * HOUR), at(600)).await.unwrap();
    let expected = samples(-100 * HOUR, 600, 600, |s| if s < -600 { 1.0 } else { 2.0 });
    assert_eq!(blue, expected);
    assert_eq!(history.asked("blue").await.unwrap(), Some(asked(-100 * HOUR, 600)));
}

#[tokio::test]
async fn drops_days_that_are_too_old() {
    let (_folder, history) = history();
    history
        .put("x", samples(-20 * 24 * HOUR, 0, 600, |_| 1.0), asked(-20 * 24 * HOUR, 0), at(0))
        .await
        .unwrap();
    assert_eq!(history.prune(at(-10 * 24 * HOUR), at(0)).await.unwrap(), 10);
    let left = history.read("x", at(-20 * 24 * HOUR), at(0)).await.unwrap();
    assert!((10 * 144..=11 * 144).contains(&left.0.len()), "{}", left.0.len());
    assert_eq!(history.asked("x").await.unwrap(), Some(asked(-10 * 24 * HOUR, 0)));
}

fn issued(at: Timestamp, points: usize) -> Issued {
    let level =
        |i: usize, j: usize| 100.0 + (i as f64 / 40.0).sin() * 50.0 + LEVELS[j] * (10.0 + i as f64 / 20.0);
    let fan = |i| Fan::new(level(i, 4), std::array::from_fn(|j| level(i, j)));
    let forecast = Forecast::new(Grid::new(at, 300, points), (0..points).map(fan).collect(), "ensemble");
    Issued { at, forecast: settled(&forecast) }
}

#[tokio::test] // B3, S9.1
async fn keeps_forecasts_as_they_were_issued() {
    let (_folder, history) = history();
    for minute in [0, 5, 10] {
        history.keep_forecast("x", Pressed::of(&issued(at(60 * minute), 576))).await.unwrap();
    }
    let of = |minute: i64| history.forecast("x", at(60 * minute));
    assert_eq!(of(-1).await.unwrap(), None);
    assert_eq!(of(7).await.unwrap(), Some(issued(at(300), 576)));
    assert_eq!(of(99).await.unwrap(), Some(issued(at(600), 576)));
    assert_eq!(history.forecast("y", at(0)).await.unwrap(), None);
    assert_eq!(history.asked("x").await.unwrap(), None);
}

#[tokio::test] // F32
async fn notices_a_chunk_that_is_not_what_was_written() {
    let (folder, history) = history();
    history
        .put("x", samples(-48 * HOUR, 0, 60, |s| s as f64 + 1e6), asked(-48 * HOUR, 0), at(0))
        .await
        .unwrap();
    drop(history);
    let path = folder.path().join("history.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE chunks SET points = zeroblob(length(points))")
        .unwrap();
    let history = History::open(&path).unwrap();
    assert_eq!(history.read("x", at(-48 * HOUR), at(0)).await.unwrap_err().kind(), "damaged");
}

#[tokio::test]
async fn packs_a_month_of_minutes_into_little() {
    let (folder, history) = history();
    let from = -28 * 24 * HOUR;
    let noisy =
        |s: i64| ((s as f64 / 13_751.0).sin() * 40.0 + 60.0 + ((s * 7_919) % 1_000) as f64 / 250.0) * 8.0;
    let month = samples(from, 0, 60, |s| noisy(s).round() / 8.0);
    history.put("x", month, asked(from, 0), at(0)).await.unwrap();
    drop(history);
    let bytes = std::fs::metadata(folder.path().join("history.db")).unwrap().len();
    assert!(bytes < 40_320 * 4, "{bytes} bytes for 40,320 samples");
}

#[tokio::test] // A17, B3
async fn takes_what_lost_scrapes_falsified_for_unknown_for_ever() {
    let (_folder, history) = history();
    let put = async || {
        history.put("x", samples(0, 600, 60, |_| 1.0), asked(0, 600), at(600)).await.unwrap();
    };
    put().await;
    history.darken("x", at(120), at(180)).await.unwrap();
    history.darken("x", at(180), at(300)).await.unwrap();
    put().await;
    let left: Vec<_> = history.read("x", at(0), at(600)).await.unwrap().0;
    let left: Vec<_> = left.iter().map(|s| s.time.as_second() - at(0).as_second()).collect();
    assert_eq!(left, [0, 60, 120, 360, 420, 480, 540]);
}

#[tokio::test] // S9.1
async fn keeps_what_tuning_has_learned_and_the_last_word_counts() {
    let (_folder, history) = history();
    assert_eq!(history.tuning("shop").await.unwrap(), None);
    let numbers = vec![1.0, -0.5, 1e300, f64::INFINITY, 0.1];
    history.keep_tuning("shop", at(0), vec![7.0; 3]).await.unwrap();
    history.keep_tuning("shop", at(86_400), numbers.clone()).await.unwrap();
    assert_eq!(history.tuning("shop").await.unwrap(), Some((at(86_400), numbers)));
    assert_eq!(history.tuning("other").await.unwrap(), None);
}
