//! Words that scripts may not use, with ours, and what is known of the values that we hand to them.

use super::Kinds;

/// What a script may not do, with what to write instead.
pub(super) const NOT_HERE: [(&str, &str); 8] = [
    ("eval", "a script runs no text"),
    ("print", "a script writes nothing; `handover explain` shows what it did"),
    ("debug", "a script writes nothing; `handover explain` shows what it did"),
    ("sleep", "a script never waits"),
    ("exit", "`return` ends a function"),
    ("timestamp", "the only clock is the event's: `context.now`"),
    ("rand", "a script has no randomness"),
    ("Fn", "write a closure, `|x| …`"),
];
/// Words of other languages, with ours.
pub(super) const FOREIGN: [(&str, &str); 46] = [
    ("null", "()"),
    ("undefined", "()"),
    ("nil", "()"),
    ("None", "()"),
    ("var", "let"),
    ("function", "fn"),
    ("def", "fn"),
    ("True", "true"),
    ("False", "false"),
    ("elif", "else if"),
    ("foreach", "for"),
    ("forEach", "for_each"),
    ("length", "len"),
    ("size", "len"),
    ("includes", "contains"),
    ("append_all", "append"),
    ("and", "&&"),
    ("or", "||"),
    ("not", "!"),
    ("++", "+= 1"),
    ("--", "-= 1"),
    ("?", "if … { … } else { … }"),
    ("fun", "fn"),
    ("func", "fn"),
    ("elseif", "else if"),
    ("elsif", "else if"),
    ("toUpperCase", "to_upper"),
    ("toLowerCase", "to_lower"),
    ("indexOf", "index_of"),
    ("now", "context.now"),
    ("Date", "context.now"),
    ("Math", "max"),
    ("Object", "keys"),
    ("Array", "type_of"),
    ("every", "all"),
    ("unshift", "insert"),
    ("isBlank", "is_blank"),
    ("isEmpty", "is_empty"),
    ("typeof", "type_of"),
    ("instanceof", "type_of"),
    ("lambda", "|x| …"),
    ("use", "import"),
    ("new", "#{ … }"),
    ("#", "//"),
    ("===", "=="),
    ("!==", "!="),
];
/// What is known of a value whose members are ours: how scripts name it, and its members.
#[derive(Clone, Copy)]
pub struct Fixed {
    /// How scripts name it.
    pub name: &'static str,
    /// Its members.
    pub members: &'static [Known],
}

/// A member of what we hand to a script.
#[derive(Clone, Copy)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    pub(super) kinds: Kinds,
    /// Its type and meaning, in a line.
    pub summary: &'static str,
}

impl Fixed {
    /// The names of its members.
    pub(super) fn names(self) -> Vec<&'static str> {
        self.members.iter().map(|member| member.name).collect()
    }
}

const fn known(name: &'static str, kinds: Kinds, summary: &'static str) -> Known {
    Known { name, kinds, summary }
}

/// What a merge knows beside its two values.
pub(in crate::script) const CONTEXT: Fixed = Fixed {
    name: "context",
    members: &[
        known("account_id", Kinds::STRING, "string: the provider's id of the account"),
        known("now", Kinds::NUMBER, "integer: the time of the login, in milliseconds since 1970"),
        known("request", Kinds::MAP, "object: what the provider's Action sends of the request"),
        known("session", Kinds::MAP, "object: the anonymous session"),
        known("trigger", Kinds::STRING, "string: `\"login\"` or `\"signup\"`"),
    ],
};
/// The anonymous session in it.
pub(in crate::script) const SESSION: Fixed = Fixed {
    name: "context.session",
    members: &[
        known("created_at", Kinds::NUMBER, "integer: when the session began, in milliseconds since 1970"),
        known("id", Kinds::STRING, "string: the session's id"),
    ],
};
/// What a guard is asked.
pub(in crate::script) const REQUEST: Fixed = Fixed {
    name: "request",
    members: &[
        known("anonymous", Kinds::BOOL, "boolean: whether the caller's token is an anonymous session's"),
        known("body", Kinds::ANY, "what the caller sends"),
        known("operation", Kinds::STRING, "string: what the caller wants to do"),
        known("token", Kinds::ANY, "object: the claims of the caller's token"),
    ],
};

/// The word that takes the place of one of another language.
pub(in crate::script) fn foreign(word: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(own, _)| *own == word).map(|(_, ours)| *ours)
}
