//! The cache of an issuer's keys, on a clock that stands still: when they are read, and how long they count.

use std::path::{Path, PathBuf};
use std::time::Duration;

use handover::token::KeyCache;
use serde_json::json;
use tokio::time::{Instant, advance, sleep};

use crate::binary::temporary;

/// A set is read anew after this time.
const FRESH: Duration = Duration::from_mins(10);
/// And counts for so long, if no newer one can be read.
const STALE: Duration = Duration::from_hours(24);
/// Between two tries.
const COOL: Duration = Duration::from_secs(30);

/// Writes a set of so many keys, or removes the file.
fn publish(path: &Path, count: Option<usize>) {
    let key = |n: usize| json!({ "kty": "oct", "kid": n.to_string(), "k": "AAAA" });
    match count {
        Some(count) => {
            let keys: Vec<_> = (0..count).map(key).collect();
            std::fs::write(path, json!({ "keys": keys }).to_string()).unwrap();
        }
        None => std::fs::remove_file(path).unwrap(),
    }
}

/// A file of this test.
fn file(name: &str) -> PathBuf {
    PathBuf::from(temporary(&format!("key_cache/{name}"), ""))
}

/// Runs on a clock that moves only where the test says so.
fn on_a_still_clock(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test);
}

async fn count_after(cache: &KeyCache, time: Duration) -> Option<usize> {
    advance(time).await;
    // whoever keeps the keys fresh gets their turn, and the file is read meanwhile
    for _ in 0..50 {
        sleep(Duration::from_millis(1)).await;
        std::thread::sleep(Duration::from_millis(1));
    }
    cache.current().map(|keys| keys.count())
}

#[test]
fn keys_are_read_again_after_ten_minutes_and_the_last_ones_count_for_a_day() {
    on_a_still_clock(async {
        let path = file("fresh.json");
        publish(&path, Some(1));
        let cache = KeyCache::new(path.to_str().unwrap(), false).unwrap();
        cache.begin().unwrap();
        let keeping = tokio::spawn(cache.clone().keep());
        publish(&path, Some(2));
        let minute = Duration::from_mins(1);
        assert_eq!(count_after(&cache, FRESH.checked_sub(minute).unwrap()).await, Some(1));
        assert_eq!(count_after(&cache, 2 * minute).await, Some(2));
        // then nobody publishes any
        publish(&path, None);
        assert_eq!(count_after(&cache, STALE.checked_sub(2 * minute).unwrap()).await, Some(2));
        assert_eq!(count_after(&cache, 3 * minute).await, None);
        publish(&path, Some(3));
        assert_eq!(count_after(&cache, COOL + minute).await, Some(3));
        keeping.abort();
    });
}

#[test]
fn whoever_lacks_a_key_makes_one_try_in_thirty_seconds() {
    on_a_still_clock(async {
        let path = file("cool.json");
        publish(&path, Some(1));
        let cache = KeyCache::new(path.to_str().unwrap(), false).unwrap();
        let refresh = || async {
            cache.refresh(Instant::now() + Duration::from_secs(5)).await;
            cache.current().map(|keys| keys.count())
        };
        assert_eq!(refresh().await, Some(1));
        publish(&path, Some(2));
        advance(COOL.checked_sub(Duration::from_secs(1)).unwrap()).await;
        assert_eq!(refresh().await, Some(1));
        advance(Duration::from_secs(1)).await;
        assert_eq!(refresh().await, Some(2));
        // a try that fails is one, too, and the keys stay
        publish(&path, None);
        advance(COOL).await;
        assert_eq!(refresh().await, Some(2));
        publish(&path, Some(3));
        assert_eq!(refresh().await, Some(2));
    });
}

#[test]
fn a_file_without_a_key_that_can_be_used_is_refused() {
    let path = file("unfit.json");
    publish(&path, Some(0));
    let begin = |path: &Path| KeyCache::new(path.to_str().unwrap(), false).unwrap().begin().unwrap_err().to_string();
    assert!(begin(&path).contains("the set is empty"));
    std::fs::write(&path, r#"{ "keys": [ { "kty": "RSA", "kid": "old", "n": "gAAA", "e": "AQAB" } ] }"#).unwrap();
    let error = begin(&path);
    assert!(error.contains("`old`: an RSA key needs 2048 to 8192 bits"), "{error}");
}
