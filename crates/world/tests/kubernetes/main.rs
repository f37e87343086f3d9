//! The cluster as its clients see it: requests and hours go in, answers and events come out.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;
mod apply;
mod autoscalers;
mod custom;
mod deletion;
mod events;
mod faults;
mod lists;
mod patches;
mod rights;
mod sizes;
mod watches;
mod workloads;
mod writes;
