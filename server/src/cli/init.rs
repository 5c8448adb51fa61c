//! `handover init`: a storefront that is green at once.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};

use handover_engine::author::laws;
use handover_engine::ruleset::RuleSet;

use super::coverage::Measured;
use super::output::{Status, print, usage};
use super::test;
use crate::files;

/// Arguments of `init`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder to make; it must be empty, or not there
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

/// The files of a new policy: those that ship, without what a first day does not need.
const FILES: [(&str, &str); 21] = [
    ("rules/policy.json", include_str!("../../scaffold/policy.json")),
    ("rules/cart.schema.json", include_str!("../../../rules/cart.schema.json")),
    ("rules/cart.merge.rhai", include_str!("../../../rules/cart.merge.rhai")),
    ("rules/lib/values.rhai", include_str!("../../../rules/lib/values.rhai")),
    ("rules/preferences.schema.json", include_str!("../../../rules/preferences.schema.json")),
    ("rules/recently_viewed.schema.json", include_str!("../../../rules/recently_viewed.schema.json")),
    (
        "fixtures/cart/merges-the-carts-on-login.json",
        include_str!("../../../fixtures/cart/merges-the-carts-on-login.json"),
    ),
    (
        "fixtures/cart/the-visitors-currency-is-taken.json",
        include_str!("../../../fixtures/cart/the-visitors-currency-is-taken.json"),
    ),
    (
        "fixtures/cart/a-cart-without-currency-keeps-the-accounts.json",
        include_str!("../../../fixtures/cart/a-cart-without-currency-keeps-the-accounts.json"),
    ),
    (
        "fixtures/cart/two-currencies-are-left-alone.json",
        include_str!("../../../fixtures/cart/two-currencies-are-left-alone.json"),
    ),
    (
        "fixtures/recently_viewed/the-newest-of-each-id-comes-first.json",
        include_str!("../../../fixtures/recently_viewed/the-newest-of-each-id-comes-first.json"),
    ),
    (
        "fixtures/session/the-same-session-again-changes-nothing.json",
        include_str!("../../../fixtures/session/the-same-session-again-changes-nothing.json"),
    ),
    (
        "fixtures/hostile/protected-roots-are-read-by-no-rule.json",
        include_str!("../../../fixtures/hostile/protected-roots-are-read-by-no-rule.json"),
    ),
    (
        "fixtures/hostile/roots-of-the-wrong-type.json",
        include_str!("../../../fixtures/hostile/roots-of-the-wrong-type.json"),
    ),
    (
        "fixtures/hostile/members-of-the-wrong-type.json",
        include_str!("../../../fixtures/hostile/members-of-the-wrong-type.json"),
    ),
    (
        "fixtures/hostile/values-out-of-their-bounds.json",
        include_str!("../../../fixtures/hostile/values-out-of-their-bounds.json"),
    ),
    (
        "fixtures/hostile/more-than-a-list-holds.json",
        include_str!("../../../fixtures/hostile/more-than-a-list-holds.json"),
    ),
    ("fixtures/hostile/a-card-number-in-a-note.json", include_str!("../../scaffold/a-card-number-in-a-note.json")),
    ("request.json", include_str!("../../scaffold/request.json")),
    (".github/workflows/handover.yml", include_str!("../../scaffold/handover.yml")),
    ("README.md", include_str!("../../scaffold/README.md")),
];

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let folder = &arguments.folder;
    if !files::is_vacant(folder).map_err(usage)? {
        return Err(usage(anyhow!("`{}` is not empty: `init` changes nothing that is there", folder.display())));
    }
    for (name, text) in FILES {
        let path = folder.join(name);
        files::write_new(&path.display().to_string(), text).context("cannot make the scaffold")?;
    }
    let (passed, status) = proven(folder)?;
    let made = format!("{} files in {}\n{passed}\n", FILES.len(), shown(folder));
    let next = "next:  handover check, then change a rule\n       handover serve --dev &\n       curl --json @request.json 127.0.0.1:8080/v1/transfer\n";
    print([made.as_bytes(), next.as_bytes()].concat().as_slice())?;
    Ok(status)
}

/// Cases of each law that a new folder is asked.
const LAW_CASES: usize = 100;

/// The new policy is checked, its fixtures run and its laws asked, as their commands do.
fn proven(folder: &Path) -> Result<(String, Status)> {
    let policy = files::policy(&folder.join("rules"))?;
    let rules = RuleSet::compile(&policy).map_err(|errors| anyhow!("the scaffold is broken: {errors:?}"))?;
    let fixtures = files::fixtures(&folder.join("fixtures"))?;
    let run = test::cases(&rules, &fixtures, test::Until::End);
    let measured = Measured::of((&rules, &policy), folder, &fixtures);
    let broken = |rule| {
        let trial = laws::ask(&rules, rule, LAW_CASES, 1, &|| false);
        trial.ran == 0 || trial.tallies.iter().any(|tally| tally.law.must_hold() && tally.broken > 0)
    };
    let hold = !rules.rules().iter().any(broken);
    let laws = if hold { "laws hold" } else { "a law is broken" };
    let failed = if run.failed > 0 { format!(", {} failed", run.failed) } else { String::new() };
    let line = format!("check ok · {} passed{failed} · {} · {laws}", run.passed, measured.percentage());
    Ok((line, if hold && run.failed == 0 { Status::Ok } else { Status::Tests }))
}

fn shown(folder: &Path) -> String {
    if folder.as_os_str() == "." { "this folder".to_owned() } else { format!("`{}`", folder.display()) }
}
