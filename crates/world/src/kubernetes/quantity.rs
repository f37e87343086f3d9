/// A quantity of Kubernetes in thousandths, as `250m`, `1Gi` or `2e3` say it; `None` if it is none.
pub(crate) fn milli(told: &str) -> Option<i128> {
    let at =
        told.find(|letter: char| !(letter.is_ascii_digit() || "+-.".contains(letter))).unwrap_or(told.len());
    let (number, suffix) = told.split_at(at);
    let number = thousandths(number)?;
    let (times, per) = scale(suffix)?;
    Some((number * times).div_euclid(per) + i128::from((number * times).rem_euclid(per) > 0))
}

/// The shortest way to write thousandths with decimal suffixes no larger than one: `1500m`, `2`.
pub(crate) fn told(milli: i128) -> String {
    if milli % 1000 == 0 { (milli / 1000).to_string() } else { format!("{milli}m") }
}

/// As the server writes what it was told: fractions become thousandths, everything else stays.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let value = milli(text)?;
    let plain = text.bytes().all(|letter| letter.is_ascii_digit() || letter == b'.' || letter == b'm');
    Some(if plain { told(value) } else { text.to_owned() })
}

fn thousandths(number: &str) -> Option<i128> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits =
        |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok().map(i128::from) };
    let padded: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(sign * (digits(whole)? * 1000 + digits(&padded)?))
}

fn scale(suffix: &str) -> Option<(i128, i128)> {
    let binary = |power: u32| Some((1024_i128.pow(power), 1));
    let decimal = |power: u32| Some((10_i128.pow(power), 1));
    match suffix {
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1000)),
        "" => Some((1, 1)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => match suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()? {
            power @ 0..=18 => decimal(power as u32),
            power @ -9..0 => Some((1, 10_i128.pow(power.unsigned_abs()))),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_in_all_their_forms() {
        let cases = [("1", 1000), ("250m", 250), ("0.5", 500), ("1Gi", 1_073_741_824_000), ("2k", 2_000_000)];
        for (text, thousandths) in
            cases.into_iter().chain([("2e3", 2_000_000), ("-1", -1000), ("100n", 1), ("1.25", 1250)])
        {
            assert_eq!(milli(text), Some(thousandths), "{text}");
        }
        assert!(["", "Gi", "1x", "1e99", ".", "1.2.3"].iter().all(|text| milli(text).is_none()));
    }

    #[test]
    fn fractions_are_written_in_thousandths() {
        assert_eq!(canonical("0.5").as_deref(), Some("500m"));
        assert_eq!(canonical("1000m").as_deref(), Some("1"));
        assert_eq!(canonical("128Mi").as_deref(), Some("128Mi"));
    }
}
