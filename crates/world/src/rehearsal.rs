use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{
    Briefing, Decision, Demand, Evidence, Halt, Issued, Menu, Override, Reading, Size, Way, Workload,
};

use crate::chance::Purpose;
use crate::practice::Practice;
use crate::{Chance, Cloud, Fault, Sessions, Spell, Timeline, Trace, Weather};

/// A world as data: everything that a run depends on but for how it is decided and forecast.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// What the operator tells.
    pub workload: Arc<Workload>,
    /// What users ask for.
    pub trace: Trace,
    /// The first minute in which the fleet is decided upon; what comes before is for learning.
    pub from: usize,
    /// Minutes from a launch until it serves, when all is well.
    pub start_min: usize,
    /// Minutes from a turn to the next.
    pub turn_min: usize,
    /// Minutes from a forecast to the next.
    pub forecast_min: usize,
    /// What goes wrong.
    pub spells: Vec<Spell>,
    /// What people decree, and from which minute on that is known.
    pub overrides: Vec<(usize, Override)>,
    /// What people halt.
    pub halts: Vec<Halt>,
    /// If users stay on their server: how many find room on it, and how many minutes they stay.
    pub sessions: Option<(u32, f64)>,
    /// How demand is sized, where the operator does not say so.
    pub ways: Ways,
    /// Where chance begins.
    pub seed: u64,
}

/// How demand is sized, where the operator does not say so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ways {
    /// Nothing is learned of it.
    Untuned,
    /// In this way, and in the other one when the last minutes are not known.
    Fixed(Way, Way),
    /// By whatever of a menu keeps the promise best, replayed on what came before and on what comes.
    Tuned(Menu),
}

/// Who decides the turns: the production code, or something else that should be caught.
pub trait Decider {
    /// One turn.
    fn decide(&mut self, briefing: &Briefing) -> Decision;

    /// The process was started again: what was not stored is forgotten.
    fn restarted(&mut self) {}
}

/// The production code.
#[derive(Debug, Clone, Copy, Default)]
pub struct Production;

impl Decider for Production {
    fn decide(&mut self, briefing: &Briefing) -> Decision {
        tidecast_pilot::decide(briefing)
    }
}

/// Who forecasts.
pub trait Forecaster {
    /// The forecast made at a minute of the trace, from what was measured until then; none if there can be none.
    fn forecast(&mut self, now: Timestamp, minute: usize, measured: &Measured, wrong: f64) -> Option<Issued>;
}

/// What was measured, a minute each: the demand seen and the share of the targets it was seen on.
#[derive(Debug, Clone, Default)]
pub struct Measured(pub Vec<Option<(f64, f64)>>);

impl Measured {
    /// What was measured in these minutes of the world's trace.
    pub(crate) fn evidence(&self, world: &Rehearsal, from: usize, until: usize) -> Evidence {
        let reading = |minute: usize| {
            let (demand, coverage) = self.0[minute]?;
            let at = world.trace.at(minute + 1);
            Some(Reading { at, demand: Demand::new(demand)?, coverage })
        };
        let minute = SignedDuration::from_mins(1);
        Evidence { readings: (from..until).filter_map(reading).collect(), interval: minute, lag: minute }
    }
}

/// One turn, as those see it who watch.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The minute of the trace, whatever the clock says.
    pub minute: usize,
    /// What was known.
    pub briefing: &'a Briefing,
    /// What was decided.
    pub decision: &'a Decision,
    /// The cloud, after it was carried out.
    pub cloud: &'a Cloud,
    /// What goes wrong now.
    pub weather: &'a Weather,
    /// What was measured.
    pub measured: &'a Measured,
    /// Now and then: what the same briefing gives once more, and what the next turn at the same instant would.
    pub again: Option<[Decision; 2]>,
}

/// How often, in turns, the same is asked again.
const NOW_AND_THEN: u64 = 97;

impl Rehearsal {
    /// Plays it to the end, or until a watcher has seen enough. The timeline begins at `from`.
    pub fn play(
        &self,
        decider: &mut dyn Decider,
        forecaster: &mut dyn Forecaster,
        watch: &mut dyn FnMut(&Scene<'_>) -> ControlFlow<()>,
    ) -> Timeline {
        let mut run = Run::new(self);
        for minute in self.from..self.trace.minutes() {
            let weather = Weather::at(minute, &self.spells);
            run.cloud.tick(minute, self.trace.demand()[minute], &weather);
            let turn = (minute - self.from).is_multiple_of(self.turn_min);
            if turn && run.turn(minute, &weather, decider, forecaster, watch).is_break() {
                break;
            }
            run.record(minute, &weather);
        }
        run.timeline
    }

    /// The minute from which on all is well for good: nothing goes wrong, and nobody decrees anything.
    pub fn fine_from(&self) -> usize {
        let minute = |time: Timestamp| self.trace.minute(time).unwrap_or(self.trace.minutes());
        let spells = self.spells.iter().map(|spell| spell.until);
        let decrees = self.overrides.iter().map(|(_, decree)| minute(decree.span.until()));
        let halts = self.halts.iter().map(|halt| minute(halt.span.until()));
        spells.chain(decrees).chain(halts).max().unwrap_or(self.from).max(self.from)
    }

    /// The minute of a run, counted from its first, at which what went wrong may have no consequences any more: the next
    /// forecast has been made, and the slowest launch has come to its end.
    pub fn settled(&self) -> usize {
        let slowest = self.spells.iter().fold(1.0, |most: f64, spell| match spell.fault {
            Fault::SlowLaunches(factor) => most.max(factor),
            _ => most,
        });
        let launch = (self.start_min as f64 * slowest).ceil() as usize;
        self.fine_from() - self.from + self.forecast_min + launch + 2 * self.turn_min + 1
    }

    fn cloud(&self) -> Cloud {
        let throughput = self.throughput();
        let first = (self.trace.demand()[self.from] / throughput).ceil() as u32;
        let sessions = self.sessions.map(|(room, last)| Sessions::new(room, last));
        let chance = Chance::of(self.seed, Purpose::Launches);
        Cloud::new(self.workload.bounds.clamp(Size(first + 1)).get(), self.start_min, sessions, chance)
    }

    /// What one server serves.
    pub fn throughput(&self) -> f64 {
        self.workload.throughput.or(None).map_or(1.0, |throughput| throughput.get())
    }
}

struct Run<'a> {
    world: &'a Rehearsal,
    cloud: Cloud,
    measured: Measured,
    /// Measurements from this minute on have not arrived yet.
    arrived: usize,
    issued: Option<Arc<Issued>>,
    issued_at: Option<usize>,
    last: Option<Arc<Decision>>,
    practice: Option<Practice>,
    turn: u64,
    was_down: bool,
    timeline: Timeline,
}

impl<'a> Run<'a> {
    fn new(world: &'a Rehearsal) -> Self {
        let known = world.trace.demand()[..world.from].iter().map(|demand| Some((*demand, 1.0)));
        let timeline = Timeline {
            start: world.trace.at(world.from),
            start_min: world.start_min,
            throughput: world.throughput(),
            demand: Vec::new(),
            ready: Vec::new(),
            total: Vec::new(),
        };
        Self {
            world,
            cloud: world.cloud(),
            measured: Measured(known.collect()),
            arrived: world.from,
            issued: None,
            issued_at: None,
            last: None,
            practice: Practice::of(world),
            turn: 0,
            was_down: false,
            timeline,
        }
    }

    fn turn(
        &mut self,
        minute: usize,
        weather: &Weather,
        decider: &mut dyn Decider,
        forecaster: &mut dyn Forecaster,
        watch: &mut dyn FnMut(&Scene<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if weather.down {
            self.was_down = true;
            return ControlFlow::Continue(());
        }
        if std::mem::take(&mut self.was_down) {
            decider.restarted();
            self.practice.iter_mut().for_each(Practice::restarted);
        }
        self.forecast(minute, weather, forecaster);
        self.turn += 1;
        let briefing = self.briefing(minute, weather);
        let decision = Arc::new(decider.decide(&briefing));
        if !weather.deaf {
            self.cloud.carry_out(&decision, minute, weather);
        }
        self.last = Some(Arc::clone(&decision));
        let again = self.turn.is_multiple_of(NOW_AND_THEN).then(|| {
            let next = Briefing { turn: self.turn + 1, last: self.last.clone(), ..briefing.clone() };
            [decider.decide(&briefing), decider.decide(&next)]
        });
        let (cloud, measured) = (&self.cloud, &self.measured);
        watch(&Scene { minute, briefing: &briefing, decision: &decision, cloud, weather, measured, again })
    }

    fn forecast(&mut self, minute: usize, weather: &Weather, forecaster: &mut dyn Forecaster) {
        let due = self.issued_at.is_none_or(|at| minute >= at + self.world.forecast_min);
        if !due || weather.no_forecast {
            return;
        }
        let now = self.world.trace.at(minute);
        if let Some(issued) = forecaster.forecast(now, minute, &self.measured, weather.misforecast) {
            self.issued = Some(Arc::new(issued));
            self.issued_at = Some(minute);
        }
    }

    fn briefing(&mut self, minute: usize, weather: &Weather) -> Briefing {
        let world = self.world;
        let now = world.trace.at(minute) + SignedDuration::from_mins(weather.clock);
        if !weather.late {
            self.arrived = minute;
        }
        let known = self.measured.evidence(
            world,
            self.practice.as_ref().map_or(minute, Practice::minute),
            self.arrived,
        );
        let practice = self.practice.as_mut();
        let (lessons, nowcast) =
            practice.map(|it| it.follow(&known, self.issued.as_deref())).unwrap_or_default();
        Briefing {
            now,
            turn: self.turn,
            workload: Arc::clone(&world.workload),
            issued: self.issued.clone(),
            evidence: self.evidence(),
            nowcast,
            sighting: self.cloud.sight(&world.trace, minute, weather),
            overrides: world
                .overrides
                .iter()
                .filter(|(known, decree)| *known <= minute && decree.span.until() > now)
                .map(|(_, decree)| decree.clone())
                .collect(),
            halts: world.halts.iter().filter(|halt| halt.span.until() > now).cloned().collect(),
            lessons,
            share: None,
            last: self.last.clone(),
        }
    }

    /// The measurements that have arrived, as far back as anybody looks.
    fn evidence(&self) -> Evidence {
        let back = self.world.workload.hold.as_mins().max(0) as usize + 5;
        self.measured.evidence(self.world, self.arrived.saturating_sub(back), self.arrived)
    }

    fn record(&mut self, minute: usize, weather: &Weather) {
        let demand = self.world.trace.demand()[minute];
        let coverage = weather.coverage;
        self.measured.0.push((coverage > 0.0).then_some((demand * coverage, coverage)));
        self.timeline.demand.push(demand);
        self.timeline.ready.push(self.cloud.ready());
        self.timeline.total.push(self.cloud.total());
    }
}
