use std::io::Read;

use flate2::read::MultiGzDecoder;
use reqwest::{Response, header};

use super::Connector;
use crate::trouble::{Trouble, one_line};

/// A complete answer: its status and its unpacked body, within the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the status is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as one short line, for a reason.
    pub fn said(&self) -> String {
        one_line(&String::from_utf8_lossy(&self.body[..self.body.len().min(2_000)]))
    }
}

/// Reads an answer to its end, or until a limit is reached.
pub(super) async fn read(connector: &Connector, mut response: Response) -> Result<Answer, Trouble> {
    let who = || connector.who();
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get(header::LOCATION).map_or(b"nowhere".as_slice(), |to| to.as_bytes());
        let to = one_line(&String::from_utf8_lossy(to));
        return Err(Trouble::Redirected { who: who(), status: status.as_u16(), to });
    }
    let limit = connector.limits.wire_bytes_max;
    let too_much = || Trouble::TooMuch { who: who(), limit: limit as u64, unit: "bytes" };
    if response.content_length().is_some_and(|announced| announced > limit as u64) {
        return Err(too_much());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| connector.cause(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(too_much());
        }
        body.extend_from_slice(&chunk);
    }
    let packed = response.headers().get(header::CONTENT_ENCODING).map(|kind| kind.as_bytes().to_vec());
    let body = match packed.as_deref() {
        None | Some(b"" | b"identity") => body,
        Some(b"gzip" | b"x-gzip") => unpacked(connector, body).await?,
        Some(other) => {
            let why =
                format!("it is packed as {}, and only gzip was offered", String::from_utf8_lossy(other));
            return Err(Trouble::Garbled { who: who(), why: one_line(&why) });
        }
    };
    Ok(Answer { status: status.as_u16(), body })
}

/// Unpacks on a thread that may take its time, so that a large answer delays no other.
async fn unpacked(connector: &Connector, packed: Vec<u8>) -> Result<Vec<u8>, Trouble> {
    let limit = connector.limits.text_bytes_max;
    let text = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        MultiGzDecoder::new(packed.as_slice()).take(limit as u64 + 1).read_to_end(&mut text).map(|_| text)
    });
    match text.await {
        Ok(Ok(text)) if text.len() <= limit => Ok(text),
        Ok(Ok(_)) => {
            Err(Trouble::TooMuch { who: connector.who(), limit: limit as u64, unit: "bytes when unpacked" })
        }
        Ok(Err(error)) => Err(Trouble::Garbled { who: connector.who(), why: format!("gzip: {error}") }),
        Err(_) => Err(Trouble::Garbled { who: connector.who(), why: "unpacking it did not end well".into() }),
    }
}
