use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Where connections may go: a list of doors. What is on no door's list is refused, with the reason.
///
/// Two things are refused whatever the list says: addresses that hand out credentials or have no routes
/// (metadata services, link-local, unspecified, multicast, reserved), and any way of writing an address
/// that different programs read differently.
///
/// ```
/// use tidecast::egress::{Door, Rules};
/// let rules = Rules::new([Door::inside("https://prom.internal:9090").unwrap()]);
/// assert!(rules.check("https://prom.internal:9090/api/v1/query").is_ok());
/// let refusal = rules.check("http://0xa9fea9fe/latest/meta-data").unwrap_err();
/// assert_eq!(
///     refusal.to_string(),
///     "refused to connect to http://0xa9fea9fe/latest/meta-data: it disguises 169.254.169.254; write it plainly"
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Rules {
    doors: Vec<Door>,
}

/// One permission: a scheme, a host, a port, and whether the host may lie inside one's own network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    scheme: String,
    host: HostRule,
    port: u16,
    inside: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostRule {
    Exactly(String),
    /// `*.example.org`: any name below, not the name itself.
    Below(String),
}

/// Why no connection is made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused to connect to {address}: {why}")]
pub struct Refusal {
    /// What was asked for, as it was written.
    pub address: String,
    /// The rule that refuses it.
    pub why: Why,
}

/// The rule that refuses a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It cannot be read as an address.
    #[error("it is no address: {0}")]
    NoAddress(String),
    /// Neither http nor https.
    #[error("the scheme is {0}, and only http and https are spoken")]
    Scheme(String),
    /// `user:password@` in the address.
    #[error("it carries a user name; credentials belong into auth, where they are kept out of logs")]
    Userinfo,
    /// Spaces, backslashes or control characters.
    #[error("it contains {0:?}, which different programs read differently")]
    OddCharacter(char),
    /// A host that means something else than it shows.
    #[error("it disguises {0}; write it plainly")]
    Disguised(String),
    /// `host.` with a dot at the end.
    #[error("the host name ends with a dot; write it without")]
    TrailingDot,
    /// On no door's list.
    #[error("{0} is not on the list of allowed addresses")]
    Unlisted(String),
    /// An address of a kind that may not be reached.
    #[error("{ip} is {kind}")]
    Forbidden {
        /// The address that the host name stands for.
        ip: IpAddr,
        /// What it is.
        kind: Kind,
    },
    /// The name stands for no address at all.
    #[error("the name {0} stands for no address")]
    NoSuchName(String),
}

/// What kind of place an IP address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network: RFC 1918, RFC 6598, unique local IPv6.
    Private,
    /// The local link, where neighbours and metadata services live.
    LinkLocal,
    /// A cloud's metadata service, which hands out credentials.
    Metadata,
    /// No place at all, or this machine by another name.
    Unspecified,
    /// Many places at once.
    Multicast,
    /// Set aside by the standards.
    Reserved,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address, which is allowed for listed addresses only",
            Self::Private => "a private address, which is allowed for listed addresses only",
            Self::LinkLocal => "a link-local address, which is never allowed",
            Self::Metadata => "a cloud's metadata service, which is never allowed",
            Self::Unspecified => "an unspecified address, which is never allowed",
            Self::Multicast => "a multicast address, which is never allowed",
            Self::Reserved => "a reserved address, which is never allowed",
        })
    }
}

impl Door {
    /// A door to a host that may lie in one's own network, such as a configured source's.
    ///
    /// # Errors
    /// [`Refusal`] when `address` is not a plain http or https address.
    pub fn inside(address: &str) -> Result<Self, Refusal> {
        Self::at(address, true)
    }

    /// A door to a host on the internet; should its name turn out to mean a private address, it is refused.
    /// A host that begins with `*.` stands for all names below.
    ///
    /// # Errors
    /// [`Refusal`] when `address` is not a plain http or https address.
    pub fn outside(address: &str) -> Result<Self, Refusal> {
        Self::at(address, false)
    }

    fn at(address: &str, inside: bool) -> Result<Self, Refusal> {
        let plain = address.replacen("://*.", "://", 1);
        let url = read(&plain).map_err(|why| Refusal { address: address.into(), why })?;
        let host = host_of(&url);
        let host = if plain == address { HostRule::Exactly(host) } else { HostRule::Below(host) };
        Ok(Self { scheme: url.scheme().into(), host, port: port_of(&url), inside })
    }

    fn leads_to(&self, url: &Url) -> bool {
        let host = host_of(url);
        let host_fits = match &self.host {
            HostRule::Exactly(name) => *name == host,
            HostRule::Below(name) => host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.')),
        };
        host_fits && self.scheme == url.scheme() && self.port == port_of(url)
    }
}

impl Rules {
    /// The rules that these doors make.
    pub fn new(doors: impl IntoIterator<Item = Door>) -> Self {
        Self { doors: doors.into_iter().collect() }
    }

    /// The address, read, if it may be asked. What its name stands for is checked when connecting.
    ///
    /// # Errors
    /// [`Refusal`] with the rule that forbids it.
    pub fn check(&self, address: &str) -> Result<Url, Refusal> {
        let refuse = |why| Refusal { address: shown(address), why };
        let url = read(address).map_err(refuse)?;
        let literal = literal_of(&url);
        if let Some(ip) = literal.filter(|ip| kind_of(*ip).never()) {
            return Err(refuse(Why::Forbidden { ip, kind: kind_of(ip) }));
        }
        let Some(door) = self.doors.iter().find(|door| door.leads_to(&url)) else {
            return Err(refuse(Why::Unlisted(origin_of(&url))));
        };
        match literal {
            Some(ip) if !kind_of(ip).may(door.inside) => {
                Err(refuse(Why::Forbidden { ip, kind: kind_of(ip) }))
            }
            _ => Ok(url),
        }
    }

    /// Whether `url`, which these rules let through, may be reached at the addresses its name stands for.
    ///
    /// One bad address spoils the name: a name that stands for both a public and a private address is how
    /// one is tricked into asking the private one.
    ///
    /// # Errors
    /// [`Refusal`] for the first address that is forbidden, and when there is none at all.
    pub fn check_addresses(&self, url: &Url, addresses: &[IpAddr]) -> Result<(), Refusal> {
        let refuse = |why| Refusal { address: origin_of(url), why };
        let inside = self.doors.iter().any(|door| door.leads_to(url) && door.inside);
        if addresses.is_empty() {
            return Err(refuse(Why::NoSuchName(host_of(url))));
        }
        match addresses.iter().copied().find(|ip| !kind_of(*ip).may(inside)) {
            Some(ip) => Err(refuse(Why::Forbidden { ip, kind: kind_of(ip) })),
            None => Ok(()),
        }
    }
}

impl Kind {
    fn never(self) -> bool {
        !matches!(self, Self::Public | Self::Loopback | Self::Private)
    }

    fn may(self, inside: bool) -> bool {
        self == Self::Public || (inside && !self.never())
    }
}

/// Longer addresses are nobody's.
const ADDRESS_CHARS_MAX: usize = 2_048;

/// Reads an address, refusing every way of writing it that hides where it leads.
fn read(address: &str) -> Result<Url, Why> {
    if address.len() > ADDRESS_CHARS_MAX {
        return Err(Why::NoAddress(format!("it is longer than {ADDRESS_CHARS_MAX} bytes")));
    }
    if let Some(odd) = address.chars().find(|c| c.is_control() || c.is_whitespace() || *c == '\\') {
        return Err(Why::OddCharacter(odd));
    }
    let url = Url::parse(address).map_err(|error| Why::NoAddress(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Why::Scheme(url.scheme().into()));
    }
    let written = written_host(address).ok_or_else(|| Why::NoAddress("it has no host after ://".into()))?;
    if written.contains('@') || !url.username().is_empty() || url.password().is_some() {
        return Err(Why::Userinfo);
    }
    let (written, means) = (bare(written), host_of(&url));
    if written.ends_with('.') || means.ends_with('.') {
        return Err(Why::TrailingDot);
    }
    let is_v6 = matches!(url.host(), Some(Host::Ipv6(_)));
    if !is_v6 && !written.eq_ignore_ascii_case(&means) {
        return Err(Why::Disguised(means));
    }
    if url.port() == Some(0) {
        return Err(Why::NoAddress("port 0 is no port".into()));
    }
    Ok(url)
}

/// The authority as it was written, with user name and port.
fn written_host(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// Without the port.
fn bare(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_ascii_lowercase()
}

fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// Scheme, host and port: what a door is about, and what may be shown.
pub(super) fn origin_of(url: &Url) -> String {
    format!("{}://{}:{}", url.scheme(), host_of(url), port_of(url))
}

/// The address as it may be shown: what stands before an `@` may be a password.
fn shown(address: &str) -> String {
    let safe = match address.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => address.to_owned(),
    };
    crate::trouble::one_line(safe.split(['?', '#']).next().unwrap_or_default())
}

/// The host, if it is written as an IP address.
pub(super) fn literal_of(url: &Url) -> Option<IpAddr> {
    match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        _ => None,
    }
}

/// What kind of place an address is, looking through the IPv6 forms that carry an IPv4 address.
pub fn kind_of(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V4(ip) => kind_of_v4(ip),
        IpAddr::V6(ip) => carried(ip).map_or_else(|| kind_of_v6(ip), kind_of_v4),
    }
}

/// Metadata services outside the link-local range.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

fn kind_of_v4(ip: Ipv4Addr) -> Kind {
    let [a, b, c, d] = ip.octets();
    match (a, b, c, d) {
        _ if METADATA_V4.contains(&ip) => Kind::Metadata,
        (169, 254, 169, 253 | 254) | (169, 254, 170, 2 | 23) => Kind::Metadata,
        (0, ..) => Kind::Unspecified,
        (127, ..) => Kind::Loopback,
        (169, 254, ..) => Kind::LinkLocal,
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) | (100, 64..=127, ..) | (198, 18 | 19, ..) => {
            Kind::Private
        }
        (224..=239, ..) => Kind::Multicast,
        (240.., ..) | (192, 0, 0, _) | (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => {
            Kind::Reserved
        }
        _ => Kind::Public,
    }
}

fn kind_of_v6(ip: Ipv6Addr) -> Kind {
    let first = ip.segments()[0];
    match first {
        _ if ip == METADATA_V6 => Kind::Metadata,
        _ if ip.is_loopback() => Kind::Loopback,
        _ if ip.is_unspecified() => Kind::Unspecified,
        0xfe80..=0xfebf => Kind::LinkLocal,
        0xfc00..=0xfdff | 0xfec0..=0xfeff => Kind::Private,
        0xff00.. => Kind::Multicast,
        0x2000..=0x3fff if !documentation(ip) => Kind::Public,
        _ => Kind::Reserved,
    }
}

fn documentation(ip: Ipv6Addr) -> bool {
    matches!(ip.segments(), [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..])
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, NAT64, 6to4, Teredo.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = |hi: u16, lo: u16| Ipv4Addr::from((u32::from(hi) << 16) | u32::from(lo));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, hi, lo] => Some(low(hi, lo)),
        [0, 0, 0, 0, 0xffff, 0, hi, lo] => Some(low(hi, lo)),
        [0x64, 0xff9b, _, _, _, _, hi, lo] => Some(low(hi, lo)),
        [0x2002, hi, lo, ..] => Some(low(hi, lo)),
        [0x2001, 0, _, _, _, _, hi, lo] => Some(low(!hi, !lo)),
        _ => None,
    }
}
