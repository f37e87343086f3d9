use jiff::Timestamp;

/// What a run did, minute by minute, after the decisions taken at the start of each minute.
///
/// Invariant: as many entries of each kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The first minute.
    pub start: Timestamp,
    /// Minutes from a launch until it serves.
    pub start_min: usize,
    /// Demand that one server serves in a minute.
    pub throughput: f64,
    /// Demand of each minute.
    pub demand: Vec<f64>,
    /// Servers that serve during it.
    pub ready: Vec<u32>,
    /// Servers billed: those ready and those starting.
    pub total: Vec<u32>,
}

impl Timeline {
    /// Minutes.
    pub fn minutes(&self) -> usize {
        self.demand.len()
    }

    /// Servers that each minute's demand needs; none where there is no demand.
    pub fn need(&self) -> Vec<u32> {
        need(&self.demand, self.throughput)
    }

    /// The part from minute `from` on.
    pub fn since(&self, from: usize) -> Self {
        Self {
            start: Timestamp::from_second(self.start.as_second() + 60 * from as i64)
                .expect("a minute of a trace has a timestamp"),
            demand: self.demand[from..].to_vec(),
            ready: self.ready[from..].to_vec(),
            total: self.total[from..].to_vec(),
            ..*self
        }
    }

    /// What no cloud could have done: an entry for each kind of breach, empty for a possible timeline.
    ///
    /// Who serves in minute t was launched at least the start-up time before, and has been billed since.
    pub fn breaches(&self) -> Vec<String> {
        let low = sliding(&self.total, self.start_min, u32::min);
        let mut found = Vec::new();
        let mut count = |what: &str, bad: &dyn Fn(usize) -> bool| {
            let minutes: Vec<_> = (0..self.minutes()).filter(|t| bad(*t)).collect();
            if let Some(first) = minutes.first() {
                found.push(format!("{what}: {} minutes, the first is minute {first}", minutes.len()));
            }
        };
        count("more servers ready than billed", &|t| self.ready[t] > self.total[t]);
        count("servers ready that were not billed for the whole start-up before", &|t| {
            self.ready[t] > low[t] && self.ready[t] <= self.total[t]
        });
        found
    }
}

/// Servers that each demand needs, rounded up.
pub(crate) fn need(demand: &[f64], throughput: f64) -> Vec<u32> {
    demand.iter().map(|d| (d / throughput - 1e-9).ceil().max(0.0) as u32).collect()
}

/// At each place the `best` of it and the `reach` places before.
pub(crate) fn sliding<T: Copy + PartialEq>(values: &[T], reach: usize, best: fn(T, T) -> T) -> Vec<T> {
    let mut window: std::collections::VecDeque<(usize, T)> = Default::default();
    let mut out = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        while window.back().is_some_and(|(_, v)| best(*v, *value) == *value) {
            window.pop_back();
        }
        window.push_back((i, *value));
        while window.front().is_some_and(|(at, _)| at + reach < i) {
            window.pop_front();
        }
        out.push(window.front().expect("the newest value is in the window").1);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn slides_as_looking_back_each_time_would(values in proptest::collection::vec(0u32..9, 1..60), reach in 0usize..8) {
            let plain: Vec<u32> = (0..values.len())
                .map(|i| *values[i.saturating_sub(reach)..=i].iter().max().unwrap())
                .collect();
            prop_assert_eq!(sliding(&values, reach, u32::max), plain);
        }
    }

    #[test]
    fn names_servers_that_serve_before_they_have_started() {
        let timeline = Timeline {
            start: Timestamp::UNIX_EPOCH,
            start_min: 2,
            throughput: 1.0,
            demand: vec![1.0; 4],
            ready: vec![1, 1, 2, 3],
            total: vec![1, 2, 2, 2],
        };
        let breaches = timeline.breaches();
        assert_eq!(breaches.len(), 2, "{breaches:?}");
        assert!(breaches[0].contains("more servers ready than billed: 1 minutes, the first is minute 3"));
        assert!(breaches[1].contains("1 minutes, the first is minute 2"));
    }
}
