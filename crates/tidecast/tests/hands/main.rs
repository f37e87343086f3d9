//! The hands on fleets, against servers that speak the real wire. What is not installed is skipped, and said.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod agones;
mod aws;
mod cluster;
mod diffs;
mod fake_cluster;
mod jitsi;
#[cfg(feature = "keda")]
mod keda;
mod kubernetes;
mod operator;
mod person;
mod served;
mod webhook;
