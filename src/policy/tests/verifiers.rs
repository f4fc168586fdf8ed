//! What a verifier can say of its question, and what is wrong with one that says it badly.

use crate::support::{headers, now, policy};
use brama_policy::deciding::{Policy, PolicyDocument, Request, Step};
use brama_policy::identity::{Answer, SecretName, Unavailable};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A policy whose tokens are verified as RFC 7662 has it; the tests change one thing in it.
const BASE: &str = r#"
version: 1
name: x
authorities: { a: { cluster: a, host: a, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  api_key: { header: api-key, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /keys, hint: k, expect: { /u: k } } }] }
  token: { header: authorization, scheme: Bearer, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 },
    verify: [{ introspect: { authority: a, path: /tokens, hint: t, expect: { /u: t } } }] }
forward: { headers: {} }
refusals: { format: bare }
routes: [{ id: r, methods: [GET], path: /, require: { credentials: [token], scopes: none } }]
"#;

#[track_caller]
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(BASE.to_owned(), |yaml, (from, to)| {
        assert_eq!(yaml.matches(from).count(), 1, "{from}");
        yaml.replace(from, to)
    })
}

/// The question about the token `t/0`, a line a header, then the form.
#[track_caller]
fn asked(changes: &[(&str, &str)]) -> String {
    let sent = headers("GET", "/", &[("authorization", "Bearer t/0"), ("api-key", "k")]);
    let Step::Ask(lookup, _awaiting) = policy(&changed(changes)).begin(&Request::new(&sent), now()) else {
        panic!("not asked")
    };
    let question = lookup.question(|_name| Some("s:3")).unwrap_or_else(|answer| panic!("{answer:?}"));
    let lines = question.headers.iter().filter(|(name, _value)| !matches!(*name, ":scheme" | ":authority"));
    let lines: Vec<_> = lines.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} | {}", lines.join(" "), question.body.as_deref().unwrap_or("no body"))
}

const FORM: &str = "content-type=application/x-www-form-urlencoded";

#[test]
fn question_is_that_of_rfc_7662_where_nothing_else_is_written() {
    let wanted = format!(
        ":method=POST :path=/tokens accept=application/json authorization=Bearer s:3 {FORM} | token=t%2F0&token_type_hint=t"
    );
    assert_eq!(asked(&[]), wanted);
}

#[test]
fn everything_about_a_question_can_be_written() {
    let bearer = "accept=application/json authorization=Bearer s:3";
    for (changes, wanted) in [
        (
            &[("path: /tokens, hint: t", "method: GET, path: '/tokens?x=a&token={credential}'")][..],
            format!(":method=GET :path=/tokens?x=a&token=t%2F0 {bearer} | no body"),
        ),
        (
            &[("hint: t", "form: { jwt: '{credential}', 'a b': 'c&d' }")],
            format!(":method=POST :path=/tokens {bearer} {FORM} | a%20b=c%26d&jwt=t%2F0"),
        ),
        (
            &[("path: /tokens, hint: t", "path: '/t?t={credential}', form: {}")],
            format!(":method=POST :path=/t?t=t%2F0 {bearer} {FORM} | "),
        ),
        (
            &[("hint: t", "hint: t, accept: application/x+json, headers: { x-realm: a b }")],
            format!(
                ":method=POST :path=/tokens accept=application/x+json authorization=Bearer s:3 x-realm=a b {FORM} | \
                 token=t%2F0&token_type_hint=t"
            ),
        ),
        (
            &[("path: /tokens, hint: t", "method: GET, path: /me, send: [{ credential: token, header: x-token }]")],
            format!(":method=GET :path=/me {bearer} x-token=t/0 | no body"),
        ),
        (
            &[
                ("bearer_env: S", "none: { because: x }"),
                ("path: /tokens, hint: t", "method: GET, path: /me, send: [token]"),
            ],
            ":method=GET :path=/me accept=application/json authorization=Bearer t/0 | no body".to_owned(),
        ),
        (
            &[("[token]", "[api_key, token]")],
            format!(":method=POST :path=/keys {bearer} {FORM} | token=k&token_type_hint=k"),
        ),
    ] {
        assert_eq!(asked(changes), wanted, "{changes:?}");
    }
}

#[test]
fn gateway_proves_itself_as_the_authority_wants() {
    for (auth, header) in [
        ("bearer_env: S", "authorization=Bearer s:3"),
        ("basic_env: S", "authorization=Basic czoz"),
        ("header_env: { name: x-custom-psk, env: S }", "x-custom-psk=s:3"),
        ("none: { because: x }", FORM),
    ] {
        let asked = asked(&[("bearer_env: S", auth)]);
        assert!(asked.starts_with(&format!(":method=POST :path=/tokens accept=application/json {header}")), "{asked}");
    }
}

#[test]
fn every_secret_is_named_and_says_what_it_must_be() {
    let secrets = |auth| {
        let policy = policy(&changed(&[("bearer_env: S", auth)]));
        policy.secrets().cloned().collect::<Vec<SecretName>>()
    };
    for (auth, good, bad) in [
        ("bearer_env: S", "s", &["", "a b", "é", "a\r\nb"][..]),
        ("header_env: { name: x-psk, env: S }", "s", &["", "a b"]),
        ("basic_env: S", "u:p", &["", "u", "u: p", "é:p"]),
    ] {
        let [first, second] = &secrets(auth)[..] else { panic!("{auth}") };
        assert_eq!((first, first.as_str()), (second, "S"));
        assert!(first.accepts(good), "{auth}");
        for bad in bad {
            assert!(!first.accepts(bad), "{auth}: {bad}");
        }
    }
    assert_eq!(secrets("none: { because: x }"), []);
}

#[test]
fn without_its_secret_nothing_is_asked() {
    let sent = headers("GET", "/", &[("authorization", "Bearer t")]);
    let Step::Ask(lookup, _awaiting) = policy(BASE).begin(&Request::new(&sent), now()) else { panic!("not asked") };
    assert_eq!(lookup.question(|_name| None).map(|_question| ()), Err(Answer::Unavailable(Unavailable::NotSent)));
}

fn faults(yaml: &str) -> Vec<String> {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let outcome = PolicyDocument::read(&value.to_string()).and_then(|document| Policy::compile(&document));
    outcome.map_or_else(|faults| faults.iter().map(ToString::to_string).collect(), |_policy| Vec::new())
}

/// In place of the token's `path: /tokens, hint: t, expect: { /u: t }`, and the fault that follows.
const FAULTY: &[(&str, &str)] = &[
    // Where the credential is.
    ("method: GET, path: /t, expect: { /u: t }", ": the question does not hold the credential (write `{credential}`"),
    ("path: /t, form: { a: b }, expect: { /u: t }", ": the question does not hold the credential"),
    (
        "path: '/{credential}', hint: t, expect: { /u: t }",
        ": the question holds the credential more than once (where `path`",
    ),
    (
        "path: '/{credential}/{credential}', form: {}, expect: { /u: t }",
        ": the question holds the credential more than once",
    ),
    (
        "path: '/{credential}', form: {}, send: [{ credential: token, header: x-t }], expect: { /u: t }",
        ": the question holds",
    ),
    (
        "path: '/x{credential}', form: {}, expect: { /u: t }",
        ".path: `/x{credential}` is no canonical path (`{credential}` is a whole",
    ),
    ("path: '/{token}', form: {}, expect: { /u: t }", ".path: `/{token}` is no canonical path"),
    ("path: '/a?{credential}', form: {}, expect: { /u: t }", ".path: `/a?{credential}` is no canonical path"),
    ("path: '/a?{credential}=a', form: {}, expect: { /u: t }", ".path: `/a?{credential}=a` is no canonical path"),
    ("path: '/a?b=x{credential}', form: {}, expect: { /u: t }", ".path: `/a?b=x{credential}` is no canonical path"),
    ("path: '/a?b={credential}#c', form: {}, expect: { /u: t }", ".path: `/a?b={credential}#c` is no canonical path"),
    ("path: '/a?b={credential}&', form: {}, expect: { /u: t }", ".path: `/a?b={credential}&` is no canonical path"),
    ("path: '/a/../{credential}', form: {}, expect: { /u: t }", ".path: `/a/../{credential}` is no canonical path"),
    ("path: '{credential}', form: {}, expect: { /u: t }", ".path: `{credential}` is no canonical path"),
    // The method and the form.
    ("path: /t, expect: { /u: t }", ": write the `hint`, a `token_type_hint` the authority knows, or a `form`"),
    (
        "method: get, path: /t, expect: { /u: t }",
        ".method: unknown word `get`, expected `POST` or `GET` (did you mean `GET`?)",
    ),
    ("method: PUT, path: /t, expect: { /u: t }", ".method: unknown word `PUT`"),
    ("method: GET, path: '/{credential}', hint: t, expect: { /u: t }", ".hint: a GET has no form to hold a hint"),
    ("method: GET, path: /t, form: { a: '{credential}' }, expect: { /u: t }", ".form: a GET has no body"),
    ("path: /t, hint: t, form: { a: '{credential}' }, expect: { /u: t }", ".hint: a form that is written says all"),
    ("path: /t, form: { a: 'x{credential}' }, expect: { /u: t }", ".form.a: `x{credential}` is no field"),
    ("path: /t, form: { a: '{credentials}' }, expect: { /u: t }", ".form.a: `{credentials}` is no field"),
    ("path: /t, form: { '': '{credential}' }, expect: { /u: t }", ".form.: `{credential}` is no field"),
    // Headers.
    ("path: /t, hint: t, accept: '', expect: { /u: t }", ".accept: a header's value is 1 to 256 bytes"),
    ("path: /t, hint: t, accept: \"a\\r\\nx: y\", expect: { /u: t }", ".accept: a header's value is 1 to 256 bytes"),
    ("path: /t, hint: t, headers: { x-a: \"a\\nb\" }, expect: { /u: t }", ".headers.x-a: a header's value is"),
    ("path: /t, hint: t, headers: { X-A: b }, expect: { /u: t }", ".headers.X-A: `X-A` is no header name"),
    ("path: /t, hint: t, headers: { ':path': b }, expect: { /u: t }", ".headers.:path: `:path` is no header name"),
    ("path: /t, hint: t, headers: { host: b }, expect: { /u: t }", ".headers.host: `host` has a meaning of its own"),
    ("path: /t, hint: t, headers: { accept: b }, expect: { /u: t }", ": `accept` is set twice"),
    ("path: /t, hint: t, headers: { api-key: b }, expect: { /u: t }", ".headers.api-key: `api-key` carries secrets"),
    (
        "path: /t, hint: t, headers: { proxy-authorization: b }, expect: { /u: t }",
        ".headers.proxy-authorization: `proxy-auth",
    ),
    // Credentials beside it.
    (
        "path: /t, hint: t, send: [apikey], expect: { /u: t }",
        ".send[0]: `credentials.apikey` is not in this policy; there are `api_key`, `token` (did",
    ),
    ("path: /t, hint: t, send: [api_key, api_key], expect: { /u: t }", ".send[1]: `api_key` is written twice"),
    ("path: /t, hint: t, send: [{ credential: api_key }], expect: { /u: t }", ".send[0]: missing key `header`"),
    (
        "path: /t, hint: t, send: [{ credential: api_key, header: cookie }], expect: { /u: t }",
        ".send[0].header: `cookie` has",
    ),
    (
        "path: /t, hint: t, send: [{ credential: api_key, header: X }], expect: { /u: t }",
        ".send[0].header: `X` is no header",
    ),
    (
        "path: /t, hint: t, send: [{ credential: api_key, header: accept }], expect: { /u: t }",
        ": `accept` is set twice",
    ),
    ("method: GET, path: /t, send: [token], expect: { /u: t }", ": `authorization` is set twice"),
    (
        "path: /t, hint: t, headers: { x-a: b }, send: [{ credential: api_key, header: x-a }], expect: { /u: t }",
        ": `x-a` is set twice",
    ),
    // What an answer says.
    ("path: /t, hint: t, active: active, expect: { /u: t }", ".active: `active` is no JSON pointer"),
    ("path: /t, hint: t, active: { on: [] }, expect: { /u: t }", ".active.on: write at least one status"),
    (
        "path: /t, hint: t, active: { on: [200, 301] }, expect: { /u: t }",
        ".active.on[1]: 301 is not between 200 and 299",
    ),
    ("path: /t, hint: t, active: { on: [404] }, expect: { /u: t }", ".active.on[0]: 404 is not between 200 and 299"),
    ("path: /t, hint: t, active: { on: [204] }, expect: { /u: t }", ".active.on[0]: 204 has no body"),
    ("path: /t, hint: t, active: { at: [200] }, expect: { /u: t }", ".active.at: unknown key `at`, expected `on`"),
    (
        "path: /t, hint: t, active: true, expect: { /u: t }",
        ".active: a JSON pointer, or `on` some statuses belongs here, not `true`",
    ),
    (
        "path: /t, hint: t, inactive_on: [401, 500], expect: { /u: t }",
        ".inactive_on[1]: 500 is not between 400 and 499",
    ),
    ("path: /t, hint: t, inactive_on: [200], expect: { /u: t }", ".inactive_on[0]: 200 is not between"),
    ("path: /t, hint: t, inactive_on: [429], expect: { /u: t }", ".inactive_on[0]: 429 asks for another try"),
    ("path: /t, hint: t, inactive_on: [70000], expect: { /u: t }", ".inactive_on[0]: invalid value: integer `70000`"),
    ("path: /t, hint: t", ": missing key `expect`"),
    ("path: /t, hint: t, expect: {}", ".expect: write what an active answer must state"),
    ("path: /t, hint: t, expect: none", ".expect: an object belongs here, not the text `none`"),
    ("path: /t, hint: t, expect: { none: {} }", ".expect.none: missing key `because`"),
    (
        "path: /t, hint: t, expect: { none: { because: ' ' } }",
        ".expect.none.because: say why a credential of another kind",
    ),
    ("path: /t, hint: t, expect: { none: { because: x }, /u: t }", ".expect: write either `none`"),
    (
        "path: /t, hint: t, expect: { /u: t }, facts: { required: [sub] }",
        ".facts.required[0]: `sub` is no fact of this answer",
    ),
];

#[test]
fn every_fault_of_a_verifier_is_told_with_its_place() {
    for (written, fault) in FAULTY {
        let found = faults(&changed(&[("path: /tokens, hint: t, expect: { /u: t }", written)]));
        let fault = format!("credentials.token.verify[0].introspect{fault}");
        assert!(found.iter().any(|line| line.starts_with(&fault)), "{written}: {found:#?}");
    }
}

/// In place of the API key's `hint: k`, or of `bearer_env: S`, and the fault that follows.
const FAULTY_ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "hint: k",
        "hint: k, send: [token]",
        "credentials.api_key.verify[0].introspect.send[0]: the API key is verified first",
    ),
    ("bearer_env: S", "bearer: S", "authorities.a.auth: unknown word `bearer`"),
    ("bearer_env: S", "basic_env: 'u:p'", "authorities.a.auth.basic_env: write the name of an environment variable"),
    ("bearer_env: S", "header_env: { name: x, env: s }", "authorities.a.auth.header_env.env: write the name"),
    ("bearer_env: S", "header_env: { name: X, env: S }", "authorities.a.auth.header_env.name: `X` is no header name"),
    ("bearer_env: S", "header_env: { name: host, env: S }", "authorities.a.auth.header_env.name: `host` has a meaning"),
    (
        "bearer_env: S",
        "header_env: { name: accept, env: S }",
        "credentials.token.verify[0].introspect: `accept` is set twice",
    ),
    ("bearer_env: S", "none: {}", "authorities.a.auth.none: missing key `because`"),
    ("bearer_env: S", "none: { because: '' }", "authorities.a.auth.none.because: say why the authority answers"),
    (
        "bearer_env: S",
        "bearer_env: S, basic_env: S",
        "authorities.a.auth: one of `bearer_env`, `basic_env`, `header_env`, `none` belongs here, not an object",
    ),
];

#[test]
fn every_fault_around_a_verifier_is_told_with_its_place() {
    for (sound, faulty, fault) in FAULTY_ELSEWHERE {
        let found = faults(&changed(&[(sound, faulty)]));
        assert!(found.iter().any(|line| line.starts_with(fault)), "{faulty}: {found:#?}");
    }
}

#[test]
fn facts_that_serve_longer_are_written_with_a_reason() {
    let from = "cache: { ttl: 1s, refused_ttl: 1s, entries: 1 },\n";
    for (written, wanted) in [
        ("{ serve_for: 5m, because: x }", None),
        (
            "{ serve_for: 5m, because: ' ' }",
            Some("stale_if_unavailable.because: say why facts older than `ttl` may serve"),
        ),
        ("{ serve_for: 0s, because: x }", Some("stale_if_unavailable.serve_for: `0s` is not between")),
        ("{ serve_for: 61m, because: x }", Some("stale_if_unavailable.serve_for: `61m` is not between")),
        ("5m", Some("stale_if_unavailable: ")),
        (
            "{ serve_for: 5m, because: x }, ttl: 0s",
            Some("stale_if_unavailable: with a `ttl` of `0s` nothing is remembered"),
        ),
    ] {
        let ttl = if written.contains("ttl: ") { "" } else { "ttl: 1s, " };
        let to = format!("cache: {{ {ttl}refused_ttl: 1s, entries: 1, stale_if_unavailable: {written} }},\n");
        let found = faults(&changed(&[(from, &to)]));
        match wanted {
            None => assert_eq!(found, [""; 0]),
            Some(wanted) => assert!(found.iter().any(|fault| fault.contains(wanted)), "{written}: {found:?}"),
        }
    }
}

#[test]
fn credential_that_is_not_in_the_policy_cannot_be_sent() {
    let (head, rest) = BASE.split_once("  api_key:").unwrap();
    let (_api_key, tail) = rest.split_once("  token:").unwrap();
    let yaml = format!("{head}  token:{tail}").replace("hint: t", "hint: t, send: [api_key]");
    let fault = "credentials.token.verify[0].introspect.send[0]: `credentials.api_key` is not in this policy; \
                 there is `token`";
    assert_eq!(faults(&yaml), [fault]);
}
