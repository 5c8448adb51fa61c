//! What each code of a diagnostic means: the sections of `codes.md`.

use anyhow::{Result, anyhow};
use handover_engine::diagnostic::suggestion;

/// The page, a section a code.
pub(super) const PAGE: &str = include_str!("../../codes.md");

/// The section of a code, or the page for `all`; the error names a code that is near.
pub(super) fn explain(code: &str) -> Result<String> {
    if code == "all" {
        return Ok(PAGE.to_owned());
    }
    // a law goes by its name too: `L6` is `L006`
    let code = &match code.to_uppercase() {
        law if law.starts_with('L') && law.len() < 4 => format!("L{:0>3}", law.trim_start_matches('L')),
        upper => upper,
    };
    let sections = || PAGE.split("\n## ").skip(1);
    let section = sections().find(|section| section.lines().next() == Some(code));
    section.map(|section| section.trim_end().to_owned() + "\n").ok_or_else(|| {
        let codes: Vec<_> = sections().filter_map(|section| section.lines().next()).collect();
        anyhow!("no code `{code}`, {}", suggestion(code, &codes))
    })
}
