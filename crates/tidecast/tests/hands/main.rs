//! The hands on fleets, against servers that speak the real wire. What is not installed is skipped, and said.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod agones;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "kubernetes")]
mod cluster;
#[cfg(all(feature = "aws", feature = "kubernetes"))]
mod diffs;
#[cfg(feature = "kubernetes")]
mod fake_cluster;
#[cfg(any(feature = "aws", feature = "kubernetes"))]
mod counted;
mod jitsi;
#[cfg(feature = "keda")]
mod keda;
mod kubernetes;
#[cfg(feature = "kubernetes")]
mod operator;
#[cfg(feature = "kubernetes")]
mod person;
#[cfg_attr(not(feature = "keda"), allow(dead_code, reason = "only KEDA's tests need all of it"))]
mod served;
mod webhook;
