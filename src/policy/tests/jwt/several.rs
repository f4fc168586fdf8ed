//! Several verifiers of one credential: which one a token is for, and that no other ever takes it.

mod tenants;
mod written;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use brama_kit::library;
use brama_kit::signer::{Signer, base64url, merged};
use brama_policy::deciding::{Policy, Request, Step, UnixTime};
use brama_policy::identity::{Answer, Facts, JwtRejection, KeySource, Lookup, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NOW, document, lookup, policy_of};
use crate::support::{headers, now};

/// The makers of tokens, each with its key under the same name.
pub(super) struct Issuers {
    pub(super) a: Signer,
    pub(super) b: Signer,
    pub(super) tenants: Signer,
}

pub(super) fn issuers() -> &'static Issuers {
    static ISSUERS: OnceLock<Issuers> = OnceLock::new();
    let new = || Signer::new("ES256", "k");
    ISSUERS.get_or_init(|| Issuers { a: new(), b: new(), tenants: new() })
}

/// A verifier of the tokens of an issuer.
pub(super) fn jwt(issuer: &str, audience: &str, signer: &Signer, further: &str) -> String {
    format!(
        "      - jwt:
          issuer: '{issuer}'
          audiences: [{audience}]
          types: [at+jwt]
          algorithms: [ES256]
          keys: {{ inline: [{}] }}
          facts: {{ further: {{ tenant: {further} }} }}
",
        signer.jwk()
    )
}

pub(super) fn introspect(when: &str, path: &str) -> String {
    format!(
        "      - introspect: {{ {when} authority: asked, path: /{path}, hint: h, expect: {{ /u: x }}, facts: {{ further: {{ tenant: /t }} }} }}\n"
    )
}

pub(super) const A: &str = "https://a.example";
pub(super) const B: &str = "https://b.example";
pub(super) const TENANTS: &str = "https://login.example/{tenant}/v2.0";

/// The verifiers in the order of the document.
pub(super) fn verifiers() -> Vec<String> {
    let Issuers { a, b, tenants } = issuers();
    let of_tenants = jwt(TENANTS, "api", tenants, "/tid")
        .replace("audiences", "tenant: { claim: /tid, allow: [t1, t2] }\n          audiences");
    vec![
        jwt(A, "api-a", a, "/org"),
        introspect("when: { prefix: ghp_ },", "github"),
        jwt(B, "api-b", b, "/realm"),
        of_tenants,
        introspect("when: { prefix: glpat- },", "gitlab"),
    ]
}

fn policy() -> Arc<Policy> {
    static POLICY: OnceLock<Arc<Policy>> = OnceLock::new();
    Arc::clone(POLICY.get_or_init(|| policy_of(&document(&(verifiers().concat() + &introspect("", "rest"))))))
}

/// The same without a verifier of the rest.
fn without_the_rest() -> Arc<Policy> {
    policy_of(&document(&verifiers().concat()))
}

/// What becomes of a token.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// It is good, by the verifier of this issuer, with these facts of tenant and subject.
    Good(String, Facts),
    /// It is refused for the reason with this name, without a question.
    Refused(&'static str),
    /// An authority is asked, at this path.
    Asked(String),
}

impl Outcome {
    fn issuer(&self) -> Option<&str> {
        match self {
            Self::Good(issuer, _facts) => Some(issuer),
            Self::Refused(_) | Self::Asked(_) => None,
        }
    }
}

fn outcome(policy: &Policy, token: &str) -> Outcome {
    let lookup = lookup(policy, token);
    let jwt = match lookup.verifier() {
        Verifier::Jwt(jwt) => jwt,
        Verifier::Unclaimed(rejected) => {
            let asked = lookup.question(|_name| Some("s"));
            assert_eq!(asked.map(|_question| ()), Err(Answer::Rejected(rejected.clone())));
            return Outcome::Refused(rejected.code());
        }
        Verifier::Introspection(_) => {
            let question = lookup.question(|_name| Some("s")).unwrap();
            let path = question.headers.iter().find(|(name, _)| *name == ":path").unwrap();
            return Outcome::Asked(path.1.clone());
        }
    };
    let KeySource::Inline(keys) = jwt.keys() else { panic!("{jwt:?}") };
    let now = UnixTime::from_seconds(NOW);
    let judged = || -> Result<Facts, JwtRejection> {
        let opened = jwt.open(lookup.credential())?;
        opened.check_claims(now)?;
        opened.check_with(keys)?.verified_by(library::is_the_keys)?.accept(now)
    };
    match judged() {
        Ok(facts) => Outcome::Good(jwt.issuer().to_owned(), facts),
        Err(rejected) => Outcome::Refused(rejected.code()),
    }
}

pub(super) fn header() -> Value {
    json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k" })
}

pub(super) fn claims(issuer: &str, audience: &str) -> Value {
    json!({ "iss": issuer, "aud": audience, "sub": "u1", "exp": NOW + 60, "org": "o", "realm": "r", "tid": "t1" })
}

#[test]
fn token_is_for_the_verifier_of_its_issuer_with_its_audience_keys_and_facts() {
    let Issuers { a, b, tenants } = issuers();
    let of_tenant = "https://login.example/t1/v2.0";
    for (signer, issuer, audience, told, tenant) in
        [(a, A, "api-a", A, "o"), (b, B, "api-b", B, "r"), (tenants, of_tenant, "api", TENANTS, "t1")]
    {
        let good = outcome(&policy(), &signer.token(&header(), &claims(issuer, audience)));
        let Outcome::Good(by, facts) = good else { panic!("{issuer}: {good:?}") };
        assert_eq!((by.as_str(), &*facts.further[0].1.stated().text().unwrap()), (told, tenant));
        for other in ["api-a", "api-b", "api"].iter().filter(|other| **other != audience) {
            let token = signer.token(&header(), &claims(issuer, other));
            assert_eq!(outcome(&policy(), &token), Outcome::Refused("audience"), "{issuer} {other}");
        }
    }
}

#[test]
fn issuer_in_a_token_gives_nobody_anothers_key() {
    let Issuers { a, b, tenants } = issuers();
    let of_tenant = "https://login.example/t1/v2.0";
    for (issuer, audience, own) in [(A, "api-a", 0), (B, "api-b", 1), (of_tenant, "api", 2)] {
        for (number, signer) in [a, b, tenants].into_iter().enumerate() {
            let outcome = outcome(&policy(), &signer.token(&header(), &claims(issuer, audience)));
            match outcome {
                Outcome::Good(_, _) => assert_eq!(number, own, "{issuer}"),
                other => assert!(number != own && other == Outcome::Refused("signature"), "{issuer}: {other:?}"),
            }
        }
    }
    // A key of its own makes no issuer.
    let brought = merged(header(), json!({ "jwk": b.jwk(), "jku": "https://b.example/jwks" }));
    assert_eq!(outcome(&policy(), &b.token(&brought, &claims(A, "api-a"))), Outcome::Refused("signature"));
}

/// The claims as text, and what becomes of a token with them, whoever has signed it.
#[test]
fn issuer_that_is_nobodys_is_refused_and_never_asked_about() {
    let Issuers { a, .. } = issuers();
    let with = |iss: &str| format!(r#"{{{iss} "aud": "api-a", "exp": {}}}"#, NOW + 60);
    for (iss, reason) in [
        (r#""iss": "https://c.example","#, "issuer"),
        (r#""iss": "https://a.example/","#, "issuer"),
        (r#""iss": "https://A.example","#, "issuer"),
        (r#""iss": " https://a.example","#, "issuer"),
        (r#""iss": "https://a.example\u0000","#, "issuer"),
        (r#""iss": "https://a.example#https://b.example","#, "issuer"),
        (r#""iss": "https://%61.example","#, "issuer"),
        (r#""iss": "","#, "issuer"),
        (r#""ISS": "https://a.example","#, "claim_missing"),
        ("", "claim_missing"),
        (r#""iss": null,"#, "claim_missing"),
        (r#""iss": ["https://a.example"],"#, "claim_shape"),
        (r#""iss": {"a": 1},"#, "claim_shape"),
        (r#""iss": 7,"#, "claim_shape"),
        (r#""iss": true,"#, "claim_shape"),
        (r#""iss": "https://a.example", "iss": "https://a.example","#, "payload"),
        (r#""iss": "https://a.example", "iss": "https://b.example","#, "payload"),
        (r#""iss": "https://a.example", "\u0069ss": "https://b.example","#, "payload"),
        (r#""iss": "https://a.example", "x": {"y": 1, "y": 1},"#, "payload"),
    ] {
        let token = a.token_of(&header().to_string(), &with(iss));
        for policy in [policy(), without_the_rest()] {
            assert_eq!(outcome(&policy, &token), Outcome::Refused(reason), "{iss}");
        }
    }
    // The same text in another spelling of JSON is the same issuer.
    for iss in [r#""iss": "https:\/\/a.example","#, r#""\u0069ss": "https://\u0061.example","#] {
        let token = a.token_of(&header().to_string(), &with(iss));
        assert_eq!(outcome(&policy(), &token).issuer(), Some(A), "{iss}");
    }
    for payload in [&b"[]"[..], b"7", b"", b"{", b"\"https://a.example\"", b"{} {}"] {
        let signed = format!("{}.{}", base64url(header().to_string().as_bytes()), base64url(payload));
        assert_eq!(outcome(&policy(), &a.signed(&signed)), Outcome::Refused("payload"), "{}", payload.escape_ascii());
    }
    let long = a.token(&header(), &merged(claims(A, "api-a"), json!({ "x": "y".repeat(5200) })));
    assert_eq!(outcome(&policy(), &long), Outcome::Refused("payload_too_long"));
}

#[test]
fn what_one_verifier_refuses_no_other_sees() {
    let Issuers { a, .. } = issuers();
    let good = claims(A, "api-a");
    let token = a.token(&header(), &good);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other_header = |changes: Value| a.token(&merged(header(), changes), &good);
    for (token, reason) in [
        (a.token(&header(), &merged(good.clone(), json!({ "exp": NOW }))), "expired"),
        (a.token(&header(), &merged(good.clone(), json!({ "nbf": NOW + 1 }))), "not_yet_valid"),
        (other_header(json!({ "alg": "none" })), "algorithm"),
        (other_header(json!({ "alg": "HS256" })), "algorithm"),
        (other_header(json!({ "alg": "none" })).rsplit_once('.').unwrap().0.to_owned() + ".", "algorithm"),
        (other_header(json!({ "typ": "JWT" })), "type"),
        (other_header(json!({ "kid": "x" })), "key_unknown"),
        (other_header(json!({ "crit": ["exp"] })), "critical"),
        (format!("{signed}.{}", "A".repeat(signature.len())), "signature"),
        (format!("{signed}."), "signature_length"),
        (format!("{signed}.{signature}="), "shape"),
        (token.replacen('.', "=.", 1), "shape"),
    ] {
        for policy in [policy(), without_the_rest()] {
            assert_eq!(outcome(&policy, &token), Outcome::Refused(reason), "{token}");
        }
    }
    // What has no `alg` is no JWS, here as where there is one verifier of JWTs.
    let token = a.token_of(r#"{"alg":null,"typ":"at+jwt","kid":"k"}"#, &good.to_string());
    assert_eq!(outcome(&policy(), &token), Outcome::Refused("algorithm_missing"), "{token}");
    let without = a.token(&json!({ "typ": "at+jwt", "kid": "k" }), &good);
    assert_eq!(outcome(&policy(), &without), Outcome::Asked("/rest".to_owned()));
    assert_eq!(outcome(&without_the_rest(), &without), Outcome::Refused("unclaimed"));
}

#[test]
fn beginning_tells_who_is_asked_and_the_rest_is_for_the_last() {
    let asked = |policy: &Policy, token: &str| outcome(policy, token);
    let at = |path: &str| Outcome::Asked(format!("/{path}"));
    let Issuers { a, .. } = issuers();
    let token = a.token(&header(), &claims(A, "api-a"));
    for (text, rest, without) in [
        ("ghp_0123", at("github"), at("github")),
        ("ghp_", at("github"), at("github")),
        (&format!("ghp_{token}"), at("github"), at("github")),
        ("ghp_.a.b", at("github"), at("github")),
        ("glpat-x", at("gitlab"), at("gitlab")),
        ("glpat", at("rest"), Outcome::Refused("unclaimed")),
        ("GHP_0123", at("rest"), Outcome::Refused("unclaimed")),
        ("xghp_0123", at("rest"), Outcome::Refused("unclaimed")),
        ("c2778f3064753ea70de870a53795f5c9", at("rest"), Outcome::Refused("unclaimed")),
        ("a.b.c", at("rest"), Outcome::Refused("unclaimed")),
        ("e30.e30.", at("rest"), Outcome::Refused("unclaimed")),
    ] {
        assert_eq!(asked(&policy(), text), rest, "{text}");
        assert_eq!(asked(&without_the_rest(), text), without, "{text}");
    }
}

#[test]
fn only_verifier_of_a_prefix_takes_nothing_else() {
    let policy = policy_of(&document(&introspect("when: { prefix: ghp_ },", "github")));
    assert_eq!(outcome(&policy, "ghp_x"), Outcome::Asked("/github".to_owned()));
    assert_eq!(outcome(&policy, "x"), Outcome::Refused("unclaimed"));
    // Where no JWT is verified, a JWT is a text like others.
    let both = format!("{}{}", introspect("when: { prefix: eyJ },", "jwts"), introspect("", "rest"));
    let policy = policy_of(&document(&both));
    let token = issuers().a.token(&header(), &claims(A, "api-a"));
    assert_eq!(outcome(&policy, &token), Outcome::Asked("/jwts".to_owned()));
    assert_eq!(outcome(&policy, "x"), Outcome::Asked("/rest".to_owned()));
}

#[test]
fn what_is_remembered_is_one_credentials_and_these_verifiers() {
    let hasher = RandomState::new();
    let key = |lookup: &Lookup| hasher.hash_one(lookup.depends_on());
    let Issuers { a, b, .. } = issuers();
    let (of_a, of_b) = (a.token(&header(), &claims(A, "api-a")), b.token(&header(), &claims(B, "api-b")));
    let policy = policy();
    assert_eq!(key(&lookup(&policy, &of_a)), key(&lookup(&policy, &of_a)));
    assert_ne!(key(&lookup(&policy, &of_a)), key(&lookup(&policy, &of_b)));
    assert_ne!(key(&lookup(&policy, &of_a)), key(&lookup(&without_the_rest(), &of_a)));
    // The number of a verifier spares the reading, and is the same verifier.
    let read = lookup(&policy, &of_b);
    assert!(read.is_open());
    let claimant = read.claimant().unwrap();
    assert!(!read.is_open());
    let known = lookup(&policy, &of_b);
    known.settle(claimant);
    assert!(!known.is_open());
    assert_eq!(known, read);
    assert_eq!(lookup(&policy, "zzz").claimant().map(|_number| ()), Some(()));
    assert_eq!(lookup(&without_the_rest(), "zzz").claimant(), None, "nobody's");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Whoever signs what, no verifier takes a token whose `iss` is not its issuer, and none takes another's signature.
    #[test]
    fn token_that_is_taken_states_the_issuer_that_takes_it(
        iss in prop_oneof![
            Just(A.to_owned()), Just(B.to_owned()), Just(TENANTS.to_owned()),
            "https://login\\.example/[a-z0-9./%]{0,4}/v2\\.0", "https://[ab]\\.example[/#a]?", "\\PC{0,20}",
        ],
        tid in prop_oneof![Just("t1".to_owned()), Just("t2".to_owned()), "[a-z0-9./%]{0,4}"],
        audience in prop_oneof![Just("api"), Just("api-a"), Just("api-b")],
        number in 0_usize..3,
    ) {
        let Issuers { a, b, tenants } = issuers();
        let signer = [a, b, tenants][number];
        let token = signer.token(&header(), &merged(claims(&iss, audience), json!({ "tid": tid })));
        match outcome(&policy(), &token) {
            Outcome::Good(by, _facts) if by == TENANTS => {
                prop_assert!(["t1", "t2"].contains(&tid.as_str()) && number == 2);
                prop_assert_eq!(iss, TENANTS.replace("{tenant}", &tid));
            }
            Outcome::Good(by, _facts) => {
                prop_assert_eq!(&by, &iss);
                prop_assert_eq!(&by, [A, B][number]);
            }
            Outcome::Refused(_) => {}
            Outcome::Asked(path) => prop_assert!(false, "a JWT is never asked about, and was at {}", path),
        }
    }

    #[test]
    fn what_begins_so_is_asked_about_there_whatever_follows(rest in "[!-~]{0,60}") {
        prop_assert_eq!(outcome(&policy(), &format!("ghp_{rest}")), Outcome::Asked("/github".to_owned()));
    }
}

/// A question of one of them holds the API key; a JWT is nobody's question, and its payload stays unread until then.
#[test]
fn token_is_not_read_to_know_what_goes_along() {
    let document = document(&(verifiers().concat() + &introspect("send: [api_key],", "rest")));
    let key = "credentials:\n  api_key: { header: api-key, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, \
               verify: [{ introspect: { authority: asked, path: /k, hint: h, expect: { /u: k } } }] }\n";
    let policy = policy_of(
        &document.replace("credentials:\n", key).replace("credentials: [token]", "credentials: [api_key, token]"),
    );
    let open = |token: &str| {
        let sent = headers("GET", "/r", &[("api-key", "k"), ("authorization", &format!("Bearer {token}"))]);
        let Step::Ask(_key, awaiting) = policy.begin(&Request::new(&sent), now()) else { panic!() };
        let Step::Ask(lookup, _) = awaiting.resume(Answer::Active(Arc::new(Facts::none())), now()) else { panic!() };
        lookup.is_open()
    };
    assert!(open(&issuers().a.token(&header(), &claims(A, "api-a"))));
    assert!(!open("opaque"));
}
