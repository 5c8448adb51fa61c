//! A ledger in PostgreSQL, for replicas.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use deadpool_postgres::Transaction;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::sync::OnceCell;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls, Row};

use super::claim::{Claim, Digest, Entry, Known, Outcome};
use super::keys::NOBODY;
use super::{Access, Ledger, Millis, Pending, Unavailable};

/// What makes the table; it changes nothing where the table is there.
const MIGRATION: &str = include_str!("postgres.sql");
/// The lock under which one of several servers makes the table, or marks its keys: the bytes of `handover`.
const LOCK: &str = "select pg_advisory_xact_lock(x'68616e646f766572'::bit(64)::int8)";
/// What is there already: a hand-over that the account has needs no write.
const SELECT: &str = "select handover_key, account_key, extract(epoch from expires_at)::float8 * 1000 as ends \
    from owner where handover_key = any($1) and expires_at >= now()";
/// The account's, or nobody's, or an entry that ended: no row where another account holds it.
const CLAIM: &str = "insert into owner as c (handover_key, account_key, expires_at) \
    values ($1, $2, to_timestamp($3::float8 / 1000)) \
    on conflict (handover_key) do update set account_key = excluded.account_key, \
        expires_at = greatest(c.expires_at, excluded.expires_at) \
    where c.account_key = excluded.account_key or c.expires_at < now() returning 1";
const FORGET: &str = "delete from owner where handover_key = any($1) or account_key = any($1)";
/// A few at once, none that a login has taken over meanwhile: no delete holds up a claim.
const SWEEP: &str = "delete from owner where expires_at < now() and handover_key in \
    (select handover_key from owner where expires_at < now() limit 500 for update skip locked)";
/// The marks of keys.
const KEYS: &str = "select handover_key from owner where account_key = $1 and expires_at >= now()";
/// What every connection has, whatever the database says.
const SETTINGS: &str = "set synchronous_commit = on; set default_transaction_isolation = 'read committed'; \
    set statement_timeout = '1s'; set lock_timeout = '250ms'; set idle_in_transaction_session_timeout = '5s'";

/// Connections of this process.
const CONNECTIONS_MAX: usize = 16;
/// To a server that does not answer.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// Until a connection without an answer counts as dead.
const DEAD_AFTER: Duration = Duration::from_secs(5);

/// Entries in PostgreSQL.
pub struct PostgresLedger {
    pool: Pool,
    access: Access,
    /// Whether the table is known to be there.
    migrated: OnceCell<()>,
}

impl PostgresLedger {
    /// Reads the address; nothing is connected yet.
    ///
    /// # Errors
    /// It is no address of PostgreSQL, asks for TLS, or leads to another machine without saying that it may.
    pub fn new(url: &str, access: Access) -> Result<Self> {
        // an error of the parser may repeat the password
        let parsed: Option<Config> = url.parse().ok();
        let has_tls = parsed.as_ref().is_some_and(|config| config.get_ssl_mode() == SslMode::Require);
        if has_tls || url.contains("sslmode=verify") {
            bail!(
                "TLS to PostgreSQL is not supported yet: use `sslmode=disable` on a private network, or a TLS proxy beside the server"
            );
        }
        let mut config = parsed.context("expected `postgres://USER:PASSWORD@HOST:PORT/DATABASE`")?;
        config.connect_timeout(CONNECT_TIME).tcp_user_timeout(DEAD_AFTER).keepalives_idle(DEAD_AFTER);
        config.application_name("handover");
        let is_near = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        };
        if config.get_ssl_mode() != SslMode::Disable && !config.get_hosts().iter().all(is_near) {
            bail!(
                "connections to PostgreSQL would not be encrypted: on a private network, say so with `?sslmode=disable`"
            );
        }
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let settings = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .runtime(Runtime::Tokio1)
            .post_create(settings)
            .build()
            .context("no pool of connections")?;
        Ok(Self { pool, access, migrated: OnceCell::new() })
    }

    /// A connection, after the table is known to be there.
    async fn connect(&self) -> Result<Lease, Unavailable> {
        let migrate = async || {
            let late = |_| Unavailable("PostgreSQL: the table was not made in time".to_owned());
            tokio::time::timeout(CONNECT_TIME, self.migrate()).await.map_err(late)?
        };
        self.migrated.get_or_try_init(migrate).await?;
        self.lease().await
    }

    async fn lease(&self) -> Result<Lease, Unavailable> {
        let connected = self.pool.get().await.map_err(|error| match &error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => because(error),
            error => Unavailable::because(error),
        });
        Ok(Lease(Some(connected?)))
    }

    /// Makes the table where it is not there, one server at a time. A role that may not make tables can use one.
    async fn migrate(&self) -> Result<(), Unavailable> {
        const IS_THERE: &str = "select to_regclass('owner') is not null";
        let mut lease = self.lease().await?;
        let is_there = lease.client()?.query_one(IS_THERE, &[]).await.map_err(|error| because(&error))?;
        if is_there.get(0) {
            lease.done();
            return Ok(());
        }
        if self.access == Access::Use {
            return Err(Unavailable("PostgreSQL: this database has no table `owner`".to_owned()));
        }
        let transaction = lease.client()?.transaction().await.map_err(|error| because(&error))?;
        // several servers may start at once
        transaction.batch_execute("set local lock_timeout = '2s'").await.map_err(|error| because(&error))?;
        transaction.execute(LOCK, &[]).await.map_err(|error| because(&error))?;
        transaction.batch_execute(MIGRATION).await.map_err(|error| because(&error))?;
        transaction.commit().await.map_err(|error| because(&error))?;
        lease.done();
        Ok(())
    }

    async fn decide(&self, claim: &Claim) -> Result<Outcome, Unavailable> {
        let mut lease = self.connect().await?;
        let client = lease.client()?;
        let keys: Vec<&[u8]> = claim.entries().iter().map(|entry| &entry.hand_over[..]).collect();
        let select = client.prepare_cached(SELECT).await.map_err(|error| because(&error))?;
        let rows = client.query(&select, &[&keys]).await.map_err(|error| because(&error))?;
        let held = |entry: &Entry| rows.iter().find(|row| row.get::<_, &[u8]>(0) == entry.hand_over);
        let is_own = |entry: &Entry, row: &Row| row.get::<_, &[u8]>(1) == entry.account;
        let is_kept = |entry: &Entry| held(entry).is_some_and(|row| row.get::<_, f64>(2) >= double(entry.expires_at));
        let outcome = if claim.entries().iter().any(|entry| held(entry).is_some_and(|row| !is_own(entry, row))) {
            Outcome::Another
        } else if claim.entries().iter().all(is_kept) {
            Outcome::Kept
        } else {
            // all of them: what was read may have changed since
            let transaction = lease.client()?.transaction().await.map_err(|error| because(&error))?;
            write(transaction, claim.entries()).await?
        };
        lease.done();
        Ok(outcome)
    }

    async fn mark(&self, marks: &Claim) -> Result<Known, Unavailable> {
        let mut lease = self.connect().await?;
        let transaction = lease.client()?.transaction().await.map_err(|error| because(&error))?;
        // two servers with different keys do not both find an empty table
        transaction.execute(LOCK, &[]).await.map_err(|error| because(&error))?;
        let live = transaction.query(KEYS, &[&NOBODY.as_slice()]).await.map_err(|error| because(&error))?;
        let live: Vec<Digest> = live.iter().filter_map(|row| row.get::<_, &[u8]>(0).try_into().ok()).collect();
        let known = marks.known_by(&live);
        if known == Known::OthersOnly {
            transaction.rollback().await.map_err(|error| because(&error))?;
        } else {
            write(transaction, marks.entries()).await?;
        }
        lease.done();
        Ok(known)
    }

    async fn execute(&self, statement: &str, digests: Option<Vec<Digest>>) -> Result<u64, Unavailable> {
        let mut lease = self.connect().await?;
        let client = lease.client()?;
        let keys: Option<Vec<&[u8]>> = digests.as_ref().map(|all| all.iter().map(|digest| &digest[..]).collect());
        let removed = match &keys {
            Some(keys) => client.execute(statement, &[keys]).await,
            None => client.execute(statement, &[]).await,
        };
        let removed = removed.map_err(|error| because(&error))?;
        lease.done();
        Ok(removed)
    }
}

/// Whole milliseconds as the database's double holds them.
#[expect(clippy::cast_precision_loss, reason = "a double holds the milliseconds of 285 000 years")]
fn double(millis: Millis) -> f64 {
    millis as f64
}

/// Writes the entries in their order, all or none: a conflict on one decides.
async fn write(transaction: Transaction<'_>, entries: &[Entry]) -> Result<Outcome, Unavailable> {
    let statement = transaction.prepare_cached(CLAIM).await.map_err(|error| because(&error))?;
    for entry in entries {
        let (hand_over, account) = (&entry.hand_over[..], &entry.account[..]);
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&hand_over, &account, &double(entry.expires_at)];
        if transaction.query_opt(&statement, &parameters).await.map_err(|error| because(&error))?.is_none() {
            transaction.rollback().await.map_err(|error| because(&error))?;
            return Ok(Outcome::Another);
        }
    }
    transaction.commit().await.map_err(|error| because(&error))?;
    Ok(Outcome::Written)
}

/// What an operator has to look at, by SQLSTATE.
fn meaning(code: &SqlState) -> &'static str {
    match *code {
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "the role may not make the table `owner`, or not select, insert, update and delete in it"
        }
        SqlState::UNDEFINED_TABLE
        | SqlState::UNDEFINED_COLUMN
        | SqlState::UNDEFINED_FUNCTION
        | SqlState::DATATYPE_MISMATCH
        | SqlState::INVALID_COLUMN_REFERENCE => "the table `owner` is not the one of the ledger",
        SqlState::READ_ONLY_SQL_TRANSACTION => "the database only reads, as a replica does",
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the role or its password is refused"
        }
        SqlState::INVALID_CATALOG_NAME => "there is no such database",
        SqlState::TOO_MANY_CONNECTIONS => "all its connections are taken",
        SqlState::DISK_FULL => "its disk is full",
        SqlState::QUERY_CANCELED => "a statement took more than a second",
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => "it stops or starts",
        _ => "see its manual, appendix A",
    }
}

/// The error's kind, without what the database says of a row.
fn because(error: &tokio_postgres::Error) -> Unavailable {
    match error.code() {
        Some(code) => Unavailable(format!("PostgreSQL: {} (SQLSTATE {})", meaning(code), code.code())),
        None => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Unavailable(format!("PostgreSQL: {error}{cause}"))
        }
    }
}

/// A connection of the pool. One that nobody said was done with is closed: an answer may still be on its way to it.
struct Lease(Option<Object>);

impl Lease {
    fn client(&mut self) -> Result<&mut Object, Unavailable> {
        self.0.as_mut().ok_or_else(|| Unavailable("the connection is gone".to_owned()))
    }

    /// Gives the connection back to the pool.
    fn done(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

impl Ledger for PostgresLedger {
    fn claim(&self, claim: Claim, _now: Millis) -> Pending<'_, Outcome> {
        // the database's clock is the one that all replicas have
        Box::pin(async move {
            match self.decide(&claim).await {
                Err(_) => {
                    // a claim can be made twice; connections that a restart of the database left behind answer nobody
                    self.pool.retain(|_, _| false);
                    self.decide(&claim).await
                }
                decided => decided,
            }
        })
    }

    fn forget(&self, digests: Vec<Digest>) -> Pending<'_, u64> {
        Box::pin(self.execute(FORGET, Some(digests)))
    }

    fn sweep(&self, _now: Millis) -> Pending<'_, u64> {
        Box::pin(self.execute(SWEEP, None))
    }

    fn probe(&self, marks: Claim, _now: Millis) -> Pending<'_, Known> {
        Box::pin(async move {
            let written = self.mark(&marks).await;
            if written.is_err() {
                // connections that a failure left behind would fail one login each
                self.pool.retain(|_, _| false);
            }
            written
        })
    }
}
