//! Problems of fixtures: what is wrong with a case, what came of it instead, and what no case covers.

use super::Help;
use super::family::family;

family! {
    /// A problem of a fixture.
    pub(crate) enum FixtureProblem {
        // the case itself
        UnknownMember { name: String, help: Option<Help> } => Error F003 ("unknown member `{name}`"), mended by help;
        NoEffect { name: String, place: &'static str } => Error F003 ("`{name}` has no effect {place}");
        CodeNeedsRefused => Error F003 ("`code` needs the status `refused`");
        Missing { name: String } => Error F004 ("the member `{name}` is missing");
        Expected { what: String } => Error F005 ("expected {what}");
        Takes { name: String, what: String } => Error F005 ("`{name}` takes {what}");
        NotJson { message: &'static str } => Error F005 ("{message}");
        NoSuchRule { rule: String, help: Option<Help> } => Error F006 ("no rule `{rule}`"), mended by help;
        NoSuchGuard { name: String, help: Option<Help> } => Error F006 ("no guard `{name}`"), mended by help;
        NoFinding { text: String, help: Option<Help> }
            => Error F007 ("expected `action /pointer` or a finding's keyword, found `{text}`"), mended by help;
        EllipsisNotLast => Error F007 ("`…` must be the last entry");
        NoPlace { pointer: String, help: Option<Help> }
            => Error F008 ("the event has no value at `{pointer}`"), mended by help;
        StrayMatcher { name: String } => Error F009 ("`{name}` is allowed in `expect` only");
        UnknownMatcher { name: String }
            => Error F009 ("`{name}` is not a matcher: write `{{\"$any\": \"<type>\"}}` or `{{\"$now\": true}}`");
        AnyTakesType { word: String, help: Option<Help> } => Error F009 ("`$any` takes a type, not `{word}`"), mended by help;
        MatcherTakesTrue { name: String } => Error F009 ("`{name}` takes `true`");
        SkipWithoutReason => Error F010 ("`skip` needs a reason, as a string");
        UnknownWord { word: String, what: String, help: Option<Help> } => Error F011 ("unknown {what} `{word}`"), mended by help;
        WrongWord { name: String, expected: String, word: String } => Error F011 ("`{name}` takes {expected}, not `{word}`");

        // what came of it
        StateDiffers { place: String, how: String } => Error F020 ("{place} {how}");
        StatusDiffers { actual: String, expected: String, help: Option<Help> }
            => Error F021 ("expected status `{expected}`, found `{actual}`"), mended by help;
        WordDiffers { name: String, actual: String, expected: String }
            => Error F021 ("expected {name} `{expected}`, found `{actual}`");
        MissingFinding { text: String } => Error F022 ("missing finding `{text}`");
        UnexpectedFinding { finding: String } => Error F022 ("unexpected finding `{finding}`");
        ScriptFailed { finding: String, cause: String } => Error F023 ("unexpected finding `{finding}`{cause}");
        GuardFailed { finding: String, cause: String } => Error F023 ("the guard did not decide: `{finding}`{cause}");
        GuardOverran { finding: String, cause: String } => Error F024 ("the guard did not decide: `{finding}`{cause}");
        BudgetExceeded { finding: String, cause: String } => Error F024 ("unexpected finding `{finding}`{cause}");
        Unread { pointers: String, help: Option<Help> } => Error F031 ("no rule reads {pointers}"), mended by help;
        SameCase { other: String } => Error F032 ("the same case as `{other}`");
    }
}

family! {
    /// A problem of all cases together, or of what must hold for every case.
    #[non_exhaustive]
    pub enum RunProblem {
        /// There is no case.
        NothingTested => Error F030 ("nothing was tested");
        /// No case has a path that the filter keeps.
        NothingMatches {
            /// The filter.
            filter: String,
        } => Error F030 ("no fixture ran: no path contains `{filter}`");
        /// The cases cover less than is asked.
        TooLittleCovered {
            /// The share that they cover, such as `94.1 %`.
            share: String,
            /// The percentage that is asked.
            least: String,
        } => Error F040 ("coverage is {share}, less than {least} %"), help ("add fixtures that cover these places");
        /// A property that must hold for every case does not.
        PropertyFails {
            /// The property, in a sentence.
            property: &'static str,
        } => Error F050 ("property violated: {property}");
    }
}
