//! Lost scrapes do not look lost, they look like falling load. Here they are lost for real.

use std::time::Duration;

use jiff::SignedDuration;
use tidecast::source::{Coverage, Guard, Prometheus, Query, Source};

use crate::servers::{Running, now, prometheus};
use crate::targets::Target;

const TRUE_LOAD: f64 = 400.0;
const WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// What counts as complete.
const COMPLETE: f64 = 0.9;

struct Scene {
    running: Running,
    source: Prometheus,
    guard: Guard,
    targets: Vec<Target>,
}

impl Scene {
    /// Four targets with 100 requests/s each, scraped every second until all is as usual; none if Prometheus is not
    /// installed.
    async fn set() -> Option<Self> {
        let mut targets = Vec::new();
        for _ in 0..4 {
            targets.push(Target::start(TRUE_LOAD / 4.0).await);
        }
        let ports: Vec<_> = targets.iter().map(|target| target.port).collect();
        let running = prometheus(tempfile::tempdir().unwrap(), &ports).await?;
        let query = Query { step_s: 1, ..Query::new("sum(rate(http_requests_total[10s]))") };
        let source = running.source(query, 10_800).1;
        let mut scene = Self { running, source, guard: Guard::default(), targets };
        scene.wait_for_all().await;
        Some(scene)
    }

    async fn wait_for_all(&mut self) {
        for _ in 0..240 {
            if let Ok(Some(count)) = self.source.count(now()).await
                && count.parts[0].targets == 4
                && count.parts[0].samples >= 4.0 * 9.0
            {
                self.guard.accept(&count, Some(4));
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("four targets have not been scraped ten times within a minute");
    }

    /// The newest demand, if there is any, and how much of it is covered.
    async fn look(&mut self) -> (Option<f64>, Coverage) {
        let at = now();
        let coverage = match self.source.count(at).await {
            Ok(Some(count)) => self.guard.judge(&count, WINDOW, Some(4)),
            _ => {
                self.guard.miss();
                Coverage::unknown("no count")
            }
        };
        let since = at - SignedDuration::from_secs(20);
        let taken = self.source.samples(since, at).await;
        let newest = taken.ok().and_then(|taken| taken.samples.0.last().copied());
        (newest.map(|sample| sample.value), coverage)
    }

    /// Looks twice a second for so many seconds. Whatever looks lower than it is must not look complete.
    async fn watch(&mut self, seconds: u32, seen: &mut Vec<(Option<f64>, f64)>) {
        for _ in 0..2 * seconds {
            let (demand, coverage) = self.look().await;
            if coverage.share >= COMPLETE
                && let Some(demand) = demand
            {
                assert!(demand > 0.8 * TRUE_LOAD, "{demand} looks complete ({coverage:?}) after {seen:?}");
            }
            seen.push((demand, coverage.share));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

#[tokio::test] // A17, B3, F3
async fn half_of_the_targets_vanish_and_nothing_looks_complete() {
    let Some(mut scene) = Scene::set().await else { return };
    let mut seen = Vec::new();
    scene.watch(3, &mut seen).await;
    scene.targets.truncate(2);
    seen.clear();
    scene.watch(20, &mut seen).await;
    let lowest = seen.iter().filter_map(|(demand, _)| *demand).fold(f64::INFINITY, f64::min);
    assert!(lowest < 0.7 * TRUE_LOAD, "the demand never seemed to fall: {seen:?}");
    let (demand, coverage) = scene.look().await;
    let doubt = coverage.doubt.map(|doubt| doubt.to_string()).unwrap_or_default();
    assert_eq!(doubt, "2 of 4 targets reporting: this looks like lost scrapes, not lost load", "{demand:?}");
}

#[tokio::test] // B3, F4, F5
async fn prometheus_dies_and_comes_back_and_thin_windows_do_not_look_complete() {
    let Some(mut scene) = Scene::set().await else { return };
    let mut seen = Vec::new();
    scene.running.kill();
    scene.watch(8, &mut seen).await;
    assert!(seen.iter().all(|(demand, share)| demand.is_none() && *share == 0.0), "{seen:?}");
    scene.running.restart().await;
    seen.clear();
    for _ in 0..6 {
        scene.watch(5, &mut seen).await;
        if seen.last().is_some_and(|(_, share)| *share >= COMPLETE) {
            break;
        }
    }
    assert!(seen.iter().any(|(_, share)| *share < COMPLETE), "no window was thin: {seen:?}");
    assert!(seen.last().is_some_and(|(_, share)| *share >= COMPLETE), "no window became full: {seen:?}");
}
