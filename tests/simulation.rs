//! Histories of logins, retries, failures, restarts, expiry and forgetting, drawn at random: two servers with the guard, the
//! keys and the trait that `serve` has, on one scripted store and one clock of the test's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use handover::ledger::{
    Claim, Digest, Entry, Guarded, Held, Keys, Known, Ledger, Millis, Outcome, Owner, Pending, Unavailable, decide,
};

use crate::reader::Random;

/// Histories.
const HISTORIES: usize = 100_000;
/// Steps of each.
const STEPS: usize = 20;
/// Hand-overs and accounts of each.
const NAMES: usize = 3;
/// Two keys, written out so that every run is the same.
const KEYS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="];

/// What the store does with the next claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It answers.
    Answer,
    /// It fails, and has written nothing.
    Fail,
    /// It has written, and its answer is lost.
    Lose,
}

type Rows = BTreeMap<Digest, Held>;

/// A store whose failures the test decides. What it holds is what is on the disk.
#[derive(Clone)]
struct Scripted(Arc<Mutex<(Rows, Fate, usize)>>);

impl Ledger for Scripted {
    fn claim(&self, claim: Claim, now: Millis) -> Pending<'_, Outcome> {
        Box::pin(async move {
            let (rows, fate, writes) = &mut *self.0.lock().unwrap();
            if *fate == Fate::Fail {
                return Err(Unavailable("failed".to_owned()));
            }
            let Ok(outcome) = decide(&claim, now, rows);
            *writes += usize::from(outcome == Outcome::Written);
            if *fate == Fate::Lose { Err(Unavailable("lost".to_owned())) } else { Ok(outcome) }
        })
    }

    fn forget(&self, digests: Vec<Digest>) -> Pending<'_, u64> {
        Box::pin(async move {
            let rows = &mut self.0.lock().unwrap().0;
            rows.retain(|own, held| !digests.contains(own) && !digests.contains(&held.account));
            Ok(0)
        })
    }

    fn sweep(&self, now: Millis) -> Pending<'_, u64> {
        Box::pin(async move {
            self.0.lock().unwrap().0.retain(|_, held| held.expires_at >= now);
            Ok(0)
        })
    }

    fn probe(&self, _marks: Claim, _now: Millis) -> Pending<'_, Known> {
        Box::pin(async { Ok(Known::All) })
    }
}

/// The keys that two servers have side by side, in the three stages of a key change.
fn stages() -> [[Keys; 2]; 3] {
    let keys = |text: &str| Keys::parse(text).unwrap();
    let [old, new] = KEYS;
    let (one, both) = (keys(old), keys(&format!("{old} {new}")));
    let (other, last) = (keys(&format!("{new} {old}")), keys(new));
    [[one, both.clone()], [both, other.clone()], [other, last]]
}

#[derive(Default)]
struct Counts {
    answered: usize,
    retried: usize,
    turned_away: usize,
    failed: usize,
    restarted: usize,
}

#[test]
fn no_history_gives_a_hand_over_to_two_accounts() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stages, mut random, mut counts) = (stages(), Random(18), Counts::default());
    runtime.block_on(async {
        for number in 0..HISTORIES {
            history(number, &stages[number % stages.len()], &mut random, &mut counts).await;
        }
    });
    let Counts { answered, retried, turned_away, failed, restarted } = counts;
    println!(
        "{HISTORIES} histories: {answered} answered, {retried} of them retries, {turned_away} turned away, {failed} failed, {restarted} restarts"
    );
    assert!(retried > 50_000 && turned_away > 100_000 && failed > 100_000 && restarted > 50_000);
}

async fn history(number: usize, keys: &[Keys; 2], random: &mut Random, counts: &mut Counts) {
    let store = Scripted(Arc::new(Mutex::new((Rows::new(), Fate::Answer, 0))));
    let server = |index: usize| Guarded::new(Box::new(store.clone()), keys[index].clone());
    let mut servers = [server(0), server(1)];
    let mut now = 0;
    // by hand-over: who was answered that it is theirs, and until when at least
    let mut owners: BTreeMap<usize, (usize, Millis)> = BTreeMap::new();
    for _ in 0..STEPS {
        let (hand_over, account, index) = (random.below(NAMES), random.below(NAMES), random.below(2));
        match random.below(16) {
            0 | 1 => now += i64::try_from(random.below(40)).unwrap(),
            2 => {
                servers[index] = server(index);
                counts.restarted += 1;
            }
            3 => drop(store.sweep(now).await),
            4 => {
                // with both keys, as OPERATIONS says of a key change
                let both = Keys::parse(&KEYS.join(" ")).unwrap();
                drop(store.forget(both.of_hand_over(&hand_over.to_string())).await);
                owners.remove(&hand_over);
            }
            5 => {
                let both = Keys::parse(&KEYS.join(" ")).unwrap();
                drop(store.forget(both.of_account(&account.to_string())).await);
                owners.retain(|_, (owner, _)| *owner != account);
            }
            6 => servers[index].check(now).await,
            draw => {
                let fate = [Fate::Fail, Fate::Lose, Fate::Answer][usize::from(draw > 8) + usize::from(draw > 7)];
                store.0.lock().unwrap().1 = fate;
                let end = now + 20 + i64::try_from(random.below(20)).unwrap();
                let claim = keys[index].claim(&hand_over.to_string(), &account.to_string(), end);
                let before = store.0.lock().unwrap().2;
                let answer = servers[index].claim(claim.clone(), now).await;
                let wrote = store.0.lock().unwrap().2 > before;
                let known = owners.get(&hand_over).filter(|(_, until)| *until >= now).copied();
                match (answer, known) {
                    (Ok(Owner::This), known) => {
                        // I2, I3: nobody else was answered before
                        assert!(known.is_none_or(|(owner, _)| owner == account), "two accounts, history {number}");
                        // I4: what is answered is in the store
                        let rows = &store.0.lock().unwrap().0;
                        let is_held = |entry: &Entry| {
                            rows.get(&entry.hand_over).is_some_and(|held| {
                                held.account == entry.account && held.expires_at >= entry.expires_at.min(end)
                            })
                        };
                        assert!(claim.entries().iter().all(is_held), "an answer without its entry, history {number}");
                        counts.answered += 1;
                        counts.retried += usize::from(known.is_some());
                        let until = known.map_or(end, |(_, until)| until.max(end));
                        owners.insert(hand_over, (account, until));
                    }
                    (Ok(Owner::Another), known) => {
                        // I1, I5: a retry is answered as the login was
                        assert!(known.is_none_or(|(owner, _)| owner != account), "an owner was turned away, {number}");
                        assert!(!wrote, "who is turned away writes nothing, history {number}");
                        counts.turned_away += 1;
                    }
                    (Err(_), _) => counts.failed += 1,
                }
            }
        }
    }
    // I6: no row holds a name that somebody could read
    for (hand_over, held) in &store.0.lock().unwrap().0 {
        let bytes = [hand_over.as_slice(), held.account.as_slice()].concat();
        assert!(!bytes.windows(5).any(|part| part == b"auth0" || part == b"anon@"));
    }
}
