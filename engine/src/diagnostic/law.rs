//! Problems of merges that were tried on generated logins.

use super::family::Words;
use super::{Code, Help, Severity};

/// What generated logins show of a rule's merge.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LawProblem {
    /// The merge ran in too few of them, so nothing is known of its laws.
    HardlyRan {
        /// The rule.
        rule: String,
        /// In how many it ran.
        ran: usize,
        /// How many there were, such as `1000 logins`.
        logins: String,
        /// Why it did not run, and what to do.
        why: String,
    },
    /// It breaks a law.
    Broken {
        /// The rule.
        rule: String,
        /// The code of the law.
        code: Code,
        /// The law's name, such as `L2`.
        law: &'static str,
        /// What the law says.
        words: &'static str,
        /// The share of logins that break it, such as `3.1 %`.
        share: String,
    },
}

impl LawProblem {
    pub(super) fn words(&self) -> Words {
        match self {
            Self::HardlyRan { rule, ran, logins, why } => {
                let (times, severity) = match ran {
                    0 => ("none".to_owned(), Severity::Error),
                    ran => (ran.to_string(), Severity::Warning),
                };
                let message = format!("the merge of `{rule}` ran in {times} of {logins}");
                Words { code: Code::L000, severity, message, help: Some(Help::from(why.as_str())) }
            }
            Self::Broken { rule, code, law, words, share } => {
                let message = format!("`{rule}` breaks law {law} in {share}: {words}");
                Words { code: *code, severity: Severity::Error, message, help: None }
            }
        }
    }
}
