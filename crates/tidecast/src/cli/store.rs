//! `tidecast store`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tidecast::drive::clock;
use tidecast::store::{self, Memory};

use super::Context;
use super::exit::{Exit, Failure, Outcome, Stop};

/// Check, copy and restore the folder in which the service keeps what it must not forget
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast store check tidecast-data
  tidecast store snapshot tidecast-data backup-1
  tidecast store restore backup-1 tidecast-data

A running service is copied by POST /api/v1/snapshots, which needs a token of the role admin. After a restore scale-in \
is frozen for a day, as what was decreed since is lost.")]
pub(crate) struct Store {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check a store or a snapshot through: every row, every seal, the audit log; ends with 1 if it is damaged
    Check {
        /// The folder
        folder: PathBuf,
    },
    /// Copy a store that no service is using, and check the copy
    Snapshot {
        /// The folder of the store
        store: PathBuf,
        /// A new folder
        snapshot: PathBuf,
        /// Check the store and what stands in the way, and copy nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Put a snapshot in the place of a store; what is there is put aside
    Restore {
        /// The folder of the snapshot
        snapshot: PathBuf,
        /// The folder of the store
        store: PathBuf,
        /// Check the snapshot, and put it nowhere
        #[arg(long)]
        dry_run: bool,
    },
}

impl Store {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let said = match self.what {
            What::Check { folder } => {
                let damaged =
                    |why| Failure { exit: Exit::Finding, why, help: Some("restore a snapshot".into()) };
                store::check(&folder).map_err(|trouble| Stop::Failure(damaged(trouble.to_string())))?;
                format!("{} is whole", folder.display())
            }
            What::Snapshot { store, snapshot, dry_run: true } => {
                store::check(&store).map_err(Stop::unusable)?;
                if snapshot.exists() {
                    return Err(Stop::unusable(format!("{} is there already", snapshot.display())));
                }
                format!("{} is whole and would be copied to {}", store.display(), snapshot.display())
            }
            What::Restore { snapshot, store, dry_run: true } => {
                store::check(&snapshot).map_err(Stop::unusable)?;
                let there = if store.exists() { ", which would be put aside" } else { "" };
                format!(
                    "{} is whole and would take the place of {}{there}",
                    snapshot.display(),
                    store.display()
                )
            }
            What::Snapshot { store, snapshot, .. } => {
                let memory = Memory::open(&store).map_err(Stop::unusable)?;
                let manifest =
                    runtime.block_on(memory.snapshot(&snapshot, clock())).map_err(Stop::unusable)?;
                let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
                format!("{} holds {bytes} bytes, checked", snapshot.display())
            }
            What::Restore { snapshot, store, .. } => {
                let restored = store::restore(&snapshot, &store, clock());
                let manifest = runtime.block_on(restored).map_err(Stop::unusable)?;
                format!("{} is as it was at {}; scale-in is frozen for a day", store.display(), manifest.at)
            }
        };
        writeln!(context.out, "{said}")?;
        Ok(Exit::Done)
    }
}
