//! The pretended account on the wire: what the SDK sends is a call to it, what it answers is what AWS would send.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tidecast::aws::{Rates, Region, Wait};
use tidecast_world::aws::{Account, Done, Refusal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{form, xml};

/// A pretended account that listens.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) at: SocketAddr,
    account: Arc<Mutex<Account>>,
}

impl Wire {
    pub(crate) async fn listen(account: Account) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self { at: listener.local_addr().unwrap(), account: Arc::new(Mutex::new(account)) };
        let shared = wire.account.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        wire
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// A way to it on which waiting lets its time go by.
    pub(crate) fn region(&self, rates: Rates) -> Region {
        let account = self.account.clone();
        let wait: Wait = Arc::new(move |long: Duration| {
            let account = account.clone();
            Box::pin(async move {
                let mut account = account.lock().unwrap();
                let until_s = account.now_s() + long.as_secs_f64().ceil() as i64;
                account.pass(until_s);
            })
        });
        Region::new("eu-west-1", Some(self.url())).keyed("AKIDTEST", "secret").paced(rates, wait)
    }
}

/// One connection: as many requests as come.
async fn serve(stream: TcpStream, account: Arc<Mutex<Account>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let Some(answer) = answer(&request, &account) else { return };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// A request's head and body.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
        if head.len() - before <= 2 {
            break;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// The whole reply; none if it is lost.
fn answer((head, body): &(String, Vec<u8>), account: &Mutex<Account>) -> Option<Vec<u8>> {
    let (action, call) = form::call(body);
    let done = match call {
        // What goes through the SDK is signed with the time outside, which is not that of the account.
        Ok(_) if form::is_of_ec2(body) && is_signed_long_ago(head, account.lock().unwrap().now_s()) => {
            Done::Refused(Refusal::signed_long_ago())
        }
        Ok(call) => account.lock().unwrap().call(call),
        Err(refusal) => Done::Refused(refusal),
    };
    let (status, body) = match done {
        Done::Answered(answer) => (200, xml::answer(&action, &answer)),
        Done::Refused(refusal) => (refusal.status, xml::refusal(form::is_of_ec2(body), &refusal)),
        Done::Lost => return None,
    };
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", body.len());
    Some([head.as_bytes(), body.as_bytes()].concat())
}

/// AWS takes a signature for five minutes.
fn is_signed_long_ago(head: &str, now_s: i64) -> bool {
    let date = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-amz-date").then(|| value.trim().to_owned())
    });
    let signed = date.and_then(|date| DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok());
    let signed_s = signed.and_then(|at| at.to_zoned(TimeZone::UTC).ok()).map(|at| at.timestamp().as_second());
    signed_s.is_none_or(|signed_s| (now_s - signed_s).abs() > 300)
}
