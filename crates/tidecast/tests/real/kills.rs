//! Kills that are real: a child process writes as fast as it can and tells what was acknowledged, until it is killed.
//! Whatever it told is there afterwards.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tidecast::store::{Asked, Decree, Keepsake, Memory, Scope, Store, broken_link, check};
use tidecast::trouble::Trouble;
use tidecast_forecast::{Sample, Samples};
use tidecast_pilot::{
    Allowed, Change, Command as Order, Decision, Lessons, Override, Plan, Reason, Size, Span, Step,
    WorkloadName,
};

use crate::servers::installed;

/// Where the child writes.
const FOLDER: &str = "TIDECAST_TEST_STORE";
/// After how many writes of each kind it ends by itself.
const WRITES: &str = "TIDECAST_TEST_WRITES";
/// How often the parent kills; a thousand before a release.
const KILLS: &str = "TIDECAST_TEST_KILLS";

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).unwrap()
}

const WORKLOADS: [&str; 3] = ["shop", "media", "batch"];

fn name(workload: &str) -> WorkloadName {
    WorkloadName(workload.into())
}

/// The process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the tests below, to be killed"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let writes = number(WRITES).unwrap_or(u64::MAX);
    let memory = Arc::new(open(Path::new(&folder)).await);
    let mut writers: Vec<_> =
        WORKLOADS.map(|workload| tokio::spawn(take_turns(memory.clone(), workload, writes))).into();
    writers.push(tokio::spawn(decree(memory.clone(), writes)));
    writers.push(tokio::spawn(learn(memory.clone(), writes)));
    writers.push(tokio::spawn(measure(memory.clone(), writes)));
    for writer in writers {
        let Err(trouble) = writer.await.unwrap() else { continue };
        println!("trouble {}", trouble.kind());
        let again = memory.ledger.learn(&name("shop"), Keepsake::Guard(Arc::default())).await;
        if trouble.kind() == "broken" && trouble.to_string().contains("ledger") && again.is_ok() {
            println!("trouble forgotten");
            return;
        }
    }
}

/// Opens the store. A test beside this one may be starting a process, which holds all our locks for a moment.
async fn open(folder: &Path) -> Memory {
    for _ in 0..100 {
        match Memory::open(folder) {
            Err(trouble) if trouble.to_string().contains("another tidecast") => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("{} stays locked", folder.display());
}

async fn take_turns(memory: Arc<Memory>, workload: &str, writes: u64) -> Result<(), Trouble> {
    let turn = memory.ledger.load(&name(workload), None).await?.turn;
    for turn in (turn + 1..).take(writes as usize) {
        assert!(memory.ledger.commit(&name(workload), &decision(turn)).await?);
        println!("{workload} {turn}");
    }
    Ok(())
}

fn decision(turn: u64) -> Decision {
    let size = Size(turn as u32 % 50 + 1);
    let step = Step { at: at(turn as i64), size, because: Reason::Standing, limits: Vec::new() };
    Decision {
        turn,
        at: at(turn as i64),
        size,
        wanted: size,
        because: Reason::Standing,
        limits: Vec::new(),
        plan: Arc::new(Plan { steps: vec![step; 1 + turn as usize % 20], ..Plan::default() }),
        commands: if turn.is_multiple_of(3) { vec![Order::Grow { to: size }] } else { Vec::new() },
        withheld: Vec::new(),
        allowed: Allowed::default(),
        notes: Vec::new(),
        vigil: Default::default(),
        moves: Vec::new(),
    }
}

/// Decrees with ascending numbers; each is withdrawn when it is the fifth last.
async fn decree(memory: Arc<Memory>, writes: u64) -> Result<(), Trouble> {
    let first = newest(&memory).await?.map_or(1, |newest| newest + 1);
    for number in (first..).take(writes as usize) {
        let decree = Decree::Override(Override {
            id: format!("{number:08}"),
            span: Span::lasting(at(0), SignedDuration::from_hours(1)),
            change: Change::Floor(Size(3)),
            author: "mara".into(),
            reason: "a sale".into(),
        });
        memory.ledger.decree(&Scope::All, &decree, at(0)).await?;
        println!("decree {number}");
        if number > 5 && memory.ledger.withdraw(&format!("{:08}", number - 5), "mara", "over", at(0)).await? {
            println!("withdrawn {}", number - 5);
        }
    }
    Ok(())
}

async fn newest(memory: &Memory) -> Result<Option<u64>, Trouble> {
    Ok(memory.ledger.decrees().await?.last().map(|(_, decree)| decree.id().parse().unwrap()))
}

async fn learn(memory: Arc<Memory>, writes: u64) -> Result<(), Trouble> {
    let known = lesson(&memory).await?;
    for number in (known + 1..).take(writes as usize) {
        let lessons =
            Lessons { start_ups: vec![SignedDuration::from_secs(number as i64)], ..Lessons::default() };
        memory.ledger.learn(&name("shop"), Keepsake::Lessons(Arc::new(lessons))).await?;
        println!("lesson {number}");
    }
    Ok(())
}

async fn lesson(memory: &Memory) -> Result<u64, Trouble> {
    let lessons = memory.ledger.load(&name("shop"), None).await?.lessons;
    Ok(lessons.start_ups.first().map_or(0, |number| number.as_secs() as u64))
}

async fn measure(memory: Arc<Memory>, writes: u64) -> Result<(), Trouble> {
    let known = measured(&memory).await?;
    for number in (known + 1..).take(writes as usize) {
        let time = at(60 * number as i64);
        let samples = Samples(vec![Sample { time, value: number as f64 }]);
        memory.history.put("shop", samples, Asked { from: time, until: time }, time).await?;
        if number.is_multiple_of(50) {
            memory.history.pack(time, 10).await?;
        }
        println!("sample {number}");
    }
    Ok(())
}

async fn measured(memory: &Memory) -> Result<u64, Trouble> {
    let samples = memory.history.read("shop", at(0), at(1 << 30)).await?.0;
    let gapless = samples.iter().enumerate().all(|(i, sample)| sample.value == (i + 1) as f64);
    assert!(gapless, "samples are missing");
    Ok(samples.len() as u64)
}

/// Starts the child on a folder, behind `before` if that is given; gives what it acknowledged last of each kind.
fn acknowledged(
    folder: &Path,
    before: &[String],
    writes: u64,
    kill_after: Option<Duration>,
) -> BTreeMap<String, String> {
    let this = std::env::current_exe().unwrap();
    let mut words = before.to_vec();
    words.push(this.to_string_lossy().into_owned());
    words.extend(["--exact", "kills::child", "--ignored", "--nocapture"].map(String::from));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(FOLDER, folder).env(WRITES, writes.to_string());
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let (mut last, mut line, mut killer) = (BTreeMap::new(), String::new(), None);
    let pid = child.id().to_string();
    while told.read_line(&mut line).unwrap() > 0 {
        if let (true, Some((kind, number))) = (line.ends_with('\n'), line.trim().split_once(' '))
            && ["decree", "withdrawn", "lesson", "sample", "trouble"]
                .iter()
                .chain(&WORKLOADS)
                .any(|known| *known == kind)
        {
            last.insert(kind.to_owned(), number.to_owned());
            let pid = pid.clone();
            if let (None, Some(delay)) = (&killer, kill_after) {
                killer = Some(std::thread::spawn(move || kill(&pid, delay)));
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    if let Some(killer) = killer {
        killer.join().unwrap();
    }
    last
}

#[expect(clippy::disallowed_methods, reason = "a kill at a moment of real time")]
fn kill(pid: &str, delay: Duration) {
    std::thread::sleep(delay);
    let _ = Command::new("kill").args(["-9", pid]).stderr(Stdio::null()).status();
}

/// Everything acknowledged is there, nothing is there that was not tried, and every check holds.
async fn check_all(folder: &Path, told: &BTreeMap<String, String>) {
    let memory = open(folder).await;
    assert_eq!(memory.renewed, None);
    let told = |kind: &str| told.get(kind).map_or(0, |number| number.parse::<u64>().unwrap());
    for workload in WORKLOADS {
        let ledger = memory.ledger.load(&name(workload), None).await.unwrap();
        let told = told(workload);
        assert!(
            told == 0 || (told..=told + 1).contains(&ledger.turn),
            "{workload}: {told} told, {} there",
            ledger.turn
        );
        assert_eq!(ledger.last.as_deref(), (ledger.turn > 0).then(|| decision(ledger.turn)).as_ref());
    }
    let there: Vec<u64> = memory
        .ledger
        .decrees()
        .await
        .unwrap()
        .iter()
        .map(|(_, decree)| decree.id().parse().unwrap())
        .collect();
    let (decree, withdrawn) = (told("decree"), told("withdrawn"));
    assert!(decree == 0 || there.contains(&decree), "decree {decree} is not among {there:?}");
    assert!(
        !there.contains(&withdrawn) || withdrawn == 0,
        "{withdrawn} was withdrawn, and is among {there:?}"
    );
    assert!(lesson(&memory).await.unwrap() >= told("lesson"));
    assert!(measured(&memory).await.unwrap() >= told("sample"));
    let (mut after, mut previous) = (0, String::new());
    loop {
        let page = memory.ledger.audit(after, 5_000, None).await.unwrap();
        assert_eq!(broken_link(&previous, &page), None);
        let Some(last) = page.last() else { break };
        (after, previous) = (last.seq, last.hash.clone());
    }
    drop(memory);
    check(folder).unwrap();
}

#[tokio::test] // S9.1, A16, I7, C1
async fn loses_nothing_acknowledged_when_killed_at_random() {
    let store = tempfile::tempdir().unwrap();
    let (mut chance, mut writes) = (Pcg64Mcg::seed_from_u64(16), 0);
    let kills = number(KILLS).unwrap_or(40);
    let mut folder = store.path().join("0");
    for kill in 0..kills {
        if kill % 50 == 0 {
            folder = store.path().join(kill.to_string());
        }
        let delay = Duration::from_micros(chance.next_u64() % 120_000);
        let told = acknowledged(&folder, &[], u64::MAX, Some(delay));
        assert!(!told.is_empty(), "the child told nothing");
        check_all(&folder, &told).await;
        writes += 1;
    }
    eprintln!("{writes} kills, nothing acknowledged was lost");
}

/// The words before a command by which one system call of it, the nth of its kind in each thread, is tampered with.
fn tampered(call: &str, how: &str, when: &str) -> Option<Vec<String>> {
    let strace = installed("strace")?;
    let works = Command::new(&strace)
        .args(["-f", "-o", "/dev/null", "true"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !works {
        eprintln!("skipped: strace may not trace here");
        return None;
    }
    let strace = strace.to_string_lossy().into_owned();
    let inject = format!("inject={call}:{how}:when={when}");
    let words = [&strace, "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject];
    Some(words.map(String::from).into())
}

/// A store that has been written to before; a file or a table need not be made any more.
fn used() -> tempfile::TempDir {
    let store = tempfile::tempdir().unwrap();
    assert!(acknowledged(store.path(), &[], 3, None).contains_key("shop"));
    store
}

#[tokio::test] // S9.1, A16, C1
async fn loses_nothing_acknowledged_when_killed_at_each_step_of_a_write() {
    let points = number(KILLS).unwrap_or(16);
    let mut told_before_death = 0;
    for (call, fresh, first) in [
        ("pwrite64", true, 1),
        ("fsync", true, 1),
        ("pwrite64", false, 17),
        ("fsync", false, 2),
        ("unlink", false, 1),
    ] {
        let steps = if call == "unlink" { 2 } else { points };
        for step in first..first + steps {
            let Some(strace) = tampered(call, "signal=KILL", &step.to_string()) else { return };
            let store = if fresh { tempfile::tempdir().unwrap() } else { used() };
            let told = acknowledged(store.path(), &strace, 12, None);
            told_before_death += usize::from(!told.is_empty());
            check_all(store.path(), &told).await;
            let told = acknowledged(store.path(), &[], 3, None);
            assert!(told.contains_key("shop"), "{call} {step}: the store does not go on: {told:?}");
        }
    }
    assert!(
        told_before_death as u64 > points,
        "only {told_before_death} were killed after a first acknowledgement"
    );
}

#[tokio::test] // F32, C2
async fn acknowledges_nothing_that_the_disk_refused() {
    let mut refused = Vec::new();
    for (call, how, trouble) in [
        ("fsync", "error=EIO", "broken"),
        ("pwrite64", "error=ENOSPC", "full"),
        ("pwrite64", "error=EIO", "broken"),
    ] {
        for from in if call == "fsync" { [2, 5, 11] } else { [20, 61, 150] } {
            let Some(strace) = tampered(call, how, &format!("{from}+")) else { return };
            let store = used();
            let mut told = acknowledged(store.path(), &strace, 60, None);
            let said = told.remove("trouble");
            assert_eq!(said.as_deref(), Some(trouble), "{call} {how} from {from} on");
            refused.push((call, how, from, told.get("shop").cloned()));
            check_all(store.path(), &told).await;
            let told = acknowledged(store.path(), &[], 3, None);
            assert!(told.contains_key("shop"), "{call} {how}: the store does not go on: {told:?}");
        }
    }
    assert!(refused.iter().filter(|(.., told)| told.is_some()).count() >= 4, "{refused:?}");
}
