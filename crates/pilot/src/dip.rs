use jiff::{SignedDuration, Timestamp};

use crate::{Briefing, Demand, Note};

/// Demand that has fallen far below everything that was forecast: an outage in front of the fleet looks like this, and
/// what follows an outage is more demand than before, all at once (A1).
///
/// It begins with one complete reading below half of the forecast's low end, and is over when demand is back at half of
/// what was expected then. Forecasts that follow the drop do not end it: it is remembered from turn to turn, as a note.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dip {
    pub(crate) since: Timestamp,
    pub(crate) expected: Demand,
}

/// How long nothing is taken away because of a dip. After that it is how things are.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

impl Dip {
    /// The dip that this turn is in.
    pub(crate) fn of(briefing: &Briefing) -> Option<Self> {
        let known = briefing.last.iter().flat_map(|last| &last.notes).find_map(|note| match note {
            Note::Dip { since, expected } => Some(Self { since: *since, expected: *expected }),
            _ => None,
        });
        let latest = briefing.evidence.latest(briefing.now).filter(|reading| reading.is_complete());
        let Some(latest) = latest else { return known };
        match known {
            Some(dip) => (2.0 * latest.demand.get() < dip.expected.get()).then_some(dip),
            None => {
                let fan = briefing.issued.as_ref()?.forecast.fan_at(briefing.evidence.speaks_of(latest))?;
                let fallen = 2.0 * latest.demand.get() < fan.at(0.01);
                let expected = Demand::new(fan.median())?;
                fallen.then_some(Self { since: latest.at, expected })
            }
        }
    }

    /// Until when nothing is taken away, if that is still to come.
    pub(crate) fn holds_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.since.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
        (now < until).then_some(until)
    }
}
