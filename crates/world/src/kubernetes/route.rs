use super::request::Request;

/// What a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/api` and `/apis`: which groups there are.
    Groups { core: bool },
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1` and `/apis/GROUP/VERSION`: which resources there are.
    Resources { group: String, version: String },
    /// `/version`.
    Version,
    /// `/openapi/v3` and what lies below it.
    Openapi(String),
    /// `/livez` and its like.
    Health,
    /// Objects.
    Objects(Target),
    /// Nothing.
    Nowhere,
}

/// Which objects a path means; a name is empty where all are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match &parts[..] {
            ["api"] => Self::Groups { core: true },
            ["apis"] => Self::Groups { core: false },
            ["apis", group] => Self::Group((*group).to_owned()),
            ["api", version] => Self::Resources { group: String::new(), version: (*version).to_owned() },
            ["apis", group, version] => {
                Self::Resources { group: (*group).to_owned(), version: (*version).to_owned() }
            }
            ["version"] => Self::Version,
            ["openapi", "v3", below @ ..] => Self::Openapi(below.join("/")),
            ["livez" | "readyz" | "healthz", ..] => Self::Health,
            ["api", version, below @ ..] => Target::of("", version, below),
            ["apis", group, version, below @ ..] => Target::of(group, version, below),
            _ => Self::Nowhere,
        }
    }
}

impl Target {
    fn of(group: &str, version: &str, below: &[&str]) -> Route {
        // A namespace is also an object: what follows its name is either a part of it or a resource inside it.
        let (namespace, below) = match below {
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => ("", below),
            ["namespaces", namespace, below @ ..] => (*namespace, below),
            _ => ("", below),
        };
        let [plural, below @ ..] = below else { return Route::Nowhere };
        let part = |at: usize| below.get(at).copied().unwrap_or_default().to_owned();
        if below.len() > 2 {
            return Route::Nowhere;
        }
        Route::Objects(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: (*plural).to_owned(),
            namespace: namespace.to_owned(),
            name: part(0),
            subresource: part(1),
        })
    }

    /// The verb of a request on it, in RBAC's words; empty if there is none.
    pub(crate) fn verb(&self, request: &Request) -> &'static str {
        match (request.method.as_str(), self.name.is_empty()) {
            ("GET", true) if request.flag("watch") => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", false) => "update",
            ("PATCH", false) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, group: &str, namespace: &str, rest: [&str; 3]) {
        let Route::Objects(target) = Route::of(path) else { panic!("{path} means no objects") };
        assert_eq!((target.group.as_str(), target.namespace.as_str()), (group, namespace));
        assert_eq!([target.plural.as_str(), &target.name, &target.subresource], rest);
    }

    #[test]
    fn paths_mean_what_they_mean_in_kubernetes() {
        check("/api/v1/pods", "", "", ["pods", "", ""]);
        check("/api/v1/namespaces/a/pods/b", "", "a", ["pods", "b", ""]);
        check("/api/v1/namespaces/a", "", "", ["namespaces", "a", ""]);
        check("/api/v1/namespaces/a/status", "", "", ["namespaces", "a", "status"]);
        check("/apis/apps/v1/namespaces/a/deployments/b/scale", "apps", "a", ["deployments", "b", "scale"]);
        assert_eq!(Route::of("/apis/apps"), Route::Group("apps".to_owned()));
        assert_eq!(Route::of("/nothing"), Route::Nowhere);
    }
}
