use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tidecast_pilot as pilot;
use tidecast_pilot::calendar::{self, Calendar, Ends, Event, Schedule, Special};
use tidecast_pilot::{Change, Size};

use super::span;
use crate::config::Config;
use crate::config::section::{CalendarEntry, CalendarFile, SpecialDays, Workload};
use crate::config::word::{self, Step, Zone};

/// Why a calendar cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NoCalendar {
    /// Its file cannot be read.
    #[error("{} cannot be read: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
    /// Its file is no calendar.
    #[error("{}: {why}", file.display())]
    Senseless {
        /// The file.
        file: PathBuf,
        /// What is wrong, and in which line.
        why: calendar::Unreadable,
    },
    /// No holidays are known there.
    #[error(transparent)]
    Region(#[from] calendar::NoSuchRegion),
}

impl Config {
    /// What is known of a workload's days beforehand. Reads the calendar files, which lie relative to `folder`.
    ///
    /// # Errors
    /// If a file cannot be read, or is no calendar.
    pub fn calendar_of(&self, workload: &Workload, folder: &Path) -> Result<Calendar, NoCalendar> {
        let zone = workload.zone.zone();
        let mut events: Vec<Event> = Vec::new();
        for (index, entry) in
            self.calendar.iter().enumerate().filter(|(_, e)| e.workload.matches(&workload.name))
        {
            events.extend(entry.events(index, zone));
        }
        for file in self.calendar_files.iter().filter(|file| file.workload.matches(&workload.name)) {
            events.extend(file.events(folder, zone)?);
        }
        let mut special = calendar::SpecialDays::new(zone.clone());
        for days in self.special_days.iter().filter(|days| days.workload.matches(&workload.name)) {
            days.add_to(&mut special)?;
        }
        Ok(Calendar { events, special })
    }
}

impl CalendarEntry {
    /// What it changes while it lasts, in the pilot's words.
    pub fn changes(&self) -> Vec<Change> {
        changes(self.min_replicas, self.max_replicas, self.padding, self.demand, self.per_replica)
    }

    fn events(&self, index: usize, workload: &TimeZone) -> Vec<Event> {
        let schedule = match (self.at, &self.rule, &self.schedule) {
            (Some(at), Some(rule), _) => Schedule::Rule(rule.from(at.0)),
            (Some(at), None, _) => Schedule::Once(at.0),
            (None, _, Some(cron)) => Schedule::Cron(
                cron.as_str().parse().expect("a schedule that the check has read is a pattern"),
            ),
            (None, _, None) => return Vec::new(),
        };
        let zone = self.zone.as_ref().map_or(workload, Zone::zone);
        let event = |(nth, change): (usize, Change)| Event {
            id: format!("calendar/{index}/{nth}"),
            schedule: schedule.clone(),
            ends: Ends::After(span(self.lasts).max(SignedDuration::from_secs(1))),
            zone: zone.clone(),
            change,
            author: "the calendar".to_owned(),
            reason: self.reason.clone(),
        };
        self.changes().into_iter().enumerate().map(event).collect()
    }
}

impl CalendarFile {
    /// What each of its events changes while it lasts.
    pub fn changes(&self) -> Vec<Change> {
        changes(self.min_replicas, self.max_replicas, self.padding, self.demand, self.per_replica)
    }

    fn events(&self, folder: &Path, workload: &TimeZone) -> Result<Vec<Event>, NoCalendar> {
        let file = folder.join(&self.file.0);
        let text = std::fs::read_to_string(&file)
            .map_err(|why| NoCalendar::Unreadable { file: file.clone(), why })?;
        let zone = self.zone.as_ref().map_or(workload, Zone::zone);
        let entries = calendar::read(&text, zone).map_err(|why| NoCalendar::Senseless { file, why })?;
        let author = self.file.0.display().to_string();
        let decrees = |entry: calendar::Entry| {
            let changes = self.changes().into_iter().enumerate();
            let author = &author;
            changes
                .map(move |(nth, change)| {
                    let mut event = entry.clone().decree(change, author);
                    event.id = format!("{author}/{}/{nth}", event.id);
                    event
                })
                .collect::<Vec<_>>()
        };
        Ok(entries.into_iter().flat_map(decrees).collect())
    }
}

impl SpecialDays {
    fn add_to(&self, days: &mut calendar::SpecialDays) -> Result<(), calendar::NoSuchRegion> {
        let special = self.like.map_or(Special::Unlike, |day| Special::Like(day.weekday()));
        if let Some(day) = self.day {
            days.add(day.0, self.reason.clone().unwrap_or_else(|| day.to_string()), special);
        }
        self.holidays.as_ref().map_or(Ok(()), |region| days.add_holidays(region.as_str(), special))
    }
}

fn changes(
    floor: Option<u32>,
    ceiling: Option<u32>,
    padding: Option<Step>,
    demand: Option<word::Rate>,
    per_replica: Option<word::Rate>,
) -> Vec<Change> {
    let padding = padding.map(|padding| match padding {
        Step::Replicas(replicas) => Change::PadServers(Size(replicas)),
        Step::Share(share) => Change::PadPercent(100.0 * share.share()),
    });
    let demand = demand.and_then(|demand| pilot::Demand::new(demand.value())).map(Change::Demand);
    let throughput = per_replica.and_then(|rate| pilot::Throughput::new(rate.value()));
    let (floor, ceiling) = (floor.map(|n| Change::Floor(Size(n))), ceiling.map(|n| Change::Ceiling(Size(n))));
    [floor, ceiling, padding, demand, throughput.map(Change::Throughput)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use tidecast_pilot::Span;

    use super::*;
    use crate::config::{Text, Texts, read};

    /// The calendar of the only workload, and where its files lie.
    fn calendar(sections: &str, folder: &Path) -> Result<Calendar, NoCalendar> {
        let content = format!(
            "sources: {{ main: {{ type: push }} }}\nworkloads:\n  - name: shop/checkout\n    target: {{ type: none }}\n    \
             zone: Europe/Berlin\n    demand: {{ source: main }}\n    maxReplicas: 20\n{sections}"
        );
        let loaded = read(Texts(vec![Text { name: "t".into(), content }]), Vec::new(), folder);
        let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.report.findings));
        config.calendar_of(&config.workloads[0], folder)
    }

    fn told(calendar: &Calendar) -> Vec<String> {
        let autumn = Span::new("2026-10-01T00:00Z".parse().unwrap(), "2027-01-01T00:00Z".parse().unwrap());
        calendar
            .decrees(autumn.unwrap())
            .map(|o| format!("{}: {}", o.span.from(), o.tell(&TimeZone::UTC)))
            .collect()
    }

    #[test] // B7
    fn tells_what_an_event_changes_and_when() {
        let sections = "calendar:\n  \
             - { workload: 'shop/*', at: 2026-11-27T17:00, for: 3h, reason: sale, minReplicas: 15, padding: 20% }\n  \
             - { workload: '*', at: 2026-10-30T18:00, rule: FREQ=MONTHLY;BYDAY=-1FR, for: 1h, reason: pay day, demand: 900 }\n  \
             - { workload: media, schedule: '0 8 * * *', for: 1h, reason: other, padding: 3 }\n";
        let calendar = calendar(sections, Path::new(".")).unwrap();
        assert_eq!(
            told(&calendar),
            [
                "2026-11-27T16:00:00Z: at least 15 servers until 2026-11-27 19:00 (UTC) by the calendar (sale)",
                "2026-11-27T16:00:00Z: 20 % more servers than needed until 2026-11-27 19:00 (UTC) by the calendar (sale)",
                "2026-10-30T17:00:00Z: a demand of 900 until 2026-10-30 18:00 (UTC) by the calendar (pay day)",
                "2026-11-27T17:00:00Z: a demand of 900 until 2026-11-27 18:00 (UTC) by the calendar (pay day)",
                "2026-12-25T17:00:00Z: a demand of 900 until 2026-12-25 18:00 (UTC) by the calendar (pay day)",
            ]
        );
    }

    #[test] // B7
    fn reads_events_from_files_and_says_where_they_are_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let sections = "calendarFiles:\n  - { workload: '*', file: games.ics, padding: 5 }\n";
        let missing = calendar(sections, folder.path()).unwrap_err().to_string();
        assert!(missing.contains("games.ics cannot be read"), "{missing}");
        let event = "BEGIN:VEVENT\nUID:7\nDTSTART:20261031T183000\nDURATION:PT2H\nSUMMARY:Derby\nEND:VEVENT";
        let write = |text: String| std::fs::write(folder.path().join("games.ics"), text).unwrap();
        write(format!("BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n"));
        assert_eq!(
            told(&calendar(sections, folder.path()).unwrap()),
            [
                "2026-10-31T17:30:00Z: 5 more servers than needed until 2026-10-31 19:30 (UTC) by games.ics (Derby)"
            ]
        );
        write(format!("BEGIN:VCALENDAR\n{}\nEND:VCALENDAR\n", event.replace("PT2H", "long")));
        let why = calendar(sections, folder.path()).unwrap_err().to_string();
        assert!(why.ends_with("games.ics: line 5: \"long\" is no duration, such as PT1H30M or P1D"), "{why}");
    }

    #[test] // B7
    fn knows_special_days() {
        let sections = "specialDays:\n  - { workload: '*', holidays: DE-BY, like: sunday }\n  \
                        - { workload: '*', day: 2026-10-30, reason: strike }\n";
        let calendar = calendar(sections, Path::new(".")).unwrap();
        let at = |time: &str| calendar.special.at(time.parse().unwrap()).map(|(_, day)| day.clone());
        assert_eq!(at("2026-10-30T10:00Z").unwrap().special, Special::Unlike);
        assert_eq!(at("2026-11-01T10:00Z").unwrap().name, "All Saints' Day");
        assert_eq!(at("2026-10-29T10:00Z"), None);
    }
}
