use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{
    Allowed, Briefing, Command, Decision, Evidence, Halt, Lessons, Mode, Sighting, Workload, decide, flaws,
    learn_fleet,
};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::cuts;
use super::practice::{Practice, ground};
use super::workshop::Filled;
use super::{Agenda, Allowance, Flag, Forecaster, Taken};
use crate::scaler::{Receipt, Scaler, Tally};
use crate::source::{Collected, Collector, Guard};
use crate::store::{Keepsake, Ledger, Store};
use crate::trouble::Trouble;

/// One workload in tidecast's care: what it is told, what it looks at, who carries its decisions out.
#[derive(Debug)]
pub struct Charge {
    workload: Arc<Workload>,
    agenda: Agenda,
    pub(super) collector: Collector,
    forecaster: Forecaster,
    pub(super) practice: Practice,
    scaler: Arc<dyn Scaler>,
    /// Who counts the sessions of servers, if a source does.
    tally: Option<Arc<Tally>>,
    pub(super) store: Arc<dyn Store>,
    lessons: Option<Arc<Lessons>>,
    kept: Kept,
    fleet: Option<u32>,
    remembered: Option<Ledger>,
    filling: Filling,
    /// How often somebody has decreed something, as far as this process knows.
    decreed: Arc<AtomicU64>,
    flag: Option<Flag>,
    /// What all workloads together may launch and have.
    allowance: Arc<Allowance>,
}

/// How far the back-fill is.
#[derive(Debug)]
enum Filling {
    /// It has not begun, or is to be tried again then.
    From(Option<Timestamp>),
    /// It is under way; the share that is done.
    Underway(JoinHandle<Result<Filled, Trouble>>, watch::Receiver<f64>),
    /// The history is there.
    Done,
}

/// What was last kept in the store, so that nothing is kept twice.
#[derive(Debug, Default)]
struct Kept {
    at: Option<Timestamp>,
    lessons: Option<Arc<Lessons>>,
    guard: Option<Arc<Guard>>,
}

/// What one turn has seen, decided and done.
#[derive(Debug)]
pub struct Turned {
    /// When it began.
    pub at: Timestamp,
    /// All that was known.
    pub briefing: Option<Arc<Briefing>>,
    /// What was decided.
    pub decision: Option<Arc<Decision>>,
    /// Whether this turn was ours: it was the next, and is stored.
    pub committed: bool,
    /// What the source brought.
    pub collected: Result<Collected, Trouble>,
    /// Why the fleet was not seen, if it was not.
    pub unseen: Option<Trouble>,
    /// Why there is no newer forecast, if there should be one.
    pub unfit: Option<String>,
    /// The share of the history that is there, 0 to 1.
    pub filled: f64,
    /// What the scaler sends, or would send if mode and halts allowed it.
    pub shows: Vec<String>,
    /// What came of carrying it out, if it was tried.
    pub receipt: Option<Result<Receipt, Trouble>>,
    /// What kept the turn from being had.
    pub trouble: Option<Trouble>,
}

/// How long a look at the source or the fleet may take before the turn goes on without it.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// After how long a back-fill that failed goes on.
const FILL_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How often what was learned is kept.
const KEEP_EVERY: SignedDuration = SignedDuration::from_mins(5);

impl Charge {
    /// A workload with its source, its forecaster and its scaler. `agenda` is what the calendar decrees.
    pub fn new(
        workload: Arc<Workload>,
        agenda: Agenda,
        collector: Collector,
        forecaster: Forecaster,
        scaler: Arc<dyn Scaler>,
        store: Arc<dyn Store>,
    ) -> Self {
        let (lessons, kept, fleet, remembered) = (None, Kept::default(), None, None);
        let filling = Filling::From(None);
        let practice = Practice::beside(&forecaster, collector.rhythm());
        Self {
            workload,
            agenda,
            collector,
            forecaster,
            practice,
            scaler,
            tally: None,
            store,
            lessons,
            kept,
            fleet,
            remembered,
            filling,
            decreed: Arc::default(),
            flag: None,
            allowance: Arc::default(),
        }
    }

    /// Heeds what is decreed while a turn is under way: `decreed` counts it.
    #[must_use]
    pub fn heeding(mut self, decreed: Arc<AtomicU64>) -> Self {
        self.decreed = decreed;
        self
    }

    /// Halts while this file is there.
    #[must_use]
    pub fn flagged(mut self, flag: Flag) -> Self {
        self.flag = Some(flag);
        self
    }

    /// Knows by this tally how many sessions servers hold.
    #[must_use]
    pub fn counting(mut self, tally: Option<Arc<Tally>>) -> Self {
        self.tally = tally;
        self
    }

    /// Takes no more than its share of what all workloads together may launch and have.
    #[must_use]
    pub fn sharing(mut self, allowance: Arc<Allowance>) -> Self {
        self.allowance = allowance;
        self
    }

    /// One turn: load the ledger, then look, decide, commit, carry out.
    ///
    /// A commit that succeeds proves that nobody has decided since we looked; who loses drops the decision. While the
    /// store cannot be written, the fleet is still grown, and nothing else (F32).
    pub async fn turn(&mut self, now: Timestamp) -> Turned {
        let looked_after = self.decreed.load(Ordering::Acquire);
        let loaded = self.load(now).await;
        let trouble = loaded.as_ref().err().cloned();
        let Some(ledger) = loaded.ok().or_else(|| self.remembered.clone()) else {
            return Turned::failed(now, trouble.expect("a ledger is there, or a trouble"));
        };
        let (collected, seen) = self.look(now).await;
        let (sighting, unseen) = seen.map_or_else(|trouble| (None, Some(trouble)), |seen| (seen, None));
        let evidence = self.collector.evidence();
        self.learn(sighting.as_ref(), &evidence);
        let filled = self.fill(now).await;
        self.forecaster.tend(now, &self.lessons()).await;
        self.practise(now, &evidence).await;
        let decreed = self.decreed.load(Ordering::Acquire);
        let mut briefing = self.briefing(now, ledger, evidence, sighting);
        let mut decision = self.decide(&mut briefing);
        if looked_after != decreed
            && let Ok(ledger) = self.store.load(&self.workload.name, self.remembered.as_ref()).await
        {
            (briefing.turn, briefing.last) = (ledger.turn + 1, ledger.last.clone());
            briefing.overrides = ledger.overrides.into_iter().chain(self.agenda.due(now)).collect();
            briefing.halts = self.halts(ledger.halts, now);
            decision = self.decide(&mut briefing);
        }
        self.allowance.settle(&self.workload.name, Taken::of(&decision, ordered(&briefing)), now);
        let mut turned = Turned {
            at: now,
            decision: Some(decision.clone()),
            briefing: Some(Arc::new(briefing)),
            committed: false,
            collected,
            unseen,
            unfit: self.forecaster.unfit.clone(),
            filled,
            shows: self.scaler.shows(&decision),
            receipt: None,
            trouble,
        };
        self.conclude(&decision, &mut turned).await;
        self.keep(now, KEEP_EVERY).await;
        turned
    }

    /// Decides within this workload's share of what all may launch and have.
    fn decide(&self, briefing: &mut Briefing) -> Arc<Decision> {
        let (name, has) = (&self.workload.name, ordered(briefing));
        match self.workload.mode {
            Mode::Observe => self.allowance.note(name, has),
            Mode::ScaleOutOnly | Mode::Full => briefing.share = self.allowance.grant(name, has, briefing.now),
        }
        Arc::new(decide(briefing))
    }

    /// Commits a decision, and carries it out if it is ours.
    async fn conclude(&mut self, decision: &Arc<Decision>, turned: &mut Turned) {
        if turned.trouble.is_none() {
            match self.store.commit(&self.workload.name, decision).await {
                Ok(true) => {
                    turned.committed = true;
                    self.remember(decision);
                }
                Ok(false) => {}
                Err(trouble) => turned.trouble = Some(trouble),
            }
        }
        turned.receipt = match turned.committed {
            true => Some(self.carry_out(decision).await),
            false if turned.trouble.is_some() => self.grow_only(decision).await,
            false => None,
        };
    }

    /// What the ledger says now that this decision is in it.
    fn remember(&mut self, decision: &Arc<Decision>) {
        if let Some(ledger) = &mut self.remembered {
            (ledger.turn, ledger.last) = (decision.turn, Some(decision.clone()));
        }
    }

    /// While nothing can be written, growing goes on: it is absolute and takes nothing away, so that neither a restart nor
    /// another replica can make it wrong. Everything else waits for the ledger.
    async fn grow_only(&self, decision: &Decision) -> Option<Result<Receipt, Trouble>> {
        let grows = |command: &&Command| matches!(command, Command::Grow { .. });
        let commands: Vec<Command> = decision.commands.iter().filter(grows).cloned().collect();
        let allowed = decision.allowed.min(Allowed::Growing);
        let growth = Decision { commands, allowed, ..decision.clone() };
        match growth.commands.is_empty() {
            true => None,
            false => Some(self.sound(&growth).await),
        }
    }

    /// Fills the history back beside the turns, and tries again after a while if that fails; the share that is there.
    async fn fill(&mut self, now: Timestamp) -> f64 {
        if matches!(&self.filling, Filling::Underway(work, _) if work.is_finished()) {
            self.end_fill(now).await;
        }
        match &self.filling {
            Filling::Done => 1.0,
            Filling::Underway(_, share) => *share.borrow(),
            Filling::From(Some(then)) if now < *then => 0.0,
            Filling::From(_) => {
                let (told, share) = watch::channel(0.0);
                let work = self.forecaster.workshop().fill(self.collector.back_fill(), now, told);
                self.filling = Filling::Underway(tokio::spawn(work), share);
                0.0
            }
        }
    }

    /// Waits for what is done beside the turns: the back-fill, and the forecast that is being made.
    pub async fn settle(&mut self, now: Timestamp) {
        self.end_fill(now).await;
        self.forecaster.finish().await;
        self.practice.finish().await;
    }

    async fn end_fill(&mut self, now: Timestamp) {
        match std::mem::replace(&mut self.filling, Filling::Done) {
            Filling::Underway(work, _) => match work.await {
                Ok(Ok(Filled::Grown)) => {
                    self.forecaster.learn_anew();
                    self.practice.learn_anew(now);
                }
                Ok(Ok(Filled::There)) => {}
                _ => self.filling = Filling::From(now.saturating_add(FILL_AGAIN).ok()),
            },
            other => self.filling = other,
        }
    }

    /// Keeps what was learned, at the end.
    pub async fn close(&mut self, now: Timestamp) {
        self.keep(now, SignedDuration::ZERO).await;
    }

    async fn load(&mut self, now: Timestamp) -> Result<Ledger, Trouble> {
        let ledger = self.store.load(&self.workload.name, self.remembered.as_ref()).await?;
        self.remembered = Some(ledger.clone());
        if self.lessons.is_none() {
            let lessons = Arc::new(ledger.lessons.clone());
            self.kept.lessons = Some(lessons.clone());
            self.lessons = Some(lessons);
            self.allowance.recall(&self.workload.name, ledger.last.as_ref().map_or(&[], |last| &last.moves));
            self.collector.guard = ledger.guard.clone();
            // Without the stored forecast a turn is poorer, not impossible.
            let _ = self.forecaster.warm(now).await;
        }
        Ok(ledger)
    }

    async fn look(
        &mut self,
        now: Timestamp,
    ) -> (Result<Collected, Trouble>, Result<Option<Sighting>, Trouble>) {
        let slow = |who: String| Trouble::Slow { who, limit_ms: LOOK_MAX.as_millis() as u64 };
        // The fleet first: how many targets are usual depends on how many servers there are now.
        let sighting = tokio::time::timeout(LOOK_MAX, self.scaler.sight(now)).await;
        let mut sighting = sighting.unwrap_or_else(|_| Err(slow(self.scaler.name())));
        if let Ok(Some(sighting)) = &sighting {
            self.fleet = Some(sighting.serving.get());
        }
        let (tally, also) = (self.tally.clone(), self.scaler.also_called());
        let counting = async {
            if let (Some(tally), Ok(Some(sighting))) = (tally, &mut sighting) {
                tally.join(sighting, also, now).await;
            }
        };
        let collecting = tokio::time::timeout(LOOK_MAX, self.collector.look(now, self.fleet));
        let (collected, ()) = tokio::join!(collecting, counting);
        let collected =
            collected.unwrap_or_else(|_| Err(slow(format!("the source of {}", self.workload.name))));
        (collected, sighting)
    }

    fn lessons(&self) -> Lessons {
        self.lessons.as_deref().cloned().unwrap_or_default()
    }

    fn learn(&mut self, sighting: Option<&Sighting>, evidence: &Evidence) {
        let mut lessons = self.lessons();
        if let Some(sighting) = sighting {
            lessons = learn_fleet(&lessons, sighting, evidence);
        }
        if let Some(drift) = self.forecaster.drift() {
            lessons.drift = drift;
        }
        if self.lessons.as_deref() != Some(&lessons) {
            self.lessons = Some(Arc::new(lessons));
        }
    }

    /// Has the ways to size try what is new, and takes in which of them is the best.
    async fn practise(&mut self, now: Timestamp, evidence: &Evidence) {
        let ground = ground(&self.workload, &self.lessons());
        self.practice.tend(now, ground, self.workload.promise, evidence, &self.forecaster).await;
        if let Some((sizing, frontier)) = self.practice.news() {
            self.lessons = Some(Arc::new(Lessons { sizing: Some(sizing), frontier, ..self.lessons() }));
        }
    }

    fn briefing(
        &self,
        now: Timestamp,
        ledger: Ledger,
        evidence: Evidence,
        sighting: Option<Sighting>,
    ) -> Briefing {
        Briefing {
            now,
            turn: ledger.turn + 1,
            workload: self.workload.clone(),
            issued: self.forecaster.issued().cloned(),
            evidence,
            nowcast: self.practice.says(self.workload.hold),
            sighting,
            overrides: ledger.overrides.into_iter().chain(self.agenda.due(now)).collect(),
            halts: self.halts(ledger.halts, now),
            lessons: self.lessons(),
            share: None,
            last: ledger.last,
        }
    }

    /// What halts it: the ledger, and the file, if it is there.
    fn halts(&self, decreed: Vec<Halt>, now: Timestamp) -> Vec<Halt> {
        decreed.into_iter().chain(self.flag.as_ref().and_then(|flag| flag.halt(now))).collect()
    }

    /// Carries a committed decision out, and tells the ledger what came of it.
    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let told = cuts::tell(&*self.store, &self.workload.name, decision, &self.workload.zone).await;
        let mut receipt = match &told {
            Ok(()) => self.sound(decision).await,
            Err(_) => self.sound(&cuts::without(decision)).await,
        };
        if let Err(untold) = told {
            receipt = receipt.and(Err(untold));
        }
        if !decision.commands.is_empty() {
            let said =
                receipt.as_ref().map_or_else(|trouble| format!("failed: {trouble}"), ToString::to_string);
            let (name, turn) = (&self.workload.name, decision.turn);
            self.store.carried_out(name, turn, &said, decision.at).await?;
        }
        receipt
    }

    /// Hands a decision to the scaler, unless its plan has a flaw.
    async fn sound(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        match flaws(&decision.plan, &self.workload).first() {
            None => self.scaler.carry_out(decision).await,
            Some(flaw) => {
                let who = format!("the plan of turn {}", decision.turn);
                Err(Trouble::Unusable { who, why: flaw.to_string() })
            }
        }
    }

    /// Keeps what was learned and has changed. What cannot be kept now is kept the next time.
    async fn keep(&mut self, now: Timestamp, every: SignedDuration) {
        if self.kept.at.is_some_and(|at| now.duration_since(at).abs() < every) {
            return;
        }
        self.kept.at = Some(now);
        self.practice.keep(now, every).await;
        let name = &self.workload.name;
        if let Some(lessons) =
            self.lessons.clone().filter(|lessons| self.kept.lessons.as_ref() != Some(lessons))
            && self.store.learn(name, Keepsake::Lessons(lessons.clone())).await.is_ok()
        {
            self.kept.lessons = Some(lessons);
        }
        let guard = Arc::new(self.collector.guard.clone());
        if self.kept.guard.as_ref() != Some(&guard)
            && self.store.learn(name, Keepsake::Guard(guard.clone())).await.is_ok()
        {
            self.kept.guard = Some(guard);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Filling::Underway(work, _) = &self.filling {
            work.abort();
        }
    }
}

/// How many servers are ordered, as far as is known.
fn ordered(briefing: &Briefing) -> u32 {
    let seen = briefing.sighting.as_ref().map(|seen| seen.ordered);
    let decided = briefing.last.as_ref().map(|last| last.size);
    seen.or(decided).unwrap_or(briefing.workload.bounds.min()).get()
}

impl Turned {
    fn failed(at: Timestamp, trouble: Trouble) -> Self {
        Self {
            at,
            briefing: None,
            decision: None,
            committed: false,
            collected: Err(trouble.clone()),
            unseen: None,
            unfit: None,
            filled: 0.0,
            shows: Vec::new(),
            receipt: None,
            trouble: Some(trouble),
        }
    }
}
