//! A Kubernetes API server to play with: `cargo run --example cluster [PORT] [SPEED]`, then point `kubectl` at it.
//!
//! It is the one that the tests use. Nothing runs in its pods; its clock may go faster than the one on the wall.

#[path = "../tests/hands/cluster/mod.rs"]
mod cluster;

use cluster::{Clock, Cluster, Setup};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let speed = arguments.next().and_then(|speed| speed.parse().ok()).unwrap_or(1.0);
    let cluster = Cluster::start_as(Setup { seed: 1, clock: Clock::fast(speed), port }).await;
    cluster.install_kinds_of_others();
    println!("export KUBECONFIG={}", cluster.kubeconfig_path().display());
    eprintln!("serving at {} until interrupted", cluster.url);
    _ = tokio::signal::ctrl_c().await;
}
