use std::sync::Arc;

use tidecast_pilot::{Allowed, Command as Order, Plan, Reason, Size};

use super::*;

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn decision(turn: u64, commands: Vec<Order>) -> Decision {
    Decision {
        turn,
        at: now(),
        size: Size(12),
        wanted: Size(12),
        because: Reason::Minimum { min: Size(12) },
        limits: Vec::new(),
        plan: Arc::new(Plan::default()),
        commands,
        withheld: Vec::new(),
        allowed: Allowed::Everything,
        notes: Vec::new(),
        vigil: Default::default(),
        moves: Vec::new(),
    }
}

fn grow(turn: u64) -> Decision {
    decision(turn, vec![Order::Grow { to: Size(12) }])
}

/// A shell script in a folder of its own: here the test is the program.
fn program(folder: &tempfile::TempDir, script: &str) -> Program {
    let file = folder.path().join("script");
    std::fs::write(&file, script).unwrap();
    Program {
        line: vec!["/bin/sh".into(), file.display().to_string(), "checkout".into()],
        folder: folder.path().to_owned(),
        env: vec!["PATH".into()],
        limit: Duration::from_secs(5),
    }
}

fn hand(run: Program, sight: Option<Program>) -> Command {
    Command::new("shop", TimeZone::UTC, run, sight)
}

async fn said(script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    match hand(program(&folder, script), None).carry_out(&grow(7)).await {
        Ok(receipt) => receipt.to_string(),
        Err(trouble) => trouble.to_string(),
    }
}

#[tokio::test]
async fn hands_the_decision_to_a_program_and_runs_it_for_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let run = program(&folder, "cat >> got; echo \"$1 $PWD\" >> got; env >> got");
    let hand = hand(run, None);
    assert_eq!(hand.carry_out(&decision(6, Vec::new())).await.unwrap(), Receipt::Shown);
    let got = folder.path().join("got");
    assert!(!got.exists(), "nothing to do, so nothing was run");
    assert_eq!(hand.carry_out(&grow(7)).await.unwrap().to_string(), "the command /bin/sh did it");
    let got = std::fs::read_to_string(got).unwrap();
    for part in [
        r#""workload":"shop","turn":7,"#,
        r#""size":12,"#,
        r#""commands":[{"do":"grow","to":12}],"allowed":"everything","because":{"code":"minimum","said":"the minimum is 12"}"#,
        "checkout ",
        "PATH=",
    ] {
        assert!(got.contains(part), "{part}: {got}");
    }
    assert!(
        !got.contains("HOME=") && !got.contains("CARGO"),
        "no more of the environment than is named: {got}"
    );
}

#[tokio::test] // B1
async fn reads_what_its_exit_code_says() {
    assert_eq!(said("exit 0").await, "the command /bin/sh did it");
    assert_eq!(
        said("echo no such group >&2; exit 7").await,
        "the command /bin/sh failed: it ended with 7 and said: no such group"
    );
    assert_eq!(said("echo '{\"turn\": 9}'; exit 3").await, "left alone: turn 9 has been carried out already");
    assert_eq!(
        said("echo '{\"turn\": 7}'; exit 3").await,
        "the command /bin/sh failed: it ended with 3 and said: nothing"
    );
    assert_eq!(
        said("kill -TERM $$").await,
        "the command /bin/sh failed: a signal ended it; it said: nothing"
    );
}

#[tokio::test] // F24
async fn refuses_an_older_turn() {
    let folder = tempfile::tempdir().unwrap();
    let hand = hand(program(&folder, "echo x >> ran"), None);
    hand.carry_out(&grow(8)).await.unwrap();
    assert_eq!(hand.carry_out(&grow(7)).await.unwrap(), Receipt::Overtaken { by: 8 });
    hand.carry_out(&grow(8)).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("ran")).unwrap(), "x\nx\n");
}

#[tokio::test] // S19
async fn ends_what_takes_too_long_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = program(&folder, "sleep 600 & echo $! > child; wait");
    run.limit = Duration::from_millis(500);
    let hand = hand(run, None);
    let ended = tokio::time::timeout(Duration::from_secs(20), hand.carry_out(&grow(7))).await;
    let trouble = ended.expect("its time is limited").unwrap_err();
    assert_eq!(trouble.to_string(), "the command /bin/sh did not answer within 500 ms");
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    let state = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let gone = || state(child.trim()).is_none_or(|stat| stat.contains(") Z "));
    for _ in 0..50 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("what the program started still runs: {:?}", state(child.trim()));
}

#[tokio::test] // S19, F7
async fn ends_what_prints_too_much() {
    let said = said("yes").await;
    assert_eq!(said, "the command /bin/sh sent more than 65536 bytes, which is the limit");
}

#[tokio::test] // S19
async fn sees_the_fleet_by_a_program_and_believes_only_what_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let sight = |script: &str| {
        let program = program(&folder, script);
        hand(program.clone(), Some(program))
    };
    let seen = sight(r#"echo '{"ordered":12,"serving":11,"complete":true}'"#).sight(now()).await.unwrap();
    assert_eq!(seen, Some(Sighting::of(now(), Size(12), Size(11))));
    let trouble =
        sight(r#"echo '{"ordered":-1,"serving":11,"complete":true}'"#).sight(now()).await.unwrap_err();
    assert!(trouble.to_string().contains("`ordered` is -1"), "{trouble}");
    let trouble = sight("exit 1").sight(now()).await.unwrap_err();
    assert!(trouble.to_string().contains("it ended with 1"), "{trouble}");
    let none = Command::new("shop", TimeZone::UTC, program(&folder, "exit 1"), None);
    assert_eq!(none.sight(now()).await.unwrap(), None);
}

#[tokio::test]
async fn says_that_a_program_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let run = Program { line: vec!["/nowhere/scale".into()], ..program(&folder, "") };
    let trouble = hand(run, None).carry_out(&grow(7)).await.unwrap_err();
    assert!(
        trouble.to_string().starts_with("the command /nowhere/scale failed: it cannot be started"),
        "{trouble}"
    );
}

#[test] // B2
fn shows_what_it_would_run() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program { line: vec!["/bin/scale".into(), "checkout".into()], ..program(&folder, "") };
    let withheld = Decision { withheld: vec![Order::Shrink { to: Size(3) }], ..decision(7, Vec::new()) };
    let shown = hand(program, None).shows(&withheld);
    assert_eq!(shown, ["run /bin/scale checkout: shrink to 3 servers (turn 7)"]);
}
