use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tidecast::api::said;
use tidecast_pilot::{Briefing, Command, Decision, Node, Phase};

use super::super::Context;
use super::super::client::{At, Client, of};
use super::super::exit::{Exit, Outcome, Stop};
use super::super::table::{Format, Sheet};
use super::{apart, when};

/// Servers that are emptied of their sessions: how many are left, since when, and what keeps them
#[derive(Debug, Args)]
#[command(after_help = "What is told is what the last turn has seen and decided.

Examples:
  tidecast drain ls
  tidecast drain ls media/eu-west --all
  tidecast drain show i-0abc1234
  tidecast drain ls -o json")]
pub(crate) struct Drain {
    #[command(subcommand)]
    look: Look,
}

#[derive(Debug, Subcommand)]
enum Look {
    /// The servers that are being drained
    Ls {
        /// Of this workload; of all that drain unless given
        workload: Option<String>,
        /// Also those that are not being drained
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// One server
    Show {
        /// Its name, as `drain ls` gives it
        node: String,
        #[command(flatten)]
        at: At,
    },
}

/// What was known, and what was decided.
#[derive(serde::Deserialize)]
struct Recorded {
    briefing: Briefing,
    decision: Decision,
}

/// One server of a workload that drains.
struct Server {
    workload: String,
    node: Node,
    state: &'static str,
    since: Option<Timestamp>,
    kept: Option<String>,
}

impl Drain {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        match self.look {
            Look::Ls { workload, all, at } => {
                let servers = servers(&at.open()?, workload.as_deref())?;
                let wanted = |server: &&Server| all || matches!(server.node.phase, Phase::Draining { .. });
                list(servers.iter().filter(wanted), context)
            }
            Look::Show { node, at } => {
                let servers = servers(&at.open()?, None)?;
                let named: Vec<_> = servers.iter().filter(|server| server.node.name.0 == node).collect();
                match named.is_empty() {
                    true => Err(unknown(&node)),
                    false => named.into_iter().try_fold(Exit::Done, |_, server| show(server, context)),
                }
            }
        }
    }
}

fn unknown(node: &str) -> Stop {
    Stop::unusable(format!("no workload that drains has a server `{node}`"))
        .help("`tidecast drain ls --all` lists them")
}

fn servers(client: &Client, workload: Option<&str>) -> Result<Vec<Server>, Stop> {
    let names = match workload {
        Some(name) => vec![name.to_owned()],
        None => {
            let all: Vec<said::Workload> = client.all("/api/v1/workloads", &[])?;
            all.into_iter().filter(|item| item.turn.is_some()).map(|item| item.name).collect()
        }
    };
    let mut servers = Vec::new();
    for name in names {
        let recorded: Recorded = client.get(&of(&name, "/briefing"), &[])?;
        servers.extend(of_one(&recorded));
    }
    Ok(servers)
}

fn of_one(Recorded { briefing, decision }: &Recorded) -> Vec<Server> {
    let Some(drain) = &briefing.workload.drain else { return Vec::new() };
    let zone = TimeZone::system();
    let nodes = briefing.sighting.iter().flat_map(|sighting| &sighting.nodes);
    let server = |node: &Node| {
        let (state, since) = match node.phase {
            Phase::Booting => ("booting", None),
            Phase::Serving => ("serving", None),
            Phase::Draining { since } => ("draining", Some(since)),
            Phase::Silent { since } => ("silent", Some(since)),
        };
        let draining = matches!(node.phase, Phase::Draining { .. });
        let kept = drain.keeps(node, briefing.now).map(|kept| kept.tell(&zone));
        let kept = kept.or_else(|| draining.then(|| ends(node, decision, &zone)));
        Server { workload: briefing.workload.name.0.clone(), node: node.clone(), state, since, kept }
    };
    nodes.map(server).collect()
}

/// What becomes of a server that nothing about itself keeps.
fn ends(node: &Node, decision: &Decision, zone: &TimeZone) -> String {
    let commands = &decision.commands;
    if commands.contains(&Command::Terminate { node: node.name.clone() }) {
        return "it is empty: the last turn has ended it".into();
    }
    if commands.contains(&Command::Restore { node: node.name.clone() }) {
        return "it takes sessions again".into();
    }
    let limit = decision.limits.first().map(|limit| limit.tell(zone));
    limit.map_or_else(|| "it is empty".into(), |limit| format!("it is empty, but {limit}"))
}

fn list<'a>(servers: impl Iterator<Item = &'a Server>, context: &mut Context) -> Outcome {
    if context.format == Format::Json {
        for server in servers {
            writeln!(context.out, "{}", told(server))?;
        }
        return Ok(Exit::Done);
    }
    let mut sheet = Sheet::new(3, ["WORKLOAD", "SERVER", "STATE", "SESSIONS", "SINCE", "KEPT, AS"]);
    for server in servers {
        let sessions = server.node.sessions.map_or_else(|| "unknown".into(), |known| known.count.to_string());
        sheet.push(vec![
            server.workload.clone(),
            server.node.name.to_string(),
            server.state.into(),
            sessions,
            server.since.map_or_else(|| "–".into(), apart),
            server.kept.clone().unwrap_or_else(|| "–".into()),
        ]);
    }
    match context.format {
        Format::Csv => sheet.print_csv(context.out)?,
        _ => sheet.print(&context.terminal, context.out)?,
    }
    Ok(Exit::Done)
}

fn told(server: &Server) -> Value {
    json!({
        "version": 1, "workload": server.workload, "node": server.node, "state": server.state,
        "since": server.since, "kept": server.kept,
    })
}

fn show(server: &Server, context: &mut Context) -> Outcome {
    if context.format != Format::Table {
        return list(std::iter::once(server), context);
    }
    let out = &mut context.out;
    writeln!(out, "{}  {} (of {})", server.node.name, server.state, server.workload)?;
    if let Some(since) = server.since {
        writeln!(out, "  since     {}, for {}", when(since), apart(since))?;
    }
    writeln!(out, "  launched  {}, {} ago", when(server.node.launched), apart(server.node.launched))?;
    match server.node.sessions {
        None => writeln!(out, "  sessions  unknown, which is not none")?,
        Some(known) => writeln!(out, "  sessions  {}, counted at {}", known.count, when(known.at))?,
    }
    if let Some(empty) = server.node.sessions.and_then(|known| known.empty_since) {
        writeln!(out, "  empty     since {}", when(empty))?;
    }
    if let Some(kept) = &server.kept {
        writeln!(out, "  kept, as  {kept}")?;
    }
    Ok(Exit::Done)
}
