//! What the account's receipt says of a hand-over, and so which rules may run.

use crate::decision::sink_bytes;
use crate::event::{Event, Session, Sink};
use crate::receipt::{self, HandOver, Left, Receipt, Taken};
use crate::rule::{Mode, Rule};

/// What this login knows of logins before it.
pub(super) enum History {
    /// The policy keeps no receipts: every rule runs.
    Untold,
    /// The caller did not show the receipt: no rule runs.
    Hidden,
    /// The receipt is malformed.
    Unreadable,
    /// The receipt, the hand-over of this login, and whether the receipt of both fits into the account's metadata.
    Told(Receipt, HandOver, bool),
}

/// Whether a rule may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Runs,
    /// It took this hand-over, with the same content.
    Through,
    /// It needs once, and took this hand-over with other content.
    Counted,
    /// The receipt is not shown.
    Hidden,
    /// It needs once, and the receipt cannot be read.
    Unreadable,
    /// It needs once, and the receipt has no room to say that it ran.
    Full,
}

impl History {
    /// What the account's receipt says; `bytes_max` is what it may take together with the names of rules.
    pub(super) fn of(event: &Event, session: &Session, bytes_max: usize, left_bytes_max: usize) -> Self {
        if !event.is_visible(Sink::App, receipt::ROOT) {
            return Self::Hidden;
        }
        let receipt = event.account(Sink::App, receipt::ROOT).map_or(Some(Receipt::default()), Receipt::read);
        let hand_over = || HandOver::new(&session.hand_over(), session.content(), event.at, session.expires_at);
        receipt.map_or(Self::Unreadable, |receipt| {
            let fits = sink_bytes(receipt::ROOT, receipt.bytes_max() + left_bytes_max) < bytes_max;
            Self::Told(receipt, hand_over(), fits)
        })
    }

    /// Whether every rule took this hand-over. A name that the policy lacks counts as through.
    pub(super) fn is_through(&self, rules: &[Rule]) -> bool {
        let Self::Told(receipt, hand_over, _) = self else { return false };
        match receipt.of(hand_over) {
            Taken::Whole => true,
            Taken::But(left) => {
                !rules.iter().any(|rule| rule.mode == Mode::Apply && left.has(&rule.name, rule.needs_once))
            }
            Taken::Never | Taken::Grown(_) => false,
        }
    }

    /// Whether the receipt names a rule as one that did not take this hand-over yet: it runs on any trigger.
    pub(super) fn waits_for(&self, rule: &Rule) -> bool {
        let Self::Told(receipt, hand_over, _) = self else { return false };
        match receipt.of(hand_over) {
            Taken::But(left) | Taken::Grown(left) => left.has(&rule.name, rule.needs_once),
            Taken::Never | Taken::Whole => false,
        }
    }

    /// Whether the draft grew, and the rule did not take it before.
    pub(super) fn grew_without(&self, rule: &Rule) -> bool {
        let Self::Told(receipt, hand_over, _) = self else { return false };
        matches!(receipt.of(hand_over), Taken::Grown(left) if left.has(&rule.name, rule.needs_once))
    }

    /// Whether a rule may run.
    pub(super) fn admits(&self, rule: &Rule) -> Admission {
        match self {
            Self::Hidden => Admission::Hidden,
            Self::Unreadable if rule.needs_once => Admission::Unreadable,
            Self::Untold | Self::Unreadable => Admission::Runs,
            Self::Told(receipt, hand_over, fits) => {
                let has_room = *fits && receipt.has_room(hand_over);
                told(receipt.of(hand_over), rule, has_room)
            }
        }
    }
}

fn told(taken: Taken<'_>, rule: &Rule, has_room: bool) -> Admission {
    let is_left = |left: Left<'_>| left.has(&rule.name, rule.needs_once);
    match taken {
        Taken::Whole => Admission::Through,
        // of many rules that were left, not all are named
        Taken::But(left) if !is_left(left) && rule.needs_once && left.is_many() => Admission::Counted,
        Taken::But(left) if !is_left(left) => Admission::Through,
        Taken::Grown(left) if rule.needs_once && !is_left(left) => Admission::Counted,
        Taken::Never | Taken::But(_) | Taken::Grown(_) if rule.needs_once && !has_room => Admission::Full,
        Taken::Never | Taken::But(_) | Taken::Grown(_) => Admission::Runs,
    }
}
