use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use tidecast::api::said::{Halt, NewHalt, NewOverride, Override as Decreed};
use tidecast::drive::{FLAG, Flag};
use tidecast_pilot::{Change, Demand, Halted, Size, Throughput};

use super::super::Context;
use super::super::client::{At, Client};
use super::super::exit::{Exit, Outcome, Stop};
use super::super::table::{Format, Sheet};
use super::super::units::duration;
use super::{now, when, when_briefly};

/// Decree a floor, a ceiling, a demand or a throughput for a span of time; it ends by itself
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast override add shop/checkout --min 80 --for 3h --reason 'Black Friday'
  tidecast override add shop/checkout --throughput 35 --until 2026-12-24T00:00:00Z --reason 'slow release'
  tidecast override ls
  tidecast override end o-1f2e3d4c5b6a --reason 'over sooner'")]
pub(crate) struct Override {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Decree something
    Add(Box<Add>),
    /// What is decreed, now and later
    Ls {
        #[command(flatten)]
        at: At,
    },
    /// End a decree before its time
    End {
        /// Its id; `override ls` lists them
        id: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// Print what would be ended, and end nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// The workload
    #[arg(required_unless_present = "all")]
    workload: Option<String>,
    /// All workloads
    #[arg(long, conflicts_with = "workload")]
    all: bool,
    #[command(flatten)]
    change: Changes,
    /// When it begins; at once unless given
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    #[command(flatten)]
    span: Lasting,
    /// Why, for those who will ask
    #[arg(long)]
    reason: String,
    /// Print what would be decreed, and decree nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Changes {
    /// No fewer servers
    #[arg(long, value_name = "SERVERS")]
    min: Option<u32>,
    /// No more servers
    #[arg(long, value_name = "SERVERS")]
    max: Option<u32>,
    /// Exactly so many servers, whatever demand does
    #[arg(long, value_name = "SERVERS")]
    exactly: Option<u32>,
    /// So many percent more servers than needed
    #[arg(long, value_name = "PERCENT")]
    pad_percent: Option<f64>,
    /// So many more servers than needed
    #[arg(long, value_name = "SERVERS")]
    pad: Option<u32>,
    /// Expect this demand, whatever the forecast says
    #[arg(long)]
    demand: Option<f64>,
    /// A server serves this much, whatever was measured
    #[arg(long)]
    throughput: Option<f64>,
}

impl Changes {
    fn change(&self) -> Result<Change, Stop> {
        let none = || Stop::unusable("a demand is at least 0, and a throughput above 0");
        Ok(match *self {
            Self { min: Some(size), .. } => Change::Floor(Size(size)),
            Self { max: Some(size), .. } => Change::Ceiling(Size(size)),
            Self { exactly: Some(size), .. } => Change::Fixed(Size(size)),
            Self { pad_percent: Some(percent), .. } => Change::PadPercent(percent),
            Self { pad: Some(size), .. } => Change::PadServers(Size(size)),
            Self { demand: Some(demand), .. } => Change::Demand(Demand::new(demand).ok_or_else(none)?),
            Self { throughput, .. } => {
                Change::Throughput(throughput.and_then(Throughput::new).ok_or_else(none)?)
            }
        })
    }
}

/// For how long.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Lasting {
    /// How long it lasts
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    lasts: Option<i64>,
    /// When it ends
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl Lasting {
    fn until(&self, from: Timestamp) -> Timestamp {
        let lasts = SignedDuration::from_secs(self.lasts.unwrap_or_default());
        self.until.unwrap_or_else(|| from.saturating_add(lasts).unwrap_or(Timestamp::MAX))
    }
}

impl Override {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        match self.what {
            What::Add(add) => add.run(context),
            What::Ls { at } => list(&at.open()?, context),
            What::End { id, dry_run: true, at, .. } => {
                let all: Vec<Decreed> = at.open()?.all("/api/v1/overrides", &[])?;
                let none = || Stop::unusable(format!("there is nothing of the id {id:?} to end"));
                say(all.iter().find(|decree| decree.id == id).ok_or_else(none)?, context)?;
                Ok(Exit::Done)
            }
            What::End { id, reason, at, .. } => {
                let reason = reason.as_deref().map(|reason| ("reason", reason));
                at.open()?.delete(&format!("/api/v1/overrides/{id}"), reason.as_slice())?;
                context.terminal.note(format!("{id} is ended"));
                Ok(Exit::Done)
            }
        }
    }
}

impl Add {
    fn run(self, context: &mut Context) -> Outcome {
        let until = self.span.until(self.from.unwrap_or_else(now));
        let new = NewOverride {
            workload: self.workload,
            change: self.change.change()?,
            from: self.from,
            until,
            reason: self.reason,
        };
        if self.dry_run {
            writeln!(context.out, "{}", serde_json::to_string(&new).map_err(std::io::Error::other)?)?;
            return Ok(Exit::Done);
        }
        let made: Decreed = self.at.open()?.post("/api/v1/overrides", &new)?;
        say(&made, context)?;
        Ok(Exit::Done)
    }
}

fn say(made: &Decreed, context: &mut Context) -> std::io::Result<()> {
    if context.format == Format::Json {
        return writeln!(context.out, "{}", serde_json::to_string(made).map_err(std::io::Error::other)?);
    }
    let whom = made.workload.as_deref().unwrap_or("all workloads");
    writeln!(
        context.out,
        "{}: {} for {whom} until {}, by {} ({})",
        made.id,
        made.change,
        when(made.until),
        made.author,
        made.reason
    )
}

fn list(client: &Client, context: &mut Context) -> Outcome {
    let overrides: Vec<Decreed> = client.all("/api/v1/overrides", &[])?;
    let halts: Vec<Halt> = client.all("/api/v1/halts", &[])?;
    if context.format == Format::Json {
        let all = serde_json::json!({ "version": 1, "overrides": overrides, "halts": halts });
        writeln!(context.out, "{all}")?;
        return Ok(Exit::Done);
    }
    let mut sheet = Sheet::new(4, ["WORKLOAD", "WHAT", "BY", "WHY", "FROM", "UNTIL", "ID"]);
    let whom = |workload: &Option<String>| workload.clone().unwrap_or_else(|| "all".into());
    for o in &overrides {
        let (from, until) = (when_briefly(o.from), when_briefly(o.until));
        sheet.push(vec![
            whom(&o.workload),
            o.change.to_string(),
            o.author.clone(),
            o.reason.clone(),
            from,
            until,
            o.id.clone(),
        ]);
    }
    for h in &halts {
        let what = if h.what == Halted::All { "nothing is carried out" } else { "nothing is taken away" };
        let (from, until) = (when_briefly(h.from), when_briefly(h.until));
        sheet.push(vec![
            whom(&h.workload),
            what.into(),
            h.author.clone(),
            h.reason.clone(),
            from,
            until,
            h.id.clone(),
        ]);
    }
    match context.format {
        Format::Csv => sheet.print_csv(context.out)?,
        _ => sheet.print(&context.terminal, context.out)?,
    }
    Ok(Exit::Done)
}

/// Pause a workload: nothing is carried out until it is resumed or the time is over
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast pause shop/checkout --for 2h --reason 'database migration'")]
pub(crate) struct Pause {
    /// The workload
    workload: String,
    #[command(flatten)]
    halting: Halting,
}

/// Freeze all workloads, or one: the red button
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast freeze --all --reason 'incident 7'
  tidecast freeze --all --reason 'incident 7' --offline /var/lib/tidecast
  tidecast freeze --all --scale-in --for 12h --reason 'data source is being replaced'")]
pub(crate) struct Freeze {
    /// The workload
    #[arg(required_unless_present = "all")]
    workload: Option<String>,
    /// All workloads
    #[arg(long, conflicts_with = "workload")]
    all: bool,
    /// Only keep servers from being taken away; growing goes on
    #[arg(long)]
    scale_in: bool,
    /// Not by the server but by a file in the folder of its store, so that it works while the server is down; it holds
    /// until `resume --all --offline`, and --for does not end it
    #[arg(long, value_name = "FOLDER", requires = "all", conflicts_with = "scale_in")]
    offline: Option<PathBuf>,
    #[command(flatten)]
    halting: Halting,
}

/// How long, and why.
#[derive(Debug, Args)]
struct Halting {
    /// How long it lasts
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, default_value = "24h")]
    lasts: i64,
    /// Why, for those who will ask
    #[arg(long)]
    reason: String,
    /// Print what would be halted, and halt nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    at: At,
}

impl Halting {
    fn halt(self, workload: Option<String>, what: Halted, context: &mut Context) -> Outcome {
        let lasts = SignedDuration::from_secs(self.lasts);
        let until = now().saturating_add(lasts).unwrap_or(Timestamp::MAX);
        let new = NewHalt { workload, what, until, reason: self.reason };
        if self.dry_run {
            writeln!(context.out, "{}", serde_json::to_string(&new).map_err(std::io::Error::other)?)?;
            return Ok(Exit::Done);
        }
        let made: Halt = self.at.open()?.post("/api/v1/halts", &new)?;
        if context.format == Format::Json {
            writeln!(context.out, "{}", serde_json::to_string(&made).map_err(std::io::Error::other)?)?;
            return Ok(Exit::Done);
        }
        let whom = made.workload.as_deref().unwrap_or("all workloads");
        let what = if made.what == Halted::All { "carried out" } else { "taken away" };
        writeln!(context.out, "{}: nothing is {what} for {whom} until {}", made.id, when(made.until))?;
        Ok(Exit::Done)
    }
}

impl Pause {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        self.halting.halt(Some(self.workload), Halted::All, context)
    }
}

impl Freeze {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        if let Some(folder) = &self.offline {
            return by_file(folder, &self.halting, context);
        }
        let what = if self.scale_in { Halted::ScaleIn } else { Halted::All };
        self.halting.halt(self.workload, what, context)
    }
}

fn by_file(folder: &Path, halting: &Halting, context: &mut Context) -> Outcome {
    let flag = Flag::in_folder(folder);
    if !halting.dry_run {
        flag.raise(&halting.reason).map_err(Stop::unusable)?;
    }
    let would = if halting.dry_run { "would be " } else { "" };
    let file = flag.file().display();
    writeln!(context.out, "nothing is {would}carried out for all workloads for as long as {file} is there")?;
    Ok(Exit::Done)
}

/// Lift pauses and freezes
#[derive(Debug, Args)]
#[command(after_help = "A freeze of all workloads is lifted with --all only.

Examples:
  tidecast resume shop/checkout --reason 'migration is over'
  tidecast resume --all
  tidecast resume --all --offline /var/lib/tidecast")]
pub(crate) struct Resume {
    /// The workload
    #[arg(required_unless_present = "all")]
    workload: Option<String>,
    /// What was frozen for all workloads
    #[arg(long, conflicts_with = "workload")]
    all: bool,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// What `freeze --all --offline` has frozen by a file in the folder of the store
    #[arg(long, value_name = "FOLDER", requires = "all")]
    offline: Option<PathBuf>,
    /// Print what would be lifted, and lift nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    at: At,
}

impl Resume {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        if let Some(folder) = &self.offline {
            return self.by_file(&Flag::in_folder(folder), context);
        }
        let client = self.at.open()?;
        let halts: Vec<Halt> = client.all("/api/v1/halts", &[])?;
        let (ours, others): (Vec<Halt>, Vec<Halt>) =
            halts.into_iter().partition(|halt| halt.workload == self.workload && halt.id != FLAG);
        let reason = self.reason.as_deref().map(|reason| ("reason", reason));
        for halt in &ours {
            if !self.dry_run {
                client.delete(&format!("/api/v1/halts/{}", halt.id), reason.as_slice())?;
            }
            let is = if self.dry_run { "would be" } else { "is" };
            writeln!(context.out, "{} by {} ({}) {is} lifted", halt.id, halt.author, halt.reason)?;
        }
        if ours.is_empty() {
            context.terminal.note("nothing was halted there");
        }
        if let Some(all) = others.iter().find(|halt| halt.workload.is_none()) {
            context.terminal.warn(format!("{} still halts all workloads: {}", all.id, all.reason));
        }
        Ok(Exit::Done)
    }

    fn by_file(&self, flag: &Flag, context: &mut Context) -> Outcome {
        let Some(halt) = flag.halt(now()) else {
            context.terminal.note(format!("there is no file {}", flag.file().display()));
            return Ok(Exit::Done);
        };
        if !self.dry_run {
            flag.lower().map_err(Stop::unusable)?;
        }
        let is = if self.dry_run { "would be" } else { "is" };
        writeln!(context.out, "{} ({}) {is} lifted", halt.author, halt.reason)?;
        Ok(Exit::Done)
    }
}
