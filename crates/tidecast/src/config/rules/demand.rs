use super::{Context, HOUR, query, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{Demand, Source, Workload};
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
        (Some(Source::Prometheus(_)), None) => Some(no_query(demand, section)),
        (Some(Source::Prometheus(_)), Some(text)) => query::check(text, section.nearest(&["query"])),
        (Some(_), _) => None,
    };
    let queried = matches!(source, None | Some(Source::Prometheus(_)));
    let unused =
        ["query", "step", "coverage"].into_iter().filter_map(|key| section.entry(key)).filter(|_| !queried);
    let unused = unused.map(|entry| {
        let message =
            format!("the source `{}` holds one series, so `{}` has no effect", demand.source, entry.key);
        Finding::new(Code::QUERY_UNUSED, message).at(entry.place).help("take it away").remove(entry)
    });
    step.into_iter().chain(asked).chain(unused).collect()
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
