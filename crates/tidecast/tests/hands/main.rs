//! The hands on fleets, against servers that speak the real wire. What is not installed is skipped, and said.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod aws;
mod cluster;
mod fake_cluster;
mod keda;
mod kubernetes;
mod operator;
mod webhook;
