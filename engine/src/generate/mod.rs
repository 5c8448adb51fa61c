//! Logins for a rule, made from its schemas: edges first, keys that collide, accounts of other shapes.

mod shrink;

use crate::decision::Notice;
use crate::event::Trigger;
use crate::json::{Document, Json, Kind, View};
use crate::merge::Context;
use crate::random::Random;
use crate::sanitizer::{Extent, Sampler, Sanitizer};
pub(crate) use shrink::smaller;

/// Counts the changes of what is generated: here, in `sanitizer/sample`, and in how `ruleset/evidence` pairs accounts with
/// visitors. What is known of scripts depends on it, so it is part of a policy's digest.
pub const VERSION: u32 = 2;

/// The clock of generated logins, in epoch milliseconds.
pub const NOW: i64 = 1_795_428_000_000;

/// Steps that making a case small may take.
pub(crate) const SHRINK_STEPS: usize = 2_000;

/// A login: what an account has, and what two visitors bring.
#[derive(Clone, Debug)]
pub struct Case {
    /// The account's value; none: it has nothing yet.
    pub account: Option<Json>,
    /// What the first visitor brings.
    pub anonymous: Json,
    /// What the second one brings.
    pub other: Json,
    /// Why the account's owner comes.
    pub trigger: Trigger,
    /// The provider's clock, and when the session began.
    pub clock: Context,
}

/// A case that breaks a law.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The case, made small.
    pub case: Case,
    /// After the first login.
    pub once: Option<Json>,
    /// After the second one, or what should have been the same.
    pub twice: Option<Json>,
    /// Why the rule wrote nothing, where that is what breaks the law.
    pub failure: Option<Notice>,
}

/// Cases for one rule.
#[derive(Debug)]
pub struct Generator<'a> {
    account: Sampler<'a>,
    anonymous: Sampler<'a>,
    random: Random,
    made: usize,
    /// The triggers that the rule runs on.
    triggers: Vec<Trigger>,
    /// Members that a script reads, and no schema may declare.
    names: Vec<String>,
}

/// When sessions began, before [`NOW`], in milliseconds: a day, at once, forty days.
const AGES: [i64; 3] = [86_400_000, 0, 40 * 86_400_000];
/// One login in so many is of the other trigger, or of a session of another age.
const OTHER_ONE_IN: usize = 4;

/// How large the account's value and the visitor's are in the first cases; none: the account has nothing yet.
const EDGES: [(Option<Extent>, Extent); 9] = [
    (None, Extent::Least),
    (Some(Extent::Several), Extent::Several),
    (Some(Extent::Least), Extent::Several),
    (Some(Extent::Several), Extent::Least),
    (Some(Extent::Least), Extent::Least),
    (Some(Extent::Least), Extent::Most),
    (Some(Extent::Most), Extent::Least),
    (Some(Extent::Most), Extent::Most),
    (None, Extent::Most),
];
/// One account in so many has nothing yet.
const ABSENT_ONE_IN: usize = 8;
/// One account in so many has a value of another shape, and one in so many has one inside of its value.
const WRONG_ONE_IN: usize = 24;
/// One account in so many has members of the site's own, and at most so many.
const OWN_ONE_IN: usize = 4;
const OWN_MAX: usize = 8;
/// What no schema of a cart allows.
const WRONG: [&str; 10] = ["null", "true", "-1", "\"-\"", "[]", "{}", "1.5", "[[]]", "{\"role\":\"admin\"}", "1e300"];

impl<'a> Generator<'a> {
    /// Cases for a rule whose account holds what `account` lets pass, and whose visitors bring what `anonymous` does.
    /// `constants` are values that its script compares with, `names` members that it reads.
    #[must_use]
    pub fn new(
        (account, anonymous): (&'a Sanitizer, &'a Sanitizer),
        seed: u64,
        triggers: Vec<Trigger>,
        (constants, names): (&[Json], &[String]),
    ) -> Self {
        let sampler = |sanitizer| Sampler::new(sanitizer, NOW, constants);
        let (account, anonymous) = (sampler(account), sampler(anonymous));
        Self { account, anonymous, random: Random::new(seed), made: 0, triggers, names: names.to_vec() }
    }

    /// The next case. A visitor brings null where no value that passes could be made.
    pub fn case(&mut self) -> Case {
        let edge = EDGES.get(self.made);
        let (account, anonymous) = self.case_of_one();
        let other = self.visitor(edge.map(|(_, extent)| *extent));
        self.login(account, anonymous, other)
    }

    /// A login of these two: mostly the rule's first trigger, and a session of a day.
    pub(crate) fn login(&mut self, account: Option<Json>, anonymous: Json, other: Json) -> Case {
        let (random, first) = (&mut self.random, self.triggers.first().copied());
        let is_other = random.one_in(OTHER_ONE_IN);
        let trigger = random.pick(&self.triggers).copied().filter(|_| is_other).or(first).unwrap_or(Trigger::Login);
        let age = if random.one_in(OTHER_ONE_IN) { random.pick(&AGES).copied() } else { AGES.first().copied() };
        let clock = Context { now: NOW, session_created_at: NOW - age.unwrap_or(0) };
        Case { account, anonymous, other, trigger, clock }
    }

    fn case_of_one(&mut self) -> (Option<Json>, Json) {
        let edge = EDGES.get(self.made);
        self.made += 1;
        let account = match edge {
            Some((extent, _)) => extent.and_then(|extent| self.account.draw(&mut self.random, extent)),
            None => self.account(),
        };
        (account, self.visitor(edge.map(|(_, extent)| *extent)))
    }

    fn visitor(&mut self, extent: Option<Extent>) -> Json {
        self.anonymous.draw(&mut self.random, extent.unwrap_or(Extent::Any)).unwrap_or(Json::Null)
    }

    /// Values of accounts and of visitors to pair with each other, the edges first.
    #[must_use]
    pub fn sides(&mut self, count: usize) -> (Vec<Option<Json>>, Vec<Json>) {
        let cases = (0..count).map(|_| self.case_of_one());
        cases.unzip()
    }

    /// Every pair of an account and a visitor at their edges, with full lists among them.
    #[must_use]
    pub fn edges(&mut self) -> Vec<(Option<Json>, Json)> {
        const EXTENTS: [Extent; 4] = [Extent::Least, Extent::Most, Extent::Many, Extent::Full];
        let mut accounts = vec![None];
        accounts.extend(EXTENTS.map(|extent| self.account.draw(&mut self.random, extent)));
        let visitors = EXTENTS.map(|extent| self.visitor(Some(extent)));
        let pairs = accounts.iter().flat_map(|account| visitors.iter().map(move |visitor| (account, visitor)));
        pairs.map(|(account, visitor)| (account.clone(), visitor.clone())).collect()
    }

    /// A visitor's value as it may also come: with something of another shape inside, with a part less, as JSON text.
    #[must_use]
    pub fn disturbed(&mut self, value: &Json) -> Vec<Json> {
        const MAX: usize = 24;
        let mut found = shrink::plainer(value.view());
        found.truncate(MAX);
        found.extend((0..MAX).map(|_| spoiled(value.view(), &mut self.random)));
        found.push(Json::text(&value.view().to_text()));
        found
    }

    /// What visitors' values lack most often, and where their schema asks for it.
    #[must_use]
    pub fn lack(&self) -> Option<(String, crate::fate::Keyword)> {
        self.anonymous.lack()
    }

    /// What an account may hold; none: nothing yet.
    fn account(&mut self) -> Option<Json> {
        let random = &mut self.random;
        if random.one_in(ABSENT_ONE_IN) {
            return None;
        }
        if random.one_in(WRONG_ONE_IN) {
            return Some(wrong(random));
        }
        let value = self.account.draw(random, Extent::Any)?;
        if random.one_in(WRONG_ONE_IN) {
            return Some(spoiled(value.view(), random));
        }
        Some(if random.one_in(OWN_ONE_IN) { with_own(value, &self.names) } else { value })
    }
}

fn wrong(random: &mut Random) -> Json {
    read(random.pick(&WRONG).copied().unwrap_or("null"))
}

/// A value with one of another shape inside.
fn spoiled(value: View<'_>, random: &mut Random) -> Json {
    let at = random.below(value.len());
    let mut one = |index: usize, view: View<'_>| if index == at { spoiled(view, random) } else { view.to_json() };
    match value.kind() {
        Kind::Array if !value.is_empty() => {
            Json::list(value.items().enumerate().map(|(index, item)| one(index, item)).collect())
        }
        Kind::Object if !value.is_empty() => {
            let members = value.named_members().enumerate();
            Json::object(members.map(|(index, (name, member))| (name.to_json(), one(index, member))).collect())
        }
        _ => other_form(value, random),
    }
}

/// A scalar in a form that an annotation may repair, or that is wrong.
fn other_form(value: View<'_>, random: &mut Random) -> Json {
    match (value.kind(), random.below(3)) {
        (Kind::Number | Kind::Bool, 0) => Json::text(&value.to_text()),
        (Kind::Number, 1) => Json::Int(i64::from(i32::MAX)),
        (Kind::Number, 2) => Json::Int(i64::from(i32::MIN)),
        (Kind::String, 0) => Json::text(&format!(" {} ", value.word())),
        (Kind::String, 1) => Json::text(&value.word().repeat(100)),
        (Kind::String, _) => Json::text(""),
        _ => wrong(random),
    }
}

/// An object with members of the site's own: those that a script reads, or one that nobody does.
fn with_own(value: Json, names: &[String]) -> Json {
    if value.view().kind() != Kind::Object {
        return value;
    }
    let names = if names.is_empty() { vec!["x-own"] } else { names.iter().map(String::as_str).collect() };
    let new: Vec<_> = names.into_iter().filter(|name| value.view().get(name).is_none()).take(OWN_MAX).collect();
    let members = value.view().named_members().map(|(name, member)| (name.to_json(), member.to_json()));
    Json::object(members.chain(new.into_iter().map(|name| (Json::text(name), Json::Bool(true)))).collect())
}

fn read(text: &str) -> Json {
    Document::read(text.as_bytes()).map_or(Json::Null, |document| Json::Place(document, 0))
}

impl Violation {
    /// The values of the case, and what each login makes of them.
    #[must_use]
    pub fn details(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<Json>| value.as_ref().map_or("nothing".to_owned(), |value| value.view().to_text());
        let Case { account, anonymous, .. } = &self.case;
        vec![
            ("account", text(account)),
            ("visitor", anonymous.view().to_text()),
            ("after login 1", text(&self.once)),
            ("after login 2", text(&self.twice)),
        ]
    }
}
