use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::*;
use crate::Step;
use crate::calendar::{Ends, Event, Schedule, Special};

/// Every working day at 9:30 in New York, for an hour.
fn bell(change: Change) -> Event {
    Event {
        id: "bell".into(),
        schedule: Schedule::Cron("30 9 * * MON-FRI".parse().unwrap()),
        ends: Ends::After(minutes(60)),
        zone: TimeZone::get("America/New_York").unwrap(),
        change,
        author: "mara".into(),
        reason: "the exchange opens".into(),
    }
}

/// The calm fleet at this time, the forecast reaching two hours from then on, with these events.
fn on(time: &str, events: Vec<Event>) -> Briefing {
    let now: Timestamp = time.parse().unwrap();
    let mut briefing = with(|_, w| w.calendar.events = events);
    briefing.now = now;
    let fans = vec![Fan::certain(100.0); 24];
    briefing.issued =
        Some(Arc::new(Issued { at: now, forecast: Forecast::new(Grid::new(now, 300, 24), fans, "test") }));
    briefing.evidence = evidence([100.0; 15]);
    briefing.evidence.readings.iter_mut().for_each(|r| r.at = now - super::now().duration_since(r.at));
    briefing.sighting = Some(Sighting::of(now, Size(10), Size(10)));
    briefing
}

/// The plan's steps until it shrinks again, as clock and size.
#[track_caller]
fn check(briefing: &Briefing, expected: &[(&str, u32)]) -> Vec<Step> {
    let steps = decide(briefing).plan.steps.clone();
    let found: Vec<(String, u32)> =
        steps.iter().map(|s| (s.at.strftime("%H:%M").to_string(), s.size.get())).collect();
    let expected: Vec<(String, u32)> = expected.iter().map(|(at, size)| (at.to_string(), *size)).collect();
    assert_eq!(found[..expected.len()], expected);
    steps
}

#[test] // B7, S5.3, A14
fn plans_for_an_event_ahead_on_the_clock_of_its_place() {
    // Clocks go forward in New York on 8 March: half past nine is 14:30 before, 13:30 after.
    let before = on("2026-03-06T13:45:00Z", vec![bell(Change::Floor(Size(20)))]);
    check(&before, &[("13:45", 10), ("14:25", 20), ("15:30", 18)]);
    let after = on("2026-03-09T12:45:00Z", vec![bell(Change::Floor(Size(20)))]);
    let steps = check(&after, &[("12:45", 10), ("13:25", 20), ("14:30", 18)]);
    assert_eq!(
        steps[1].because.to_string(),
        "at least 20 servers until 2026-03-09 14:30 (UTC) by mara (the exchange opens)"
    );
    check(&on("2026-03-07T13:45:00Z", vec![bell(Change::Floor(Size(20)))]), &[("13:45", 10)]);
}

#[test] // B7
fn expects_what_an_event_brings_in_whatever_words_it_is_told() {
    let at = |change| check(&on("2026-03-06T13:45:00Z", vec![bell(change)]), &[("13:45", 10)])[1].clone();
    assert_eq!(at(Change::PadPercent(30.0)).size, Size(13));
    assert_eq!(at(Change::PadServers(Size(4))).size, Size(14));
    let demand = at(Change::Demand(Demand::new(250.0).unwrap()));
    assert_eq!(demand.size, Size(25));
    assert_eq!(
        demand.because.to_string(),
        "a demand of 250 until 2026-03-06 15:30 (UTC) by mara (the exchange opens), 10 a server; ordered 5m ahead"
    );
    assert_eq!(at(Change::Throughput(Throughput::new(5.0).unwrap())).size, Size(20));
}

#[test] // B7, A11
fn obeys_an_event_while_it_lasts_and_no_longer() {
    let during = on("2026-03-06T15:00:00Z", vec![bell(Change::Floor(Size(20)))]);
    assert_eq!(decide(&during).size, Size(20));
    assert!(decide(&during).because.to_string().contains("the exchange opens"));
    let over = on("2026-03-06T15:30:00Z", vec![bell(Change::Floor(Size(20)))]);
    assert_eq!(decide(&over).size, Size(10));
}

#[test]
fn keeps_its_plan_while_nothing_of_its_calendar_begins_or_ends() {
    let briefing = on("2026-03-06T13:45:00Z", vec![bell(Change::Floor(Size(20)))]);
    let first = decide(&briefing);
    let mut later = next(&briefing, first.clone());
    later.now += minutes(10);
    assert!(Arc::ptr_eq(&decide(&later).plan, &first.plan));
}

#[test] // B7, B1
fn says_which_special_day_it_is() {
    let mut briefing = on("2026-01-06T13:45:00Z", Vec::new());
    let mut workload = (*briefing.workload).clone();
    workload.calendar.special.add_holidays("DE-BY", Special::Like(Weekday::Sunday)).unwrap();
    briefing.workload = Arc::new(workload);
    let notes: Vec<String> = decide(&briefing).notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["today is Epiphany: it is forecast like a Sunday, and nothing is learned from it"]);
}
