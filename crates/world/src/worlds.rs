//! What a seed makes: a workload, its users, and everything that goes wrong.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use tidecast_pilot::{
    Batch, Bounds, Budget, Buffer, Change, Demand, Drain, Halt, Halted, Level, Mode, Override, Ramp, Rate,
    Size, Source, Span, Throughput, Told, Way, Workload,
};

use crate::chance::Purpose;
use crate::{Again, Chance, DAY, Event, Fault, Rehearsal, Spell, Trace, Traffic, Ways};

/// How many days a world lasts.
pub const DAYS: usize = 2;
/// Until when things go wrong: the rest of the time is for getting well.
const TROUBLE_UNTIL: usize = DAYS * DAY * 6 / 10;
/// What one server serves, in every world.
const THROUGHPUT: f64 = 10.0;

/// The world of this seed.
pub fn world(seed: u64) -> Rehearsal {
    let mut chance = Chance::of(seed, Purpose::World);
    let sessions = chance.happens(0.15).then(|| (THROUGHPUT as u32, chance.between(15.0, 120.0)));
    let trace = traffic(&mut chance, sessions.is_some()).generate("made", seed);
    let peak = (trace.demand().iter().copied().fold(1.0, f64::max) / THROUGHPUT).ceil() as u32;
    let start_min = *chance.one_of(&[1, 2, 3, 5, 5, 10, 15, 30]);
    let mut workload = workload(&mut chance, peak, start_min, sessions.is_some());
    let ways = ways(&mut Chance::of(seed, Purpose::Ways), &mut workload);
    let mut people = Chance::of(seed, Purpose::People);
    let spells = (0..chance.whole(0, 5)).map(|_| spell(&mut chance, peak, sessions.is_some())).collect();
    Rehearsal {
        overrides: (0..people.whole(-2, 2)).map(|id| decree(&mut people, &trace, id, peak)).collect(),
        halts: (0..people.whole(-4, 1)).map(|_| halt(&mut people, &trace)).collect(),
        workload: Arc::new(workload),
        trace,
        from: 0,
        start_min,
        turn_min: *chance.one_of(&[1, 5, 5, 5, 5, 5, 5, 5]),
        forecast_min: *chance.one_of(&[10, 30, 60, 60]),
        spells,
        sessions,
        ways,
        seed,
    }
}

/// Half of the operators say how to size, half leave it to what was learned.
fn ways(chance: &mut Chance, workload: &mut Workload) -> Ways {
    if chance.happens(0.5) {
        return Ways::Untuned;
    }
    (workload.service_level, workload.reactive) = (Told::Learned, Told::Learned);
    let source = Source::Nowcast(chance.whole(0, 3) as usize);
    let (level, hold_min) = (*chance.one_of(&[0.98, 0.99, 0.995]), *chance.one_of(&[0, 5, 20]));
    let lot = *chance.one_of(&[0.0, 0.0, 0.06, 0.1]);
    let way = Way { source, level, reactive: 0.0, hold_min, lot };
    let otherwise = Way { source: Source::Outlook, level: 0.99, reactive: 1.1, hold_min: 10, lot: 0.0 };
    Ways::Fixed(way, otherwise)
}

fn traffic(chance: &mut Chance, sessions: bool) -> Traffic {
    let zones = ["UTC", "Europe/Berlin", "America/New_York"];
    let zone = TimeZone::get(chance.one_of::<&str>(&zones)).expect("the zones are bundled");
    let usual = Traffic::default();
    // Some worlds begin on the day before clocks go forward.
    let start = if chance.happens(0.1) { "2026-03-28T00:00:00Z".parse() } else { Ok(usual.start) };
    let event = |chance: &mut Chance| Event {
        day: chance.whole(0, DAYS as i64 - 1) as usize,
        at: Time::constant(chance.whole(0, 23) as i8, 0, 0, 0),
        lasts: SignedDuration::from_mins(chance.whole(5, 90)),
        factor: *chance.one_of(&[0.0, 0.2, 1.5, 2.5]),
        again: Again::Never,
    };
    Traffic {
        start: start.expect("a constant is a timestamp"),
        zone,
        days: DAYS,
        mean: if sessions { 60.0 } else { *chance.one_of(&[15.0, 60.0, 200.0, 600.0]) },
        swing: chance.between(0.2, 0.8),
        weekend: 0.8,
        growth: 0.0,
        noise: chance.between(0.0, 0.015),
        events: (0..chance.whole(-1, 2)).map(|_| event(chance)).collect(),
    }
}

fn workload(chance: &mut Chance, peak: u32, start_min: usize, sessions: bool) -> Workload {
    let minutes = SignedDuration::from_mins;
    let max = (f64::from(peak) * chance.between(0.8, 3.0)).ceil() as u32 + 1;
    let bounds = Bounds::new(chance.whole(1, 3) as u32, max.max(4)).expect("the least is below the most");
    let mut workload = Workload::new("world", bounds);
    workload.throughput = Told::Given(Throughput::new(THROUGHPUT).expect("ten is a throughput"));
    workload.start_up = Told::Given(minutes(start_min as i64));
    let level = Level::new(*chance.one_of(&[0.95, 0.98, 0.99, 0.995]));
    workload.service_level = Told::Given(level.expect("a share is a level"));
    workload.reactive = Told::Given(*chance.one_of(&[1.0, 1.0, 1.1]));
    workload.mode =
        *chance.one_of(&[Mode::Full, Mode::Full, Mode::Full, Mode::Full, Mode::ScaleOutOnly, Mode::Observe]);
    workload.cool_down = minutes(*chance.one_of(&[0, 0, 10, 20]));
    workload.dwell = minutes(*chance.one_of(&[0, 0, 0, 10]));
    workload.scale_in =
        Budget { percent: *chance.one_of(&[10.0, 10.0, 20.0]), per: minutes(*chance.one_of(&[10, 10, 20])) };
    workload.buffer =
        Buffer { servers: Size(chance.whole(0, 2) as u32), percent: *chance.one_of(&[0.0, 0.0, 10.0]) };
    if chance.happens(0.15) {
        let up = Some(Rate { servers: Size(chance.whole(2, 8) as u32), per: minutes(5) });
        workload.ramp = Ramp { up, down: None };
    }
    if chance.happens(0.15) {
        workload.batch = Batch { preferred: Some(Size(4)), max: Some(Size(chance.whole(4, 12) as u32)) };
    }
    workload.drain = sessions.then(Drain::default);
    workload
}

fn spell(chance: &mut Chance, peak: u32, sessions: bool) -> Spell {
    let from = chance.whole(0, TROUBLE_UNTIL as i64 - 10) as usize;
    let long = *chance.one_of(&[4, 10, 25, 60, 240]);
    let faults = [
        Fault::Unmeasured,
        Fault::TargetsLost(chance.between(0.1, 0.85)),
        Fault::Late,
        Fault::Blind,
        Fault::HalfSeen,
        if sessions {
            *chance.one_of(&[Fault::Uncounted, Fault::Dark(0.5)])
        } else {
            Fault::Foreign(chance.whole(0, i64::from(2 * peak)) as u32)
        },
        Fault::NoCapacity,
        Fault::SlowLaunches(chance.between(1.5, 4.0)),
        Fault::FailedLaunches(chance.between(0.1, 0.9)),
        Fault::Reclaimed(chance.between(0.005, 0.1)),
        Fault::LostCommands,
        Fault::Down,
        Fault::Clock(*chance.one_of(&[-1_440, -60, -7, -2, 2, 7, 60, 1_440])),
        Fault::NoForecast,
        Fault::Misforecast(chance.between(0.2, 3.0)),
    ];
    Spell { from, until: (from + long).min(TROUBLE_UNTIL), fault: *chance.one_of(&faults) }
}

fn span(chance: &mut Chance, trace: &Trace) -> (usize, Span) {
    let from = chance.whole(0, TROUBLE_UNTIL as i64 - 30) as usize;
    let long = chance.whole(10, 300).min((TROUBLE_UNTIL - from) as i64);
    (from, Span::lasting(trace.at(from), SignedDuration::from_mins(long)))
}

fn decree(chance: &mut Chance, trace: &Trace, id: i64, peak: u32) -> (usize, Override) {
    let size = Size(chance.whole(1, i64::from(peak) + 2) as u32);
    let changes = [
        Change::Floor(size),
        Change::Ceiling(size),
        Change::Fixed(size),
        Change::PadPercent(chance.between(5.0, 60.0)),
        Change::PadServers(Size(chance.whole(1, 5) as u32)),
        Change::Demand(Demand::new(chance.between(0.0, 15.0 * f64::from(peak))).expect("demand is positive")),
        Change::Throughput(Throughput::new(chance.between(5.0, 20.0)).expect("throughput is positive")),
    ];
    let (from, span) = span(chance, trace);
    let known = from.saturating_sub(chance.whole(0, 120) as usize);
    let (author, reason) = ("mara".to_owned(), "a rehearsal".to_owned());
    (known, Override { id: format!("o{id}"), span, change: *chance.one_of(&changes), author, reason })
}

fn halt(chance: &mut Chance, trace: &Trace) -> Halt {
    let (_, span) = span(chance, trace);
    let what = *chance.one_of(&[Halted::All, Halted::ScaleIn]);
    Halt { span, what, author: "mara".to_owned(), reason: "a rehearsal".to_owned() }
}
