//! Values: numbers as exporters write them.

/// What exporters write where nothing was measured.
const UNKNOWN: [&str; 8] = ["", "-", "nan", "null", "none", "na", "n/a", "nil"];

/// The number that `text` says; NaN where it says that nothing was measured. `decimal_comma` lets `3,5` be three
/// and a half; it must be off where the comma separates fields.
pub(super) fn number(text: &str, decimal_comma: bool) -> Result<f64, &'static str> {
    if let Ok(value) = text.parse::<f64>() {
        return Ok(value);
    }
    if UNKNOWN.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Ok(f64::NAN);
    }
    let lone_comma = text.matches(',').count() == 1 && !text.contains('.');
    if decimal_comma
        && lone_comma
        && let Ok(value) = text.replace(',', ".").parse::<f64>()
    {
        return Ok(value);
    }
    Err(advice(text))
}

/// Whether reading `text` took a comma for the decimal sign.
pub(super) fn has_decimal_comma(text: &str) -> bool {
    text.contains(',')
}

fn advice(text: &str) -> &'static str {
    let grouped =
        |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | ' ' | '_' | '\u{a0}' | '\u{202f}');
    if text.chars().all(grouped) {
        "write the number without thousands separators, with a point as decimal sign: 1234.5"
    } else if text.starts_with(|c: char| c.is_ascii_digit()) {
        "write the bare number, without a unit: 12.5"
    } else {
        "write a number such as 12.5, or leave the field empty where nothing was measured"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_empty_field_for_unknown_and_never_for_zero() {
        for text in ["", "NaN", "null", "-"] {
            assert!(number(text, false).expect("known words").is_nan(), "{text:?}");
        }
    }

    #[test]
    fn reads_a_decimal_comma_only_where_the_comma_is_free() {
        assert_eq!(number("3,5", true), Ok(3.5));
        assert!(number("3,5", false).is_err());
        assert!(number("1,234,567", true).is_err());
    }

    #[test] // B1
    fn says_what_would_be_right() {
        assert!(number("1.234,5", true).expect_err("grouped").contains("thousands"));
        assert!(number("12ms", false).expect_err("unit").contains("unit"));
        assert!(number("abc", false).expect_err("text").contains("leave the field empty"));
    }
}
