//! The words of neighbouring tools, for those who come from there.

/// Our word for another tool's, if it is among those that can stand here.
pub(crate) fn word(foreign: &str, known: &[&'static str]) -> Option<&'static str> {
    let ours = WORDS.iter().filter(|(theirs, _)| theirs.eq_ignore_ascii_case(foreign)).map(|(_, ours)| *ours);
    ours.filter_map(|ours| known.iter().find(|word| **word == ours)).copied().next()
}

/// What to do with a key of another tool for which there is no word here.
pub(crate) fn note(foreign: &str) -> Option<&'static str> {
    NOTES.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(foreign)).map(|(_, note)| *note)
}

const WORDS: &[(&str, &str)] = &[
    ("minReplicaCount", "minReplicas"),
    ("maxReplicaCount", "maxReplicas"),
    ("min", "minReplicas"),
    ("max", "maxReplicas"),
    ("minSize", "minReplicas"),
    ("maxSize", "maxReplicas"),
    ("minNumReplicas", "minReplicas"),
    ("maxNumReplicas", "maxReplicas"),
    ("scaleTargetRef", "target"),
    ("metrics", "demand"),
    ("triggers", "demand"),
    ("metric", "demand"),
    ("serverAddress", "url"),
    ("address", "url"),
    ("endpoint", "url"),
    ("token", "bearerToken"),
    ("basic_auth", "basicAuth"),
    ("expr", "query"),
    ("promql", "query"),
    ("timezone", "zone"),
    ("timeZone", "zone"),
    ("tz", "zone"),
    ("slo", "serviceLevel"),
    ("kind", "type"),
    ("cron", "schedule"),
    ("recurrence", "schedule"),
    ("duration", "for"),
    ("start", "at"),
    ("from", "at"),
    ("floor", "minReplicas"),
    ("ceiling", "maxReplicas"),
    ("off", "observe"),
    ("preview", "observe"),
    ("dryRun", "observe"),
    ("forecastOnly", "observe"),
    ("onlyScaleOut", "scaleOutOnly"),
    ("scaleOut", "scaleOutOnly"),
    ("on", "full"),
    ("auto", "full"),
    ("forecastAndScale", "full"),
    ("aws-asg", "asg"),
    ("aws", "asg"),
    ("k8s", "kubernetes"),
    ("deployment", "kubernetes"),
    ("victoriametrics", "prometheus"),
    ("thanos", "prometheus"),
    ("mimir", "prometheus"),
    ("file", "csv"),
    ("http", "push"),
];

const NOTES: &[(&str, &str)] = &[
    ("pollingInterval", "there is one turn for all workloads, `server.turnEvery`; take this key away"),
    ("cooldownPeriod", "write `behavior: { scaleDown: { cooldown: 5m } }`"),
    ("stabilizationWindowSeconds", "write `cooldown: 5m`; durations carry their unit here"),
    ("replicas", "the size is what tidecast decides; write `minReplicas` and `maxReplicas`"),
    ("model", "models are weighed by their errors, none is chosen by hand; take this key away"),
    ("algorithm", "models are weighed by their errors, none is chosen by hand; take this key away"),
    ("lookAhead", "it follows from the measured start-up time; take this key away"),
    (
        "targetCPUUtilizationPercentage",
        "tidecast predicts demand, which does not change with the size of the \
      cluster; give requests or sessions as `demand`",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translates_only_what_can_stand_there() {
        assert_eq!(word("minReplicaCount", &["minReplicas", "mode"]), Some("minReplicas"));
        assert_eq!(word("minReplicaCount", &["mode"]), None);
        assert!(note("cooldownPeriod").is_some_and(|note| note.contains("scaleDown")));
    }
}
