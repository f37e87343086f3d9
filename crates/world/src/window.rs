/// The most of the newest value and those of some minutes before, in constant time a minute.
#[derive(Debug, Clone)]
pub(crate) struct Window<T> {
    reach: usize,
    now: usize,
    falling: std::collections::VecDeque<(usize, T)>,
}

impl<T: Copy + PartialOrd> Window<T> {
    /// Over the newest value and the `reach` before it.
    pub(crate) fn of(reach: usize) -> Self {
        Self { reach, now: 0, falling: Default::default() }
    }

    /// Takes the next value in and gives the most of the window.
    pub(crate) fn most(&mut self, value: T) -> T {
        while self.falling.back().is_some_and(|(_, v)| *v <= value) {
            self.falling.pop_back();
        }
        self.falling.push_back((self.now, value));
        if self.falling.front().is_some_and(|(at, _)| at + self.reach < self.now) {
            self.falling.pop_front();
        }
        self.now += 1;
        self.falling.front().expect("the newest value is in the window").1
    }
}
