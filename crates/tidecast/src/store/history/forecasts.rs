use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};
use tidecast_forecast::{Fan, Forecast, Grid, LEVELS};
use tidecast_pilot::Issued;

use super::packed::{pack_f32, unpack_f32};
use super::{damaged, millis, timestamp};
use crate::store::sealed::{Fault, Table};

/// Forecasts as they were issued.
pub(super) const FORECASTS: Table =
    Table { name: "forecasts", columns: &["series", "issued", "head", "fans"], keys: 2 };

/// All of a forecast but its numbers.
#[derive(Serialize, Deserialize)]
struct Head {
    grid: Grid,
    model: String,
    fallback: Option<String>,
}

/// The forecast as it will be read back: its numbers rounded to single precision, far below any forecast's error. Who
/// decides by a forecast decides by this one, so that a restart changes no decision.
pub fn settled(forecast: &Forecast) -> Forecast {
    unpacked(head(forecast), &columns(forecast))
}

fn head(forecast: &Forecast) -> Head {
    Head { grid: forecast.grid(), model: forecast.model.clone(), fallback: forecast.fallback.clone() }
}

/// Column by column, so that like stands beside like: the point forecasts, then each level's quantiles.
fn columns(forecast: &Forecast) -> Vec<f32> {
    let fans = forecast.fans();
    let points = fans.iter().map(|fan| fan.point as f32);
    let quantiles =
        (0..LEVELS.len()).flat_map(|level| fans.iter().map(move |fan| fan.quantile(level) as f32));
    points.chain(quantiles).map(|number| number.min(f32::MAX)).collect()
}

fn unpacked(head: Head, columns: &[f32]) -> Forecast {
    let len = head.grid.len;
    let at = |column: usize, i: usize| f64::from(columns[column * len + i]);
    let fan = |i| Fan::new(at(0, i), std::array::from_fn(|level| at(level + 1, i)));
    let mut forecast = Forecast::new(head.grid, (0..len).map(fan).collect(), head.model);
    forecast.fallback = head.fallback;
    forecast
}

/// A forecast as it is stored, packed.
#[derive(Debug, Clone)]
pub struct Pressed {
    at: Timestamp,
    head: String,
    fans: Vec<u8>,
}

impl Pressed {
    /// This one, its numbers rounded as by [`settled`].
    pub fn of(issued: &Issued) -> Self {
        let head = serde_json::to_string(&head(&issued.forecast)).expect("a grid and two names are JSON");
        Self { at: issued.at, head, fans: pack_f32(&columns(&issued.forecast)) }
    }

    /// The forecast itself; none if it is not whole.
    pub fn opened(&self) -> Option<Issued> {
        opened(self.at, &self.head, &self.fans).ok()
    }
}

pub(super) fn put(db: &Connection, series: i64, pressed: Pressed) -> Result<(), Fault> {
    let Pressed { at, head, fans } = pressed;
    FORECASTS.put(db, &[series.into(), millis(at), head.into(), fans.into()])
}

/// The newest one issued at or before a time.
pub(super) fn newest(db: &Connection, series: i64, until: Timestamp) -> Result<Option<Issued>, Fault> {
    let condition = "series = ? AND issued <= ? ORDER BY issued DESC LIMIT 1";
    let mut rows = FORECASTS.select(db, condition, &[series.into(), millis(until)])?;
    rows.pop().map(|row| issued(&row)).transpose()
}

fn issued(row: &[Value]) -> Result<Issued, Fault> {
    let [_, at, Value::Text(head), Value::Blob(fans)] = row else { return Err(damaged("forecasts")) };
    opened(timestamp(at)?, head, fans)
}

fn opened(at: Timestamp, head: &str, fans: &[u8]) -> Result<Issued, Fault> {
    let head: Head = serde_json::from_str(head).map_err(|_| damaged("forecasts"))?;
    let columns = unpack_f32(fans)?;
    if columns.len() != head.grid.len * (LEVELS.len() + 1) || head.grid.step_s <= 0 {
        return Err(damaged("forecasts"));
    }
    Ok(Issued { at, forecast: unpacked(head, &columns) })
}

/// When forecasts were issued, oldest first.
pub(super) fn times(db: &Connection, series: i64) -> Result<Vec<i64>, Fault> {
    let mut statement = db.prepare_cached("SELECT issued FROM forecasts WHERE series = ? ORDER BY issued")?;
    let times = statement.query_map([series], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(times)
}

/// Which of the times of issue need not be kept: all of the last hour stay, one an hour of the last day, one in six
/// hours of the last eight days, and the newest whatever its age.
pub(super) fn superfluous(times: &[i64], now: Timestamp) -> Vec<i64> {
    const HOUR: i64 = 3_600_000;
    let slot = |issued: i64| match now.as_millisecond() - issued {
        age if age <= HOUR => Some(issued),
        age if age <= 24 * HOUR => Some(issued.div_euclid(HOUR)),
        age if age <= 8 * 24 * HOUR => Some(issued.div_euclid(6 * HOUR)),
        _ => None,
    };
    let mut taken = None;
    let mut drop = Vec::new();
    for (i, issued) in times.iter().enumerate() {
        let slot = slot(*issued);
        let newest = i + 1 == times.len();
        if !newest && (slot.is_none() || slot == taken) {
            drop.push(*issued);
        }
        taken = slot;
    }
    drop
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thins_out_what_was_issued_long_ago() {
        const MINUTE: i64 = 60_000;
        let now = Timestamp::from_millisecond(100_000 * 60 * MINUTE).unwrap();
        let times: Vec<i64> = (0..20 * 288).rev().map(|i| now.as_millisecond() - i * 5 * MINUTE).collect();
        let drop = superfluous(&times, now);
        let kept: Vec<i64> = times.iter().copied().filter(|t| !drop.contains(t)).collect();
        assert!((13 + 23 + 27..=13 + 24 + 29).contains(&kept.len()), "{}", kept.len());
        assert_eq!(superfluous(&kept, now), Vec::<i64>::new());
        assert_eq!(superfluous(&times[..1], now), Vec::<i64>::new());
    }
}
