//! `JUnit` XML: what the tools of CI read of cases and laws.

/// What came of one test.
pub enum Outcome {
    /// It is as it should be.
    Passed,
    /// It is not, for this reason.
    Failed(String),
    /// It was not asked, or its answer does not count, for this reason.
    Skipped(String),
}

/// One test: a case, or a law.
pub struct TestCase {
    /// What it belongs to: a folder of cases, a rule.
    pub group: String,
    /// What it says.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// One suite: a suite a group would say no more than the names do.
#[must_use]
pub fn junit(cases: &[TestCase]) -> String {
    let of = |is: fn(&Outcome) -> bool| cases.iter().filter(|case| is(&case.outcome)).count();
    let failures = of(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = of(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let lines: String = cases.iter().map(line).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"handover\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">\n{lines}</testsuite>\n",
        cases.len()
    )
}

fn line(case: &TestCase) -> String {
    let head = format!("  <testcase classname=\"{}\" name=\"{}\"", escaped(&case.group), escaped(&case.name));
    match &case.outcome {
        Outcome::Passed => format!("{head}/>\n"),
        Outcome::Failed(why) => format!("{head}><failure message=\"{}\"/></testcase>\n", escaped(why)),
        Outcome::Skipped(why) => format!("{head}><skipped message=\"{}\"/></testcase>\n", escaped(why)),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
