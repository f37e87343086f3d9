use super::Shape;
use super::view::{FEATURES, Sight};
use crate::linalg::{dot, solve_spd};
use crate::{Tape, Taped};

/// Features, an intercept, and what lets it depend on the level.
const TERMS: usize = FEATURES + 3;
/// A row of the regression.
pub(super) type Terms = [f64; TERMS];

/// Days after which a row counts half.
const HALF_LIFE_DAYS: f64 = 14.0;
/// The ridge, as a share of the diagonal.
const RIDGE: f64 = 5e-3;
/// Deviations beyond this many mean ones count less (Huber).
const HUBER: f64 = 2.5;

/// Linear in the features, one for each step of a bin; solved once a day, forgetting slowly.
#[derive(Debug, Clone)]
pub(super) struct Regression {
    shape: Shape,
    gram: Vec<[f64; TERMS * TERMS]>,
    rhs: Vec<[f64; TERMS]>,
    weights: Vec<[f64; TERMS]>,
    usual: f64,
    rows: usize,
}

impl Regression {
    pub(super) fn new(shape: Shape) -> Self {
        let phases = shape.bin;
        Self {
            shape,
            gram: vec![[0.0; TERMS * TERMS]; phases],
            rhs: vec![[0.0; TERMS]; phases],
            weights: vec![[0.0; TERMS]; phases],
            usual: 0.0,
            rows: 0,
        }
    }

    /// The expected deviation from the base, in scales.
    pub(super) fn point(&self, at: usize, terms: &Terms) -> f64 {
        dot(&self.weights[at % self.shape.bin], terms)
    }

    pub(super) fn learn(&mut self, at: usize, terms: &Terms, off: f64, said: f64) {
        self.rows += 1;
        let share = (1.0 / self.rows as f64).max(1.0 / (2 * self.shape.day) as f64);
        let error = (off - said).abs();
        self.usual += share * (error - self.usual);
        let weight = 1.0 / (error / (HUBER * self.usual + 1e-12)).max(1.0);
        let phase = at % self.shape.bin;
        let (gram, rhs) = (&mut self.gram[phase], &mut self.rhs[phase]);
        for i in 0..TERMS {
            let weighted = weight * terms[i];
            rhs[i] += weighted * off;
            for j in 0..=i {
                gram[i * TERMS + j] += weighted * terms[j];
            }
        }
    }

    /// Takes a day's rows into the weights.
    pub(super) fn solve(&mut self) {
        let keep = 0.5f64.powf(1.0 / HALF_LIFE_DAYS);
        for ((gram, rhs), weights) in self.gram.iter_mut().zip(&mut self.rhs).zip(&mut self.weights) {
            let mut matrix = *gram;
            let most = (0..TERMS).map(|i| gram[i * TERMS + i]).fold(0.0, f64::max);
            for i in 0..TERMS {
                matrix[i * TERMS + i] += RIDGE * gram[i * TERMS + i] + 1e-9 * most + 1e-12;
            }
            if !solve_spd(&mut matrix, rhs, weights) {
                *weights = [0.0; TERMS];
            }
            gram.iter_mut().chain(rhs).for_each(|v| *v *= keep);
        }
    }
}

impl Taped for Regression {
    fn tape(&mut self, tape: &mut Tape) {
        // The lower triangle: nothing else of the Gram matrix is used.
        for gram in &mut self.gram {
            (0..TERMS).for_each(|i| tape.numbers(&mut gram[i * TERMS..=i * TERMS + i]));
        }
        self.rhs.iter_mut().chain(&mut self.weights).for_each(|row| tape.numbers(row));
        tape.number(&mut self.usual);
        tape.count(&mut self.rows);
    }
}

/// Of one row. The level's root stands for itself and for its inverse.
pub(super) fn terms(sight: &Sight, scale: f64) -> Terms {
    let mut terms = [1.0; TERMS];
    terms.iter_mut().zip(sight.features).for_each(|(term, feature)| *term = feature / scale);
    terms[FEATURES + 1] = sight.root / scale;
    terms[FEATURES + 2] = 0.15 * sight.mean_root / sight.root;
    terms
}
