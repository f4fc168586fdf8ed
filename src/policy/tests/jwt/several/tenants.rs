//! Issuers of several tenants: a tenant comes in where `iss` and a claim name it, and the policy does.

use super::{B, Issuers, Outcome, TENANTS, claims, header, issuers, jwt, outcome, policy};
use crate::jwt::{document, policy_of};
use brama_kit::signer::merged;
use serde_json::{Value, json};

fn token(iss: &str, changes: Value) -> String {
    let Issuers { tenants, .. } = issuers();
    tenants.token(&header(), &merged(claims(iss, "api"), changes))
}

#[test]
fn tenant_has_to_be_named_twice_and_allowed() {
    let of = |tenant: &str| TENANTS.replace("{tenant}", tenant);
    for (iss, changes, refused) in [
        (of("t1"), json!({}), None),
        (of("t2"), json!({ "tid": "t2" }), None),
        // Outside the list, though it says so twice.
        (of("t3"), json!({ "tid": "t3" }), Some("tenant")),
        (of("T1"), json!({ "tid": "T1" }), Some("tenant")),
        // Another tenant in the claim, in another claim, or in none.
        (of("t1"), json!({ "tid": "t2" }), Some("tenant_claim")),
        (of("t2"), json!({}), Some("tenant_claim")),
        (of("t1"), json!({ "tid": null, "tenant": "t1" }), Some("tenant_claim")),
        (of("t1"), json!({ "tid": ["t1"] }), Some("tenant_claim")),
        (of("t1"), json!({ "tid": "t1 " }), Some("tenant_claim")),
        // No tenant at all, which is nobody's issuer.
        (of(""), json!({ "tid": "" }), Some("issuer")),
        (of("t1/t1"), json!({ "tid": "t1/t1" }), Some("issuer")),
        (of("t1%2Ft1"), json!({ "tid": "t1%2Ft1" }), Some("issuer")),
        (of("%741"), json!({}), Some("issuer")),
        (of("../t1"), json!({}), Some("issuer")),
        (of(".."), json!({ "tid": ".." }), Some("issuer")),
        (of("{tenant}"), json!({ "tid": "{tenant}" }), Some("issuer")),
        (of("t1?"), json!({ "tid": "t1?" }), Some("issuer")),
        (of("t1\n"), json!({ "tid": "t1\n" }), Some("issuer")),
        (of("т1"), json!({ "tid": "т1" }), Some("issuer")),
        (of("t1") + "/", json!({}), Some("issuer")),
        (of("t1").replace("v2.0", "v1.0"), json!({}), Some("issuer")),
        (of("t1").replace("login", "evil"), json!({}), Some("issuer")),
        (of("t1").replace("https", "http"), json!({}), Some("issuer")),
    ] {
        let outcome = outcome(&policy(), &token(&iss, changes.clone()));
        match refused {
            None => assert!(matches!(&outcome, Outcome::Good(by, _) if by == TENANTS), "{iss} {changes}: {outcome:?}"),
            Some(reason) => assert_eq!(outcome, Outcome::Refused(reason), "{iss} {changes}"),
        }
    }
}

#[test]
fn only_verifier_refuses_the_same() {
    let Issuers { tenants, .. } = issuers();
    let alone = |allow: &str| {
        let verifier = jwt(TENANTS, "api", tenants, "/tid");
        let tenant = format!("tenant: {{ claim: /tid, allow: {allow} }}\n          audiences");
        policy_of(&document(&verifier.replace("audiences", &tenant)))
    };
    let (listed, open) = (alone("[t1]"), alone("{ any: { because: customers sign up by themselves } }"));
    let of = |tenant: &str| TENANTS.replace("{tenant}", tenant);
    for (iss, tid, when_listed, when_open) in [
        (of("t1"), "t1", None, None),
        (of("t9"), "t9", Some("tenant"), None),
        (of("t9"), "t1", Some("tenant_claim"), Some("tenant_claim")),
        (of("t9/x"), "t9/x", Some("issuer"), Some("issuer")),
        (of(""), "", Some("issuer"), Some("issuer")),
        (B.to_owned(), "t1", Some("issuer"), Some("issuer")),
    ] {
        let token = token(&iss, json!({ "tid": tid }));
        for (policy, refused) in [(&listed, when_listed), (&open, when_open)] {
            let outcome = outcome(policy, &token);
            match refused {
                None => assert!(matches!(outcome, Outcome::Good(_, _)), "{iss} {tid}: {outcome:?}"),
                Some(reason) => assert_eq!(outcome, Outcome::Refused(reason), "{iss} {tid}"),
            }
        }
    }
}

#[test]
fn braces_without_the_key_are_letters() {
    let Issuers { tenants, .. } = issuers();
    let policy = policy_of(&document(&jwt(TENANTS, "api", tenants, "/tid")));
    assert!(matches!(outcome(&policy, &token(TENANTS, json!({}))), Outcome::Good(_, _)));
    let of_a_tenant = token(&TENANTS.replace("{tenant}", "t1"), json!({}));
    assert_eq!(outcome(&policy, &of_a_tenant), Outcome::Refused("issuer"));
}
