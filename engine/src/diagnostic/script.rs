//! Problems of scripts: syntax, names, types and control flow.

use super::Help;
use super::family::family;

family! {
    /// A problem of a script.
    pub(crate) enum ScriptProblem {
        // what does not parse
        TooLarge { bytes_max: usize } => Error R001 ("the script is larger than {bytes_max} bytes");
        NotUtf8 => Error R001 ("the file is not UTF-8"), help ("save the file as UTF-8");
        ByteOrderMark => Error R001 ("the file begins with a byte order mark"), help ("save it as UTF-8 without one");
        Parser { message: String } => Error R001 ("{message}");
        Expected { what: String } => Error R001 ("expected {what}");
        ExpectedType { wanted: String, found: String, help: Option<Help> }
            => Error R001 ("expected {wanted}, not {found}"), mended by help;
        OpenString => Error R001 ("a string without its closing `\"`"), help ("close it with `\"`");
        OpenComment => Error R001 ("a comment without its closing `*/`"), help ("close it with `*/`");
        ReservedMember { word: String }
            => Error R001 ("`{word}` is a reserved word of rhai, so it needs quotation marks as a member's name"),
            help ("write `[\"{word}\"]` instead of `.{word}`, and `\"{word}\": …` in an object");
        UnknownSign { sign: String, hint: String } => Error R001 ("`{sign}` is not an operator of rhai"), help ("{hint}");
        AssignedConstant { name: String }
            => Error R001 ("`{name}` is a constant: neither it nor a member of it can be assigned"),
            help ("define it with `let {name}`");
        ModuleFails => Error R001 ("the module fails when it is loaded");

        // habits of other languages
        Foreign { own: String, what: Token, ours: String }
            => Error R002 ("`{own}` is a {} of another language", what.word()), help ("write {ours}");
        ForeignOperator { operator: String, help: Option<Help> }
            => Error R002 ("`{operator}` is not an operator of rhai"), mended by help;
        ForeignFor => Error R002 ("`for` in rhai is `for item in list`"), help ("write `for item in list {{ … }}`");
        Destructuring => Error R002 ("rhai has no destructuring: `let` defines one variable"), help ("write one `let` for each");
        CoalesceAssigned
            => Error R002 ("`??=` is not an operator of rhai"), help ("write `x = x ?? …`");
        SingleQuotes { text: String }
            => Error R002 ("`'{text}'` is in single quotation marks, which hold one character"), help ("write `\"{text}\"`");
        MapWithoutHash => Error R002 ("a `:` after a name: a map begins with `#{{`"), help ("write `#{{ name: value }}`");
        EmptyBlock => Error R002 ("`{{}}` is an empty block, and its value is `()`"), help ("write `#{{}}` for an empty object");
        NotAKeyword { own: String, help: Option<Help> } => Error R002 ("`{own}` is not a keyword"), mended by help;
        ReturnType => Error R002 ("rhai functions have no return type"), help ("remove it");
        ParameterType => Error R002 ("parameters in rhai have no type"), help ("remove it");
        ParameterDefault => Error R002 ("parameters in rhai have no default"), help ("remove it");
        ColonForBody => Error R002 ("the body of a rhai function begins with `{{`, not `:`"), help ("write `{{`");
        NotBoolean { operator: String, shown: String, kinds: String, help: Option<Help> }
            => Error R002 ("`{operator}` takes `true` or `false`, and {shown} is {kinds}"), mended by help;
        NotIterable { shown: String, kinds: String, help: Option<Help> }
            => Error R002 ("`for` needs a list, but {shown} is {kinds}"), mended by help;

        // functions that the script defines
        NoEntry { name: String, signature: String }
            => Error R003 ("no function `{name}`"), help ("write `{signature} {{ … }}`");
        MisnamedEntry { name: String, near: String, help: Option<Help> }
            => Error R003 ("no function `{name}`, found `{near}`"), mended by help;
        EntryParameters { name: String, takes: usize, count: usize, signature: String }
            => Error R004 ("`{name}` takes {takes} parameters, not {count}"), help ("write `{signature}`");
        SwappedParameter { own: String, receives: String, signature: String }
            => Error R004 ("parameters in the wrong order: `{own}` is in the place of `{receives}`"), help ("write `{signature}`");
        DefinedTwice { name: String } => Error R005 ("duplicate function `{name}`");
        HidesBuiltIn { name: String } => Error R006 ("`{name}` hides a built-in function");

        // names
        UnknownFunction { name: String, help: Option<Help> } => Error R010 ("unknown function `{name}`"), mended by help;
        UnknownMethod { name: String, help: Option<Help> } => Error R010 ("unknown method `{name}`"), mended by help;
        NotInModule { module: String, name: String, help: Option<Help> }
            => Error R010 ("`{module}` has no function `{name}`"), mended by help;
        InModule { name: String, alias: String }
            => Error R010 ("`{name}` is a function of the module `{alias}`"), help ("write `{alias}::{name}`");
        CalledVariable { name: String }
            => Error R010 ("`{name}` is a variable: a closure that it holds is called with `call`"),
            help ("write `{name}.call(…)`");
        NoMethod { kinds: String, name: String, receivers: String }
            => Error R010 ("{kinds} has no method `{name}`"), help ("`{name}` is a method of {receivers}");
        Miscounted { name: String, takes: String, count: usize, help: Option<Help> }
            => Error R011 ("`{name}` takes {takes}, not {count}"), mended by help;
        ClosureParameters { method: String, takes: String, count: usize }
            => Error R011 ("`{method}` calls a closure with {takes}, not with {count}");
        Undefined { name: String, help: Option<Help> } => Error R012 ("undefined variable `{name}`"), mended by help;
        ModuleAsValue { name: String } => Error R012 ("`{name}` is a module, not a value"), help ("write `{name}::`");
        IntegerTooLarge { digits: String }
            => Error R013 ("`{digits}` is larger than an integer of 64 bits can be"), help ("at most 9223372036854775807");
        NotImported { alias: String, help: Option<Help> }
            => Error R014 ("no module is imported as `{alias}`"), mended by help;
        NoModule { name: String, help: Option<Help> }
            => Error R014 ("the module `{name}` does not exist in the folder of the policy"), mended by help;
        UnquotedModule => Error R015 ("the module of an import needs quotation marks");
        ModuleOutside { name: String, help: Option<Help> }
            => Error R015 ("`{name}` is outside the folder of the policy"), mended by help;
        NotAllowed { name: String, help: Option<Help> } => Error R016 ("`{name}` is not allowed here"), mended by help;
        MergesInGuard { name: String, help: Option<Help> }
            => Error R016 ("`{name}` merges: guards cannot call it"), mended by help;
        EndsMergeInGuard { name: String }
            => Error R016 ("`{name}` ends a merge: guards cannot call it"), help ("write `deny(\"reason\")`");
        DecidesInMerge { name: String }
            => Error R016 ("`{name}` is for guards: merges cannot call it"),
            help ("write `skip(\"reason\")` to leave both as they are");
        VerbOutside { name: String }
            => Error R016 ("`{name}` stands outside of every function, so it runs before `authorize` or `merge` is called"),
            help ("call it in the function");
        LockedByClosure { name: String }
            => Error R016 ("a closure passed to a method of `{name}` uses `{name}`, which cannot be read until the method returns"),
            help ("copy it before: `let copy = {name};`");
        NamelessImport { module: String, name: String }
            => Error R053 ("`{module}` is imported under no name"), help ("write `import \"{module}\" as {name}`");
        UnusedImport { alias: String } => Error R053 ("the import `{alias}` is never used"), help ("remove the import");
        UnusedVariable { name: String } => Warning R054 ("`{name}` is never used");
        LostAssignment { name: String }
            => Error R061 ("`{name}` is a copy: this assignment has no effect"),
            help ("use `{name}` after it is changed: put it into a list or a member");

        // members and types
        UnknownMember { name: String, help: Option<Help> }
            => Error R020 ("the schema declares no member `{name}`"), mended by help;
        UnknownMemberOf { of: String, name: String, help: Option<Help> }
            => Error R020 ("`{of}` has no member `{name}`"), mended by help;
        UnknownItemMember { name: String, help: Option<Help> }
            => Error R020 ("no item has a member `{name}`"), mended by help;
        Memberless { kinds: String, name: String, help: Option<Help> }
            => Error R020 ("{kinds} has no member `{name}`"), mended by help;
        IndexedObject { kinds: String, index: String }
            => Error R020 ("{kinds} has no items: `[{index}]` reads an item of a list"), help ("write `[\"name\"]` for a member");
        AbsentAccountRead { name: String, help: Option<Help> }
            => Error R022 ("`{name}` is `()` at a first transfer, and has no members then"), mended by help;
        AbsentAccountWritten { name: String }
            => Error R022 ("`{name}` is `()` at a first transfer, and has no members to write then"),
            help ("start with `account ?? #{{}}`");
        OptionalReached { shown: String, help: Option<Help> }
            => Error R022 ("`{shown}` is optional: where it is absent, it is `()`, which has no members or methods"),
            mended by help;
        OptionalNeeded { shown: String, operator: String, help: Option<Help> }
            => Error R022 ("{shown} is optional: where it is absent, it is `()`, and `{operator}` fails"), mended by help;
        FailsAtFirstLogin { cause: String }
            => Error R022 ("`merge` fails here at every first login, where `account` is `()`{cause}"),
            help ("write `account ?? …`, or ask `account == ()` first");
        WrongRoot { own: String, root: String }
            => Error R060 ("`merge` returns {own}, and the schema's root is {root}: at the next login the account's value does not fit (`account_shape`)"),
            help ("return {root}, or describe the result in a `.result.schema.json`");
        WrongMember { name: String, own: String, declared: String }
            => Warning R060 ("the result's `{name}` is {own}, and the schema gives it {declared}");
        Retyped { name: String, declared: String, own: String }
            => Error R062 ("the schema declares `{name}` as {declared}, but {own} is assigned"), help ("assign {declared}");
        AlwaysSame { result: bool, left: String, right: String, help: Option<Help> }
            => Error R063 ("always {result}: compares {left} with {right}"), mended by help;
        NoSuchType { name: String, help: Option<Help> }
            => Error R063 ("no value has the type `{name}`, so the comparison is always the same"), mended by help;
        JoinsString { other: String }
            => Warning R063 ("`+` joins a string with a string, not with {other}"),
            help ("write `x.to_string()`, or `${{x}}` between backticks");
        NotNumbers { operator: String, wrong: String }
            => Warning R063 ("`{operator}` takes two numbers, not {wrong}"), help ("`time_of` and `parse_int` give numbers");

        // options of merge functions
        OptionsNotLast { function: String, signature: String }
            => Error R030 ("`{function}` takes its options last"), help ("write `{signature}`");
        UnknownOption { function: String, option: String, help: Option<Help> }
            => Error R030 ("`{function}` has no option `{option}`"), mended by help;
        ClosureOption { option: String, help: Option<Help> }
            => Error R030 ("expected a value for `{option}`, found a closure"), mended by help;
        WrongOption { message: String, help: Option<Help> } => Error R030 ("{message}"), mended by help;
        WrongStrategy { message: String, help: Option<Help> } => Error R031 ("{message}"), mended by help;
        NoKeyMember { name: String, help: Option<Help> } => Error R032 ("no item has a member `{name}`"), mended by help;
        NoKey { name: String, help: Option<Help> }
            => Error R032 ("no item has a member `{name}`: every item is dropped"), mended by help;

        // control flow
        Unreachable => Error R050 ("unreachable statement"), help ("remove it");
        UndecidedPath
            => Error R051 ("this path ends without a decision"), help ("end with `allow()`, or `deny(\"reason\")`");
        ValuelessPath
            => Error R051 ("this path gives `()`, so nothing is ever written"),
            help ("end with the merged value, or `skip(\"reason\")`");
        InPlace { name: String }
            => Error R051 ("`{name}` changes the value in place and gives `()`"),
            help ("write `x.{name}(…);` as a statement, then use `x`");
        Endless { word: String }
            => Error R052 ("this `{word}` never ends: it has no `break`"), help ("add a `break`, or write `for`");

        // laws
        AddsAgain { word: String, instead: String }
            => Error R040 ("`{word}` adds again at every login: 1 + 3 gives 4, then 7, then 10"),
            help ("`{instead}`, or `session.once`");
        AppendsAgain { word: String, instead: String }
            => Error R040 ("`{word}` appends again at every login: 1 and 3 items give 4, then 7, then 10"),
            help ("`{instead}`, or `session.once`");
        NotIdempotent
            => Error R040 ("`merge` is not idempotent: repeating a login changes the result"),
            help ("make the merge idempotent (`keyed_union` with `max`), or set `session.once`");
        HardlyWrote { cases: usize, ran: usize, wrote: usize, advice: String }
            => Warning R041 ("`merge` ran in {ran} of {cases} generated logins and wrote in {wrote}: too few writes to know whether repeating a login changes the result"),
            help ("{advice}; Handover treats the rule as one that adds");
    }
}

/// What an author wrote in another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word,
    Sign,
}

impl Token {
    fn word(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Sign => "sign",
        }
    }
}
