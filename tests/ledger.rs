//! Which account a hand-over belongs to: races on every store, keys that change, stores that fail, servers that share one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use handover::ledger::{Access, FileLedger, Keys, Known, Ledger, MemoryLedger, Outcome, Owner, PostgresLedger};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::binary::{Server, command, temporary};
use crate::postgres::Postgres;

/// Hand-overs that accounts race for.
const HAND_OVERS: usize = 300;
/// Accounts that want each.
const ACCOUNTS: usize = 8;
/// Claims at once.
const AT_ONCE: usize = 32;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A store with the keys that a server has.
type Store = (Arc<dyn Ledger>, Keys);

async fn claim((ledger, keys): &Store, hand_over: usize, account: usize) -> Option<Owner> {
    let end = now() + 3_600_000;
    let claim = keys.claim(&format!("anon@{hand_over}"), &format!("auth0|{account}"), end);
    // as a login waits
    let outcome = tokio::time::timeout(Duration::from_millis(250), ledger.claim(claim, now())).await.ok()?.ok()?;
    Some(outcome.owner())
}

/// All accounts want all hand-overs, through these stores in turn. Gives the winners of each hand-over.
async fn race(stores: &[Store]) -> Vec<Vec<usize>> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut all = Vec::new();
    for hand_over in 0..HAND_OVERS {
        for account in 0..ACCOUNTS {
            let store = stores[(hand_over + account) % stores.len()].clone();
            let place = Arc::clone(&places).acquire_owned().await.unwrap();
            all.push(tokio::spawn(async move {
                let owner = claim(&store, hand_over, account).await;
                drop(place);
                (hand_over, account, owner)
            }));
        }
    }
    let mut winners = vec![Vec::new(); HAND_OVERS];
    for one in all {
        let (hand_over, account, owner) = one.await.unwrap();
        if owner == Some(Owner::This) {
            winners[hand_over].push(account);
        }
    }
    winners
}

/// Each hand-over has one winner, who finds its own entry again; nobody else gets it.
fn one_winner_each(name: &str, stores: &[Store]) {
    runtime().block_on(async {
        let start = Instant::now();
        let winners = race(stores).await;
        let two = winners.iter().filter(|won| won.len() > 1).count();
        let none = winners.iter().filter(|won| won.is_empty()).count();
        println!("{name}: {HAND_OVERS} hand-overs, {ACCOUNTS} accounts, {AT_ONCE} at once: {two} with two winners, {none} without, {:?}", start.elapsed());
        assert_eq!((two, none), (0, 0), "{name}");
        for (hand_over, won) in winners.iter().enumerate() {
            for store in stores {
                assert_eq!(claim(store, hand_over, won[0]).await, Some(Owner::This), "{name} {hand_over}");
                assert_eq!(claim(store, hand_over, won[0] + 1).await, Some(Owner::Another), "{name} {hand_over}");
            }
        }
    });
}

pub(crate) fn fresh(name: &str) -> String {
    let path = temporary(name, "");
    std::fs::remove_file(&path).unwrap();
    path
}

#[test]
fn one_account_wins_in_memory() {
    one_winner_each("memory", &[(Arc::new(MemoryLedger::default()), Keys::random().unwrap())]);
}

#[test]
fn one_account_wins_in_a_file() {
    let path = fresh("ledger/race.redb");
    let ledger = FileLedger::open(path.as_ref(), Duration::ZERO).unwrap();
    one_winner_each("file", &[(Arc::new(ledger), Keys::random().unwrap())]);
    println!("file: {} bytes for {HAND_OVERS} entries", std::fs::metadata(path).unwrap().len());
}

#[test]
fn one_account_wins_in_postgres_whatever_keys_the_servers_have() {
    let Some(postgres) = Postgres::start() else { return };
    let ledger = || Arc::new(PostgresLedger::new(&postgres.url(), Access::Make).unwrap()) as Arc<dyn Ledger>;
    let (old, new) = (Keys::random().unwrap().to_text(), Keys::random().unwrap().to_text());
    let keys = |text: &str| Keys::parse(text).unwrap();
    let one = keys(&old);
    one_winner_each("postgres", &[(ledger(), one.clone()), (ledger(), one.clone())]);
    assert_eq!(postgres.sql("select count(*) from owner"), HAND_OVERS.to_string());
    let bytes = postgres.sql("select pg_total_relation_size('owner')");
    println!("postgres: {bytes} bytes for {HAND_OVERS} entries");
    postgres.sql("truncate owner");
    // a rolling update: the key that goes, both in either order, and the key that comes
    let both = [keys(&format!("{old} {new}")), keys(&format!("{new} {old}"))];
    let [first, second] = both;
    one_winner_each("postgres, keys change", &[(ledger(), one), (ledger(), first), (ledger(), second)]);
    // no row holds an id that somebody could read
    let rows = postgres.sql("select encode(handover_key, 'escape') || encode(account_key, 'escape') from owner");
    assert!(!rows.contains("anon@") && !rows.contains("auth0|"));
}

/// How many hand-overs have a winner in some round.
fn answered(rounds: &[Vec<Vec<usize>>]) -> usize {
    (0..HAND_OVERS).filter(|hand_over| rounds.iter().any(|round| !round[*hand_over].is_empty())).count()
}

/// What happens to a database while accounts race: it is frozen, its connections are cut, it crashes.
fn harm(postgres: &mut Postgres, is_over: &AtomicBool) -> usize {
    const CUT: &str = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'handover'";
    let mut harms = 0;
    while !is_over.load(Ordering::Relaxed) && harms < 60 {
        match harms % 6 {
            0..=2 => drop(postgres.sql(CUT)),
            3 | 4 => {
                postgres.signal("STOP");
                // longer than a login waits: what is cut off there may still be committed
                std::thread::sleep(Duration::from_millis(400));
                postgres.signal("CONT");
            }
            _ => postgres.restart(),
        }
        std::thread::sleep(Duration::from_millis(20));
        harms += 1;
    }
    harms
}

#[test]
fn no_failure_of_the_database_gives_a_hand_over_to_two_accounts() {
    let Some(mut postgres) = Postgres::start() else { return };
    let keys = Keys::random().unwrap();
    let ledger = || Arc::new(PostgresLedger::new(&postgres.url(), Access::Make).unwrap()) as Arc<dyn Ledger>;
    let stores = [(ledger(), keys.clone()), (ledger(), keys)];
    let is_over = AtomicBool::new(false);
    let (rounds, harms) = std::thread::scope(|scope| {
        let harming = scope.spawn(|| harm(&mut postgres, &is_over));
        let mut rounds: Vec<Vec<Vec<usize>>> = Vec::new();
        // a slow machine needs more rounds until most hand-overs have an answer
        while rounds.len() < 4 || (rounds.len() < 20 && answered(&rounds) <= HAND_OVERS / 2) {
            rounds.push(runtime().block_on(race(&stores)));
        }
        is_over.store(true, Ordering::Relaxed);
        (rounds, harming.join().unwrap())
    });
    // whoever was ever answered has the hand-over, and nobody else
    runtime().block_on(async {
        let (mut two, mut lost) = (0, 0);
        for hand_over in 0..HAND_OVERS {
            let won: BTreeSet<usize> = rounds.iter().flat_map(|round| round[hand_over].clone()).collect();
            two += usize::from(won.len() > 1);
            for account in won {
                lost += usize::from(settled(&stores[0], hand_over, account).await != Owner::This);
                lost += usize::from(settled(&stores[1], hand_over, account + 1).await != Owner::Another);
            }
        }
        let answered = answered(&rounds);
        println!(
            "postgres, {harms} failures: {answered} of {HAND_OVERS} answered, {two} with two winners, {lost} lost"
        );
        assert_eq!((two, lost), (0, 0));
        assert!(harms > 5 && answered > HAND_OVERS / 2, "{harms} failures, {answered} answered");
    });
}

/// What a store says once it answers again.
async fn settled(store: &Store, hand_over: usize, account: usize) -> Owner {
    for _ in 0..100 {
        if let Some(owner) = claim(store, hand_over, account).await {
            return owner;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the database does not answer");
}

#[test]
fn one_account_wins_in_a_database_that_is_given() {
    let Some(url) = Postgres::given() else { return };
    let keys = Keys::random().unwrap();
    let ledger = || Arc::new(PostgresLedger::new(&url, Access::Make).unwrap()) as Arc<dyn Ledger>;
    one_winner_each("HANDOVER_TEST_POSTGRES", &[(ledger(), keys.clone()), (ledger(), keys)]);
}

#[test]
fn an_entry_ends_is_forgotten_and_swept() {
    let postgres = Postgres::start();
    let mut stores: Vec<(&str, Arc<dyn Ledger>)> = vec![
        ("memory", Arc::new(MemoryLedger::default())),
        ("file", Arc::new(FileLedger::open(fresh("ledger/ends.redb").as_ref(), Duration::ZERO).unwrap())),
    ];
    if let Some(postgres) = &postgres {
        stores.push(("postgres", Arc::new(PostgresLedger::new(&postgres.url(), Access::Make).unwrap())));
    }
    let keys = Keys::random().unwrap();
    for (name, ledger) in stores {
        runtime().block_on(async {
            let claims =
                |hand_over: &str, account: &str, end: i64| ledger.claim(keys.claim(hand_over, account, end), now());
            // one that has ended is nobody's
            assert_eq!(claims("a", "1", now() - 1).await, Ok(Outcome::Written), "{name}");
            assert_eq!(claims("a", "2", now() + 60_000).await, Ok(Outcome::Written), "{name}");
            assert_eq!(claims("a", "1", now() + 60_000).await, Ok(Outcome::Another), "{name}");
            // forgotten: by the session, by the account
            assert_eq!(ledger.forget(keys.of_hand_over("a")).await, Ok(1), "{name}");
            assert_eq!(claims("a", "1", now() + 60_000).await, Ok(Outcome::Written), "{name}");
            assert_eq!(claims("b", "1", now() + 60_000).await, Ok(Outcome::Written), "{name}");
            assert_eq!(ledger.forget(keys.of_account("1")).await, Ok(2), "{name}");
            assert_eq!(ledger.forget(keys.of_account("1")).await, Ok(0), "{name}");
            // swept: only what has ended
            assert_eq!(claims("c", "1", now() - 1).await, Ok(Outcome::Written), "{name}");
            assert_eq!(claims("d", "1", now() + 60_000).await, Ok(Outcome::Written), "{name}");
            assert_eq!(ledger.sweep(now()).await, Ok(1), "{name}");
            assert_eq!(claims("d", "2", now() + 60_000).await, Ok(Outcome::Another), "{name}");
            // a retry writes nothing, and one whose session lives longer prolongs its entry
            assert_eq!(claims("e", "1", now() + 100).await, Ok(Outcome::Written), "{name}");
            let end = now() + 60_000;
            assert_eq!(claims("e", "1", end).await, Ok(Outcome::Written), "{name}");
            assert_eq!(claims("e", "1", end).await, Ok(Outcome::Kept), "{name}");
            tokio::time::sleep(Duration::from_millis(150)).await;
            assert_eq!(ledger.sweep(now()).await, Ok(0), "{name}");
            assert_eq!(claims("e", "2", end).await, Ok(Outcome::Another), "{name}");
            // keys that the ledger has seen, beside others or not, are known; others alone are not, and what forgets leaves
            // no mark
            let (new, strange) = (Keys::random().unwrap(), Keys::random().unwrap());
            let both = Keys::parse(&format!("{} {}", keys.to_text(), new.to_text())).unwrap();
            let probe = |keys: &Keys, end: i64| ledger.probe(keys.marks(now() + end), now());
            let lives = name != "memory";
            assert_eq!(probe(&strange, -1).await, Ok(Known::All), "{name}");
            for own in [&keys, &keys, &both] {
                assert_eq!(probe(own, 60_000).await, Ok(Known::All), "{name}");
            }
            let one_of_two = if lives { Known::OthersToo } else { Known::All };
            assert_eq!(probe(&new, 60_000).await, Ok(one_of_two), "{name}");
            let none_of_two = if lives { Known::OthersOnly } else { Known::All };
            assert_eq!(probe(&strange, 60_000).await, Ok(none_of_two), "{name}");
        });
    }
}

/// A login of an account with a cart of one line, in the session of a device.
pub(crate) fn login(session: &str, account: &str, sku: &str) -> Vec<u8> {
    let body = json!({
        "id": format!("tx_{session}_{account}"), "trigger": "login", "at": "2026-11-23T10:00:00Z",
        "account": { "id": account, "app_metadata": {}, "user_metadata": {} },
        "anonymous_session": {
            "id": format!("anon@{session}"), "created_at": "2026-11-22T10:00:00Z", "expires_at": "2026-12-22T10:00:00Z",
            "metadata": { "cart": { "currency": "EUR", "items": [ { "sku": sku, "qty": 1 } ] } }
        }
    });
    body.to_string().into_bytes()
}

pub(crate) fn read(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

#[test]
fn a_file_keeps_what_was_answered_and_is_one_process_s() {
    let path = fresh("ledger/serve.redb");
    drop(std::fs::remove_file(format!("{path}.key")));
    let ledger = format!("file:{path}");
    // nothing to forget where nothing is
    let nothing = command(&["ledger", "forget", "--account", "auth0|1", "--ledger", &ledger]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    let server = Server::start(&["--ledger", &ledger]);
    let first = server.post(&login("s1", "auth0|1", "A"));
    assert_eq!(read(&first.body)["status"], "transferred");
    // the same login again: the same bytes; another account on the device: nothing
    assert_eq!(server.post(&login("s1", "auth0|1", "A")).body, first.body);
    let second = read(&server.post(&login("s1", "auth0|2", "A")).body);
    assert_eq!((&second["status"], &second["reason"]), (&json!("skipped"), &json!("claimed_by_another_account")));
    assert_eq!((&second["commands"], &second["findings"]), (&json!([]), &json!([])));
    let mode = std::fs::metadata(format!("{path}.key")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
    // another process waits for the file, and is refused
    let start = Instant::now();
    let refused = command(&["serve", "--dev", "--listen", "127.0.0.1:0", "--ledger", &ledger]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("open in another process") && error.contains("postgres://"), "{error}");
    assert!(start.elapsed() > Duration::from_secs(25), "it waits for a rolling update");
    server.signal("KILL");
    drop(server.wait());
    let server = Server::start(&["--ledger", &ledger]);
    assert_eq!(server.post(&login("s1", "auth0|1", "A")).body, first.body, "after a crash");
    assert_eq!(read(&server.post(&login("s1", "auth0|2", "A")).body)["status"], "skipped");
    server.terminate();
    drop(server.wait());
    let forgot = command(&["ledger", "forget", "--account", "auth0|1", "--ledger", &ledger]).output().unwrap();
    assert_eq!(String::from_utf8(forgot.stdout).unwrap(), "forgot 1 entry\n");
    let server = Server::start(&["--ledger", &ledger]);
    assert_eq!(read(&server.post(&login("s1", "auth0|2", "A")).body)["status"], "transferred");
    server.terminate();
    drop(server.wait());
    // a ledger without its key is not begun anew
    std::fs::remove_file(format!("{path}.key")).unwrap();
    let refused = command(&["serve", "--dev", "--listen", "127.0.0.1:0", "--ledger", &ledger]).output().unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && error.contains("serve.redb.key` is missing"), "{error}");
}

/// What `serve` says of a ledger that it refuses.
#[track_caller]
fn refused(ledger: &str, environment: &[(&str, &str)]) -> String {
    let mut serve = command(&["serve", "--dev", "--listen", "127.0.0.1:0", "--ledger", ledger]);
    let output = serve.envs(environment.iter().copied()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    error
}

#[test]
fn a_file_that_is_removed_replaced_or_cut_short_gives_no_answers() {
    let (path, other) = (fresh("ledger/gone.redb"), fresh("ledger/other.redb"));
    for beside in [&path, &other] {
        drop(std::fs::remove_file(format!("{beside}.key")));
    }
    let ledger = format!("file:{path}");
    let server = Server::start(&["--ledger", &ledger]);
    let status = |session: &str| server.post(&login(session, "auth0|1", "A")).status;
    assert_eq!((status("s1"), mode(&path)), (200, 0o600));
    // away, and back
    std::fs::rename(&path, format!("{path}.away")).unwrap();
    assert_eq!((status("s1"), status("s2")), (503, 503));
    drop(FileLedger::open(other.as_ref(), Duration::ZERO).unwrap());
    std::fs::copy(&other, &path).unwrap();
    assert_eq!(status("s2"), 503, "another file is in its place");
    std::fs::rename(format!("{path}.away"), &path).unwrap();
    assert_eq!(status("s1"), 200);
    // where a part is damaged, redb goes back by one commit, as it does after a power cut in the middle of one
    assert_eq!((status("later"), status("last")), (200, 200));
    let whole = std::fs::read(&path).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(8_192).unwrap();
    assert_eq!(status("s3"), 503, "it is short");
    for _ in 0..5 {
        status("s3");
    }
    assert_eq!(server.get("/health/ready").status, 503);
    server.signal("KILL");
    assert!(server.wait().1.contains("was removed, replaced or truncated"));
    let error = refused(&ledger, &[]);
    assert!(error.contains("is damaged"), "{error}");
    for at in (0..whole.len()).step_by(1_000) {
        let mut damaged = whole.clone();
        damaged.iter_mut().skip(at).take(3_000).for_each(|byte| *byte = !*byte);
        std::fs::write(&path, damaged).unwrap();
        let server = Server::try_start(&["--dev", "--listen", "127.0.0.1:0", "--ledger", &ledger]);
        // what it can still read is what it answered; it never begins anew
        let Some(server) = server else { continue };
        let stranger = server.post(&login("s1", "auth0|2", "A"));
        assert!(stranger.status == 503 || read(&stranger.body)["status"] == "skipped", "at byte {at}: {stranger:?}");
    }
    std::fs::write(&path, "").unwrap();
    assert!(refused(&ledger, &[]).contains("is empty"));
}

fn mode(path: &str) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn entries_under_other_keys_are_not_forgotten_in_silence() {
    let path = fresh("ledger/keys.redb");
    let (one, two) = (Keys::random().unwrap().to_text(), Keys::random().unwrap().to_text());
    let both = format!("{one} {two}");
    let postgres = Postgres::start();
    let urls = [Some(format!("file:{path}")), postgres.as_ref().map(Postgres::url)];
    for ledger in urls.iter().flatten() {
        let serve = |key: &str| {
            let arguments = ["--dev", "--listen", "127.0.0.1:0", "--ledger", ledger];
            let server = Server::start_with(&arguments, &[("HANDOVER_LEDGER_KEY", key)]);
            let answer = read(&server.post(&login("s1", "auth0|1", "A")).body);
            server.terminate();
            drop(server.wait());
            answer["status"].clone()
        };
        let forget = |key: &str| {
            let mut forget = command(&["ledger", "forget", "--account", "auth0|1", "--ledger", ledger]);
            let output = forget.env("HANDOVER_LEDGER_KEY", key).output().unwrap();
            (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
        };
        assert_eq!(serve(&one), "transferred");
        assert!(refused(ledger, &[("HANDOVER_LEDGER_KEY", &two)]).contains("under another key"), "{ledger}");
        let (code, text) = forget(&two);
        assert!(code != Some(0) && text.contains("under a key that is not given"), "{text}");
        // the change that the page describes
        assert_eq!((serve(&both), serve(&two)), (json!("transferred"), json!("transferred")));
        assert_eq!(forget(&two).0, Some(1), "an entry under the other key would stay");
        assert_eq!(forget(&both), (Some(0), "forgot 2 entries\n".to_owned()));
    }
}

#[test]
fn a_role_that_only_uses_the_table_can_be_the_ledger_s() {
    let Some(postgres) = Postgres::start() else { return };
    postgres.sql("create role app login");
    let url = postgres.url().replace("handover@", "app@");
    let (keys, end) = (Keys::random().unwrap(), now() + 60_000);
    let claim = |url: &str| {
        let ledger = PostgresLedger::new(url, Access::Make).unwrap();
        runtime().block_on(ledger.claim(keys.claim("a", "1", end), now()))
    };
    let error = claim(&url).unwrap_err().0;
    assert!(error.contains("may not make the table") && error.contains("42501"), "{error}");
    assert_eq!(claim(&postgres.url()), Ok(Outcome::Written));
    postgres.sql("grant select, insert, update, delete on owner to app");
    assert_eq!(claim(&url), Ok(Outcome::Kept));
    postgres
        .sql("drop table owner; create table owner (handover_key bytea, account_key bytea, expires_at timestamptz)");
    let error = claim(&postgres.url()).unwrap_err().0;
    assert!(error.contains("is not the one of the ledger"), "{error}");
}

#[test]
fn what_cannot_be_a_ledger_is_refused_with_the_choices() {
    for (ledger, why) in [
        ("file:/proc/handover.redb", "choose `--ledger file:PATH`"),
        ("mysql://x", "`memory`, `file:PATH`, `postgres://…` or `none`"),
        ("postgres://u:secret@h/d", "HANDOVER_LEDGER_KEY"),
        ("file:", "takes `memory`, `file:PATH`"),
        ("postgres://u:secret@h/d?sslmode=verify-full", "TLS to PostgreSQL is not supported yet"),
        ("postgres://u:secret@h/d", "?sslmode=disable"),
        ("postgres:///d?host=h&password=a@secret", "?sslmode=disable"),
    ] {
        let key = Keys::random().unwrap().to_text();
        let key = [("HANDOVER_LEDGER_KEY", key.as_str())];
        let error = refused(ledger, if why == "HANDOVER_LEDGER_KEY" { &[] } else { &key });
        assert!(error.contains(why) && !error.contains("secret"), "{ledger}: {error}");
    }
}

#[test]
fn an_answer_without_effect_needs_no_entry() {
    let server = Server::start(&["--ledger", "memory"]);
    // nothing of an empty cart is written, and nothing is left behind
    let empty = |account: &str| {
        let mut body = read(&String::from_utf8(login("s1", account, "A")).unwrap());
        body["anonymous_session"]["metadata"] = json!({});
        body.to_string().into_bytes()
    };
    assert_eq!(read(&server.post(&empty("auth0|1")).body)["status"], "unchanged");
    assert_eq!(read(&server.post(&login("s1", "auth0|2", "A")).body)["status"], "transferred");
    // what keeps the session is claimed, although nothing is written
    let left = |account: &str| {
        let mut body = read(&String::from_utf8(login("s2", account, "A")).unwrap());
        body["account"]["app_metadata"] = json!({ "cart": "a text" });
        body.to_string().into_bytes()
    };
    let kept = read(&server.post(&left("auth0|1")).body);
    assert_eq!((&kept["status"], &kept["findings"][0]["action"]), (&json!("unchanged"), &json!("keep")), "{kept}");
    assert_eq!(read(&server.post(&login("s2", "auth0|2", "A")).body)["reason"], "claimed_by_another_account");
}

#[test]
fn an_open_policy_goes_on_without_the_ledger_and_keeps_the_session() {
    let Some(mut postgres) = Postgres::start() else { return };
    let policy = r#"{ "name": "shop", "session": { "ledger": "open", "lifetime": "30d", "max_age": "30d" },
        "rules": [ { "name": "theme", "to": "user_metadata.theme", "merge": "anonymous" } ] }"#;
    let folder = temporary("ledger/open/policy.json", policy);
    temporary("ledger/open/theme.schema.json", r#"{ "enum": ["light", "dark"] }"#);
    let folder = folder.trim_end_matches("/policy.json");
    let (key, url) = (Keys::random().unwrap().to_text(), postgres.url());
    let environment = [("HANDOVER_LEDGER_KEY", key.as_str()), ("HANDOVER_LEDGER", url.as_str())];
    let server = Server::start_with(&["--dev", "--listen", "127.0.0.1:0", "--rules", folder], &environment);
    let body = |session: &str| {
        let mut body = read(&String::from_utf8(login(session, "auth0|1", "A")).unwrap());
        body["anonymous_session"]["metadata"] = json!({ "theme": "dark" });
        body.to_string().into_bytes()
    };
    let commands = |answer: &Value| answer["commands"].as_array().unwrap().len();
    let whole = read(&server.post(&body("s1")).body);
    assert_eq!((commands(&whole), whole["findings"].clone()), (2, json!([])), "{whole}");
    postgres.stop();
    let open = read(&server.post(&body("s2")).body);
    assert_eq!((open["status"].clone(), commands(&open)), (json!("transferred"), 1), "{open}");
    assert_eq!(
        (&open["findings"][0]["keyword"], &open["findings"][0]["action"]),
        (&json!("ledger_open"), &json!("keep"))
    );
    for _ in 0..6 {
        assert_eq!(server.post(&body("s2")).status, 200);
    }
    assert_eq!(server.get("/health/ready").status, 200, "an open policy is ready without its ledger");
    postgres.resume();
}
