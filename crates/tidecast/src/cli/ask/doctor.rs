use std::path::PathBuf;

use clap::Args;
use tidecast::api::said;
use tidecast::config;

use super::super::Context;
use super::super::client::{At, Client};
use super::super::exit::{Exit, Outcome};

/// Look at everything that usually goes wrong: configuration, rights, server, turns, sources, forecasts, halts
#[derive(Debug, Args)]
#[command(
    after_help = "With -c it also asks the clusters that the configuration names whether they let tidecast do what its \
workloads need, and prints the rules to add.

Ends with 0 if all is well, with 1 if something was found, with 3 if the server does not answer.

Examples:
  tidecast doctor
  tidecast doctor -c tidecast.yaml"
)]
pub(crate) struct Doctor {
    /// Also check these files
    #[arg(short, long, value_name = "FILE")]
    config: Vec<PathBuf>,
    #[command(flatten)]
    at: At,
}

/// What was looked at, and what was found.
pub(super) struct Findings<'a, 'b> {
    context: &'a mut Context<'b>,
    found: usize,
}

impl Findings<'_, '_> {
    pub(super) fn say(&mut self, well: bool, what: &str, why: &str) -> std::io::Result<()> {
        let mark = if well { "ok  " } else { "look" };
        self.found += usize::from(!well);
        let line = format!("{mark}  {what}: {why}");
        writeln!(self.context.out, "{}", self.context.terminal.plain(&line))
    }
}

impl Doctor {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        let client = self.at.open()?;
        let mut findings = Findings { context, found: 0 };
        if !self.config.is_empty() {
            let loaded = config::load(&self.config);
            let report = &loaded.report;
            let why = format!("{} errors, {} warnings", report.errors(), report.warnings());
            findings.say(report.errors() + report.warnings() == 0, "configuration", &why)?;
            #[cfg(feature = "kubernetes")]
            if let Some(config) = &loaded.config {
                super::permissions::check(config, &loaded.folder, &mut findings)?;
            }
        }
        for (path, what) in [("/healthz", "turns"), ("/readyz", "every workload has had a turn")] {
            match client.status(path) {
                Ok(answer) => findings.say(answer.is_success(), what, &answer.said())?,
                Err(trouble) => {
                    findings.say(false, what, &trouble.to_string())?;
                    return Ok(Exit::Unreachable);
                }
            }
        }
        workloads(&client, &mut findings)?;
        let found = findings.found;
        writeln!(
            context.out,
            "{}",
            if found == 0 { "all is well".into() } else { format!("{found} to look at") }
        )?;
        Ok(if found == 0 { Exit::Done } else { Exit::Finding })
    }
}

fn workloads(client: &Client, findings: &mut Findings) -> Result<(), super::super::exit::Stop> {
    let all: Vec<said::Workload> = client.all("/api/v1/workloads", &[])?;
    let mut well = 0;
    for workload in &all {
        let ill = workload.conditions.iter().filter(|condition| match condition.kind.as_str() {
            "Halted" => condition.holds,
            "Acting" | "Limited" => false,
            _ => !condition.holds,
        });
        let ill: Vec<_> = ill.collect();
        well += usize::from(ill.is_empty());
        for condition in ill {
            findings.say(false, &format!("{} {}", workload.name, condition.kind), &condition.why)?;
        }
    }
    findings.say(true, "workloads", &format!("{well} of {} are well", all.len()))?;
    Ok(())
}
