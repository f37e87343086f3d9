use std::ops::Range;

/// The smaller of two costs, neither of which is NaN: one instruction, where `f64::min` takes four.
pub(super) fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// For each rung, a window of rungs from which it may be reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows {
    runs: Vec<Run>,
    /// How many doublings the longest window needs.
    pub(super) doublings: usize,
    /// How far windows reach beyond the first rung and beyond the last.
    beyond: (usize, usize),
}

/// Neighbouring rungs with windows of one shape: two overlapping stretches of a power-of-two length, that begin equally far
/// from each of them. Limits make few shapes, so that a whole run is read in one go, without a look-up for each rung.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    rungs: Range<usize>,
    doublings: usize,
    starts: [isize; 2],
}

impl Windows {
    /// Windows of `rungs` rungs; `window` tells where each begins and ends, its end excluded. They may reach beyond the
    /// rungs, where all is infinite.
    pub(super) fn new(rungs: usize, window: impl Fn(isize) -> (isize, isize)) -> Self {
        let mut windows = Self::default();
        for rung in 0..rungs {
            let (from, until) = window(rung as isize);
            if let Some(log) = until.saturating_sub(from).max(0).checked_ilog2() {
                windows.add(rung, log as usize, [from, until - (1 << log)]);
            }
        }
        for Run { rungs: run, doublings, starts } in &windows.runs {
            let before = run.start as isize + starts[0];
            let after = (run.end - 1) as isize + starts[1] + (1 << doublings) - rungs as isize;
            let (most_before, most_after) = &mut windows.beyond;
            *most_before = (*most_before).max((-before).max(0) as usize);
            *most_after = (*most_after).max(after.max(0) as usize);
            windows.doublings = windows.doublings.max(*doublings);
        }
        windows
    }

    fn add(&mut self, rung: usize, doublings: usize, starts: [isize; 2]) {
        let starts = starts.map(|start| start - rung as isize);
        match self.runs.last_mut() {
            Some(last) if last.rungs.end == rung && (last.doublings, last.starts) == (doublings, starts) => {
                last.rungs.end += 1;
            }
            _ => self.runs.push(Run { rungs: rung..rung + 1, doublings, starts }),
        }
    }
}

/// The least of every stretch of every power-of-two length: filled by doubling, each pass over all rungs at once.
#[derive(Debug)]
pub(super) struct Minima {
    /// `tables[j][before + i]` is the least of the values from rung i to i + 2^j; beyond the rungs all is infinite.
    tables: Vec<Vec<f64>>,
    before: usize,
    rungs: usize,
}

impl Minima {
    /// With room for what all these windows of so many rungs look at.
    pub(super) fn new<'a>(rungs: usize, windows: impl IntoIterator<Item = &'a Windows>) -> Self {
        let (mut doublings, mut before, mut after) = (0, 0, 0);
        for window in windows {
            doublings = doublings.max(window.doublings);
            before = before.max(window.beyond.0);
            after = after.max(window.beyond.1);
        }
        Self { tables: vec![vec![f64::INFINITY; before + rungs + after]; doublings + 1], before, rungs }
    }

    /// Takes in the values of one step, doubled so many times. They begin at the rung `from`; below it all is infinite.
    pub(super) fn fill(&mut self, values: &[f64], from: usize, doublings: usize) {
        debug_assert_eq!(from + values.len(), self.rungs, "the values end with the topmost rung");
        let (first, end) = (self.before + from, self.before + self.rungs);
        self.tables[0][..first].fill(f64::INFINITY);
        self.tables[0][first..end].copy_from_slice(values);
        for level in 1..=doublings {
            let shift = 1 << (level - 1);
            let begin = first.saturating_sub(2 * shift);
            let (done, rest) = self.tables.split_at_mut(level);
            let (shorter, longer) = (&done[level - 1][..end], &mut rest[0][..end]);
            longer[..begin].fill(f64::INFINITY);
            let split = end.saturating_sub(shift).max(begin);
            let later = &shorter[(begin + shift).min(end)..];
            for ((out, a), b) in longer[begin..split].iter_mut().zip(&shorter[begin..split]).zip(later) {
                *out = lesser(*a, *b);
            }
            longer[split..].copy_from_slice(&shorter[split..]);
        }
    }

    /// Lowers each entry of `least`, from the rung `from` on, to the least in its window plus `price`.
    pub(super) fn lower(&self, windows: &Windows, price: f64, from: usize, least: &mut [f64]) {
        let low = windows.runs.partition_point(|run| run.rungs.end <= from);
        for Run { rungs, doublings, starts } in &windows.runs[low..] {
            let rungs = rungs.start.max(from)..rungs.end;
            let table = &self.tables[*doublings];
            let [a, b] = starts.map(|start| {
                let begin = (self.before + rungs.start).strict_add_signed(start);
                &table[begin..begin + rungs.len()]
            });
            for ((out, a), b) in least[rungs].iter_mut().zip(a).zip(b) {
                *out = lesser(*out, lesser(*a, *b) + price);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_the_least_of_every_window(
            values in proptest::collection::vec(0.0f64..9.0, 1..70),
            ends in proptest::collection::vec((-20isize..80, -20isize..90), 70),
            alike in any::<bool>(),
            from in (0usize..70, 0usize..70),
        ) {
            // Either windows of all shapes, or one shape for long runs of rungs.
            let window = |rung: isize| match alike {
                true => (rung + ends[rung as usize / 16].0 - 30, rung + ends[rung as usize / 16].1 - 30),
                false => ends[rung as usize],
            };
            let windows = Windows::new(values.len(), window);
            let mut minima = Minima::new(values.len(), [&windows]);
            // What an earlier step left behind must not matter.
            minima.fill(&vec![-1.0; values.len()], 0, windows.doublings);
            let (from, asked) = (from.0.min(values.len()), from.1.min(values.len()));
            minima.fill(&values[from..], from, windows.doublings);
            let mut least = vec![f64::INFINITY; values.len()];
            minima.lower(&windows, 0.5, asked, &mut least);
            for (rung, least) in least.into_iter().enumerate() {
                let (begin, end) = window(rung as isize);
                let inside = (begin.max(from as isize)..end.min(values.len() as isize)).filter(|_| rung >= asked);
                let expected = inside.map(|i| values[i as usize] + 0.5).fold(f64::INFINITY, f64::min);
                prop_assert_eq!(least, expected);
            }
        }
    }
}
