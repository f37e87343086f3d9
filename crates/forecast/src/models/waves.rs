//! Dynamic harmonic regression: sine waves, a trend, and what the errors say.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Tape;
use crate::linalg::{dot, factor, solve_factored, solve_spd};
use crate::method::{Method, Walker, maybe, row};
use crate::past::{Past, Running, positive};

/// Sine waves of the day and the week plus a trend, and a regression on their recent errors for each lead.
///
/// # What it assumes
/// That the season is smooth: fourteen waves a day and ten a week, fitted in square roots to the last four weeks, the
/// newer counting more.
///
/// # When it shines
/// With little history, where a profile slot by slot is still noise; on smooth series.
///
/// # When it fails
/// On sharp edges, which waves round off, and on bursts.
///
/// # Source
/// Hyndman & Athanasopoulos, *Forecasting: Principles and Practice*, section 10.5 (Fourier terms with autocorrelated
/// errors). The waves are renewed once a day by weighted least squares, weight 0.85 a week.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::Waves};
/// assert_eq!(Calibrated::new(Waves::weeks(4), Leads::knots()).name(), "waves_4w");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waves {
    /// Waves a day.
    pub daily: usize,
    /// Waves a week, those that are a day's left out.
    pub weekly: usize,
    /// Weeks looked at.
    pub weeks: usize,
    /// What a week-old value counts.
    pub decay: f64,
}

impl Waves {
    /// Fitted to the last two, four or eight weeks; two weeks bear fewer waves and forget faster.
    pub fn weeks(weeks: usize) -> Self {
        match weeks {
            ..=2 => Self { daily: 8, weekly: 7, weeks: 2, decay: 0.5 },
            _ => Self { daily: 14, weekly: 10, weeks, decay: 0.85 },
        }
    }
}

impl Method for Waves {
    fn name(&self) -> &'static str {
        match self.weeks {
            ..=2 => "waves_2w",
            3..=4 => "waves_4w",
            _ => "waves_8w",
        }
    }

    fn start(&self, empty: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let basis = Basis::shared(self, empty.day, empty.week);
        Box::new(Fitting {
            spec: *self,
            basis,
            leads: leads.to_vec(),
            season: None,
            errors: Vec::new(),
            factors: Factors::default(),
        })
    }
}

/// All waves at each slot of the week: they recur, so they are made once, for all series.
struct Basis {
    week: usize,
    /// Waves and the constant, a row for each slot.
    rows: Vec<f64>,
    p: usize,
}

/// Of waves by the day, waves by the week, and the steps of each.
type Key = [usize; 4];

/// How many bases are remembered; each is 0.76 MB where steps are five minutes.
const BASES_MAX: usize = 4;

impl Basis {
    /// The basis that was made before for the same waves, if it is one of the latest.
    fn shared(spec: &Waves, day: usize, week: usize) -> Arc<Self> {
        static LATEST: Mutex<VecDeque<(Key, Arc<Basis>)>> = Mutex::new(VecDeque::new());
        let key = [spec.daily, spec.weekly, day, week];
        let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, basis)) = latest.iter().find(|(known, _)| *known == key) {
            return basis.clone();
        }
        let basis = Arc::new(Self::new(spec, day, week));
        latest.truncate(BASES_MAX - 1);
        latest.push_front((key, basis.clone()));
        basis
    }

    fn new(spec: &Waves, day: usize, week: usize) -> Self {
        let daily = (1..=spec.daily.min(day / 2 - 1)).map(|k| k as f64 / day as f64);
        let weekly = (1..=spec.weekly).filter(|k| k % 7 != 0).map(|k| k as f64 / week as f64);
        let frequencies: Vec<f64> = daily.chain(weekly).collect();
        let p = 1 + 2 * frequencies.len();
        let mut rows = Vec::with_capacity(week * p);
        for slot in 0..week {
            rows.push(1.0);
            for f in &frequencies {
                let (sin, cos) = (TAU * f * slot as f64).sin_cos();
                rows.extend([sin, cos]);
            }
        }
        Self { week, rows, p }
    }

    fn row(&self, t: usize) -> &[f64] {
        let slot = t % self.week;
        &self.rows[slot * self.p..(slot + 1) * self.p]
    }
}

/// The waves in force: their coefficients, the trend, and the residuals that they leave.
#[derive(Clone, Default)]
struct Season {
    beta: Vec<f64>,
    trend: f64,
    /// The day's start at which they were fitted, and the first time looked at.
    made: usize,
    from: usize,
    residual: Running,
}

#[derive(Clone)]
struct Fitting {
    spec: Waves,
    basis: Arc<Basis>,
    leads: Vec<usize>,
    season: Option<Season>,
    /// For each lead the regression on recent errors.
    errors: Vec<[f64; ERRORS]>,
    factors: Factors,
}

/// The factored normal equations. They do not depend on the data, only on how much of it there is and at which day
/// of the week it ends; so seven of them serve for ever once the window is full.
#[derive(Clone, Default)]
struct Factors {
    full: [Option<Arc<Vec<f64>>>; 7],
    other: Vec<f64>,
}

impl Factors {
    /// The Cholesky factor for `len` values before `made`.
    fn of(&mut self, spec: &Waves, basis: &Basis, len: usize, made: usize) -> Option<&[f64]> {
        if len < spec.weeks * basis.week {
            self.other = factored(spec, basis, len, made)?;
            return Some(&self.other);
        }
        let slot = &mut self.full[made % basis.week * 7 / basis.week];
        if slot.is_none() {
            *slot = Some(Arc::new(factored(spec, basis, len, made)?));
        }
        slot.as_deref().map(Vec::as_slice)
    }
}

fn factored(spec: &Waves, basis: &Basis, len: usize, made: usize) -> Option<Vec<f64>> {
    let p = basis.p + 1;
    let mut gram = vec![0.0; p * p];
    let mut row = vec![0.0; p];
    let fading = spec.decay.powf(1.0 / basis.week as f64);
    let mut w = 1.0;
    for back in 1..=len {
        w *= fading;
        row[..p - 1].copy_from_slice(basis.row(made - back));
        row[p - 1] = -(back as f64) / basis.week as f64;
        for i in 0..p {
            let wx = w * row[i];
            gram[i * p..=i * p + i].iter_mut().zip(&row).for_each(|(g, x)| *g += wx * x);
        }
    }
    let least = 1e-5 * len as f64;
    (0..p).for_each(|i| gram[i * p + i] += least);
    factor(&mut gram, p).then_some(gram)
}

/// Features of the regression on recent errors.
const ERRORS: usize = 7;

impl Season {
    fn at(&self, basis: &Basis, t: usize) -> f64 {
        let weeks = (t as f64 - self.made as f64) / basis.week as f64;
        dot(&self.beta, basis.row(t)) + self.trend * weeks.min(0.15)
    }

    /// The residuals up to now, where they are not there: they follow from the rest.
    fn trace(&mut self, basis: &Basis, past: &Past) {
        let z = past.root.z.values();
        let known = self.from + self.residual.len();
        if self.beta.len() != basis.p || self.made > z.len() || known >= z.len() {
            return;
        }
        for t in known..z.len() {
            self.residual.push(z[t] - self.at(basis, t));
        }
    }
}

impl Fitting {
    /// Weighted least squares over the last weeks; none if it cannot be solved.
    fn fit(&mut self, past: &Past) -> Option<Season> {
        let made = past.now();
        let from = made.saturating_sub(self.spec.weeks * past.week);
        let rhs = self.right_side(&past.root.z.values()[from..made], made);
        let mut beta = vec![0.0; rhs.len()];
        solve_factored(self.factors.of(&self.spec, &self.basis, made - from, made)?, &rhs, &mut beta);
        Some(self.season(past, beta, from, made))
    }

    fn right_side(&self, z: &[f64], made: usize) -> Vec<f64> {
        let p = self.basis.p;
        let mut rhs = vec![0.0; p + 1];
        let fading = self.spec.decay.powf(1.0 / self.basis.week as f64);
        let mut w = 1.0;
        for (back, z) in z.iter().rev().enumerate() {
            w *= fading;
            let wz = w * z;
            let row = self.basis.row(made - 1 - back);
            rhs[..p].iter_mut().zip(row).for_each(|(r, x)| *r += wz * x);
            rhs[p] -= wz * (back + 1) as f64 / self.basis.week as f64;
        }
        rhs
    }

    fn season(&self, past: &Past, mut beta: Vec<f64>, from: usize, made: usize) -> Season {
        let trend = beta.pop().expect("the trend is the last coefficient");
        let mut season = Season { beta, trend, made, from, residual: Running::default() };
        for t in from..made {
            let residual = past.root.z.values()[t] - season.at(&self.basis, t);
            season.residual.push(residual);
        }
        season
    }

    /// How the errors known at `t` (counted from the season's start) foretell the one `lead` later.
    fn features(&self, season: &Season, past: &Past, t: usize, lead: usize) -> [f64; ERRORS] {
        let i = t as i64;
        let r = &season.residual;
        let back = |period: usize| r.at(i + lead as i64 - (lead.div_ceil(period) * period) as i64);
        let hour = past.steps(3600);
        [
            r.at(i),
            r.at(i - 1),
            r.at(i - 2),
            back(past.day),
            back(past.week),
            r.trailing(i, hour),
            r.trailing(i, past.day),
        ]
    }

    fn fit_errors(&self, season: &Season, past: &Past, lead: usize) -> [f64; ERRORS] {
        let r = season.residual.values();
        let (mut gram, mut rhs) = ([0.0; ERRORS * ERRORS], [0.0; ERRORS]);
        for t in 0..r.len().saturating_sub(lead) {
            let x = self.features(season, past, t, lead);
            if x.iter().any(|v| !v.is_finite()) {
                continue;
            }
            for i in 0..ERRORS {
                rhs[i] += x[i] * r[t + lead];
                (0..=i).for_each(|j| gram[i * ERRORS + j] += x[i] * x[j]);
            }
        }
        (0..ERRORS).for_each(|i| gram[i * ERRORS + i] = 1.01 * gram[i * ERRORS + i] + 1e-9);
        let mut beta = [0.0; ERRORS];
        solve_spd(&mut gram, &rhs, &mut beta);
        beta
    }
}

impl Walker for Fitting {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        let now = past.now();
        let due = now >= 2 * past.week && now.is_multiple_of(past.day);
        if let Some(season) = due.then(|| self.fit(past)).flatten() {
            self.errors = self.leads.iter().map(|lead| self.fit_errors(&season, past, *lead)).collect();
            self.season = Some(season);
        }
        let Some(mut season) = self.season.take() else { return points.fill(f64::NAN) };
        season.residual.push(past.root.z.values()[now] - season.at(&self.basis, now));
        for ((point, lead), beta) in points.iter_mut().zip(&self.leads).zip(&self.errors) {
            let x = self.features(&season, past, now - season.from, *lead);
            let carried: f64 = x.iter().zip(beta).filter(|(x, _)| x.is_finite()).map(|(x, b)| x * b).sum();
            *point = positive(season.at(&self.basis, now + lead) + carried).powi(2);
        }
        self.season = Some(season);
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, past: &Past, tape: &mut Tape) {
        let basis = &self.basis;
        maybe(&mut self.season, tape, |season, tape| {
            row(&mut season.beta, tape);
            tape.number(&mut season.trend);
            tape.count(&mut season.made);
            tape.count(&mut season.from);
            season.trace(basis, past);
        });
        let mut count = self.errors.len();
        tape.count(&mut count);
        self.errors.resize(count.min(self.leads.len()), [0.0; ERRORS]);
        self.errors.iter_mut().for_each(|beta| tape.numbers(beta));
    }
}
