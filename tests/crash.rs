//! A server that is killed under load, and one whose disk is full: nothing answered is lost, no hand-over has two accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::binary::{Answer, Server, temporary};
use crate::ledger::{fresh, login, read};
use crate::reader::Random;

/// Kills of the loop.
const KILLS: usize = 48;
/// Callers at once.
const CALLERS: usize = 8;
/// Accounts that want each session.
const ACCOUNTS: usize = 3;

/// The answer to a request, or none if the connection ended before its last byte.
fn whole(answer: Answer) -> Option<Answer> {
    let is_whole = answer.status == 200 && serde_json::from_str::<Value>(&answer.body).is_ok();
    is_whole.then_some(answer)
}

/// What the loop counts.
#[derive(Default)]
struct Tally {
    answered: usize,
    /// Answered, and not in the ledger afterwards.
    lost: usize,
    /// Answered to two accounts.
    two: usize,
    /// Retries with other bytes.
    other: usize,
    /// Kills that fell between an entry's commit and its answer.
    between: usize,
    /// The account that each session was given to.
    owners: BTreeMap<String, usize>,
}

/// What a server answered before it was killed, and the sessions that it left without an answer.
struct Load {
    log: Vec<(String, usize, String)>,
    open: BTreeSet<String>,
}

fn name(account: usize) -> String {
    format!("auth0|{account}")
}

/// The answer to a login.
fn ask(server: &Server, session: &str, account: &str) -> Answer {
    server.post(&login(session, account, "A"))
}

fn is_given(server: &Server, session: &str, account: usize) -> bool {
    read(&ask(server, session, &name(account)).body)["status"] == "transferred"
}

/// Whether some account has a session.
fn is_claimed(server: &Server, session: &str) -> bool {
    read(&ask(server, session, "auth0|stranger").body)["reason"] == "claimed_by_another_account"
}

/// Callers ask until the server is killed; neighbours want the same session for different accounts.
fn load(server: &Server, kill: usize, time: Duration) -> Load {
    let requests = AtomicUsize::new(0);
    let (stop, log, open) = (AtomicBool::new(false), Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = requests.fetch_add(1, Ordering::Relaxed);
                    let (session, account) = (format!("k{kill}-{}", number / ACCOUNTS), number % ACCOUNTS);
                    match server.try_post(&login(&session, &name(account), "A")).and_then(whole) {
                        Some(answer) => log.lock().unwrap().push((session, account, answer.body)),
                        None => drop(open.lock().unwrap().insert(session)),
                    }
                }
            });
        }
        std::thread::sleep(time);
        server.signal("KILL");
        stop.store(true, Ordering::Relaxed);
    });
    Load { log: log.into_inner().unwrap(), open: open.into_inner().unwrap() }
}

impl Tally {
    /// Asks the server that came after a kill for everything that was answered before it.
    fn answered(&mut self, server: &Server, log: &[(String, usize, String)]) {
        for (session, account, body) in log {
            self.other += usize::from(ask(server, session, &name(*account)).body != *body);
            self.lost += usize::from(!is_claimed(server, session));
            if read(body)["status"] == "transferred" {
                let before = self.owners.insert(session.clone(), *account);
                self.two += usize::from(before.is_some_and(|owner| owner != *account));
            }
        }
        self.answered += log.len();
    }

    /// Of the sessions that nobody was given, some are in the ledger: the kill fell behind the commit. The retry of the
    /// account that has one is answered, and no other.
    fn unanswered(&mut self, server: &Server, open: BTreeSet<String>) {
        let mut committed = 0;
        for session in open {
            if self.owners.contains_key(&session) || !is_claimed(server, &session) {
                continue;
            }
            let owners: Vec<usize> = (0..ACCOUNTS).filter(|account| is_given(server, &session, *account)).collect();
            self.lost += usize::from(owners.len() != 1);
            self.owners.extend(owners.into_iter().map(|owner| (session.clone(), owner)));
            committed += 1;
        }
        self.between += usize::from(committed > 0);
    }
}

#[test]
#[ignore = "kills a server 48 times: tests/run --all asks for it"]
fn nothing_answered_is_lost_when_the_server_is_killed() {
    let ledger = format!("file:{}", fresh("ledger/crash.redb"));
    let start = || {
        let arguments = ["--dev", "--listen", "127.0.0.1:0", "--ledger", &ledger];
        // a debug build holds each answer after its claim, so that kills fall there
        Server::start_with(&arguments, &[("HANDOVER_TEST_HOLD_MS", "20")])
    };
    let (mut random, mut tally) = (Random(40), Tally::default());
    for kill in 0..KILLS {
        let server = start();
        let Load { log, open } = load(&server, kill, Duration::from_millis(60 + random.below(200) as u64));
        drop(server.wait());
        assert!(!log.is_empty(), "kill {kill} came before an answer");
        let server = start();
        tally.answered(&server, &log);
        tally.unanswered(&server, open);
        server.signal("KILL");
        drop(server.wait());
    }
    // at the very end, every session is still its account's
    let server = start();
    for (session, owner) in tally.owners.iter().step_by(7) {
        let wrong = (0..ACCOUNTS).filter(|account| is_given(&server, session, *account) != (account == owner));
        tally.two += wrong.count();
    }
    let Tally { answered, lost, two, other, between, owners } = tally;
    println!(
        "{KILLS} kills, {answered} answered for {} sessions: {lost} lost, {two} with two accounts, {other} with other bytes, {between} kills between commit and answer",
        owners.len()
    );
    assert_eq!((lost, two, other), (0, 0, 0));
    assert!(
        !cfg!(debug_assertions) || between * 4 >= KILLS,
        "{between} of {KILLS} kills fell between commit and answer"
    );
}

#[test]
fn a_full_disk_is_no_answer_and_no_harm() {
    let folder = temporary("ledger/full/.keep", "");
    let folder = folder.trim_end_matches("/.keep").to_owned();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs", &folder]).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "a file system of our own cannot be mounted");
        println!("skipped: no file system of our own may be mounted here");
        return;
    }
    let _unmounted = Unmount(&folder);
    let ledger = format!("file:{folder}/handover.redb");
    let server = Server::start(&["--ledger", &ledger]);
    assert_eq!(read(&server.post(&login("before", "auth0|1", "A")).body)["status"], "transferred");
    let filler = format!("{folder}/filler");
    let fill = format!("head -c 4000000 /dev/zero > {filler} 2>/dev/null || true");
    assert!(Command::new("sh").args(["-c", &fill]).status().unwrap().success());
    // what fits into pages that are there is still written; then there is no answer
    let mut refused = 0;
    for number in 0..4_000 {
        let answer = server.post(&login(&format!("full{number}"), "auth0|1", "A"));
        assert!([200, 503].contains(&answer.status), "{answer:?}");
        refused += usize::from(answer.status == 503);
        if refused > 8 {
            break;
        }
    }
    assert!(refused > 8, "the disk was never full");
    assert_eq!(read(&server.post(&login("full", "auth0|1", "A")).body)["code"], json!("ledger_unavailable"));
    assert_eq!(server.get("/health/ready").status, 503);
    std::fs::remove_file(&filler).unwrap();
    let is_back = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        server.get("/health/ready").status == 200
    });
    assert!(is_back, "whole again when space returns");
    assert_eq!(read(&server.post(&login("before", "auth0|2", "A")).body)["reason"], "claimed_by_another_account");
    assert_eq!(read(&server.post(&login("after", "auth0|1", "A")).body)["status"], "transferred");
}

/// Takes the file system away, whatever came of the test.
struct Unmount<'a>(&'a str);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").args(["-l", self.0]).status());
    }
}
