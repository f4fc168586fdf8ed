//! Where credentials stand: in several headers, behind several schemes, in cookies, in the query; once, and what goes on.

use std::sync::Arc;

use crate::support::{faults, headers, judge, policy};
use brama_policy::deciding::{Decision, Grant, Policy};
use brama_policy::identity::{Answer, Facts};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const VERIFY: &str = "cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: k, expect: { /u: k } } }]";

/// A policy with a token and a partner's key, and routes for both, for each, and for everybody.
fn text(token: &str, partner: &str, forward: &str) -> String {
    format!(
        "version: 1
name: x
authorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}
credentials:
  token: {{ {token}, {VERIFY} }}
  partner: {{ {partner}, {VERIFY} }}
forward: {{ headers: {{}} {forward} }}
refusals: {{ format: problem }}
routes:
  - {{ id: token, methods: [GET], path: /token, require: {{ credentials: [token], scopes: none }} }}
  - {{ id: partner, methods: [GET], path: /partner, require: {{ credentials: [partner], scopes: none }} }}
  - {{ id: both, methods: [GET], path: /both, require: {{ credentials: [token, partner], scopes: none }} }}
  - {{ id: open, methods: [GET], path: /open, public: {{ because: a test }} }}
  - {{ id: passes, methods: [GET], path: /passes, public: {{ because: a test }}, pass: [PASSED] }}"
    )
}

fn compiled(token: &str, partner: &str, forward: &str, passed: &str) -> Arc<Policy> {
    policy(&text(token, partner, forward).replace("PASSED", passed))
}

/// The decision on a request, and the credentials that were asked about.
fn decide(policy: &Arc<Policy>, path: &str, sent: &[(&str, &str)]) -> (Decision, Vec<String>) {
    let mut asked = Vec::new();
    let decision = judge(policy, &headers("GET", path, sent), |lookup| {
        asked.push(format!("{}={}", lookup.kind().as_str(), lookup.credential().expose_secret()));
        Answer::Active(Arc::new(Facts::none()))
    });
    (decision, asked)
}

/// What was asked about, or the denial's code.
fn outcome(policy: &Arc<Policy>, path: &str, sent: &[(&str, &str)]) -> String {
    match decide(policy, path, sent) {
        (Decision::Allow(_grant), asked) => asked.join(" "),
        (Decision::Refuse(refused), _asked) => refused.denial().code().to_owned(),
    }
}

#[track_caller]
fn grant(policy: &Arc<Policy>, path: &str, sent: &[(&str, &str)]) -> Grant {
    match decide(policy, path, sent).0 {
        Decision::Allow(grant) => grant,
        Decision::Refuse(refused) => panic!("{refused:?}"),
    }
}

/// What is removed, and what is rewritten.
#[track_caller]
fn taken(policy: &Arc<Policy>, path: &str, sent: &[(&str, &str)]) -> (Vec<String>, Vec<(&'static str, String)>) {
    let grant = grant(policy, path, sent);
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let rewritten = [(":path", grant.target()), ("cookie", grant.cookies())];
    let rewritten = rewritten.into_iter().filter_map(|(name, value)| Some((name, text(value?))));
    (grant.remove().to_vec(), rewritten.collect())
}

const BEARER: &str = "header: authorization, scheme: Bearer";

#[test]
fn one_header_carries_two_by_their_schemes() {
    let partner = "from: [{ header: x-api-key }, { header: authorization, scheme: ApiKey }]";
    let policy = compiled(BEARER, partner, "", "authorization");
    for (path, sent, found) in [
        ("/token", &[("authorization", "Bearer t")][..], "token=t"),
        ("/partner", &[("authorization", "ApiKey k")], "partner=k"),
        ("/partner", &[("authorization", "apikey  k")], "partner=k"),
        ("/partner", &[("x-api-key", "k")], "partner=k"),
        ("/both", &[("authorization", "Bearer t"), ("x-api-key", "k")], "token=t partner=k"),
        // The header is the other's.
        ("/token", &[("authorization", "ApiKey k")], "token_missing"),
        ("/partner", &[("authorization", "Bearer t")], "partner_missing"),
        ("/both", &[("authorization", "ApiKey k")], "token_missing"),
        ("/both", &[("authorization", "Bearer t")], "partner_missing"),
        // In two of its places at once.
        ("/partner", &[("authorization", "ApiKey k"), ("x-api-key", "k")], "partner_repeated"),
        ("/partner", &[("authorization", "ApiKey"), ("x-api-key", "k")], "partner=k"),
        ("/partner", &[("authorization", "ApiKey  "), ("x-api-key", "k")], "partner_repeated"),
        ("/partner", &[("authorization", "ApiKey k l"), ("x-api-key", "k")], "partner_repeated"),
        ("/both", &[("authorization", "Bearer t"), ("authorization", "ApiKey k")], "token_repeated"),
        ("/both", &[("authorization", "Bearer t, ApiKey k")], "token_repeated"),
        ("/partner", &[("x-api-key", "k"), ("x_api_key", "k")], "partner_repeated"),
        // A scheme of nobody's is no credential.
        ("/partner", &[("authorization", "Basic dTpw"), ("x-api-key", "k")], "partner=k"),
        ("/partner", &[("authorization", "Basic dTpw")], "partner_malformed"),
        // Nor is one that has commas of its own; a scheme of the policy's behind a comma is.
        ("/partner", &[("authorization", "Digest a=\"b\", c=d"), ("x-api-key", "k")], "partner=k"),
        ("/partner", &[("authorization", "Digest a, b"), ("x-api-key", "k, l")], "partner_repeated"),
        ("/partner", &[("authorization", "Digest a, b")], "partner_malformed"),
        ("/partner", &[("authorization", "Digest a, ApiKey k"), ("x-api-key", "k")], "partner_repeated"),
        ("/partner", &[("authorization", "Digest a,bearer t"), ("x-api-key", "k")], "partner_repeated"),
        ("/partner", &[("authorization", "Digest a, APIKEY"), ("x-api-key", "k")], "partner_repeated"),
        ("/partner", &[("authorization", "ApiKey k, l"), ("x-api-key", "k")], "partner_repeated"),
        ("/partner", &[("authorization", "Bearer t, u"), ("x-api-key", "k")], "partner_repeated"),
        ("/partner", &[("authorization", "Digest a"), ("authorization", "b"), ("x-api-key", "k")], "partner_repeated"),
        // Of a credential with one place, a comma is a second one whatever the scheme.
        ("/token", &[("authorization", "Digest a, b")], "token_repeated"),
        ("/token", &[("authorization", "Basic dTpw")], "token_malformed"),
        ("/partner", &[], "partner_missing"),
    ] {
        assert_eq!(outcome(&policy, path, sent), found, "{path} {sent:?}");
    }
    let sent = [("authorization", "Bearer t"), ("x-api-key", "k"), ("accept", "a")];
    let both = (vec!["authorization".to_owned(), "x-api-key".to_owned()], Vec::new());
    for path in ["/token", "/both", "/open"] {
        assert_eq!(taken(&policy, path, &sent), both, "{path}");
    }
    assert_eq!(taken(&policy, "/passes", &sent).0, ["x-api-key"]);
}

#[test]
fn cookie_is_taken_alone() {
    let policy = compiled(
        "from: [{ header: authorization, scheme: Bearer }, { cookie: session }]",
        "header: x-key",
        "",
        "cookie",
    );
    for (sent, found) in [
        (&[("cookie", "session=abc")][..], "token=abc"),
        (&[("cookie", "theme=dark; session=a.b-c; lang=uk")], "token=a.b-c"),
        (&[("authorization", "Bearer t"), ("cookie", "theme=dark")], "token=t"),
        (&[("authorization", "Bearer t"), ("cookie", "session=t")], "token_repeated"),
        (&[("authorization", "Basic dTpw"), ("cookie", "session=t")], "token=t"),
        (&[("cookie", "session=a; session=b")], "token_repeated"),
        (&[("cookie", "session=a; Session=b")], "token_repeated"),
        (&[("cookie", "session=a"), ("cookie", "theme=dark")], "token_repeated"),
        (&[("cookie", "session=a; theme=x,session=b")], "token_repeated"),
        (&[("cookie", "SESSION=a")], "token_missing"),
        (&[("cookie", "theme=dark")], "token_missing"),
        (&[("cookie", "")], "token_missing"),
        (&[("cookie", "session=")], "token_malformed"),
        (&[("cookie", "session=a b")], "token_malformed"),
        (&[("cookie", "session=\"a\"")], "token_malformed"),
        (&[("cookie", "x=\"; session=a; y=\"")], "token_malformed"),
    ] {
        assert_eq!(outcome(&policy, "/token", sent), found, "{sent:?}");
    }
    for path in ["/token", "/open"] {
        let left = |cookies: &str| taken(&policy, path, &[("cookie", cookies)]);
        assert_eq!(
            left("theme=\"d;\" ; session=abc;lang=uk"),
            (Vec::new(), vec![("cookie", "theme=\"d;\" ;lang=uk".to_owned())]),
            "{path}"
        );
        assert_eq!(left("session=abc"), (vec!["cookie".to_owned()], Vec::new()), "{path}");
    }
    assert_eq!(taken(&policy, "/open", &[("cookie", "theme=dark")]), (Vec::new(), Vec::new()), "none of it is taken");
    assert_eq!(
        taken(&policy, "/open", &[("cookie", "a=b; SESSION=x")]).1,
        [("cookie", "a=b".to_owned())],
        "nor what is like it"
    );
    assert_eq!(taken(&policy, "/passes", &[("cookie", "a=b; session=x")]), (Vec::new(), Vec::new()));
    let bytes = [("cookie".to_owned(), b"a=\xff\xfe; session=t; b=\x80".to_vec())];
    let sent: Vec<_> = headers("GET", "/token", &[]).into_iter().chain(bytes).collect();
    let Decision::Allow(grant) = judge(&policy, &sent, |_| Answer::Active(Arc::new(Facts::none()))) else {
        panic!("refused")
    };
    assert_eq!(grant.cookies(), Some(&b"a=\xff\xfe; b=\x80"[..]), "byte for byte");
}

#[test]
fn parameter_is_taken_alone() {
    let token = "from: [{ header: authorization, scheme: Bearer }, { query: access_token, because: EventSource sends no header }]";
    let policy = compiled(token, "header: x-key", "", "authorization");
    for (path, sent, found) in [
        ("/token?access_token=a-b", &[][..], "token=a-b"),
        ("/token?a=b&access_token=12%7Cab%3d&c", &[], "token=12|ab="),
        ("/token", &[("authorization", "Bearer t")], "token=t"),
        ("/token?access_token=t", &[("authorization", "Bearer t")], "token_repeated"),
        ("/token?access_token=t&access_token=t", &[], "token_repeated"),
        ("/token?access_token=t&access.token=u", &[], "token_repeated"),
        ("/token?access_token=t&x=y;access_token=u", &[], "token_repeated"),
        ("/token?access_token=t;u", &[], "token_malformed"),
        ("/token?access_token=", &[], "token_malformed"),
        ("/token?access_token", &[], "token_malformed"),
        ("/token?access_token=a+b", &[], "token_malformed"),
        ("/token?access_token=%FF", &[], "token_malformed"),
        ("/token?access%5Ftoken=t", &[], "token_missing"),
        ("/token?token=t", &[], "token_missing"),
    ] {
        assert_eq!(outcome(&policy, path, sent), found, "{path} {sent:?}");
    }
    let path = |path: &str, sent: &[(&str, &str)]| taken(&policy, path, sent).1;
    let rewritten = |path: &str| vec![(":path", path.to_owned())];
    assert_eq!(path("/token?a=%2F&access_token=t&b=;c", &[]), rewritten("/token?a=%2F&b=;c"));
    assert_eq!(path("/token?access_token=t", &[]), rewritten("/token"));
    assert_eq!(path("/open?access_token=t&a", &[]), rewritten("/open?a"));
    assert_eq!(path("/open?Access.Token=t", &[]), rewritten("/open"));
    assert_eq!(path("/token?a=b", &[("authorization", "Bearer t")]), []);
    let sent = headers("GET", "/nowhere?a&access_token=secret", &[]);
    let sent = brama_policy::deciding::Request::new(&sent);
    assert_eq!(policy.read_request(&sent).target_without_credentials().unwrap(), b"/nowhere?a");
}

#[test]
fn kept_credentials_go_on_where_they_stand() {
    let token = "from: [{ cookie: session }, { header: x-token }]";
    let policy = compiled(token, "header: x-key", ", keep: [token]", "x-key");
    assert_eq!(taken(&policy, "/token", &[("cookie", "session=a; b=c")]), (Vec::new(), Vec::new()));
    assert_eq!(taken(&policy, "/token", &[("x-token", "t"), ("x-key", "k")]), (vec!["x-key".to_owned()], Vec::new()));
    // What is only like it does not go on, beside a good one in another place.
    let beside = taken(&policy, "/token", &[("x-token", "t"), ("cookie", "SESSION=evil; b=c")]);
    assert_eq!(beside, (Vec::new(), vec![("cookie", "b=c".to_owned())]));
    assert!(!policy.strips_trailer("cookie"));
    assert!(compiled("from: [{ cookie: s }]", "header: x-key", "", "x-key").strips_trailer("Cookie"));
    let fault = "forward.keep[0]: `token` can stand in the query, which is logged, and cannot be kept";
    let kept = text("from: [{ header: x-token }, { query: t, because: a test }]", "header: x-key", ", keep: [token]");
    assert_eq!(faults(&kept.replace(", pass: [PASSED]", "")), [fault]);
    // Two of them are two readings on each route.
    assert_eq!(outcome(&policy, "/open", &[("cookie", "session=b"), ("x-token", "a")]), "token_repeated");
    let schemed = compiled(
        "from: [{ header: authorization, scheme: Bearer }, { cookie: s }]",
        "header: x-key",
        ", keep: [token]",
        "x-key",
    );
    let beside = |value| outcome(&schemed, "/token", &[("authorization", value), ("cookie", "s=good")]);
    assert_eq!(["Bearer\tevil", "bearer\u{a0}evil", "Bearer evil"].map(beside), ["token_repeated"; 3]);
    assert_eq!(["Bearer", "Basic YTpi", "Bearers evil"].map(beside), ["token=good"; 3]);
    assert_eq!(outcome(&policy, "/open", &[("cookie", "session=b; session=c")]), "token_repeated");
}

#[test]
fn alphabet_is_written() {
    let sanctum = |alphabet: &str| {
        compiled(&format!("{BEARER}{alphabet}"), "header: x-key, alphabet: token68", "", "authorization")
    };
    let sent = [("authorization", "Bearer 12|abcDEF")];
    assert_eq!(outcome(&sanctum(""), "/token", &sent), "token_malformed");
    assert_eq!(outcome(&sanctum(", alphabet: token68"), "/token", &sent), "token_malformed");
    let visible = sanctum(", alphabet: visible");
    assert_eq!(outcome(&visible, "/token", &sent), "token=12|abcDEF");
    for value in ["Bearer a b", "Bearer \u{451}", "Bearer "] {
        assert_eq!(outcome(&visible, "/token", &[("authorization", value)]), "token_malformed", "{value}");
    }
    assert_eq!(outcome(&visible, "/token", &[("authorization", "Bearer a,b")]), "token_repeated");
    assert_eq!(outcome(&visible, "/partner", &[("x-key", "a|b")]), "partner_malformed");
    assert_eq!(outcome(&visible, "/partner", &[("x-key", "a-b=")]), "partner=a-b=");
}

#[test]
fn reasons_name_the_place() {
    let token = "from: [{ header: authorization, scheme: Bearer }, { cookie: session }, { query: t, because: a test }]";
    let policy = compiled(token, "header: x-key", "", "authorization");
    for (path, sent, reason) in [
        ("/token", &[][..], "no header `authorization`, no cookie `session`, no parameter `t` was sent"),
        ("/partner", &[], "no header `x-key` was sent"),
        (
            "/token",
            &[("cookie", "session=a; session=b")],
            "`session`, or a name that could be taken for it, was sent more than once",
        ),
        (
            "/token?t=a",
            &[("cookie", "session=b")],
            "it was sent in more than one place of header `authorization`, cookie `session`, parameter `t`",
        ),
        (
            "/token",
            &[("cookie", "a=b"), ("cookie", "c=d")],
            "several `cookie` headers were sent, each of which could have `session`",
        ),
        ("/token?t=a%20b", &[], "`t` has other bytes than visible ASCII"),
        (
            "/token",
            &[("cookie", "session=\"a\"")],
            "`session` stands by a quote, a comma, a backslash or a semicolon, where some read another value",
        ),
        (
            "/token",
            &[("authorization", "Bearer a|b")],
            "`authorization` has no token68 (RFC 9110, 11.2) after `Bearer`",
        ),
    ] {
        let Decision::Refuse(refused) = decide(&policy, path, sent).0 else { panic!("allowed") };
        assert_eq!(policy.reason(refused.denial()).as_deref(), Some(reason), "{path} {sent:?}");
    }
}

#[test]
fn faulty_places_are_told() {
    for (token, partner, fault) in [
        (
            "scheme: Bearer",
            "header: x-key",
            "credentials.token: write the `header` it is presented in, or several places as `from`",
        ),
        (
            "header: a, from: [{ header: b }]",
            "header: x-key",
            "credentials.token.from: write either `header` or `from`",
        ),
        ("from: []", "header: x-key", "credentials.token.from: write at least one place"),
        (
            "scheme: Bearer, from: [{ header: b }]",
            "header: x-key",
            "credentials.token.scheme: beside `from`, a scheme belongs to its header there",
        ),
        ("from: [{}]", "header: x-key", "credentials.token.from[0]: write one of `header`, `cookie` and `query`"),
        (
            "from: [{ header: a, cookie: b }]",
            "header: x-key",
            "credentials.token.from[0]: write one of `header`, `cookie` and `query`",
        ),
        (
            "from: [{ cookie: b, scheme: Bearer }]",
            "header: x-key",
            "credentials.token.from[0].scheme: only a header has a scheme",
        ),
        (
            "from: [{ cookie: b, because: b }]",
            "header: x-key",
            "credentials.token.from[0].because: only a credential in a query wants a reason",
        ),
        (
            "from: [{ query: b }]",
            "header: x-key",
            "credentials.token.from[0].because: say why a secret may stand in a URL",
        ),
        (
            "from: [{ query: b, because: ' ' }]",
            "header: x-key",
            "credentials.token.from[0].because: say why a secret may stand in a URL",
        ),
        (
            "from: [{ query: _method, because: b }]",
            "header: x-key",
            "credentials.token.from[0].query: `_method` replaces the method",
        ),
        ("from: [{ cookie: 'a b' }]", "header: x-key", "credentials.token.from[0].cookie: `a b` is no name"),
        ("from: [{ cookie: '' }]", "header: x-key", "credentials.token.from[0].cookie: `` is no name"),
        (
            "header: cookie",
            "header: x-key",
            "credentials.token.header: `cookie` has a meaning of its own and cannot carry a credential (write `from: [{ cookie: … }]`",
        ),
        ("header: x-key", "header: x-key", "credentials.token.header: `x-key` carries `partner` already"),
        (
            "header: x-key, scheme: Bearer",
            "header: x-key",
            "credentials.token.header: `x-key` carries `partner` already (only with a scheme for each",
        ),
        (
            "header: x-key, scheme: bearer",
            "header: x-key, scheme: Bearer",
            "credentials.token.header: `x-key` carries `partner` already with `bearer`",
        ),
        (
            "from: [{ header: x-a }, { header: x-a }]",
            "header: x-key",
            "credentials.token.from[1].header: `x-a` carries `token` already",
        ),
        (
            "from: [{ cookie: s }]",
            "from: [{ cookie: S }]",
            "credentials.token.from[0].cookie: `s` could be taken for `S`, which carries `partner` already",
        ),
        (
            "from: [{ query: a_b, because: b }]",
            "from: [{ query: a-b, because: b }]",
            "credentials.token.from[0].query: `a_b` could be taken for `a-b`",
        ),
    ] {
        let found = faults(&text(token, partner, "").replace(", pass: [PASSED]", ""));
        assert!(found.iter().any(|line| line.starts_with(fault)), "{token} {partner}: {found:#?}");
    }
    let shared =
        text(BEARER, "header: authorization, scheme: ApiKey", ", keep: [token]").replace(", pass: [PASSED]", "");
    let fault =
        "forward.keep[0]: `authorization` carries `partner` too, which is not kept: it goes on whole, or not at all";
    assert_eq!(faults(&shared), [fault]);
    assert_eq!(faults(&shared.replace("keep: [token]", "keep: [token, partner]")), [""; 0]);
    let sent = text("from: [{ cookie: s }]", "header: x-key", "").replace(", pass: [PASSED]", "");
    let sent = sent.replacen("hint: k,", "hint: k, form: {}, send: [token],", 1).replacen("hint: k, form", "form", 1);
    let fault = "credentials.token.verify[0].introspect.send[0]: `token` comes in no header (write `{ credential: token, header: … }`)";
    assert_eq!(faults(&sent), [fault]);
}
