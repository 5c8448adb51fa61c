//! A ledger in one file, for one process.
//!
//! One thread owns the file. It takes all claims that wait, decides them in one transaction, and answers when that is on
//! the disk: a flush is shared by as many logins as came during the last one.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadableTable, StorageError, TableDefinition, WriteTransaction};
use tokio::sync::oneshot;

use super::claim::{Claim, Digest, Entry, Held, Known, Outcome, Table, decide};
use super::open::unwritable;
use super::{Ledger, Millis, Pending, Unavailable};
use crate::files::{self, Stamp, shown};

/// By the hand-over: the account, and when the entry ends.
const OWNERS: TableDefinition<'_, &[u8; 32], (&[u8; 32], i64)> = TableDefinition::new("owner");
/// The hand-overs by the end of their entry.
const ENDS: TableDefinition<'_, (i64, &[u8; 32]), ()> = TableDefinition::new("ends");
/// The marks of keys, and when they end.
const KEYS: TableDefinition<'_, &[u8; 32], i64> = TableDefinition::new("key");

/// Claims that wait for the thread.
const WAITING_MAX: usize = 1_024;
/// Claims of one transaction.
const BATCH_MAX: usize = 256;
/// Entries that one sweep removes.
const SWEEP_MAX: usize = 500;
/// Pages of the file that are kept in memory.
const CACHE_BYTES: usize = 8 * 1_024 * 1_024;
/// Between two looks at the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// Entries in a file.
pub struct FileLedger {
    jobs: Sender<Job>,
}

/// What the thread is asked, and whom it answers.
enum Job {
    Claim(Claim, Millis, Reply<Outcome>),
    Forget(Vec<Digest>, Reply<u64>),
    Sweep(Millis, Reply<u64>),
    Probe(Claim, Millis, Reply<Known>),
}

type Reply<T> = oneshot::Sender<Result<T, Unavailable>>;

impl FileLedger {
    /// Opens the file, or makes it; waits for a process that has it open.
    ///
    /// # Errors
    /// Another process keeps it, or it cannot be read or written.
    pub fn open(path: &Path, wait: Duration) -> Result<Self> {
        if !path.exists() {
            let make = |file| Ok(builder().create_with_backend(FileBackend::new(file)?).map(drop)?);
            files::make_private(path, make).map_err(|error| unwritable(&error))?;
        }
        let (database, stamp) = locked(path, wait)?;
        let (jobs, asked) = bounded(WAITING_MAX);
        let store = Store { path: path.to_owned(), stamp, database: Some(database) };
        std::thread::Builder::new().name("ledger".to_owned()).spawn(move || store.work(&asked))?;
        Ok(Self { jobs })
    }

    fn ask<T: Send + 'static>(&self, job: impl FnOnce(Reply<T>) -> Job + Send + 'static) -> Pending<'_, T> {
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.try_send(job(reply));
        Box::pin(async move {
            sent.map_err(|error| match error {
                TrySendError::Full(_) => Unavailable("too many claims wait for the disk".to_owned()),
                TrySendError::Disconnected(_) => Unavailable("the ledger's thread has ended".to_owned()),
            })?;
            answer.await.map_err(|_| Unavailable("the ledger's file is damaged".to_owned()))?
        })
    }
}

impl Ledger for FileLedger {
    fn claim(&self, claim: Claim, now: Millis) -> Pending<'_, Outcome> {
        self.ask(move |reply| Job::Claim(claim, now, reply))
    }

    fn forget(&self, digests: Vec<Digest>) -> Pending<'_, u64> {
        self.ask(move |reply| Job::Forget(digests, reply))
    }

    fn sweep(&self, now: Millis) -> Pending<'_, u64> {
        self.ask(move |reply| Job::Sweep(now, reply))
    }

    fn probe(&self, marks: Claim, now: Millis) -> Pending<'_, Known> {
        self.ask(move |reply| Job::Probe(marks, now, reply))
    }
}

/// Opens the file once no other process has it.
fn locked(path: &Path, wait: Duration) -> Result<(Database, Stamp)> {
    let until = Instant::now() + wait;
    let mut is_said = false;
    loop {
        // redb panics on some damaged files
        match catch_unwind(|| opened(path)) {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(DatabaseError::DatabaseAlreadyOpen)) if Instant::now() < until => {
                if !std::mem::replace(&mut is_said, true) {
                    tracing::warn!("another process has the ledger's file: waiting up to 30 seconds for it");
                }
                std::thread::sleep(LOCK_PAUSE);
            }
            Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => bail!(
                "`{}` is open in another process, and only one may use it: stop that one, or use `--ledger postgres://…` for several",
                shown(path)
            ),
            Ok(Err(DatabaseError::Storage(StorageError::Io(error))))
                if !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
            {
                let opened = Err(error).with_context(|| format!("cannot open `{}`", shown(path)));
                return opened.map_err(|error| unwritable(&error));
            }
            Ok(Err(_)) | Err(_) => bail!(
                "`{}` is damaged, or is no ledger: restore its backup, or remove it to forget all its entries",
                shown(path)
            ),
        }
    }
}

/// The file that the path names, and which it is.
fn opened(path: &Path) -> Result<(Database, Stamp), DatabaseError> {
    let io = |error| DatabaseError::Storage(StorageError::Io(error));
    let file = files::open_to_change(path).map_err(io)?;
    let stamp = Stamp::of_open(&file).map_err(io)?;
    Ok((builder().create_with_backend(FileBackend::new(file)?)?, stamp))
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// What the thread owns.
struct Store {
    path: PathBuf,
    /// The file that was opened, with its length after the last change.
    stamp: Stamp,
    /// None after a failure: what the file holds must be read anew before it is trusted.
    database: Option<Database>,
}

impl Store {
    fn work(mut self, asked: &Receiver<Job>) {
        while let Ok(first) = asked.recv() {
            let waiting: Vec<Job> = std::iter::once(first).chain(asked.try_iter().take(BATCH_MAX - 1)).collect();
            // redb may panic on a file that was damaged from outside: whoever waits is told by the dropped answer
            let made = catch_unwind(AssertUnwindSafe(|| self.batch(waiting)));
            if made.is_err() {
                self.database = None;
            }
        }
    }

    fn batch(&mut self, waiting: Vec<Job>) {
        let mut claims = Vec::new();
        for job in waiting {
            match job {
                // a login that was told that nothing changes claims nothing
                Job::Claim(.., reply) if reply.is_closed() => {}
                Job::Claim(claim, now, reply) => claims.push((claim, now, reply)),
                Job::Forget(digests, reply) => answer(reply, self.forget(&digests)),
                Job::Sweep(now, reply) => answer(reply, self.sweep(now)),
                Job::Probe(marks, now, reply) => answer(reply, self.probe(&marks, now)),
            }
        }
        if !claims.is_empty() {
            self.claims(claims);
        }
    }

    /// Decides claims together; all of them are answered after they are on the disk, or none is.
    fn claims(&mut self, claims: Vec<(Claim, Millis, Reply<Outcome>)>) {
        let decided = self.change(|entries| {
            let outcomes: Vec<Outcome> =
                claims.iter().map(|(claim, now, _)| decide(claim, *now, entries)).collect::<Result<_, _>>()?;
            let writes = outcomes.contains(&Outcome::Written);
            Ok((outcomes, writes))
        });
        match decided {
            Ok(outcomes) => {
                for ((.., reply), outcome) in claims.into_iter().zip(outcomes) {
                    answer(reply, Ok(outcome));
                }
            }
            Err(error) => claims.into_iter().for_each(|(.., reply)| answer(reply, Err(error.clone()))),
        }
    }

    fn forget(&mut self, digests: &[Digest]) -> Result<u64, Unavailable> {
        self.change(|entries| {
            let mut found = Vec::new();
            for row in entries.owners.iter()? {
                let (hand_over, held) = row?;
                let (account, end) = held.value();
                if digests.contains(hand_over.value()) || digests.contains(account) {
                    found.push((*hand_over.value(), end));
                }
            }
            entries.remove(&found)?;
            Ok((found.len() as u64, !found.is_empty()))
        })
    }

    fn sweep(&mut self, now: Millis) -> Result<u64, Unavailable> {
        self.change(|entries| {
            let mut found = Vec::new();
            for row in entries.ends.range((i64::MIN, &[0; 32])..(now, &[0; 32]))?.take(SWEEP_MAX) {
                let (key, ()) = row.map(|(key, _)| (key, ()))?;
                let (end, hand_over) = key.value();
                found.push((*hand_over, end));
            }
            entries.remove(&found)?;
            Ok((found.len() as u64, !found.is_empty()))
        })
    }

    fn probe(&mut self, marks: &Claim, now: Millis) -> Result<Known, Unavailable> {
        self.transact(|transaction| {
            let mut keys = transaction.open_table(KEYS)?;
            let mut live = Vec::new();
            for row in keys.iter()? {
                let (mark, end) = row?;
                if end.value() >= now {
                    live.push(*mark.value());
                }
            }
            let known = marks.known_by(&live);
            if known == Known::OthersOnly {
                return Ok((known, false));
            }
            for mark in marks.entries() {
                let end = keys.get(&mark.hand_over)?.map_or(i64::MIN, |end| end.value());
                keys.insert(&mark.hand_over, end.max(mark.expires_at))?;
            }
            Ok((known, true))
        })
    }

    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Entries<'_>) -> Result<(T, bool), redb::Error>,
    ) -> Result<T, Unavailable> {
        self.transact(|transaction| {
            change(&mut Entries { owners: transaction.open_table(OWNERS)?, ends: transaction.open_table(ENDS)? })
        })
    }

    /// A transaction that is on the disk when it returns, if it changed something. After an error the file is opened anew:
    /// what memory holds of it is not trusted.
    fn transact<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<(T, bool), redb::Error>,
    ) -> Result<T, Unavailable> {
        // what is written into a file that nobody can open any more is lost
        let stamp = Stamp::of(&self.path).ok().filter(|stamp| stamp.continues(self.stamp));
        if stamp.is_none() {
            return Err(Unavailable(format!(
                "`{}` was removed, replaced or truncated: restore it, and restart the server",
                shown(&self.path)
            )));
        }
        let database = match self.database.take() {
            Some(database) => database,
            None => opened(&self.path).map_err(|error| Unavailable::because(&error))?.0,
        };
        let made = transact(&database, change);
        if made.is_ok() {
            self.database = Some(database);
            self.stamp = Stamp::of(&self.path).unwrap_or(self.stamp);
        }
        made.map_err(|error| Unavailable::because(&error))
    }
}

fn transact<T>(
    database: &Database,
    change: impl FnOnce(&WriteTransaction) -> Result<(T, bool), redb::Error>,
) -> Result<T, redb::Error> {
    let transaction = database.begin_write()?;
    let (made, writes) = change(&transaction)?;
    if writes {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(made)
}

/// Whoever asked may be gone.
fn answer<T>(reply: Reply<T>, made: Result<T, Unavailable>) {
    let _ = reply.send(made);
}

/// The tables in a transaction.
struct Entries<'t> {
    owners: redb::Table<'t, &'static [u8; 32], (&'static [u8; 32], i64)>,
    ends: redb::Table<'t, (i64, &'static [u8; 32]), ()>,
}

impl Entries<'_> {
    fn remove(&mut self, entries: &[(Digest, i64)]) -> Result<(), redb::Error> {
        for (hand_over, end) in entries {
            self.owners.remove(hand_over)?;
            self.ends.remove((*end, hand_over))?;
        }
        Ok(())
    }
}

impl Table for Entries<'_> {
    type Error = redb::Error;

    fn get(&self, hand_over: &Digest) -> Result<Option<Held>, redb::Error> {
        let held = self.owners.get(hand_over)?;
        Ok(held.map(|held| {
            let (account, expires_at) = held.value();
            Held { account: *account, expires_at }
        }))
    }

    fn put(&mut self, entry: Entry) -> Result<(), redb::Error> {
        let Entry { hand_over, account, expires_at } = entry;
        let before = self.owners.insert(&hand_over, (&account, expires_at))?.map(|held| held.value().1);
        if let Some(before) = before {
            self.ends.remove((before, &hand_over))?;
        }
        self.ends.insert((expires_at, &hand_over), ())?;
        Ok(())
    }
}
