//! Where a series may repeat: peaks of its periodogram that are hills of its autocorrelation too.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

/// A line stands out when it has so many times the power of its surroundings; of a few thousand lines of
/// chance, none does.
const STANDS_OUT: f64 = 14.0;
/// At most so many lines are looked at.
const LINES_MAX: usize = 24;
/// A hill of the autocorrelation is so much higher than the valleys beside it.
const HILL_MIN: f64 = 0.04;

/// The periods, in points, at which `rest` may repeat, each with a few guesses; the clearest line first. `rest` has no level any more,
/// NaN in its gaps. (Vlachos, Yu and Castelli, *On periodicity detection and structural periodic similarity*,
/// 2005: the spectrum proposes, the autocorrelation disposes.)
pub(crate) fn candidates(rest: &[f64]) -> Vec<Vec<f64>> {
    if rest.len() < 8 {
        return Vec::new();
    }
    let padded = padded(rest.len());
    let mut fourier = Fourier::new(padded);
    let lines = lines(&fourier.power(&windowed(rest)), rest.len(), padded);
    let autocorrelation = fourier.autocorrelation(rest);
    let periods: Vec<f64> = lines.into_iter().map(|line| padded as f64 / line).collect();
    let resolution = |period: f64| period * period / rest.len() as f64;
    let hills = periods.iter().filter(|p| is_hill(&autocorrelation, **p, resolution(**p).min(0.25 * **p)));
    hills.map(|period| guesses(*period, &periods, rest.len())).collect()
}

/// The shortest length, of those that transform fast, in which two thirds of all lags do not wrap around.
fn padded(points: usize) -> usize {
    let need = 5 * points / 3 + 2;
    let below = need.next_power_of_two() / 2;
    let fast = [16, 18, 20, 24, 27, 30].map(|sixteenths| below.div_ceil(16) * sixteenths);
    fast.into_iter().find(|length| *length >= need && length % 2 == 0).unwrap_or(2 * need.next_power_of_two())
}

/// A period as its line gives it, in whole points, and as its clearest overtones give it, which are sharper.
fn guesses(period: f64, lines: &[f64], points: usize) -> Vec<f64> {
    let close = |guess: &f64| (guess / period - 1.0).abs() < period / points as f64;
    let overtone = |line: &f64| (period / line).round() * line;
    let overtones = lines.iter().filter(|line| 1.5 * *line < period).map(overtone);
    let mut guesses = vec![period];
    guesses.extend(overtones.chain([period.round()]).filter(close).take(4));
    guesses
}

/// Hann's window, so that a strong line does not hide weak ones far from it.
fn windowed(rest: &[f64]) -> Vec<f64> {
    let n = rest.len() as f64;
    let weight = |i: usize| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / n).cos();
    rest.iter().enumerate().map(|(i, r)| if r.is_finite() { r * weight(i) } else { 0.0 }).collect()
}

/// Local maxima of the power that stand out, clearest first, to a fraction of a line; at least three cycles fit.
fn lines(power: &[f64], points: usize, padded: usize) -> Vec<f64> {
    let first = (3 * padded).div_ceil(points).max(1);
    let floor = Floor::of(&power[1..]);
    let mut lines: Vec<(f64, f64)> = (first..power.len() - 1)
        .filter(|k| power[*k] > power[k - 1] && power[*k] >= power[k + 1])
        .map(|k| {
            (
                power[k] / floor.at(k - 1),
                k as f64 + summit(power[k - 1].ln(), power[k].ln(), power[k + 1].ln()),
            )
        })
        .filter(|(clear, _)| *clear > STANDS_OUT)
        .collect();
    lines.sort_by(|a, b| b.0.total_cmp(&a.0));
    lines.truncate(LINES_MAX);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Where a parabola through three points has its summit, from the middle one.
fn summit(left: f64, middle: f64, right: f64) -> f64 {
    let bend = left - 2.0 * middle + right;
    if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

/// The usual power around each line: medians over blocks that widen with the frequency, which follow the
/// slope of noise that is stronger at low frequencies.
struct Floor {
    blocks: Vec<(usize, f64)>,
}

impl Floor {
    fn of(power: &[f64]) -> Self {
        let most = power.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let (mut from, mut blocks) = (0, Vec::new());
        while from < power.len() {
            let to = (from + 24.max(from / 4)).min(power.len());
            let mut block = power[from..to].to_vec();
            let middle = block.len() / 2;
            let median = *block.select_nth_unstable_by(middle, f64::total_cmp).1;
            // The mean of exponentially distributed powers is their median ÷ ln 2.
            blocks.push((to, (median / std::f64::consts::LN_2).max(1e-12 * most)));
            from = to;
        }
        Self { blocks }
    }

    fn at(&self, line: usize) -> f64 {
        let block = self.blocks.partition_point(|(to, _)| *to <= line);
        self.blocks[block.min(self.blocks.len() - 1)].1
    }
}

/// Whether the autocorrelation has a hill at about `period`, which is uncertain by `reach`.
fn is_hill(autocorrelation: &[f64], period: f64, reach: f64) -> bool {
    let at = |lag: f64| autocorrelation.get(lag.round() as usize).copied();
    let (from, to) = ((period - reach).round() as usize, (period + reach).round() as usize);
    let Some(around) = autocorrelation.get(from..=to) else { return false };
    let height = around.iter().copied().fold(f64::MIN, f64::max);
    match (at(0.5 * period), at(1.5 * period)) {
        (Some(before), Some(after)) => height - 0.5 * (before + after) > HILL_MIN,
        _ => false,
    }
}

/// Fourier transforms of one length.
struct Fourier {
    planner: RealFftPlanner<f64>,
    padded: usize,
}

impl Fourier {
    fn new(padded: usize) -> Self {
        Self { planner: RealFftPlanner::new(), padded }
    }

    fn transform(&mut self, values: impl Iterator<Item = f64>) -> Vec<Complex<f64>> {
        let forward = self.planner.plan_fft_forward(self.padded);
        let mut input = forward.make_input_vec();
        input.iter_mut().zip(values).for_each(|(to, value)| *to = value);
        let mut output = forward.make_output_vec();
        forward.process(&mut input, &mut output).expect("both buffers were made for this length");
        output
    }

    fn power(&mut self, values: &[f64]) -> Vec<f64> {
        self.transform(values.iter().copied()).iter().map(Complex::norm_sqr).collect()
    }

    /// Σ x(t)·x(t + lag) for the lags of the first half (Wiener and Khinchin).
    fn products(&mut self, values: impl Iterator<Item = f64>, lags: usize) -> Vec<f64> {
        let mut power = self.transform(values);
        power.iter_mut().for_each(|c| *c = Complex::new(c.norm_sqr(), 0.0));
        let inverse = self.planner.plan_fft_inverse(self.padded);
        let mut output = inverse.make_output_vec();
        inverse.process(&mut power, &mut output).expect("both buffers were made for this length");
        output.truncate(lags);
        output.iter_mut().for_each(|x| *x /= self.padded as f64);
        output
    }

    /// The autocorrelation over the pairs that are there, up to two thirds of the length.
    fn autocorrelation(&mut self, rest: &[f64]) -> Vec<f64> {
        let lags = 2 * rest.len() / 3;
        let known = |r: &f64| if r.is_finite() { *r } else { 0.0 };
        let products = self.products(rest.iter().map(known), lags);
        let pairs: Vec<f64> = if rest.iter().all(|r| r.is_finite()) {
            (0..lags).map(|lag| (rest.len() - lag) as f64).collect()
        } else {
            self.products(rest.iter().map(|r| f64::from(u8::from(r.is_finite()))), lags)
        };
        let scale = products[0] / pairs[0];
        let enough = 0.02 * pairs[0];
        let at = |(sum, n): (&f64, &f64)| if *n > enough { sum / n / scale } else { 0.0 };
        products.iter().zip(&pairs).map(at).collect()
    }
}
