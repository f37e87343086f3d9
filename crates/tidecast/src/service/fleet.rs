use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use jiff::SignedDuration;
use tidecast_pilot::{Menu, WorkloadName};

use super::hands::{Hands, Shared};
use super::{Known, Told};
use crate::config::Config;
use crate::config::section::{AsgAction, Demand, PrometheusSource, Source as Section, Target, Workload};
use crate::config::word::Name;
use crate::config::{NoWay, secrets_folder};
use crate::drive::{
    Agenda, Allowance, Cadence, Charge, Drive, Flag, Forecaster, Pace, Recipe, Together, Workshop,
};
use crate::egress::{Connector, Door, Limits, Rules};
use crate::scaler::Tally;
use crate::source::{
    Collector, CsvFile, Inbox, PerNode, Prometheus, PrometheusCensus, PrometheusServer, Query, Source,
};
use crate::store::{History, Shelf, Store};
use crate::trouble::Trouble;

/// The model that forecasts.
const MODEL: &str = "ensemble";

/// Where measurements are pushed to, by workload.
#[derive(Debug, Default)]
pub struct Inboxes(RwLock<BTreeMap<WorkloadName, Arc<Inbox>>>);

impl Inboxes {
    /// The inbox of a workload, if its source is one.
    pub fn of(&self, workload: &WorkloadName) -> Option<Arc<Inbox>> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(workload).cloned()
    }

    fn made(&self, workload: &WorkloadName) -> Arc<Inbox> {
        let mut inboxes = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        inboxes.entry(workload.clone()).or_insert_with(|| Arc::new(Inbox::new(&*workload.0))).clone()
    }
}

/// When turns are taken. A few workloads have their first turns at once; thousands are spread over some seconds.
pub(super) fn pace(config: &Config) -> Pace {
    let most = Pace::default().first_within;
    let first_within = FIRST_APART * i32::try_from(config.workloads.len()).unwrap_or(i32::MAX);
    Pace { interval: span(config.server.turn_every), first_within: first_within.min(most) }
}

/// How far apart first turns lie after a start, unless there are too many for that.
const FIRST_APART: SignedDuration = SignedDuration::from_millis(5);

fn span(duration: crate::config::word::Duration) -> SignedDuration {
    SignedDuration::try_from(duration.0).unwrap_or(SignedDuration::MAX)
}

/// Where forecasts are made, and how often.
#[derive(Debug, Clone)]
pub(super) struct Workshops {
    workshop: Workshop,
    shelf: Arc<Shelf>,
}

impl Workshops {
    /// As many benches as there are processors, less one for the turns; closed until somebody opens it.
    pub(super) fn of(config: &Config, history: Arc<History>, shelf: Arc<Shelf>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let fills = (config.workloads.len() / 500).clamp(4, 32);
        let workshop = Workshop::new(history, processors.saturating_sub(1).max(1), fills);
        let menu = if config.workloads.len() > NOWCASTS_MAX { Menu::Outlooks } else { Menu::Whole };
        Self { workshop: workshop.trying(menu).with_shelf(shelf.clone()).closed(), shelf }
    }

    /// From now on models are fitted and histories filled back.
    pub(super) fn open(&self) {
        self.workshop.open();
    }
}

/// So many workloads try every way to size; in larger fleets each tries only those that need no nowcast, in a fifth of the
/// memory.
const NOWCASTS_MAX: usize = 2_000;

/// How forecasts are made.
fn cadence(config: &Config) -> Cadence {
    Cadence { window: span(config.store.history), ..Cadence::default() }
}

/// The workloads in tidecast's care, as the configuration in force has them.
#[derive(Debug)]
pub(super) struct Fleet {
    known: Arc<Known>,
    pub(super) workshops: Workshops,
    folder: PathBuf,
    told: Told,
    allowance: Arc<Allowance>,
    shared: Shared,
}

impl Fleet {
    pub(super) fn new(known: Arc<Known>, workshops: Workshops, folder: PathBuf) -> Self {
        let (allowance, shared) = (Arc::default(), Shared::default());
        Self { known, workshops, folder, told: Told::new(), allowance, shared }
    }

    /// Begins with new workloads, begins anew with changed ones, lets go of those that are gone; how many. `complete` if
    /// no more will come: what was kept for others can go.
    pub(super) fn follow(&mut self, drive: &mut Drive, config: &Config, complete: bool) -> usize {
        drive.set_pace(pace(config));
        let limits = &config.limits;
        let (launches_per_minute, fleet_max) = (limits.launches_per_minute, limits.fleet_max);
        self.allowance.set(Together { launches_per_minute, fleet_max });
        self.workshops.shelf.set_room(config.store.models_max.0);
        let told = told(config, &self.folder);
        let gone = self.told.keys().filter(|name| !told.contains_key(*name));
        let dismiss = |name: &&WorkloadName| {
            drive.dismiss(name);
            self.allowance.leave(name);
        };
        let mut changed = gone.inspect(dismiss).count();
        let servers = Arc::new(Servers::new(config, &self.folder));
        let hands = Arc::new(self.hands(config));
        for workload in &config.workloads {
            let name = WorkloadName(workload.name.as_str().to_owned());
            if self.told.get(&name) != told.get(&name) {
                changed += 1;
                drive.enlist(name, self.recipe(config, workload, servers.clone(), hands.clone()));
            }
        }
        let kept = told.keys().map(|name| name.0.as_str());
        if complete && let Err(trouble) = self.workshops.shelf.keep_only(kept) {
            tracing::warn!("fitted models that nobody needs could not be taken away: {trouble}");
        }
        self.told = told;
        changed
    }

    fn hands(&self, config: &Config) -> Hands {
        Hands::new(config, &self.folder, &self.shared, self.known.answers.clone())
    }

    /// The cluster of this name, as the configuration has it.
    #[cfg(feature = "kubernetes")]
    pub(super) fn cluster(
        &self,
        config: &Config,
        named: Option<&Name>,
    ) -> Result<Arc<crate::scaler::kubernetes::Cluster>, Trouble> {
        self.hands(config).cluster(named)
    }

    fn recipe(
        &self,
        config: &Config,
        workload: &Workload,
        servers: Arc<Servers>,
        hands: Arc<Hands>,
    ) -> Recipe {
        let (known, cadence) = (self.known.clone(), cadence(config));
        let workshop = self.workshops.workshop.clone();
        let workshop =
            if goes_by_plan(&workload.target) { workshop.trying(Menu::Forecasts) } else { workshop };
        let (workload, limits, folder) = (workload.clone(), config.limits.clone(), self.folder.clone());
        let section = config.sources.get(&workload.demand.source).cloned();
        let calendar = config.calendar_of(&workload, &self.folder).map_err(|error| error.to_string());
        let allowance = self.allowance.clone();
        Arc::new(move || {
            let name = workload.name.as_str();
            let unusable = |why: String| Trouble::Unusable { who: format!("the workload {name}"), why };
            let mut piloted = workload.piloted(&limits).map_err(|error| unusable(error.to_string()))?;
            let section = section.as_ref().ok_or_else(|| unusable("it has no source".into()))?;
            let source = source(section, &workload.demand, &servers, &hands, &folder, || {
                known.inboxes.made(&piloted.name)
            })?;
            let step = span(workload.demand.step);
            let collector = Collector::new(source, known.history.clone(), name, cadence.window, step);
            let forecaster = Forecaster::new(workshop.clone(), name, MODEL, piloted.zone.clone(), cadence);
            let store: Arc<dyn Store> = known.store.clone();
            let tally = tally(&workload, &servers)?.map(Arc::new);
            let calendar = calendar.clone().map_err(unusable)?;
            piloted.calendar.special.clone_from(&calendar.special);
            let forecaster = forecaster.knowing(calendar.special.clone());
            let agenda = Agenda::new(calendar);
            let charge = Charge::new(
                Arc::new(piloted),
                agenda,
                collector,
                forecaster,
                hands.scaler(&workload, tally.clone())?,
                store,
            );
            let charge =
                charge.heeding(known.board.decreed().clone()).sharing(allowance.clone()).counting(tally);
            Ok(charge.flagged(Flag::in_folder(&known.folder)))
        })
    }
}

/// Whether somebody carries the plan out who sees no measurements: then what sizes must stand in the plan.
fn goes_by_plan(target: &Target) -> bool {
    matches!(target, Target::Asg(group) if group.action == AsgAction::Schedule)
}

/// All that a workload's turns depend on.
fn told(config: &Config, folder: &Path) -> Told {
    let one = |workload: &Workload| {
        // Calendar files are part of what is told: a workload whose file has changed begins anew.
        let calendar = config.calendar_of(workload, folder).map_err(|error| error.to_string());
        let calendar = serde_json::to_value(calendar).unwrap_or_default();
        let all = serde_json::json!([
            workload,
            config.sources.get(&workload.demand.source),
            config.clusters,
            config.limits,
            calendar,
            config.store.history,
            config.secrets_dir,
            config.server.turn_every,
        ]);
        (WorkloadName(workload.name.as_str().to_owned()), all)
    };
    config.workloads.iter().map(one).collect()
}

/// The ways to the servers that sources name, one for each, shared by all workloads that ask it.
#[derive(Debug)]
struct Servers(BTreeMap<Name, Result<Arc<PrometheusServer>, Trouble>>);

/// Questions to one server at a time: a few for a few workloads, and more for many.
fn at_once(workloads: usize) -> usize {
    (workloads / 100).clamp(8, 64)
}

impl Servers {
    fn new(config: &Config, folder: &Path) -> Self {
        let secrets = secrets_folder(config, folder);
        let ways = config.sources.iter().filter_map(|(name, source)| match source {
            Section::Prometheus(section) => {
                let asking =
                    config.workloads.iter().filter(|workload| workload.demand.source == *name).count();
                Some((name.clone(), way(name, section, folder, &secrets, at_once(asking))))
            }
            Section::Cloudwatch(_) | Section::Csv(_) | Section::Push(_) => None,
        });
        Self(ways.collect())
    }

    fn of(&self, source: &Name) -> Result<Arc<PrometheusServer>, Trouble> {
        self.0.get(source).cloned().unwrap_or_else(|| {
            let why = "nobody knows the way to it".into();
            Err(Trouble::Unusable { who: format!("the source {source}"), why })
        })
    }
}

/// Who counts the sessions of a workload's servers, if its configuration says how.
fn tally(workload: &Workload, servers: &Servers) -> Result<Option<Tally>, Trouble> {
    let Some((drain, text)) = workload.drain.as_ref().and_then(|d| Some((d, d.sessions.as_ref()?))) else {
        return Ok(None);
    };
    let asked = PerNode::of(text).map_err(|error| Trouble::Unusable {
        who: format!("drain.sessions of {}", workload.name),
        why: error.to_string(),
    })?;
    let census = PrometheusCensus::new(servers.of(&workload.demand.source)?, asked);
    Ok(Some(Tally::new(Arc::new(census), span(drain.fresh_for))))
}

fn way(
    name: &Name,
    section: &PrometheusSource,
    folder: &Path,
    secrets: &Path,
    at_once: usize,
) -> Result<Arc<PrometheusServer>, Trouble> {
    let who = || format!("the source {name}");
    let no_way = |error: NoWay| Trouble::Unusable { who: who(), why: error.to_string() };
    let mut address =
        section.address(name.as_str(), folder, secrets, |name| std::env::var(name).ok()).map_err(no_way)?;
    address.limits = Limits { at_once, ..address.limits };
    let door = Door::inside(&address.url)?;
    Ok(Arc::new(PrometheusServer::new(Connector::new(&address, &Rules::new([door]))?)))
}

fn source(
    section: &Section,
    demand: &Demand,
    servers: &Servers,
    #[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "for CloudWatch"))] hands: &Hands,
    folder: &Path,
    inbox: impl FnOnce() -> Arc<Inbox>,
) -> Result<Arc<dyn Source>, Trouble> {
    Ok(match section {
        Section::Prometheus(_) => {
            let server = servers.of(&demand.source)?;
            let text = demand.query.clone().unwrap_or_default();
            let query = Query { text, step_s: demand.step.as_seconds(), counted: demand.coverage.clone() };
            Arc::new(Prometheus::new(server, query))
        }
        #[cfg(feature = "aws")]
        Section::Cloudwatch(section) => Arc::new(hands.regions.cloudwatch(section, demand)?),
        #[cfg(not(feature = "aws"))]
        Section::Cloudwatch(_) => return Err(super::hands::left_out("aws")),
        Section::Csv(file) => Arc::new(CsvFile::new(folder.join(&file.path.0))),
        Section::Push(_) => inbox(),
    })
}
