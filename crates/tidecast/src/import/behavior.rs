use serde_json::{Value, json};

use super::draft::Draft;
use crate::config::codes::Code;

/// How fast an HPA grows and shrinks, as far as that can be said here.
pub(super) fn behavior(behavior: &Value, draft: &mut Draft) {
    up(&behavior["scaleUp"], draft);
    down(&behavior["scaleDown"], draft);
}

fn up(up: &Value, draft: &mut Draft) {
    if up["selectPolicy"] == "Disabled" {
        draft.warn(Code::POLICY_LEFT_OUT, "growing is switched off there; here only `maxReplicas` limits it");
        return;
    }
    if let Some(window) = up["stabilizationWindowSeconds"].as_u64().filter(|window| *window > 0) {
        draft.warn(
            Code::GROWS_AT_ONCE,
            format!("there, growth waits for {window} s; here a planned step is taken when it is due"),
        );
    }
    tolerance("growth", up, draft);
    let (pods, percents) = policies(up, draft);
    match pods {
        Some((value, per)) if percents.is_empty() => {
            draft.set_in(
                &["behavior", "scaleUp", "rate"],
                json!({ "replicas": value, "per": format!("{per}s") }),
            );
        }
        _ if percents.is_empty() => {}
        _ => {
            let said = percents
                .iter()
                .map(|(value, per)| format!("{value} % in {per} s"))
                .collect::<Vec<_>>()
                .join(", ");
            draft.warn(
                Code::POLICY_LEFT_OUT,
                format!("growth by {said} has no counterpart; growth is not limited here"),
            );
        }
    }
}

fn down(down: &Value, draft: &mut Draft) {
    if down["selectPolicy"] == "Disabled" {
        draft.warn(
            Code::SCALE_IN_OFF,
            "it never shrinks there: go from observe to scaleOutOnly, and no further",
        );
        return;
    }
    if let Some(window) = down["stabilizationWindowSeconds"].as_u64() {
        // The same notion: the largest need of the last while is what counts.
        draft.set_in(&["advanced", "hold"], format!("{window}s"));
    }
    tolerance("shrinking", down, draft);
    let (pods, percents) = policies(down, draft);
    if let Some((value, per)) = pods {
        draft.set_in(
            &["behavior", "scaleDown", "rate"],
            json!({ "replicas": value, "per": format!("{per}s") }),
        );
    }
    // A hundred per cent is the default there and means no limit.
    if let Some((value, per)) = percents.into_iter().find(|(value, _)| *value < 100) {
        draft.set_in(
            &["behavior", "scaleDown", "budget"],
            json!({ "percent": format!("{value}%"), "per": format!("{per}s") }),
        );
    }
}

/// So many in so many seconds.
type Policy = (u64, u64);

/// The policy in Pods that counts, and those in percent.
fn policies(section: &Value, draft: &mut Draft) -> (Option<Policy>, Vec<Policy>) {
    let all = section["policies"].as_array().map_or(&[][..], Vec::as_slice);
    let read = |kind: &str| -> Vec<Policy> {
        let of_kind = all.iter().filter(|policy| policy["type"] == kind);
        let read =
            of_kind.filter_map(|policy| Some((policy["value"].as_u64()?, policy["periodSeconds"].as_u64()?)));
        read.filter(|(value, per)| *value > 0 && *per > 0).collect()
    };
    let (mut pods, percents) = (read("Pods"), read("Percent"));
    // The fastest first: it counts unless the slowest is asked for.
    pods.sort_by(|a, b| (b.0 * a.1).cmp(&(a.0 * b.1)));
    let slowest = section["selectPolicy"] == "Min";
    if pods.len() + percents.len() > 1 {
        let which = if slowest { "slowest" } else { "fastest" };
        draft.warn(
            Code::POLICY_LEFT_OUT,
            format!(
                "of several policies the {which} counts there; they are carried over as far as they can be"
            ),
        );
    }
    (if slowest { pods.last().copied() } else { pods.first().copied() }, percents)
}

fn tolerance(what: &str, section: &Value, draft: &mut Draft) {
    let tolerance = &section["tolerance"];
    if !tolerance.is_null() {
        let said = tolerance.as_str().map_or_else(|| tolerance.to_string(), str::to_owned);
        draft.warn(
            Code::GROWS_AT_ONCE,
            format!("the tolerance of {said} for {what} has no counterpart: steps of any size take effect"),
        );
    }
}
