use std::fmt;
use std::ops::{Add, Div, Mul, Sub};

use serde::{Deserialize, Serialize};

/// What users ask for, in the unit that is measured: requests a second, sessions, cores. Finite and ≥ 0.
///
/// Divided by the [`Throughput`] of a server it becomes a [`Size`], rounded up, here and nowhere else.
///
/// ```
/// use tidecast_pilot::{Demand, Size, Throughput};
/// let throughput = Throughput::new(1.0).unwrap();
/// assert_eq!(Demand::new(2.7).unwrap() / throughput, Size(3));
/// assert_eq!(Demand::new(0.4).unwrap() / throughput, Size(1));
/// assert_eq!(Demand::ZERO / throughput, Size(0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Demand(f64);

impl Demand {
    /// Nobody asks for anything: a measurement, never the absence of one.
    pub const ZERO: Self = Self(0.0);

    /// This much; none if it is negative or not finite.
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The larger of two.
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

impl Mul<f64> for Demand {
    type Output = Self;

    /// Scaled by a factor; a factor that makes no number of it leaves the largest there is.
    fn mul(self, factor: f64) -> Self {
        let value = self.0 * factor.max(0.0);
        Self(if value.is_finite() { value } else { f64::MAX })
    }
}

impl Div<Throughput> for Demand {
    type Output = Size;

    /// The servers that this demand needs: rounded up, never truncated. A billionth of the quotient is forgiven,
    /// so that arithmetic alone (3.0000000000000004) never buys a server.
    fn div(self, throughput: Throughput) -> Size {
        let quotient = self.0 / throughput.0;
        // A float beyond u32's range becomes the largest u32: `as` saturates.
        Size((quotient * (1.0 - 1e-9)).ceil() as u32)
    }
}

/// The demand that one server serves while its users are content. Finite and > 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Throughput(f64);

impl Throughput {
    /// This much a server; none if it is not finite and positive.
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self(value))
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// How many servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Size(pub u32);

impl Size {
    /// The number itself.
    pub fn get(self) -> u32 {
        self.0
    }

    /// `percent` of this size, rounded up.
    pub fn percent_up(self, percent: f64) -> Self {
        Self((f64::from(self.0) * percent.max(0.0) / 100.0 * (1.0 - 1e-9)).ceil() as u32)
    }

    /// `percent` of this size, rounded down.
    pub fn percent_down(self, percent: f64) -> Self {
        Self((f64::from(self.0) * percent.max(0.0) / 100.0 * (1.0 + 1e-9)).floor() as u32)
    }
}

impl Add for Size {
    type Output = Self;

    /// The sum, or the largest size there is.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Size {
    type Output = Self;

    /// The difference, or none.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// A number that is no demand or no throughput.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Unsound {
    /// Negative, infinite or not a number.
    #[error("a demand is finite and not negative, {0} is not")]
    Demand(f64),
    /// Zero, negative, infinite or not a number.
    #[error("a throughput is finite and positive, {0} is not")]
    Throughput(f64),
}

impl TryFrom<f64> for Demand {
    type Error = Unsound;

    fn try_from(value: f64) -> Result<Self, Unsound> {
        Self::new(value).ok_or(Unsound::Demand(value))
    }
}

impl TryFrom<f64> for Throughput {
    type Error = Unsound;

    fn try_from(value: f64) -> Result<Self, Unsound> {
        Self::new(value).ok_or(Unsound::Throughput(value))
    }
}

impl From<Demand> for f64 {
    fn from(demand: Demand) -> f64 {
        demand.0
    }
}

impl From<Throughput> for f64 {
    fn from(throughput: Throughput) -> f64 {
        throughput.0
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short(self.0))
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short(self.0))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Three significant digits, or all digits before the point: what a person wants of a measured number.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        0.0 => 0,
        v => (2 - v.log10().floor() as i32).clamp(0, 12) as usize,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn servers(demand: f64, throughput: f64) -> u32 {
        (Demand::new(demand).unwrap() / Throughput::new(throughput).unwrap()).get()
    }

    #[test] // A5, S7.2
    fn never_truncates() {
        assert_eq!(servers(0.4, 1.0), 1);
        assert_eq!(servers(2.7, 1.0), 3);
        assert_eq!(servers(1e-10, 1.0), 1);
        assert_eq!(servers(0.1 + 0.2, 0.1), 3);
        assert_eq!(servers(f64::MAX, 1e-300), u32::MAX);
    }

    #[test]
    fn refuses_what_is_no_number() {
        for value in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(Demand::new(value), None);
            assert_eq!(Throughput::new(value), None);
        }
        assert_eq!(Throughput::new(0.0), None);
        assert!(serde_json::from_str::<Demand>("-3").unwrap_err().to_string().contains("not negative, -3"));
    }

    #[test]
    fn speaks_in_three_digits() {
        let said: Vec<_> =
            [1840.4, 41.26, 2.7, 0.98, 0.001234, 0.0].map(|v| Demand::new(v).unwrap().to_string()).into();
        assert_eq!(said, ["1840", "41.3", "2.7", "0.98", "0.00123", "0"]);
    }

    proptest! {
        #[test] // A5
        fn serves_all_of_the_demand(demand in 0.0f64..1e6, throughput in 0.01f64..1e4) {
            let size = f64::from(servers(demand, throughput));
            prop_assert!(size * throughput >= demand * (1.0 - 1e-9));
            prop_assert!((size - 1.0) * throughput < demand.max(throughput * 1e-12));
        }

        #[test]
        fn needs_no_fewer_for_more(a in 0.0f64..1e6, more in 0.0f64..1e6, throughput in 0.01f64..1e4) {
            prop_assert!(servers(a, throughput) <= servers(a + more, throughput));
        }
    }
}
