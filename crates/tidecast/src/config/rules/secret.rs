//! Where secrets lie. This looks at the disk, so it is not part of the rules that depend on the text alone.

use std::path::{Component, Path, PathBuf};

use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{Config, Source, Target};
use crate::config::word::{HeaderValue, SecretRef, Unreadable, confined};

/// All references to secrets, each with the path of keys that leads to it.
pub fn references(config: &Config) -> Vec<(Vec<String>, &SecretRef)> {
    let mut found = Vec::new();
    for (name, source) in &config.sources {
        let Source::Prometheus(source) = source else { continue };
        let path = |keys: &[&str]| {
            [&["sources", name.as_str()], keys].concat().into_iter().map(str::to_owned).collect()
        };
        found.extend(source.bearer_token.as_ref().map(|secret| (path(&["bearerToken"]), secret)));
        found.extend(
            source.basic_auth.as_ref().map(|auth| (path(&["basicAuth", "password"]), &auth.password)),
        );
        found.extend(source.tls.key.as_ref().map(|secret| (path(&["tls", "key"]), secret)));
        let headers = source.headers.iter().filter_map(|(header, value)| match value {
            HeaderValue::Secret(secret) => Some((path(&["headers", header]), secret)),
            HeaderValue::Text(_) => None,
        });
        found.extend(headers);
    }
    for (index, workload) in config.workloads.iter().enumerate() {
        let path = |keys: &[&str]| {
            [&["workloads", &index.to_string(), "target"], keys]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        found.extend(of_target(&workload.target).into_iter().map(|(keys, secret)| (path(keys), secret)));
    }
    if let Some(tls) = config.keda.as_ref().and_then(|keda| keda.tls.as_ref()) {
        found.push((["keda", "tls", "key"].map(str::to_owned).to_vec(), &tls.key));
    }
    found
}

fn of_target(target: &Target) -> Vec<(&'static [&'static str], &SecretRef)> {
    let key = |tls: &'static [&'static str], secret| (tls, secret);
    match target {
        Target::Webhook(target) => {
            let own = target.tls.key.as_ref().map(|secret| key(&["tls", "key"], secret));
            own.into_iter().chain([key(&["secret"], &target.secret)]).collect()
        }
        Target::Agones(target) => vec![key(&["token"], &target.token)],
        Target::Jitsi(target) => {
            let token = target.bearer_token.as_ref().map(|secret| key(&["bearerToken"], secret));
            token
                .into_iter()
                .chain(target.tls.key.as_ref().map(|secret| key(&["tls", "key"], secret)))
                .collect()
        }
        Target::Kubernetes(_)
        | Target::Asg(_)
        | Target::Ec2(_)
        | Target::Keda(_)
        | Target::Command(_)
        | Target::None(_) => Vec::new(),
    }
}

/// The folder below which secrets may lie.
pub fn secrets_folder(config: &Config, folder: &Path) -> PathBuf {
    config.secrets_dir.as_ref().map_or(folder.to_owned(), |dir| folder.join(&dir.0))
}

/// What can be said of the files that hold secrets without reading them.
pub(crate) fn look_at_secrets(config: &Config, tree: &Node, folder: &Path) -> Vec<Finding> {
    let folder = secrets_folder(config, folder);
    let files = references(config).into_iter().filter_map(|(path, secret)| match secret {
        SecretRef::File(file) => Some((path, file)),
        SecretRef::Env(_) => None,
    });
    files
        .filter_map(|(path, file)| {
            look(&folder, file).map(|finding| finding.at(at(tree, &path).nearest(&["file"]).place))
        })
        .collect()
}

fn at<'a>(tree: &'a Node, path: &[String]) -> &'a Node {
    let step = |node: &'a Node, key: &String| match key.parse::<usize>() {
        Ok(index) if !node.items().is_empty() => node.items().get(index).unwrap_or(node),
        _ => node.nearest(&[key]),
    };
    path.iter().fold(tree, step)
}

fn look(folder: &Path, file: &Path) -> Option<Finding> {
    let outside = || {
        let message = format!("{} does not lie below {}", file.display(), folder.display());
        let help = match file.parent().filter(|parent| file.is_absolute() && parent.parent().is_some()) {
            Some(parent) => format!("move it there, or say `secretsDir: {}`", parent.display()),
            None => "move it there, or name its folder as `secretsDir`".to_owned(),
        };
        Finding::new(Code::SECRET_OUTSIDE, message).help(help)
    };
    match confined(folder, file) {
        Ok(_) => None,
        Err(Unreadable::Outside { .. }) => Some(outside()),
        Err(_) if climbs(folder, file) => Some(outside()),
        Err(_) => {
            let message = format!("{} is not there", folder.join(file).display());
            Some(
                Finding::new(Code::SECRET_FILE_ABSENT, message)
                    .help("put the secret there, or correct the name"),
            )
        }
    }
}

/// Whether a path leaves the folder by its wording alone, whether or not it exists.
fn climbs(folder: &Path, file: &Path) -> bool {
    if file.is_absolute() {
        return !plain(file).starts_with(plain(folder));
    }
    let mut depth = 0_i32;
    file.components().any(|part| {
        depth += match part {
            Component::ParentDir => -1,
            Component::Normal(_) => 1,
            _ => 0,
        };
        depth < 0
    })
}

/// A path from the root, without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}
