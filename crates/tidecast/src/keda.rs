//! KEDA's external scaler: a gRPC server that KEDA asks how large a workload is to be (B8).
//!
//! It answers from what turns have left on the board, so neither the store nor a source delays it. It computes nothing: a
//! [`Trigger`] says which workload is asked about and in which unit, an [`crate::scaler::Opinion`] what may be told, and
//! [`encoded`] puts that into numbers that KEDA reads as they are meant. What is told while nothing may move is argued in
//! `docs/how-to/keda.md`.

mod encoded;
mod incoming;
mod answerer;
mod serve;
mod tls;
mod trigger;
/// What KEDA says and hears, made from `proto/externalscaler.proto`.
pub mod wire;

pub use serve::{Server, serve};
