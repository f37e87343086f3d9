use jiff::SignedDuration;

use crate::dip::Dip;
use crate::{
    Briefing, Buffer, Change, Demand, Level, Limit, Note, Nowcasted, Override, Reading, Size, Sizing, Span,
    Throughput, Way,
};

/// What is assumed of a start until one has been seen: on the long side for containers, short for machines.
pub(crate) const START_UP_ASSUMED: SignedDuration = SignedDuration::from_mins(5);

/// How long a nowcast is good for at least, however often readings come.
const NOWCAST_FRESH: SignedDuration = SignedDuration::from_mins(3);
/// By how much measured demand is multiplied until replay has tuned it.
const REACTIVE_UNTUNED: f64 = 1.1;

/// What one turn stands on: everything told and learned, resolved once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Footing {
    pub(crate) throughput: Option<Throughput>,
    pub(crate) start_up: SignedDuration,
    pub(crate) start_up_known: bool,
    /// The level at which the forecast of whole bins is read.
    pub(crate) level: Level,
    /// By how much measured demand is multiplied; 0 where a nowcast stands in its place.
    pub(crate) reactive: f64,
    /// What sizes the present, if the way in force says so and has seen the last minutes.
    pub(crate) nowcast: Option<Nowcasted>,
    /// By how much the forecast is corrected, because demand keeps exceeding it; at least one.
    pub(crate) correction: f64,
}

impl Footing {
    pub(crate) fn of(briefing: &Briefing) -> Self {
        let Briefing { workload, lessons, .. } = briefing;
        let nowcast = nowcast(briefing);
        let way = way(briefing, nowcast.as_ref());
        let level = way.and_then(|way| Level::new(way.outlook_level()).ok());
        let start_up = workload.start_up.or(lessons.start_up_p95());
        Self {
            throughput: workload.throughput.or(lessons.throughput),
            start_up: start_up.unwrap_or(START_UP_ASSUMED).max(SignedDuration::ZERO),
            start_up_known: start_up.is_some(),
            level: workload.service_level.or(level).unwrap_or(Level::UNTUNED),
            reactive: workload.reactive.or(way.map(|way| way.reactive)).unwrap_or(REACTIVE_UNTUNED),
            nowcast,
            correction: lessons.drift.correction(),
        }
    }

    pub(crate) fn notes(&self) -> impl Iterator<Item = Note> {
        let throughput = self.throughput.is_none().then_some(Note::NoThroughput);
        let start_up = (!self.start_up_known).then_some(Note::StartUpAssumed { start_up: self.start_up });
        throughput.into_iter().chain(start_up)
    }

    /// How it is sized and why so, if replay has chosen a way.
    pub(crate) fn sized(&self, briefing: &Briefing) -> Option<Note> {
        way(briefing, self.nowcast.as_ref())?;
        let sizing = briefing.lessons.sizing?;
        let missing = sizing.chosen.way.is_nowcast() && self.nowcast.is_none();
        let other = sizing.outlook.way != sizing.chosen.way && sizing.chosen.cost > 0.0;
        Some(Note::Sized {
            way: sizing.chosen.way,
            served: sizing.chosen.served,
            days: sizing.days,
            since: sizing.since,
            instead: missing.then_some(sizing.outlook.way),
            other: other.then(|| (sizing.outlook.way, sizing.outlook.cost / sizing.chosen.cost - 1.0)),
        })
    }
}

/// What replay has chosen, where it counts: not where the operator gives a level. Nor where no replay has been: while demand
/// has fallen as in an outage, for no minute before announces what follows upon one (A1); and while nothing complete is
/// measured, for forecasts made without are rated nowhere (B3). Then the cautious level counts with which an untuned
/// workload begins.
fn chosen(briefing: &Briefing) -> Option<&Sizing> {
    let sizing = briefing.lessons.sizing.as_ref().filter(|_| briefing.workload.service_level.is_learned())?;
    let seen = briefing.evidence.within(briefing.now, fresh(briefing)).any(Reading::is_complete);
    (seen && Dip::of(briefing).is_none()).then_some(sizing)
}

/// How long a measurement is good for, and what a nowcast makes of it.
fn fresh(briefing: &Briefing) -> SignedDuration {
    briefing.evidence.fresh_for().max(NOWCAST_FRESH)
}

/// The way in force: the chosen one, or while its nowcast is missing the best of those that need none.
fn way<'a>(briefing: &'a Briefing, nowcast: Option<&Nowcasted>) -> Option<&'a Way> {
    let sizing = chosen(briefing)?;
    let way = &sizing.chosen.way;
    Some(if way.is_nowcast() && nowcast.is_none() { &sizing.outlook.way } else { way })
}

/// What the chosen way says of the last minutes, if they were seen and a forecast reaches this moment.
fn nowcast(briefing: &Briefing) -> Option<Nowcasted> {
    let way = chosen(briefing)?.chosen.way;
    briefing.issued.as_ref()?.forecast.fan_at(briefing.now)?;
    briefing.nowcast.filter(|nowcast| nowcast.way == way && nowcast.is_fresh(briefing.now, fresh(briefing)))
}

/// The least time that a launch is given: what is seen of a fleet is up to a turn old.
const READY_WITHIN_LEAST: SignedDuration = SignedDuration::from_mins(2);

/// Twice what nearly all launches took that were seen; twice what is told while none has been (F28).
pub(crate) fn ready_within(briefing: &Briefing) -> SignedDuration {
    let Briefing { workload, lessons, .. } = briefing;
    let usual = lessons.start_up_p99().or(workload.start_up.or(None)).unwrap_or(START_UP_ASSUMED);
    usual.saturating_add(usual).max(READY_WITHIN_LEAST)
}

/// How demand becomes servers at some moment.
///
/// ```
/// use tidecast_pilot::{Buffer, Demand, Size, Sizer, Throughput};
/// let sizer = Sizer::new(Throughput::new(41.0).unwrap(), Buffer { servers: Size(2), percent: 10.0 });
/// let sized = sizer.size(Demand::new(1840.0).unwrap());
/// assert_eq!((sized.need, sized.spare, sized.total()), (Size(45), Size(5), Size(50)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizer {
    throughput: Throughput,
    buffer: Buffer,
    pad_percent: f64,
    pad_servers: Size,
}

/// Servers for a demand, and how many of them are spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sized {
    /// What the demand itself needs.
    pub need: Size,
    /// Buffer and padding on top.
    pub spare: Size,
}

impl Sized {
    /// All together.
    pub fn total(&self) -> Size {
        self.need + self.spare
    }
}

impl Sizer {
    /// Servers of this throughput, with this buffer and no padding.
    pub fn new(throughput: Throughput, buffer: Buffer) -> Self {
        Self { throughput, buffer, pad_percent: 0.0, pad_servers: Size(0) }
    }

    /// The servers for `demand`: rounded up, then the buffer, then the padding.
    pub fn size(&self, demand: Demand) -> Sized {
        let need = demand / self.throughput;
        let spare = self.buffer.on(need) + need.percent_up(self.pad_percent) + self.pad_servers;
        Sized { need, spare }
    }

    /// What one server serves.
    pub fn throughput(&self) -> Throughput {
        self.throughput
    }
}

/// What all overrides together decree for a span of time. Each rule is a largest, a smallest or a sum, so that their
/// order does not matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decrees<'a> {
    pub(crate) floor: Option<(Size, &'a Override)>,
    /// Counts only if it holds for the whole span: a bin that is free for a part may be used to prepare.
    pub(crate) ceiling: Option<(Size, &'a Override)>,
    demand: Option<(Demand, &'a Override)>,
    /// Whether a decreed demand covers the whole span, so that the forecast has nothing to say in it.
    demand_whole: bool,
    throughput: Option<Throughput>,
    throughput_whole: bool,
    pad_percent: f64,
    pad_servers: Size,
    /// What pads, or says what a server serves.
    pushing: Vec<&'a Override>,
}

impl<'a> Decrees<'a> {
    pub(crate) fn of(overrides: impl IntoIterator<Item = &'a Override>, span: Span) -> Self {
        let mut all = Self::default();
        overrides
            .into_iter()
            .filter(|decree| decree.span.meets(&span))
            .for_each(|decree| all.add(decree, span));
        all
    }

    fn add(&mut self, decree: &'a Override, span: Span) {
        let whole = decree.span.from() <= span.from() && decree.span.until() >= span.until();
        match decree.change {
            Change::Floor(size) => self.floor = largest(self.floor, size, decree),
            Change::Ceiling(size) if whole => self.ceiling = smallest(self.ceiling, size, decree),
            Change::Ceiling(_) => {}
            Change::Fixed(size) => {
                self.floor = largest(self.floor, size, decree);
                if whole {
                    self.ceiling = smallest(self.ceiling, size, decree);
                }
            }
            Change::PadPercent(percent) => {
                self.pad_percent += percent.max(0.0);
                self.pushing.push(decree);
            }
            Change::PadServers(size) => {
                self.pad_servers = self.pad_servers + size;
                self.pushing.push(decree);
            }
            Change::Demand(demand) => {
                let more = self.demand.is_none_or(|(most, by)| (demand, &decree.id) > (most, &by.id));
                self.demand = if more { Some((demand, decree)) } else { self.demand };
                self.demand_whole |= whole;
            }
            Change::Throughput(throughput) => {
                let less = self.throughput.is_none_or(|least| throughput < least);
                self.throughput = if less { Some(throughput) } else { self.throughput };
                self.throughput_whole |= whole;
                self.pushing.push(decree);
            }
        }
    }

    /// The demand to expect when the forecast expects `forecast`, and the decree if it made the difference.
    pub(crate) fn demand(&self, forecast: Option<Demand>) -> Option<(Demand, Option<&'a Override>)> {
        match (self.demand, forecast) {
            (None, forecast) => forecast.map(|demand| (demand, None)),
            (Some((demand, _)), Some(forecast)) if !self.demand_whole && forecast > demand => {
                Some((forecast, None))
            }
            (Some((demand, by)), _) => Some((demand, Some(by))),
        }
    }

    /// What besides demand made a size what it is, in the order of their ids.
    pub(crate) fn pushes(&self) -> impl Iterator<Item = Limit> {
        let mut pushing = self.pushing.clone();
        pushing.sort_by(|a, b| (&a.id, a.span).cmp(&(&b.id, b.span)));
        pushing.into_iter().map(|decree| Limit::Decreed { decree: decree.clone() })
    }

    /// How demand is sized, if it is known what a server serves.
    pub(crate) fn sizer(&self, known: Option<Throughput>, buffer: Buffer) -> Option<Sizer> {
        let throughput = match (self.throughput, known) {
            (Some(decreed), Some(known)) if !self.throughput_whole && known < decreed => known,
            (decreed, known) => decreed.or(known)?,
        };
        Some(Sizer { throughput, buffer, pad_percent: self.pad_percent, pad_servers: self.pad_servers })
    }
}

fn largest<'a>(
    held: Option<(Size, &'a Override)>,
    size: Size,
    by: &'a Override,
) -> Option<(Size, &'a Override)> {
    held.filter(|(most, held_by)| (*most, &held_by.id) >= (size, &by.id)).or(Some((size, by)))
}

fn smallest<'a>(
    held: Option<(Size, &'a Override)>,
    size: Size,
    by: &'a Override,
) -> Option<(Size, &'a Override)> {
    held.filter(|(least, held_by)| (*least, &held_by.id) <= (size, &by.id)).or(Some((size, by)))
}
