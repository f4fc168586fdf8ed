//! Credentials by names of the author's: their order, their codes, what may name them, and what is called after them.

use std::sync::Arc;

use crate::support::{faults, headers, judge, policy};
use brama_policy::deciding::{Decision, Policy};
use brama_policy::identity::{Answer, Facts, Lookup};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A policy with credentials of these names, each in a header of its name, and one route with these requirements.
fn text(names: &[&str], require: &str) -> String {
    let verify = "cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: k, expect: { /u: k } } }]";
    let credentials: Vec<_> =
        names.iter().map(|name| format!("  {name}: {{ header: x-{}, {verify} }}\n", name.replace('_', "-"))).collect();
    format!(
        "version: 1
name: x
authorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}
credentials:
{}forward: {{ headers: {{}} }}
refusals: {{ format: problem, messages: {{}} }}
routes:
  - {{ id: r, methods: [GET], path: '/a/{{id}}', require: {{ {require} }} }}",
        credentials.concat()
    )
}

/// Facts of a credential: it is its own client, and grants the scope of its name.
fn own_facts(lookup: &Lookup) -> Answer {
    let name = lookup.kind().as_str();
    Answer::Active(Arc::new(Facts {
        client_id: Some(lookup.credential().expose_secret().parse().unwrap()),
        scope: name.parse().unwrap(),
        ..Facts::none()
    }))
}

/// The outcome of a request that brings these credentials, and the order in which they were asked about.
fn outcome(policy: &Arc<Policy>, brought: &[(&str, &str)]) -> (String, Vec<String>) {
    let mut asked = Vec::new();
    let decision = judge(policy, &headers("GET", "/a/1", brought), |lookup| {
        asked.push(lookup.kind().as_str().to_owned());
        if lookup.credential().expose_secret() == "bad" { Answer::Inactive } else { own_facts(lookup) }
    });
    let code = match &decision {
        Decision::Allow(_grant) => "allowed",
        Decision::Refuse(refused) => refused.denial().code(),
    };
    (code.to_owned(), asked)
}

const THREE: [&str; 3] = ["webhook", "partner", "user_token"];

#[test]
fn any_names_are_judged_in_the_order_of_the_route() {
    let policy = policy(&text(&THREE, "credentials: [webhook, user_token, partner], scopes: none"));
    let all = [("x-webhook", "w"), ("x-partner", "p"), ("x-user-token", "u")];
    assert_eq!(
        outcome(&policy, &all),
        ("allowed".to_owned(), ["webhook", "user_token", "partner"].map(str::to_owned).into())
    );
    for (without, code) in [(0, "webhook_missing"), (1, "partner_missing"), (2, "user_token_missing")] {
        let mut some = all.to_vec();
        some.remove(without);
        assert_eq!(outcome(&policy, &some), (code.to_owned(), Vec::new()));
        let mut bad = all.to_vec();
        bad[without].1 = "bad";
        assert_eq!(outcome(&policy, &bad).0, code.replace("missing", "refused"));
        let mut twice = all.to_vec();
        twice.push(all[without]);
        assert_eq!(outcome(&policy, &twice).0, code.replace("missing", "repeated"));
    }
    // Of several lacks the first in the order is told.
    assert_eq!(outcome(&policy, &[]).0, "webhook_missing");
    assert_eq!(outcome(&policy, &all[..1]).0, "user_token_missing");
}

#[test]
fn api_key_is_judged_before_the_token_as_ever() {
    for list in ["api_key, token", "token, api_key"] {
        let policy = policy(&text(&["api_key", "token"], &format!("credentials: [{list}], scopes: none")));
        let (code, asked) = outcome(&policy, &[("x-token", "t"), ("x-api-key", "k")]);
        assert_eq!((code.as_str(), asked), ("allowed", ["api_key", "token"].map(str::to_owned).into()), "{list}");
        assert_eq!(outcome(&policy, &[]).0, "api_key_missing", "{list}");
    }
    let policy = policy(&text(
        &["api_key", "token", "partner"],
        "credentials: [token, partner, api_key], scopes: { all: [token] }",
    ));
    let all = [("x-token", "t"), ("x-api-key", "k"), ("x-partner", "p")];
    assert_eq!(outcome(&policy, &all).1, ["api_key", "token", "partner"]);
}

#[test]
fn codes_are_those_of_the_policys_own_names() {
    let known = policy(&text(&THREE, "credentials: [partner], scopes: none"));
    let given = known.denials();
    assert!(
        given.contains(&"partner_refused".to_owned()) && !given.contains(&"webhook_refused".to_owned()),
        "{given:?}"
    );
    let codes = known.codes();
    assert!(
        codes.contains(&"webhook_malformed".to_owned()) && !codes.contains(&"token_missing".to_owned()),
        "{codes:?}"
    );
    let with = |code: &str| {
        text(&THREE, "credentials: [partner], scopes: none")
            .replace("messages: {}", &format!("messages: {{ {code}: Who are you? }}"))
    };
    assert_eq!(faults(&with("partner_missing")), [""; 0]);
    let fault = "refusals.messages.partner_mising: `partner_mising` is no denial (did you mean `partner_missing`?)";
    assert_eq!(faults(&with("partner_mising")), [fault]);
    assert!(faults(&with("token_missing"))[0].contains("`token_missing` is no denial"));
    assert!(faults(&with("partner_unavailable"))[0].contains("a refusal with status 503 says the same always"));
}

#[cfg(feature = "cel")]
#[test]
fn facts_of_any_name_are_bound_owned_compared_and_scoped() {
    let bound = policy(&text(
        &THREE,
        "credentials: [partner, webhook], scopes: { all: [webhook], of: [webhook] }, \
         bind: { webhook: client_id, partner: client_id }, owner: { param: id, equals: partner.client_id }, \
         conditions: ['webhook.client_id == \"1\" && partner.scopes == [\"partner\"]']",
    ));
    let decide = |webhook, partner| outcome(&bound, &[("x-webhook", webhook), ("x-partner", partner)]).0;
    assert_eq!(decide("1", "1"), "allowed");
    assert_eq!(decide("2", "1"), "not_bound");
    assert_eq!(decide("2", "2"), "not_owner");
    let reason = |webhook, partner| {
        let sent = [("x-webhook", webhook), ("x-partner", partner)];
        let Decision::Refuse(refused) = judge(&bound, &headers("GET", "/a/1", &sent), own_facts) else {
            panic!("allowed")
        };
        bound.reason(refused.denial()).unwrap()
    };
    assert_eq!(reason("2", "1"), "`webhook.client_id` is not `partner.client_id`");
    let only = policy(&text(&THREE, "credentials: [webhook], scopes: { all: [webhook] }"));
    assert_eq!(outcome(&only, &[("x-webhook", "1")]).0, "allowed");
}

#[test]
fn faulty_names_and_uses_are_told() {
    for (name, fault) in [
        ("Partner", "`Partner` is no name of a credential"),
        ("partner-key", "`partner-key` is no name of a credential"),
        ("1st", "`1st` is no name of a credential"),
        ("_a", "`_a` is no name of a credential"),
        ("a23456789012345678901234567890123", "is no name of a credential"),
        ("request", "`request` has a meaning of its own"),
        ("params", "`params` has a meaning of its own"),
        ("now", "`now` has a meaning of its own"),
        ("any", "`any` has a meaning of its own"),
        ("in", "`in` has a meaning of its own"),
        ("while", "`while` has a meaning of its own"),
        ("scope", "`scope` cannot name a credential, since `scope_missing` is a denial of its own"),
        ("fact", "`fact` cannot name a credential, since `fact_missing` is a denial of its own"),
        ("host", "`host` cannot name a credential, since `host_malformed` is a denial of its own"),
        ("method", "`method` cannot name a credential, since `method_refused` is a denial of its own"),
    ] {
        // The header is another one, for it has other signs.
        let text = text(&["token"], "credentials: [token], scopes: none");
        let text = text.replace("  token:", &format!("  {name}:")).replace("[token]", &format!("[{name}]"));
        let found = faults(&text);
        assert!(
            found.iter().any(|line| line.starts_with(&format!("credentials.{name}: ")) && line.contains(fault)),
            "{name}: {found:?}"
        );
    }
    // Near misses of those: words of other languages, and longer ones.
    for name in ["yield", "await", "requests", "every", "any_", "scopes_"] {
        let text = text(&["token"], "credentials: [token], scopes: none");
        let text = text.replace("  token:", &format!("  {name}:")).replace("[token]", &format!("[{name}]"));
        assert_eq!(faults(&text), [""; 0], "{name}");
    }
    for (require, fault) in [
        (
            "credentials: [partnr], scopes: none",
            "`credentials.partnr` is not in this policy; there are `partner`, `user_token`, `webhook` (did you mean `partner`?)",
        ),
        ("credentials: [partner, partner], scopes: none", "`partner` is written twice"),
        (
            "credentials: [partner, webhook], scopes: { all: [a] }",
            "say whose scopes these are (write `of: [partner, webhook]`, or one of them)",
        ),
        (
            "credentials: [partner], scopes: none, bind: { partner: client_id }",
            "write one fact of each of two credentials",
        ),
        (
            "credentials: [partner], scopes: none, bind: { partner: client_id, webhook: client_id }",
            "this route does not require `webhook`",
        ),
        (
            "credentials: [partner], scopes: none, owner: { param: id, equals: webhook.client_id }",
            "this route does not require `webhook`",
        ),
        (
            "credentials: [partner], scopes: none, owner: { param: id, equals: hook.client_id }",
            "`credentials.hook` is not in this policy",
        ),
    ] {
        let found = faults(&text(&THREE, require));
        assert!(found.iter().any(|line| line.contains(fault)), "{require}: {found:?}");
    }
    let many: Vec<_> = (0..17).map(|number| format!("c{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(
        faults(&text(&many, "credentials: [c1], scopes: none")),
        ["credentials: 17 credentials are more than 16"]
    );
    assert_eq!(faults(&text(&many[..16], "credentials: [c1], scopes: none")), [""; 0]);
}

#[cfg(feature = "cel")]
#[test]
fn conditions_name_what_the_route_requires() {
    for (condition, fault) in [
        ("webhook.client_id == \"1\"", "`webhook` can be read only of a route that requires that credential"),
        (
            "token.client_id == \"1\"",
            "`token` is no variable; there are `request`, `params`, `partner`, `user_token`, `webhook`, `now`",
        ),
        ("partner == \"1\"", "`partner` is read by its members only, as in `partner.name`"),
        ("[1].exists(partner, partner == 1)", "`partner` names what a loop goes over, but is taken"),
        ("partner.tenant == \"1\"", "`partner.tenant` can never exist"),
    ] {
        let found =
            faults(&text(&THREE, &format!("credentials: [partner], scopes: none, conditions: ['{condition}']")));
        assert!(found.iter().any(|line| line.contains(fault)), "{condition}: {found:?}");
    }
}

#[test]
fn only_what_is_verified_goes_along() {
    let sent = |list: &str| {
        let text = text(&THREE, &format!("credentials: [{list}], scopes: none"));
        text.replacen("hint: k,", "hint: k, send: [partner],", 1)
    };
    assert_eq!(faults(&sent("partner, webhook")), [""; 0]);
    let found = faults(&sent("webhook, partner"));
    let fault = "routes[0].require.credentials: `partner` goes along with the question about `webhook`, and is verified \
                 after it (write `partner` before `webhook`)";
    assert_eq!(found, [fault]);
}
