use std::collections::BTreeMap;

use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use jiff::Timestamp;

/// The tag that says of which fleet an instance is.
pub(super) const FLEET: &str = "tidecast:fleet";
/// The tag, and its value, that says that tidecast may end it.
pub(super) const MANAGED: (&str, &str) = ("tidecast", "managed");
/// The tag with the newest turn that was carried out.
pub(super) const TURN: &str = "tidecast:turn";
/// The tag of an instance that gets no new sessions, with the second since when: what whoever gives sessions out reads.
pub(super) const DRAIN: &str = "tidecast:drain";

/// One instance, as EC2 describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Instance {
    /// Its id.
    pub(super) id: String,
    /// `pending`, `running`, `shutting-down`, …
    pub(super) state: String,
    /// When it was launched.
    pub(super) launched: Option<Timestamp>,
    /// Its tags.
    pub(super) tags: BTreeMap<String, String>,
    /// Its addresses and host names.
    pub(super) addresses: Vec<String>,
}

impl Instance {
    /// Whether it is there to stay.
    pub(super) fn stays(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "running")
    }

    /// Whether it is one of this fleet's, to the letter.
    pub(super) fn is_of(&self, fleet: &str) -> bool {
        let has = |key: &str, value: &str| self.tags.get(key).is_some_and(|known| known == value);
        has(FLEET, fleet) && has(MANAGED.0, MANAGED.1)
    }

    /// The turn that it is marked with; 0, if it bears no mark.
    pub(super) fn turn(&self) -> u64 {
        self.tags.get(TURN).and_then(|turn| turn.parse().ok()).unwrap_or(0)
    }

    /// Since when it gets no new sessions, as its tag says.
    pub(super) fn drained(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.tags.get(DRAIN)?.parse().ok()?).ok()
    }
}

/// The instances of an answer to RunInstances or DescribeInstances, and where the next page begins.
pub(super) fn instances(text: &str) -> Result<(Vec<Instance>, Option<String>), XmlDecodeError> {
    let mut document = Document::new(text);
    let mut root = document.root_element()?;
    let (mut found, mut next) = (Vec::new(), None);
    while let Some(mut tag) = root.next_tag() {
        match tag.start_el().local() {
            "reservationSet" => {
                while let Some(mut reservation) = tag.next_tag() {
                    while let Some(part) = reservation.next_tag() {
                        set(part, &mut found)?;
                    }
                }
            }
            "nextToken" => next = Some(try_data(&mut tag)?.into_owned()).filter(|token| !token.is_empty()),
            _ => set(tag, &mut found)?,
        }
    }
    Ok((found, next))
}

fn set(mut tag: ScopedDecoder<'_, '_>, found: &mut Vec<Instance>) -> Result<(), XmlDecodeError> {
    if tag.start_el().local() == "instancesSet" {
        while let Some(item) = tag.next_tag() {
            found.push(instance(item)?);
        }
    }
    Ok(())
}

fn instance(mut item: ScopedDecoder<'_, '_>) -> Result<Instance, XmlDecodeError> {
    let mut instance = Instance::default();
    while let Some(mut tag) = item.next_tag() {
        match tag.start_el().local() {
            "instanceId" => instance.id = try_data(&mut tag)?.into_owned(),
            "privateIpAddress" | "ipAddress" | "ipv6Address" => {
                instance.addresses.push(try_data(&mut tag)?.into_owned());
            }
            // What it is called by the first part of its host name: `ip-10-0-1-5`.
            "privateDnsName" | "dnsName" => {
                let name = try_data(&mut tag)?;
                instance.addresses.extend(name.split('.').next().map(str::to_owned));
            }
            "launchTime" => instance.launched = try_data(&mut tag)?.parse().ok(),
            "instanceState" => {
                while let Some(mut part) = tag.next_tag() {
                    if part.start_el().local() == "name" {
                        instance.state = try_data(&mut part)?.into_owned();
                    }
                }
            }
            "tagSet" => {
                while let Some(pair) = tag.next_tag() {
                    instance.tags.extend([pair_of(pair)?]);
                }
            }
            _ => {}
        }
    }
    instance.addresses.retain(|address| !address.is_empty());
    Ok(instance)
}

fn pair_of(mut item: ScopedDecoder<'_, '_>) -> Result<(String, String), XmlDecodeError> {
    let (mut key, mut value) = (String::new(), String::new());
    while let Some(mut part) = item.next_tag() {
        match part.start_el().local() {
            "key" => key = try_data(&mut part)?.into_owned(),
            "value" => value = try_data(&mut part)?.into_owned(),
            _ => {}
        }
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<?xml version="1.0"?><DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
        <requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId><ownerId>1</ownerId>
        <instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>
        <privateDnsName>ip-10-0-0-7.eu-west-1.compute.internal</privateDnsName><dnsName/><privateIpAddress>10.0.0.7</privateIpAddress>
        <launchTime>2026-11-27T08:00:00.000Z</launchTime><tagSet><item><key>instanceId</key><value>no</value></item></tagSet>
        </item></instancesSet></item></reservationSet><nextToken>more</nextToken></DescribeInstancesResponse>"#;

    #[test] // S6.3, S10
    fn takes_for_its_own_only_what_bears_both_tags_to_the_letter() {
        let of = |tags: &[(&str, &str)]| {
            let tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            Instance { tags, ..Instance::default() }.is_of("encoders")
        };
        assert!(of(&[(FLEET, "encoders"), MANAGED]));
        assert!(!of(&[(FLEET, "encoders")]) && !of(&[(FLEET, "encoders"), ("tidecast", "observed")]));
        assert!(!of(&[(FLEET, "Encoders"), MANAGED]) && !of(&[(FLEET, "encoders-2"), MANAGED]));
    }

    #[test]
    fn reads_instances_and_where_the_next_page_begins() {
        let (found, next) = instances(PAGE).unwrap();
        let launched = Some("2026-11-27T08:00:00Z".parse().unwrap());
        let tags = [("instanceId".to_owned(), "no".to_owned())].into();
        let addresses = vec!["ip-10-0-0-7".into(), "10.0.0.7".into()];
        assert_eq!(
            found,
            [Instance { id: "i-1".into(), state: "running".into(), launched, tags, addresses }]
        );
        assert_eq!(next.as_deref(), Some("more"));
        assert!(instances("<html>").is_err() || instances("<html>").unwrap().0.is_empty());
        assert!(instances("no xml").is_err());
    }
}
