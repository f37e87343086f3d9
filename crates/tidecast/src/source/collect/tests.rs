use std::sync::Mutex;

use async_trait::async_trait;
use tidecast_pilot::Quality;

use super::*;
use crate::source::{Count, Part};

const STEP: SignedDuration = SignedDuration::from_mins(1);
const WINDOW: SignedDuration = SignedDuration::from_hours(28 * 24);

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + 60 * minute).unwrap()
}

/// A scraped fleet of four servers with 100 requests/s each, some of which may not be scraped.
#[derive(Debug, Default)]
struct Fleet {
    asked: Mutex<Vec<(Timestamp, Timestamp)>>,
    /// From a minute on, so many are scraped; or the source is down.
    scraped: Mutex<Vec<(i64, Option<u32>)>>,
}

impl Fleet {
    fn scraped(&self, minute: i64) -> Option<u32> {
        let scraped = self.scraped.lock().unwrap();
        scraped.iter().rev().find(|(from, _)| *from <= minute).map_or(Some(4), |(_, scraped)| *scraped)
    }

    fn minute(time: Timestamp) -> i64 {
        (time.as_second() - at(0).as_second()).div_euclid(60)
    }
}

#[async_trait]
impl Source for Fleet {
    fn name(&self) -> String {
        "fleet".into()
    }

    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        if self.scraped(Self::minute(until)).is_none() {
            return Err(Trouble::Slow { who: "fleet".into(), limit_ms: 1 });
        }
        self.asked.lock().unwrap().push((since, until));
        let minutes = Self::minute(since + SignedDuration::from_secs(59))..=Self::minute(until);
        let samples = minutes.filter_map(|minute| {
            Some(Sample { time: at(minute), value: 100.0 * f64::from(self.scraped(minute)?) })
        });
        Ok(Taken { samples: Samples(samples.collect()), ..Taken::default() })
    }

    async fn count(&self, now: Timestamp) -> Result<Option<Count>, Trouble> {
        let scraped =
            self.scraped(Self::minute(now)).ok_or(Trouble::Slow { who: "fleet".into(), limit_ms: 1 })?;
        let part = Part { targets: scraped, series: scraped, samples: 5.0 * f64::from(scraped) };
        Ok(Some(Count { at: now, parts: vec![part], newest: Some(now) }))
    }
}

async fn collector() -> (tempfile::TempDir, Arc<Fleet>, Collector) {
    let folder = tempfile::tempdir().unwrap();
    let history = Arc::new(History::open(&folder.path().join("history.db")).unwrap());
    let fleet = Arc::new(Fleet::default());
    let collector = Collector::new(fleet.clone(), history, "shop", WINDOW, STEP);
    (folder, fleet, collector)
}

#[tokio::test] // S3.3
async fn asks_for_no_more_than_is_new_and_a_little_for_latecomers() {
    let (_folder, fleet, mut collector) = collector().await;
    for minute in [0, 1, 2, 62, 63] {
        collector.look(at(minute), Some(4)).await.unwrap();
    }
    let spans: Vec<_> =
        fleet.asked.lock().unwrap().iter().map(|(s, u)| (Fleet::minute(*s), Fleet::minute(*u))).collect();
    // How far it has come is noted every five minutes.
    assert_eq!(spans, [(-120, 0), (-15, 1), (-15, 2), (-120, 62), (47, 63)]);
}

#[tokio::test] // S3.3, A3
async fn fills_four_weeks_back_in_chunks_and_goes_on_where_it_was() {
    let (_folder, fleet, mut collector) = collector().await;
    collector.look(at(0), Some(4)).await.unwrap();
    let mut shares = Vec::new();
    let remarks = collector
        .back_fill()
        .run(at(0), |progress| shares.push((100.0 * progress.share) as i64))
        .await
        .unwrap();
    assert!(remarks.is_empty());
    assert_eq!((shares.len(), shares[0], shares[14], shares[28]), (29, 0, 50, 100));
    let month = collector.history.read("shop", at(-28 * 1_440), at(0)).await.unwrap();
    assert_eq!(month.0.len(), 28 * 1_440 + 1);
    fleet.asked.lock().unwrap().clear();
    collector.back_fill().run(at(0), |_| ()).await.unwrap();
    assert!(fleet.asked.lock().unwrap().is_empty());
}

#[tokio::test] // A17, B3, F3
async fn holds_what_half_of_the_targets_say_for_no_evidence_and_for_no_history() {
    let (_folder, fleet, mut collector) = collector().await;
    fleet.scraped.lock().unwrap().extend([(20, Some(2)), (30, Some(4))]);
    for minute in 0..60 {
        let collected = collector.look(at(minute), Some(4)).await.unwrap();
        let lost = (20..30).contains(&minute);
        assert_eq!(collected.coverage.share, if lost { 0.5 } else { 1.0 });
        let quality = collector.evidence().quality(at(minute), SignedDuration::from_mins(10));
        match minute {
            0..7 => assert!(matches!(quality, Quality::Thin { .. }), "{minute}: {quality}"),
            // What was measured in the minute before the targets were back is believed as little as the look before it.
            7..20 | 41..60 => assert_eq!(quality, Quality::Complete, "{minute}"),
            _ => assert!(!quality.is_complete(), "{minute}: {quality}"),
        }
    }
    let history = collector.history.read("shop", at(0), at(59)).await.unwrap();
    assert!(history.0.iter().all(|sample| sample.value == 400.0));
    assert_eq!(history.0.len(), 60 - 10);
}

#[tokio::test] // F5
async fn is_no_evidence_until_a_window_is_full_after_the_source_was_away() {
    let (_folder, fleet, mut collector) = collector().await;
    fleet.scraped.lock().unwrap().extend([(20, None), (30, Some(4))]);
    for minute in 0..50 {
        let looked = collector.look(at(minute), Some(4)).await;
        assert_eq!(looked.is_err(), (20..30).contains(&minute));
    }
    let quality = |minute| collector.evidence().quality(at(minute), SignedDuration::from_mins(10));
    assert!(!quality(35).is_complete());
    assert_eq!(quality(49), Quality::Complete);
}

/// Demand that moves until a minute, and is one and the same from then on.
#[derive(Debug)]
struct Stuck(i64);

#[async_trait]
impl Source for Stuck {
    fn name(&self) -> String {
        "stuck".into()
    }

    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let minutes = Fleet::minute(since + SignedDuration::from_secs(59))..=Fleet::minute(until);
        let value = |minute: i64| 100.0 + (minute.min(self.0) % 17) as f64;
        let samples = minutes.map(|minute| Sample { time: at(minute), value: value(minute) });
        Ok(Taken { samples: Samples(samples.collect()), ..Taken::default() })
    }

    async fn count(&self, now: Timestamp) -> Result<Option<Count>, Trouble> {
        let part = Part { targets: 4, series: 4, samples: 20.0 };
        Ok(Some(Count { at: now, parts: vec![part], newest: Some(now) }))
    }
}

#[tokio::test] // F6
async fn takes_a_source_that_repeats_its_last_word_for_no_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let history = Arc::new(History::open(&folder.path().join("history.db")).unwrap());
    let mut collector = Collector::new(Arc::new(Stuck(60)), history, "shop", WINDOW, STEP);
    for minute in 0..90 {
        let collected = collector.look(at(minute), Some(4)).await.unwrap();
        let frozen = matches!(collected.coverage.doubt, Some(Doubt::Frozen { .. }));
        assert_eq!(frozen, minute >= 63, "{minute}: {:?}", collected.coverage);
    }
    let quality = collector.evidence().quality(at(89), SignedDuration::from_mins(10));
    assert!(!quality.is_complete(), "{quality}");
    let said = collector.look(at(90), Some(4)).await.unwrap().coverage.doubt.unwrap().to_string();
    assert!(said.starts_with("31 measurements in a row are the same where 1 are usual"), "{said}");
}
