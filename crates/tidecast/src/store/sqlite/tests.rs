use tidecast_pilot::{Allowed, Change, Command, Halt, Halted, Note, Override, Reason, Size, Span, Step};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).unwrap()
}

fn shop() -> WorkloadName {
    WorkloadName("shop".into())
}

/// A decision for `size` servers, with a plan that changes every tenth turn.
pub(in crate::store) fn decision(turn: u64, size: u32, commands: Vec<Command>) -> Decision {
    let step = |minute: i64| Step {
        at: at(60 * minute + 600 * (turn / 10) as i64),
        size: Size(minute as u32),
        because: Reason::Standing,
        limits: Vec::new(),
    };
    Decision {
        turn,
        at: at(30 * turn as i64),
        size: Size(size),
        wanted: Size(size),
        because: Reason::Minimum { min: Size(size) },
        limits: Vec::new(),
        plan: Arc::new(Plan { steps: (1..20).map(step).collect(), ..Plan::default() }),
        commands,
        withheld: Vec::new(),
        allowed: Allowed::default(),
        notes: vec![Note::NoForecast],
        vigil: Default::default(),
        moves: Vec::new(),
    }
}

fn floor(id: &str) -> Decree {
    Decree::Override(Override {
        id: id.into(),
        span: Span::lasting(at(0), SignedDuration::from_hours(3)),
        change: Change::Floor(Size(80)),
        author: "mara".into(),
        reason: "Black Friday".into(),
    })
}

fn freeze() -> Decree {
    let (author, reason) = ("ops".into(), "incident 7".into());
    let span = Span::lasting(at(0), SignedDuration::from_hours(1));
    Decree::Halt { id: "h1".into(), halt: Halt { span, what: Halted::All, author, reason } }
}

fn store() -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
    (folder, store)
}

#[tokio::test] // B9
async fn stores_the_next_turn_and_no_other() {
    let (_folder, store) = store();
    assert_eq!(store.load(&shop(), None).await.unwrap(), Ledger::default());
    assert!(!store.commit(&shop(), &decision(2, 5, vec![])).await.unwrap());
    assert!(store.commit(&shop(), &decision(1, 5, vec![])).await.unwrap());
    assert!(!store.commit(&shop(), &decision(1, 6, vec![])).await.unwrap());
    assert!(store.commit(&shop(), &decision(2, 7, vec![])).await.unwrap());
    let ledger = store.load(&shop(), None).await.unwrap();
    assert_eq!((ledger.turn, ledger.last.as_deref()), (2, Some(&decision(2, 7, vec![]))));
}

#[tokio::test] // B9
async fn lets_one_of_many_have_the_turn() {
    let (_folder, store) = store();
    let store = Arc::new(store);
    for turn in 1..=5 {
        let tries: Vec<_> = (0..20)
            .map(|size| {
                let store = store.clone();
                tokio::spawn(
                    async move { store.commit(&shop(), &decision(turn, size, vec![])).await.unwrap() },
                )
            })
            .collect();
        let mut won = 0;
        for one in tries {
            won += usize::from(one.await.unwrap());
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test] // A11, S9.1
async fn remembers_everything_over_a_restart() {
    let (folder, store) = store();
    let grow = decision(1, 5, vec![Command::Grow { to: Size(5) }]);
    let lessons = Arc::new(Lessons { start_ups: vec![SignedDuration::from_mins(4)], ..Lessons::default() });
    assert!(store.commit(&shop(), &grow).await.unwrap());
    store.carried_out(&shop(), 1, "5 ordered", at(31)).await.unwrap();
    store.learn(&shop(), Keepsake::Lessons(lessons.clone())).await.unwrap();
    store.learn(&shop(), Keepsake::Guard(Arc::default())).await.unwrap();
    store.decree(&Scope::One(shop()), &floor("o1"), at(0)).await.unwrap();
    store.decree(&Scope::All, &freeze(), at(1)).await.unwrap();
    store.decree(&Scope::One(WorkloadName("other".into())), &floor("o2"), at(2)).await.unwrap();
    let before = store.load(&shop(), None).await.unwrap();
    drop(store);
    let store = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
    let ledger = store.load(&shop(), None).await.unwrap();
    assert_eq!(ledger, before);
    assert_eq!((ledger.turn, ledger.lessons == *lessons), (1, true));
    assert_eq!(Decree::Override(ledger.overrides[0].clone()), floor("o1"));
    assert_eq!((ledger.overrides.len(), ledger.halts.len()), (1, 1));
    let kept = store.turns(&shop(), u64::MAX, 10).await.unwrap();
    let grow = Decision { plan: Arc::default(), ..grow };
    assert_eq!(kept, [Kept { decision: Arc::new(grow), outcome: Some("5 ordered".into()) }]);
}

#[tokio::test] // I10 of the safety invariants
async fn tells_the_audit_log_what_it_is_about_to_do_and_what_people_wrote() {
    let (_folder, store) = store();
    let _ = store.commit(&shop(), &decision(1, 5, vec![])).await.unwrap();
    let _ = store.commit(&shop(), &decision(2, 6, vec![Command::Grow { to: Size(6) }])).await.unwrap();
    store.decree(&Scope::All, &floor("o1"), at(1)).await.unwrap();
    store.decree(&Scope::All, &floor("o1"), at(2)).await.unwrap();
    assert!(store.withdraw("o1", "mara", "sold out", at(3)).await.unwrap());
    assert!(!store.withdraw("o1", "mara", "sold out", at(3)).await.unwrap());
    let log = store.audit(0, 100, None).await.unwrap();
    let told: Vec<_> =
        log.iter().map(|e| format!("{} {} {}: {}", e.seq, e.draft.who, e.draft.what, e.draft.why)).collect();
    assert_eq!(
        told,
        [
            "1 tidecast decided: the minimum is 6",
            "2 mara decreed: Black Friday",
            "3 mara decreed: Black Friday",
            "4 mara withdrawn: sold out",
        ]
    );
    assert!(log[2].draft.before.is_some() && log[3].draft.after.is_none());
    assert_eq!(super::super::broken_link("", &log), None);
    assert_eq!(store.audit(0, 100, Some(&shop())).await.unwrap(), log[..1]);
    assert_eq!(store.audit(2, 1, None).await.unwrap(), log[2..3]);
    assert!(store.load(&shop(), None).await.unwrap().overrides.is_empty());
}

#[tokio::test]
async fn keeps_the_turns_that_changed_something() {
    let (_folder, store) = store();
    for turn in 1..=40 {
        let size = if turn < 30 { 5 } else { 6 };
        assert!(store.commit(&shop(), &decision(turn, size, vec![])).await.unwrap());
    }
    let turns = store.turns(&shop(), u64::MAX, 10).await.unwrap();
    assert_eq!(turns.iter().map(|kept| kept.decision.turn).collect::<Vec<_>>(), [30, 1]);
    assert_eq!(*turns[0].decision, Decision { plan: Arc::default(), ..decision(30, 6, vec![]) });
    assert_eq!(store.turns(&shop(), 30, 10).await.unwrap().len(), 1);
    assert_eq!(store.prune(at(0)).await.unwrap(), 0);
    let dropped = store.prune(at(0) + Sqlite::RETENTION + SignedDuration::from_mins(14)).await.unwrap();
    assert_eq!(dropped, 1); // turn 1
    assert_eq!(store.turns(&shop(), u64::MAX, 10).await.unwrap().len(), 1);
    assert_eq!(*store.load(&shop(), None).await.unwrap().last.unwrap(), decision(40, 6, vec![]));
    store.db.read(|db| super::super::database::verify(db, &FORMAT)).await.unwrap();
}

#[tokio::test]
async fn keeps_the_plan_in_force_and_no_other() {
    let (folder, mut store) = store();
    for turn in 1..=25 {
        assert!(store.commit(&shop(), &decision(turn, 5, vec![])).await.unwrap());
        let first = store.db.read(|db| PLANS.select(db, "TRUE", &[])).await.unwrap();
        assert_eq!((first.len(), &first[0][1]), (1, &integer((turn / 10 * 10).max(1))), "turn {turn}");
        assert_eq!(*store.load(&shop(), None).await.unwrap().last.unwrap(), decision(turn, 5, vec![]));
        if turn % 7 == 0 {
            drop(store);
            store = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
        }
    }
}

#[tokio::test] // B9
async fn reads_again_what_a_turn_has_changed_and_always_what_is_decreed() {
    let (_folder, store) = store();
    assert!(store.commit(&shop(), &decision(1, 5, vec![])).await.unwrap());
    let known = store.load(&shop(), None).await.unwrap();
    store.decree(&Scope::All, &floor("o1"), at(1)).await.unwrap();
    let again = store.load(&shop(), Some(&known)).await.unwrap();
    assert!(Arc::ptr_eq(again.last.as_ref().unwrap(), known.last.as_ref().unwrap()));
    assert_eq!((known.overrides.len(), again.overrides.len()), (0, 1));
    store.withdraw("o1", "mara", "over", at(2)).await.unwrap();
    assert!(store.commit(&shop(), &decision(2, 7, vec![])).await.unwrap());
    let newer = store.load(&shop(), Some(&again)).await.unwrap();
    assert_eq!(newer, store.load(&shop(), None).await.unwrap());
    assert_eq!((newer.turn, newer.last.unwrap().size, newer.overrides.len()), (2, Size(7), 0));
}

#[tokio::test] // F33
async fn keeps_no_more_turns_than_there_is_room_for() {
    let (_folder, store) = store();
    for turn in 1..=9 {
        assert!(store.commit(&shop(), &decision(turn, turn as u32, vec![])).await.unwrap());
    }
    let prune = async |most| store.db.write(move |db| prune(db, 0.into(), 0.into(), most)).await.unwrap();
    assert_eq!((prune(9).await, prune(4).await, prune(4).await), (0, 5, 0));
    let turns = store.turns(&shop(), u64::MAX, 10).await.unwrap();
    assert_eq!(turns.iter().map(|kept| kept.decision.turn).collect::<Vec<_>>(), [9, 8, 7, 6]);
    store.db.read(|db| super::super::database::verify(db, &FORMAT)).await.unwrap();
}

#[tokio::test] // F32
async fn checks_of_a_large_file_what_decisions_rest_on() {
    let (folder, store) = store();
    let path = folder.path().join("ledger.db");
    assert!(store.commit(&shop(), &decision(1, 5, vec![])).await.unwrap());
    drop(store);
    let change = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let open =
        |whole| Database::open_checked(&path, &FORMAT, whole).map(drop).map_err(|trouble| trouble.kind());
    change("UPDATE kept SET decision = replace(decision, '5', '6')");
    assert_eq!((open(0), open(u64::MAX)), (Ok(()), Err("damaged")));
    let store = Sqlite { db: Database::open_checked(&path, &FORMAT, 0).unwrap(), stored: Mutex::default() };
    assert_eq!(
        store.turns(&shop(), u64::MAX, 10).await.unwrap_err().kind(),
        "damaged",
        "it is checked when it is read"
    );
    assert_eq!(store.load(&shop(), None).await.unwrap().turn, 1);
    drop(store);
    change("UPDATE plans SET plan = replace(plan, '5', '6')");
    assert_eq!(open(0), Err("damaged"));
}

#[tokio::test] // S9.1
async fn takes_over_the_file_of_an_earlier_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let earlier = Format { migrations: &FORMAT.migrations[..1], ..FORMAT };
    let store =
        Sqlite { db: Database::open(&path, Box::leak(Box::new(earlier))).unwrap(), stored: Mutex::default() };
    for turn in 1..=12 {
        assert!(store.commit(&shop(), &decision(turn, turn as u32, vec![])).await.unwrap());
    }
    store.decree(&Scope::All, &floor("o1"), at(1)).await.unwrap();
    store.learn(&shop(), Keepsake::Guard(Arc::default())).await.unwrap();
    let known = (store.load(&shop(), None).await.unwrap(), store.turns(&shop(), u64::MAX, 20).await.unwrap());
    drop(store);
    let store = Sqlite::open(&path).unwrap();
    let found = (store.load(&shop(), None).await.unwrap(), store.turns(&shop(), u64::MAX, 20).await.unwrap());
    assert_eq!(found, known);
    assert_eq!((found.0.turn, found.1.len()), (12, 12));
    assert!(store.commit(&shop(), &decision(13, 5, vec![])).await.unwrap());
    store.db.read(|db| super::super::database::verify(db, &FORMAT)).await.unwrap();
}

#[tokio::test] // F32
async fn writes_nothing_while_the_disk_is_full_and_goes_on_when_there_is_room() {
    let (_folder, store) = store();
    assert!(store.commit(&shop(), &decision(1, 5, vec![])).await.unwrap());
    let limit = |sql: &'static str| store.db.write(move |db| Ok(db.query_row(sql, [], |_| Ok(()))?));
    limit("PRAGMA max_page_count = 20").await.unwrap();
    let mut turn = 1;
    let trouble = loop {
        match store.commit(&shop(), &decision(turn + 1, turn as u32, vec![])).await {
            Ok(stored) => turn += u64::from(stored),
            Err(trouble) => break trouble,
        }
    };
    assert_eq!(trouble.kind(), "full", "{trouble}");
    assert_eq!(store.load(&shop(), None).await.unwrap().turn, turn);
    limit("PRAGMA max_page_count = 100000").await.unwrap();
    assert!(store.commit(&shop(), &decision(turn + 1, 5, vec![])).await.unwrap());
    store.db.read(|db| super::super::database::verify(db, &FORMAT)).await.unwrap();
}

#[tokio::test] // C4
async fn refuses_the_files_of_others_and_of_newer_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Sqlite::open(&path).unwrap());
    let change = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    change("PRAGMA user_version = 99");
    let newer = Sqlite::open(&path).unwrap_err();
    assert!(newer.to_string().contains("has format 99, and this version knows formats up to 2"), "{newer}");
    change("PRAGMA user_version = 2; PRAGMA application_id = 7");
    assert!(Sqlite::open(&path).unwrap_err().to_string().contains("not a ledger of tidecast"));
    std::fs::write(&path, "a letter to nobody, long enough to be taken for a database ".repeat(50)).unwrap();
    assert_eq!(Sqlite::open(&path).unwrap_err().kind(), "damaged");
}
