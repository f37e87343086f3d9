use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tidecast_pilot::{Limit, Note, Plan, Size};

use super::Story;
use super::expect::Stretch;
use crate::{Chart, Forecaster, Production, Rehearsal, Scene, Scorecard, Timeline};

/// What became of a story.
#[derive(Debug, Clone)]
pub struct Told {
    pub(super) zone: TimeZone,
    /// From the first decision to the end.
    pub(super) timeline: Timeline,
    pub(super) said: Vec<Said>,
    pub(super) cut: u32,
    /// The story, its chart, its figures, what was said and what was expected: for people, and the same every time.
    pub text: String,
    /// What was expected and did not come true, as sentences.
    pub broken: Vec<String>,
}

/// What one turn said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) at: Timestamp,
    stands: Option<Size>,
    size: Size,
    because: String,
    limits: Vec<(&'static str, String)>,
    notes: Vec<(&'static str, String)>,
    commands: Vec<String>,
    pub(super) plan: Arc<Plan>,
}

impl Said {
    fn of(scene: &Scene<'_>, zone: &TimeZone) -> Self {
        let decision = scene.decision;
        Self {
            at: scene.briefing.now,
            stands: scene.briefing.sighting.as_ref().map(|seen| seen.ordered),
            size: decision.size,
            because: decision.because.tell(zone),
            limits: decision.limits.iter().map(|limit: &Limit| (limit.code(), limit.tell(zone))).collect(),
            notes: decision.notes.iter().map(|note: &Note| (note.code(), note.tell(zone))).collect(),
            commands: decision.commands.iter().map(ToString::to_string).collect(),
            plan: Arc::clone(&decision.plan),
        }
    }

    pub(super) fn has(&self, words: &str) -> bool {
        let mut all = self.limits.iter().chain(&self.notes).map(|(_, text)| text);
        self.because.contains(words) || all.any(|text| text.contains(words))
    }

    pub(super) fn clock(&self, zone: &TimeZone) -> String {
        self.at.to_zoned(zone.clone()).strftime("%a %H:%M").to_string()
    }

    fn codes(&self) -> Vec<&'static str> {
        self.limits.iter().map(|(code, _)| *code).collect()
    }
}

/// The most lines of what was said that a person reads.
const LINES_MAX: usize = 30;

impl Told {
    pub(super) fn of(story: &Story, world: &Rehearsal, forecaster: &mut dyn Forecaster) -> Self {
        let zone = story.workload.zone.clone();
        let (mut said, mut cut) = (Vec::new(), 0);
        let timeline = world.play(&mut Production, forecaster, &mut |scene| {
            said.push(Said::of(scene, &zone));
            cut = scene.cloud.cut();
            ControlFlow::Continue(())
        });
        let mut told = Self { zone, timeline, said, cut, text: String::new(), broken: Vec::new() };
        told.text = told.tell(story);
        told
    }

    fn minutes(&self, within: Option<Stretch>) -> std::ops::Range<usize> {
        let minute = |time: Timestamp| {
            let minute = (time.as_second() - self.timeline.start.as_second()).div_euclid(60);
            minute.clamp(0, self.timeline.minutes() as i64) as usize
        };
        within.map_or(0..self.timeline.minutes(), |within| minute(within.from)..minute(within.until))
    }

    pub(super) fn billed(&self, within: Option<Stretch>) -> &[u32] {
        &self.timeline.total[self.minutes(within)]
    }

    pub(super) fn falls(&self, within: Stretch) -> impl Iterator<Item = u32> {
        self.billed(Some(within)).windows(2).filter(|pair| pair[1] < pair[0]).map(|pair| pair[0] - pair[1])
    }

    /// How many turns launched servers.
    pub(super) fn launches(&self, within: Stretch) -> usize {
        let turns = self.said.iter().filter(|said| (within.from..within.until).contains(&said.at));
        turns.filter(|said| said.commands.iter().any(|command| command.starts_with("grow"))).count()
    }

    /// The share of the demand that came while no server was left for it.
    pub(super) fn short(&self, within: Option<Stretch>) -> f64 {
        let (mut short, mut all) = (0.0, 0.0);
        for minute in self.minutes(within) {
            let demand = self.timeline.demand[minute];
            all += demand;
            short += (demand - f64::from(self.timeline.ready[minute]) * self.timeline.throughput).max(0.0);
        }
        if all > 0.0 { short / all } else { 0.0 }
    }

    fn shown(&self, show: Stretch) -> Timeline {
        let minutes = self.minutes(Some(show));
        Timeline {
            start: show.from.max(self.timeline.start),
            demand: self.timeline.demand[minutes.clone()].to_vec(),
            ready: self.timeline.ready[minutes.clone()].to_vec(),
            total: self.timeline.total[minutes].to_vec(),
            ..self.timeline
        }
    }

    fn tell(&mut self, story: &Story) -> String {
        let shown = self.shown(story.show);
        let mut text =
            format!("{}\nproves {}\n\n{}\n\n", story.title, story.proves.join(", "), story.because.trim());
        text += &Chart { zone: self.zone.clone(), ..Chart::default() }.draw(&shown);
        text.push('\n');
        text += &figures(&shown);
        text += "\nWhat it said:\n";
        self.tell_turns(story.show, &mut text);
        text += "\nWhat was expected:\n";
        for expected in &story.expect {
            let (true_, what) = expected.judge(self);
            let when =
                expected.within().map_or(String::new(), |within| format!(", {}", within.tell(&self.zone)));
            say(&mut text, format_args!("  {} {expected}{when}: {what}", if true_ { "yes" } else { "NO " }));
            if !true_ {
                self.broken.push(format!("{expected}{when}: {what}"));
            }
        }
        text
    }

    fn tell_turns(&self, show: Stretch, text: &mut String) {
        let within = |said: &&Said| (show.from..show.until).contains(&said.at);
        let (mut noted, mut limited): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        let mut before: Option<&Said> = None;
        let mut lines = Vec::new();
        for said in self.said.iter().filter(within) {
            let new: Vec<_> = said.codes().into_iter().filter(|code| !limited.contains(code)).collect();
            let changed = before.is_none_or(|before| before.size != said.size);
            if changed || !new.is_empty() {
                limited.extend(new);
                lines.push(self.line(said));
            }
            for (code, note) in said.notes.iter().filter(|(code, _)| *code != "evidence") {
                if !noted.contains(code) {
                    noted.push(code);
                    lines.push(format!("{}  noted: {note}", said.clock(&self.zone)));
                }
            }
            before = Some(said);
        }
        let left_out = lines.len().saturating_sub(LINES_MAX);
        lines.iter().take(LINES_MAX).for_each(|line| say(text, format_args!("  {line}")));
        if left_out > 0 {
            say(text, format_args!("  … and {left_out} more lines"));
        }
    }

    fn line(&self, said: &Said) -> String {
        let stands = said.stands.map_or("  ?".to_owned(), |stands| format!("{:>3}", stands.get()));
        let limits: String = said.limits.iter().map(|(_, limit)| format!("; {limit}")).collect();
        let done = said
            .commands
            .first()
            .filter(|_| said.commands.len() > 1)
            .map(|first| format!(" [{first} and {} more]", said.commands.len() - 1));
        let done = done.unwrap_or_default();
        format!(
            "{}  {stands} → {:<3} {}{limits}{done}",
            said.clock(&self.zone),
            said.size.get(),
            said.because
        )
    }
}

fn say(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all text");
}

/// The scorecard in few lines. A stretch of less than a day is scaled up to one.
fn figures(timeline: &Timeline) -> String {
    let card = Scorecard::of(timeline);
    format!(
        "{:.1} hours: {:.3} % of the demand beyond capacity, {:.3} times the cost of the optimum, {:.1} server-hours\n\
         {:.0} scale-ups and {:.0} scale-downs a day, {:.0} % used, at most {} servers\n",
        timeline.minutes() as f64 / 60.0,
        100.0 * card.violated_requests,
        card.cost,
        card.server_hours,
        card.ups_per_day,
        card.downs_per_day,
        100.0 * card.utilisation,
        card.peak
    )
}
