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
/// Where a word of another language is a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::script) enum Where {
    /// As a name, a call or an operator.
    Name,
    /// There, and before the place where the parser stops: it begins a statement in its language.
    Statement,
    /// Before the place where the parser stops only: elsewhere it is a name like others.
    Before,
    /// At the place where the parser stops.
    Stop,
}

/// A word or sign of another language.
pub(in crate::script) struct Habit {
    own: &'static str,
    /// What rhai has for it.
    ours: &'static str,
    place: Where,
}

const fn habit(own: &'static str, ours: &'static str, place: Where) -> Habit {
    Habit { own, ours, place }
}

/// What authors write who think in another language.
const HABITS: [Habit; 58] = [
    habit("null", "()", Where::Name),
    habit("undefined", "()", Where::Name),
    habit("nil", "()", Where::Name),
    habit("None", "()", Where::Name),
    habit("var", "let", Where::Statement),
    habit("function", "fn", Where::Statement),
    habit("def", "fn", Where::Statement),
    habit("True", "true", Where::Name),
    habit("False", "false", Where::Name),
    habit("elif", "else if", Where::Statement),
    habit("foreach", "for", Where::Statement),
    habit("forEach", "for_each", Where::Name),
    habit("length", "len", Where::Name),
    habit("size", "len", Where::Name),
    habit("includes", "contains", Where::Name),
    habit("append_all", "append", Where::Name),
    habit("and", "&&", Where::Name),
    habit("or", "||", Where::Name),
    habit("not", "!", Where::Statement),
    habit("++", "+= 1", Where::Name),
    habit("--", "-= 1", Where::Name),
    habit("?", "if … { … } else { … }", Where::Name),
    habit("fun", "fn", Where::Statement),
    habit("func", "fn", Where::Statement),
    habit("elseif", "else if", Where::Statement),
    habit("elsif", "else if", Where::Statement),
    habit("toUpperCase", "to_upper", Where::Name),
    habit("toLowerCase", "to_lower", Where::Name),
    habit("indexOf", "index_of", Where::Name),
    habit("now", "context.now", Where::Name),
    habit("Date", "context.now", Where::Name),
    habit("Math", "max", Where::Name),
    habit("Object", "keys", Where::Name),
    habit("Array", "type_of", Where::Name),
    habit("every", "all", Where::Name),
    habit("unshift", "insert", Where::Name),
    habit("isBlank", "is_blank", Where::Name),
    habit("isEmpty", "is_empty", Where::Name),
    habit("typeof", "type_of", Where::Statement),
    habit("instanceof", "type_of", Where::Statement),
    habit("lambda", "|x| …", Where::Statement),
    habit("use", "import", Where::Statement),
    habit("new", "#{ … }", Where::Name),
    habit("#", "//", Where::Name),
    habit("===", "==", Where::Name),
    habit("!==", "!=", Where::Name),
    habit("case", "value => …", Where::Before),
    habit("class", "fn", Where::Before),
    habit("delete", "remove", Where::Before),
    habit("export", "fn", Where::Before),
    habit("from", "import", Where::Before),
    habit("include", "import", Where::Before),
    habit("mut", "let", Where::Before),
    habit("unless", "if !", Where::Before),
    habit("is", "==", Where::Stop),
    habit("instanceof", "type_of", Where::Stop),
    habit("then", "{", Where::Stop),
    habit("as", "to_int", Where::Stop),
];

/// What rhai has for a word or sign of another language, at one of these places.
pub(in crate::script) fn habit_at(word: &str, places: &[Where]) -> Option<&'static str> {
    HABITS.iter().find(|habit| habit.own == word && places.contains(&habit.place)).map(|habit| habit.ours)
}

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

/// What takes the place of a word of another language.
pub(in crate::script) fn foreign(word: &str) -> Option<&'static str> {
    habit_at(word, &[Where::Name, Where::Statement])
}
