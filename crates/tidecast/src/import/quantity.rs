use serde_json::Value;

/// A quantity as Kubernetes writes it: `500m`, `1Gi`, `2e3`, 100.
pub(super) fn quantity(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(number) => return number.as_f64(),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    if let Ok(plain) = text.parse::<f64>() {
        return plain.is_finite().then_some(plain);
    }
    let (unit, factor) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = text.strip_suffix(unit)?.parse::<f64>().ok()?;
    number.is_finite().then_some(number * factor)
}

/// The longer ones first.
const UNITS: [(&str, f64); 15] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

/// A number as one writes it, without the noise of binary fractions.
pub(super) fn written(number: f64) -> Value {
    let rounded = format!("{number:.6}").parse::<f64>().unwrap_or(number);
    let whole = rounded.fract() == 0.0 && rounded.abs() < 1e15;
    if whole {
        Value::from(rounded as i64)
    } else {
        Value::from(if rounded > 0.0 { rounded } else { number })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_kubernetes_writes() {
        for (value, expected) in [
            (json!("500m"), Some(0.5)),
            (json!("1Gi"), Some(1_073_741_824.0)),
            (json!(100), Some(100.0)),
            (json!("2e3"), Some(2_000.0)),
            (json!("1.5k"), Some(1_500.0)),
            (json!("21500m"), Some(21.5)),
            (json!("fast"), None),
            (json!(""), None),
            (json!(null), None),
        ] {
            assert_eq!(quantity(&value), expected, "{value}");
        }
        assert_eq!((written(0.30000000000000004), written(40.0)), (json!(0.3), json!(40)));
    }
}
