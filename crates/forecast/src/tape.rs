//! A state as a row of numbers, to be kept and taken up again.

use std::collections::VecDeque;

/// Numbers that a state is written to, or read back from.
///
/// A state tells its numbers once, in [`Taped::tape`], for both directions. What is read back from too few numbers, or
/// too many, is not whole, and whoever reads throws it away.
#[derive(Debug, Clone, PartialEq)]
pub struct Tape {
    /// While it is read, the last one first, so that what was read can be given back.
    numbers: Vec<f64>,
    way: Way,
    torn: bool,
}

/// What becomes of a number that a state tells.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// It is counted, to know how much room all of them need.
    Counted(usize),
    Written,
    Read,
}

/// A state that can be written to a [`Tape`] and read back.
pub trait Taped {
    /// Writes all numbers to the tape, or takes them from it.
    fn tape(&mut self, tape: &mut Tape);
}

/// The most entries that a list on a tape may have: far more than any state has, and no harm to memory.
const LIST_MAX: usize = 1 << 20;
/// After how many numbers read their memory is given back: a state grows while its tape shrinks.
const GIVEN_BACK: usize = 1 << 15;

impl Tape {
    /// All that `state` consists of.
    pub fn of(state: &mut impl Taped) -> Vec<f64> {
        Self::behind(&[], state)
    }

    /// The same behind other numbers. It is told twice: a row that grew as it is written would need twice the room.
    pub(crate) fn behind(head: &[f64], state: &mut impl Taped) -> Vec<f64> {
        let mut tape = Self { numbers: Vec::new(), way: Way::Counted(head.len()), torn: false };
        state.tape(&mut tape);
        if let Way::Counted(count) = std::mem::replace(&mut tape.way, Way::Written) {
            tape.numbers.reserve_exact(count);
        }
        tape.numbers.extend_from_slice(head);
        state.tape(&mut tape);
        tape.numbers
    }

    /// Reads `numbers` back into a state made for the same purpose; false if they do not fit, and then the state is
    /// good for nothing.
    #[must_use]
    pub fn play(numbers: Vec<f64>, state: &mut impl Taped) -> bool {
        Self::play_from(numbers, 0, state)
    }

    /// The same, where what comes before `at` was read already.
    pub(crate) fn play_from(mut numbers: Vec<f64>, at: usize, state: &mut impl Taped) -> bool {
        numbers.reverse();
        numbers.truncate(numbers.len().saturating_sub(at));
        let mut tape = Self { numbers, way: Way::Read, torn: false };
        state.tape(&mut tape);
        !tape.torn && tape.numbers.is_empty()
    }

    /// One number.
    pub fn number(&mut self, number: &mut f64) {
        match &mut self.way {
            Way::Counted(count) => return *count += 1,
            Way::Written => return self.numbers.push(*number),
            Way::Read => match self.numbers.pop() {
                Some(known) => *number = known,
                None => self.torn = true,
            },
        }
        if self.numbers.len().is_multiple_of(GIVEN_BACK) {
            self.numbers.shrink_to_fit();
        }
    }

    /// Some numbers, as many as there are.
    pub fn numbers(&mut self, numbers: &mut [f64]) {
        numbers.iter_mut().for_each(|number| self.number(number));
    }

    /// Some smaller numbers.
    pub fn singles(&mut self, numbers: &mut [f32]) {
        for single in numbers {
            let mut number = f64::from(*single);
            self.number(&mut number);
            *single = number as f32;
        }
    }

    /// A count, below 2⁵³.
    pub fn count(&mut self, count: &mut usize) {
        let mut number = *count as f64;
        self.number(&mut number);
        let whole = number >= 0.0 && number.fract() == 0.0 && number < 2f64.powi(53);
        self.torn |= !whole;
        *count = if whole { number as usize } else { 0 };
    }

    /// Some counts below 2³².
    pub fn counts(&mut self, counts: &mut [u32]) {
        for count in counts {
            let mut whole = *count as usize;
            self.count(&mut whole);
            *count = u32::try_from(whole).unwrap_or_else(|_| {
                self.torn = true;
                0
            });
        }
    }

    /// A count that there may be none of.
    pub fn maybe(&mut self, count: &mut Option<usize>) {
        let mut next = count.map_or(0, |count| count + 1);
        self.count(&mut next);
        *count = next.checked_sub(1);
    }

    /// A number that must be this one, as a version is.
    pub fn same(&mut self, number: f64) {
        let mut known = number;
        self.number(&mut known);
        self.torn |= known != number;
    }

    /// A list of whatever is taped.
    pub fn list<T: Default>(&mut self, list: &mut VecDeque<T>, mut each: impl FnMut(&mut T, &mut Self)) {
        let mut len = list.len();
        self.count(&mut len);
        if self.torn || len > LIST_MAX {
            self.torn = true;
            return;
        }
        list.resize_with(len, T::default);
        for item in list {
            each(item, self);
            if self.torn {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct State {
        number: f64,
        list: VecDeque<f64>,
        gap: Option<usize>,
    }

    impl Taped for State {
        fn tape(&mut self, tape: &mut Tape) {
            tape.same(1.0);
            tape.number(&mut self.number);
            tape.list(&mut self.list, |item, tape| tape.number(item));
            tape.maybe(&mut self.gap);
        }
    }

    #[test]
    fn gives_back_what_was_written_and_nothing_else() {
        let mut state = State { number: 0.1, list: [1.0, f64::INFINITY].into(), gap: Some(0) };
        let numbers = Tape::of(&mut state);
        assert_eq!((numbers.len(), numbers.capacity()), (6, 6));
        let mut read = State::default();
        assert!(Tape::play(numbers.clone(), &mut read));
        assert_eq!(read, state);
        for end in 0..numbers.len() {
            assert!(!Tape::play(numbers[..end].to_vec(), &mut State::default()), "{end} numbers do");
        }
        assert!(!Tape::play([&numbers[..], &[0.0]].concat(), &mut State::default()));
        let mut lying = numbers;
        lying[2] = 1e15;
        assert!(!Tape::play(lying, &mut State::default()), "a list of 10¹⁵ entries");
    }
}
