use serde_json::Value;

/// How many pods a rollout may have beyond what is wanted, and how many may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) surge: i64,
    pub(crate) unavailable: i64,
}

impl Bounds {
    /// Of a Deployment that wants so many: surge rounds up, what may be missing rounds down, and both are not nothing.
    pub(crate) fn of(deployment: &Value, wanted: i64) -> Self {
        let part = |field: &str| deployment.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
        let surge = share(part("maxSurge"), wanted, 99);
        let unavailable = share(part("maxUnavailable"), wanted, 0);
        if surge == 0 && unavailable == 0 {
            Self { surge, unavailable: 1 }
        } else {
            Self { surge, unavailable }
        }
    }
}

/// A number, or a share of `wanted` in percent.
fn share(told: Option<&Value>, wanted: i64, round: i64) -> i64 {
    match told {
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        Some(Value::String(text)) => {
            match text.strip_suffix('%').and_then(|percent| percent.parse::<i64>().ok()) {
                Some(percent) => (wanted * percent + round).div_euclid(100),
                None => 0,
            }
        }
        _ => 0,
    }
}

/// Ten letters that stand for a template: FNV-1a over its text.
pub(crate) fn fingerprint(template: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash = template.to_string().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut letter = || {
        let at = hash % LETTERS.len() as u64;
        hash /= LETTERS.len() as u64;
        char::from(LETTERS[at as usize])
    };
    (0..10).map(|_| letter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shares_round_towards_having_more() {
        let deployment =
            json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}}});
        assert_eq!(Bounds::of(&deployment, 10), Bounds { surge: 3, unavailable: 2 });
        assert_eq!(Bounds::of(&deployment, 1), Bounds { surge: 1, unavailable: 0 });
        assert_eq!(Bounds::of(&json!({}), 4), Bounds { surge: 0, unavailable: 1 });
    }
}
