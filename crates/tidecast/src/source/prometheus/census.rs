use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::per_node::PerNode;
use super::reply::{Line, Value};
use super::server::Server;
use crate::source::{Census, Headcount};
use crate::trouble::{Trouble, one_line};

/// The sessions of each server, as a Prometheus-compatible server tells them: one request for the whole fleet.
#[derive(Debug)]
pub struct PrometheusCensus {
    server: Arc<Server>,
    asked: PerNode,
}

/// The label that tells the parts of an answer apart.
const PART: &str = "tidecast";

impl PrometheusCensus {
    /// What `server` answers.
    pub fn new(server: Arc<Server>, asked: PerNode) -> Self {
        Self { server, asked }
    }

    /// The counts, and for each selector they stand on when its oldest sample was taken and how many targets it comes from,
    /// in one question: a momentary value alone would not say how old it is.
    fn question(&self) -> String {
        let label = self.asked.label();
        let part =
            |name: String, inner: String| format!("label_replace({inner},\"{PART}\",\"{name}\",\"\",\"\")");
        let targets: BTreeSet<&str> = [label, "job", "instance"].into();
        let targets = targets.into_iter().collect::<Vec<_>>().join(",");
        let mut parts = vec![part("count".into(), self.asked.text().to_owned())];
        for (n, selector) in self.asked.stands_on().iter().enumerate() {
            parts.push(part(format!("at{n}"), format!("min by ({label}) (timestamp({selector}))")));
            let counted = format!("count by ({label}) (count by ({targets}) ({selector}))");
            parts.push(part(format!("targets{n}"), counted));
        }
        parts.join(" or ")
    }

    /// What the lines about one server come to; none if any part is missing or is no number.
    fn headcount(&self, parts: &BTreeMap<&str, f64>) -> Option<Headcount> {
        let (mut at_s, mut targets) = (f64::INFINITY, 0.0);
        for n in 0..self.asked.stands_on().len() {
            at_s = at_s.min(*parts.get(format!("at{n}").as_str())?);
            targets += parts.get(format!("targets{n}").as_str())?;
        }
        let at = Timestamp::from_millisecond((at_s * 1e3) as i64).ok()?;
        let count = parts.get("count")?.ceil().min(f64::from(u32::MAX)) as u32;
        Some(Headcount { count, at, targets: targets as u32 })
    }
}

#[async_trait]
impl Census for PrometheusCensus {
    fn name(&self) -> String {
        self.server.who()
    }

    async fn sessions(&self, now: Timestamp) -> Result<BTreeMap<String, Headcount>, Trouble> {
        let (text, now_s) = (self.question(), format!("{:.3}", now.as_millisecond() as f64 / 1e3));
        let reply = self.server.ask("/api/v1/query", &[("query", &text), ("time", &now_s)]).await?;
        let garbled = |why: String| Trouble::Garbled { who: self.server.who(), why };
        let missing = reply.warnings.iter().flatten().find(|warning| !warning.starts_with("PromQL"));
        if let Some(warning) = missing {
            return Err(garbled(format!("its answer is partial: {}", one_line(warning))));
        }
        if reply.is_partial {
            return Err(garbled("it says that its answer is partial".into()));
        }
        let data = reply.data.ok_or_else(|| garbled("the answer has no data".into()))?;
        if data.result_type != "vector" {
            return Err(garbled(format!("a {} where a vector is expected", one_line(&data.result_type))));
        }
        let mut nodes: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        for line in &data.result.0 {
            let (Some(node), Some(part)) = (line.metric.get(self.asked.label()), line.metric.get(PART))
            else {
                continue;
            };
            if let Some(number) = number(line) {
                nodes.entry(node).or_default().insert(part, number);
            }
        }
        let counted =
            nodes.iter().filter_map(|(node, parts)| Some(((*node).to_owned(), self.headcount(parts)?)));
        Ok(counted.collect())
    }
}

/// The number of a line: finite, from zero up. Anything else is unknown.
fn number(line: &Line) -> Option<f64> {
    let Value::Text(text) = &line.value.as_ref()?.value else { return None };
    text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::prometheus::tests::answering;

    fn line(node: &str, part: &str, value: &str) -> String {
        format!(r#"{{"metric":{{"node":"{node}","tidecast":"{part}"}},"value":[1790000000,"{value}"]}}"#)
    }

    fn body(lines: &[String], more: &str) -> String {
        let lines = lines.join(",");
        format!(r#"{{"status":"success"{more},"data":{{"resultType":"vector","result":[{lines}]}}}}"#)
    }

    async fn counted(body: String) -> Result<BTreeMap<String, Headcount>, Trouble> {
        let (server, _answers) = answering(body).await;
        let asked = PerNode::of("sfu_sessions{node=\"$node\"}").unwrap();
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        PrometheusCensus::new(server, asked).sessions(now).await
    }

    #[tokio::test] // D1, D2.1
    async fn believes_only_a_count_that_is_whole() {
        let all = |node: &str, count: &str| {
            vec![line(node, "count", count), line(node, "at0", "1789999990.5"), line(node, "targets0", "2")]
        };
        let mut lines = all("a", "3");
        lines.extend(all("part", "0.25"));
        lines.extend(all("none", "NaN"));
        lines.extend(all("minus", "-1"));
        lines.push(line("ageless", "count", "0"));
        lines.push(line("lost", "at0", "1789999990"));
        lines.push(r#"{"metric":{"tidecast":"count"},"value":[1790000000,"0"]}"#.into());
        let found = counted(body(&lines, "")).await.unwrap();
        let at = Timestamp::from_millisecond(1_789_999_990_500).unwrap();
        assert_eq!(found["a"], Headcount { count: 3, at, targets: 2 });
        assert_eq!(found["part"].count, 1, "a part of a session is a session");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "part"]);
    }

    #[tokio::test] // D1, F4
    async fn takes_a_partial_answer_for_none() {
        let lines = [line("a", "count", "0"), line("a", "at0", "1789999990"), line("a", "targets0", "1")];
        assert!(counted(body(&lines, "")).await.is_ok());
        for more in [r#","isPartial":true"#, r#","warnings":["store 2 is away"]"#] {
            let trouble = counted(body(&lines, more)).await.unwrap_err().to_string();
            assert!(trouble.contains("partial"), "{trouble}");
        }
        assert!(counted(body(&lines, r#","warnings":["PromQL info: odd"]"#)).await.is_ok());
    }
}
