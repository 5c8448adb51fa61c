//! What all requests share: the compiled rules, the callers' secrets, the bounds, whether the server is ready.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use handover_engine::policy::LedgerPolicy;
use handover_engine::ruleset::RuleSet;
use tokio::sync::Semaphore;

use crate::auth::Secrets;
use crate::config::{self, SecretsFrom};
use crate::files;
use crate::ledger::Guarded;
use crate::pool::Pool;
use crate::token::KeyCache;

/// Logins that are worked on at once, once their head and body are whole.
const LOGINS_MAX: usize = 256;
/// Logins that wait for a thread, for each one.
const WAITING_PER_THREAD: usize = 8;
/// KiB of all their bodies that are being read.
const LOGIN_BODIES_KIB_MAX: usize = 64 * 1_024;
/// Callers of `/v1/authorize` that are worked on at once.
const CALLERS_MAX: usize = 64;
/// KiB of all their bodies that are being read.
const CALLER_BODIES_KIB_MAX: usize = 16 * 1_024;
/// Threads that work for them: whatever they ask, logins have the others.
const CALLER_THREADS: usize = 1;

/// What requests of one kind share among themselves, and with no other kind.
pub struct Lane {
    /// Places of requests that are whole.
    pub places: Semaphore,
    /// KiB of bodies that may still be read.
    pub bodies: Semaphore,
    /// Threads that evaluate.
    pub pool: Pool,
}

impl Lane {
    fn start(rules: &Arc<RuleSet>, pool: (usize, usize), places: usize, bodies_kib: usize) -> Result<Arc<Self>> {
        let (warm, (threads, waiting)) = (Arc::clone(rules), pool);
        let pool = Pool::start(threads, waiting, move || warm.warm());
        let pool = pool.context("cannot start the threads that evaluate")?;
        Ok(Arc::new(Self { places: Semaphore::new(places), bodies: Semaphore::new(bodies_kib), pool }))
    }
}

/// Shared by every request; nothing in it is locked on the way.
#[derive(Clone)]
pub struct State {
    /// The compiled rules.
    pub rules: Arc<RuleSet>,
    /// The callers' secrets; none: anybody is answered.
    pub callers: Option<Arc<Callers>>,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// For logins.
    pub logins: Arc<Lane>,
    /// For callers of `/v1/authorize`; none: no token verifies.
    pub authorize: Option<Arc<Lane>>,
    /// Whose a hand-over is; none: nobody remembers.
    pub ledger: Option<Arc<Guarded>>,
    /// The issuer's keys for session tokens; none: no token verifies.
    pub keys: Option<Arc<KeyCache>>,
    /// How long a debug build holds an answer after its claim.
    pub hold: Option<Duration>,
    ready: Arc<AtomicBool>,
}

impl State {
    /// The state of a server that is ready.
    ///
    /// # Errors
    /// The threads that evaluate cannot be started.
    pub fn new(rules: RuleSet, callers: Option<Callers>, body_bytes: usize) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let rules = Arc::new(rules);
        let logins = Lane::start(&rules, (threads, threads * WAITING_PER_THREAD), LOGINS_MAX, LOGIN_BODIES_KIB_MAX)?;
        Ok(Self {
            rules,
            callers: callers.map(Arc::new),
            body_bytes,
            logins,
            authorize: None,
            ledger: None,
            keys: None,
            hold: config::hold_after_claim(),
            ready: Arc::new(AtomicBool::new(true)),
        })
    }

    /// The same with a ledger.
    #[must_use]
    pub fn with_ledger(self, ledger: Option<Arc<Guarded>>) -> Self {
        Self { ledger, ..self }
    }

    /// The same with the keys of an issuer.
    ///
    /// # Errors
    /// The thread that works for callers of `/v1/authorize` cannot be started.
    pub fn with_keys(self, keys: Option<Arc<KeyCache>>) -> Result<Self> {
        let lane = || Lane::start(&self.rules, (CALLER_THREADS, CALLERS_MAX), CALLERS_MAX, CALLER_BODIES_KIB_MAX);
        let authorize = keys.as_ref().map(|_| lane()).transpose()?;
        Ok(Self { authorize, keys, ..self })
    }

    /// Whether new requests should come.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether logins get an answer: without the ledger that the policy insists on, they get none.
    #[must_use]
    pub fn has_ledger(&self) -> bool {
        let is_available = self.ledger.as_ref().is_none_or(|ledger| ledger.is_available());
        is_available || self.rules.ledger() == LedgerPolicy::Open
    }

    /// The server is about to stop.
    pub fn stop(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}

/// The callers' secrets, swapped whole when their file is read again.
pub struct Callers {
    from: SecretsFrom,
    secrets: ArcSwap<Secrets>,
}

impl Callers {
    /// Reads the secrets.
    ///
    /// # Errors
    /// The file cannot be read, or a secret is unfit; the text names which and why, never the secret.
    pub fn load(from: SecretsFrom) -> Result<Self> {
        let secrets = ArcSwap::from_pointee(read(&from)?);
        Ok(Self { from, secrets })
    }

    /// The secrets of this moment.
    #[must_use]
    pub fn secrets(&self) -> Arc<Secrets> {
        self.secrets.load_full()
    }

    /// Reads the file again, and gives the number of secrets that are active now.
    ///
    /// # Errors
    /// As [`Callers::load`], or there is no file; the old secrets stay.
    pub fn reload(&self) -> Result<usize> {
        if matches!(self.from, SecretsFrom::Environment(_)) {
            bail!("HANDOVER_SECRETS cannot change while the server runs: use HANDOVER_SECRETS_FILE");
        }
        let secrets = read(&self.from)?;
        let count = secrets.count();
        self.secrets.store(Arc::new(secrets));
        Ok(count)
    }
}

fn read(from: &SecretsFrom) -> Result<Secrets> {
    let (name, text) = match from {
        SecretsFrom::Environment(text) => ("HANDOVER_SECRETS", text.clone()),
        SecretsFrom::File(path) => {
            ("HANDOVER_SECRETS_FILE", files::regular_text(path).context("HANDOVER_SECRETS_FILE")?)
        }
    };
    Secrets::parse(&text).context(name)
}
