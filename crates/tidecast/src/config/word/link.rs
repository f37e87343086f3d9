use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::Url;

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// The address of a server: `http` or `https`, without a password in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(Url);

/// Where the own server listens: an address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

words! {
    Link: { "type": "string", "pattern": "^https?://", "examples": ["https://prometheus.example.org:9090"] };
    Listen: { "type": "string", "pattern": "^.+:[0-9]+$", "examples": ["127.0.0.1:8080", "[::1]:8080"] };
}

impl Link {
    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl Word for Link {
    const EXPECTED: &'static str = "an address such as `https://prometheus.example.org:9090`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let bad = |message: &str, help: &str| Complaint::new(Code::BAD_URL, message, help);
        let url = match Url::parse(text) {
            _ if !text.contains("://") && plausible(text) => {
                let instead = format!("http://{text}");
                return Err(bad("this address has no scheme", &format!("write \"{instead}\", or https"))
                    .instead(instead));
            }
            Ok(url) => url,
            Err(error) => {
                return Err(bad(&format!("this is not an address: {error}"), "write https://host:port"));
            }
        };
        if url.password().is_some() {
            let help = "take user and password out of the address; write \
                        `basicAuth: { username: …, password: { file: … } }`";
            return Err(Complaint::new(Code::LITERAL_SECRET, "a password stands in this address", help));
        }
        match url.scheme() {
            "http" | "https" if url.fragment().is_none() => Ok(Self(url)),
            "http" | "https" => {
                Err(bad("an address to ask has no part after `#`", "take `#` and what follows away"))
            }
            scheme => Err(bad(
                &format!("nothing is asked by `{scheme}`"),
                "write an address that begins with http:// or https://",
            )),
        }
    }
}

fn plausible(text: &str) -> bool {
    !text.is_empty() && Url::parse(&format!("http://{text}")).is_ok_and(|url| url.host().is_some())
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080))
    }
}

impl Word for Listen {
    const EXPECTED: &'static str = "an address and a port such as `127.0.0.1:8080`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let address = || {
            let host_port = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
            let port = text.parse::<u16>().ok().map(|port| format!("127.0.0.1:{port}"));
            let any = text.strip_prefix(':').map(|port| format!("0.0.0.0:{port}"));
            host_port.or(port).or(any).filter(|address| address.parse::<SocketAddr>().is_ok())
        };
        text.parse().map(Self).map_err(|_| {
            let message = format!("`{text}` is not an address with a port");
            let complaint = |help: String| Complaint::new(Code::BAD_LISTEN, message.clone(), help);
            match address() {
                Some(instead) => complaint(format!("write \"{instead}\"")).instead(instead),
                None => complaint("write a numeric address and a port, such as 127.0.0.1:8080".into()),
            }
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn takes_only_addresses_that_can_be_asked() {
        check::<Link>("https://prom.internal:9090", Ok("https://prom.internal:9090/"));
        check::<Link>("prom.internal:9090", Err((Code::BAD_URL, Some("http://prom.internal:9090"))));
        check::<Link>("file:///etc/passwd", Err((Code::BAD_URL, None)));
        check::<Link>("", Err((Code::BAD_URL, None)));
        check::<Link>("http://", Err((Code::BAD_URL, None)));
        check::<Link>("http://a/#b", Err((Code::BAD_URL, None)));
    }

    #[test] // S8
    fn keeps_a_password_in_an_address_to_itself() {
        let complaint = Link::parse("https://user:hunter2@prom.internal").unwrap_err();
        assert_eq!(complaint.code, Code::LITERAL_SECRET);
        assert!(!format!("{complaint:?}").contains("hunter2"));
    }

    #[test]
    fn listens_on_numbers() {
        check::<Listen>("127.0.0.1:8080", Ok("127.0.0.1:8080"));
        check::<Listen>("[::1]:80", Ok("[::1]:80"));
        check::<Listen>("localhost:8080", Err((Code::BAD_LISTEN, Some("127.0.0.1:8080"))));
        check::<Listen>(":8080", Err((Code::BAD_LISTEN, Some("0.0.0.0:8080"))));
        check::<Listen>("8080", Err((Code::BAD_LISTEN, Some("127.0.0.1:8080"))));
        check::<Listen>("127.0.0.1:99999", Err((Code::BAD_LISTEN, None)));
    }
}
