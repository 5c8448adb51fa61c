//! Types that do not fit: comparisons of two types, conditions that are no boolean, values of another type than the schema
//! gives their place, and habits of other languages that rhai reads otherwise.

use rhai::{Expr, FnCallExpr, Position as At};

use super::{Held, Library, ScriptKind, Shapes, Type};
use crate::diagnostic::{Help, ScriptProblem, suggestion};
use crate::script::ast;
use crate::script::lint::Kinds;
use crate::script::natives;

/// The names that `type_of` gives.
const TYPES: [&str; 12] =
    ["()", "Fn", "array", "blob", "bool", "char", "f64", "i64", "map", "range", "range=", "string"];
/// Names of types in other languages, with rhai's.
const TYPES_ELSEWHERE: [(&str, &str); 15] = [
    ("object", "map"),
    ("dict", "map"),
    ("list", "array"),
    ("integer", "i64"),
    ("int", "i64"),
    ("number", "i64"),
    ("float", "f64"),
    ("double", "f64"),
    ("boolean", "bool"),
    ("str", "string"),
    ("String", "string"),
    ("null", "()"),
    ("undefined", "()"),
    ("unit", "()"),
    ("function", "Fn"),
];

/// The operators that compare.
pub(super) const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

impl<'p, 's> Shapes<'p, '_, '_, '_, 's> {
    /// An expression whose value is used.
    pub(super) fn value(&mut self, expr: &'p Expr) -> Type<'s> {
        if let Expr::Stmt(block) = expr
            && block.statements().is_empty()
            && ast::closure(expr).is_none()
        {
            self.report.add(expr.start_position(), 2, ScriptProblem::EmptyBlock);
            return Type::unknown();
        }
        let held = self.expr(expr);
        if let (_, links) = ast::chain(expr)
            && let Some(ast::Link::Method { call, at, .. }) = links.last()
            && self.given.own(&call.name).is_none()
            && self.in_place(&call.name, *at)
        {
            return Type::unknown();
        }
        if let Expr::FnCall(call, at) = expr
            && call.op_token.is_none()
            && call.namespace.is_empty()
            && self.given.own(&call.name).is_none()
            && Library::by_name(&call.name).is_none()
            && self.in_place(&call.name, *at)
        {
            return Type::unknown();
        }
        held
    }

    /// The value of a method that gives none is used: whether it is so.
    pub(super) fn in_place(&mut self, name: &str, at: At) -> bool {
        let gives_none = natives::is_in_place(name) && !self.given.is_member(name);
        if gives_none {
            self.report.add(at, name.len(), ScriptProblem::InPlace { name: name.to_owned() });
        }
        gives_none
    }

    /// A closure with another number of parameters than a method calls it with.
    pub(super) fn closure_parameters(&mut self, method: &str, argument: &Expr, closure: &str, captured: usize) {
        let is_native = natives::native(method).is_some() && self.given.own(method).is_none();
        let function = self.given.tree.functions.iter().find(|function| function.name == closure);
        let Some(function) = function.filter(|_| is_native && !self.given.is_member(method)) else { return };
        let Some((least, most)) = natives::closure_parameters(method) else { return };
        let count = function.params.len().saturating_sub(captured);
        if count < least || count > most {
            let s = if most == 1 { "" } else { "s" };
            let takes = if least == most { format!("{most} value{s}") } else { format!("at most {most} value{s}") };
            let problem = ScriptProblem::ClosureParameters { method: method.to_owned(), takes, count };
            self.report.add(argument.start_position(), 1, problem);
        }
    }

    /// An object that is read by a number.
    pub(super) fn indexed(&mut self, held: &Type<'s>, index: &Expr) {
        let Expr::IntegerConstant(number, at) = index else { return };
        if held.kinds.without(Kinds::UNIT) == Kinds::MAP {
            let (kinds, index) = (Kinds::MAP.words(), number.to_string());
            self.report.add(*at, index.len(), ScriptProblem::IndexedObject { kinds, index });
        }
    }

    /// Whether a value may have a method.
    pub(super) fn receives(&mut self, held: &Type<'s>, name: &str, at: At) -> bool {
        let Some(native) = natives::native(name).filter(|_| !self.given.is_member(name)) else { return true };
        let own = held.kinds.without(Kinds::UNIT);
        // what the script asks about may be of another type: `2.0` is an integer, and comes as a fraction
        let is_asked = held.path.as_ref().is_some_and(|path| self.is_asked(path));
        let lacks = if is_asked { own.excludes(native.receivers) } else { own.lacks(native.receivers) };
        let lacks = lacks && held.kinds.is_known() && own != Kinds::NONE;
        if lacks {
            let (kinds, receivers) = (own.words(), native.receivers.words());
            self.report.add(at, name.len(), ScriptProblem::NoMethod { kinds, name: name.to_owned(), receivers });
        }
        !lacks
    }

    /// What says which way a script goes.
    pub(super) fn condition(&mut self, word: &str, expr: &'p Expr) {
        let held = self.asking(expr);
        self.needed(word, &held, expr);
        self.ask(&held);
        self.boolean(word, &held, expr);
    }

    fn boolean(&mut self, word: &str, held: &Type<'s>, expr: &'p Expr) {
        if !held.kinds.excludes(Kinds::BOOL) {
            return;
        }
        let path = ast::path(expr);
        let shown = path.as_ref().map_or_else(|| "this".to_owned(), |path| format!("`{path}`"));
        let length = path.as_ref().map_or(1, String::len);
        let asked = path.unwrap_or_else(|| "…".to_owned());
        let own = held.kinds.without(Kinds::UNIT);
        let hint = match word {
            "if" | "while" | "&&" if Kinds::NUMBER.holds(own) => "compare it, such as `… > 0`".to_owned(),
            "||" => "write `??` for the first value that is there".to_owned(),
            "!" => format!("write `{asked} == ()`"),
            _ => format!("write `{asked} != ()`"),
        };
        let (operator, kinds) = (word.to_owned(), held.kinds.words());
        let problem = ScriptProblem::NotBoolean { operator, shown, kinds, help: Some(hint.into()) };
        self.report.add(expr.start_position(), length, problem);
    }

    /// `&&` and `||`, which join booleans only.
    pub(super) fn joined(&mut self, word: &str, all: &'p [Expr]) -> Type<'s> {
        let before = self.report.found.len();
        for one in all {
            let held = self.asking(one);
            // one operand is enough
            if self.report.found.len() == before {
                self.boolean(word, &held, one);
                self.needed(word, &held, one);
            }
            self.ask(&held);
        }
        if self.report.found.len() == before { Type::of(Kinds::BOOL) } else { Type::unknown() }
    }

    pub(super) fn operator(&mut self, call: &'p FnCallExpr, at: At) -> Type<'s> {
        let name = call.name.as_str();
        let compares = COMPARISONS.contains(&name);
        let mut read = |one: &'p Expr| if compares { self.asking(one) } else { self.value(one) };
        let types: Vec<Type<'s>> = call.args.iter().map(&mut read).collect();
        match (types.as_slice(), call.args.as_slice()) {
            ([left, right], [first, second]) if compares => {
                self.type_name(first, second);
                self.compared(name, (left, first), (right, second), at);
                self.ask(left);
                self.ask(right);
                Type::of(Kinds::BOOL)
            }
            ([held], [one]) if name == "!" => {
                self.boolean("!", held, one);
                self.needed("!", held, one);
                self.ask(held);
                Type::of(Kinds::BOOL)
            }
            ([left, right], [first, second]) if matches!(name, "+" | "-" | "*" | "/" | "%") => {
                self.needed(name, left, first);
                self.needed(name, right, second);
                if self.calculated(name, left.kinds, right.kinds, at) {
                    return Type::unknown();
                }
                let both = |kinds: Kinds| kinds.holds(left.kinds) && kinds.holds(right.kinds);
                match name {
                    "+" if both(Kinds::STRING) => Type::of(Kinds::STRING),
                    _ if both(Kinds::NUMBER) => Type::of(Kinds::NUMBER),
                    _ => Type::unknown(),
                }
            }
            _ => Type::unknown(),
        }
    }

    /// Whether an arithmetic operator has operands that it cannot have.
    fn calculated(&mut self, operator: &str, left: Kinds, right: Kinds, at: At) -> bool {
        let is_text = |kinds: Kinds| kinds.without(Kinds::UNIT) == Kinds::STRING;
        let takes = Kinds::NUMBER.or(Kinds::OTHER).or(Kinds::UNIT);
        let problem = if operator == "+" {
            let other = if is_text(left) { right } else { left };
            let is_joined = is_text(left) != is_text(right) && (is_text(left) || is_text(right));
            if !is_joined || !other.excludes(Kinds::STRING.or(takes.without(Kinds::NUMBER))) {
                return false;
            }
            ScriptProblem::JoinsString { other: other.words() }
        } else {
            // rhai takes a string from a string with `-`
            if operator == "-" && is_text(left) {
                return false;
            }
            let own = [left, right].map(|kinds| kinds.without(Kinds::UNIT));
            let Some(wrong) = own.into_iter().find(|kinds| kinds.excludes(takes)) else { return false };
            ScriptProblem::NotNumbers { operator: operator.to_owned(), wrong: wrong.words() }
        };
        self.report.add(at, operator.len(), problem);
        true
    }

    /// `type_of` compared with a name that no type has.
    fn type_name(&mut self, first: &Expr, second: &Expr) {
        let asks = |expr: &Expr| match expr {
            Expr::FnCall(call, _) => call.name == "type_of",
            other => {
                matches!(ast::chain(other).1.last(), Some(ast::Link::Method { call, .. }) if call.name == "type_of")
            }
        };
        let (Expr::StringConstant(name, at), other) = (if asks(first) { (second, first) } else { (first, second) })
        else {
            return;
        };
        if !asks(other) || TYPES.contains(&name.as_str()) {
            return;
        }
        let ours = TYPES_ELSEWHERE
            .iter()
            .find(|(own, _)| *own == name.as_str())
            .map(|(_, ours)| Help::from(format!("write `\"{ours}\"`")));
        let help = ours.or_else(|| Some(suggestion(name, &TYPES)));
        self.report.add(*at, name.len() + 2, ScriptProblem::NoSuchType { name: name.to_string(), help });
    }

    /// Two values of types that are never equal, and have no order.
    fn compared(&mut self, operator: &str, left: (&Type<'s>, &'p Expr), right: (&Type<'s>, &'p Expr), at: At) {
        let (own, other) = (left.0.kinds, right.0.kinds);
        if own == Kinds::UNIT || other == Kinds::UNIT || !own.excludes(other) || !other.is_known() {
            return;
        }
        let shown = |expr: &Expr, kinds: Kinds| {
            let words = if kinds == Kinds::UNIT { kinds } else { kinds.without(Kinds::UNIT) }.words();
            ast::path(expr).map_or_else(|| words.clone(), |path| format!("`{path}` ({words})"))
        };
        let (left_words, right_words) = (shown(left.1, own), shown(right.1, other));
        let text = [left, right].into_iter().find(|one| one.0.kinds.meets(Kinds::STRING));
        let is_time = [left.1, right.1].iter().any(|expr| is_time(expr));
        let path = text.and_then(|one| ast::path(one.1));
        let hint = match path {
            Some(path) if is_time => format!("write `time_of({path})`"),
            Some(path) if own.or(other).meets(Kinds::NUMBER) => {
                format!("write `parse_int({path})`, or compare with a string")
            }
            _ => "compare two values of one type".to_owned(),
        };
        let (result, help) = (operator == "!=", Some(Help::from(hint)));
        let problem = ScriptProblem::AlwaysSame { result, left: left_words, right: right_words, help };
        self.report.add(at, operator.len(), problem);
    }

    /// An assignment: a new value of a variable, or of a member.
    pub(super) fn assigned(&mut self, target: &'p Expr, value: &'p Expr, is_operation: bool) {
        let held = self.value(value);
        if let Some(name) = ast::variable(target).map(ToString::to_string) {
            if let Some(variable) = self.find(&name) {
                let path = variable.held.path.clone();
                self.asked.extend(path);
                if !is_operation {
                    let held = Type { kinds: Kinds::ANY, may_be_absent: false, ..held };
                    self.renamed(&name, held);
                }
            }
            return;
        }
        let place = self.chain(target, true);
        if is_operation {
            self.needed("+=", &place, target);
        }
        // what is written there is there
        self.ask(&place);
        let (_, links) = ast::chain(target);
        let Some(ast::Link::Member { name, .. }) = links.last().filter(|_| !is_operation) else { return };
        let own = held.kinds.without(Kinds::UNIT);
        let has_result = matches!(self.given.kind, ScriptKind::Merge { account: (_, true), .. });
        // the result of the visitor's own value is the result schema's to judge
        let is_judged = has_result && place.is_anonymous;
        if own == Kinds::NONE || !held.kinds.is_known() || !own.excludes(place.takes) || is_judged {
            return;
        }
        let declared = place.takes.without(Kinds::UNIT).words();
        let at = value.start_position();
        let length = self.report.rest_of_line(at).trim_end().trim_end_matches(';').chars().count();
        let problem = ScriptProblem::Retyped { name: name.clone(), declared, own: own.words() };
        // what an account holds is the site's, unless a result schema says what it is
        if has_result {
            self.report.add(at, length, problem);
        } else {
            self.report.warn(at, length, problem);
        }
    }

    fn renamed(&mut self, name: &str, held: Type<'s>) {
        if let Some(variable) = self.find(name) {
            let path = held.path.clone().unwrap_or_else(|| name.to_owned());
            // which of two values it holds depends on the way
            let is_like = variable.held.is_like(&held);
            variable.held = if is_like { held.at(path) } else { Type::unknown().at(path) };
        }
    }

    /// The value that the entry function returns.
    pub(super) fn returned(&mut self, held: &Type<'s>, at: At) {
        let ScriptKind::Merge { account: (shape, _), .. } = self.given.kind else { return };
        let (own, root) = (held.kinds.without(Kinds::UNIT), Kinds::of(shape));
        if held.kinds.is_known() && own != Kinds::NONE && own.excludes(root) {
            let root = root.without(Kinds::UNIT).words();
            let length = self.report.length_of_line(at);
            return self.report.add(at, length, ScriptProblem::WrongRoot { own: own.words(), root });
        }
        let Held::Written(members) = &held.held else { return };
        for (name, at, kinds) in members {
            let Some(member) = shape.member(name) else { continue };
            let (own, declared) = (kinds.without(Kinds::UNIT), Kinds::of(member));
            if kinds.is_known() && own != Kinds::NONE && own.excludes(declared) {
                let declared = declared.without(Kinds::UNIT).words();
                let problem = ScriptProblem::WrongMember { name: name.clone(), own: own.words(), declared };
                self.report.add(*at, name.len(), problem);
            }
        }
    }
}

/// Whether an expression is a time in milliseconds.
fn is_time(expr: &Expr) -> bool {
    ast::path(expr).is_some_and(|path| path == "context.now" || path == "context.session.created_at")
}
