//! The laws of merging, and sets of them: what a strategy keeps by construction.
//!
//! f(u, a) is what the account's value u becomes when a visitor brings a; ∅ is an absent value, for which no rule runs.
use crate::diagnostic::Code;

/// A law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// f(u, ∅) = u
    Identity,
    /// f(f(u, a), a) = f(u, a)
    Relogin,
    /// f(f(u, a), b) = f(f(u, b), a): two devices
    OrderFree,
    /// f(u, a) = f(a, u)
    Commutative,
    /// f(f(u, a), b) = f(u, f(a, b))
    Associative,
    /// Nothing of the account's is lost.
    Inflationary,
    /// Every leaf of the result is a leaf of one side.
    NoInvention,
    /// The result is no larger than both sides.
    Bounded,
    /// The same on any JSON, and no script fails.
    Total,
    /// Only the rule's own root is written.
    Protected,
    /// What passed the sanitizer reaches the result.
    Arrives,
    /// No two items of a list have one key.
    Distinct,
}

impl Law {
    /// All laws, by number.
    pub const ALL: [Self; 12] = [
        Self::Identity,
        Self::Relogin,
        Self::OrderFree,
        Self::Commutative,
        Self::Associative,
        Self::Inflationary,
        Self::NoInvention,
        Self::Bounded,
        Self::Total,
        Self::Protected,
        Self::Arrives,
        Self::Distinct,
    ];

    /// `L1` to `L12`, as a waiver names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 12] = ["L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10", "L11", "L12"];
        NAMES.get(self as usize).copied().unwrap_or("L1")
    }

    /// The code of its violation.
    #[must_use]
    pub fn code(self) -> Code {
        const CODES: [Code; 12] = [
            Code::L001,
            Code::L002,
            Code::L003,
            Code::L004,
            Code::L005,
            Code::L006,
            Code::L007,
            Code::L008,
            Code::L009,
            Code::L010,
            Code::L011,
            Code::L012,
        ];
        CODES.get(self as usize).copied().unwrap_or(Code::L001)
    }

    /// What it says, in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Identity => "no session, no change",
            Self::Relogin => "the same login again changes nothing",
            Self::OrderFree => "two devices in either order give the same",
            Self::Commutative => "account and visitor can be swapped (commutative)",
            Self::Associative => "grouping does not matter (associative)",
            Self::Inflationary => "nothing of the account's is lost",
            Self::NoInvention => "nothing is invented",
            Self::Bounded => "the result is no larger than both sides",
            Self::Total => "every value gives the same result, and no script fails",
            Self::Protected => "no other root is written",
            Self::Arrives => "what passed the sanitizer reaches the account",
            Self::Distinct => "no two items of a list have one key",
        }
    }

    /// Whether a rule must keep it; the others are only shown.
    #[must_use]
    pub fn must_hold(self) -> bool {
        !matches!(self, Self::OrderFree | Self::Commutative | Self::Associative | Self::Arrives | Self::Distinct)
    }

    /// Whether a rule may give a reason not to keep it.
    #[must_use]
    pub fn may_be_waived(self) -> bool {
        self.must_hold() && !matches!(self, Self::Relogin | Self::Total | Self::Protected)
    }
}

/// A set of laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Laws(u16);

impl Laws {
    /// What every rule keeps, whatever it merges: without a visitor's value no rule runs, and a rule can write its own root
    /// only.
    pub const OF_EVERY_RULE: Self = Self::of(&[Law::Identity, Law::Protected]);
    /// What a merge keeps that takes each value from one side, and takes it at the same login again.
    pub const OF_A_CHOICE: Self = Self::of(&[
        Law::Identity,
        Law::Relogin,
        Law::Inflationary,
        Law::NoInvention,
        Law::Bounded,
        Law::Total,
        Law::Protected,
    ]);

    const fn of(laws: &[Law]) -> Self {
        let (mut set, mut rest) = (0, laws);
        while let [law, others @ ..] = rest {
            set |= 1 << *law as u16;
            rest = others;
        }
        Self(set)
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, law: Law) -> Self {
        Self(self.0 | 1 << law as u16)
    }

    /// All but one.
    #[must_use]
    pub const fn without(self, law: Law) -> Self {
        Self(self.0 & !(1 << law as u16))
    }

    /// Whether a law is one of them.
    #[must_use]
    pub const fn has(self, law: Law) -> bool {
        self.0 & 1 << law as u16 != 0
    }
}
