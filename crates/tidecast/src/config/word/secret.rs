use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// Where a secret is to be found: never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretRef {
    /// In a file below `secretsDir`.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

/// The longest secret file that is read.
pub(crate) const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret cannot be had. Names the place, never the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The file does not lie where secrets may lie.
    #[error("{} does not lie below {}, where secrets may lie", .file.display(), .folder.display())]
    Outside {
        /// The file, with all links followed.
        file: PathBuf,
        /// `secretsDir`.
        folder: PathBuf,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {why}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// The environment variable is not there.
    #[error("the environment has no variable {0}")]
    Env(String),
    /// Nothing in it.
    #[error("the secret is empty")]
    Empty,
}

impl SecretRef {
    /// The secret, without the line break at its end. `env` looks up environment variables.
    ///
    /// # Errors
    /// If it does not lie below `folder`, is not there, is empty, or is not text of at most 64 KiB.
    pub fn read(
        &self,
        folder: &Path,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<SecretString, Unreadable> {
        let text = match self {
            Self::File(file) => self::file(&confined(folder, file)?)?,
            Self::Env(name) => env(name).ok_or_else(|| Unreadable::Env(name.clone()))?,
        };
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(Unreadable::Empty),
            secret => Ok(SecretString::from(secret)),
        }
    }
}

/// The file with all links followed, if it then lies below the folder.
pub fn confined(folder: &Path, file: &Path) -> Result<PathBuf, Unreadable> {
    let trouble =
        |file: &Path, why: std::io::Error| Unreadable::File { file: file.into(), why: why.to_string() };
    let real = folder.join(file).canonicalize().map_err(|why| trouble(&folder.join(file), why))?;
    let folder = folder.canonicalize().map_err(|why| trouble(folder, why))?;
    if real.starts_with(&folder) { Ok(real) } else { Err(Unreadable::Outside { file: real, folder }) }
}

fn file(path: &Path) -> Result<String, Unreadable> {
    let trouble = |why: &dyn fmt::Display| Unreadable::File { file: path.into(), why: why.to_string() };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|why| trouble(&why))?;
    file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text).map_err(|why| trouble(&why))?;
    match text.len() as u64 {
        0..=SECRET_BYTES_MAX => Ok(text),
        _ => Err(trouble(&format_args!("it has more than {SECRET_BYTES_MAX} bytes"))),
    }
}

/// As it stands in the file: exactly one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    file: Option<PathBuf>,
    env: Option<String>,
}

struct RefVisitor;

impl<'de> Visitor<'de> for RefVisitor {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference to a secret such as `{ file: prom.token }`")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<SecretRef, E> {
        let help = "put it into a file beside this one and write `{ file: NAME }`, or write `{ env: NAME }`; \
                    and change the secret, as it has been in the clear";
        Err(E::custom(
            Complaint::new(Code::LITERAL_SECRET, "a secret must not stand in the configuration", help)
                .instead("{ env: SECRET }"),
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRef, A::Error> {
        match Written::deserialize(MapAccessDeserializer::new(map))? {
            Written { file: Some(file), env: None } => Ok(SecretRef::File(file)),
            Written { file: None, env: Some(name) } => Ok(SecretRef::Env(name)),
            written => {
                let help = "write either `{ file: NAME }` or `{ env: NAME }`";
                let instead = format!("{{ file: {} }}", written.file.unwrap_or("NAME".into()).display());
                Err(A::Error::custom(
                    Complaint::new(Code::ONE_OF, "a secret comes from one place", help).instead(instead),
                ))
            }
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RefVisitor)
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where a secret is to be found: a file below `secretsDir`, or an environment variable.",
            "oneOf": [
                { "type": "object", "properties": { "file": { "type": "string" } }, "required": ["file"], "additionalProperties": false },
                { "type": "object", "properties": { "env": { "type": "string" } }, "required": ["env"], "additionalProperties": false }
            ],
            "examples": [{ "file": "prometheus.token" }, { "env": "PROMETHEUS_TOKEN" }]
        })
    }
}

/// The value of a header: text, or where a secret is to be found. Its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// As it is sent.
    Text(String),
    /// Read when it is sent.
    Secret(SecretRef),
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Secret(reference) => reference.fmt(f),
        }
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = HeaderValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a reference to a secret such as `{ file: NAME }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<HeaderValue, E> {
        let sound = text.bytes().all(|b| (b' '..0x7f).contains(&b));
        let help = "write printable ASCII on one line";
        let complaint = || Complaint::new(Code::BAD_HEADER, "a header cannot have such a value", help);
        if sound { Ok(HeaderValue::Text(text.to_owned())) } else { Err(E::custom(complaint())) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HeaderValue, A::Error> {
        RefVisitor.visit_map(map).map(HeaderValue::Secret)
    }
}

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(HeaderVisitor)
    }
}

impl JsonSchema for HeaderValue {
    fn schema_name() -> Cow<'static, str> {
        "HeaderValue".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<SecretRef>();
        json_schema!({ "anyOf": [{ "type": "string" }, secret] })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const CANARY: &str = "canary-7f3a";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), format!("{CANARY}\n")).unwrap();
        folder
    }

    fn read(folder: &Path, file: &str) -> Result<SecretString, Unreadable> {
        SecretRef::File(file.into()).read(folder, |_| None)
    }

    #[test]
    fn reads_files_and_variables_without_the_line_break() {
        let folder = folder();
        assert_eq!(read(folder.path(), "token").unwrap().expose_secret(), CANARY);
        let env = SecretRef::Env("T".into()).read(folder.path(), |name| (name == "T").then(|| CANARY.into()));
        assert_eq!(env.unwrap().expose_secret(), CANARY);
        let absent = SecretRef::Env("U".into()).read(folder.path(), |_| None).unwrap_err();
        assert_eq!(absent.to_string(), "the environment has no variable U");
    }

    #[test] // S7
    fn stays_below_its_folder() {
        let (folder, other) = (folder(), folder());
        let escape = format!("../{}/token", other.path().file_name().unwrap().display());
        assert!(matches!(read(folder.path(), &escape), Err(Unreadable::Outside { .. })));
        assert!(matches!(read(folder.path(), "/etc/passwd"), Err(Unreadable::Outside { .. })));
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        assert!(matches!(read(folder.path(), "link"), Err(Unreadable::Outside { .. })));
    }

    #[test]
    fn follows_the_links_of_a_mounted_secret() {
        let folder = folder();
        std::fs::create_dir(folder.path().join("..2026")).unwrap();
        std::fs::write(folder.path().join("..2026/mounted"), CANARY).unwrap();
        std::os::unix::fs::symlink("..2026", folder.path().join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/mounted", folder.path().join("mounted")).unwrap();
        assert_eq!(read(folder.path(), "mounted").unwrap().expose_secret(), CANARY);
    }

    #[test] // S8
    fn never_shows_what_it_read() {
        let folder = folder();
        let secret = read(folder.path(), "token").unwrap();
        assert!(!format!("{secret:?}").contains(CANARY));
        assert!(!format!("{:?}", HeaderValue::Text(CANARY.into())).contains(CANARY));
        std::fs::write(folder.path().join("big"), CANARY.repeat(10_000)).unwrap();
        assert!(!format!("{:?}", read(folder.path(), "big").unwrap_err()).contains(CANARY));
    }

    #[test]
    fn refuses_what_is_empty() {
        let folder = folder();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        assert_eq!(read(folder.path(), "empty").unwrap_err(), Unreadable::Empty);
    }
}
