mod calendar;
mod launches;
mod plans;
mod properties;
mod taking_away;
mod tuned;

use tidecast_forecast::{Fan, Forecast, Grid};

use super::*;
use crate::{
    Allowed, Bounds, Buffer, Change, Command, Demand, Evidence, Halt, Halted, Issued, Lessons, Level, Mode,
    Move, Nowcasted, Override, Rated, Share, Shared, Sighting, Sizing, Source, Throughput, Told, Way,
    Workload,
};

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// A fleet of ten, each serving ten, that starts in five minutes and may do everything; no cost but server time.
fn workload() -> Workload {
    let mut workload = Workload::new("shop", Bounds::new(2, 50).unwrap());
    workload.throughput = Told::Given(Throughput::new(10.0).unwrap());
    workload.start_up = Told::Given(minutes(5));
    workload.service_level = Told::Given(Level::new(0.9).unwrap());
    workload.reactive = Told::Given(1.0);
    workload.mode = Mode::Full;
    workload.costs.scale_up = Told::Given(0.0);
    workload.costs.change_of_plan = Told::Given(0.0);
    workload
}

/// Forecast demand from now on, a value for each five minutes and the last for the rest of two hours.
fn issued(demand: &[f64]) -> Option<Arc<Issued>> {
    let grid = Grid::new(now(), 300, 24);
    let fan = |k: usize| Fan::certain(*demand.get(k).or(demand.last()).expect("a demand"));
    let forecast = Forecast::new(grid, (0..24).map(fan).collect(), "test");
    Some(Arc::new(Issued { at: now(), forecast }))
}

/// Measured demand of the last minutes, the last value being of now.
fn evidence(demand: impl IntoIterator<Item = f64>) -> Evidence {
    let mut readings: Vec<Reading> =
        demand.into_iter().map(|d| Reading::complete(now(), Demand::new(d).unwrap())).collect();
    let last = readings.len() as i64 - 1;
    readings.iter_mut().enumerate().for_each(|(i, r)| r.at = now() - minutes(last - i as i64));
    Evidence { readings, interval: minutes(1), ..Evidence::default() }
}

/// Ten servers stand, demand is 100 and stays so: there is nothing to do.
fn calm() -> Briefing {
    Briefing {
        now: now(),
        turn: 7,
        workload: Arc::new(workload()),
        issued: issued(&[100.0]),
        evidence: evidence([100.0; 15]),
        nowcast: None,
        sighting: Some(Sighting::of(now(), Size(10), Size(10))),
        overrides: Vec::new(),
        halts: Vec::new(),
        lessons: Lessons::default(),
        share: None,
        last: None,
    }
}

fn with(change: impl FnOnce(&mut Briefing, &mut Workload)) -> Briefing {
    let mut briefing = calm();
    let mut workload = workload();
    change(&mut briefing, &mut workload);
    briefing.workload = Arc::new(workload);
    briefing
}

fn decree(id: &str, change: Change, from: i64, long: i64) -> Override {
    Override {
        id: id.into(),
        span: Span::lasting(now() + minutes(from), minutes(long)),
        change,
        author: "mara".into(),
        reason: "launch".into(),
    }
}

/// What a decision says, on one line each: commands, reason, limits, notes.
fn told(decision: &Decision) -> Vec<String> {
    let commands = decision.commands.iter().map(|c| c.to_string());
    let withheld = decision.withheld.iter().map(|c| format!("would {c}"));
    let limits = decision.limits.iter().map(|l| format!("but {l}"));
    let notes = decision.notes.iter().map(|n| format!("note {n}"));
    commands.chain(withheld).chain([decision.because.to_string()]).chain(limits).chain(notes).collect()
}

#[track_caller]
fn check(briefing: &Briefing, size: u32, expected: &[&str]) {
    let decision = decide(briefing);
    assert_eq!(
        (decision.size, told(&decision)),
        (Size(size), expected.iter().map(|s| s.to_string()).collect())
    );
}

const STEADY: &str = "100 expected at 2026-03-02 09:00 (UTC) (level 0.9), 10 a server; ordered 5m ahead";

#[test]
fn does_nothing_where_nothing_is_to_be_done() {
    check(&calm(), 10, &[STEADY]);
}

#[test] // S5.1, A18
fn orders_one_start_up_ahead() {
    let rush = with(|b, _| b.issued = issued(&[100.0, 100.0, 100.0, 200.0, 100.0]));
    let decision = decide(&rush);
    let steps: Vec<_> = decision.plan.steps.iter().map(|s| (s.at.to_string(), s.size.get())).collect();
    let at = |time: &str, size| (format!("2026-03-02T{time}:00Z"), size);
    // The rush is from 9:15 to 9:20: ordered at 9:10, served from 9:15, and given back at the pace that is allowed.
    let expected = [
        at("09:00", 10),
        at("09:10", 20),
        at("09:20", 18),
        at("09:30", 17),
        at("09:40", 16),
        at("09:50", 15),
        at("10:00", 14),
        at("10:10", 13),
        at("10:20", 12),
        at("10:30", 11),
        at("10:40", 10),
    ];
    assert_eq!(steps, expected);
    assert_eq!(
        decision.plan.steps[1].because.to_string(),
        "200 expected at 2026-03-02 09:15 (UTC) (level 0.9), 10 a server; ordered 5m ahead"
    );
    assert_eq!(decision.plan.steps[2].limits[0].code(), "pace");
}

#[test] // A10, F17, I3
fn grows_no_further_than_its_share_of_what_all_may_have() {
    let share = |servers| Some(Share { servers: Size(servers), of: Shared::Fleet { max: Size(90) } });
    let rush = |servers| {
        with(|b, _| {
            b.issued = issued(&[200.0]);
            b.share = share(servers);
        })
    };
    let decision = decide(&rush(4));
    assert_eq!(decision.commands, [Command::Grow { to: Size(14) }]);
    let held = Limit::Shared { share: share(4).unwrap(), wanted: Size(20) };
    assert!(decision.limits.contains(&held), "{:?}", decision.limits);
    assert_eq!(decide(&rush(0)).commands, []);
    // What is left besides takes nothing away, and a larger share changes nothing.
    assert_eq!(decide(&rush(10)).limits, []);
    let calm = with(|b, _| b.share = share(0));
    assert_eq!(decide(&calm).size, Size(10));
}

#[test] // A7
fn takes_a_step_of_five_percent() {
    let more = with(|b, _| {
        b.issued = issued(&[205.0]);
        b.evidence = evidence([200.0; 15]);
        b.sighting = Some(Sighting::of(now(), Size(20), Size(20)));
    });
    check(
        &more,
        21,
        &[
            "grow to 21 servers",
            "205 expected at 2026-03-02 09:00 (UTC) (level 0.9), 10 a server; ordered 5m ahead",
            "note from 2026-03-02 09:00 (UTC) until 2026-03-02 09:05 (UTC) the plan is up to 1 servers short: servers cannot start any sooner",
        ],
    );
}

#[test] // S12
fn follows_measured_demand_where_it_exceeds_the_forecast() {
    let surge = with(|b, _| b.evidence = evidence([100.0, 100.0, 173.0, 150.0]));
    check(&surge, 18, &["grow to 18 servers", "173 measured at 2026-03-02 08:59 (UTC), 10 a server"]);
}

#[test] // S12
fn holds_measured_demand_for_some_minutes() {
    let mut demand = [100.0; 15];
    demand[5] = 150.0;
    let held = with(|b, _| b.evidence = evidence(demand));
    assert_eq!(decide(&held).size, Size(15));
    demand[5] = 100.0;
    demand[3] = 150.0;
    let over = with(|b, _| b.evidence = evidence(demand));
    assert_eq!(decide(&over).size, Size(10));
}

#[test] // A1, B3
fn keeps_the_forecast_up_through_an_outage() {
    let outage = with(|b, _| b.evidence = evidence([0.0; 20]));
    check(
        &outage,
        10,
        &[
            STEADY,
            "note since 2026-03-02 09:00 (UTC) demand is far below the 100 that were expected then: an outage looks like this",
        ],
    );
}

#[test] // S5.3, B7, A11
fn obeys_an_override_until_it_ends() {
    let floored = with(|b, _| b.overrides.push(decree("o", Change::Floor(Size(20)), 10, 60)));
    let decision = decide(&floored);
    let steps: Vec<_> = decision.plan.steps.iter().map(|s| (s.at, s.size.get())).collect();
    assert_eq!(steps[..2], [(now(), 10), (now() + minutes(5), 20)]);
    assert_eq!(steps[2], (now() + minutes(70), 18));
    assert_eq!(
        decision.plan.steps[1].because.to_string(),
        "at least 20 servers until 2026-03-02 10:10 (UTC) by mara (launch)"
    );
    let now_floored = with(|b, _| b.overrides.push(decree("o", Change::Floor(Size(20)), 0, 60)));
    assert_eq!(decide(&now_floored).commands, [Command::Grow { to: Size(20) }]);
}

#[test] // S5.3, S7.3, D8
fn obeys_every_kind_of_override() {
    let size = |change| decide(&with(|b, _| b.overrides.push(decree("o", change, 0, 60)))).wanted.get();
    assert_eq!(size(Change::Ceiling(Size(7))), 7);
    assert_eq!(size(Change::Fixed(Size(4))), 4);
    assert_eq!(size(Change::Fixed(Size(14))), 14);
    assert_eq!(size(Change::PadPercent(25.0)), 13);
    assert_eq!(size(Change::PadServers(Size(4))), 14);
    assert_eq!(size(Change::Demand(Demand::new(333.0).unwrap())), 34);
    assert_eq!(size(Change::Throughput(Throughput::new(5.0).unwrap())), 20);
    assert_eq!(size(Change::Floor(Size(900))), 50);
}

#[test]
fn keeps_a_buffer_on_forecast_and_measurement_alike() {
    let buffered = with(|_, w| w.buffer = Buffer { servers: Size(1), percent: 15.0 });
    check(
        &buffered,
        12,
        &[
            "grow to 12 servers",
            "100 expected at 2026-03-02 09:00 (UTC) (level 0.9), 10 a server, plus 2 spare; ordered 5m ahead",
            "note from 2026-03-02 09:00 (UTC) until 2026-03-02 09:05 (UTC) the plan is up to 2 servers short: servers cannot start any sooner",
        ],
    );
}

#[test]
fn says_when_a_floor_beats_a_ceiling() {
    let torn = with(|b, _| {
        b.overrides.push(decree("f", Change::Floor(Size(12)), 0, 60));
        b.overrides.push(decree("c", Change::Ceiling(Size(8)), 0, 60));
    });
    let decision = decide(&torn);
    assert_eq!(decision.size, Size(12));
    let surge = with(|b, _| {
        b.overrides.clone_from(&torn.overrides);
        b.evidence = evidence([170.0]);
    });
    let decision = decide(&surge);
    assert_eq!(decision.size, Size(12));
    assert!(decision.notes.iter().any(|note| note.code() == "floorBeatsCeiling"), "{:?}", told(&decision));
}

#[test] // S5.1
fn gives_the_best_there_is_where_the_ramp_is_too_slow() {
    let steep = with(|b, w| {
        w.ramp.up = Some(crate::Rate { servers: Size(3), per: minutes(5) });
        b.issued = issued(&[100.0, 400.0]);
    });
    let decision = decide(&steep);
    assert_eq!(decision.commands, [Command::Grow { to: Size(13) }]);
    let sizes: Vec<u32> = decision.plan.steps.iter().map(|s| s.size.get()).collect();
    assert_eq!(sizes, [13, 16, 19, 22, 25, 28, 31, 34, 37, 40]);
    let short = decision.notes.iter().find(|note| note.code() == "short").unwrap();
    assert_eq!(
        short.to_string(),
        "from 2026-03-02 09:00 (UTC) until 2026-03-02 09:45 (UTC) the plan is up to 27 servers short: the fleet may not grow faster"
    );
}

#[test]
fn says_that_the_maximum_cut_it() {
    let over = with(|b, _| b.issued = issued(&[900.0]));
    let decision = decide(&over);
    assert_eq!(decision.size, Size(50));
    assert_eq!(decision.limits[0].to_string(), "cut from 90 to the maximum of 50");
}

#[test]
fn says_what_it_does_not_know() {
    let ignorant = with(|b, w| {
        w.throughput = Told::Learned;
        w.start_up = Told::Learned;
        b.issued = None;
        b.evidence.readings.clear();
    });
    check(
        &ignorant,
        10,
        &[
            "nothing is known that would justify another size",
            "note what a server serves is neither told nor learned yet, so no demand can be sized",
            "note no start has been seen yet: 5m is assumed for one",
            "note there is no forecast for this moment: the fleet follows measured demand, upwards only",
            "note nothing was measured, and unknown is not zero; the forecast keeps the fleet up",
        ],
    );
}

#[test]
fn suspects_a_change_of_unit_where_demand_is_a_thousand_times_its_forecast() {
    let unit = with(|b, _| b.evidence = evidence([100_000.0; 15]));
    let decision = decide(&unit);
    assert_eq!(decision.size, Size(50));
    assert_eq!(
        decision.notes.last().unwrap().to_string(),
        "measured demand is 1000.00 times its forecast: has its unit or its query changed?"
    );
}

#[test] // A1, S3.3
fn compares_a_late_measurement_with_what_was_forecast_of_its_time() {
    let late = |lag: i64| {
        decide(&with(|b, _| {
            // A rush from nine o'clock on; what is known then is of some minutes before.
            let mut issued = (*issued(&[100.0, 1_000.0]).unwrap()).clone();
            let grid = Grid::new(now() - minutes(5), 300, 24);
            issued.forecast = Forecast::new(grid, issued.forecast.fans().to_vec(), "test");
            b.issued = Some(Arc::new(issued));
            b.evidence = Evidence { lag: minutes(lag), ..evidence([100.0; 15]) };
        }))
    };
    let odd = |decision: &Decision| {
        let codes = decision.notes.iter().map(|note| note.code());
        codes.filter(|code| ["dip", "apart"].contains(code)).collect::<Vec<_>>()
    };
    assert_eq!([odd(&late(3)), odd(&late(1))], [[""; 0], [""; 0]]);
    assert_eq!(odd(&late(0)), ["dip"], "demand that is a tenth of what was to come at this moment");
}

#[test] // A1, S12
fn takes_nothing_away_while_demand_is_gone_as_in_an_outage() {
    let silent = with(|b, _| {
        b.sighting = Some(Sighting::of(now(), Size(14), Size(14)));
        b.evidence = evidence([100.0; 14].into_iter().chain([3.0]));
    });
    let gone = "nothing is taken away until 2026-03-02 10:00 (UTC): since 2026-03-02 09:00 (UTC) demand is far below its \
                forecast, as in an outage, and after one it comes back at once";
    let first = decide(&silent);
    assert_eq!((first.size, told(&first).contains(&format!("but {gone}"))), (Size(14), true));
    // A forecast that has followed the drop, measurements that have been down for all of the hold.
    let mut later = next(&silent, first);
    later.now += minutes(20);
    later.issued = issued(&[5.0]);
    later.evidence = evidence([3.0; 15]);
    later.evidence.readings.iter_mut().for_each(|reading| reading.at += minutes(20));
    assert_eq!(decide(&later).size, Size(14), "it is remembered");
    let mut back = later.clone();
    back.evidence.readings.last_mut().unwrap().demand = Demand::new(60.0).unwrap();
    assert!(!decide(&back).notes.iter().any(|note| note.code() == "dip"), "it is over when demand is back");
    later.last = Some(Arc::new(decide(&later)));
    later.now += minutes(41);
    later.evidence.readings.iter_mut().for_each(|reading| reading.at += minutes(41));
    let forecast = later.issued.as_ref().unwrap().forecast.clone();
    later.issued = Some(Arc::new(Issued { at: later.now, forecast }));
    let patience = decide(&later);
    assert!(patience.size < Size(14), "after an hour it is how things are: {:?}", told(&patience));
}

#[test] // B1, B7
fn names_the_padding_and_the_throughput_that_are_part_of_a_size() {
    let padded = with(|b, _| {
        b.overrides = vec![
            decree("b", Change::PadServers(Size(2)), -5, 60),
            decree("a", Change::Throughput(Throughput::new(5.0).unwrap()), -5, 60),
        ];
    });
    let by = "until 2026-03-02 09:55 (UTC) by mara (launch)";
    let decision = decide(&padded);
    let said: Vec<String> = decision.limits.iter().map(ToString::to_string).collect();
    assert_eq!(
        (decision.size, said),
        (Size(22), vec![format!("5 per server {by}"), format!("2 more servers than needed {by}")])
    );
}

#[test] // S12, F20
fn remembers_its_cool_down_through_a_restart() {
    let surge = with(|b, w| {
        b.evidence = evidence([100.0, 200.0]);
        w.cool_down = minutes(30);
        w.hold = minutes(1);
    });
    let grown = decide(&surge);
    assert_eq!((grown.size, grown.moves.len()), (Size(20), 1));
    // What a restart leaves is what the ledger holds.
    let stored = serde_json::to_string(&grown).unwrap();
    let mut later = next(&surge, serde_json::from_str(&stored).unwrap());
    later.now += minutes(29);
    later.evidence = evidence([100.0; 15]);
    later.evidence.readings.iter_mut().for_each(|reading| reading.at += minutes(29));
    let decision = decide(&later);
    let until = "but the fleet grew only just now: nothing is taken away until 2026-03-02 09:30 (UTC)";
    assert!(
        decision.size == Size(20) && told(&decision).contains(&until.to_owned()),
        "{:?}",
        told(&decision)
    );
    later.now += minutes(1);
    later.evidence.readings.iter_mut().for_each(|reading| reading.at += minutes(1));
    assert!(decide(&later).size < Size(20));
}

/// The briefing of the next turn, after everything was carried out.
fn next(briefing: &Briefing, decision: Decision) -> Briefing {
    let mut next = briefing.clone();
    if let Some(sighting) = &mut next.sighting {
        sighting.ordered = decision.size;
    }
    next.last = Some(Arc::new(decision));
    next.turn += 1;
    next
}

#[test]
fn tells_an_actuator_how_much_it_may_do_of_itself() {
    let allowed = |change: fn(&mut Briefing, &mut Workload)| decide(&with(change)).allowed;
    assert_eq!(allowed(|_, _| {}), Allowed::Everything);
    assert_eq!(allowed(|briefing, _| briefing.evidence = evidence([])), Allowed::Growing);
    assert_eq!(allowed(|_, workload| workload.mode = Mode::ScaleOutOnly), Allowed::Growing);
    assert_eq!(allowed(|_, workload| workload.mode = Mode::Observe), Allowed::Nothing);
}
