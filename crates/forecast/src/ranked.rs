//! Values by rank, put in order only where somebody looks.

use crate::calibrated::K;

/// A multiset of finite numbers that is asked for a few order statistics.
///
/// Values that came in order stay in order, and what is added to them is merged. Values that came in any order are parted
/// around the ranks that are asked for, and no further: no value of a part is less than one of a part before it, and a
/// part of one value has the rank where it stands. Between two of those lies at most one larger part.
///
/// # Source
/// Quickselect with its pivots kept: Paredes & Navarro, *Optimal Incremental Sorting*, ALENEX 2006. A value more or less
/// moves one value of each part behind it, as within a part all places are equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranked {
    values: Vec<f64>,
    /// At which rank each part begins; none if all values are in order.
    parts: Option<Vec<usize>>,
}

impl Ranked {
    /// These values, in any order.
    pub(crate) fn of(values: Vec<f64>) -> Self {
        let parts = if values.is_empty() { Vec::new() } else { vec![0] };
        Self { values, parts: Some(parts) }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The order statistics at `level` · (m + 1) for these levels, interpolated; 0 of nothing.
    pub(crate) fn quantiles(&self, levels: &[f64; K]) -> [f64; K] {
        if self.unsettled(levels).next().is_none() {
            return levels.map(|level| self.quantile(level));
        }
        let mut settled = self.clone();
        settled.settle(levels);
        levels.map(|level| settled.quantile(level))
    }

    fn quantile(&self, level: f64) -> f64 {
        let Some((rank, share)) = place(level, self.len()) else { return 0.0 };
        let below = self.values[rank];
        if share > 0.0 { below + share * (self.values[rank + 1] - below) } else { below }
    }

    /// Makes quantiles at these levels quick to have.
    pub(crate) fn settle(&mut self, levels: &[f64; K]) {
        let mut ranks: Vec<usize> = self.unsettled(levels).collect();
        ranks.sort_unstable();
        self.settle_all(&ranks);
    }

    /// The ranks that quantiles at these levels look at, and that nobody has looked at before.
    fn unsettled(&self, levels: &[f64; K]) -> impl Iterator<Item = usize> {
        let places = levels.iter().filter_map(|level| place(*level, self.len()));
        let ranks = places.flat_map(|(rank, share)| rank..=rank + usize::from(share > 0.0));
        ranks.filter(|rank| !self.is_settled(*rank))
    }

    /// The one in the middle first, so that each looks at half of what the one before looked at.
    fn settle_all(&mut self, ranks: &[usize]) {
        let middle = ranks.len() / 2;
        let Some(rank) = ranks.get(middle) else { return };
        self.settle_one(*rank);
        self.settle_all(&ranks[..middle]);
        self.settle_all(&ranks[middle + 1..]);
    }

    fn settle_one(&mut self, rank: usize) {
        let Some((part, from, to)) = self.part_of(rank).filter(|(_, from, to)| from + 1 < *to) else {
            return;
        };
        self.values[from..to].select_nth_unstable_by(rank - from, f64::total_cmp);
        let parts = self.parts.as_mut().expect("a rank lies in a part");
        let begins = [rank, rank + 1].into_iter().filter(|begin| from < *begin && *begin < to);
        parts.splice(part + 1..part + 1, begins);
    }

    fn is_settled(&self, rank: usize) -> bool {
        self.part_of(rank).is_none_or(|(_, from, to)| from + 1 == to)
    }

    /// The part in which the value of this rank lies, and from which rank to which it goes; none if all are in order.
    fn part_of(&self, rank: usize) -> Option<(usize, usize, usize)> {
        let parts = self.parts.as_ref()?;
        let part = parts.partition_point(|begin| *begin <= rank).checked_sub(1)?;
        Some((part, parts[part], parts.get(part + 1).map_or(self.len(), |next| *next)))
    }

    /// Takes in what has come, and takes out what has gone, each once. Both are left empty.
    pub(crate) fn change(&mut self, come: &mut Vec<f64>, gone: &mut Vec<f64>) {
        match self.parts.take() {
            None => self.merge(come, gone),
            Some(parts) => self.exchange(parts, come, gone),
        }
        come.clear();
        gone.clear();
    }

    /// In one pass, where all is in order.
    fn merge(&mut self, come: &mut [f64], gone: &mut [f64]) {
        [&mut *come, gone].into_iter().for_each(|values| values.sort_unstable_by(f64::total_cmp));
        let mut merged = Vec::with_capacity(self.values.len() + come.len());
        let (mut come, mut gone) = (come.iter().peekable(), gone.iter().peekable());
        for value in &self.values {
            while let Some(new) = come.next_if(|new| *new < value) {
                merged.push(*new);
            }
            if gone.next_if(|old| *old == value).is_none() {
                merged.push(*value);
            }
        }
        merged.extend(come);
        self.values = merged;
    }

    /// One by one, where values are parted.
    fn exchange(&mut self, parts: Vec<usize>, come: &[f64], gone: &[f64]) {
        let mut parted = Parted { values: std::mem::take(&mut self.values), parts };
        gone.iter().for_each(|value| parted.remove(*value));
        come.iter().for_each(|value| parted.insert(*value));
        let Parted { values, parts } = parted;
        *self = Self { values, parts: Some(parts) };
    }
}

/// Values in parts.
struct Parted {
    values: Vec<f64>,
    parts: Vec<usize>,
}

impl Parted {
    fn end(&self, part: usize) -> usize {
        self.parts.get(part + 1).map_or(self.values.len(), |next| *next)
    }

    fn is_one(&self, part: usize) -> bool {
        self.parts[part] + 1 == self.end(part)
    }

    /// The first part of one value that is not less, or behind the last part.
    fn not_below(&self, value: f64) -> usize {
        let found = (0..self.parts.len()).find(|i| self.is_one(*i) && self.values[self.parts[*i]] >= value);
        found.unwrap_or(self.parts.len())
    }

    /// The larger part that lies right before this one, if one does.
    fn larger_before(&self, part: usize) -> Option<usize> {
        part.checked_sub(1).filter(|before| !self.is_one(*before))
    }

    fn insert(&mut self, value: f64) {
        let pivot = self.not_below(value);
        let at = self.parts.get(pivot).map_or(self.values.len(), |begin| *begin);
        let alone = self.larger_before(pivot).is_none();
        self.values.push(value);
        for part in (pivot..self.parts.len()).rev() {
            let begin = self.parts[part];
            let end = self.end(part) - 1; // it has begun to move already
            self.values[end] = self.values[begin];
            self.parts[part] += 1;
        }
        self.values[at] = value;
        if alone {
            self.parts.insert(pivot, at);
        }
    }

    fn remove(&mut self, value: f64) {
        let pivot = self.not_below(value);
        let exact = self.parts.get(pivot).is_some_and(|begin| self.values[*begin] == value);
        let part = if exact { Some(pivot) } else { self.larger_before(pivot) };
        let Some(part) = part else { return };
        let (begin, end) = (self.parts[part], self.end(part));
        let Some(at) = self.values[begin..end].iter().position(|known| *known == value) else { return };
        self.values.swap(begin + at, end - 1);
        for next in part + 1..self.parts.len() {
            let (begin, end) = (self.parts[next], self.end(next));
            self.values.swap(begin - 1, end - 1);
            self.parts[next] -= 1;
        }
        self.values.pop();
        if begin + 1 == end {
            self.leave(part);
        }
    }

    /// Takes a part away that is empty; the larger ones beside it become one.
    fn leave(&mut self, part: usize) {
        self.parts.remove(part);
        if part < self.parts.len() && !self.is_one(part) && self.larger_before(part).is_some() {
            self.parts.remove(part);
        }
    }
}

/// Where the quantile at `level` of so many sorted values lies: at a rank, and by which share on the way to the next.
fn place(level: f64, count: usize) -> Option<(usize, f64)> {
    let at = level * (count as f64 + 1.0) - 1.0;
    let last = count.checked_sub(1)?;
    let within = at >= 0.0 && (at as usize) < last;
    Some(if within { (at as usize, at.fract()) } else { (if at < 0.0 { 0 } else { last }, 0.0) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::LEVELS;

    /// Few different ones, so that many are equal.
    fn values(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec((-20i32..20).prop_map(f64::from), count)
    }

    /// Whether no part has a value less than one before it, and of two parts in a row one has a single value.
    fn parted(ranked: &Ranked) -> bool {
        let parts = ranked.parts.as_ref().unwrap();
        let ends = parts.iter().skip(1).copied().chain([ranked.len()]);
        let parts: Vec<&[f64]> =
            parts.iter().zip(ends).map(|(begin, end)| &ranked.values[*begin..end]).collect();
        let most = |part: &[f64]| part.iter().copied().fold(f64::MIN, f64::max);
        let above = |part: &[f64], value: f64| part.iter().all(|known| *known >= value);
        parts.iter().all(|part| !part.is_empty())
            && parts
                .windows(2)
                .all(|two| above(two[1], most(two[0])) && two.iter().any(|part| part.len() == 1))
    }

    proptest! {
        #[test]
        fn says_the_same_in_whatever_order_its_values_came(
            values in values(0..400), come in values(0..20), gone in 0usize..20, settles: [bool; 2],
        ) {
            let mut gone = values[..gone.min(values.len())].to_vec();
            let mut sorted = Ranked::default();
            sorted.change(&mut values.clone(), &mut Vec::new());
            let mut rough = Ranked::of(values);
            for (ranked, settles) in [(&mut sorted, false), (&mut rough, settles[0])] {
                if settles {
                    ranked.settle(&LEVELS);
                }
            }
            prop_assert_eq!(rough.quantiles(&LEVELS), sorted.quantiles(&LEVELS));
            sorted.change(&mut come.clone(), &mut gone.clone());
            rough.change(&mut come.clone(), &mut gone);
            prop_assert!(parted(&rough), "{:?}", rough);
            if settles[1] {
                rough.settle(&LEVELS.map(|level| level * level));
            }
            prop_assert_eq!(rough.quantiles(&LEVELS), sorted.quantiles(&LEVELS));
            prop_assert!(sorted.values.is_sorted());
            rough.values.sort_unstable_by(f64::total_cmp);
            prop_assert_eq!(rough.values, sorted.values);
        }
    }

    #[test]
    fn looks_between_the_ranks_that_are_known() {
        let mut ranked = Ranked::of((0..200).rev().map(f64::from).collect());
        assert_eq!(ranked.part_of(70), Some((0, 0, 200)));
        for rank in [3, 64, 128] {
            ranked.settle_one(rank);
        }
        let parts = [2, 3, 4, 65, 199].map(|rank| ranked.part_of(rank).unwrap());
        assert_eq!(parts, [(0, 0, 3), (1, 3, 4), (2, 4, 64), (4, 65, 128), (6, 129, 200)]);
        assert!([3, 64, 128].iter().all(|rank| ranked.values[*rank] == *rank as f64));
    }
}
