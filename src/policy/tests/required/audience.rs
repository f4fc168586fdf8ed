//! A token that is for some routes only.

use std::sync::Arc;

use super::{PARTNER, TOKEN, text};
use crate::support::{faults, headers, judge, policy};
use brama_policy::deciding::Decision;
use brama_policy::identity::{Answer, FactList, FactValue, Facts, Lookup};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Facts of a token for these audiences.
fn for_audiences(audiences: &[&str]) -> impl FnMut(&Lookup) -> Answer {
    let list = FactList::new(audiences.iter().copied()).unwrap();
    let further = if audiences.is_empty() { Vec::new() } else { vec![("audience".into(), FactValue::List(list))] };
    move |_lookup| {
        let subject = Some("1".parse().unwrap());
        Answer::Active(Arc::new(Facts { subject, further: further.clone(), ..Facts::none() }))
    }
}

#[test]
fn token_for_another_audience_is_refused() {
    let policy = policy(&text("credentials: [token], audience: reviews, scopes: none", ""));
    let decide = |audiences: &[&str]| match judge(&policy, &headers("GET", "/a/1", &[TOKEN]), for_audiences(audiences))
    {
        Decision::Allow(_grant) => "allowed".to_owned(),
        Decision::Refuse(refused) => {
            assert_eq!(refused.denial().code(), "token_refused");
            policy.reason(refused.denial()).unwrap()
        }
    };
    let refused = "audience: `aud` has not the audience `reviews` that the route wants";
    for (audiences, expected) in [
        (&["reviews"][..], "allowed"),
        (&["books", "reviews"], "allowed"),
        (&[], refused),
        (&["books"], refused),
        (&["Reviews"], refused),
        (&["reviews/"], refused),
        (&["rev", "iews"], refused),
    ] {
        assert_eq!(decide(audiences), expected, "{audiences:?}");
    }
    // One that may be absent is held against it where it is there, and the others are not.
    let require = "credentials: { any: [partner, token] }, audience: { token: reviews }, scopes: none";
    let any = crate::support::policy(&text(require, ""));
    let sent = |sent: &[(&str, &str)], audiences: &[&str]| {
        matches!(judge(&any, &headers("GET", "/a/1", sent), for_audiences(audiences)), Decision::Allow(_))
    };
    assert!(!sent(&[TOKEN], &["books"]) && sent(&[TOKEN], &["reviews"]));
    assert!(!sent(&[PARTNER, TOKEN], &["books"]));
    // In shadow mode nobody is told of a token for others.
    let shadow =
        crate::support::policy(&text("credentials: [token], audience: reviews, scopes: none", ", mode: shadow"));
    let Decision::Allow(grant) = judge(&shadow, &headers("GET", "/a/1", &[TOKEN]), for_audiences(&["books"])) else {
        panic!("refused")
    };
    assert_eq!((grant.set(), grant.would_refuse().unwrap().code()), (&[][..], "token_refused"));
}

#[test]
fn faulty_audiences_are_told() {
    for (require, fault) in [
        ("credentials: [token], audience: '', scopes: none", "audience: no token can name the audience ``"),
        (
            "credentials: [token], audience: {}, scopes: none",
            "audience: write at least one audience, or remove the key",
        ),
        (
            "credentials: [token], audience: { partner: a }, scopes: none",
            "audience.partner: this route does not require",
        ),
        ("credentials: [token], audience: { tokn: a }, scopes: none", "did you mean `token`?"),
        ("credentials: [token], audience: 'a ', scopes: none", "audience: no token can name the audience `a `"),
        (
            "credentials: [token, partner], audience: a, scopes: none",
            "audience: say of which credential: token, partner (write `audience: { token: … }`)",
        ),
    ] {
        let found = faults(&text(require, ""));
        assert!(found.iter().any(|line| line.contains(fault)), "{require}: {found:?}");
    }
    let own =
        text("credentials: [token], audience: a, scopes: none", "").replace("groups: {", "audience: /x, groups: {");
    assert!(faults(&own)[0].contains("give the fact `audience` of `token` another name"), "{:?}", faults(&own));
}

/// A fact of the policy's own has its name, and nothing of `aud`, where no route names an audience.
#[test]
fn fact_that_is_called_audience_is_the_policys_own() {
    let own = text("credentials: [token], scopes: none, owner: { param: id, equals: token.audience }", "");
    let own = own.replacen("groups: {", "audience: /department, groups: {", 1);
    let policy = policy(&own);
    let further: Vec<_> = policy.further_facts(policy.credential("token").unwrap()).collect();
    assert_eq!(further.iter().filter(|(name, _of)| &***name == "audience").count(), 1, "{further:?}");
    // An owner that is to equal a fact is never one of a list.
    let decision = judge(&policy, &headers("GET", "/a/1", &[TOKEN]), for_audiences(&["1"]));
    assert!(matches!(decision, Decision::Refuse(refused) if refused.denial().code() == "not_owner"));
}

#[test]
fn only_credential_that_is_a_jwt_is_meant_where_none_stands_in_its_place() {
    let jwt = "jwt: { issuer: https://id, audiences: any, types: [at+jwt], algorithms: [ES256], \
               keys: { authority: a, path: /keys, every: 5m, max_stale: 60m } }";
    let with = |require: &str| {
        let text = text(&format!("credentials: {require}, audience: reviews, scopes: none"), "");
        let start = text.find("[{ introspect").unwrap();
        let end = text[start..].find("}]").unwrap() + start + 2;
        faults(&format!("{}[{{ {jwt} }}]{}", &text[..start], &text[end..]))
    };
    assert_eq!(with("[partner, token]"), [""; 0]);
    for open in ["{ any: [partner, token] }", "{ all: [token], optional: [partner] }"] {
        assert!(with(open)[0].contains("say of which credential"), "{open}: {:?}", with(open));
    }
}
