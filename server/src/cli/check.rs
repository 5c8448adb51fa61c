//! `handover check`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use handover_engine::author::laws;
use handover_engine::diagnostic::{Code, Diagnostic, Severity};
use handover_engine::policy::{self, Files};
use handover_engine::ruleset::RuleSet;

use super::codes;
use super::output::{Status, count, print, say, usage};
use super::rules::{self, Colour, Format};
use crate::config;

/// Arguments of `check`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the policy
    #[arg(long, default_value = "rules", value_name = "DIR")]
    rules: PathBuf,
    /// The tenant's exported settings, a JSON file: its session must match the policy
    #[arg(long, value_name = "FILE")]
    tenant: Option<PathBuf>,
    /// What also makes the check fail
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Also print notes
    #[arg(long)]
    notes: bool,
    /// Diagnostics that are printed; the rest is counted
    #[arg(long, default_value_t = 100, value_name = "N")]
    max_errors: usize,
    /// Print what a code means, with a wrong example and a right one
    #[arg(long, value_name = "CODE|all")]
    explain: Option<String>,
    /// How errors are printed
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
    /// When colour is used
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deny {
    /// Warnings
    Warnings,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let Arguments { rules: folder, tenant, deny, notes: prints_notes, max_errors, explain, format, color } = arguments;
    if let Some(code) = explain {
        print(codes::explain(code).map_err(usage)?.as_bytes())?;
        return Ok(Status::Ok);
    }
    let files = rules::read(folder)?;
    let compiled = RuleSet::compile(&files);
    let needless = compiled.as_ref().map(|rules| laws::needless(rules, &files)).unwrap_or_default();
    let differing = tenant.as_ref().map(|tenant| differing(&files, tenant)).transpose()?.unwrap_or_default();
    let (found, rules) = match compiled {
        Ok(rules) => {
            let is_right = differing.is_empty();
            let mut found = [differing, needless, rules.diagnostics().to_vec()].concat();
            found.sort_by(|a, b| (&a.file, a.start, a.code).cmp(&(&b.file, b.start, b.code)));
            (found, Some(rules).filter(|_| is_right))
        }
        // what the tenant has is compared with a policy that is right
        Err(found) => (found, None),
    };
    let roots = rules.as_ref().map(roots).unwrap_or_default();
    let of = |severity| found.iter().filter(|one| one.severity == severity).count();
    let (warnings, notes) = (of(Severity::Warning), of(Severity::Info));
    let prints_all = *prints_notes || *format != Format::Pretty;
    let shown = if prints_all { found.clone() } else { rules::notable(&found) };
    rules::show_most(&shown, *max_errors, &files.0, folder, (*format, *color))?;
    let denied = deny.is_some() && warnings > 0;
    if *format == Format::Pretty {
        let summary = match &rules {
            Some(_) if denied => format!("{}, and none is allowed\n", count(warnings, "warning")),
            Some(rules) => {
                let notes = (notes, *prints_notes);
                // without a clear command, no claim may tell the browser to forget its data
                let claim = if rules.clears() { "" } else { "HANDOVER_CLAIM=\n" };
                format!("{}HANDOVER_ROOTS={}\n{claim}", passed(rules, &files, warnings, notes), roots.join(","))
            }
            None => refused(&shown, *max_errors),
        };
        print(summary.as_bytes())?;
    }
    if let Some(named) = config::roots() {
        for root in roots.iter().filter(|root| !named.split(',').any(|named| named.trim() == *root)) {
            say(&format!(
                "warning: HANDOVER_ROOTS lacks `{root}`: the Action does not show it, so its rule never runs"
            ));
        }
    }
    Ok(if rules.is_some() && !denied { Status::Ok } else { Status::Rules })
}

/// What of the tenant is not as the policy says.
fn differing(files: &Files, tenant: &Path) -> Result<Vec<Diagnostic>> {
    let wrong = |why| usage(anyhow!("`{}` holds no settings of a tenant: {why}", tenant.display()));
    let settings = crate::files::input_bytes(Some(tenant)).map_err(usage)?;
    let settings = String::from_utf8(settings).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    policy::differs_from_tenant(files, &settings).map_err(wrong)
}

/// How much is wrong, and how to read more of it.
fn refused(found: &[Diagnostic], most: usize) -> String {
    let errors: Vec<_> = found.iter().filter(|one| one.severity == Severity::Error).collect();
    let files: BTreeSet<_> = errors.iter().map(|one| &one.file).collect();
    let omitted = found.len().saturating_sub(most);
    let omitted = if omitted > 0 { format!(" · {omitted} not shown") } else { String::new() };
    let explain = errors.first().map(|one| format!(" · handover check --explain {}", one.code)).unwrap_or_default();
    format!("{} in {}{omitted}{explain}\n", count(errors.len(), "error"), count(files.len(), "file"))
}

/// What was checked, and how much each rule may write at most.
fn passed(rules: &RuleSet, files: &Files, warnings: usize, (notes, printed): (usize, bool)) -> String {
    let counted = [(warnings, "warning"), (notes, "note")].into_iter().filter(|(number, _)| *number > 0);
    let mut counted: String = counted.map(|(number, word)| [" · ", &count(number, word)].concat()).collect();
    if notes > 0 && !printed {
        counted.push_str(" (`--notes` prints them)");
    }
    let bounds = rules.rules().iter().map(|rule| {
        let most = rule.bytes_max.map_or("any number of bytes".to_owned(), |bytes| format!("at most {bytes} bytes"));
        format!("  {} → {}.{}: {most}\n", rule.name, rule.sink.word(), rule.root)
    });
    let sums = rules.diagnostics().iter().filter(|one| one.code == Code::P055);
    let guards: Vec<&str> = rules.guards().iter().map(|guard| &*guard.operation).collect();
    let guards = (!guards.is_empty()).then(|| format!("  guards: {}\n", guards.join(", ")));
    let bounds: String = bounds.chain(guards).chain(sums.map(|one| format!("  {} (P055)\n", one.message))).collect();
    format!("check ok · {} in {}{counted}\n{bounds}", count(rules.rules().len(), "rule"), count(files.0.len(), "file"))
}

/// The roots that the rules write, or observe: what the Action must show them, as its secret says.
fn roots(rules: &RuleSet) -> Vec<String> {
    let mut roots: Vec<String> = Vec::new();
    for rule in rules.rules() {
        let root = format!("{}.{}", rule.sink.word(), rule.root);
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}
