//! A Kubernetes cluster as a state machine: requests and the time go in, answers and events come out.
//!
//! Read in this order: a [`Request`] means a [`route`]; the [`Cluster`] looks the kind up, asks [`rbac`] and answers
//! from its [`store`]. What is written passes [`decode`], [`default`] and [`validate`] on its way, and [`managed`]
//! remembers who wrote which field. [`Cluster::tick`] lets the [`controllers`] work. What it does as the real one does,
//! and what not, stands in `docs/explanation/fake-cluster.md`.

mod cluster;
mod request;
mod route;
mod status;
mod kind;
mod kinds;
mod schema;
mod store;
mod read;
mod write;
mod draft;
mod delete;
mod scale;
mod watch;
mod view;
mod table;
mod selector;
mod decode;
mod default;
mod validate;
mod crd;
mod rules;
mod patch;
mod apply;
mod fields;
mod step;
mod managed;
mod rbac;
mod faults;
mod discovery;
mod openapi;
mod events;
mod versions;
mod protobuf;
mod quantity;
mod tree;
mod controllers;

pub use cluster::{Cluster, Reply};
pub use controllers::{Metrics, Nodes};
pub use faults::{Fault, Faults, Rewriter, Strike};
pub use request::{Answer, Request, User};
pub use rules::Rules;
pub use status::Refusal;
pub use watch::Watch;
