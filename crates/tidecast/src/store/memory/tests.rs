use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use tidecast_forecast::{Sample, Samples};
use tidecast_pilot::{Command, Halted, Size, WorkloadName};

use super::*;
use crate::store::sqlite::tests::decision;
use crate::store::{Asked, Keepsake, Store, check, restore};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).unwrap()
}

fn shop() -> WorkloadName {
    WorkloadName("shop".into())
}

/// A store in which three workloads have had some turns, with history.
async fn filled(folder: &Path) -> Memory {
    let memory = Memory::open(folder).unwrap();
    for workload in ["shop", "media/eu", "batch"] {
        let name = WorkloadName(workload.into());
        for turn in 1..=12 {
            let grow = vec![Command::Grow { to: Size(turn as u32) }];
            assert!(memory.ledger.commit(&name, &decision(turn, turn as u32, grow)).await.unwrap());
        }
        memory.ledger.learn(&name, Keepsake::Guard(Arc::default())).await.unwrap();
        let day = (-2_880..0).map(|m| Sample { time: at(60 * m), value: (m % 60 + 60) as f64 });
        let asked = Asked { from: at(-2_880 * 60), until: at(0) };
        memory.history.put(workload, Samples(day.collect()), asked, at(0)).await.unwrap();
    }
    memory
}

#[tokio::test]
async fn lets_one_process_in_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Memory::open(folder.path()).unwrap();
    let second = Memory::open(folder.path()).unwrap_err();
    assert!(second.to_string().contains("another tidecast is using it"), "{second}");
    drop(first);
    Memory::open(folder.path()).unwrap();
}

#[tokio::test] // F32
async fn misses_a_ledger_that_was_there() {
    for damage in ["remove", "truncate"] {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path()).await);
        let ledger = folder.path().join(LEDGER);
        match damage {
            "remove" => std::fs::remove_file(&ledger).unwrap(),
            _ => std::fs::write(&ledger, "").unwrap(),
        }
        let trouble = Memory::open(folder.path()).unwrap_err();
        assert!(trouble.to_string().contains("gone or empty; restore a snapshot"), "{trouble}");
    }
}

#[tokio::test] // F32
async fn begins_a_damaged_history_anew_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    std::fs::write(folder.path().join(HISTORY), vec![7; 8_192]).unwrap();
    let memory = Memory::open(folder.path()).unwrap();
    assert_eq!(memory.renewed.as_ref().unwrap().kind(), "damaged");
    assert_eq!(memory.history.asked("shop").await.unwrap(), None);
    assert_eq!(memory.ledger.load(&shop(), None).await.unwrap().turn, 12);
    assert!(folder.path().join("history.db.damaged").exists());
}

#[tokio::test] // S9.1, F32
async fn restores_a_snapshot_with_room_for_lost_turns_and_scale_in_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let (store, copy) = (folder.path().join("store"), folder.path().join("copies/monday"));
    let memory = filled(&store).await;
    let manifest = memory.snapshot(&copy, at(0)).await.unwrap();
    assert!(memory.snapshot(&copy, at(0)).await.unwrap_err().to_string().contains("exists already"));
    let before = memory.ledger.load(&shop(), None).await.unwrap();
    check(&copy).unwrap();
    assert!(restore(&copy, &store, at(9)).await.unwrap_err().to_string().contains("another tidecast"));
    drop(memory);
    std::fs::write(store.join(LEDGER), vec![7; 8_192]).unwrap();
    assert_eq!(Memory::open(&store).unwrap_err().kind(), "damaged");
    assert_eq!(check(&store).unwrap_err().kind(), "damaged");

    assert_eq!(restore(&copy, &store, at(9)).await.unwrap(), manifest);
    check(&store).unwrap();
    let memory = Memory::open(&store).unwrap();
    let ledger = memory.ledger.load(&shop(), None).await.unwrap();
    assert_eq!((ledger.turn, ledger.last), (1_000_012, before.last));
    assert_eq!(ledger.halts[0].what, Halted::ScaleIn);
    assert!(ledger.halts[0].reason.contains("2026-02-02T02:40:00Z"), "{}", ledger.halts[0].reason);
    assert!(memory.ledger.commit(&shop(), &decision(1_000_013, 3, vec![])).await.unwrap());
    assert_eq!(memory.history.read("shop", at(-600), at(0)).await.unwrap().0.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // F32
async fn is_found_whole_while_it_is_written_and_damaged_once_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Arc::new(filled(folder.path()).await);
    let (ledger, checked) = (memory.ledger.clone(), Arc::new(AtomicBool::new(false)));
    let ended = checked.clone();
    let writing = tokio::spawn(async move {
        let mut turn = 13;
        while !ended.load(Ordering::Acquire) {
            let grow = vec![Command::Grow { to: Size(turn as u32) }];
            assert!(ledger.commit(&shop(), &decision(turn, turn as u32, grow)).await.unwrap());
            turn += 1;
        }
        turn
    });
    for _ in 0..20 {
        let folder = folder.path().to_owned();
        tokio::task::spawn_blocking(move || check(&folder)).await.unwrap().unwrap();
    }
    checked.store(true, Ordering::Release);
    assert!(writing.await.unwrap() > 20, "it was written meanwhile");
    let change = "UPDATE audit SET draft = replace(draft, 'shop', 'shot') WHERE seq = 40";
    rusqlite::Connection::open(folder.path().join(LEDGER)).unwrap().execute_batch(change).unwrap();
    let trouble = check(folder.path()).unwrap_err();
    assert!(trouble.to_string().contains("table audit: a row is not what was written"), "{trouble}");
}

#[tokio::test] // C3
async fn refuses_a_snapshot_that_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    filled(&folder.path().join("store")).await.snapshot(&copy, at(0)).await.unwrap();
    let other = folder.path().join("other");
    for file in [LEDGER, HISTORY, "snapshot.json"] {
        let path = copy.join(file);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert!(restore(&copy, &other, at(0)).await.is_err(), "{file}");
        assert!(!other.join(LEDGER).exists());
        std::fs::write(&path, good).unwrap();
    }
    assert!(restore(folder.path(), &other, at(0)).await.unwrap_err().to_string().contains("no snapshot"));
    restore(&copy, &other, at(0)).await.unwrap();
}

/// Flips one bit in each block of 512 bytes of the ledger, one after the other. Each time the damage is noticed,
/// or everything is exactly as it was written.
#[tokio::test] // C3, F32
async fn notices_a_flipped_bit_wherever_it_matters() {
    let folder = tempfile::tempdir().unwrap();
    let memory = filled(&folder.path().join("store")).await;
    memory.snapshot(&folder.path().join("copy"), at(0)).await.unwrap();
    let whole = contents(&memory.ledger).await.unwrap();
    drop(memory);
    let good = std::fs::read(folder.path().join("copy").join(LEDGER)).unwrap();
    let (path, mut noticed, mut harmless) = (folder.path().join("flipped.db"), 0, 0);
    for block in 0..good.len() / 512 {
        let mut bad = good.clone();
        bad[block * 512 + (block * 131) % 512] ^= 1 << (block % 8);
        std::fs::write(&path, bad).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(with_suffix(&path, suffix));
        }
        match Sqlite::open(&path) {
            Err(_) => noticed += 1,
            Ok(store) => match contents(&store).await {
                Err(_) => noticed += 1,
                Ok(found) => {
                    assert_eq!(found, whole, "block {block}");
                    harmless += 1;
                }
            },
        }
    }
    assert!(noticed > 60, "{noticed} noticed, {harmless} harmless");
}

async fn contents(store: &Sqlite) -> Result<String, Trouble> {
    let mut text = String::new();
    for workload in ["shop", "media/eu", "batch"] {
        let name = WorkloadName(workload.into());
        text +=
            &format!("{:?}{:?}", store.load(&name, None).await?, store.turns(&name, u64::MAX, 100).await?);
    }
    Ok(text + &format!("{:?}{:?}", store.decrees().await?, store.audit(0, 1_000, None).await?))
}
