use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::trouble::Trouble;

/// What a token allows; each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// To read.
    Viewer,
    /// To decree and to push measurements, too.
    Operator,
    /// To copy the store, too.
    Admin,
}

impl Role {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role that a word stands for.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|role| role.word() == word)
    }
}

/// Who may do what: names, roles and hashes of tokens. The tokens themselves are nowhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tokens {
    required: bool,
    known: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    name: String,
    role: Role,
    hash: [u8; 32],
    until: Option<Timestamp>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The token's name; decrees and the audit log carry it.
    pub(crate) name: String,
    /// What the token allows.
    pub(crate) role: Role,
}

/// A new token, and the line of the token file that knows it.
#[derive(Debug)]
pub struct Fresh {
    /// The token: shown once.
    pub token: secrecy::SecretString,
    /// The line to add to the file.
    pub line: String,
}

/// What tokens begin with, so that scanners for lost secrets find them.
const PREFIX: &str = "tidecast_";

/// Makes a token of 256 random bits.
///
/// # Errors
/// [`Trouble`] when the system gives no random bits.
pub fn fresh(name: &str, role: Role, until: Option<Timestamp>) -> Result<Fresh, Trouble> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(|why| Trouble::Broken {
        who: "the system's source of chance".into(),
        why: why.to_string(),
    })?;
    let token = format!("{PREFIX}{}", hex(&bits));
    let until = until.map_or_else(String::new, |until| format!(" {until}"));
    let line = format!("{name} {} {}{until}", role.word(), hex(&Sha256::digest(&token)));
    Ok(Fresh { token: token.into(), line })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(hex, "{byte:02x}").expect("a String takes all that is written to it");
    }
    hex
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    let mut hash = [0; 32];
    if bytes.len() != 64 {
        return None;
    }
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(hash)
}

impl Tokens {
    /// No tokens: whoever reaches the loopback address may read, nobody may write.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a token file: in each line a name, a role, the SHA-256 of a token, and possibly when it ends.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read or a line makes no sense; the line's content is not shown.
    pub fn read(path: &Path) -> Result<Self, Trouble> {
        let who = || format!("the token file {}", path.display());
        let text = std::fs::read_to_string(path)
            .map_err(|error| Trouble::Broken { who: who(), why: error.to_string() })?;
        Self::parse(&text).map_err(|why| Trouble::Unusable { who: who(), why })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut known: Vec<Token> = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let token = token(line).map_err(|why| format!("line {}: {why}", i + 1))?;
            if known.iter().any(|other| other.name == token.name && other.hash == token.hash) {
                return Err(format!("line {}: this token stands there twice", i + 1));
            }
            known.push(token);
        }
        Ok(Self { required: true, known })
    }

    /// Whether reading needs a token, too.
    pub(crate) fn are_required(&self) -> bool {
        self.required
    }

    /// Whose token this is. Takes as long whether it is known or not.
    pub(crate) fn caller(&self, token: &str, now: Timestamp) -> Option<Caller> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for known in &self.known {
            let apart = known.hash.iter().zip(&hash).fold(0, |apart, (a, b)| apart | (a ^ b));
            if apart == 0 && known.until.is_none_or(|until| now < until) {
                found = Some(Caller { name: known.name.clone(), role: known.role });
            }
        }
        found
    }
}

fn token(line: &str) -> Result<Token, String> {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default().to_owned();
    let role = words.next().and_then(Role::named).ok_or("the role is viewer, operator or admin")?;
    let hash = words
        .next()
        .and_then(unhex)
        .ok_or("the hash has 64 hexadecimal digits; `tidecast token` makes a line")?;
    let until = words
        .next()
        .map(|until| until.parse().map_err(|_| "the end is no time such as 2027-01-01T00:00:00Z"));
    if words.next().is_some() {
        return Err("more than a name, a role, a hash and an end".into());
    }
    Ok(Token { name, role, hash, until: until.transpose()? })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test] // S3 of the security list
    fn knows_a_token_by_its_hash_until_it_ends() {
        let until: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        let mara = fresh("mara", Role::Operator, Some(until)).unwrap();
        let text = format!("# who\n\n{}  # since May\n", mara.line);
        let tokens = Tokens::parse(&text).unwrap();
        let secret = mara.token.expose_secret();
        assert!(!text.contains(secret) && !format!("{tokens:?}").contains(secret));
        let before = until - jiff::SignedDuration::from_secs(1);
        let caller = tokens.caller(secret, before).unwrap();
        assert_eq!((caller.name.as_str(), caller.role), ("mara", Role::Operator));
        assert_eq!(tokens.caller(secret, until), None);
        assert_eq!(tokens.caller(&secret[1..], before), None);
    }

    #[test]
    fn says_which_line_makes_no_sense_without_showing_it() {
        for (text, expected) in [
            ("mara boss 00", "line 1: the role is viewer, operator or admin"),
            ("\nmara viewer canary", "line 2: the hash has 64 hexadecimal digits"),
        ] {
            let why = Tokens::parse(text).unwrap_err();
            assert!(why.starts_with(expected) && !why.contains("canary"), "{why}");
        }
    }
}
