//! The manual pages of the models: their doc comments, as the reference shows them.

/// A model's name, the source that documents it, and the item whose comment it is.
struct Page {
    name: &'static str,
    source: &'static str,
    item: &'static str,
}

const fn page(name: &'static str, source: &'static str, item: &'static str) -> Page {
    Page { name, source, item }
}

const ENSEMBLE: &str = include_str!("../ensemble.rs");
const ANALOGUES: &str = include_str!("analogues.rs");
const CLUSTERS: &str = include_str!("clusters.rs");
const RECENT_DAYS: &str = include_str!("recent_days.rs");
const RIDGE: &str = include_str!("ridge.rs");
const WAVES: &str = include_str!("waves.rs");
const SELF_TUNED: &str = include_str!("self_tuned.rs");
const SEASONAL: &str = include_str!("seasonal.rs");

/// One for each of [`super::NAMES`].
const PAGES: [Page; super::NAMES.len()] = [
    page("ensemble", ENSEMBLE, "pub struct Ensemble"),
    page("ridge_root", RIDGE, "pub struct Ridge"),
    page("ridge_log", RIDGE, "pub struct Ridge"),
    page("ridge_root_wide", RIDGE, "pub struct Ridge"),
    page("ridge_log_wide", RIDGE, "pub struct Ridge"),
    page("holt_winters", include_str!("holt_winters.rs"), "pub struct HoltWinters"),
    page("analogues_3h", ANALOGUES, "pub struct Analogues"),
    page("analogues_8h", ANALOGUES, "pub struct Analogues"),
    page("analogues_24h", ANALOGUES, "pub struct Analogues"),
    page("profile_ratio", include_str!("profile_ratio.rs"), "pub struct ProfileRatio"),
    page("waves_2w", WAVES, "pub struct Waves"),
    page("waves_4w", WAVES, "pub struct Waves"),
    page("waves_8w", WAVES, "pub struct Waves"),
    page("clusters", CLUSTERS, "pub struct Clusters"),
    page("clusters_tuned", CLUSTERS, "pub struct Clusters"),
    page("clusters_recent", CLUSTERS, "pub struct Clusters"),
    page("clusters_fitted", SELF_TUNED, "pub struct SelfTuned"),
    page("harmonics", include_str!("harmonics.rs"), "pub struct Harmonics"),
    page("harmonics_fitted", SELF_TUNED, "pub struct SelfTuned"),
    page("recent_days", RECENT_DAYS, "pub struct RecentDays "),
    page("recent_days_fitted", RECENT_DAYS, "pub struct RecentDaysFitted"),
    page("last_week", SEASONAL, "pub struct LastWeek"),
    page("yesterday", SEASONAL, "pub struct Yesterday"),
    page("last_value", SEASONAL, "pub struct LastValue"),
    page("all_seen", include_str!("all_seen.rs"), "pub struct AllSeen"),
];

/// The manual page of the model called `name`, in Markdown: what it is, what it assumes, when it shines and when it
/// fails, where it comes from, and an example.
///
/// ```
/// let page = tidecast_forecast::models::manual("last_week").unwrap();
/// assert!(page.contains("# When it fails"));
/// ```
pub fn manual(name: &str) -> Option<String> {
    let page = PAGES.iter().find(|page| page.name == name)?;
    let (above, _) = page.source.split_once(page.item)?;
    let lines = above.lines().rev().skip_while(|line| line.starts_with("#[") || line.trim().is_empty());
    let mut lines: Vec<&str> = lines.take_while(|line| line.starts_with("///")).collect();
    lines.reverse();
    Some(
        lines
            .into_iter()
            .map(|line| line.trim_start_matches("///").strip_prefix(' ').unwrap_or("").to_owned() + "\n")
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: [&str; 5] =
        ["# What it assumes", "# When it shines", "# When it fails", "# Source", "# Example"];

    #[test]
    fn has_a_page_with_all_headings_for_each_model() {
        for name in super::super::NAMES {
            let page = manual(name).unwrap_or_default();
            let absent: Vec<_> = HEADINGS.into_iter().filter(|heading| !page.contains(heading)).collect();
            assert!(absent.is_empty(), "{name} has no {absent:?}:\n{page}");
        }
        assert_eq!(manual("nobody"), None);
    }
}
