use tidecast_pilot::Size;

use super::trigger::Metric;

/// A target or a value as KEDA reads it: the float if it is above zero, else the whole number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    /// For every KEDA of today.
    pub(super) float: f64,
    /// For those that read whole numbers only, and for zero.
    pub(super) whole: i64,
}

/// How much of a metric one server bears: what an HPA divides by.
///
/// KEDA makes thousandths of it, and cuts off the rest. So it is a whole number of thousandths to begin with: otherwise what
/// is cut off here and in the value would make the HPA round up to a server too many.
pub(super) fn target(metric: Metric, per_server: f64) -> Number {
    match metric {
        Metric::Replicas => Number { float: 1.0, whole: 1 },
        Metric::Demand => {
            Number { float: thousandths(milli_of(per_server)), whole: (per_server.round() as i64).max(1) }
        }
    }
}

/// How much of a metric makes an HPA arrive at `size` with that [`target`].
pub(super) fn value(size: Size, target: Number) -> Number {
    let milli = i64::from(size.get()).saturating_mul(milli_of(target.float));
    Number { float: thousandths(milli), whole: i64::from(size.get()).saturating_mul(target.whole) }
}

/// Per server at most a million millions, so that a million servers still fit into what Kubernetes can hold.
const MILLI_MAX: f64 = 1e12;

fn milli_of(value: f64) -> i64 {
    ((value * 1_000.0).clamp(1.0, MILLI_MAX) + 1e-6) as i64
}

/// The float of which KEDA, which multiplies by a thousand and cuts off the rest, makes exactly so many thousandths.
fn thousandths(milli: i64) -> f64 {
    let nearest = milli as f64 / 1_000.0;
    if as_keda_reads(nearest) < milli { nearest.next_up() } else { nearest }
}

fn as_keda_reads(value: f64) -> i64 {
    (value * 1_000.0) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What an HPA with a target of the type AverageValue makes of it.
    fn arrives_at(value: Number, target: Number) -> i64 {
        let read = |number: Number| match number.float > 0.0 {
            true => as_keda_reads(number.float),
            false => 1_000 * number.whole,
        };
        (read(value) + read(target) - 1) / read(target)
    }

    proptest! {
        #[test] // A5, B8
        fn makes_the_hpa_arrive_at_the_size_that_is_wanted(size in 0u32..1_000_000, per_server in 0.001f64..1e6) {
            for metric in [Metric::Replicas, Metric::Demand] {
                let target = target(metric, per_server);
                let value = value(Size(size), target);
                prop_assert_eq!(arrives_at(value, target), i64::from(size), "{:?} over {:?}", value, target);
                let whole = (value.whole + target.whole - 1) / target.whole;
                prop_assert_eq!(whole, i64::from(size), "with whole numbers: {:?} over {:?}", value, target);
            }
        }
    }

    #[test]
    fn says_zero_with_both_numbers() {
        assert_eq!(value(Size(0), target(Metric::Replicas, 1.0)), Number { float: 0.0, whole: 0 });
        assert_eq!(value(Size(0), target(Metric::Demand, 0.4)), Number { float: 0.0, whole: 0 });
    }

    #[test] // A5
    fn keeps_fractions_of_demand() {
        let target = target(Metric::Demand, 0.4);
        assert_eq!(target, Number { float: 0.4, whole: 1 });
        assert_eq!(value(Size(3), target).float, 1.2);
    }

    #[test]
    fn survives_the_cutting_that_a_plain_float_does_not() {
        assert_eq!(as_keda_reads(1.001), 1_000, "which is why it is nudged");
        assert_eq!(as_keda_reads(thousandths(1_001)), 1_001);
    }
}
