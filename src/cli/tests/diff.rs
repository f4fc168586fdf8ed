//! `brama diff`: which decisions change, and what that is worth.

use std::fs;

use crate::support::{POLICY, Run, folder, run};
use brama_kit::shipped::project;
use serde_json::{Value, json};

const REQUESTS: &str = r#"{"method":"GET","path":"/open"}
{"method":"GET","path":"/guarded"}
{"method":"GET","path":"/guarded","token":{"subject":"s","scope":"read"}}
{"method":"GET","path":"/guarded","token":{"subject":"s","scope":"write"}}
{"method":"GET","path":"/guarded","token":{"subject":"t","scope":"write"}}
{"method":"GET","path":"/elsewhere"}
"#;

#[track_caller]
fn diff(new: &str, arguments: &[&str], input: &str) -> Run {
    let folder = folder(&[("old.yaml", POLICY), ("new.yaml", new)]);
    run(folder.path(), &[&["diff", "old.yaml", "new.yaml"], arguments].concat(), input.as_bytes())
}

/// The exit code, and each group as `change count old -> new`.
#[track_caller]
fn groups(new: &str) -> (i32, Vec<String>) {
    let found = diff(new, &["--json"], REQUESTS);
    let object: Value = serde_json::from_str(&found.stdout).unwrap();
    let side = |side: &Value| {
        let words = ["rule", "denial", "would_refuse"].map(|key| side[key].as_str().map(str::to_owned));
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let line = |group: &Value| {
        format!(
            "{} {} {} -> {}",
            group["change"].as_str().unwrap(),
            group["count"],
            side(&group["old"]),
            side(&group["new"])
        )
    };
    (found.code, object["changes"].as_array().unwrap().iter().map(line).collect())
}

#[test]
fn same_policy_changes_nothing() {
    let found = diff(POLICY, &[], REQUESTS);
    let expected = "\
opens: 0
closes: 0
other refusals: 0
other identities: 0
other rules: 0
unchanged: 6 of 6 requests
";
    assert_eq!((found.code, &*found.stdout, &*found.stderr), (0, expected, ""));
}

#[test]
fn changes_are_grouped_and_shown_with_examples() {
    let found = diff(&POLICY.replace("[read]", "[write]"), &["--examples", "1"], REQUESTS);
    let expected = r#"opens: 2
closes: 1
other refusals: 0
other identities: 0
other rules: 0
unchanged: 3 of 6 requests

opens: guarded refuses scope_missing (403) -> guarded allows (2)
  line 4: {"method":"GET","path":"/guarded","token":{"subject":"s","scope":"write"}}

closes: guarded allows -> guarded refuses scope_missing (403) (1)
  line 3: {"method":"GET","path":"/guarded","token":{"subject":"s","scope":"read"}}
"#;
    assert_eq!((found.code, &*found.stdout, &*found.stderr), (1, expected, ""));
}

#[test]
fn each_kind_of_change_is_told_from_the_others() {
    let shadow = "name: x\nmode: { shadow: { because: \"it is new\" } }\n";
    for (from, to, code, expected) in [
        ("id: open,", "id: door,", 0, vec!["other_rule 1 open -> door"]),
        ("path: /open,", "path: /door,", 0, vec!["closes 1 open -> route_unknown"]),
        ("x-subject: token.subject", "x-user: token.subject", 0, vec!["other_identity 1 guarded -> guarded"]),
        ("x-subject: token.subject", "x-subject: token.client_id", 0, vec!["closes 1 guarded -> guarded fact_missing"]),
        (
            "path: /open,",
            "path: /elsewhere,",
            1,
            vec!["opens 1 route_unknown -> open", "closes 1 open -> route_unknown"],
        ),
        (
            "path: /guarded,",
            "path: /guarded/x,",
            0,
            vec![
                "closes 1 guarded -> route_unknown",
                "other_refusal 2 guarded scope_missing -> route_unknown",
                "other_refusal 1 guarded token_missing -> route_unknown",
            ],
        ),
        (
            "name: x\n",
            shadow,
            1,
            vec![
                "opens 2 guarded scope_missing -> guarded scope_missing",
                "opens 1 route_unknown -> route_unknown",
                "opens 1 guarded token_missing -> guarded token_missing",
            ],
        ),
    ] {
        let new = POLICY.replacen(from, to, 1);
        assert_ne!(new, POLICY);
        assert_eq!(groups(&new), (code, expected.into_iter().map(str::to_owned).collect()), "{to}");
    }
}

#[test]
fn json_holds_counts_and_examples() {
    let found = diff(&POLICY.replace("x-subject: token", "x-user: token"), &["--json"], REQUESTS);
    let object: Value = serde_json::from_str(&found.stdout).unwrap();
    let counts =
        ["opens", "closes", "other_refusals", "other_identities", "other_rules", "unchanged", "requests", "bad_lines"];
    assert_eq!(counts.map(|count| object[count].as_u64().unwrap()), [0, 0, 0, 1, 0, 5, 6, 0]);
    assert_eq!(object["changes"][0]["in"], json!(["forward.x-subject", "forward.x-user"]));
    let example = &object["changes"][0]["examples"][0];
    assert_eq!(example["line"], 3);
    let request: Value = serde_json::from_str(example["request"].as_str().unwrap()).unwrap();
    assert_eq!(request["path"], "/guarded");
}

#[test]
fn line_that_is_no_request_is_exit_code_2() {
    let further = POLICY.replace("expect: { /u: x } }", "expect: { /u: x }, facts: { further: { tenant: /t } } }");
    let input = format!("{REQUESTS}\n{{\"method\":\"GET\",\"path\":\"/guarded\",\"token\":{{\"tenant\":\"t\"}}}}\n");
    let found = diff(&further, &[], &input);
    assert_eq!(found.code, 2);
    assert!(found.stdout.contains("opens: 0\n") && found.stdout.contains("no requests: 2 lines\n"), "{}", found.stdout);
    let expected = "\
brama: line 7: a request is a JSON object
brama: line 8: old.yaml: token: `tenant` is no fact of `token`; there are `subject`, `client_id`, `client_type`, `scope`, `expires`
";
    assert_eq!(found.stderr, expected);
    let found = diff(POLICY, &[], &"x\n".repeat(15));
    assert_eq!((found.code, found.stderr.lines().count()), (2, 11));
    assert!(found.stderr.ends_with("brama: 5 further lines are no requests\n"), "{}", found.stderr);
}

#[test]
fn what_opens_is_not_hidden_by_a_bad_line() {
    let found = diff(&POLICY.replace("[read]", "[write]"), &[], &format!("{REQUESTS}x\n"));
    assert_eq!(found.code, 2);
    assert!(found.stdout.starts_with("opens: 2\n"), "{}", found.stdout);
}

#[test]
fn hostile_lines_are_bad_lines_and_harm_nothing() {
    let folder = folder(&[("x.yaml", POLICY)]);
    let input = [
        b"{\"method\":\"GET\",\"path\":\"/\xff\"}".to_vec(),
        format!(r#"{{"method":"GET","path":"/{}"}}"#, "a".repeat(2 << 20)).into_bytes(),
        "{\"token\":".repeat(50_000).into_bytes(),
        br#"{"method":"GET","path":"/open","token":{"a":1,"a":2}}"#.to_vec(),
        br#"{"method":"GET","path":"/open"}"#.to_vec(),
    ]
    .join(&b'\n');
    let found = run(folder.path(), &["diff", "x.yaml", "x.yaml"], &input);
    assert_eq!((found.code, found.stderr.lines().count()), (2, 4), "{}", found.stderr);
    assert!(found.stdout.contains("unchanged: 1 of 1 requests\nno requests: 4 lines\n"), "{}", found.stdout);
}

#[test]
fn policy_that_cannot_be_used_is_exit_code_2() {
    let folder = folder(&[("x.yaml", POLICY), ("bad.yaml", "version: 2\n")]);
    for arguments in [["x.yaml", "bad.yaml"], ["bad.yaml", "x.yaml"], ["x.yaml", "none.yaml"]] {
        let found = run(folder.path(), &[&["diff"], &arguments[..]].concat(), REQUESTS.as_bytes());
        assert_eq!((found.code, &*found.stdout), (2, ""), "{arguments:?}");
    }
}

#[test]
fn example_in_the_help_runs() {
    let input = fs::read(project().join("policies/examples/requests.jsonl")).unwrap();
    let found = run(&project(), &["diff", "policies/ehealth.yaml", "policies/ehealth.yaml"], &input);
    assert_eq!(found.code, 0, "{}", found.stderr);
    assert!(found.stdout.contains("unchanged: 20 of 20 requests\n"), "{}", found.stdout);
}

/// Lines as `envoy/envoy.yaml` writes them.
const LOG: &str = r#"{"decision":"allow","denial":null,"host":"a","identity":null,"method":"GET","path":"/open","rule":"open","status":200,"time":"2026-11-22T23:05:32.227Z"}
{"decision":"refuse","denial":"token_missing","host":"a","identity":null,"method":"GET","path":"/guarded","reason":"no header `authorization` was sent","rule":"guarded","status":401,"time":"2026-11-22T23:05:32.227Z"}
{"decision":"refuse","denial":"token_refused","host":"a","identity":null,"method":"GET","path":"/guarded","rule":"guarded","status":401,"time":"2026-11-22T23:05:32.227Z"}
{"decision":"allow","denial":null,"host":"a","identity":"{\"token.scope\":\"read\",\"token.subject\":\"s\"}","method":"GET","path":"/guarded","rule":"guarded","status":200,"time":"2026-11-22T23:05:32.227Z"}
{"decision":"refuse","denial":"scope_missing","host":"a","identity":"{\"token.scope\":\"write\",\"token.subject\":\"s\"}","method":"GET","path":"/guarded","rule":"guarded","status":403,"time":"2026-11-22T23:05:32.227Z"}
{"decision":"refuse","denial":"route_unknown","host":"a","identity":null,"method":"GET","path":"/elsewhere","rule":"-","status":403,"time":"2026-11-22T23:05:32.227Z"}
"#;

#[test]
fn access_log_is_read_as_far_as_it_goes() {
    let found = diff(&POLICY.replace("[read]", "[write]"), &[], LOG);
    assert!(found.stdout.starts_with("opens: 1\ncloses: 1\n"), "{}", found.stdout);
    assert!(found.stdout.contains("unchanged: 4 of 6 requests\n"), "{}", found.stdout);
    assert_eq!((found.code, &*found.stderr), (1, ""));
    let found = diff(POLICY, &[], LOG);
    assert_eq!(found.code, 0, "{}", found.stdout);
}

#[test]
fn line_of_an_access_log_that_lacks_what_a_rule_needs_is_counted_and_told() {
    let line = |further: &str| {
        format!(
            r#"{{"decision":"allow","host":"a","method":"GET","path":"/guarded","rule":"guarded","status":200,"time":"2026-11-22T23:05:32.227Z"{further}}}"#
        )
    };
    for (log, told) in [
        (line(""), "rule `guarded` verifies the token, of which the log tells nothing"),
        (
            line(r#","identity":"{\"token.subject\":\"s\"}""#),
            "rule `guarded` needs `token.scope`, which is not in the log; list it in `log.facts`",
        ),
        (
            line(r#","identity":"{\"token.scope\":\"write\",\"token.subject\":\"s\"}""#),
            "the policy before decides it otherwise than the log says: guarded refuses scope_missing, not guarded allows",
        ),
        (line(r#","identity":"x""#), "its `identity` is no JSON object"),
        (line("").replace(r#""host":"a","#, ""), "the log has no `host`"),
        (line("").replace(r#","time":"2026-11-22T23:05:32.227Z""#, ""), "the log has no `time`"),
        (line("").replace("T23:05:32.227Z", ""), "its `time` is no time"),
        (
            line(r#","denial":"token_malformed""#).replace("allow", "refuse"),
            "it was refused for `token_malformed`: the header or the query that it was for is not in the log",
        ),
        (
            line(r#","denial":"path_ambiguous""#).replace("allow", "refuse").replace("/guarded", "/open"),
            "it was refused for `path_ambiguous`: the header or the query that it was for is not in the log",
        ),
        (
            line(r#","denial":"not_carried_out""#).replace("allow", "refuse"),
            "it was refused for `not_carried_out`, which no policy decides",
        ),
        (line("").replace(r#""path":"/guarded""#, r#""path":5"#), "its `path` is no text"),
    ] {
        let found = diff(POLICY, &[], &format!("{log}\n{log}\n"));
        let expected = format!(
            "unchanged: 0 of 0 requests\ncannot be judged: 2 lines of an access log, which has no headers and no query\n  2, the first in line 1: {told}\n"
        );
        assert!(found.stdout.ends_with(&expected), "{}", found.stdout);
        assert_eq!(found.code, 2, "{told}");
        let object: Value = serde_json::from_str(&diff(POLICY, &["--json"], &log).stdout).unwrap();
        assert_eq!(object["not_judged"], json!([{ "reason": told, "count": 1, "first": 1 }]));
    }
}

#[test]
fn line_of_an_access_log_that_repeats_a_member_is_none() {
    let line = LOG.lines().next().unwrap().replace(r#""host":"a""#, r#""host":"a","host":"b""#);
    let found = diff(POLICY, &[], &line);
    assert!(found.stdout.contains("no requests: 1 lines\n"), "{}", found.stdout);
    assert_eq!(found.code, 2);
}

#[test]
fn what_no_policy_changes_is_told_and_harms_nothing() {
    let envoys = r#"{"decision":null,"host":"a","method":"GET","path":"/healthz","rule":null,"status":200}"#;
    let overridden = r#"{"decision":"refuse","denial":"path_overridden","host":"a","method":"GET","path":"/open","rule":"-","status":400,"time":"2026-11-22T23:05:32.227Z"}"#;
    for (line, told) in [
        (envoys, "the plugin did not judge it"),
        (overridden, "it was refused for `path_overridden`, whatever the policy"),
    ] {
        let found = diff(POLICY, &[], &format!("{line}\n{LOG}"));
        assert!(found.stdout.contains(&format!("  1, the first in line 1: {told}\n")), "{}", found.stdout);
        assert_eq!(found.code, 0, "{told}");
    }
}

#[test]
fn policies_that_look_at_what_the_log_does_not_tell_are_not_compared_by_it() {
    let moved = POLICY.replace("header: authorization", "header: x-token");
    assert_ne!(moved, POLICY);
    let found = diff(&moved, &[], LOG);
    let told =
        "  4, the first in line 2: the policies read the token in different ways, and the log tells of one of them\n";
    assert!(found.stdout.contains(told), "{}", found.stdout);
    let let_pass = POLICY.replace("path: /guarded,", "path: /guarded, preflight: { because: \"browsers ask\" },");
    assert_ne!(let_pass, POLICY);
    let line = r#"{"decision":"refuse","denial":"route_unknown","host":"a","identity":null,"method":"OPTIONS","path":"/guarded","rule":"-","status":403,"time":"2026-11-22T23:05:32.227Z"}"#;
    let found = diff(&let_pass, &[], line);
    assert!(found.stdout.contains("line 1: a preflight request is told by its headers"), "{}", found.stdout);
    assert_eq!(found.code, 2);
}

#[test]
fn what_opens_is_not_hidden_by_a_line_that_lacks_something() {
    let lacking = LOG.lines().next().unwrap().replace(r#""host":"a","#, "");
    let found = diff(&POLICY.replace("[read]", "[write]"), &[], &format!("{lacking}\n{LOG}"));
    assert!(found.stdout.contains("the log has no `host`"), "{}", found.stdout);
    assert_eq!(found.code, 1);
}

/// A log tells of the alternatives that were there, and that none was; not which of them was not.
#[test]
fn route_with_alternatives_is_compared_as_far_as_its_log_tells() {
    let either = POLICY.replace("credentials: [token]", "credentials: { any: [token, partner] }").replace(
        "  token:",
        "  partner: { header: x-partner, verify: [{ introspect: { authority: a, path: /i, hint: p, expect: { /u: p } } }], cache: { ttl: 1s, refused_ttl: 1s, entries: 1 } }\n  token:",
    );
    assert_ne!(either, POLICY);
    let folder = crate::support::folder(&[
        ("old.yaml", &either),
        ("new.yaml", &either.replace("[token, partner]", "[partner, token]")),
    ]);
    let line = |rest: &str| {
        format!(
            r#"{{"host":"a","method":"GET","path":"/guarded","rule":"guarded","time":"2026-11-22T23:05:32.227Z",{rest}}}"#
        )
    };
    let nobody = line(r#""decision":"refuse","denial":"unauthenticated","identity":null,"status":401"#);
    let found = run(folder.path(), &["diff", "old.yaml", "new.yaml"], nobody.as_bytes());
    assert!(found.stdout.contains("unchanged: 1 of 1 requests"), "{}", found.stdout);
    let one =
        line(r#""decision":"allow","identity":"{\"token.scope\":\"read\",\"token.subject\":\"s\"}","status":200"#);
    let found = run(folder.path(), &["diff", "old.yaml", "new.yaml"], one.as_bytes());
    assert!(
        found.stdout.contains("rule `guarded` verifies the partner, of which the log tells nothing"),
        "{}",
        found.stdout
    );
}
