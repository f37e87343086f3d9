//! What is found on real traffic.

mod common;

use tidecast_forecast::seasons;

/// Each trace and the periods that it has. The one of the transatlantic link runs on a clock of its own: its
/// 1,231 "hours" lie in 52 days, so that a day has 23.5 of them.
const PERIODS: [(&str, &str); 16] = [
    ("bank_call_center", "day week"),
    ("campus_gym", "day week"),
    ("capital_bikeshare", "day week"),
    ("frankfurt_parking", "day week"),
    ("isp_transatlantic", "23h 30m 6d 21h"),
    ("madrid_http", "day week"),
    ("minecraft_rearth", "day week"),
    ("ms_ecommerce", "day week"),
    ("ms_mongodb_app", "day"),
    ("nasa_http", "day week"),
    ("netman_kpi", "day"),
    ("retailrocket", "day week"),
    ("steam_apex", "day week"),
    ("steam_dota", "day week"),
    ("twitter_sample_stream", "2h day"),
    ("wikimedia_pagecounts", "day week"),
];

#[test] // S8
fn finds_the_periods_of_real_traffic() {
    for (name, expected) in PERIODS {
        let Some(series) = common::trace(name) else { return };
        let seasons = seasons(&series);
        let says = seasons.to_string();
        let found = says.trim_start_matches("repeats ").replace(" and ", ", ").replace("every ", "");
        let periods: Vec<&str> = found.split(", ").filter_map(|one| Some(one.split_once(" (")?.0)).collect();
        assert_eq!(periods.join(" "), expected, "{name}: {seasons:?}");
        assert!(
            seasons.found.iter().all(|season| (0.15..0.98).contains(&season.strength)),
            "{name}: {seasons:?}"
        );
    }
}
