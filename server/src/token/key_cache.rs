//! The issuer's keys, as fresh as they need be: fetched by one at a time, whoever asks, and kept while the issuer is away.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::fetch::Endpoint;
use super::key::KeySet;
use crate::files;

/// A set is fetched anew after this time.
const FRESH: Duration = Duration::from_mins(10);
/// A set counts for so long while no newer one can be had.
const STALE: Duration = Duration::from_hours(24);
/// Between two fetches that tokens with an unknown `kid` cause, and between two tries.
const COOL: Duration = Duration::from_secs(30);

/// The keys of one issuer.
pub struct KeyCache {
    source: Source,
    held: ArcSwapOption<Held>,
    /// When the last fetch began; whoever has it fetches.
    tried: Mutex<Option<Instant>>,
}

/// Where keys come from.
enum Source {
    File(PathBuf),
    Url(Endpoint),
}

struct Held {
    keys: Arc<KeySet>,
    since: Instant,
}

impl KeyCache {
    /// Keys of a file, or of an https address; `may_be_near` lets the address be this machine or one beside it.
    ///
    /// # Errors
    /// The address is unfit.
    pub fn new(source: &str, may_be_near: bool) -> Result<Arc<Self>> {
        let source = if source.contains("://") {
            Source::Url(Endpoint::new(source, may_be_near).with_context(|| format!("`--jwks {source}`"))?)
        } else {
            Source::File(PathBuf::from(source))
        };
        Ok(Arc::new(Self { source, held: ArcSwapOption::empty(), tried: Mutex::new(None) }))
    }

    /// The keys of this moment; none before the first fetch, and a day after the last.
    #[must_use]
    pub fn current(&self) -> Option<Arc<KeySet>> {
        let held = self.held.load();
        held.as_ref().filter(|held| held.since.elapsed() < STALE).map(|held| Arc::clone(&held.keys))
    }

    /// Reads a file of keys for the first time.
    ///
    /// # Errors
    /// It is a file, and no set of keys that can be used.
    pub fn begin(&self) -> Result<()> {
        if let Source::File(path) = &self.source {
            let keys = read(path).with_context(|| format!("`--jwks {}`", files::shown(path)))?;
            if keys.count() == 0 {
                bail!("`--jwks {}`: none of its keys can be used: {}", files::shown(path), keys.unfit_words());
            }
            self.hold(keys);
        }
        Ok(())
    }

    /// Fetches, unless somebody did within the last 30 seconds, or since this was asked. Waits for a fetch in flight until
    /// this moment.
    pub async fn refresh(self: &Arc<Self>, until: Instant) {
        let keys = Arc::clone(self);
        // whoever hangs up ends no fetch that others wait for
        let fetching = tokio::spawn(async move {
            let mut tried = keys.tried.lock().await;
            if tried.is_some_and(|tried| tried.elapsed() < COOL) {
                return;
            }
            *tried = Some(Instant::now());
            keys.fetch().await;
        });
        let _ = timeout_at(until, fetching).await;
    }

    /// Keeps the keys fresh until the server stops.
    pub async fn keep(self: Arc<Self>) {
        loop {
            let since = self.held.load().as_ref().map(|held| held.since);
            let is_fresh = since.filter(|since| since.elapsed() < FRESH);
            match is_fresh {
                Some(since) => sleep_until(since + FRESH).await,
                None => {
                    self.refresh(Instant::now() + COOL).await;
                    if self.held.load().as_ref().is_none_or(|held| held.since.elapsed() >= FRESH) {
                        tokio::time::sleep(COOL).await;
                    }
                }
            }
        }
    }

    async fn fetch(&self) {
        let read = match &self.source {
            Source::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read(&path)).await.map_err(Into::into).and_then(|read| read)
            }
            Source::Url(endpoint) => {
                endpoint.fetch().await.and_then(|bytes| KeySet::read(&bytes).context("the set of keys"))
            }
        };
        match read {
            Ok(keys) => {
                if keys.unfit().is_empty() {
                    tracing::info!(keys = keys.count(), "keys were read");
                } else {
                    tracing::warn!(
                        keys = keys.count(),
                        unfit = keys.unfit_words(),
                        "keys were read, and some cannot be used"
                    );
                }
                self.hold(keys);
            }
            Err(error) => {
                let cause = format!("{error:#}");
                if self.current().is_some() {
                    tracing::warn!(cause, "keys cannot be read: the last ones count for a day");
                } else {
                    tracing::warn!(cause, "keys cannot be read: every token is refused");
                }
            }
        }
    }

    fn hold(&self, keys: KeySet) {
        self.held.store(Some(Arc::new(Held { keys: Arc::new(keys), since: Instant::now() })));
    }
}

fn read(path: &Path) -> Result<KeySet> {
    let text = files::regular_text(path)?;
    KeySet::read(text.as_bytes()).with_context(|| format!("`{}`", files::shown(path)))
}
