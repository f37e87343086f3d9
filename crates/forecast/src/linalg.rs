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
}
