use std::net::IpAddr;

use url::{Host, Url};

use super::{Context, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{PrometheusSource, Source, Tls};
use crate::config::word::{Duration, HeaderValue, Link, Name};

/// The sources, each for itself.
pub(super) fn check(context: Context<'_>) -> Vec<Finding> {
    let sources = context.tree.nearest(&["sources"]);
    let each = context
        .config
        .sources
        .iter()
        .filter_map(|(name, source)| Some((name, source, sources.entry(name.as_str())?)));
    each.flat_map(|(name, source, entry)| {
        let mut found = match source {
            Source::Prometheus(source) => prometheus(source, &entry.value),
            Source::Cloudwatch(source) => {
                super::target::region(&source.region, &entry.value).into_iter().collect()
            }
            Source::Csv(_) | Source::Push(_) => Vec::new(),
        };
        found.extend(unused(context, name).map(|finding| finding.at(entry.place).remove(entry)));
        found
    })
    .collect()
}

fn unused(context: Context<'_>, name: &Name) -> Option<Finding> {
    let known = |name: &str| context.written("sources").iter().any(|entry| entry.key == name);
    let workloads = context.whole.nearest(&["workloads"]).items();
    // A workload without a sound source of its own may be the one that was to use this.
    let asks = |workload: &Node| match workload.nearest(&["demand", "source"]).text() {
        Some(asked) => asked == name.as_str() || !known(asked),
        None => true,
    };
    let told = context.config.operator.is_none() && !workloads.is_empty();
    let unused = told && !workloads.iter().any(asks);
    let help = format!("name it in a workload, `demand: {{ source: {name} }}`, or take it away");
    unused.then(|| {
        Finding::new(Code::UNUSED_SOURCE, format!("no workload uses the source `{name}`")).help(help)
    })
}

fn prometheus(source: &PrometheusSource, node: &Node) -> Vec<Finding> {
    let timeouts = (Duration(std::time::Duration::from_millis(100)), Duration::seconds(120));
    let mut found: Vec<Finding> =
        within(node, &["timeout"], source.timeout, timeouts.0, timeouts.1).into_iter().collect();
    if source.bearer_token.is_some() && source.basic_auth.is_some() {
        found.push(exclusive(node));
    }
    found.extend(headers(source, node.nearest(&["headers"])));
    let secret = source.bearer_token.is_some() || source.basic_auth.is_some();
    found.extend(tls(&source.url, &source.tls, secret, node));
    found
}

fn exclusive(node: &Node) -> Finding {
    let (token, basic) = (node.entry("bearerToken"), node.entry("basicAuth"));
    let finding = Finding::new(Code::EXCLUSIVE, "`bearerToken` and `basicAuth` exclude each other")
        .help("keep the one that the server asks for");
    match (token, basic) {
        (Some(token), Some(basic)) => finding.at(basic.place).also(token.place, "and this").remove(basic),
        _ => finding.at(node.headline()),
    }
}

/// Names that a header must not have, as the connection itself sets them.
const OURS: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te"];

fn headers(source: &PrometheusSource, node: &Node) -> Vec<Finding> {
    let each = source.headers.iter().filter_map(|(name, value)| Some((name, value, node.entry(name)?)));
    each.filter_map(|(name, value, entry)| {
        let lower = name.to_lowercase();
        let token = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let secret = ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey"];
        if name.is_empty() || !name.chars().all(token) || OURS.contains(&lower.as_str()) {
            let finding = Finding::new(Code::BAD_HEADER, format!("`{name}` cannot be set as a header"));
            let help = "take it away, or write a name of letters, digits and hyphens";
            Some(finding.at(entry.place).help(help).remove(entry))
        } else if matches!(value, HeaderValue::Text(_)) && secret.iter().any(|word| lower.contains(word)) {
            let message =
                format!("the header `{name}` carries a secret, which must not stand in the configuration");
            let mut finding = Finding::new(Code::LITERAL_SECRET, message).at(entry.value.place);
            finding.secret = true;
            Some(
                finding
                    .help("write `{ file: NAME }` or `{ env: NAME }`")
                    .fix(entry.value.place, "{ env: SECRET }"),
            )
        } else {
            None
        }
    })
    .collect()
}

/// How a connection is encrypted; `secret` says whether a secret travels over it.
pub(super) fn tls(link: &Link, tls: &Tls, secret: bool, node: &Node) -> Vec<Finding> {
    let section = node.entry("tls");
    let encrypted = link.url().scheme() == "https";
    let url = node.nearest(&["url"]).place;
    let mut found = Vec::new();
    if let Some(section) = section {
        if !encrypted {
            let finding =
                Finding::new(Code::TLS_UNUSED, "`tls` has no effect, as the address begins with http://");
            found.push(
                finding
                    .at(section.place)
                    .also(url, "this address")
                    .help("take the section away, or write https://")
                    .remove(section),
            );
        } else if tls.insecure_skip_verify {
            let place = section.value.nearest(&["insecureSkipVerify"]).place;
            let finding = Finding::new(Code::ANYBODY_TRUSTED, "whoever answers is trusted").at(place);
            found.push(
                finding.help("name the certificate to trust instead: `caFile: ca.pem`").fix(place, "false"),
            );
        }
        if tls.cert_file.is_some() != tls.key.is_some() {
            let finding =
                Finding::new(Code::KEY_MISSING, "`certFile` and `key` belong together").at(section.place);
            found.push(finding.help("give both, or neither"));
        }
    }
    if !encrypted && secret && !loopback(link.url()) {
        let finding = Finding::new(Code::SECRET_IN_CLEAR, "the credentials would travel unencrypted").at(url);
        let encrypted = link.to_string().replacen("http:", "https:", 1);
        found.push(finding.help("write https://, if the server speaks it").fix(url, encrypted));
    }
    found
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
