//! Words that scripts may not use, with ours.

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
pub(super) type Fixed = (&'static str, &'static [&'static str]);
/// What a merge knows beside its two values.
pub(super) const CONTEXT: Fixed = ("context", &["account_id", "now", "request", "session", "trigger"]);
/// The anonymous session in it.
pub(super) const SESSION: Fixed = ("context.session", &["created_at", "id"]);
/// What a guard is asked.
pub(super) const REQUEST: Fixed = ("request", &["anonymous", "body", "operation", "token"]);

/// The word that takes the place of one of another language.
pub(in crate::script) fn foreign(word: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(own, _)| *own == word).map(|(_, ours)| *ours)
}
