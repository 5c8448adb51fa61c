//! What the account's receipt says of a hand-over, and so which rules may run.

use crate::event::{Event, Session, Sink};
use crate::receipt::{self, HandOver, Receipt, Taken};
use crate::rule::Rule;

/// What this login knows of logins before it.
pub(super) enum History {
    /// The policy keeps no receipts: every rule runs.
    Untold,
    /// The caller did not show the receipt: no rule runs.
    Hidden,
    /// The receipt is malformed.
    Unreadable,
    /// The receipt, and the hand-over of this login.
    Told(Receipt, HandOver),
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
    pub(super) fn of(event: &Event, session: &Session, once: bool) -> Self {
        if !once {
            return Self::Untold;
        }
        if !event.is_visible(Sink::App, receipt::ROOT) {
            return Self::Hidden;
        }
        let receipt = event.account(Sink::App, receipt::ROOT).map_or(Some(Receipt::default()), Receipt::read);
        let hand_over = || HandOver::new(&session.hand_over(), session.content(), event.at, session.expires_at);
        receipt.map_or(Self::Unreadable, |receipt| Self::Told(receipt, hand_over()))
    }

    /// Whether every rule took this hand-over.
    pub(super) fn is_through(&self) -> bool {
        matches!(self, Self::Told(receipt, hand_over) if receipt.of(hand_over) == Taken::Whole)
    }

    /// Whether a rule may run.
    pub(super) fn admits(&self, rule: &Rule) -> Admission {
        match self {
            Self::Hidden => Admission::Hidden,
            Self::Unreadable if rule.needs_once => Admission::Unreadable,
            Self::Untold | Self::Unreadable => Admission::Runs,
            Self::Told(receipt, hand_over) => told(receipt, hand_over, rule),
        }
    }
}

fn told(receipt: &Receipt, hand_over: &HandOver, rule: &Rule) -> Admission {
    match receipt.of(hand_over) {
        Taken::Never if rule.needs_once && !receipt.has_room(hand_over) => Admission::Full,
        Taken::Whole => Admission::Through,
        Taken::But(left) if !left.has(&rule.name, rule.needs_once) => Admission::Through,
        Taken::Grown(left) if rule.needs_once && !left.has(&rule.name, true) => Admission::Counted,
        Taken::Never | Taken::But(_) | Taken::Grown(_) => Admission::Runs,
    }
}
