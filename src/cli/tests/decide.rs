//! `brama decide`: a line for a line, whatever the line is.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::support::{POLICY, Run, brama, folder, run};
use brama_kit::shipped::project;
use serde_json::{Value, json};

const OPEN: &str = r#"{"method":"GET","path":"/open"}"#;

#[track_caller]
fn decide(input: &[u8]) -> Run {
    run(folder(&[("x.yaml", POLICY)]).path(), &["decide", "x.yaml", "--now", "100"], input)
}

#[track_caller]
fn answers(found: &Run) -> Vec<Value> {
    found.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_request_is_answered_in_its_line() {
    let found = decide(
        br#"{"method":"GET","path":"/open"}
{"method":"GET","path":"/guarded","token":{"subject":"s","scope":"read"},"headers":[["x-subject","me"]]}
{"method":"GET","path":"/guarded","token":"unavailable"}
{"method":"GET","path":"/elsewhere"}
"#,
    );
    let expected = r#"{"decision":"allow","status":null,"denial":null,"rule":"open","forward":{},"remove":[]}
{"decision":"allow","status":null,"denial":null,"rule":"guarded","forward":{"x-subject":"s"},"remove":["authorization","x-subject"]}
{"decision":"refuse","status":503,"denial":"token_unavailable","rule":"guarded","reason":"no answer within 1s from cluster `c`","forward":{},"remove":[]}
{"decision":"refuse","status":403,"denial":"route_unknown","rule":null,"forward":{},"remove":[]}
"#;
    assert_eq!((found.code, &*found.stdout, &*found.stderr), (0, expected, ""));
}

#[test]
fn clock_is_the_lines_own_then_the_callers() {
    let line = |rest: &str| {
        format!(r#"{{"method":"GET","path":"/guarded","token":{{"subject":"s","scope":"read","expires":101}}{rest}}}"#)
    };
    let found = decide([line(""), line(r#","now":101"#), line(r#","now":0"#)].join("\n").as_bytes());
    let denials: Vec<_> = answers(&found).iter().map(|answer| answer["denial"].clone()).collect();
    assert_eq!(denials, [Value::Null, json!("token_expired"), Value::Null]);
    // Without either it is the present, in which that token has ended.
    let folder = folder(&[("x.yaml", POLICY)]);
    let found = run(folder.path(), &["decide", "x.yaml"], line("").as_bytes());
    assert_eq!(answers(&found)[0]["denial"], "token_expired");
}

#[test]
fn shadow_mode_marks_what_it_would_refuse() {
    let policy = POLICY.replace("name: x\n", "name: x\nmode: { shadow: { because: \"it is new\" } }\n");
    let folder = folder(&[("x.yaml", &policy)]);
    let found = run(folder.path(), &["decide", "x.yaml"], br#"{"method":"GET","path":"/guarded"}"#);
    let expected = json!({ "decision": "allow", "status": null, "denial": null, "rule": "guarded",
        "would_refuse": "token_missing", "reason": "no header `authorization` was sent", "forward": {}, "remove": [] });
    assert_eq!((found.code, answers(&found)), (0, vec![expected]));
}

#[test]
fn line_that_is_no_request_is_an_error_in_its_place() {
    let huge = format!(r#"{{"method":"GET","path":"/{}"}}"#, "a".repeat(2 << 20));
    let deep = format!(r#"{{"method":"GET","path":"/","token":{}"#, "{\"a\":".repeat(50_000));
    let lines: [(&[u8], Option<&str>); 13] = [
        (OPEN.as_bytes(), None),
        (b"", Some("a request is a JSON object")),
        (b"nonsense", Some("a request is a JSON object")),
        (b"[\"GET\",\"localhost\",\"/open\"]", Some("a request is a JSON object")),
        (b"{\"method\":\"GET\"}", Some("missing field `path`")),
        (b"{\"method\":\"GET\",\"path\":\"/\xff\"}", Some("invalid unicode")),
        (huge.as_bytes(), Some("the line is longer than 1048576 bytes")),
        (deep.as_bytes(), Some("recursion limit")),
        (br#"{"method":"GET","path":"/open","path":"/guarded"}"#, Some("duplicate field `path`")),
        (br#"{"method":"GET","path":"/","token":{"scope":"a","scope":"b"}}"#, Some("member `scope` is written twice")),
        (br#"{"method":"GET","path":"/","token":{"tenant":"t"}}"#, Some("`tenant` is no fact of `token`")),
        (b"{\"method\":\"GET\",\"path\":\"/open\"}\0", Some("trailing characters")),
        (b"{\"method\":\"GET\",\"path\":\"/open\"}\r", None),
    ];
    let input = lines.map(|(line, _error)| line).join(&b'\n');
    let found = decide(&input);
    assert_eq!((found.code, &*found.stderr), (1, "brama: 11 lines are no requests\n"));
    let answers = answers(&found);
    assert_eq!(answers.len(), lines.len());
    for (number, (answer, (_line, expected))) in (1..).zip(answers.iter().zip(lines)) {
        match expected {
            None => assert_eq!(answer["rule"], "open"),
            Some(expected) => {
                assert!(answer["error"].as_str().unwrap().contains(expected), "{number}: {answer}");
                assert_eq!(answer["line"], number);
            }
        }
    }
}

#[test]
fn input_without_a_line_has_no_answer() {
    let found = decide(b"");
    assert_eq!((found.code, &*found.stdout, &*found.stderr), (0, "", ""));
}

#[test]
fn answer_is_there_before_the_next_question() {
    let folder = folder(&[("x.yaml", POLICY)]);
    let mut child =
        brama(folder.path(), &["decide", "x.yaml"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for _question in 0..3 {
        writeln!(stdin, "{OPEN}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.contains("\"allow\""), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn reader_that_goes_away_ends_it_quietly() {
    let folder = folder(&[("x.yaml", POLICY)]);
    let piped = || Stdio::piped();
    let mut child =
        brama(folder.path(), &["decide", "x.yaml"]).stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // Until the command notices, and closes its own end.
    while writeln!(stdin, "{OPEN}").is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn policy_that_cannot_be_used_is_exit_code_2() {
    let folder = folder(&[("bad.yaml", "version: 2\n")]);
    for (file, expected) in [("bad.yaml", "bad.yaml: "), ("none.yaml", "none.yaml cannot be read")] {
        let found = run(folder.path(), &["decide", file], OPEN.as_bytes());
        assert_eq!((found.code, &*found.stdout), (2, ""));
        assert!(found.stderr.contains(expected), "{}", found.stderr);
    }
}

#[test]
fn example_in_the_help_runs() {
    let input = fs::read(project().join("policies/examples/requests.jsonl")).unwrap();
    let found = run(&project(), &["decide", "policies/ehealth.yaml"], &input);
    assert_eq!((found.code, found.stdout.lines().count()), (0, 20));
    let denials: std::collections::BTreeSet<_> =
        answers(&found).iter().filter_map(|answer| answer["denial"].as_str().map(str::to_owned)).collect();
    assert!(denials.len() > 9, "{denials:?}");
}
