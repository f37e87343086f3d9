use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::ask::{Failed, Why};
use crate::trouble::Trouble;

/// What a server that asks for patience has closed: nobody asks it before then.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Option<Instant>>);

/// The longest patience that is given at once; who wants more says so again.
const PATIENCE_MAX: Duration = Duration::from_secs(60);

impl Gate {
    /// Closes it for so long, if it is not closed for longer.
    pub(super) fn shut(&self, long: Duration) {
        let until = Instant::now() + long.min(PATIENCE_MAX);
        let mut shut = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *shut = Some(shut.map_or(until, |before| before.max(until)));
    }

    /// Waits until it is open, and then for a moment drawn by chance, so that not all come at once.
    pub(super) async fn pass(&self, who: &str, until: Instant) -> Result<(), Failed> {
        let shut = *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(open) = shut.filter(|open| *open > Instant::now()) else { return Ok(()) };
        let open = open + jitter(Duration::from_secs(1));
        if open >= until {
            let said = format!("asks for patience, for {} s more", (open - Instant::now()).as_secs() + 1);
            return Err(Failed {
                why: Why::Busy,
                trouble: Trouble::Answered { who: who.into(), status: 429, said },
            });
        }
        tokio::time::sleep_until(open).await;
        Ok(())
    }
}

/// Any time between nothing and `most`, so that those who failed together do not come back together.
pub(super) fn jitter(most: Duration) -> Duration {
    let share = getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / f64::from(u32::MAX));
    most.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test] // F26
    async fn lets_nobody_through_before_the_server_wants_it() {
        let (gate, start) = (Gate::default(), Instant::now());
        gate.shut(Duration::from_millis(300));
        gate.shut(Duration::from_millis(100));
        let refused = gate.pass("the cluster", start + Duration::from_millis(200)).await.unwrap_err();
        assert_eq!(refused.why, Why::Busy);
        gate.pass("the cluster", start + Duration::from_secs(30)).await.unwrap();
        let waited = start.elapsed();
        assert!((0.3..1.6).contains(&waited.as_secs_f64()), "{waited:?}");
        gate.pass("the cluster", start).await.unwrap();
    }
}
