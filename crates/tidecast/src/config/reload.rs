//! A running configuration and a new one: what is invalid never replaces what is valid.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};

use super::codes::Code;
use super::files;
use super::finding::{Finding, Report};
use super::load::{Loaded, load};
use super::section::{Config, Keda};

/// How often files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A configuration that takes the place of another.
#[derive(Debug)]
pub struct Change {
    /// The new one. What cannot change while the server runs is as it was.
    pub config: Config,
    /// Its warnings, and what waits for a restart.
    pub report: Report,
}

/// The configuration to go on with: the one that was read, if it has no errors.
///
/// # Errors
/// What is wrong with the one that was read; the previous one stays in force.
pub fn reload(previous: &Config, read: Loaded) -> Result<Change, Report> {
    let Some(mut config) = read.config else { return Err(read.report) };
    let waiting = waiting(previous, &config);
    config.server.listen = previous.server.listen;
    config.store.folder = previous.store.folder.clone();
    config.keda = previous.keda.clone();
    let at = |key: &&[&str; 2]| read.tree.nearest(*key).headline();
    let findings = waiting.iter().map(|key| {
        let message = format!("`{}` changes only when the server is started again", key.join("."));
        let finding = Finding::new(Code::NEEDS_RESTART, message)
            .help("start the server again, or take the change back");
        if read.report.texts.0.is_empty() { finding } else { finding.at(at(&key)) }
    });
    let findings = read.report.findings.iter().cloned().chain(findings).collect();
    Ok(Change { config, report: Report::new(findings, read.report.texts) })
}

fn waiting(previous: &Config, next: &Config) -> Vec<[&'static str; 2]> {
    let listen = (previous.server.listen != next.server.listen).then_some(["server", "listen"]);
    let folder = (previous.store.folder != next.store.folder).then_some(["store", "folder"]);
    let keda = keda(previous.keda.as_ref(), next.keda.as_ref()).map(|key| ["keda", key]);
    listen.into_iter().chain(folder).chain(keda).collect()
}

/// What differs between two sections, if anything does.
fn keda(previous: Option<&Keda>, next: Option<&Keda>) -> Option<&'static str> {
    match (previous, next) {
        (Some(a), Some(b)) if a == b => None,
        (Some(a), Some(b)) if a.listen == b.listen => Some(if a.tls == b.tls { "clients" } else { "tls" }),
        (None, None) => None,
        _ => Some("listen"),
    }
}

/// Looks whether the files of a configuration have changed: first at their dates, then at their content, so that
/// neither a touched file nor the swapped links of a mounted ConfigMap are missed or taken for more than they are.
#[derive(Debug)]
pub struct Poller {
    paths: Vec<PathBuf>,
    stamps: BTreeMap<PathBuf, Stamp>,
    content: Vec<u8>,
}

/// Inode, length and the times of the last change to content and to the entry itself, in nanoseconds.
type Stamp = (u64, u64, i128, i128);

impl Poller {
    /// A poller that has seen the files as they are now.
    pub fn new(paths: &[PathBuf]) -> Self {
        let mut poller = Self { paths: paths.to_vec(), stamps: BTreeMap::new(), content: Vec::new() };
        poller.changed(false);
        poller
    }

    /// The configuration, if its files have changed since the last look; whenever it is `asked` for.
    pub fn look(&mut self, asked: bool) -> Option<Loaded> {
        (self.changed(asked) || asked).then(|| load(&self.paths))
    }

    fn changed(&mut self, asked: bool) -> bool {
        let stamps = stamps(&self.paths);
        if stamps == self.stamps && !asked {
            return false;
        }
        self.stamps = stamps;
        let content = content(&self.paths);
        std::mem::replace(&mut self.content, content) != self.content
    }
}

fn stamps(paths: &[PathBuf]) -> BTreeMap<PathBuf, Stamp> {
    let files = paths.iter().flat_map(|path| files::files_of(path).unwrap_or_default());
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let stamp = |path: &Path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((
            meta.ino(),
            meta.len(),
            nanos(meta.mtime(), meta.mtime_nsec()),
            nanos(meta.ctime(), meta.ctime_nsec()),
        ))
    };
    files.map(|path| (path.clone(), stamp(&path).unwrap_or_default())).collect()
}

/// A digest of everything: names, contents, and what could not be read.
fn content(paths: &[PathBuf]) -> Vec<u8> {
    let gathered = files::gather(paths);
    let mut digest = Sha256::new();
    for text in &gathered.texts.0 {
        digest.update(text.name.as_bytes());
        digest.update([0]);
        digest.update((text.content.len() as u64).to_le_bytes());
        digest.update(text.content.as_bytes());
    }
    gathered.findings.iter().for_each(|finding| digest.update(finding.message.as_bytes()));
    digest.finalize().to_vec()
}

/// Looks every five seconds, and at once when the process is sent SIGHUP; gives each new reading to `take`.
/// Runs until it is dropped.
///
/// # Errors
/// If the system does not let the process listen for signals.
pub async fn watch(mut poller: Poller, every: Duration, mut take: impl FnMut(Loaded)) -> std::io::Result<()> {
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut clock = tokio::time::interval(every);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            _ = clock.tick() => false,
            _ = hang_up.recv() => true,
        };
        // Files may lie on a slow disk, so they are not read on the thread of the control loop.
        let look = tokio::task::spawn_blocking(move || (poller.look(asked), poller));
        let (loaded, back) = look.await.map_err(std::io::Error::other)?;
        poller = back;
        loaded.into_iter().for_each(&mut take);
    }
}
