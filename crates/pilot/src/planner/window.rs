use std::collections::VecDeque;

/// For each step, at which of the `width` steps from it on the need is largest; the earliest of several.
///
/// This is how a lead time enters a plan. A server ordered at s serves from s + L, and what is taken away are the newest
/// first, so at t there serve min n(s) over s in [t − L, t]. That covers the need at t exactly if every n(s) of these does;
/// so every order covers the largest need from its own time until L later. Nothing is lost, nothing is bought in vain.
///
/// ```
/// use tidecast_pilot::planner::most_within;
/// assert_eq!(most_within(&[1, 3, 2, 5, 1], 2), [1, 1, 3, 3, 4]);
/// ```
pub fn most_within(needs: &[u32], width: usize) -> Vec<usize> {
    let mut most = vec![0; needs.len()];
    let mut window: VecDeque<usize> = VecDeque::new();
    for step in (0..needs.len()).rev() {
        while window.back().is_some_and(|last| needs[*last] <= needs[step]) {
            window.pop_back();
        }
        window.push_back(step);
        while window.front().is_some_and(|first| *first >= step + width.max(1)) {
            window.pop_front();
        }
        most[step] = window[0];
    }
    most
}

/// The largest of the sizes seen in the last `hold_s` seconds: what keeps a reactive floor from following every dip.
///
/// ```
/// use tidecast_pilot::planner::Held;
/// let mut held = Held::new(600);
/// assert_eq!(held.see(0, 5), 5);
/// assert_eq!(held.see(540, 2), 5);
/// assert_eq!(held.see(601, 1), 2);
/// ```
#[derive(Debug, Clone)]
pub struct Held {
    hold_s: i64,
    /// Ascending in time, descending in size: those that may yet become the largest.
    seen: VecDeque<(i64, u32)>,
}

impl Held {
    /// Holds for so many seconds; what is exactly so old still counts.
    pub fn new(hold_s: i64) -> Self {
        Self { hold_s, seen: VecDeque::new() }
    }

    /// Takes in the size seen at `now_s`, and tells the largest that counts.
    pub fn see(&mut self, now_s: i64, size: u32) -> u32 {
        while self.seen.back().is_some_and(|(_, last)| *last <= size) {
            self.seen.pop_back();
        }
        self.seen.push_back((now_s, size));
        while self.seen.front().is_some_and(|(at, _)| *at < now_s - self.hold_s) {
            self.seen.pop_front();
        }
        self.seen[0].1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_the_largest_of_each_window(needs in proptest::collection::vec(0u32..20, 1..40), width in 1usize..9) {
            for (step, most) in most_within(&needs, width).into_iter().enumerate() {
                let until = (step + width).min(needs.len());
                prop_assert!((step..until).contains(&most));
                prop_assert_eq!(needs[step..until].iter().max(), Some(&needs[most]));
            }
        }

        #[test] // S5.1, B6
        fn serves_every_need_when_each_order_covers_its_lead(
            needs in proptest::collection::vec(0u32..20, 1..40),
            lead in 0usize..8,
        ) {
            let orders: Vec<u32> = most_within(&needs, lead + 1).into_iter().map(|at| needs[at]).collect();
            for (step, need) in needs.iter().enumerate() {
                let serving = orders[step.saturating_sub(lead)..=step].iter().min();
                prop_assert!(serving >= Some(need), "{serving:?} serve {need} at {step}");
            }
        }

        #[test]
        fn holds_the_largest(sizes in proptest::collection::vec(0u32..20, 1..60), hold in 0i64..9) {
            let mut held = Held::new(hold);
            for (now, size) in sizes.iter().enumerate() {
                let from = now.saturating_sub(hold as usize);
                prop_assert_eq!(Some(&held.see(now as i64, *size)), sizes[from..=now].iter().max());
            }
        }
    }
}
