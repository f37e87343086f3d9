//! EC2's Query API, for the few calls that are needed of it: its SDK alone takes longer to compile than all the rest.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use jiff::Timestamp;

use super::region::{Region, Visit};
use super::said;
use crate::egress::{Address, Answer, Ask, Connector, Door, Limits, Rules};
use crate::trouble::Trouble;

/// EC2 of one region.
#[derive(Debug)]
pub struct Ec2 {
    region: Arc<Region>,
    url: String,
    connector: Connector,
}

/// Where the environment says that EC2 is, the first that is set.
const ADDRESSES: [&str; 2] = ["AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL"];
const VERSION: &str = "2016-11-15";
const FORM: &str = "application/x-www-form-urlencoded";

impl Ec2 {
    /// EC2 of a region; `endpoint` instead of AWS's own address.
    ///
    /// # Errors
    /// [`Trouble`] when the address may not be asked.
    pub fn new(region: Arc<Region>, endpoint: Option<&str>) -> Result<Self, Trouble> {
        let told = || ADDRESSES.iter().find_map(|name| std::env::var(name).ok());
        let endpoint = endpoint.map(str::to_owned).or_else(told);
        let url = endpoint.clone().unwrap_or_else(|| own_address(region.name()));
        let limits = Limits { total: std::time::Duration::from_secs(8), ..Limits::default() };
        let address = Address { limits, ..Address::new(format!("EC2 in {}", region.name()), &url) };
        let door = if endpoint.is_some() { Door::inside(&url)? } else { Door::outside(&url)? };
        let connector = Connector::new(&address, &Rules::new([door]))?;
        Ok(Self { region, url, connector })
    }

    /// The region.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// One call: its name and parameters; the XML that comes back.
    pub(crate) async fn call(
        &self,
        visit: &Visit,
        action: &str,
        parameters: &[(String, String)],
        now: Timestamp,
    ) -> Result<String, Trouble> {
        visit.take_place(action).await?;
        let body = form(action, parameters);
        let headers = self.signed(&body, now).await;
        let headers = headers.inspect_err(|trouble| visit.region.heed(trouble, now))?;
        let headers: Vec<(&'static str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ask =
            Ask { path: "/", body: Some((FORM, body.into_bytes())), headers: &headers, ..Ask::default() };
        let answered = self.connector.ask(ask).await;
        visit.note(read(visit.who(), action, answered))
    }

    /// The headers that sign a body.
    async fn signed(&self, body: &str, now: Timestamp) -> Result<Vec<(&'static str, String)>, Trouble> {
        let unusable = |why: String| Trouble::Unusable { who: self.connector.who(), why };
        let clients = self.region.clients().await?;
        let provider = clients.config.credentials_provider();
        let provider = provider.ok_or_else(|| unusable("there are no credentials".into()))?;
        let credentials = provider.provide_credentials().await;
        let identity: Identity =
            credentials.map_err(|error| said::no_credentials(self.connector.who(), &error))?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region.name())
            .name("ec2")
            .time(SystemTime::from(now))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        let url = format!("{}/", self.url.trim_end_matches('/'));
        let headers = [("content-type", FORM)].into_iter();
        let request = SignableRequest::new("POST", &url, headers, SignableBody::Bytes(body.as_bytes()))
            .map_err(|error| unusable(error.to_string()))?;
        let (instructions, _) =
            sign(request, &parameters.into()).map_err(|error| unusable(error.to_string()))?.into_parts();
        let known = ["authorization", "x-amz-date", "x-amz-security-token"];
        let of = |name: &'static str| {
            let found = instructions.headers().find(|(header, _)| header.eq_ignore_ascii_case(name));
            found.map(|(_, value)| (name, value.to_owned()))
        };
        Ok(known.into_iter().filter_map(of).collect())
    }
}

/// AWS's own address in a region: its partitions have domains of their own.
fn own_address(region: &str) -> String {
    let domain = match region {
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ if region.starts_with("eusc-") => "amazonaws.eu",
        _ if region.starts_with("us-iso-") => "c2s.ic.gov",
        _ if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ => "amazonaws.com",
    };
    format!("https://ec2.{region}.{domain}")
}

fn form(action: &str, parameters: &[(String, String)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", VERSION);
    form.extend_pairs(parameters).finish()
}

/// The XML, or what is wrong and whether it was one call too many.
fn read(who: &str, action: &str, answered: Result<Answer, Trouble>) -> Result<String, (Trouble, bool)> {
    // Nobody knows what became of a question whose answer did not come.
    let unsure = |trouble: Trouble| match trouble {
        Trouble::Unreachable { .. } | Trouble::Slow { .. } | Trouble::Garbled { .. } => {
            Trouble::Unsure { who: who.into(), what: action.into(), why: trouble.to_string() }
        }
        other => other,
    };
    let answer = answered.map_err(|trouble| (unsure(trouble), false))?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    match answer.is_success() {
        true => Ok(text),
        false => {
            let of =
                |tag: &str| text.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split('<').next());
            let (code, said) = (of("Code").unwrap_or(""), of("Message").unwrap_or(""));
            Err((
                said::refused(who.into(), action, answer.status, code, said),
                said::is_too_much(code, answer.status),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_partition() {
        for (region, address) in [
            ("eu-west-1", "https://ec2.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "https://ec2.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "https://ec2.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "https://ec2.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(own_address(region), address);
        }
    }
}
