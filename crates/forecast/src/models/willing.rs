//! Who speaks when a model declines.

use crate::{Fitted, Model, Series};

/// Who is asked when a model declines, the best first. The last needs nothing but a measurement.
pub const STAND_INS: [&str; 4] = ["ensemble", "recent_days", "last_week", "all_seen"];

/// A model that did not decline.
pub struct Willing<'a> {
    /// Its name.
    pub name: &'a str,
    /// It.
    pub fitted: Box<dyn Fitted>,
    /// Why the first of those that were asked before it did, as a sentence that names who stands in.
    pub fallback: Option<String>,
}

/// The first of `STAND_INS`, after the model `asked` if there is one, that does not decline `history`. `made` makes a
/// model of a name: it may wrap it, and knows names of its own.
///
/// ```
/// use tidecast_forecast::{Grid, Leads, Series, models};
/// let hour = Series::new(Grid::new("2026-03-02T00:00Z".parse().unwrap(), 300, 12), vec![7.0; 12]);
/// let willing = models::willing(Some("last_week"), &hour, |name| models::named(name, Leads::knots())).ok().unwrap();
/// assert_eq!(willing.name, "all_seen");
/// assert!(willing.fallback.unwrap().starts_with("last_week declines: "));
/// ```
///
/// # Errors
/// Why the first that was asked declines, if all do.
pub fn willing<'a>(
    asked: Option<&'a str>,
    history: &Series,
    made: impl Fn(&str) -> Option<Box<dyn Model>>,
) -> Result<Willing<'a>, String> {
    let mut declined: Option<String> = None;
    for name in asked.into_iter().chain(STAND_INS) {
        let fitted = made(name).ok_or_else(|| format!("there is no model {name:?}"));
        match fitted.and_then(|model| model.fit(history).map_err(|unfit| format!("{name} declines: {unfit}")))
        {
            Ok(fitted) => {
                let fallback = declined.map(|why| format!("{why}; {name} stands in"));
                return Ok(Willing { name, fitted, fallback });
            }
            Err(why) => drop(declined.get_or_insert(why)),
        }
    }
    Err(declined.unwrap_or_else(|| "no model speaks".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grid, Leads, models};

    fn days(days: usize) -> Series {
        let grid = Grid::new("2026-03-02T00:00Z".parse().unwrap(), 3_600, 24 * days);
        Series::new(grid, (0..24 * days).map(|hour| (hour % 24) as f64 + 1.0).collect())
    }

    #[track_caller]
    fn check(asked: Option<&str>, history: &Series, expected: &str, fallback: Option<&str>) {
        let made = |name: &str| models::named(name, Leads::exactly([3_600]));
        let willing = willing(asked, history, made).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(willing.name, expected);
        assert_eq!(willing.fallback.as_deref(), fallback);
    }

    #[test]
    fn asks_the_model_that_was_asked_for_first() {
        check(Some("yesterday"), &days(20), "yesterday", None);
        check(None, &days(20), "ensemble", None);
    }

    #[test]
    fn says_who_stands_in_for_a_model_that_there_is_not() {
        let said = "there is no model \"prophet\"; ensemble stands in";
        check(Some("prophet"), &days(20), "ensemble", Some(said));
    }

    #[test]
    fn tells_why_when_nobody_speaks() {
        let nothing = Series::new(days(1).grid(), vec![f64::NAN; 24]);
        let refused =
            willing(Some("last_week"), &nothing, |name| models::named(name, Leads::exactly([3_600])));
        assert!(refused.err().expect("nobody speaks").starts_with("last_week declines: "));
    }
}
