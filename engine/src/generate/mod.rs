//! Logins for a rule, made from its schemas: edges first, keys that collide, accounts of other shapes.

mod shrink;

use crate::decision::Notice;
use crate::json::{Document, Json, Kind, View};
use crate::random::Random;
use crate::sanitizer::{Extent, Sampler, Sanitizer};
pub(crate) use shrink::smaller;

/// Counts the changes of this module that make other cases: what is known of scripts depends on them, so this is part of a
/// policy's digest.
pub const VERSION: u32 = 2;

/// The clock of generated logins, and when their sessions began: epoch milliseconds.
pub const NOW: i64 = 1_795_428_000_000;
/// One day before [`NOW`].
pub const CREATED_AT: i64 = NOW - 86_400_000;

/// Steps that making a case small may take.
pub(crate) const SHRINK_STEPS: usize = 2_000;

/// What an account has, and what two visitors bring.
#[derive(Clone, Debug)]
pub struct Case {
    /// The account's value; none: it has nothing yet.
    pub account: Option<Json>,
    /// What the first visitor brings.
    pub anonymous: Json,
    /// What the second one brings.
    pub other: Json,
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
}

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
/// One account in so many has a member of the site's own.
const OWN_ONE_IN: usize = 8;
/// What no schema of a cart allows.
const WRONG: [&str; 10] = ["null", "true", "-1", "\"-\"", "[]", "{}", "1.5", "[[]]", "{\"role\":\"admin\"}", "1e300"];

impl<'a> Generator<'a> {
    /// Cases for a rule whose account holds what `account` lets pass, and whose visitors bring what `anonymous` does.
    #[must_use]
    pub fn new(account: &'a Sanitizer, anonymous: &'a Sanitizer, seed: u64) -> Self {
        let sampler = |sanitizer| Sampler::new(sanitizer, NOW);
        Self { account: sampler(account), anonymous: sampler(anonymous), random: Random::new(seed), made: 0 }
    }

    /// The next case. A visitor brings null where no value that passes could be made.
    pub fn case(&mut self) -> Case {
        let edge = EDGES.get(self.made);
        let (account, anonymous) = self.case_of_one();
        let other = self.visitor(edge.map(|(_, extent)| *extent));
        Case { account, anonymous, other }
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
        Some(if random.one_in(OWN_ONE_IN) { with_own(value) } else { value })
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
        _ => wrong(random),
    }
}

/// An object with a member that no schema names.
fn with_own(value: Json) -> Json {
    if value.view().kind() != Kind::Object {
        return value;
    }
    let members = value.view().named_members().map(|(name, member)| (name.to_json(), member.to_json()));
    let own = (Json::text("x-own"), Json::Int(1));
    Json::object(members.chain([own]).collect())
}

fn read(text: &str) -> Json {
    Document::read(text.as_bytes()).map_or(Json::Null, |document| Json::Place(document, 0))
}

impl Violation {
    /// What happened, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let text = |value: &Option<Json>| value.as_ref().map_or("nothing".to_owned(), |value| value.view().to_text());
        let Case { account, anonymous, .. } = &self.case;
        let (account, anonymous) = (text(account), anonymous.view().to_text());
        format!(
            "adds again at every login: {account} and {anonymous} give {}, and the same login again {}",
            text(&self.once),
            text(&self.twice)
        )
    }
}
