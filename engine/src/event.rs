//! The post-login event, parsed once. The only module that makes [`Untrusted`].
//!
//! The request of contract §1 is checked member by member; a refusal names the place by JSON Pointer and what was
//! expected there, never what stood there. Metadata may arrive as JSON text, as a whole or value by value (that is what
//! the provider really sends); it is parsed when a rule asks for it, once, and nothing deeper is.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::instant::{self, Millis};
use crate::json::{Document, Json, Kind, ReadError, ReadErrorKind, Text, View};
use crate::pointer::{Pointer, child};
use crate::provider::Provider;
use crate::sanitizer::Untrusted;

/// What the person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An existing account logged in.
    Login,
    /// The account was just made.
    Signup,
}

impl Trigger {
    /// The word of the contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Signup => "signup",
        }
    }

    /// The trigger of a word.
    #[must_use]
    pub fn by_word(word: &str) -> Option<Self> {
        match word {
            "login" => Some(Self::Login),
            "signup" => Some(Self::Signup),
            _ => None,
        }
    }
}

/// One of the two metadata objects of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// `app_metadata`: the application's.
    App,
    /// `user_metadata`: the person's.
    User,
}

impl Sink {
    /// The word of the contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::App => "app_metadata",
            Self::User => "user_metadata",
        }
    }
}

/// Why a request is no event. It holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not JSON, a member named twice, or too deep.
    Unreadable(ReadError),
    /// A member is missing or of the wrong shape.
    Invalid {
        /// The place, as a JSON Pointer.
        pointer: String,
        /// What was expected there.
        expected: &'static str,
    },
}

impl Refusal {
    /// The problem code of the contract.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(error) => match error.kind {
                ReadErrorKind::Duplicate => "duplicate_member",
                ReadErrorKind::TooDeep => "too_deep",
                ReadErrorKind::Syntax(_) | ReadErrorKind::TooLarge => "invalid_json",
            },
            Self::Invalid { .. } => "invalid_request",
        }
    }
}

/// One login.
#[derive(Clone)]
pub struct Event {
    /// One per login transaction.
    pub id: String,
    /// What the person did.
    pub trigger: Trigger,
    /// The provider's clock.
    pub at: Millis,
    /// The account's id.
    pub account_id: String,
    app_metadata: Json,
    user_metadata: Json,
    visible: Option<Vec<String>>,
    /// The anonymous session, if there is one.
    pub session: Option<Session>,
    /// What the caller adds for rules, an object.
    pub context: Json,
}

/// An anonymous session.
#[derive(Clone)]
pub struct Session {
    /// The provider's id of the anonymous person.
    pub id: String,
    /// When it began, if that is known.
    pub created_at: Option<Millis>,
    /// When it ends, if that is known.
    pub expires_at: Option<Millis>,
    /// The `session_id`: one device, where `id` is one anonymous person.
    sid: Option<String>,
    /// The token that came with it, as it came.
    pub token: Option<String>,
    /// The metadata as it was received, whatever it is.
    received: Option<Json>,
    /// The metadata, if it is an object or text of one.
    metadata: Option<Json>,
    /// What was read of it already.
    read: Texts,
}

/// What a text at a node of a document holds, if it is JSON.
type Documents = BTreeMap<(usize, u32), Option<Arc<Document>>>;

/// Texts in the metadata that hold JSON, each read once however many rules read below it; and the metadata without the
/// hand-over id.
#[derive(Clone, Default)]
struct Texts {
    documents: RefCell<Documents>,
    without_id: OnceCell<Option<Json>>,
}

/// Shows the transaction, nothing of the person.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {}, session: {})", self.id, self.trigger.word(), self.session.is_some())
    }
}

/// Shows nothing of the person.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session(metadata: {})", self.metadata.is_some())
    }
}

/// The member of the metadata that holds the hand-over id.
const HAND_OVER_ID: &str = "handover";

/// Bytes of an event id.
const ID_BYTES_MAX: usize = 128;

impl Event {
    /// Reads a request body, as this provider sends it.
    ///
    /// # Errors
    /// Not JSON, or not a request of the contract: the place and what was expected, never a value.
    pub fn read(body: &[u8], provider: Provider) -> Result<Self, Refusal> {
        let document = Document::read(body).map_err(Refusal::Unreadable)?;
        let root = Member { view: Some(document.root()), above: None, name: "" };
        root.object("an object")?;
        let account = root.get("account");
        account.object("an object")?;
        let app_metadata = account.get("app_metadata").object_or_empty()?;
        let user_metadata = account.get("user_metadata").object_or_empty()?;
        Ok(Self {
            id: root.get("id").text_that("1 to 128 visible ASCII characters without `.`", is_event_id)?,
            trigger: root.get("trigger").trigger()?,
            at: root.get("at").time_text()?,
            account_id: account.get("id").text_that("a string that is not empty", |id| !id.is_empty())?,
            app_metadata,
            user_metadata,
            visible: account.get("visible").names()?,
            session: root.get("anonymous_session").session(provider)?,
            context: root.get("context").object_or_empty()?,
        })
    }

    /// The account's value at a root.
    #[must_use]
    pub fn account(&self, sink: Sink, root: &str) -> Option<View<'_>> {
        self.metadata(sink).view().get(root).filter(|value| !value.is_null())
    }

    /// One of the account's metadata objects.
    #[must_use]
    pub fn metadata(&self, sink: Sink) -> &Json {
        match sink {
            Sink::App => &self.app_metadata,
            Sink::User => &self.user_metadata,
        }
    }

    /// Whether the caller showed us this root: what we were not shown is never overwritten.
    #[must_use]
    pub fn is_visible(&self, sink: Sink, root: &str) -> bool {
        let is_it = |name: &String| name.split_once('.') == Some((sink.word(), root));
        self.visible.as_ref().is_none_or(|visible| visible.iter().any(is_it))
    }
}

/// Whether a rule's value may be JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parse {
    /// Text is parsed once where the schema allows no string.
    Auto,
    /// A string is a string.
    Never,
}

impl Session {
    /// The value that `from` points at in the metadata.
    ///
    /// `text_allowed` says that the rule's schema takes a string there.
    #[must_use]
    pub fn value(&self, from: &Pointer, parse: Parse, text_allowed: TextAllowed) -> Found {
        let whole = || self.read.without_id.get_or_init(|| self.without_hand_over_id()).clone();
        let metadata = if from.tokens().is_empty() { whole() } else { self.metadata.clone() };
        let Some(mut value) = metadata else { return Found::Nothing };
        for (step, token) in from.tokens().iter().enumerate() {
            let open = self.parsed(value, parse);
            // a step that is still text cannot be entered: its text is no JSON
            if parse == Parse::Auto && open.view().kind() == Kind::String {
                return Found::Unreadable { steps: step };
            }
            match child(open.view(), token) {
                Some(below) => value = below.to_json(),
                None => return Found::Nothing,
            }
        }
        let value = if text_allowed == TextAllowed::Yes { value } else { self.parsed(value, parse) };
        if value.view().is_null() { Found::Nothing } else { Found::Value(Untrusted(value)) }
    }

    /// Whether the metadata has a place, text parsed on the way.
    #[must_use]
    pub fn has(&self, place: &Pointer) -> bool {
        let step =
            |value: Json, token: &String| child(self.parsed(value, Parse::Auto).view(), token).map(View::to_json);
        self.metadata.as_ref().and_then(|root| place.tokens().iter().try_fold(root.clone(), step)).is_some()
    }

    /// The value of JSON text; anything else, and text that is not JSON, as it is.
    fn parsed(&self, value: Json, parse: Parse) -> Json {
        let Some(place) = value.view().place().filter(|_| parse == Parse::Auto) else { return value };
        let Some(text) = value.view().as_text() else { return value };
        let key = (Arc::as_ptr(place.document).addr(), place.at);
        let mut documents = self.read.documents.borrow_mut();
        let document = documents.entry(key).or_insert_with(|| json_in(text));
        document.clone().map_or(value, |document| Json::Place(document, 0))
    }

    /// The metadata without the hand-over id, which no rule reads.
    fn without_hand_over_id(&self) -> Option<Json> {
        let metadata = self.metadata.as_ref()?;
        if metadata.view().get(HAND_OVER_ID).is_none() {
            return Some(metadata.clone());
        }
        // the nodes of a document that is the metadata and nothing else
        let place = metadata.view().place()?;
        let own = place.document.below(place.at);
        own.without_member(HAND_OVER_ID).map(|document| Json::Place(Arc::new(document), 0))
    }

    /// The bytes of the metadata in the request: two hand-overs of one draft differ in them if the draft grew.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        let place = self.received.as_ref().and_then(|received| received.view().place());
        place.map(|place| place.text().as_bytes()).unwrap_or_default()
    }

    /// What the hand-over is known by: the id that the browser client gave its draft, else the session's.
    #[must_use]
    pub fn hand_over(&self) -> Cow<'_, str> {
        let member = self.metadata.as_ref().and_then(|metadata| metadata.view().get(HAND_OVER_ID));
        let draft = member.and_then(View::as_text).map(Text::decode).filter(|id| is_hand_over_id(id));
        draft.unwrap_or_else(|| Cow::Borrowed(self.sid.as_ref().unwrap_or(&self.id)))
    }

    /// Whether there is metadata that is neither an object nor text of one: no rule can read it.
    #[must_use]
    pub fn has_unreadable_metadata(&self) -> bool {
        let is_there = self.received.as_ref().is_some_and(|received| !received.view().is_null());
        is_there && self.metadata.is_none()
    }

    /// The whole metadata, as it came.
    #[must_use]
    pub fn metadata(&self) -> Option<View<'_>> {
        self.metadata.as_ref().map(Json::view)
    }
}

/// What stands where a rule reads.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing, or null: the rule does not run.
    Nothing,
    /// A value.
    Value(Untrusted),
    /// On the way there, after so many tokens of the pointer, stands text that is no JSON.
    Unreadable {
        /// Tokens up to that place.
        steps: usize,
    },
}

impl Found {
    /// The value, if there is one.
    #[must_use]
    pub fn value(self) -> Option<Untrusted> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Unreadable { .. } => None,
        }
    }
}

/// Whether a rule's schema takes a string as its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextAllowed {
    /// It does: text is not parsed.
    Yes,
    /// It does not.
    No,
}

/// The JSON that a text holds, if it does.
fn json_in(text: Text<'_>) -> Option<Arc<Document>> {
    Document::read(text.decode().as_bytes()).ok()
}

/// 1–128 visible ASCII characters without `.`: what a signed `webhook-id` can hold.
fn is_event_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// 16–64 of `A-Za-z0-9_-`.
fn is_hand_over_id(id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (16..=64).contains(&id.len()) && id.bytes().all(is_letter)
}

/// A member of the request, present or not, and where it would stand.
struct Member<'a> {
    view: Option<View<'a>>,
    above: Option<&'a Member<'a>>,
    name: &'static str,
}

impl<'a> Member<'a> {
    fn get(&'a self, name: &'static str) -> Member<'a> {
        Member { view: self.view.and_then(|view| view.get(name)), above: Some(self), name }
    }

    fn pointer(&self) -> String {
        self.above.map_or_else(String::new, |above| format!("{}/{}", above.pointer(), self.name))
    }

    fn refuse<T>(&self, expected: &'static str) -> Result<T, Refusal> {
        Err(Refusal::Invalid { pointer: self.pointer(), expected })
    }

    /// The value, unless it is absent or null.
    fn some(&self) -> Option<View<'a>> {
        self.view.filter(|view| !view.is_null())
    }

    fn object(&self, expected: &'static str) -> Result<View<'a>, Refusal> {
        self.view.filter(|view| view.kind() == Kind::Object).map_or_else(|| self.refuse(expected), Ok)
    }

    fn object_or_empty(&self) -> Result<Json, Refusal> {
        match self.some() {
            None => Ok(Json::empty_object()),
            Some(_) => self.object("an object").map(View::to_json),
        }
    }

    fn text_that(&self, expected: &'static str, holds: impl Fn(&str) -> bool) -> Result<String, Refusal> {
        let text = self.view.and_then(View::as_text).map(|text| text.decode().into_owned());
        text.filter(|text| holds(text)).map_or_else(|| self.refuse(expected), Ok)
    }

    fn optional_text(&self) -> Result<Option<String>, Refusal> {
        self.some().map(|_| self.text_that("a string", |_| true)).transpose()
    }

    fn trigger(&self) -> Result<Trigger, Refusal> {
        let word = self.view.and_then(View::as_text).and_then(|text| Trigger::by_word(&text.decode()));
        word.map_or_else(|| self.refuse("`login` or `signup`"), Ok)
    }

    fn time_text(&self) -> Result<Millis, Refusal> {
        let time = self.view.and_then(View::as_text).and_then(instant::of_text);
        time.map_or_else(|| self.refuse("a time as RFC 3339 text"), Ok)
    }

    /// A time of a session: absent, null and 0 are unknown.
    fn time(&self) -> Result<Option<Millis>, Refusal> {
        let Some(view) = self.some() else { return Ok(None) };
        match instant::of_session(view) {
            Some(time) => Ok(Some(time).filter(|time| *time != 0)),
            None => self.refuse("a time: RFC 3339 text, or epoch seconds or milliseconds, also as digits in a string"),
        }
    }

    fn names(&self) -> Result<Option<Vec<String>>, Refusal> {
        let Some(list) = self.some() else { return Ok(None) };
        let names: Option<Vec<_>> =
            list.items().map(|item| item.as_text().map(|text| text.decode().into_owned())).collect();
        match names {
            Some(names) if list.kind() == Kind::Array => Ok(Some(names)),
            _ => self.refuse("a list of strings"),
        }
    }

    fn session(&self, provider: Provider) -> Result<Option<Session>, Refusal> {
        if self.some().is_none() {
            return Ok(None);
        }
        self.object("an object")?;
        let token = self.get("token").optional_text()?;
        Ok(Some(Session {
            token,
            id: self.get("id").text_that(provider.session_id_words(), |id| provider.is_session_id(id))?,
            created_at: self.get("created_at").time()?,
            expires_at: self.get("expires_at").time()?,
            // an empty text names nobody
            sid: self.get("session_id").optional_text()?.filter(|sid| !sid.is_empty()),
            received: self.get("metadata").view.map(View::to_json),
            metadata: self.get("metadata").some().and_then(metadata),
            read: Texts::default(),
        }))
    }
}

/// The metadata as an object; it may be text of one. Anything else is no metadata.
fn metadata(view: View<'_>) -> Option<Json> {
    let value = match view {
        View::Place(place) => Json::Place(Arc::clone(place.document), place.at),
        View::Built(json) => json.clone(),
    };
    let read = value.view().as_text().and_then(json_in).map(|document| Json::Place(document, 0));
    Some(read.unwrap_or(value)).filter(|value| value.view().kind() == Kind::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_holds_json_is_read_once_for_all_rules() {
        let body = r#"{ "id": "tx", "trigger": "login", "at": "2026-11-23T10:00:00Z", "account": { "id": "a" },
            "anonymous_session": { "id": "anon@1", "metadata": { "s": "{\"a\":1,\"b\":2}" } } }"#;
        let event = Event::read(body.as_bytes(), Provider::Auth0).unwrap();
        let session = event.session.unwrap();
        let document = |from: &str| {
            let found = session.value(&Pointer::parse(from).unwrap(), Parse::Auto, TextAllowed::No);
            let value = found.value().unwrap().0;
            Arc::clone(value.view().place().unwrap().document)
        };
        assert!(Arc::ptr_eq(&document("/s/a"), &document("/s/b")));
        assert!(Arc::ptr_eq(&document("/s"), &document("/s/b")));
    }
}
