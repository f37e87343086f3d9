use std::time::Duration;

use crate::trouble::Trouble;

/// How often something is tried in one turn. The next turn begins anew.
pub(super) const TRIES: u32 = 3;
/// The longest rest before the second try; it doubles with each.
const REST: Duration = Duration::from_millis(500);

/// Tries again what fails for a reason that passes, after a rest of any length up to the longest: many who failed together do
/// not come back together (F17, F26).
pub(super) async fn persist<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, Trouble>>,
{
    for nth in 1..TRIES {
        match attempt().await {
            Err(trouble) if passes(&trouble) => tokio::time::sleep(rest(nth)).await,
            other => return other,
        }
    }
    attempt().await
}

fn rest(nth: u32) -> Duration {
    let mut bits = [0; 4];
    // Without chance from the system the rest is the middle of all.
    let share = getrandom::fill(&mut bits)
        .map_or(0.5, |()| f64::from(u32::from_le_bytes(bits)) / f64::from(u32::MAX));
    (REST * 2u32.pow(nth - 1)).mul_f64(share)
}

/// Whether the same question may have another answer soon.
fn passes(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Unreachable { .. } | Trouble::Slow { .. } => true,
        Trouble::Answered { status, .. } => *status >= 500 || matches!(status, 408 | 429),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn answered(status: u16) -> Trouble {
        Trouble::Answered { who: "it".into(), status, said: "no".into() }
    }

    #[tokio::test] // F26
    async fn tries_three_times_what_may_pass_and_once_what_may_not() {
        for (status, tries) in [(500, 3), (503, 3), (429, 3), (400, 1), (404, 1), (409, 1)] {
            let tried = Cell::new(0);
            let came = persist(|| {
                tried.set(tried.get() + 1);
                async move { Err::<(), _>(answered(status)) }
            });
            assert_eq!(came.await, Err(answered(status)));
            assert_eq!(tried.get(), tries, "{status}");
        }
    }

    #[tokio::test]
    async fn stops_when_it_has_come_about() {
        let tried = Cell::new(0);
        let came = persist(|| {
            tried.set(tried.get() + 1);
            let nth = tried.get();
            async move { if nth == 2 { Ok(nth) } else { Err(answered(502)) } }
        });
        assert_eq!((came.await, tried.get()), (Ok(2), 2));
    }

    #[test]
    fn rests_are_drawn_from_all_lengths() {
        let rests: Vec<_> = (0..64).map(|_| rest(2)).collect();
        assert!(rests.iter().all(|rest| *rest <= Duration::from_secs(1)));
        assert!(
            rests.iter().max().unwrap().saturating_sub(*rests.iter().min().unwrap())
                > Duration::from_millis(100)
        );
    }
}
