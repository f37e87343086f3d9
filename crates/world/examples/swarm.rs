//! Seeded worlds, each played with its invariants watched: `make swarm SEED=8113 DAYS=10000`.

use std::process::ExitCode;

use tidecast_world::{DAYS, Played, Production, swarm};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(Ok(first)), Some(Ok(days))) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: swarm SEED DAYS, for example: swarm 1 10000");
        return ExitCode::from(2);
    };
    let worlds = days.div_ceil(DAYS as u64).max(1);
    let (mut played, mut failures) = (Played::default(), 0);
    for seed in first..first + worlds {
        match swarm(seed, &mut Production) {
            Ok(one) => played = played.and(one),
            Err(failure) => {
                failures += 1;
                println!("{failure}");
                if failures >= 12 {
                    break;
                }
            }
        }
    }
    println!("{played}; {failures} broke an invariant");
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
