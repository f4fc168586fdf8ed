//! What attacks on the reading of policies have found: each would put another policy in force than its author sees.

use std::fs;
use std::process::Command;

const HEAD: &str = "\
version: 1
name: x
authorities: { a: { cluster: a, host: a, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  token: { header: authorization, scheme: Bearer, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: t, expect: { /u: t } } }] }
refusals: { format: ehealth }
";

/// The exit code of `brama check --strict`; `None` where the process was killed.
fn check(text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.yaml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    let output = command.args(["check", "--strict", "x.yaml"]).current_dir(folder.path()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn with_condition(condition: &str) -> String {
    format!(
        "{HEAD}forward: {{ headers: {{}} }}
routes:
  - id: a
    methods: [GET]
    path: /a
    require:
      credentials: [token]
      scopes: none
      conditions:
        - {condition}
"
    )
}

#[test]
fn condition_is_not_eaten_by_yaml() {
    // `!has(..)` is a tag to YAML, and `&&` an anchor: what is left is the second half.
    for condition in [
        "!has(token.client_type) && token.client_id == \"c1\"",
        "!(request.method==token.client_id) && token.client_id == \"c1\"",
        "!!has(token.client_type) && token.client_id == \"c1\"",
    ] {
        let (code, shown) = check(&with_condition(condition));
        assert_eq!(code, Some(1), "{condition}\n{shown}");
    }
}

#[test]
fn comment_in_a_condition_does_not_hide_what_the_author_wrote_below_it() {
    let folded = ">-\n          has(token.client_type) // only MIS may\n          && token.client_type == \"MIS\"";
    let plain = "has(token.client_type) // only MIS may\n          && token.client_type == \"MIS\"";
    for condition in [folded, plain] {
        let (code, shown) = check(&with_condition(condition));
        assert_eq!(code, Some(1), "{condition}\n{shown}");
    }
}

#[test]
fn merge_key_written_twice_is_a_fault() {
    let text = format!(
        "{HEAD}forward: {{ headers: {{}} }}
routes:
  - {{ id: a, methods: [GET], path: /a, require: &r {{ credentials: [token], scopes: {{ all: [a] }} }} }}
  - {{ id: b, methods: [GET], path: /b, require: {{ <<: {{ scopes: none }}, <<: *r }} }}
"
    );
    assert_eq!(check(&text).0, Some(1));
}

#[test]
fn line_that_editors_show_as_a_comment_is_no_route() {
    let public = "{ id: z, methods: [DELETE], path: '/{_r...}', public: { because: x } }";
    let text = format!(
        "{HEAD}forward: {{ headers: {{}} }}
routes:
  - {{ id: a, methods: [GET], path: /a, require: {{ credentials: [token], scopes: none }} }}
  # see below\r  - {public}
"
    );
    let (code, shown) = check(&text);
    assert_eq!(code, Some(1), "{shown}");
}

#[test]
fn path_too_long_for_the_stack_is_a_fault() {
    let path = "/a".repeat(20_000);
    let text = format!(
        "{HEAD}forward: {{ headers: {{}} }}
routes:
  - {{ id: a, methods: [GET], path: {path}, require: {{ credentials: [token], scopes: none }} }}
"
    );
    assert_eq!(check(&text).0, Some(1));
}

#[test]
fn header_that_other_readers_take_for_the_host_can_be_stripped() {
    let text = format!(
        "{HEAD}forward: {{ headers: {{}}, strip: [x-forwarded-host, forwarded] }}
routes:
  - {{ id: a, methods: [GET], hosts: [a.example], path: /a, require: {{ credentials: [token], scopes: none }} }}
"
    );
    let (code, shown) = check(&text);
    assert_eq!(code, Some(0), "{shown}");
}
