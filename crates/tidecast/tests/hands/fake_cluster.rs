//! The fake cluster in the hands of clients that were made for real ones: `kubectl`, the Python client, `kube`.

mod client;
mod doors;
mod kubectl;
mod python;
mod streams;
