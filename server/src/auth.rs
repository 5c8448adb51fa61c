//! `Caller`: this request really came from our Action (Standard Webhooks 1.0, security.md §1).
//!
//! Signed bytes are id `.` timestamp `.` body, all as received, under HMAC-SHA256; an answer is signed over
//! `response` LF and the same. An id cannot hold an LF, so no request is a valid answer. The time is a parameter.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::digest::CtOutput;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The id of a message: one per login transaction, the same at a second try.
pub const ID: &str = "webhook-id";
/// Epoch seconds, from the sender's clock.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// `v1,` and the standard base64 of the HMAC; up to sixteen, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// Secrets that are active at once: the old and the new one of a rotation.
const SECRETS_MAX: usize = 2;
/// Bytes of a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Distinct bytes that a secret needs: a phrase typed by hand has fewer.
const DISTINCT_MIN: usize = 12;
/// Bytes of an id.
const ID_BYTES: std::ops::RangeInclusive<usize> = 1..=128;
/// Digits of a timestamp.
const DIGITS_MAX: usize = 12;
/// Entries of a signature header.
const ENTRIES_MAX: usize = 16;
/// Seconds between the caller's clock and ours.
const WINDOW_S: u64 = 300;

/// The active secrets. Shows none of them.
#[derive(Clone)]
pub struct Secrets(Vec<Hmac<Sha256>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Why a text holds no usable secrets. It holds nothing of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// None, or more than two.
    Number(usize),
    /// The secret at this place, counted from 1, is unfit.
    Unfit(usize, &'static str),
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => {
                write!(f, "expected 1 or {SECRETS_MAX} secrets, separated by white space or a comma, found {number}")
            }
            Self::Unfit(place, why) => {
                write!(f, "secret {place} {why}: make one with `echo \"whsec_$(openssl rand -base64 32)\"`")
            }
        }
    }
}

impl std::error::Error for SecretError {}

impl Secrets {
    /// Reads one or two secrets, `whsec_` and base64 each, separated by white space or a comma.
    ///
    /// # Errors
    /// None or too many, or one that is malformed, short, long or too uniform.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let separated = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let secrets: Vec<_> = separated.filter(|secret| !secret.is_empty()).collect();
        if secrets.is_empty() || secrets.len() > SECRETS_MAX {
            return Err(SecretError::Number(secrets.len()));
        }
        let keyed = |(index, secret)| keyed(secret).map_err(|why| SecretError::Unfit(index + 1, why));
        secrets.into_iter().enumerate().map(keyed).collect::<Result<_, _>>().map(Self)
    }

    /// How many are active.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Who sent a request of this head and body: the holder of a secret.
    ///
    /// Each entry is compared with each secret in constant time, and the timestamp is judged later, by
    /// [`Caller::check_time`]: so a bad timestamp under a good signature gets a signed answer.
    ///
    /// # Errors
    /// No signature fits.
    pub fn verify(&self, head: Head, body: &[u8]) -> Result<Caller, Refusal> {
        let Head { id, timestamp, given } = head;
        let mut fitting = None;
        for secret in &self.0 {
            let own = CtOutput::<Hmac<Sha256>>::new(sign(secret, &[id.as_bytes(), b".", &timestamp, b".", body]));
            let fits = given.iter().fold(false, |fits, given| fits | (own == CtOutput::new((*given).into())));
            fitting = if fits { Some(secret) } else { fitting };
        }
        let secret = fitting.ok_or(Refusal::Invalid)?.clone();
        Ok(Caller { id, timestamp, secret })
    }
}

/// The three headers of a request, well formed. Nothing is verified yet: that takes the body.
pub struct Head {
    id: String,
    timestamp: Vec<u8>,
    given: Vec<[u8; 32]>,
}

impl Head {
    /// Reads the headers, before a byte of the body is read.
    ///
    /// # Errors
    /// One is missing, repeated or malformed.
    pub fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let [id, timestamp, signatures] = [ID, TIMESTAMP, SIGNATURE].map(|name| headers.get_all(name));
        let all = [&id, &timestamp, &signatures];
        if all.iter().any(|values| values.iter().next().is_none()) {
            return Err(Refusal::Missing);
        }
        let [Some(id), Some(timestamp), Some(signatures)] = all.map(|values| only(values.iter())) else {
            return Err(Refusal::Invalid);
        };
        let id = std::str::from_utf8(id).ok().filter(|id| is_id(id)).ok_or(Refusal::Invalid)?;
        let entries: Vec<_> = signatures.split(|byte| *byte == b' ').collect();
        if entries.len() > ENTRIES_MAX {
            return Err(Refusal::Invalid);
        }
        let given: Vec<_> = entries.into_iter().filter_map(signature).collect();
        // an entry that is no signature of ours fits nothing
        if given.is_empty() {
            return Err(Refusal::Invalid);
        }
        Ok(Self { id: id.to_owned(), timestamp: timestamp.to_vec(), given })
    }
}

/// Why a request was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One of the three headers is absent.
    Missing,
    /// One is repeated or malformed, or no entry fits.
    Invalid,
    /// The signature fits, the timestamp is no timestamp.
    Timestamp,
    /// The signature fits, the clocks differ by these seconds; positive: the caller's is behind.
    OutOfRange(i64),
}

impl Refusal {
    /// The problem code of the contract.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Invalid => "signature_invalid",
            Self::Timestamp => "timestamp_invalid",
            Self::OutOfRange(_) => "timestamp_out_of_range",
        }
    }
}

/// The holder of a secret, for one request.
pub struct Caller {
    id: String,
    timestamp: Vec<u8>,
    secret: Hmac<Sha256>,
}

/// Shows the id only.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.id)
    }
}

impl Caller {
    /// The `webhook-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the request was signed within five minutes of `now`, in epoch seconds.
    ///
    /// # Errors
    /// The timestamp is malformed, or too far away.
    pub fn check_time(&self, now: i64) -> Result<(), Refusal> {
        let digits = std::str::from_utf8(&self.timestamp).ok().filter(|text| is_timestamp(text));
        let then: i64 = digits.and_then(|digits| digits.parse().ok()).ok_or(Refusal::Timestamp)?;
        let skew = now - then;
        if skew.unsigned_abs() > WINDOW_S { Err(Refusal::OutOfRange(skew)) } else { Ok(()) }
    }

    /// Signs an answer with the secret that verified the request; `now` is in epoch seconds.
    pub fn sign(&self, headers: &mut HeaderMap, now: i64, body: &[u8]) {
        let timestamp = now.to_string();
        let bytes = sign(&self.secret, &[b"response\n", self.id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
        let signature = format!("v1,{}", BASE64_STANDARD.encode(bytes));
        for (name, value) in [(ID, self.id.as_str()), (TIMESTAMP, &timestamp), (SIGNATURE, &signature)] {
            // visible ASCII, all of it
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }
}

fn keyed(secret: &str) -> Result<Hmac<Sha256>, &'static str> {
    let coded = secret.strip_prefix("whsec_").ok_or("does not begin with `whsec_`")?;
    let bytes = BASE64_STANDARD.decode(coded).map_err(|_| "is not `whsec_` and standard base64 with padding")?;
    if !SECRET_BYTES.contains(&bytes.len()) {
        return Err("does not hold 24 to 64 bytes");
    }
    let mut distinct = bytes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < DISTINCT_MIN {
        return Err("has fewer than 12 distinct bytes");
    }
    Hmac::new_from_slice(&bytes).map_err(|_| "is no key")
}

fn sign(secret: &Hmac<Sha256>, parts: &[&[u8]]) -> hmac::digest::Output<Hmac<Sha256>> {
    let mut mac = secret.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes()
}

/// The value of a header that stands exactly once.
fn only<'a>(mut values: impl Iterator<Item = &'a HeaderValue>) -> Option<&'a [u8]> {
    let value = values.next()?;
    values.next().is_none().then_some(value.as_bytes())
}

/// The bytes of one entry; other versions are passed over.
fn signature(entry: &[u8]) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(entry.strip_prefix(b"v1,")?).ok()?.try_into().ok()
}

fn is_id(id: &str) -> bool {
    ID_BYTES.contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// `[1-9][0-9]{0,11}`
fn is_timestamp(text: &str) -> bool {
    text.len() <= DIGITS_MAX
        && !text.starts_with('0')
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Caller, Head, HeaderMap, ID, Refusal, SIGNATURE, SecretError, Secrets, TIMESTAMP};

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"id":"tx_0198c1","trigger":"login"}"#;
    const SIGNED: &str = "v1,KGuWYm+ZTcCqM+s4WzFGWlQWj6BuYZ59emEpfHPviLk=";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn verify(secrets: &Secrets, headers: &HeaderMap) -> Result<Caller, Refusal> {
        Head::read(headers).and_then(|head| secrets.verify(head, BODY))
    }

    fn caller(secrets: &str, id: &str, timestamp: &str, signature: &str) -> Result<Caller, Refusal> {
        let headers = headers(&[(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)]);
        verify(&Secrets::parse(secrets).unwrap(), &headers)
    }

    #[test]
    fn the_test_vector_verifies_and_nothing_beside_it() {
        let (id, at) = ("tx_0198c1", "1795428000");
        let sixteen = format!("{SIGNED}{}", " v1a,x".repeat(15));
        for (secrets, id, at, signature, expected) in [
            (SECRET, id, at, SIGNED, None),
            (&format!("{OTHER} {SECRET}"), id, at, SIGNED, None),
            (&format!("{SECRET}\n{OTHER}\n"), id, at, SIGNED, None),
            (SECRET, id, at, &format!("v1a,AAAA v1,AAAA  {SIGNED}"), None),
            (SECRET, id, at, &sixteen, None),
            (SECRET, id, at, &format!("{sixteen} v2,x"), Some(Refusal::Invalid)),
            (OTHER, id, at, SIGNED, Some(Refusal::Invalid)),
            (SECRET, "tx_0198c2", at, SIGNED, Some(Refusal::Invalid)),
            (SECRET, "tx.0198c1", at, SIGNED, Some(Refusal::Invalid)),
            (SECRET, id, "1795428001", SIGNED, Some(Refusal::Invalid)),
            (SECRET, id, at, SIGNED.trim_end_matches('='), Some(Refusal::Invalid)),
            (SECRET, id, at, &SIGNED.replace("v1,", "v1a,"), Some(Refusal::Invalid)),
            (SECRET, id, at, &SIGNED.replace("iLk=", "iLl="), Some(Refusal::Invalid)),
            (SECRET, id, at, "", Some(Refusal::Invalid)),
        ] {
            assert_eq!(caller(secrets, id, at, signature).err(), expected, "{id} {at} {signature}");
        }
    }

    #[test]
    fn each_header_stands_exactly_once() {
        let secrets = Secrets::parse(SECRET).unwrap();
        let fields = [(ID, "tx_0198c1"), (TIMESTAMP, "1795428000"), (SIGNATURE, SIGNED)];
        for (index, field) in fields.into_iter().enumerate() {
            let mut without = fields.to_vec();
            without.remove(index);
            assert_eq!(verify(&secrets, &headers(&without)).err(), Some(Refusal::Missing));
            let twice = [fields.as_slice(), &[field]].concat();
            assert_eq!(verify(&secrets, &headers(&twice)).err(), Some(Refusal::Invalid));
        }
    }

    #[test]
    fn a_timestamp_is_judged_under_a_good_signature() {
        let caller = caller(SECRET, "tx_0198c1", "1795428000", SIGNED).unwrap();
        for (skew, late) in [(0, false), (300, false), (-300, false), (301, true), (-301, true)] {
            let expected = if late { Err(Refusal::OutOfRange(skew)) } else { Ok(()) };
            assert_eq!(caller.check_time(1_795_428_000 + skew), expected);
        }
        for malformed in ["", "0", "01795428000", "+1795428000", "1795428000.0", "1795428000000000", "soon"] {
            let caller = Caller {
                timestamp: malformed.into(),
                ..super::tests::caller(SECRET, "tx_0198c1", "1795428000", SIGNED).unwrap()
            };
            assert_eq!(caller.check_time(1_795_428_000), Err(Refusal::Timestamp), "{malformed}");
        }
    }

    #[test]
    fn no_request_is_a_valid_answer() {
        let caller = caller(SECRET, "tx_0198c1", "1795428000", SIGNED).unwrap();
        let mut answer = HeaderMap::new();
        caller.sign(&mut answer, 1_795_428_000, BODY);
        assert_eq!(answer.get(ID).unwrap(), "tx_0198c1");
        assert_ne!(answer.get(SIGNATURE).unwrap(), SIGNED);
        assert_eq!(verify(&Secrets::parse(SECRET).unwrap(), &answer).err(), Some(Refusal::Invalid));
    }

    #[test]
    fn a_poor_secret_is_none() {
        let short = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM=";
        for (text, expected) in [
            ("", SecretError::Number(0)),
            (" , \n", SecretError::Number(0)),
            (&[SECRET, OTHER, SECRET].join(","), SecretError::Number(3)),
            (short, SecretError::Unfit(1, "does not hold 24 to 64 bytes")),
            (&format!("{SECRET},{short}"), SecretError::Unfit(2, "does not hold 24 to 64 bytes")),
            (&format!("whsec_{}", "A".repeat(88)), SecretError::Unfit(1, "does not hold 24 to 64 bytes")),
            (&format!("whsec_{}", "A".repeat(32)), SecretError::Unfit(1, "has fewer than 12 distinct bytes")),
            ("whsec_", SecretError::Unfit(1, "does not hold 24 to 64 bytes")),
            (&SECRET["whsec_".len()..], SecretError::Unfit(1, "does not begin with `whsec_`")),
            (
                "whsec_C2FVsBQIhrscChlQIMV-b5sSYspob7oD",
                SecretError::Unfit(1, "is not `whsec_` and standard base64 with padding"),
            ),
        ] {
            assert_eq!(Secrets::parse(text).err(), Some(expected), "{text}");
        }
        let shown = format!("{:?} {}", Secrets::parse(SECRET).unwrap(), SecretError::Unfit(1, "is no key"));
        assert!(!shown.contains("C2FV"), "{shown}");
    }
}
