//! Small dense algebra: what ridge regressions of a few dozen features need, and no more.

/// Solves `A·x = b` for a symmetric positive definite `A` (row-major, `n`×`n`), in place, by Cholesky.
///
/// Returns false, leaving `x` untouched, when `A` is not positive definite to working precision.
pub fn solve_spd(a: &mut [f64], b: &[f64], x: &mut [f64]) -> bool {
    let n = b.len();
    if !factor(a, n) {
        return false;
    }
    solve_factored(a, b, x);
    true
}

/// Replaces the lower triangle of `a` by its Cholesky factor; false when there is none.
pub fn factor(a: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        for j in 0..=i {
            let (ri, rj) = (&a[i * n..i * n + j], &a[j * n..j * n + j]);
            let sum = a[i * n + j] - dot(ri, rj);
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return false;
                }
                a[i * n + i] = sum.sqrt();
            } else {
                a[i * n + j] = sum / a[j * n + j];
            }
        }
    }
    true
}

/// Solves `L·Lᵀ·x = b` for a factor made by [`factor`].
pub fn solve_factored(l: &[f64], b: &[f64], x: &mut [f64]) {
    let n = b.len();
    for i in 0..n {
        x[i] = (b[i] - dot(&l[i * n..i * n + i], &x[..i])) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let mut sum = x[i];
        for k in i + 1..n {
            sum -= l[k * n + i] * x[k];
        }
        x[i] = sum / l[i * n + i];
    }
}

/// The scalar product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Non-negative least squares in three unknowns from its normal equations: exact, by trying every set of
/// unknowns that may be positive.
///
/// # Source
/// The Karush-Kuhn-Tucker conditions; Lawson & Hanson, *Solving Least Squares Problems*, chapter 23.
pub fn nnls3(gram: [[f64; 3]; 3], rhs: [f64; 3]) -> [f64; 3] {
    let mut best = ([0.0; 3], 0.0);
    for set in 1u8..8 {
        let active: Vec<usize> = (0..3).filter(|i| set & (1 << i) != 0).collect();
        let mut a: Vec<f64> = active.iter().flat_map(|i| active.iter().map(|j| gram[*i][*j])).collect();
        let b: Vec<f64> = active.iter().map(|i| rhs[*i]).collect();
        let mut x = vec![0.0; active.len()];
        if !solve_spd(&mut a, &b, &mut x) || x.iter().any(|v| *v < 0.0) {
            continue;
        }
        // At the optimum of a set the loss is a constant less x·b.
        let gain = dot(&x, &b);
        if gain > best.1 {
            let mut full = [0.0; 3];
            active.iter().zip(&x).for_each(|(i, v)| full[*i] = *v);
            best = (full, gain);
        }
    }
    best.0
}

/// Minimises `f` from `start` on by the simplex method of Nelder and Mead, with at most `calls` calls.
///
/// Coefficients 1, 2, ½, ½; the first simplex moves each coordinate by 5 % (0.00025 from zero). Stops when the
/// simplex is smaller than `x_tol` in each coordinate and `f_tol` in value.
///
/// # Source
/// Nelder & Mead, *A simplex method for function minimization*, The Computer Journal 7 (1965).
pub fn nelder_mead(
    start: &[f64],
    calls: usize,
    x_tol: f64,
    f_tol: f64,
    mut f: impl FnMut(&[f64]) -> f64,
) -> (Vec<f64>, f64) {
    let n = start.len();
    let mut left = calls;
    let mut eval = |x: &[f64], left: &mut usize| {
        *left = left.saturating_sub(1);
        let value = f(x);
        if value.is_finite() { value } else { f64::INFINITY }
    };
    let mut simplex: Vec<(Vec<f64>, f64)> = Vec::with_capacity(n + 1);
    for i in 0..=n {
        let mut x = start.to_vec();
        if i > 0 {
            x[i - 1] = if x[i - 1] == 0.0 { 0.00025 } else { 1.05 * x[i - 1] };
        }
        let value = eval(&x, &mut left);
        simplex.push((x, value));
    }
    while left > 0 {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        if small(&simplex, x_tol, f_tol) {
            break;
        }
        let centre: Vec<f64> =
            (0..n).map(|k| simplex[..n].iter().map(|v| v.0[k]).sum::<f64>() / n as f64).collect();
        let worst = simplex[n].clone();
        let along =
            |t: f64| -> Vec<f64> { (0..n).map(|k| centre[k] + t * (worst.0[k] - centre[k])).collect() };
        let reflected = along(-1.0);
        let value = eval(&reflected, &mut left);
        if value < simplex[0].1 {
            let further = along(-2.0);
            let more = eval(&further, &mut left);
            simplex[n] = if more < value { (further, more) } else { (reflected, value) };
        } else if value < simplex[n - 1].1 {
            simplex[n] = (reflected, value);
        } else {
            let inner = if value < worst.1 { along(-0.5) } else { along(0.5) };
            let between = eval(&inner, &mut left);
            if between < value.min(worst.1) {
                simplex[n] = (inner, between);
            } else {
                let best = simplex[0].0.clone();
                for vertex in &mut simplex[1..] {
                    vertex.0.iter_mut().zip(&best).for_each(|(x, b)| *x = b + 0.5 * (*x - b));
                    vertex.1 = eval(&vertex.0, &mut left);
                }
            }
        }
    }
    simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
    simplex.swap_remove(0)
}

fn small(simplex: &[(Vec<f64>, f64)], x_tol: f64, f_tol: f64) -> bool {
    let best = &simplex[0];
    simplex[1..].iter().all(|v| {
        (v.1 - best.1).abs() <= f_tol && v.0.iter().zip(&best.0).all(|(a, b)| (a - b).abs() <= x_tol)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn solves_what_it_factors(seed in proptest::collection::vec(-1.0f64..1.0, 30), b in proptest::collection::vec(-1.0f64..1.0, 5)) {
            let n = 5;
            let mut a = vec![0.0; n * n];
            for i in 0..n { for j in 0..n {
                a[i * n + j] = (0..6).map(|k| seed[i * 6 + k] * seed[j * 6 + k]).sum::<f64>() + f64::from(u8::from(i == j));
            } }
            let mut x = vec![0.0; n];
            prop_assert!(solve_spd(&mut a.clone(), &b, &mut x));
            for i in 0..n {
                prop_assert!((dot(&a[i * n..i * n + n], &x) - b[i]).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn refuses_what_is_not_definite() {
        let mut x = [7.0];
        assert!(!solve_spd(&mut [-1.0], &[1.0], &mut x));
        assert_eq!(x, [7.0]);
    }

    #[test]
    fn keeps_negative_weights_out() {
        let x = nnls3([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]], [2.0, -1.0, 4.0]);
        assert!(x.iter().zip([1.0, 0.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{x:?}");
        assert_eq!(nnls3([[0.0; 3]; 3], [0.0; 3]), [0.0; 3]);
    }

    #[test]
    fn walks_down_a_curved_valley() {
        let valley = |x: &[f64]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        let (x, value) = nelder_mead(&[-1.2, 1.0], 400, 1e-6, 1e-9, valley);
        assert!(value < 1e-6 && (x[0] - 1.0).abs() < 1e-2, "{x:?} {value}");
    }
}
