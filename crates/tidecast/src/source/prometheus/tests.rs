use std::sync::Mutex;

use super::*;
use crate::egress::{Address, Connector, Door, Rules};
use crate::test_server::{TestServer, reply};

const MINUTE: i64 = 60;
const T0: i64 = 1_770_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn connector(server: &TestServer) -> Connector {
    let rules = Rules::new([Door::inside(&server.url()).unwrap()]);
    Connector::new(&Address::new("prometheus main", server.url()), &rules).unwrap()
}

fn source(server: &TestServer, query: &str) -> Prometheus {
    Prometheus::new(Arc::new(Server::new(connector(server))), Query::new(query))
}

/// A server that answers everything with `body`.
pub(super) async fn answering(body: String) -> (Arc<Server>, TestServer) {
    let answers = TestServer::start(move |_| reply("200 OK", "", body.as_bytes())).await;
    (Arc::new(Server::new(connector(&answers))), answers)
}

/// What is taken when the server answers ten minutes' question with `body`: values, remarks, or the trouble.
async fn taken(status: &'static str, body: &str) -> String {
    let body = body.replace("T0", &T0.to_string()).into_bytes();
    let server = TestServer::start(move |_| reply(status, "", &body)).await;
    match source(&server, "x").samples(at(T0), at(T0 + 10 * MINUTE)).await {
        Ok(taken) => {
            let values = taken.samples.0.iter().map(|s| format!("{}@{}", s.value, s.time.as_second() - T0));
            let partial = taken.partial.iter().map(|why| format!("partial: {why}"));
            let remarks = taken.remarks.iter().map(ToString::to_string);
            values.chain(remarks).chain(partial).collect::<Vec<_>>().join("; ")
        }
        Err(trouble) => trouble.to_string().replace(&server.url(), "HERE"),
    }
}

/// The answer to a matrix with these values.
async fn values(values: &str) -> String {
    let metric = r#"{"__name__":"x"}"#;
    let body = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{metric},"values":{values}}}]}}}}"#
    );
    taken("200 OK", &body).await
}

#[tokio::test] // F2
async fn takes_sound_values_and_names_all_others() {
    assert_eq!(values(r#"[[T0,"1.5"],[1770000060,"-0"],[1770000120.0,"1e308"],[1770000180,2]]"#).await, {
        let huge = 1e308;
        format!("1.5@0; 0@60; {huge}@120; 2@180")
    });
    for (value, said) in [
        (r#""NaN""#, "1 value is not finite: NaN, left unknown, the first at 2026-02-02T02:40:00Z"),
        (r#""+Inf""#, "1 value is not finite: +Inf, left unknown, the first at 2026-02-02T02:40:00Z"),
        (r#""-Inf""#, "1 value is not finite: -Inf, left unknown, the first at 2026-02-02T02:40:00Z"),
        (r#""1e400""#, "1 value is not finite: 1e400, left unknown, the first at 2026-02-02T02:40:00Z"),
        (r#""-3""#, "1 value is negative: -3, left unknown, the first at 2026-02-02T02:40:00Z"),
        ("null", "1 value is no number but null, left unknown, the first at 2026-02-02T02:40:00Z"),
        ("true", "1 value is no number but true, left unknown, the first at 2026-02-02T02:40:00Z"),
        ("[1]", "1 value is no number but a list, left unknown, the first at 2026-02-02T02:40:00Z"),
        (r#"{"a":1}"#, "1 value is no number but an object, left unknown, the first at 2026-02-02T02:40:00Z"),
        (r#""""#, "1 value is no number but \"\", left unknown, the first at 2026-02-02T02:40:00Z"),
        (r#""12x""#, "1 value is no number but \"12x\", left unknown, the first at 2026-02-02T02:40:00Z"),
    ] {
        assert_eq!(values(&format!("[[T0,{value}]]")).await, said);
    }
    assert_eq!(
        values("[[T0]]").await,
        "1 value is no number but nothing, left unknown, the first at 2026-02-02T02:40:00Z"
    );
}

#[tokio::test] // F8
async fn leaves_out_times_that_were_not_asked_for() {
    let odd = r#"[[1770000000000,"1"],[1770086400,"1"],[-1,"1"],[0,"1"],[9e18,"1"],["T0","1"],[null,"1"],[T0,"7"]]"#;
    assert_eq!(
        values(odd).await,
        "7@0; 4 measurements without a readable time left out: 1770000000000; \
         3 measurements with a time outside the span left out: 2026-02-03T02:40:00Z"
    );
}

#[tokio::test] // F1
async fn takes_an_empty_answer_for_unknown() {
    let empty = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    assert_eq!(
        taken("200 OK", empty).await,
        "the source has no measurement at all here; unknown is not zero"
    );
    assert_eq!(values("[]").await, "the source has no measurement at all here; unknown is not zero");
}

#[tokio::test]
async fn names_the_series_where_there_are_several() {
    let several = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"__name__":"x","pod":"a"},"values":[]},{"metric":{"pod":"b\u001b[31m"},"values":[]}]}}"#;
    assert_eq!(
        taken("200 OK", several).await,
        "prometheus main at HERE answered with 2 series where one is expected, among them x{pod=\"a\"} and \
         {pod=\"b\\u{1b}[31m\"}; wrap the query in sum()"
    );
}

#[tokio::test] // F5, F7
async fn says_what_is_wrong_with_an_answer() {
    for (status, body, said) in [
        ("503 Busy", "upstream is down\n", "answered 503: upstream is down"),
        ("500 Oops", r#"{"status":"error","error":"out of memory"}"#, "answered 500: out of memory"),
        (
            "400 Bad",
            r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
            "answered 400: parse error",
        ),
        ("200 OK", r#"{"status":"error","error":"odd"}"#, "answered 200: odd"),
        ("200 OK", "", "cannot be used: EOF while parsing"),
        ("200 OK", "<html>login</html>", "cannot be used: expected value"),
        ("200 OK", r#"{"status":"success","data":{"resultType":"mat"#, "cannot be used: EOF while parsing"),
        ("200 OK", r#"{"status":"success"}"#, "the answer has no data"),
        (
            "200 OK",
            r#"{"status":"success","data":{"resultType":"scalar","result":[]}}"#,
            "a scalar where a matrix",
        ),
        ("200 OK", r#"[1,2]"#, "cannot be used"),
        (
            "200 OK",
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[]}]}}"#,
            "a histogram where a number is expected",
        ),
    ] {
        let answer = taken(status, body).await;
        assert!(answer.contains(said), "{answer}");
    }
    let deep = format!("{{\"status\":\"success\",\"data\":{}", "[".repeat(100_000));
    assert!(taken("200 OK", &deep).await.contains("cannot be used"));
}

#[tokio::test]
async fn ends_reading_at_a_million_points() {
    let many = vec!["[1,\"1\"]"; reply::POINTS_MAX + 1].join(",");
    assert!(values(&format!("[{many}]")).await.contains("more than 1000000 items"));
}

#[tokio::test]
async fn passes_warnings_on_and_takes_missing_stores_for_partial() {
    let with =
        |more: &str| format!(r#"{{"status":"success",{more}"data":{{"resultType":"matrix","result":[]}}}}"#);
    let partial = taken("200 OK", &with(r#""warnings":["no store matched"],"#)).await;
    assert!(partial.contains("the source warns: no store matched; the source has no"), "{partial}");
    assert!(partial.ends_with("partial: no store matched"), "{partial}");
    let partial = taken("200 OK", &with(r#""isPartial":true,"#)).await;
    assert!(partial.ends_with("partial: the server says that its answer is partial"), "{partial}");
    let hint = taken("200 OK", &with(r#""warnings":["PromQL info: might not be a counter"],"#)).await;
    assert!(!hint.contains("partial"), "{hint}");
}

/// A server with a limit of points, which words its refusal in its own way.
async fn limited(points_max: i64, status: &'static str) -> TestServer {
    TestServer::start(move |question| {
        let of = |key: &str| -> i64 {
            let from = question.find(&format!("{key}=")).unwrap() + key.len() + 1;
            question[from..].split(['&', ' ']).next().unwrap().parse().unwrap()
        };
        let (start, end, step) = (of("start"), of("end"), of("step"));
        if question.contains("broken") || (end - start) / step + 1 > points_max {
            return reply(status, "", br#"{"status":"error","error":"zu viele Punkte"}"#);
        }
        let values: Vec<_> = (start..=end).step_by(step as usize).map(|t| format!("[{t},\"1\"]")).collect();
        let result = format!(r#"{{"metric":{{}},"values":[{}]}}"#, values.join(","));
        let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#);
        reply("200 OK", "", body.as_bytes())
    })
    .await
}

#[tokio::test] // S3.3
async fn learns_how_many_points_a_server_takes() {
    for (points_max, status) in [(700, "400 Bad Request"), (997, "422 Unprocessable"), (1, "400 Bad Request")]
    {
        let server = limited(points_max, status).await;
        let shared = Arc::new(Server::taking(connector(&server), 10_000));
        let source = Prometheus::new(shared.clone(), Query::new("x"));
        let span = if points_max == 1 { 5 } else { 5_000 };
        let taken = source.samples(at(T0), at(T0 + span * MINUTE)).await.unwrap();
        assert_eq!(taken.samples.0.len() as i64, span + 1);
        assert!(taken.samples.0.windows(2).all(|w| w[1].time.duration_since(w[0].time).as_secs() == MINUTE));
        assert!((points_max / 2..=points_max).contains(&shared.points()), "{}", shared.points());
    }
}

#[tokio::test]
async fn takes_a_bad_query_for_what_it_is() {
    let server = limited(700, "400 Bad Request").await;
    let shared = Arc::new(Server::new(connector(&server)));
    let source = Prometheus::new(shared.clone(), Query::new("broken"));
    let trouble = source.samples(at(T0), at(T0 + 5_000 * MINUTE)).await.unwrap_err();
    assert!(trouble.to_string().ends_with("answered 400: zu viele Punkte"), "{trouble}");
    assert_eq!((shared.points(), server.heard().len()), (Server::POINTS_AT_FIRST, 2));
}

#[tokio::test]
async fn names_a_rate_by_the_middle_of_its_window() {
    for (query, lag_s) in [("x", 0), ("sum(rate(x[1m]))", 60), ("rate(x[5m])", 180), ("rate(x[150s])", 60)] {
        let server = limited(1_000, "400 Bad Request").await;
        let source = source(&server, query);
        assert_eq!(source.lag().as_secs(), lag_s);
        let (since, until) = (T0, T0 + 600);
        let times: Vec<_> = source.samples(at(since), at(until)).await.unwrap().samples.0;
        assert_eq!(times.first().unwrap().time, at(since));
        assert_eq!(times.last().unwrap().time, at(until - lag_s));
    }
}

#[tokio::test] // F3
async fn counts_what_a_query_stands_on() {
    let asked = Arc::new(Mutex::new(String::new()));
    let log = asked.clone();
    let server = TestServer::start(move |question| {
        *log.lock().unwrap() = question.lines().next().unwrap_or_default().to_owned();
        let line = |label: &str, value: &str| {
            format!(r#"{{"metric":{{"tidecast":"{label}"}},"value":[1,"{value}"]}}"#)
        };
        let lines = [
            line("targets", "4"),
            line("series", "12"),
            line("samples", "240"),
            line("newest", "1770000000.5"),
        ];
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
            lines.join(",")
        );
        reply("200 OK", "", body.as_bytes())
    })
    .await;
    let count = source(&server, "sum(rate(x{a=\"b\"}[5m]))").count(at(T0)).await.unwrap().unwrap();
    assert_eq!(count.parts, [Part { targets: 4, series: 12, samples: 240.0 }]);
    assert_eq!(count.newest, Some(Timestamp::from_millisecond(T0 * 1_000 + 500).unwrap()));
    let asked = asked.lock().unwrap().clone();
    assert!(asked.contains("count_over_time%28x%7Ba%3D%22b%22%7D%5B300s%5D%29"), "{asked}");
    assert_eq!(source(&server, "1").count(at(T0)).await.unwrap(), None);
}

#[tokio::test]
async fn posts_a_query_that_is_too_long_for_an_address() {
    let server = TestServer::start(|_| reply("500 Oops", "", b"")).await;
    let long = format!("sum(x{{a=~\"{}\"}})", "b|".repeat(2_000));
    let _ = source(&server, &long).samples(at(T0), at(T0)).await;
    let _ = source(&server, "x").samples(at(T0), at(T0)).await;
    let heard = server.heard();
    assert!(heard[0].starts_with("POST /api/v1/query_range HTTP/1.1"), "{}", heard[0]);
    assert!(heard[1].starts_with("GET /api/v1/query_range?query=x&start="), "{}", heard[1]);
}
