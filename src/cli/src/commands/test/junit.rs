//! Owns the results of cases as [JUnit XML](https://github.com/testmoapp/junitxml), the form that CI systems show.

use brama_replay::CaseOutcome;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Results, differing};

pub(super) fn text(results: &Results<'_>) -> Result<String, SerializeError> {
    let mut report = Report::new(results.file.display().to_string());
    for suite in &results.suites {
        let mut cases = TestSuite::new(suite.file.display().to_string());
        cases.add_test_cases(suite.outcomes.iter().map(|outcome| case(results.name, outcome)));
        report.add_test_suite(cases);
    }
    let mut coverage = TestSuite::new("coverage");
    for (share, wanted) in results.demands() {
        let status = if share.is_enough() { TestCaseStatus::success() } else { failure(share.line(), String::new()) };
        coverage.add_test_case(named(results.name, &format!("{} of at least {wanted}%", share.what), status));
    }
    if !coverage.test_cases.is_empty() {
        report.add_test_suite(coverage);
    }
    report.to_string()
}

fn case(policy: &str, outcome: &CaseOutcome<'_>) -> TestCase {
    let status = if outcome.passes() {
        TestCaseStatus::success()
    } else {
        failure(outcome.decided(), differing(outcome).collect::<Vec<_>>().join("\n"))
    };
    named(policy, outcome.case().name(), status)
}

fn named(policy: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(policy);
    case
}

fn failure(message: String, description: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_description(description);
    status
}
