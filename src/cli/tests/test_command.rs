//! `brama test`: what it shows, in each format, and what it returns.

use std::fs;

use crate::support::{POLICY, Run, folder, run};
use brama_kit::shipped::project;
use serde_json::Value;

const CASES: &str = "\
policy: x.yaml
tokens: { reader: { subject: s, scope: read } }
cases:
  - { name: open_is_open, request: { method: GET, path: /open }, expect: { allow: open } }
  - { name: reader_may_read, request: { method: GET, path: /guarded, token: reader }, expect: { allow: guarded, forward: { x-subject: s } } }
  - { name: nobody_may_not, request: { method: GET, path: /guarded }, expect: { refuse: token_missing, rule: guarded, status: 401 } }
";

#[track_caller]
fn test(cases: &str, arguments: &[&str]) -> Run {
    let folder = folder(&[("x.yaml", POLICY), ("x.cases.yaml", cases)]);
    run(folder.path(), &[&["test", "x.yaml"], arguments].concat(), b"")
}

#[test]
fn passing_cases_are_a_row_each_and_exit_code_0() {
    let Run { code, stdout, stderr } = test(CASES, &["--min-coverage", "100"]);
    let expected = "\
x.cases.yaml
ok      open_is_open     allow open
ok      reader_may_read  allow guarded
ok      nobody_may_not   refuse token_missing (401) by guarded

cases: 3, all pass
coverage: 100% (3 of 3)
  open     allows, public
  guarded  allows, refuses
denials: 6% (1 of 16)
";
    assert_eq!((code, &*stdout, &*stderr), (0, expected, ""));
    // Which denials were not seen is for whoever asks for a share of them.
    let asked = test(CASES, &["--min-coverage", "100", "--min-denials", "0"]);
    let unseen = "  not seen: request_incomplete, method_refused, upgrade_refused, method_overridden, path_overridden, host_malformed, \
                  path_ambiguous, route_unknown, token_repeated, token_malformed, token_unavailable, token_refused, \
                  token_expired, scope_missing, fact_missing\n";
    assert_eq!(asked.stdout, format!("{expected}{unseen}"));
}

#[test]
fn failing_case_shows_what_differs_and_is_exit_code_1() {
    let cases = CASES.replace("refuse: token_missing, rule: guarded, status: 401", "allow: guarded");
    let cases = cases.replace("x-subject: s", "x-subject: t");
    let Run { code, stdout, stderr } = test(&cases, &[]);
    let expected = "\
FAILED  reader_may_read  allow guarded
        - forward.x-subject: t
        + forward.x-subject: s
FAILED  nobody_may_not   refuse token_missing (401) by guarded
        - allow: guarded
        + refuse: token_missing
        + rule: guarded

cases: 3, 2 FAILED
";
    assert_eq!((code, &*stderr), (1, ""));
    assert!(stdout.contains(expected), "{stdout}");
}

#[test]
fn too_little_coverage_is_exit_code_1() {
    let cases: String = CASES.lines().filter(|line| !line.contains("nobody")).flat_map(|line| [line, "\n"]).collect();
    let below = "coverage: 66% (2 of 3), below the 67% asked for";
    for (least, code) in [("66", 0), ("67", 1)] {
        let found = test(&cases, &["--min-coverage", least]);
        assert_eq!((found.code, found.stdout.contains(below)), (code, code == 1), "{}", found.stdout);
    }
    let tap = test(&cases, &["--min-coverage", "67", "--format", "tap"]);
    assert_eq!(tap.code, 1);
    assert!(
        tap.stdout.contains("1..3\n") && tap.stdout.contains("not ok 3 - coverage of at least 67%\n"),
        "{}",
        tap.stdout
    );
    let junit = test(&cases, &["--min-coverage", "67", "--format", "junit"]);
    assert!(junit.stdout.contains(&format!("<failure message=\"{below}\"")), "{}", junit.stdout);
    assert_eq!(test(&cases, &["--min-coverage", "101"]).code, 2);
}

#[test]
fn too_few_denials_are_exit_code_1() {
    for (least, code) in [("6", 0), ("7", 1)] {
        let found = test(CASES, &["--min-denials", least]);
        let below = found.stdout.contains("denials: 6% (1 of 16), below the 7% asked for");
        assert_eq!((found.code, below), (code, code == 1), "{}", found.stdout);
    }
    let tap = test(CASES, &["--min-coverage", "100", "--min-denials", "7", "--format", "tap"]);
    assert!(
        tap.stdout.contains("1..5\n")
            && tap.stdout.contains("\nok 4 - coverage of at least 100%\n")
            && tap.stdout.contains("not ok 5 - denials of at least 7%\n"),
        "{}",
        tap.stdout
    );
}

#[test]
fn tap_is_what_a_harness_reads() {
    let cases =
        CASES.replace("nobody_may_not", "'nobody \\ #may <not> & never'").replace("allow: open", "allow: guarded");
    let expected = "\
TAP version 14
1..3
# x.cases.yaml
not ok 1 - open_is_open
  ---
  decided: \"allow open\"
  differing:
    - \"- allow: guarded\"
    - \"+ allow: open\"
  ...
ok 2 - reader_may_read
ok 3 - nobody \\\\ \\#may <not> & never
# coverage: 100% (3 of 3)
# denials: 6% (1 of 16)
";
    let Run { code, stdout, .. } = test(&cases, &["--format", "tap"]);
    assert_eq!((code, &*stdout), (1, expected));
}

#[test]
fn junit_is_xml_with_a_failure_for_each_case_that_fails() {
    let cases = CASES.replace("nobody_may_not", "'nobody <&\"> 🇺🇦'").replace("allow: open", "allow: guarded");
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="x.yaml" tests="3" skipped="0" failures="1" errors="0">
    <testsuite name="x.cases.yaml" tests="3" skipped="0" errors="0" failures="1">
        <testcase name="open_is_open" classname="x">
            <failure message="allow open">- allow: guarded
+ allow: open</failure>
        </testcase>
        <testcase name="reader_may_read" classname="x"/>
        <testcase name="nobody &lt;&amp;&quot;&gt; 🇺🇦" classname="x"/>
    </testsuite>
</testsuites>
"#;
    let Run { code, stdout, .. } = test(&cases, &["--format", "junit"]);
    assert_eq!((code, &*stdout), (1, expected));
}

#[test]
fn json_holds_everything() {
    let Run { code, stdout, .. } = test(&CASES.replace("allow: open", "allow: guarded"), &["--format", "json"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &found["passed"], &found["total"], &found["failed"]), (1, &false.into(), &3.into(), &1.into()));
    assert_eq!(found["cases"][0]["differences"][0]["found"], "open");
    assert_eq!(found["cases"][2]["verdict"]["denial"], "token_missing");
    assert_eq!(found["coverage"]["percent"], 100);
    assert_eq!(found["coverage"]["rules"][0]["refuses"], Value::Null);
    assert_eq!(found["coverage"]["denials"]["seen"][0], "token_missing");
}

#[test]
fn faulty_cases_are_shown_in_their_lines_and_are_exit_code_2() {
    let cases = CASES.replace("allow: open", "alow: open").replace("reader_may_read", "open_is_open");
    let Run { code, stdout, stderr } = test(&cases.replace("scope: read", "scopes: read"), &[]);
    let expected = "\
error: `scopes` is no fact of `token`; there are `subject`, `client_id`, `client_type`, `scope`, `expires`
 --> x.cases.yaml:2:33
  |
2 | tokens: { reader: { subject: s, scopes: read } }
  |                                 ^^^^^^ tokens.reader

error: unknown field `alow`, expected one of `allow`, `would_refuse`, `forward`, `remove`, `refuse`, `rule`, `status`, `message`
 --> x.cases.yaml:4:76
  |
4 |   - { name: open_is_open, request: { method: GET, path: /open }, expect: { alow: open } }
  |                                                                            ^^^^ cases[0].expect.alow

x.cases.yaml: 2 faults
";
    assert_eq!((code, &*stdout, &*stderr), (2, "", expected));
    let twice = CASES.replace("reader_may_read", "open_is_open");
    let found = test(&twice, &[]);
    assert!(found.code == 2 && found.stderr.contains("x.cases.yaml:5:13"), "{}", found.stderr);
}

#[test]
fn what_cannot_be_run_is_exit_code_2() {
    let folder = folder(&[
        ("x.yaml", POLICY),
        ("bad.yaml", "version: 2\n"),
        ("text.yaml", "a: [\n"),
        ("none.cases.yaml", "policy: x.yaml\ncases: []\n"),
        ("sound.cases.yaml", CASES),
    ]);
    for (arguments, expected) in [
        (vec!["x.yaml"], "x.cases.yaml cannot be read: "),
        (vec!["none.yaml"], "none.yaml cannot be read: "),
        (vec!["x.yaml", "sound.cases.yaml", "other.cases.yaml"], "other.cases.yaml cannot be read: "),
        (vec!["bad.yaml", "sound.cases.yaml"], "bad.yaml: "),
        (vec!["x.yaml", "text.yaml"], "text.yaml:1:4"),
        (vec!["x.yaml", "none.cases.yaml"], "there is no case here"),
    ] {
        let found = run(folder.path(), &[&["test"], &*arguments].concat(), b"");
        assert_eq!((found.code, &*found.stdout), (2, ""), "{arguments:?}");
        assert!(found.stderr.contains(expected), "{arguments:?}: {}", found.stderr);
    }
}

#[test]
fn hostile_cases_are_exit_code_2() {
    let folder = folder(&[("x.yaml", POLICY)]);
    // Ten aliases of ten aliases of ...: a few lines that stand for more than any machine holds.
    let levels = (1..12).map(|level| format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(10)));
    let bomb: String = ["a0: &a0 x\n".to_owned()].into_iter().chain(levels).collect();
    for (cases, expected) in [
        (b"policy: \xff".to_vec(), "x.cases.yaml cannot be read"),
        (format!("policy: x\ncases: {}", "[".repeat(100_000)).into_bytes(), "recursion limit exceeded"),
        (format!("{CASES}policy: y\n").into_bytes(), "duplicate mapping key `policy`"),
        (bomb.into_bytes(), "too large or too complex"),
        (CASES.replace("open_is_open", "\"\\e[31mred\"").into_bytes(), "a name is one line of text"),
        (b"".to_vec(), "nothing is written here"),
    ] {
        fs::write(folder.path().join("x.cases.yaml"), cases).unwrap();
        let found = run(folder.path(), &["test", "x.yaml"], b"");
        assert_eq!((found.code, &*found.stdout), (2, ""), "{expected}");
        assert!(found.stderr.contains(expected) && !found.stderr.contains('\u{1b}'), "{}", found.stderr);
    }
}

#[test]
fn several_files_of_cases_are_one_result() {
    let other = "policy: x.yaml\ncases:\n  - { name: a, request: { method: GET, path: / }, expect: { refuse: route_unknown } }\n";
    let folder = folder(&[("x.yaml", POLICY), ("1.yaml", CASES), ("2.yaml", other)]);
    let found = run(folder.path(), &["test", "x.yaml", "1.yaml", "2.yaml"], b"");
    assert_eq!(found.code, 0);
    assert!(found.stdout.contains("cases: 4, all pass\n") && found.stdout.contains("denials: 12% (2 of 16)"));
}

#[test]
fn example_in_the_help_passes() {
    assert_eq!(run(&project(), &["test", "policies/ehealth.yaml", "--min-coverage", "100"], b"").code, 0);
}
