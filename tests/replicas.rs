//! Two servers on one PostgreSQL behind a plain TCP balancer, while the database is frozen, only reads, crashes, and has
//! its connections cut.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use handover::ledger::Keys;
use serde_json::json;

use crate::binary::{Answer, Server, post_to};
use crate::ledger::{login, read};
use crate::postgres::Postgres;

/// Accounts that want each session.
const ACCOUNTS: usize = 8;
/// Ends all connections of the servers.
const CUT: &str = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'handover'";

struct Replicas {
    postgres: Postgres,
    servers: [Server; 2],
    /// Each connection to it goes to the next server.
    balancer: String,
}

impl Replicas {
    fn start() -> Option<Self> {
        let postgres = Postgres::start()?;
        let (key, url) = (Keys::random().unwrap().to_text(), postgres.url());
        let environment = [("HANDOVER_LEDGER_KEY", key.as_str()), ("HANDOVER_LEDGER", url.as_str())];
        let start = || Server::start_with(&["--dev", "--listen", "127.0.0.1:0"], &environment);
        let servers = [start(), start()];
        let balancer = balance(servers.iter().map(|server| server.address().to_owned()).collect());
        Some(Self { postgres, servers, balancer })
    }

    /// A login of an account in a session.
    fn ask(&self, session: &str, account: usize) -> Answer {
        post_to(&self.balancer, &login(session, &format!("auth0|{account}"), "A")).unwrap()
    }

    fn is_given(&self, session: &str, account: usize) -> bool {
        read(&self.ask(session, account).body)["status"] == "transferred"
    }

    /// Both servers answer again within a few seconds.
    #[track_caller]
    fn recover(&self, session: &str) {
        for server in &self.servers {
            let answers = (0..100).any(|_| {
                std::thread::sleep(Duration::from_millis(100));
                server.post(&login(session, "auth0|1", "A")).status == 200 && server.get("/health/ready").status == 200
            });
            assert!(answers, "{session}");
        }
    }

    /// All accounts want a session at once; who was given it.
    fn race(&self, session: &str) -> Vec<usize> {
        std::thread::scope(|scope| {
            let all: Vec<_> =
                (0..ACCOUNTS).map(|account| scope.spawn(move || self.is_given(session, account))).collect();
            let given = all.into_iter().map(|one| one.join().unwrap());
            given.enumerate().filter(|(_, is_given)| *is_given).map(|(account, _)| account).collect()
        })
    }
}

fn balance(servers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (client, server) in listener.incoming().zip(servers.iter().cycle()) {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else { continue };
            for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                std::thread::spawn(move || {
                    drop(std::io::copy(&mut from, &mut to));
                    drop(to.shutdown(std::net::Shutdown::Write));
                });
            }
        }
    });
    address
}

#[test]
fn one_account_wins_through_both_and_keeps_it_through_a_crash() {
    let Some(mut replicas) = Replicas::start() else { return };
    let sessions: Vec<String> = (0..20).map(|number| format!("r{number}")).collect();
    let won: Vec<Vec<usize>> = sessions.iter().map(|session| replicas.race(session)).collect();
    let two = won.iter().filter(|won| won.len() > 1).count();
    let none = won.iter().filter(|won| won.is_empty()).count();
    println!("two servers, one PostgreSQL: 20 sessions, {ACCOUNTS} accounts: {two} with two winners, {none} without");
    assert_eq!((two, none), (0, 0));
    replicas.postgres.restart();
    replicas.recover("restarted");
    for (session, won) in sessions.iter().zip(won) {
        let given: Vec<usize> = (0..ACCOUNTS).filter(|account| replicas.is_given(session, *account)).collect();
        assert_eq!(given, won, "{session}");
    }
}

#[test]
fn nobody_waits_for_a_database_that_is_frozen() {
    let Some(replicas) = Replicas::start() else { return };
    replicas.postgres.signal("STOP");
    let start = Instant::now();
    let answer = replicas.ask("frozen", 1);
    assert_eq!((answer.status, read(&answer.body)["code"].clone()), (503, json!("ledger_unavailable")));
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
    for _ in 0..12 {
        replicas.ask("frozen", 1);
    }
    let start = Instant::now();
    assert_eq!(replicas.ask("frozen", 1).status, 503);
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    assert_eq!(replicas.servers[0].get("/health/ready").status, 503);
    replicas.postgres.signal("CONT");
    replicas.recover("frozen");
}

#[test]
fn a_database_that_only_reads_is_not_ready() {
    let Some(replicas) = Replicas::start() else { return };
    let postgres = &replicas.postgres;
    assert!(replicas.is_given("before", 1));
    postgres.sql("alter system set default_transaction_read_only = on");
    postgres.sql("select pg_reload_conf()");
    postgres.sql(CUT);
    for number in 0..12 {
        assert_eq!(replicas.ask(&format!("reads{number}"), 1).status, 503);
    }
    for _ in 0..25 {
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(replicas.servers[0].get("/health/ready").status, 503, "its probe reads only");
    }
    postgres.sql("alter system reset default_transaction_read_only");
    postgres.sql("select pg_reload_conf()");
    replicas.recover("after");
}

#[test]
fn what_is_answered_while_connections_are_cut_is_in_the_ledger() {
    let Some(replicas) = Replicas::start() else { return };
    let taken: Vec<String> = std::thread::scope(|scope| {
        let cut = scope.spawn(|| {
            for _ in 0..10 {
                replicas.postgres.sql(CUT);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let replicas = &replicas;
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                scope.spawn(move || {
                    let sessions = (0..40).map(|number| format!("cut{caller}-{number}"));
                    let answered = |session: &String| {
                        let answer = replicas.ask(session, 1);
                        assert!([200, 503].contains(&answer.status));
                        answer.status == 200
                    };
                    sessions.filter(answered).collect::<Vec<_>>()
                })
            })
            .collect();
        cut.join().unwrap();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    replicas.recover("cut");
    println!("connections cut under load: {} of 160 answered", taken.len());
    assert!(taken.len() > 10, "{}", taken.len());
    for session in taken {
        assert_eq!(read(&replicas.ask(&session, 2).body)["reason"], "claimed_by_another_account", "{session}");
    }
}
