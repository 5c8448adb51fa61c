//! The answer: commands and findings, and its JSON (contract §1).

use std::sync::Arc;

use crate::event::Sink;
use crate::fate::{Action, Keyword};
use crate::json::{Json, Text, write_string};
use crate::receipt::{self, Receipt};

/// A value that a rule made: all that a command can hold. Made by `rule` only.
#[derive(Clone, Debug)]
pub struct Merged {
    json: Json,
    bytes: usize,
}

impl Merged {
    /// Takes what a rule made.
    pub(crate) fn new(json: Json) -> Self {
        let bytes = json.view().compact_bytes();
        Self { json, bytes }
    }

    /// Bytes of its compact text.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The value.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.json
    }
}

/// What became of the hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// At least one root is written.
    Transferred,
    /// Nothing is written.
    Unchanged,
    /// The rules did not run, for this reason.
    Skipped(SkipReason),
}

impl Status {
    /// The word of the contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Transferred => "transferred",
            Self::Unchanged => "unchanged",
            Self::Skipped(_) => "skipped",
        }
    }

    /// The reason of a skip.
    #[must_use]
    pub fn reason(self) -> Option<SkipReason> {
        match self {
            Self::Skipped(reason) => Some(reason),
            _ => None,
        }
    }
}

/// Why the rules did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// There is no anonymous session.
    NoSession,
    /// It had ended.
    SessionExpired,
    /// It is older than the policy's `max_age`.
    SessionTooOld,
    /// The account's receipt names the hand-over.
    AlreadyTransferred,
    /// The policy needs a token, and none came.
    TokenMissing,
    /// A token came that could not be verified.
    TokenInvalid,
    /// A token came that names another session.
    SessionMismatch,
    /// The ledger says that the hand-over is another account's.
    Claimed,
}

impl SkipReason {
    /// The words that a fixture can expect: it has no ledger.
    pub const WORDS: [&'static str; 7] = [
        "already_transferred",
        "no_session",
        "session_expired",
        "session_mismatch",
        "session_too_old",
        "token_invalid",
        "token_missing",
    ];

    /// The word of the contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::SessionExpired => "session_expired",
            Self::SessionTooOld => "session_too_old",
            Self::AlreadyTransferred => "already_transferred",
            Self::TokenMissing => "token_missing",
            Self::TokenInvalid => "token_invalid",
            Self::SessionMismatch => "session_mismatch",
            Self::Claimed => "claimed_by_another_account",
        }
    }
}

/// One change that the provider applies.
#[derive(Clone, Debug)]
pub enum Command {
    /// Writes a whole root of one metadata object.
    Set {
        /// The metadata object.
        sink: Sink,
        /// The root.
        key: String,
        /// Its complete new value.
        value: Merged,
    },
    /// Writes the receipt of this hand-over, beside its data.
    SetReceipt(Receipt),
    /// The anonymous session is no longer needed.
    ClearAnonymousSession,
}

/// Something noticed in data. It holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that noticed it; none if it is about the event.
    pub rule: Option<Arc<str>>,
    /// The place below the anonymous metadata; empty if it has none.
    pub pointer: String,
    /// What was noticed.
    pub notice: Notice,
    /// The place that failed by itself and took this one along, and the keyword that it failed.
    pub cause: Option<(String, Keyword)>,
    /// Items that are gone: of a list that was cut, or turned away by a limit.
    pub count: Option<usize>,
    /// Whether its rule only observes: it changes nothing, and keeps no session.
    pub is_observed: bool,
}

impl Finding {
    /// A finding without a place.
    #[must_use]
    pub fn new(rule: Option<Arc<str>>, notice: Notice) -> Self {
        Self { rule, pointer: String::new(), notice, cause: None, count: None, is_observed: false }
    }

    /// The action that is printed: what was done to the place, `keep` if a rule wrote nothing, `note` if that changes
    /// nothing.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match &self.notice {
            Notice::Place(_, action) => action.word(),
            notice if !self.is_observed && notice.effect() == Effect::Keep => "keep",
            _ => "note",
        }
    }

    /// Whether something of the session was left behind: then the session must stay.
    #[must_use]
    pub fn keeps_session(&self) -> bool {
        !self.is_observed && self.notice.effect() == Effect::Keep
    }
}

/// What a finding means for its rule, and for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The rule wrote nothing, and the session stays.
    Keep,
    /// Nothing changes.
    Note,
}

/// What a rule that observes would have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Would {
    /// Write another value than the account has.
    Write,
    /// Leave the account's value.
    Keep,
}

impl Would {
    /// The word of the contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Keep => "keep",
        }
    }
}

/// What a finding says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The sanitizer removed or shortened the place.
    Place(Keyword, Action),
    /// A rule wrote nothing: its script threw.
    ScriptFailed(ScriptStop),
    /// A rule wrote nothing: its script or strategy spent its budget.
    BudgetExceeded(ScriptStop),
    /// A rule wrote nothing: the account's value has a shape that the merge cannot use.
    AccountShape,
    /// A rule wrote nothing: its result schema refuses the result.
    ResultInvalid,
    /// A rule wrote nothing: the result does not fit the sink's budget.
    ResultTooLarge,
    /// A rule did not run: the caller did not show its root.
    RootNotVisible,
    /// A rule wrote nothing: the provider cannot store a name of the result.
    NameNotStorable,
    /// A rule wrote nothing: a number of the result, or one of the account's that its script reads, would be rounded.
    NumberRange,
    /// The receipt has no room: a rule that needs once wrote nothing; or no rule was kept from writing.
    ReceiptFull(Effect),
    /// A script chose to leave both sides as they are, for this reason.
    Skipped(String),
    /// A script chose to let the visitor's value go, for this reason.
    Discarded(String),
    /// A limit of the merge turned items away.
    LimitReached,
    /// The merge did not take items that have no member of its key, or no readable time.
    Unmergeable,
    /// A rule that needs once took this hand-over before, with other content.
    AlreadyCounted,
    /// What a rule that observes would have done; and whether the account would differ from what it is now, where
    /// another rule writes the same root.
    Observed(Would, Option<bool>),
    /// A metadata object is larger than the provider recommends.
    ProfileOversized(Sink),
    /// The account's receipt is malformed: no rule that needs once wrote.
    ReceiptUnreadable,
    /// The ledger could not be asked whose the hand-over is, and the policy says to go on.
    LedgerOpen,
}

/// Where a script stopped, and why, as far as either is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptStop {
    /// File, line and column.
    pub at: Option<(Arc<str>, usize, usize)>,
    /// What went wrong, for the rule author's own terminal: never in a decision, where it could hold a person's words.
    pub cause: Option<String>,
}

impl Notice {
    /// The keyword that is printed.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Place(keyword, _) => keyword.word(),
            Self::ScriptFailed(_) => "script_failed",
            Self::BudgetExceeded(_) => "budget_exceeded",
            Self::AccountShape => "account_shape",
            Self::ResultInvalid => "result_invalid",
            Self::ResultTooLarge => "result_too_large",
            Self::RootNotVisible => "root_not_visible",
            Self::NameNotStorable => "name_not_storable",
            Self::NumberRange => Keyword::NumberRange.word(),
            Self::ReceiptFull(_) => "receipt_full",
            Self::Skipped(_) => "skipped",
            Self::Discarded(_) => "discarded",
            Self::LimitReached => "limit_reached",
            Self::Unmergeable => "unmergeable",
            Self::AlreadyCounted => "already_counted",
            Self::Observed(..) => "observed",
            Self::ProfileOversized(_) => "profile_oversized",
            Self::ReceiptUnreadable => "receipt_unreadable",
            Self::LedgerOpen => "ledger_open",
        }
    }

    /// Whether a rule is to blame that wrote nothing, and not the account's value.
    #[must_use]
    pub fn is_a_failure_of_the_rule(&self) -> bool {
        matches!(self, Self::ScriptFailed(_) | Self::BudgetExceeded(_) | Self::ResultInvalid | Self::NameNotStorable)
    }

    /// What it means for its rule, and for the session.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::ReceiptFull(effect) => *effect,
            Self::Place(..)
            | Self::Discarded(_)
            | Self::LimitReached
            | Self::Unmergeable
            | Self::AlreadyCounted
            | Self::Observed(..)
            | Self::ProfileOversized(_) => Effect::Note,
            _ => Effect::Keep,
        }
    }

    /// Keywords of findings without a place, as a fixture can expect them.
    pub const WITHOUT_PLACE: [&'static str; 17] = [
        "script_failed",
        "budget_exceeded",
        "account_shape",
        "result_invalid",
        "result_too_large",
        "root_not_visible",
        "name_not_storable",
        "number_range",
        "receipt_full",
        "skipped",
        "discarded",
        "limit_reached",
        "unmergeable",
        "already_counted",
        "observed",
        "profile_oversized",
        "receipt_unreadable",
    ];
}

/// The answer to one event.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The event's id.
    pub id: String,
    /// What became of the hand-over.
    pub status: Status,
    /// The policy's name.
    pub policy: Arc<str>,
    /// The policy's digest, `sha256:…`.
    pub digest: Arc<str>,
    /// What the provider applies, in order.
    pub commands: Vec<Command>,
    /// What was noticed: by the rules in their order, about the event, by rules that observe.
    pub findings: Vec<Finding>,
    /// Findings of places beyond the limit.
    pub findings_omitted: usize,
    /// Operations that its merges took: for authors and operators, no part of the answer.
    pub operations: u64,
}

impl Decision {
    /// Whether the ledger must know whose the hand-over is before this answer leaves: it writes, or it leaves something of
    /// the session behind, which the next person on the device must not get (I4).
    #[must_use]
    pub fn needs_claim(&self) -> bool {
        let writes = self.commands.iter().any(|command| !matches!(command, Command::ClearAnonymousSession));
        writes || self.findings.iter().any(Finding::keeps_session)
    }

    /// The same for an account that must not get anything of the session, because another one has it.
    #[must_use]
    pub fn withdrawn(self) -> Self {
        let (commands, findings) = (Vec::new(), Vec::new());
        Self { status: Status::Skipped(SkipReason::Claimed), commands, findings, findings_omitted: 0, ..self }
    }

    /// The same with a finding that keeps the session, because nobody knows whether another account has it; it has a place
    /// among as many entries as the report may have.
    #[must_use]
    pub fn unclaimed(mut self, report_entries: usize) -> Self {
        self.commands.retain(|command| !matches!(command, Command::ClearAnonymousSession));
        if self.findings.len() >= report_entries && self.findings.pop().is_some() {
            self.findings_omitted += 1;
        }
        self.findings.push(Finding::new(None, Notice::LedgerOpen));
        self
    }

    /// Appends the decision as compact JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        string(&self.id, out);
        word("status", self.status.word(), out);
        out.extend_from_slice(b",\"reason\":");
        optional(self.status.reason().map(SkipReason::word), out);
        out.extend_from_slice(b",\"policy\":{\"name\":");
        string(&self.policy, out);
        word("digest", &self.digest, out);
        out.extend_from_slice(b"},\"commands\":[");
        for (index, command) in self.commands.iter().enumerate() {
            separate(index, out);
            write_command(command, out);
        }
        out.extend_from_slice(b"],\"findings\":[");
        for (index, finding) in self.findings.iter().enumerate() {
            separate(index, out);
            write_finding(finding, out);
        }
        out.extend_from_slice(b"],\"findings_omitted\":");
        out.extend_from_slice(self.findings_omitted.to_string().as_bytes());
        out.push(b'}');
    }

    /// The decision as compact JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let values = self.commands.iter().map(|command| match command {
            Command::Set { key, value, .. } => value.bytes() + key.len() + 64,
            Command::SetReceipt(_) => 1_024,
            Command::ClearAnonymousSession => 48,
        });
        let mut out = Vec::with_capacity(256 + values.sum::<usize>() + self.findings.len() * 96);
        self.write(&mut out);
        out
    }
}

fn write_command(command: &Command, out: &mut Vec<u8>) {
    match command {
        Command::Set { sink, key, value } => write_set(*sink, key, value.json(), out),
        Command::SetReceipt(receipt) => write_set(Sink::App, receipt::ROOT, &receipt.to_json(), out),
        Command::ClearAnonymousSession => out.extend_from_slice(b"{\"command\":\"clear_anonymous_session\"}"),
    }
}

fn write_set(sink: Sink, key: &str, value: &Json, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"command\":\"set_");
    out.extend_from_slice(sink.word().as_bytes());
    out.extend_from_slice(b"\",\"key\":");
    string(key, out);
    out.extend_from_slice(b",\"value\":");
    value.view().write(out);
    out.push(b'}');
}

fn write_finding(finding: &Finding, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"rule\":");
    optional(finding.rule.as_deref(), out);
    member("pointer", &finding.pointer, out);
    word("keyword", finding.notice.keyword(), out);
    word("action", finding.action(), out);
    if let Some((pointer, keyword)) = &finding.cause {
        out.extend_from_slice(b",\"cause\":{\"pointer\":");
        string(pointer, out);
        word("keyword", keyword.word(), out);
        out.push(b'}');
    }
    if let Some(count) = finding.count {
        out.extend_from_slice(format!(",\"count\":{count}").as_bytes());
    }
    match &finding.notice {
        Notice::Skipped(reason) | Notice::Discarded(reason) => member("reason", reason, out),
        Notice::Observed(would, differs) => {
            word("would", would.word(), out);
            if let Some(differs) = differs {
                out.extend_from_slice(format!(",\"differs\":{differs}").as_bytes());
            }
        }
        Notice::ScriptFailed(ScriptStop { at: Some((file, line, column)), .. })
        | Notice::BudgetExceeded(ScriptStop { at: Some((file, line, column)), .. }) => {
            member("at", &format!("{file}:{line}:{column}"), out);
        }
        Notice::ProfileOversized(sink) => member("sink", sink.word(), out),
        _ => {}
    }
    if finding.is_observed && !matches!(finding.notice, Notice::Observed(..)) {
        out.extend_from_slice(b",\"observed\":true");
    }
    out.push(b'}');
}

fn string(text: &str, out: &mut Vec<u8>) {
    write_string(Text::plain(text), out);
}

fn optional(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// A member whose value is a word of ours: no character of it needs an escape.
fn word(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

fn member(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    string(value, out);
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

/// Compact bytes that `{root: value}` adds to one metadata object's commands.
#[must_use]
pub fn sink_bytes(key: &str, value_bytes: usize) -> usize {
    let mut name = Vec::with_capacity(key.len() + 2);
    string(key, &mut name);
    name.len() + ":,".len() + value_bytes
}
