use std::io::IsTerminal;

use clap::Args;
use serde_json::json;
use tidecast::api::said;
use tidecast::explain::Explanation;
use tidecast_pilot::{Allowed, Decision};

use super::super::Context;
use super::super::client::{At, Client, of};
use super::super::exit::{Exit, Outcome, Stop};
use super::super::figures::brief;
use super::super::table::{Format, Sheet};
use super::super::units::duration;
use super::{apart, when, when_briefly};

/// List what the service has in its care, or look at one workload
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast get
  tidecast get --watch
  tidecast get --watch=10s -o json
  tidecast get shop/checkout -o json")]
pub(crate) struct Get {
    /// The workload; all unless given
    workload: Option<String>,
    /// Look again and again, every two seconds or as often as is said, until interrupted
    #[arg(short, long, value_name = "DURATION", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "2s", value_parser = duration)]
    watch: Option<i64>,
    #[command(flatten)]
    at: At,
}

/// Clears a terminal and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

impl Get {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        let client = self.at.open()?;
        let Some(every) = self.watch else { return self.look(&client, context) };
        self.look(&client, context)?;
        loop {
            context.out.flush()?;
            client.wait(std::time::Duration::from_secs(every.max(1) as u64));
            if std::io::stdout().is_terminal() {
                write!(context.out, "{CLEAR}")?;
            }
            // A server that is started anew is waited for.
            match self.look(&client, context) {
                Err(Stop::Failure(failure)) if failure.exit == Exit::Unreachable => {
                    context.terminal.warn(failure.why);
                }
                looked => drop(looked?),
            }
        }
    }

    fn look(&self, client: &Client, context: &mut Context) -> Outcome {
        let items: Vec<said::Workload> = match &self.workload {
            Some(name) => vec![client.get(&of(name, ""), &[])?],
            None => client.all("/api/v1/workloads", &[])?,
        };
        if context.format == Format::Json {
            for item in &items {
                writeln!(context.out, "{}", serde_json::to_string(item).map_err(std::io::Error::other)?)?;
            }
            return Ok(Exit::Done);
        }
        let mut sheet = Sheet::new(
            3,
            ["WORKLOAD", "MODE", "STATE", "NOW", "SIZE", "NEXT STEP", "DEMAND", "AGE", "FORECAST"],
        );
        items.iter().for_each(|item| sheet.push(row(item)));
        match context.format {
            Format::Csv => sheet.print_csv(context.out)?,
            _ => sheet.print(&context.terminal, context.out)?,
        }
        let ill = items.iter().filter(|item| item.state == "troubled").count();
        if ill > 0 {
            context
                .terminal
                .warn(format!("{ill} of {} in trouble; `tidecast describe` says why", items.len()));
        }
        Ok(Exit::Done)
    }
}

fn row(item: &said::Workload) -> Vec<String> {
    let none = || "–".to_owned();
    let size = |size: Option<u32>| size.map_or_else(none, |size| size.to_string());
    let next = item.next.as_ref().map_or_else(none, |step| {
        let change = i64::from(step.size) - i64::from(item.size.unwrap_or(step.size));
        format!("{change:+} in {}", apart(step.at))
    });
    vec![
        item.name.clone(),
        item.mode.clone(),
        item.state.clone(),
        size(item.now),
        size(item.size),
        next,
        item.demand.map_or_else(none, |demand| brief(demand.value)),
        item.demand.map_or_else(none, |demand| apart(demand.at)),
        item.forecast.as_ref().map_or_else(none, |forecast| apart(forecast.issued)),
    ]
}

/// Everything about one workload: what holds, what it is, what comes next
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast describe shop/checkout")]
pub(crate) struct Describe {
    /// The workload
    workload: String,
    #[command(flatten)]
    at: At,
}

impl Describe {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        let client = self.at.open()?;
        let item: said::Workload = client.get(&of(&self.workload, ""), &[])?;
        let accuracy: said::Accuracy = client.get(&of(&self.workload, "/accuracy"), &[])?;
        if context.format == Format::Json {
            writeln!(context.out, "{}", json!({ "version": 1, "workload": item, "accuracy": accuracy }))?;
            return Ok(Exit::Done);
        }
        let out = &mut context.out;
        writeln!(out, "{}  {} ({})", item.name, item.state, item.mode)?;
        let size = |size: Option<u32>| size.map_or("unknown".into(), |size| size.to_string());
        writeln!(
            out,
            "  size      {} (now {}, wanted {}, {} to {})",
            size(item.size),
            size(item.now),
            size(item.wanted),
            item.min,
            item.max
        )?;
        if let Some(because) = &item.because {
            writeln!(out, "            {because}")?;
        }
        if let Some(next) = &item.next {
            writeln!(out, "  next      {} at {}: {}", next.size, when(next.at), next.because)?;
        }
        if let Some(demand) = item.demand {
            let unit = item.unit.as_deref().unwrap_or_default();
            writeln!(out, "  demand    {} {unit}, {} ago", brief(demand.value), apart(demand.at))?;
        }
        if let Some(forecast) = &item.forecast {
            let stood_in = forecast.fallback.as_ref().map_or(String::new(), |why| format!(" ({why})"));
            writeln!(out, "  forecast  by {}{stood_in}, {} ago", forecast.model, apart(forecast.issued))?;
        }
        for lead in accuracy.leads.iter().filter(|lead| lead.steps > 0) {
            let percent = |share: Option<f64>| super::super::figures::percent(share, 1);
            writeln!(
                out,
                "  accuracy  up to {} ahead: off by {}, {} within the 80 % band",
                super::super::figures::span(60 * lead.minutes),
                percent(lead.wape),
                percent(lead.within_80)
            )?;
        }
        for condition in &item.conditions {
            let holds = if condition.holds { "yes" } else { "no" };
            writeln!(out, "  {:13} {holds:3}  {}", condition.kind, condition.why)?;
        }
        Ok(Exit::Done)
    }
}

/// What is planned, step by step, with times and reasons
#[derive(Debug, Args)]
#[command(after_help = "Ends with 10 if --diff finds something that would change now.

Examples:
  tidecast plan shop/checkout
  tidecast plan shop/checkout --diff")]
pub(crate) struct Plan {
    /// The workload
    workload: String,
    /// Only what would be changed now
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    at: At,
}

/// What was known, and what was decided.
#[derive(serde::Deserialize)]
struct Recorded {
    decision: Decision,
}

impl Plan {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        let client = self.at.open()?;
        if self.diff {
            let Recorded { decision } = client.get(&of(&self.workload, "/briefing"), &[])?;
            let plan: said::Plan = client.get(&of(&self.workload, "/plan"), &[])?;
            return differs(&decision, plan.sends, context);
        }
        let plan: said::Plan = client.get(&of(&self.workload, "/plan"), &[])?;
        if context.format == Format::Json {
            writeln!(context.out, "{}", serde_json::to_string(&plan).map_err(std::io::Error::other)?)?;
            return Ok(Exit::Done);
        }
        let sheet = steps(&plan);
        match context.format {
            Format::Csv => sheet.print_csv(context.out)?,
            _ => sheet.print(&context.terminal, context.out)?,
        }
        Ok(Exit::Done)
    }
}

/// What a turn does, or would do, and in which words; 10 if there is anything.
fn differs(decision: &Decision, sends: Vec<String>, context: &mut Context) -> Outcome {
    let said =
        |commands: &[tidecast_pilot::Command]| commands.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (does, would) = (said(&decision.commands), said(&decision.withheld));
    if context.format == Format::Json {
        writeln!(context.out, "{}", json!({ "version": 1, "does": does, "would": would, "sends": sends }))?;
    } else {
        does.iter().try_for_each(|command| writeln!(context.out, "does: {command}"))?;
        would.iter().try_for_each(|command| writeln!(context.out, "would: {command}"))?;
        let verb = if decision.allowed == Allowed::Nothing { "would send" } else { "sends" };
        let further = sends.iter().filter(|line| !does.contains(line) && !would.contains(line));
        further.into_iter().try_for_each(|line| writeln!(context.out, "{verb}: {line}"))?;
    }
    let nothing = does.is_empty() && would.is_empty() && sends.is_empty();
    Ok(if nothing { Exit::Done } else { Exit::Changes })
}

/// The step in force and those to come.
pub(crate) fn steps(plan: &said::Plan) -> Sheet {
    let mut sheet = Sheet::new(1, ["BECAUSE", "AT", "SIZE", "CHANGE"]);
    let mut before = plan.current.as_ref().map(|step| step.size);
    for step in plan.current.iter().chain(&plan.steps) {
        let change = before.filter(|before| *before != step.size);
        let change =
            change.map_or("–".into(), |before| format!("{:+}", i64::from(step.size) - i64::from(before)));
        sheet.push(vec![step.because.clone(), when_briefly(step.at), step.size.to_string(), change]);
        before = Some(step.size);
    }
    sheet
}

/// Why a workload has the size that it has.
pub(crate) fn explained(workload: &str, at: &At, context: &mut Context) -> Outcome {
    let told: Explanation = at.open()?.get(&of(workload, "/explanation"), &[])?;
    if context.format == Format::Json {
        writeln!(context.out, "{}", serde_json::to_string(&told).map_err(std::io::Error::other)?)?;
        return Ok(Exit::Done);
    }
    let mut text = format!("{}\n", told.headline);
    let parts = [
        ("why this size", &told.why),
        ("why not more", &told.why_not_more),
        ("why not less", &told.why_not_less),
        ("why not now", &told.why_not_now),
        ("also", &told.notes),
    ];
    for (question, sentences) in parts {
        for (i, sentence) in sentences.iter().enumerate() {
            let question = if i == 0 { question } else { "" };
            text.push_str(&format!("  {question:13}  {sentence}\n"));
        }
    }
    for (i, other) in told.alternatives.iter().enumerate() {
        let question = if i == 0 { "other ways" } else { "" };
        let chosen = if other.chosen { " (this one)" } else { "" };
        let ups = other.scale_ups.map_or_else(String::new, |ups| format!(" in {ups:.0} scale-ups"));
        text.push_str(&format!(
            "  {question:13}  {:7.1} server-hours a day{ups}, {:.3} % served: {}{chosen}\n",
            other.server_hours,
            100.0 * other.served,
            other.way
        ));
    }
    text.push_str(&format!("turn {} of {}, decided {}\n", told.turn, told.workload, when(told.at)));
    write!(context.out, "{}", context.terminal.plain(&text))?;
    Ok(Exit::Done)
}
