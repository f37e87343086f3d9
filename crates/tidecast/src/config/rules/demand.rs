use super::{Context, HOUR, query, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{Demand, Metric, Source, Workload};
use crate::config::suggest::{listed, nearest};
use crate::config::word::Duration;

/// The demand of a workload, beside the source that it names.
pub(super) fn check(context: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let demand = &workload.demand;
    let section = node.nearest(&["demand"]);
    let name = section.nearest(&["source"]);
    let step = within(section, &["step"], demand.step, Duration::seconds(10), HOUR);
    let source = context.config.sources.get(&demand.source);
    let asked = match (source, &demand.query) {
        (None, _) => no_such_source(context, demand.source.as_str(), name),
        (Some(Source::Cloudwatch(_)), _) => match &demand.metric {
            None => Some(no_metric(demand, section)),
            Some(metric) => not_demand(metric, section.nearest(&["metric", "name"])),
        },
        (Some(Source::Prometheus(_)), None) => Some(no_query(demand, section)),
        (Some(Source::Prometheus(_)), Some(text)) => query::check(text, section.nearest(&["query"])),
        (Some(_), _) => None,
    };
    let without_effect: &[&str] = match source {
        None => &[],
        Some(Source::Prometheus(_)) => &["metric"],
        Some(Source::Cloudwatch(_)) => &["query", "coverage"],
        Some(Source::Csv(_) | Source::Push(_)) => &["query", "step", "coverage", "metric"],
    };
    let unused = without_effect.iter().filter_map(|key| section.entry(key));
    let unused = unused.map(|entry| {
        let message = match source {
            Some(Source::Csv(_) | Source::Push(_)) => {
                format!("the source `{}` holds one series, so `{}` has no effect", demand.source, entry.key)
            }
            _ => format!(
                "the source `{}` is not asked this way, so `{}` has no effect",
                demand.source, entry.key
            ),
        };
        Finding::new(Code::QUERY_UNUSED, message).at(entry.place).help("take it away").remove(entry)
    });
    let odd = matches!(source, Some(Source::Cloudwatch(_))).then(|| odd_step(demand, section)).flatten();
    step.into_iter().chain(odd).chain(asked).chain(unused).collect()
}

fn odd_step(demand: &Demand, section: &Node) -> Option<Finding> {
    let fits = [60, 300].map(Duration::seconds).contains(&demand.step);
    (!fits).then(|| {
        Finding::new(Code::ODD_STEP, format!("CloudWatch keeps nothing by {}", demand.step))
            .at(section.nearest(&["step"]).place)
            .help("write `1m` or `5m`")
            .fix(section.nearest(&["step"]).place, "1m")
    })
}

fn no_metric(demand: &Demand, section: &Node) -> Finding {
    let name = section.nearest(&["source"]).place;
    let metric =
        "metric: { namespace: AWS/ApplicationELB, name: RequestCount, dimensions: { TargetGroup: … } }";
    Finding::new(Code::NO_METRIC, format!("the source `{}` needs a metric", demand.source))
        .at(name)
        .help(format!("add which one: `{metric}`"))
}

/// Metrics of AWS that follow the size of the fleet.
fn not_demand(metric: &Metric, node: &Node) -> Option<Finding> {
    const FOLLOW: [&str; 6] =
        ["cpu", "utilization", "requestcountpertarget", "groupdesired", "groupinservice", "healthyhostcount"];
    let lower = metric.name.to_lowercase();
    FOLLOW.iter().any(|word| lower.contains(word)).then(|| {
        let message = format!("`{}` changes with the size of the fleet, so it is not demand", metric.name);
        let help = "ask for what users do, such as RequestCount of the target group";
        Finding::new(Code::NOT_DEMAND, message).at(node.place).help(help)
    })
}

fn no_query(demand: &Demand, section: &Node) -> Finding {
    let name = section.nearest(&["source"]).place;
    let query = "query: 'sum(rate(http_requests_total[5m]))'";
    let gap = if section.place.start < section.place.end { ", " } else { "\n\u{1f}" };
    Finding::new(Code::NO_QUERY, format!("the source `{}` needs a query", demand.source))
        .at(name)
        .help(format!("add what to ask it: `{query}`"))
        .fix(name, format!("{}{gap}{query}", demand.source))
}

fn no_such_source(context: Context<'_>, name: &str, node: &Node) -> Option<Finding> {
    let sources = context.written("sources");
    let names = || sources.iter().map(|entry| entry.key.as_str());
    if names().any(|known| known == name) {
        return None;
    }
    let finding = Finding::new(Code::NO_SUCH_SOURCE, format!("there is no source `{name}`")).at(node.place);
    Some(match nearest(name, names()).or_else(|| names().next().filter(|_| sources.len() == 1)) {
        Some(meant) => finding.help(format!("did you mean `{meant}`?")).fix(node.place, meant),
        None if sources.is_empty() => {
            finding.help(format!("define it: `sources: {{ {name}: {{ type: prometheus, url: … }} }}`"))
        }
        None => finding.help(format!("the sources are {}", listed(names()))),
    })
}
