//! A proxy that falsifies what a real server says. Whatever comes through is sound, or it is a reason.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tidecast::egress::{Address, Ask, Connector, Door, Limits, Rules};
use tidecast::source::{Prometheus, PrometheusServer, Query, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::servers::{connector, now, victoria_metrics};

/// How many answers are falsified in one run: more before a release.
const ANSWERS: &str = "TIDECAST_TEST_ANSWERS";
/// By how much the process may grow meanwhile.
const GROWTH_MAX_MIB: u64 = 64;

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1_024
}

#[tokio::test] // F2, F7, C5
async fn takes_nothing_unsound_from_a_server_whose_answers_are_falsified() {
    let Some(running) = victoria_metrics(30_000).await else { return };
    let last = now().as_second() / 60 * 60;
    let lines: String =
        (0..200).map(|i| format!("demand {} {}\n", 100 + i % 9, (last - 60 * i) * 1_000)).collect();
    let body = Some(("text/plain", lines.into_bytes()));
    let server = connector(&running.url());
    server.ask(Ask { path: "/api/v1/import/prometheus", body, ..Ask::default() }).await.unwrap();
    server.ask(Ask { path: "/internal/force_flush", ..Ask::default() }).await.unwrap();
    let good = server
        .ask(Ask { path: "/api/v1/query_range", query: &query(last), ..Ask::default() })
        .await
        .unwrap()
        .body;
    assert!(good.len() > 1_000, "{}", String::from_utf8_lossy(&good));

    let proxy = proxy(running.port).await;
    let limits = Limits { total: Duration::from_millis(1_500), wire_bytes_max: 1 << 20, ..Limits::default() };
    let address = Address { limits, ..Address::new("proxied", &proxy) };
    let connector = Connector::new(&address, &Rules::new([Door::inside(&proxy).unwrap()])).unwrap();
    let source = Prometheus::new(Arc::new(PrometheusServer::new(connector)), Query::new("demand"));
    let (since, until) = (at(last - 150 * 60), at(last));
    let (mut taken_whole, mut reasons) = (0, std::collections::BTreeMap::new());
    let answers = std::env::var(ANSWERS).ok().and_then(|answers| answers.parse().ok()).unwrap_or(2_000);
    let before = resident_mib();
    for _ in 0..answers {
        match source.samples(since, until).await {
            Ok(taken) => {
                let sound = |value: f64| value.is_finite() && value >= 0.0;
                assert!(taken.samples.0.iter().all(|s| sound(s.value) && s.time >= since && s.time <= until));
                taken_whole += u32::from(taken.samples.0.len() == 151 && taken.remarks.is_empty());
                taken
                    .remarks
                    .iter()
                    .for_each(|remark| *reasons.entry(format!("{:?}", remark.kind)).or_insert(0) += 1);
            }
            Err(trouble) => *reasons.entry(trouble.kind().to_owned()).or_insert(0) += 1,
        }
    }
    assert!(taken_whole > 0, "nothing came through: {reasons:?}");
    for kind in ["slow", "garbled", "unreachable", "tooMuch", "redirected", "answered"] {
        assert!(reasons.contains_key(kind), "no answer was {kind}: {reasons:?}");
    }
    let grown = resident_mib().saturating_sub(before);
    assert!(grown < GROWTH_MAX_MIB, "grown by {grown} MiB over {answers} answers");
    eprintln!("{answers} answers, {taken_whole} whole, {grown} MiB more, the others: {reasons:?}");
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn query(last: i64) -> [(&'static str, &'static str); 4] {
    let text = |second: i64| &*Box::leak(second.to_string().into_boxed_str());
    [("query", "demand"), ("start", text(last - 150 * 60)), ("end", text(last)), ("step", "60")]
}

/// A proxy on a port of its own, which falsifies by a seeded chance.
pub(crate) async fn proxy(upstream: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut chance = Pcg64Mcg::seed_from_u64(4);
        while let Ok((stream, _)) = listener.accept().await {
            let (fault, salt) = (chance.next_u64() % 16, chance.next_u64());
            tokio::spawn(falsify(stream, upstream, fault, salt));
        }
    });
    url
}

async fn falsify(mut client: TcpStream, upstream: u16, fault: u64, salt: u64) {
    let mut question = vec![0; 16_384];
    let Ok(read) = client.read(&mut question).await else { return };
    let text = String::from_utf8_lossy(&question[..read])
        .replace("accept-encoding: gzip\r\n", "connection: close\r\n");
    let Some(answer) = ask(upstream, text.as_bytes()).await else { return };
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
    let body = dechunked(&answer[split..]);
    let spot = |len: usize| (salt as usize) % len.max(1);
    let reply = |status: &str, more: &str, body: &[u8]| {
        let head =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}Content-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let altered = |from: &str, to: &str| String::from_utf8_lossy(&body).replace(from, to).into_bytes();
    let bytes = match fault {
        0 => reply("200 OK", "", &body[..spot(body.len())]),
        1 => reply("200 OK", "", &flipped(&body, salt)),
        2 => reply("200 OK", "", b"<html>please log in</html>"),
        3 => reply("503 Service Unavailable", "", b"upstream connect error"),
        4 => reply("302 Found", "Location: http://169.254.169.254/\r\n", b""),
        5 => reply("200 OK", "Content-Encoding: gzip\r\n", &body),
        6 => {
            let whole = reply("200 OK", "", &body);
            whole[..whole.len() - 1 - spot(body.len())].to_vec()
        }
        7 => b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n".to_vec(),
        8 => reply("200 OK", "", &altered("\"10", "\"-10")),
        9 => reply("200 OK", "", &altered("\"101\"", "\"NaN\"")),
        10 => reply("200 OK", "", &altered("\"102\"", "null")),
        11 => reply("200 OK", "", &altered("[1", "[9")),
        12 => reply(
            "429 Too Many Requests",
            "Retry-After: 1\r\n",
            b"{\"status\":\"error\",\"error\":\"slow down\"}",
        ),
        13 if salt.is_multiple_of(8) => return tokio::time::sleep(Duration::from_secs(3)).await,
        _ => reply("200 OK", "", &body),
    };
    let _ = client.write_all(&bytes).await;
    let _ = client.shutdown().await;
}

#[expect(clippy::disallowed_methods, reason = "a proxy's connection to the server behind it")]
async fn ask(upstream: u16, question: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.ok()?;
    server.write_all(question).await.ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}

/// The body, whether it came in chunks or not.
fn dechunked(body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut rest = body;
    while let Some(line) = rest.windows(2).position(|w| w == b"\r\n") {
        let Ok(length) = usize::from_str_radix(&String::from_utf8_lossy(&rest[..line]), 16) else {
            return body.to_vec();
        };
        if length == 0 || rest.len() < line + 2 + length {
            break;
        }
        whole.extend_from_slice(&rest[line + 2..line + 2 + length]);
        rest = &rest[(line + 4 + length).min(rest.len())..];
    }
    whole
}

fn flipped(body: &[u8], salt: u64) -> Vec<u8> {
    let mut body = body.to_vec();
    let len = body.len().max(1);
    for i in 0..3 {
        let spot = (salt.rotate_left(17 * i) as usize) % len;
        if let Some(byte) = body.get_mut(spot) {
            *byte ^= 1 << (salt % 7);
        }
    }
    body
}
