/// A configuration to begin with: one workload, observed, with every line explained. It passes the check.
///
/// The first line tells editors where the schema lies, so that they complete and check while one types.
pub fn starter() -> &'static str {
    include_str!("starter.yaml")
}
