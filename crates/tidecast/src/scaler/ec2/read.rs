use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use jiff::Timestamp;

/// One instance, as EC2 describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Instance {
    /// Its id.
    pub(super) id: String,
    /// `pending`, `running`, `shutting-down`, …
    pub(super) state: String,
    /// When it was launched.
    pub(super) launched: Option<Timestamp>,
}

impl Instance {
    /// Whether it is there to stay.
    pub(super) fn stays(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "running")
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
            "launchTime" => instance.launched = try_data(&mut tag)?.parse().ok(),
            "instanceState" => {
                while let Some(mut part) = tag.next_tag() {
                    if part.start_el().local() == "name" {
                        instance.state = try_data(&mut part)?.into_owned();
                    }
                }
            }
            _ => {}
        }
    }
    Ok(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<?xml version="1.0"?><DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
        <requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId><ownerId>1</ownerId>
        <instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>
        <launchTime>2026-11-27T08:00:00.000Z</launchTime><tagSet><item><key>instanceId</key><value>no</value></item></tagSet>
        </item></instancesSet></item></reservationSet><nextToken>more</nextToken></DescribeInstancesResponse>"#;

    #[test]
    fn reads_instances_and_where_the_next_page_begins() {
        let (found, next) = instances(PAGE).unwrap();
        let launched = Some("2026-11-27T08:00:00Z".parse().unwrap());
        assert_eq!(found, [Instance { id: "i-1".into(), state: "running".into(), launched }]);
        assert_eq!(next.as_deref(), Some("more"));
        assert!(instances("<html>").is_err() || instances("<html>").unwrap().0.is_empty());
        assert!(instances("no xml").is_err());
    }
}
