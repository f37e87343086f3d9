use rand_core::Rng;
use rand_pcg::Pcg64;

/// Seeded chance: one stream for each purpose, so that drawing more for one changes nothing of another.
#[derive(Debug, Clone)]
pub struct Chance(Pcg64);

/// What chance is drawn for. The order is part of every seed's meaning: new purposes go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What a seed makes of everything that is chosen once: shapes, sizes, which faults there are.
    World,
    /// Noise of demand.
    Noise,
    /// How long launches take, and which fail.
    Launches,
    /// Measurements that are late, partial or lost.
    Metrics,
    /// Replies that are lost on their way back.
    Replies,
    /// How far off the clock is.
    Clock,
    /// How good forecasts are.
    Forecasts,
    /// What operators do.
    People,
    /// Whether operators say how to size, and what was learned where they do not.
    Ways,
}

impl Chance {
    /// The stream of `seed` for `purpose`.
    pub fn of(seed: u64, purpose: Purpose) -> Self {
        // Neighbouring seeds must not begin alike: a few draws spread them.
        let mut stream = Pcg64::new(u128::from(seed) << 64 | u128::from(!seed), purpose as u128);
        (0..4).for_each(|_| _ = stream.next_u64());
        Self(stream)
    }

    /// A number of [0, 1).
    pub fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number of [from, to).
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.share()
    }

    /// A whole number from `from` to `to`, both included.
    pub fn whole(&mut self, from: i64, to: i64) -> i64 {
        from + (self.share() * (to - from + 1) as f64) as i64
    }

    /// True once in 1/`share` draws.
    pub fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// One of these.
    ///
    /// # Panics
    /// If there is none.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[(self.share() * of.len() as f64) as usize]
    }

    /// A normally distributed number: mean 0, deviation 1.
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.share(), self.share());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_itself_and_keeps_purposes_apart() {
        let draw = |seed, purpose| {
            let mut chance = Chance::of(seed, purpose);
            (0..5).map(|_| chance.whole(0, 1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, Purpose::Noise), draw(7, Purpose::Noise));
        assert_ne!(draw(7, Purpose::Noise), draw(7, Purpose::Clock));
        assert_ne!(draw(7, Purpose::Noise), draw(8, Purpose::Noise));
    }

    #[test]
    fn is_spread_as_it_says() {
        let mut chance = Chance::of(1, Purpose::World);
        let normal: Vec<f64> = (0..20_000).map(|_| chance.normal()).collect();
        let mean = normal.iter().sum::<f64>() / 20_000.0;
        let square = normal.iter().map(|v| v * v).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.02 && (square - 1.0).abs() < 0.03, "{mean} {square}");
        assert!((0..1_000).map(|_| chance.whole(1, 6)).all(|v| (1..=6).contains(&v)));
    }
}
