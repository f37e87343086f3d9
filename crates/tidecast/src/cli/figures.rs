//! Figures as people read them.

/// Three significant digits and a letter for the size: `1.59k`, `0.092`, `15.9M`.
pub(crate) fn brief(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let steps = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let size = value.abs();
    match steps.into_iter().find(|(from, _)| size >= from * 0.9995) {
        Some((from, letter)) => format!("{}{letter}", three_digits(value / from)),
        None => three_digits(value),
    }
}

fn three_digits(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        s if s >= 99.95 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s if s > 0.0 => (2 - s.log10().floor() as i32).clamp(2, 9) as usize,
        _ => 0,
    };
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share as percent: `6.1%`, and `–` where there is none.
pub(crate) fn percent(share: Option<f64>, places: usize) -> String {
    share.map_or_else(|| "–".into(), |share| format!("{:.places$}%", 100.0 * share))
}

/// A figure with so many places, and `–` where there is none.
pub(crate) fn fixed(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.places$}"))
}

/// A figure in six significant digits: what a measurement is worth, and no noise after it.
pub(crate) fn significant(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// Seconds as people say them: `9d 4h`, `35m`.
pub(crate) fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (unit, name) in units.into_iter().skip(first).take(2) {
        if rest / unit > 0 || parts.is_empty() {
            parts.push(format!("{}{name}", rest / unit));
        }
        rest %= unit;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_three_digits_of_any_size() {
        let cases = [
            (0.0, "0"),
            (0.09164, "0.0916"),
            (0.5, "0.5"),
            (42.18, "42.2"),
            (999.7, "1k"),
            (3894.0, "3.89k"),
            (1.592e7, "15.9M"),
            (4.574e10, "45.7G"),
            (-2.5, "-2.5"),
            (f64::NAN, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(brief(value), text);
        }
    }
}
