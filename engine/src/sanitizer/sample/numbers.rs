//! Numbers that hold at a place: its edges, what lies beside them, multiples, and times around now.

use crate::instant::Millis;
use crate::json::{Divisor, Document, Json, Number};
use crate::sanitizer::Options;
use crate::sanitizer::check::Check;
use crate::sanitizer::plan::Plan;

/// Numbers that a place draws from.
const NUMBERS_MAX: usize = 6;
/// Where nothing bounds a place.
const PLAIN: [&str; 9] = ["0", "1", "2", "3", "10", "100", "-1", "0.5", "2.25"];
/// How far times lie before now, in seconds.
const BEFORE: [i64; 4] = [0, 3_600, 7_200, 86_400];
/// Numbers below this are no times of our days.
const TIMES_FROM: i64 = 1_000_000_000;

/// The JSON texts of a few numbers, the least first.
pub(super) fn of(plan: &Plan, options: &Options, draft: u16, now: Millis) -> Vec<String> {
    let mut found: Vec<Json> = Vec::new();
    for text in candidates(plan, now) {
        let Ok(document) = Document::read(text.as_bytes()) else { continue };
        let own = document.root().to_json();
        let Some(number) = own.view().as_number() else { continue };
        let is_new = !found.iter().any(|one| one.view().as_number().is_some_and(|one| one.compare(number).is_eq()));
        let may_stand = plan.types.allows_number(number, draft) && options.holds_number(number);
        // floats hold it too, or the sanitizer might say no
        if is_new && may_stand && !number.is_lost_in_floats() && super::holds(plan, own.view()) {
            found.push(own);
        }
    }
    found.sort_by(|a, b| match (a.view().as_number(), b.view().as_number()) {
        (Some(a), Some(b)) => a.compare(b),
        _ => std::cmp::Ordering::Equal,
    });
    spread(&found).into_iter().map(|one| one.view().to_text()).collect()
}

/// The first, the last, and some between.
fn spread(all: &[Json]) -> Vec<&Json> {
    if all.len() <= NUMBERS_MAX {
        return all.iter().collect();
    }
    let step = |at: usize| at * (all.len() - 1) / (NUMBERS_MAX - 1);
    let mut found: Vec<&Json> = (0..NUMBERS_MAX).filter_map(|at| all.get(step(at))).collect();
    // a fraction, where one may stand there
    let is_fraction = |one: &&Json| one.view().as_number().is_some_and(|number| !number.is_integer());
    if let (Some(fraction), false) = (all.iter().find(is_fraction), found.iter().any(is_fraction)) {
        found.insert(1, fraction);
    }
    found
}

fn candidates(plan: &Plan, now: Millis) -> Vec<String> {
    let (mut found, mut ends) = (Vec::new(), Vec::new());
    let (mut least, mut most) = (None, None);
    for (_, check) in &plan.checks {
        let (bound, is_least) = match check {
            Check::Minimum(bound) | Check::ExclusiveMinimum(bound) => (bound, true),
            Check::Maximum(bound) | Check::ExclusiveMaximum(bound) => (bound, false),
            _ => continue,
        };
        found.push(bound.view().to_text());
        let Some(value) = bound.view().as_number().map(Number::as_f64) else { continue };
        let end = if is_least { &mut least } else { &mut most };
        *end = Some(value);
        ends.push(value);
    }
    for end in &ends {
        for beside in [-1.0, 0.0, 1.0] {
            found.push(whole(end.floor() + beside));
        }
        found.extend([-0.5, 0.5, 0.001, -0.001].map(|beside| Json::Float(end + beside).view().to_text()));
    }
    if let (Some(least), Some(most)) = (least, most) {
        let between = [0.25, 0.5, 0.75].map(|share| least + (most - least) * share);
        found.extend(between.map(|value| whole(value.floor())));
        found.extend(between.map(|value| Json::Float(value).view().to_text()));
    }
    if let (Some(least), None) = (least, most) {
        found.extend([2.0, 3.0, 10.0].map(|beyond| whole(least.ceil() + beyond)));
    }
    found.extend(multiples(plan, least, most));
    found.extend(PLAIN.map(str::to_owned));
    if most.is_none_or(|most| most > 1e9) && plan.checks.iter().all(|(_, check)| !matches!(check, Check::MultipleOf(_)))
    {
        for unit in [1_000, 1] {
            let times = BEFORE.map(|before| (now - before * 1_000) / unit);
            found.extend(times.into_iter().filter(|time| *time > TIMES_FROM).map(|time| time.to_string()));
        }
    }
    found
}

/// A whole number as JSON writes it.
#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its end")]
fn whole(value: f64) -> String {
    (value as i64).to_string()
}

/// Multiples of what the place asks for, near its bounds and near zero.
#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its end")]
fn multiples(plan: &Plan, least: Option<f64>, most: Option<f64>) -> Vec<String> {
    let own = |check: &Check| if let Check::MultipleOf(divisor) = check { Some(*divisor) } else { None };
    let divisors: Vec<Divisor> = plan.checks.iter().filter_map(|(_, check)| own(check)).collect();
    let mut found = Vec::new();
    let all = divisors.iter().copied().chain(divisors.iter().copied().reduce(Divisor::times));
    for divisor in all {
        let near = |bound: f64| (bound / divisor.as_f64()) as i64;
        let starts = [Some(0), least.map(near), most.map(near)];
        let steps = starts.into_iter().flatten().flat_map(|start| (-2..=4).map(move |step| start.saturating_add(step)));
        found.extend(steps.map(|step| divisor.multiple(step)));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::json::Document;
    use crate::limits::Limits;
    use crate::random::Random;
    use crate::sanitizer::{Extent, Options, Sampler, Sanitizer};

    #[track_caller]
    fn check(schema: &str, drawn: &[&str]) {
        let sanitizer = Sanitizer::compile("a.schema.json", schema, Options::of(&Limits::default())).unwrap();
        let mut sampler = Sampler::new(&sanitizer, 1_795_428_000_000, &[]);
        let mut random = Random::new(1);
        let mut found: Vec<f64> = Vec::new();
        for _ in 0..200 {
            let value = sampler.draw(&mut random, Extent::Any).unwrap();
            found.push(value.view().as_number().unwrap().as_f64());
        }
        for one in drawn {
            let one = Document::read(one.as_bytes()).unwrap().root().as_number().unwrap().as_f64();
            assert!(found.contains(&one), "{schema}: {one} is not among {found:?}");
        }
    }

    #[test]
    fn edges_are_drawn() {
        check(r#"{"type":"integer","minimum":1,"maximum":9}"#, &["1", "9"]);
        check(r#"{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1}"#, &["0.001", "0.999"]);
        check(r#"{"type":"integer","minimum":1,"maximum":7200,"multipleOf":900}"#, &["900", "7200"]);
        check(r#"{"type":"number","minimum":0.1,"maximum":0.3,"multipleOf":0.1}"#, &["0.1", "0.2", "0.3"]);
    }
}
