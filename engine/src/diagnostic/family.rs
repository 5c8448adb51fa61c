//! A family of problems is a table: one problem a line, with its fields, code, severity, message and help.

use super::{Code, Help, Severity};

/// How a problem is reported.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) code: Code,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) help: Option<Help>,
}

/// Defines an enum and its words: `Name { field: Type } => Severity CODE ("message with {field}")`, then `help ("…")` where
/// the help is a sentence, or `mended by field` where the place that found the problem knows it.
macro_rules! family {
    (@help) => { None };
    (@help sentence $($help:tt)*) => { Some($crate::diagnostic::Help::from(format!($($help)*))) };
    (@help given $help:ident) => { $help.clone() };
    (
        $(#[$about:meta])*
        $visible:vis enum $family:ident {
            $(
                $(#[$note:meta])*
                $name:ident $({ $($(#[$on:meta])* $field:ident: $type:ty),* $(,)? })?
                => $severity:ident $code:ident ($($message:tt)*)
                $(, help ($($help:tt)*))?
                $(, mended by $given:ident)?;
            )*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $visible enum $family {
            $(
                $(#[$note])*
                $name $({ $($(#[$on])* $field: $type),* })?
            ),*
        }

        impl $family {
            pub(super) fn words(&self) -> $crate::diagnostic::family::Words {
                match self {
                    $(
                        Self::$name $({ $($field),* })? => $crate::diagnostic::family::Words {
                            code: $crate::diagnostic::Code::$code,
                            severity: $crate::diagnostic::Severity::$severity,
                            message: format!($($message)*),
                            help: family!(@help $(sentence $($help)*)? $(given $given)?),
                        }
                    ),*
                }
            }
        }
    };
}

pub(super) use family;
