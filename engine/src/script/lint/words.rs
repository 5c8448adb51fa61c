//! Words that scripts may not use, with ours.

/// Verbs that only a guard has.
pub(super) const GUARD_VERBS: [&str; 3] = ["allow", "deny", "require"];
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
pub(super) const FOREIGN: [(&str, &str); 29] = [
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
];
/// Members of `context`.
pub(super) const CONTEXT: [&str; 5] = ["account_id", "now", "request", "session", "trigger"];
/// Members of `context.session`.
pub(super) const SESSION: [&str; 2] = ["created_at", "id"];

/// The word that takes the place of one of another language.
pub(in crate::script) fn foreign(word: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(own, _)| *own == word).map(|(_, ours)| *ours)
}
