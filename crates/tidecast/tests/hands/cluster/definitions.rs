use serde_json::Value;

/// The kinds of others that tests install, by their plurals: what of them matters to sizes.
pub(crate) const OF_OTHERS: [(&str, &str); 7] = [
    ("rollouts", include_str!("definitions/rollouts.yaml")),
    ("fleets", include_str!("definitions/fleets.yaml")),
    ("scaledobjects", include_str!("definitions/scaledobjects.yaml")),
    ("triggerauthentications", include_str!("definitions/triggerauthentications.yaml")),
    ("clustertriggerauthentications", include_str!("definitions/clustertriggerauthentications.yaml")),
    ("scaledjobs", include_str!("definitions/scaledjobs.yaml")),
    ("capacitybuffers", include_str!("definitions/capacitybuffers.yaml")),
];

/// The definition of one of them.
///
/// # Panics
/// If there is none of that name.
pub(crate) fn definition(plural: &str) -> Value {
    let (_, text) =
        OF_OTHERS.iter().find(|(name, _)| *name == plural).expect("one of the kinds that are at hand");
    serde_saphyr::from_str(text).expect("the file is YAML")
}
