//! What is known of a value: its kinds, its members or items, and whether it may be absent.

use rhai::Position as At;

use crate::sanitizer::Shape;
use crate::script::lint::Kinds;
use crate::script::lint::words::Fixed;

/// What is known of a value.
#[derive(Clone)]
pub(in crate::script::lint) struct Type<'s> {
    /// What it may be.
    pub(super) kinds: Kinds,
    /// What the schema declares it to be.
    pub(super) takes: Kinds,
    /// Its members or items.
    pub(super) held: Held<'s>,
    /// How the script reaches it, such as `anonymous.note`.
    pub(super) path: Option<String>,
    /// Whether it is the visitor's, of which the schema says everything.
    pub(super) is_anonymous: bool,
    /// Whether it may be absent whatever else is there.
    pub(super) may_be_absent: bool,
}

/// What is known of a value's members or items.
#[derive(Clone)]
pub(super) enum Held<'s> {
    /// Nothing.
    Unknown,
    /// A value of a shape; softly: it may hold more.
    Shape(&'s Shape, bool),
    /// What we hand to a script: its members are known.
    Fixed(Fixed),
    /// An object that the script writes out.
    Written(Vec<(String, At, Kinds)>),
}

impl<'s> Type<'s> {
    pub(in crate::script::lint) fn unknown() -> Self {
        Self::of(Kinds::ANY)
    }

    pub(super) fn of(kinds: Kinds) -> Self {
        Self { kinds, takes: Kinds::ANY, held: Held::Unknown, path: None, is_anonymous: false, may_be_absent: false }
    }

    pub(super) fn shape(shape: &'s Shape, is_soft: bool) -> Self {
        let kinds = if is_soft { Kinds::ANY } else { Kinds::of(shape) };
        Self { takes: Kinds::of(shape), held: Held::Shape(shape, is_soft), ..Self::of(kinds) }
    }

    pub(super) fn at(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// The shape, where the schema says everything of it.
    pub(in crate::script::lint) fn strict_shape(&self) -> Option<&'s Shape> {
        match self.held {
            Held::Shape(shape, false) => Some(shape),
            _ => None,
        }
    }

    /// What its items are.
    pub(in crate::script::lint) fn items(&self) -> Self {
        let Held::Shape(shape, is_soft) = self.held else { return Self::unknown() };
        let all: Vec<&Shape> = shape.all_items().collect();
        Self { is_anonymous: self.is_anonymous, ..Self::one_of(&all, is_soft) }
    }

    /// A value of one of these shapes: their members are known where all have the same.
    pub(super) fn one_of(all: &[&'s Shape], is_soft: bool) -> Self {
        let Some((first, others)) = all.split_first() else { return Self::unknown() };
        let takes = others.iter().fold(Kinds::of(first), |kinds, one| kinds.or(Kinds::of(one)));
        let kinds = if is_soft { Kinds::ANY } else { takes };
        if others.iter().all(|one| one.names() == first.names()) {
            return Self { kinds, takes, ..Self::shape(first, is_soft) };
        }
        Self { takes, ..Self::of(kinds) }
    }

    /// A member that the schema declares.
    pub(super) fn declared(&self, shape: &'s Shape, is_soft: bool, name: &str) -> Self {
        let (presence, all) = (shape.presence(name), shape.all_of(name).collect::<Vec<_>>());
        let member = Self::one_of(&all, is_soft);
        let is_sure = self.is_anonymous && !is_soft;
        let kinds = if is_sure { member.kinds } else { Kinds::ANY };
        let kinds = if presence.is_always { kinds } else { kinds.or(Kinds::UNIT) };
        let may_be_absent = is_sure && presence.is_optional;
        Self { kinds, is_anonymous: self.is_anonymous, may_be_absent, ..member }
    }

    /// Whether two values have the same members, as far as that is known.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (&self.held, &other.held) {
            (Held::Shape(own, _), Held::Shape(others, _)) => {
                let items = |shape: &Shape| shape.items().map(Kinds::of);
                own.names() == others.names() && Kinds::of(own) == Kinds::of(others) && items(own) == items(others)
            }
            (Held::Shape(..), Held::Written(_)) | (Held::Written(_), Held::Shape(..)) => false,
            _ => true,
        }
    }

    /// An empty value of its kind, as a script writes it.
    pub(super) fn empty(&self) -> &'static str {
        if self.kinds == Kinds::ANY { self.takes.empty() } else { self.kinds.empty() }
    }

    /// The same value, which is there.
    pub(super) fn there(self) -> Self {
        Self { kinds: self.kinds.without(Kinds::UNIT), may_be_absent: false, path: None, ..self }
    }
}
