/// The smaller of two costs, neither of which is NaN: one instruction, where `f64::min` takes four.
pub(super) fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// For each rung, a window of rungs from which it may be reached; empty windows have no length.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows {
    /// As two overlapping stretches of a power-of-two length each: which length, and where they begin.
    halves: Vec<(u8, u32, u32)>,
    /// How many doublings the longest window needs.
    doublings: usize,
}

impl Windows {
    /// Windows of `rungs` rungs; `window` tells where each begins and ends, its end excluded.
    pub(super) fn new(rungs: usize, window: impl Fn(usize) -> (usize, usize)) -> Self {
        let half = |rung: usize| {
            let (from, until) = window(rung);
            match until.saturating_sub(from).checked_ilog2() {
                None => (0, rungs as u32, rungs as u32),
                Some(log) => (log as u8, from as u32, (until - (1 << log)) as u32),
            }
        };
        let halves: Vec<_> = (0..rungs).map(half).collect();
        let doublings = halves.iter().map(|(log, ..)| usize::from(*log)).max().unwrap_or(0);
        Self { halves, doublings }
    }
}

/// The least of every stretch of every power-of-two length: filled by doubling, each pass over all rungs at once.
#[derive(Debug, Default)]
pub(super) struct Minima {
    /// `tables[j][i]` is the least of `values[i..i + 2^j]`, cut off at the end; one infinite entry follows.
    tables: Vec<Vec<f64>>,
}

impl Minima {
    /// Takes in the values of one step, as far as `windows` look. They begin at the rung `from`; below it all is infinite.
    pub(super) fn fill(&mut self, values: &[f64], from: usize, windows: &Windows) {
        let rungs = from + values.len();
        if self.tables.len() <= windows.doublings {
            self.tables.resize_with(windows.doublings + 1, || vec![f64::INFINITY; rungs + 1]);
        }
        self.tables[0][..from].fill(f64::INFINITY);
        self.tables[0][from..rungs].copy_from_slice(values);
        for level in 1..=windows.doublings {
            let shift = 1 << (level - 1);
            let (begin, end) = (from.saturating_sub(2 * shift), rungs.saturating_sub(shift).max(from));
            let (done, rest) = self.tables.split_at_mut(level);
            let (shorter, longer) = (&done[level - 1][..rungs], &mut rest[0][..rungs]);
            longer[..begin].fill(f64::INFINITY);
            let later = &shorter[(begin + shift).min(rungs)..];
            for ((out, a), b) in longer[begin..end].iter_mut().zip(&shorter[begin..end]).zip(later) {
                *out = lesser(*a, *b);
            }
            longer[end..].copy_from_slice(&shorter[end..]);
        }
    }

    /// The least in the window of each rung, in order.
    pub(super) fn least<'a>(&'a self, windows: &'a Windows) -> impl Iterator<Item = f64> + 'a {
        windows.halves.iter().map(|(level, first, second)| {
            let table = &self.tables[usize::from(*level)];
            lesser(table[*first as usize], table[*second as usize])
        })
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
            ends in proptest::collection::vec((0usize..80, 0usize..80), 70),
            from in 0usize..70,
        ) {
            let window = |rung: usize| (ends[rung].0.min(values.len()), ends[rung].1.min(values.len()));
            let windows = Windows::new(values.len(), window);
            let mut minima = Minima::default();
            // What an earlier step left behind must not matter.
            minima.fill(&vec![-1.0; values.len()], 0, &windows);
            let from = from.min(values.len());
            minima.fill(&values[from..], from, &windows);
            let values: Vec<f64> = (0..values.len()).map(|i| if i < from { f64::INFINITY } else { values[i] }).collect();
            for (rung, least) in minima.least(&windows).enumerate() {
                let (from, until) = window(rung);
                let expected = values.get(from..until).unwrap_or(&[]).iter().copied().fold(f64::INFINITY, f64::min);
                prop_assert_eq!(least, expected);
            }
        }
    }
}
