//! Problems of `policy.json`: its members, its rules, and what its sessions promise.

use super::Help;
use super::family::family;

family! {
    /// A problem of a policy.
    pub(crate) enum PolicyProblem {
        // members and their values
        UnknownMember { name: String, help: Option<Help> } => Error P003 ("unknown member `{name}`"), mended by help;
        Missing { name: String } => Error P004 ("the member `{name}` is missing");
        Expected { what: String } => Error P005 ("expected {what}");
        Takes { name: String, what: String } => Error P005 ("`{name}` takes {what}");
        CannotBe { name: String, word: String, help: Option<Help> }
            => Error P006 ("`{name}` cannot be `{word}`"), mended by help;
        UnknownDetector { name: String, help: Option<Help> } => Error P006 ("no detector `{name}`"), mended by help;
        UnknownTrigger { word: String, help: Option<Help> } => Error P006 ("unknown trigger `{word}`"), mended by help;
        NoRules => Error P007 ("`rules` is empty: nothing would ever be transferred");
        TooManyRules { count: usize, most: usize } => Error P007 ("there are {count} rules: expected at most {most}");
        OutOfRange { name: String, least: u64, most: u64 } => Error P007 ("`{name}` must be between {least} and {most}");
        ZeroSize { name: String } => Error P007 ("`{name}` takes 1 or more");
        NoTrigger => Error P007 ("`on` is empty: the rule never runs");
        NotWaivable { law: String } => Error P007 ("`{law}` cannot be waived"), help ("remove it, and repair the merge");
        NoReason => Error P007 ("a waiver needs a reason");

        // rules and their files
        NameTwice { name: String } => Error P010 ("duplicate rule name `{name}`");
        RootTwice { root: String } => Error P011 ("duplicate root `{root}`");
        Protected { root: String } => Error P012 ("`{root}` is protected: rules cannot write it");
        NoRoot { text: String, root: String }
            => Error P013 ("`{text}` is not a root, a top-level key of `app_metadata` or `user_metadata`"),
            help ("write `app_metadata.{root}` or `user_metadata.{root}`");
        UnstorableRoot { root: String }
            => Error P013 ("the provider cannot store the root `{root}`"),
            help ("a root has no `.`, `$` or NUL, and is not `__proto__`, `constructor` or `prototype`");
        ReservedPointer => Error P014 ("`/handover` is reserved for the hand-over id");
        NoPointer { text: String, help: Option<Help> }
            => Error P014 ("`{text}` is not a JSON Pointer: `~0` is `~`, and `~1` is `/`"), mended by help;
        NoDuration { text: String } => Error P015 ("`{text}` is not a duration"), help ("write `30d`, `12h`, `45m` or `90s`");
        NoPolicy => Error P020 ("there is no `policy.json` in the folder");
        NoSchema { rule: String, file: String, help: Option<Help> }
            => Error P021 ("the rule `{rule}` has no schema: the file `{file}` does not exist"), mended by help;
        NoScript { file: String, help: Option<Help> } => Error P022 ("the file `{file}` does not exist"), mended by help;
        UnusedFile { file: String } => Error P023 ("unused file: no rule reads `{file}`");
        BadName { name: String }
            => Error P024 ("invalid rule name `{name}`: expected letters, digits, `_` or `-`");
        PathOutside => Error P024 ("a path with `..`, or from the root, is outside the folder of the policy");
        TwoMerges { file: String }
            => Error P025 ("two merges for one rule: this one, and the script `{file}`"), help ("remove one, or name `{file}`");
        NoMerge { file: String } => Error P026 ("the rule has no `merge`"), help ("write `{file}`, or name a strategy");

        // declared merges
        UnknownStrategy { message: String, help: Option<Help> } => Error P030 ("{message}"), mended by help;
        WrongOption { message: String, help: Option<Help> } => Error P031 ("{message}"), mended by help;
        WrongOptionValue { message: String, help: Option<Help> } => Error P032 ("{message}"), mended by help;
        NotOneFunction { message: String, help: Option<Help> } => Error P033 ("{message}"), mended by help;
        MemberNeverPasses { name: String, help: Option<Help> }
            => Error P034 ("the schema allows no member `{name}`, so there is nothing to merge"), mended by help;
        NoKeyMember { name: String, help: Option<Help> }
            => Error P035 ("the schema's items have no member `{name}` for the key, so every item is dropped"),
            mended by help;
        NoTimeMember { name: String, help: Option<Help> }
            => Error P035 ("the schema has no member `{name}` that holds the time (`at`)"), mended by help;
        OtherType { strategy: String, merges: String, found: String, help: Option<Help> }
            => Error P036 ("`{strategy}` merges {merges}, but the schema has {found} here"), mended by help;
        OtherLines { preset: String, needs: String, declared: String, help: Option<Help> }
            => Error P037 ("`{preset}` needs lines with {needs}, but the schema's lines have {declared}"), mended by help;
        UnruledMember { name: String }
            => Warning P038 ("where both have a line, the visitor's {name} is lost: `on_match` does not name it"),
            help ("name it in `on_match`, or write `\"otherwise\": \"account\"`");
        UnruledMembers { names: String }
            => Warning P038 ("where both have a line, the visitor's {names} are lost: `on_match` does not name them"),
            help ("name them in `on_match`, or write `\"otherwise\": \"account\"`");
        AddsAgain { word: String, instead: String }
            => Error P040 ("`{word}` adds again at every login: 1 + 3 gives 4, then 7, then 10"),
            help ("`{instead}`, or `session.once`");
        AppendsAgain { word: String, instead: String }
            => Error P040 ("`{word}` appends again at every login: 1 and 3 items give 4, then 7, then 10"),
            help ("`{instead}`, or `session.once`");
        UnneededWaiver { rule: String, law: String, logins: usize }
            => Warning P041 ("unneeded waiver: `{rule}` keeps law {law} in {logins} logins"), help ("remove the waiver");

        // sessions and the provider
        EndlessSession => Error P050 ("a session that never ends"), help ("write `90d` or less, and set the tenant to it");
        LongSession
            => Error P050 ("a session that lives for more than 90 days"),
            help ("write `90d` or less, and set the tenant to it");
        TenantDiffers { theirs: String, declared: String, setting: &'static str }
            => Error P051 ("{theirs}, the policy declares `{declared}`"),
            help ("set `{setting}` of the tenant, or declare in the policy what the tenant has");
        ShortSession
            => Warning P052 ("a session of less than 24 hours ends before most visitors return"),
            help ("write `30d`, unless people share the device, and set the tenant to it");
        ReadableToken
            => Warning P053 ("everybody who holds a `jwt` can read the session's metadata"),
            help ("write `jwe`, and set the tenant to it");
        SessionBelowAdvice
            => Info P054 ("the provider recommends sessions of 30 days or more"), help ("write `30d`, and set the tenant to it");
        NoTokenComes
            => Error P056 ("`required` skips every login: Auth0's post-login event holds no session token"),
            help ("write `ignored`, and `/v1/authorize` verifies tokens anyway");
        OverAdvice { bytes: u64, sink: &'static str, advised: usize }
            => Info P055 ("the rules allow {bytes} bytes of `{sink}`; the provider recommends at most {advised}"),
            help ("lower the bounds, or give the rule a smaller `max_bytes`");
    }
}
