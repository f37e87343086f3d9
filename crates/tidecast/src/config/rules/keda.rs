use super::Context;
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::section::{Clients, Keda, KedaAction, Target};

/// The server that KEDA asks.
pub(super) fn check(context: Context<'_>) -> Vec<Finding> {
    let Some(keda) = &context.config.keda else { return unasked(context) };
    [open_to_all(context, keda), same_address(context, keda)].into_iter().flatten().collect()
}

/// S11: beyond loopback only who is known is answered, unless somebody says otherwise in so many words.
fn open_to_all(context: Context<'_>, keda: &Keda) -> Option<Finding> {
    let knows = keda.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    let open = !keda.listen.0.ip().is_loopback() && !knows && keda.clients == Clients::Certified;
    // TLS that could not be read may have named whom to trust.
    let unread = context.written("keda").iter().any(|entry| entry.key == "tls") && keda.tls.is_none();
    let node = context.tree.nearest(&["keda", "listen"]);
    let port = keda.listen.0.port();
    (open && !unread).then(|| {
        let message = format!("{} answers everybody who can reach it", keda.listen);
        Finding::new(Code::KEDA_OPEN, message)
            .at(node.place)
            .help(format!(
                "listen on 127.0.0.1:{port}, add `clientCaFile` to `tls`, or say `clients: anybody` if something else \
                 keeps strangers away"
            ))
            .fix(node.place, format!("127.0.0.1:{port}"))
    })
}

fn same_address(context: Context<'_>, keda: &Keda) -> Option<Finding> {
    let node = context.tree.nearest(&["keda", "listen"]);
    (keda.listen == context.config.server.listen).then(|| {
        Finding::new(Code::SAME_ADDRESS, format!("the API listens on {} already", keda.listen))
            .at(node.place)
            .help("write another port; the usual one is 8081")
            .fix(node.place, other_port(keda))
    })
}

fn other_port(keda: &Keda) -> String {
    let usual = Keda::default().listen.0.port();
    let port = if keda.listen.0.port() == usual { usual + 1 } else { usual };
    std::net::SocketAddr::new(keda.listen.0.ip(), port).to_string()
}

/// A workload that KEDA is to ask about, and nobody to ask.
fn unasked(context: Context<'_>) -> Vec<Finding> {
    if context.whole.get("keda").is_some() {
        return Vec::new();
    }
    let each = context.items("workloads", &context.config.workloads);
    let asked = |target: &Target| matches!(target, Target::Keda(keda) if keda.action == KedaAction::Trigger);
    each.filter(|(workload, _)| asked(&workload.target))
        .map(|(workload, node)| {
            let message = format!("KEDA is to ask about `{}`, but nothing listens for it", workload.name);
            let place = node.nearest(&["target", "action"]).place;
            Finding::new(Code::KEDA_UNASKED, message)
                .at(place)
                .help("add the section `keda: { listen: 127.0.0.1:8081 }`, or write `floor`")
                .fix(place, "floor")
        })
        .collect()
}
