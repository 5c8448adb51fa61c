//! Problems of schemas: keywords, values, open places, and what is worth a second look.

use super::Help;
use super::family::family;

family! {
    /// A problem of a schema.
    pub(crate) enum SchemaProblem {
        // what cannot be read
        TooLarge { objects_max: usize, nesting_max: usize }
            => Error S003 ("more than {objects_max} schema objects, or nested deeper than {nesting_max}");
        TooManyWays { ways_max: u64 }
            => Error S003 ("schemas refer to each other in more than {ways_max} ways at one place"),
            help ("name each schema once in `allOf`, `anyOf` or `oneOf`");
        NoSchema => Error S003 ("a schema is an object, `true` or `false`");
        NoSchemaFor { keyword: String, help: Option<Help> }
            => Error S003 ("`{keyword}` takes a schema: a schema is an object, `true` or `false`"), mended by help;
        Refused { why: String } => Error S003 ("{why}");
        UnknownDraft { uri: String, near: String }
            => Error S004 ("`$schema`: `{uri}` is not a supported draft of JSON Schema"), help ("write `{near}`");

        OtherDraft => Error S004 ("this draft differs from that of the file");

        // keywords and their values
        UnknownKeyword { keyword: String, help: Option<Help> }
            => Error S010 ("unknown keyword `{keyword}`"), mended by help;
        KeywordFrom { keyword: String, draft: String } => Error S010 ("`{keyword}` is a keyword of {draft} and later");
        KeywordUpTo { keyword: String, draft: String, help: Option<Help> }
            => Error S010 ("`{keyword}` is a keyword up to {draft}"), mended by help;
        Takes { keyword: String, expected: String } => Error S011 ("`{keyword}` takes {expected}");
        Invalid { keyword: String, why: String } => Error S011 ("invalid value for `{keyword}`: {why}");
        UnknownType { name: String, help: Option<Help> }
            => Error S011 ("`{name}` is not a type of JSON Schema"), mended by help;
        UnknownDetector { name: String, help: Option<Help> } => Error S011 ("unknown detector `{name}`"), mended by help;
        TooManyMembers { count: usize, most: usize } => Error S011 ("{count} members are declared here: expected at most {most}");
        TooManyDependent { count: usize, most: usize }
            => Error S011 ("{count} names depend on each other here: expected at most {most}");
        TooManyBranches { keyword: String, count: usize, most: usize, tagged_max: usize }
            => Error S011 ("`{keyword}` has {count} branches: expected at most {most}"),
            help ("write one `enum`; up to {tagged_max} are allowed where each requires the same member with a `const` of its own");
        UnknownFormat { name: String, help: Option<Help> } => Error S012 ("format `{name}` is unknown"), mended by help;
        InvalidPattern => Error S013 ("this pattern is not a regular expression");
        ForeignPattern { part: String, help: Option<Help> }
            => Error S013 ("`{part}` is not part of ECMA-262"), mended by help;
        PatternTooLong { bytes: usize, most: usize } => Error S013 ("this pattern has {bytes} bytes: expected at most {most}");
        NotLinear => Error S014 ("this pattern needs look-around or a back-reference: it is not linear-time");
        RefToNothing { text: String, help: Option<Help> } => Error S015 ("the target of `$ref` does not exist: `{text}`"), mended by help;
        RefElsewhere { text: String }
            => Error S016 ("`$ref` to another file: `{text}`"), help ("add the file to the policy, or define it in `$defs`");
        Circle { pointers: String }
            => Error S025 ("the schema refers to itself at the same place: {pointers}"),
            help ("refer to it from a member or an item instead: there it judges another value");

        // annotations of ours
        UnknownStep { step: String, keyword: &'static str, help: Option<Help> }
            => Error S022 ("unknown step `{step}` of `{keyword}`"), mended by help;
        StepNeeds { step: &'static str, needs: &'static str } => Error S023 ("`{step}` needs {needs} beside it");
        AsksOnly { keyword: String }
            => Error S024 ("`{keyword}` has no effect inside `not`, `if`, `contains` and `propertyNames`");

        // keywords without effect
        BesideRef { keyword: String }
            => Error S017 ("`{keyword}` beside `$ref` has no effect before draft 2019-09"), help ("put both into `allOf`");
        Without { keyword: String, others: String }
            => Error S017 ("`{keyword}` has no effect without `{others}`"), help ("remove it, or add what it needs");
        FailAtRoot
            => Error S017 ("`fail` has no effect at the root: no value is around it"), help ("remove it, or add what it needs");
        ForOtherType { keyword: String, kind: &'static str }
            => Error S017 ("`{keyword}` has no effect here: it is for {kind}, which `type` does not allow"),
            help ("remove it, or add what it needs");

        // what never passes
        NothingPasses { keywords: String }
            => Error S020 ("no value is valid here{keywords}"), help ("write `false` for a place where nothing is meant to pass");
        RequiredNeverPasses { name: String, effect: &'static str, help: Option<Help> }
            => Error S020 ("`{name}` is required and can never pass: {effect}"), mended by help;
        WrongDefault => Error S021 ("this `default` is invalid under its own schema");

        // open and unbounded places
        Recursion
            => Error S030 ("this schema contains itself, to any depth"),
            help ("add `x-max-bytes` to what holds it, or `max_bytes` to the rule");
        UnboundedString
            => Error S030 ("string without a maximum length"), help ("add `maxLength`, or `x-max-bytes` to what holds it");
        UnboundedList => Error S030 ("list without a maximum length"), help ("add `maxItems`, or `x-max-bytes` to what holds it");
        UnboundedObject
            => Error S030 ("object without a maximum number of members"),
            help ("add `maxProperties`, or `x-max-bytes` to what holds it");
        Anything
            => Error S031 ("any value is allowed here"),
            help ("declare its `type`, or `additionalProperties: true` beside `\"type\": \"object\"`");
        OpenObject
            => Error S031 ("object with undeclared members"),
            help ("declare its members in `properties`, or write `additionalProperties: true`");
        UndescribedMember { name: String, help: Option<Help> }
            => Error S031 ("member `{name}` is allowed, but no schema describes its value"), mended by help;
        OpenList
            => Error S032 ("list without a schema for its items"),
            help ("declare them in `items`, and their number in `maxItems`; `items: true` allows anything");
        OverBudget { bytes: u64, sink: &'static str, bytes_max: u64 }
            => Error S033 ("the rules allow {bytes} bytes of `{sink}`; a login may write {bytes_max} (`sink_bytes`)"),
            help ("lower the bound, or give the rule `max_bytes`; a character takes up to 6 bytes (`\\u0000`), unless a `pattern` excludes control characters");

        // what is worth a second look
        AmbiguousUnion
            => Warning S040 ("this branch of `oneOf` overlaps an earlier one: a value can match both"),
            help ("give each branch a required member with its own `const`");
        ChoiceExplosion { ways_max: usize } => Warning S041 ("the choices here multiply to more than {ways_max} ways");
        TupleWithoutMin { positions: usize }
            => Warning S042 ("positions without `minItems`: a list that ends before the last one also passes"),
            help ("add `\"minItems\": {positions}`");
        AllOptional => Info S043 ("every member is optional: `{{}}` passes");
        NotMonotone { keyword: String }
            => Info S044 ("with `{keyword}`, a value can have several largest valid parts");
        Recursive => Info S045 ("the schema contains itself: only the depth limit bounds the data");
        Rounded
            => Info S046 ("the provider rounds integers beyond ±9007199254740991, so they are dropped"),
            help ("add `minimum` and `maximum`");
    }
}

impl SchemaProblem {
    /// The keyword whose value is wrong.
    pub(crate) fn keyword(&self) -> Option<&str> {
        match self {
            Self::Takes { keyword, .. } | Self::Invalid { keyword, .. } => Some(keyword),
            _ => None,
        }
    }
}
