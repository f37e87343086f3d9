//! The configuration: YAML files into sections, with everything that is wrong with them said at its line.
//!
//! Read in this order: [`files`] become [`text`]s, texts become trees of [`node`]s that know where they stand,
//! [`merge`] makes one tree of several files, [`decode`] makes [`section`]s of the tree, and [`rules`] say what
//! does not fit together. What is found is a [`finding`] with a stable code ([`codes`]), shown by [`render`].
//!
//! Two things are deliberately absent. There is no derive for validation: the ranges and relations live in plain
//! functions of [`rules`], since each needs the place of a value, an edit that mends it, and often a second place.
//! And there is no substitution of `${VARIABLES}`: a configuration says what it says, and secrets are references.

pub mod codes;
mod decode;
mod edit;
mod effective;
mod fault;
mod files;
mod finding;
mod foreign;
mod formats;
mod load;
mod merge;
pub mod node;
mod reference;
mod reload;
mod render;
mod rules;
pub mod section;
mod starter;
mod suggest;
mod text;
mod wire;
pub mod word;
mod yaml;

pub use decode::FAULTS_MAX;
pub(crate) use decode::TAG;
pub use effective::{Origin, Setting, effective};
pub use files::{ALL_BYTES_MAX, FILE_BYTES_MAX};
pub use finding::{Finding, Report};
pub use formats::{github, json, sarif};
pub use load::{Loaded, load, read, schema, workload};
pub use reference::{configuration_page, errors_page};
pub use reload::{Change, LOOK_EVERY, Poller, reload, watch};
pub use render::{Look, human};
#[cfg(feature = "kubernetes")]
pub(crate) use rules::KINDS;
pub use rules::{references, secrets_folder};
pub use section::{Config, Scaled};
pub use starter::starter;
#[cfg(feature = "keda")]
pub(crate) use suggest::nearest;
pub use text::{Place, Text, Texts};
pub(crate) use wire::tls;
pub use wire::{NoCalendar, NoWay};
