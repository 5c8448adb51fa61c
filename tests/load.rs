//! Many callers at once that mean no good: whoever means well is answered beside them, or told to come again.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::binary::{Answer, Server};

const GOOD: &str = r#"{"id":"tx_good","trigger":"login","at":"2026-11-23T10:00:00Z","account":{"id":"auth0|1"},"anonymous_session":{"id":"anon@1","created_at":1795000000,"expires_at":1796000000,"metadata":{"preferences":{"theme":"dark"}}}}"#;

/// Connections that the server keeps.
const CONNECTIONS_MAX: usize = 10_000;

/// Health is answered, and a good call as it is without company.
#[track_caller]
fn is_served(server: &Server, alone: &Answer, company: &str) {
    assert_eq!(server.get("/health/live").status, 200, "{company}");
    assert_eq!(server.post(GOOD.as_bytes()), *alone, "{company}");
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// So many connections that have sent this.
fn held(server: &Server, count: usize, sent: &str) -> Vec<TcpStream> {
    let hold = |_| {
        let mut stream = server.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    };
    (0..count).map(hold).collect()
}

/// Whether the server closes a connection, as it does at once where all are taken.
fn is_closed(stream: &mut TcpStream, wait: Duration) -> bool {
    stream.set_read_timeout(Some(wait)).unwrap();
    match stream.read(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

#[test]
fn ten_thousand_idle_connections_are_held_and_no_more() {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    if files < CONNECTIONS_MAX as u64 + 500 {
        assert!(std::env::var_os("CI").is_none(), "a process may have {files} open files only");
        println!("skipped: a process may have {files} open files only");
        return;
    }
    let server = Server::start(&[]);
    let alone = server.post(GOOD.as_bytes());
    let before = server.memory_kib();
    let idle = held(&server, CONNECTIONS_MAX - 50, "");
    is_served(&server, &alone, "idle connections");
    let bytes = (server.memory_kib() - before) * 1_024 / idle.len() as u64;
    println!("{bytes} bytes a connection that is idle");
    assert!(bytes < 20_000, "{bytes} bytes a connection");
    let mut beyond = held(&server, 100, "");
    let turned_away =
        beyond.iter_mut().filter_map(|stream| is_closed(stream, Duration::from_millis(200)).then_some(()));
    assert!((50..60).contains(&turned_away.count()));
    server.expect_log("no free connection");
    drop((idle, beyond));
    assert!((0..500).any(|_| server.get("/health/live").status == 200));
    assert_eq!(server.post(GOOD.as_bytes()), alone);
}

#[test]
fn slow_callers_take_no_place() {
    let server = Server::start(&["--idle", "5"]);
    let alone = server.post(GOOD.as_bytes());
    let heads = held(&server, 600, "POST /v1/transfer HTTP/1.1\r\nhost: hand");
    is_served(&server, &alone, "heads that do not end");
    let half = post(GOOD).strip_suffix("\"dark\"}}}}").unwrap().to_owned();
    // more than the places, and more than the bytes of bodies allow at a time
    let bodies = held(&server, 300, &half);
    is_served(&server, &alone, "bodies that do not end");
    // what is announced takes nothing until it comes
    let announced = "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n";
    let announced = held(&server, 200, announced);
    is_served(&server, &alone, "bodies that are announced");
    let chunked = "POST /v1/transfer HTTP/1.1\r\nhost: handover\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n";
    let chunks = held(&server, 300, chunked);
    is_served(&server, &alone, "chunks that do not end");
    let told = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).map(|_| text)
    };
    // each is closed in time: heads without a word, bodies with one
    for mut stream in heads {
        assert_eq!(told(&mut stream).unwrap(), "");
    }
    for mut stream in bodies.into_iter().chain(announced).chain(chunks) {
        assert!(told(&mut stream).unwrap().contains("\"body_timeout\""));
    }
    assert_eq!(server.post(GOOD.as_bytes()), alone);
}

#[test]
fn who_does_not_read_loses_the_connection() {
    let server = Server::start(&[]);
    let alone = server.post(GOOD.as_bytes());
    let requests = post(GOOD).repeat(50);
    let mut silent: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for stream in &silent {
        stream.set_nonblocking(true).unwrap();
    }
    // until nothing more is taken of any of them: their answers have nowhere to go
    let mut quiet = 0;
    let mut left = vec![requests.as_bytes(); silent.len()];
    while quiet < 10 {
        let mut is_taken = false;
        for (stream, left) in silent.iter_mut().zip(&mut left) {
            if let Ok(bytes) = stream.write(left) {
                *left = &left[bytes..];
                if left.is_empty() {
                    *left = requests.as_bytes();
                }
                is_taken = true;
            }
        }
        quiet = if is_taken { 0 } else { quiet + 1 };
        std::thread::sleep(Duration::from_millis(20));
    }
    // they wait in their own buffers, not in front of others
    assert!((0..100).any(|_| server.post(GOOD.as_bytes()) == alone));
    is_served(&server, &alone, "callers that do not read");
    // the write deadline: 10 seconds from the first byte that nobody took
    let is_lost = |stream: &mut TcpStream| {
        stream.set_nonblocking(false).unwrap();
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            stream.write_all(b"x").is_err()
        })
    };
    assert!(silent.iter_mut().all(is_lost));
    assert_eq!(server.post(GOOD.as_bytes()), alone);
}

#[test]
fn a_burst_is_answered_or_shed() {
    let server = Server::start(&[]);
    let alone = server.post(GOOD.as_bytes());
    let mut callers =
        held(&server, 400, &post(GOOD).replace("host: handover\r\n", "host: handover\r\nconnection: close\r\n"));
    let (mut answered, mut shed) = (0, 0);
    for caller in &mut callers {
        let answer = crate::binary::answer(caller);
        match answer.status {
            200 => {
                assert_eq!(answer, alone);
                answered += 1;
            }
            _ => {
                assert!(answer.status == 503 && answer.head.contains("\nretry-after: 1"), "{answer:?}");
                shed += 1;
            }
        }
    }
    println!("{answered} answered, {shed} shed");
    assert!(answered > 0);
    assert_eq!(server.post(GOOD.as_bytes()), alone);
}
