//! Tokens that speak for themselves: which pass, which do not, and what is learnt from them. Keys are made anew.

mod document;
mod hostile;
mod kinds;
mod laws;
#[cfg(feature = "ps-eddsa")]
mod ps_eddsa;
mod several;

use std::sync::{Arc, OnceLock};

use brama_kit::library;
use brama_kit::signer::{self, Signer};
use brama_policy::deciding::{Policy, PolicyDocument, UnixTime};
use brama_policy::identity::{
    Credential, Facts, GrantedScopes, Jwt, JwtRejection, KeySet, KeySource, Lookup, NoKey, Verifier,
};
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;

fn policy_of(yaml: &str) -> Arc<Policy> {
    let document: Value = serde_saphyr::from_str(yaml).unwrap();
    let document = PolicyDocument::read(&document.to_string()).unwrap();
    Arc::new(Policy::compile(&document).unwrap_or_else(|faults| panic!("{faults}")))
}

/// A policy with these verifiers of tokens.
fn document(verify: &str) -> String {
    format!(
        "version: 1
name: x
authorities:
  keys: {{ cluster: k, host: id.example, timeout: 1s, auth: {{ none: {{ because: public }} }} }}
  asked: {{ cluster: c, host: h, timeout: 1s, auth: {{ bearer_env: S }} }}
credentials:
  token:
    header: authorization
    scheme: Bearer
    cache: {{ ttl: 60s, refused_ttl: 2s, entries: 10 }}
    verify:
{verify}
forward: {{ headers: {{ x-tenant: token.tenant }} }}
refusals: {{ format: ehealth }}
routes: [{{ id: r, methods: [GET], path: /r, require: {{ credentials: [token], scopes: none }} }}]
"
    )
}

const JWT: &str = "      - jwt:
          issuer: https://id.example
          audiences: [api, other]
          types: [at+jwt]
          algorithms: [RS256, RS384, RS512, ES256, ES384, ES512]
          keys: { authority: keys, path: /jwks.json, every: 5m, max_stale: 60m }
          facts: { further: { tenant: /ext/tenant } }
";

const INTROSPECT: &str = "      - introspect: { authority: asked, path: /i, hint: h, expect: { /u: x } }\n";

fn policy() -> Arc<Policy> {
    static POLICY: OnceLock<Arc<Policy>> = OnceLock::new();
    Arc::clone(POLICY.get_or_init(|| policy_of(&document(JWT))))
}

fn lookup(policy: &Policy, token: &str) -> Lookup {
    policy.lookup(policy.credential("token").unwrap(), token.parse::<Credential>().unwrap()).unwrap()
}

fn jwt(lookup: &Lookup) -> &Jwt {
    match lookup.verifier() {
        Verifier::Jwt(jwt) => jwt,
        other => panic!("{other:?}"),
    }
}

/// What a gateway makes of a token.
fn judge(policy: &Policy, keys: &KeySet, token: &str, now: u64) -> Result<Facts, JwtRejection> {
    let (lookup, now) = (lookup(policy, token), UnixTime::from_seconds(now));
    let opened = jwt(&lookup).open(lookup.credential())?;
    opened.check_claims(now)?;
    let check = opened.check_with(keys)?;
    check.verified_by(library::is_the_keys)?.accept(now)
}

fn header(signer: &Signer) -> Value {
    json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() })
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "api", "sub": "u1", "client_id": "c1", "scope": "write read",
        "iat": NOW - 10, "exp": NOW + 60, "ext": { "tenant": "t1" }, "groups": ["a", { "b": [1] }]
    })
}

#[test]
fn good_token_states_its_facts_with_every_algorithm() {
    let signers = signer::all();
    let keys = library::set(&signers);
    assert_eq!((keys.usable(), keys.left_out().len()), (6, 0));
    for signer in &signers {
        let token = signer.token(&header(signer), &claims());
        let facts = judge(&policy(), &keys, &token, NOW).unwrap();
        let wanted = Facts {
            subject: Some("u1".parse().unwrap()),
            client_id: Some("c1".parse().unwrap()),
            client_type: None,
            scope: "read write".parse().unwrap(),
            not_before: Some(UnixTime::from_seconds(NOW - 10)),
            expires: Some(UnixTime::from_seconds(NOW + 60)),
            further: vec![("tenant".into(), "t1".parse().unwrap())],
        };
        assert_eq!(facts, wanted, "{}", signer.algorithm());
    }
}

#[test]
fn signature_of_another_key_is_refused() {
    let (signers, others) = (signer::all(), signer::all());
    let keys = library::set(&signers);
    for (signer, other) in signers.iter().zip(&others) {
        // Of another key of the same name, and of this key under another text.
        let token = other.token(&header(signer), &claims());
        assert_eq!(judge(&policy(), &keys, &token, NOW), Err(JwtRejection::Signature), "{}", signer.algorithm());
        let (token, richer) = (signer.token(&header(signer), &claims()), signer.token(&header(signer), &json!({})));
        let (signed, _signature) = token.rsplit_once('.').unwrap();
        let (_signed, signature) = richer.rsplit_once('.').unwrap();
        let spliced = format!("{signed}.{signature}");
        assert_eq!(judge(&policy(), &keys, &spliced, NOW), Err(JwtRejection::Signature), "{}", signer.algorithm());
    }
}

#[test]
fn numbers_that_are_nothing_sign_nothing() {
    for signer in signer::all().iter().filter(|signer| signer.algorithm().starts_with("ES")) {
        let token = signer.token(&header(signer), &claims());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        for letter in ["A", "_"] {
            let mut odd = letter.repeat(signature.len());
            // Without bits left over.
            odd.replace_range(odd.len() - 1.., "A");
            let outcome =
                judge(&policy(), &library::set(std::slice::from_ref(signer)), &format!("{signed}.{odd}"), NOW);
            assert_eq!(outcome, Err(JwtRejection::Signature), "{} {letter}", signer.algorithm());
        }
    }
}

#[test]
fn token_lives_from_its_beginning_to_its_end() {
    let signer = Signer::new("ES256", "k");
    let keys = library::set(std::slice::from_ref(&signer));
    let lenient = policy_of(&document(&JWT.replace("types:", "leeway: 30s\n          types:")));
    let at = |policy: &Policy, changes: Value, now: u64| {
        judge(policy, &keys, &signer.token(&header(&signer), &signer::merged(claims(), changes)), now).err()
    };
    for (changes, now, strict, with_leeway) in [
        (json!({}), NOW + 59, None, None),
        (json!({}), NOW + 60, Some(JwtRejection::Expired), None),
        (json!({}), NOW + 89, Some(JwtRejection::Expired), None),
        (json!({}), NOW + 90, Some(JwtRejection::Expired), Some(JwtRejection::Expired)),
        (json!({ "exp": NOW + 1 }), NOW, None, None),
        (json!({ "exp": f64::from(1_700_000_000_u32) + 0.9 }), NOW, None, None),
        (json!({ "exp": f64::from(1_700_000_000_u32) + 0.000_9 }), NOW, Some(JwtRejection::Expired), None),
        (json!({ "nbf": NOW }), NOW, None, None),
        (json!({ "nbf": NOW + 1 }), NOW, Some(JwtRejection::NotYetValid), None),
        (json!({ "nbf": NOW + 31 }), NOW, Some(JwtRejection::NotYetValid), Some(JwtRejection::NotYetValid)),
        (json!({ "nbf": f64::from(1_700_000_000_u32) + 0.1 }), NOW, Some(JwtRejection::NotYetValid), None),
        // In the very millisecond.
        (json!({ "nbf": f64::from(1_700_000_000_u32) + 0.000_9 }), NOW, None, None),
        (json!({ "iat": f64::from(1_700_000_000_u32) + 0.000_9 }), NOW, None, None),
        (json!({ "iat": f64::from(1_700_000_000_u32) + 0.001 }), NOW, Some(JwtRejection::IssuedLater), None),
        (json!({ "iat": NOW + 1 }), NOW, Some(JwtRejection::IssuedLater), None),
        (json!({ "iat": NOW + 31 }), NOW, Some(JwtRejection::IssuedLater), Some(JwtRejection::IssuedLater)),
    ] {
        assert_eq!(at(&policy(), changes.clone(), now), strict, "{changes} at {now}");
        assert_eq!(at(&lenient, changes.clone(), now), with_leeway, "{changes} at {now}, with leeway");
    }
    let facts = judge(&lenient, &keys, &signer.token(&header(&signer), &claims()), NOW).unwrap();
    assert_eq!(
        facts.expires,
        Some(UnixTime::from_seconds(NOW + 90)),
        "the leeway is told once, and holds for every request"
    );
    assert_eq!(facts.not_before, Some(UnixTime::from_seconds(NOW - 40)));
}

#[test]
fn token_does_not_print_itself() {
    let signer = Signer::new("ES256", "k");
    let keys = library::set(std::slice::from_ref(&signer));
    let policy = policy();
    let lookup = lookup(&policy, &signer.token(&header(&signer), &claims()));
    let opened = jwt(&lookup).open(lookup.credential()).unwrap();
    let verified = opened.check_with(&keys).unwrap().verified_by(library::is_the_keys).unwrap();
    let printed = format!("{lookup:?} {opened:?} {verified:?}");
    assert!(printed.contains("Opened(..)") && !printed.contains("u1") && !printed.contains("eyJ"), "{printed}");
}

#[test]
fn verified_signature_alone_is_not_enough() {
    let signer = Signer::new("ES256", "k");
    let keys = library::set(std::slice::from_ref(&signer));
    for (changes, rejected) in [
        (json!({ "iss": "x" }), JwtRejection::Issuer),
        (json!({ "aud": "x" }), JwtRejection::Audience),
        (json!({ "exp": NOW }), JwtRejection::Expired),
        (json!({ "nbf": NOW + 1 }), JwtRejection::NotYetValid),
    ] {
        let policy = policy();
        let lookup = lookup(&policy, &signer.token(&header(&signer), &signer::merged(claims(), changes)));
        let opened = jwt(&lookup).open(lookup.credential()).unwrap();
        let verified = opened.check_with(&keys).unwrap().verified_by(library::is_the_keys).unwrap();
        assert_eq!(verified.accept(UnixTime::from_seconds(NOW)), Err(rejected));
    }
}

#[test]
fn algorithm_that_the_policy_does_not_name_is_refused() {
    let signers = [Signer::new("ES256", "e"), Signer::new("RS256", "r")];
    let keys = library::set(&signers);
    let narrow = policy_of(&document(&JWT.replace("[RS256, RS384, RS512, ES256, ES384, ES512]", "[ES256]")));
    let outcomes = signers.map(|signer| judge(&narrow, &keys, &signer.token(&header(&signer), &claims()), NOW).err());
    assert_eq!(outcomes, [None, Some(JwtRejection::Algorithm)]);
}

#[test]
fn key_is_never_guessed() {
    let (one, two) = (Signer::new("ES256", "one"), Signer::new("ES256", "two"));
    let both = library::set(&[one.clone(), two.clone()]);
    let without_kid = json!({ "alg": "ES256", "typ": "at+jwt" });
    let token = one.token(&without_kid, &claims());
    assert_eq!(judge(&policy(), &both, &token, NOW), Err(NoKey::SeveralFit.into()));
    assert!(judge(&policy(), &library::set(std::slice::from_ref(&one)), &token, NOW).is_ok());
    let named_so = |kid: &str| one.token(&signer::merged(header(&one), json!({ "kid": kid })), &claims());
    assert_eq!(judge(&policy(), &both, &named_so("three"), NOW), Err(NoKey::UnknownKid.into()));
    assert_eq!(judge(&policy(), &both, &named_so("two"), NOW), Err(JwtRejection::Signature));
    let twice = library::set(&[one.clone(), Signer::new("ES256", "one")]);
    assert_eq!(judge(&policy(), &twice, &named_so("one"), NOW), Err(NoKey::RepeatedKid.into()));
    // One of them can only be meant, and one is listed twice.
    for others in [Signer::new("RS256", "one"), one.clone()] {
        assert!(judge(&policy(), &library::set(&[one.clone(), others]), &named_so("one"), NOW).is_ok());
    }
}

#[test]
fn shape_decides_once_who_verifies() {
    let policy = policy_of(&document(&format!("{JWT}{INTROSPECT}")));
    let asked = |token: &str| matches!(lookup(&policy, token).verifier(), Verifier::Introspection(_));
    let signer = Signer::new("ES256", "k");
    let token = signer.token(&header(&signer), &claims());
    assert!(!asked(&token) && !asked("eyJhbGciOiJub25lIn0.e30."));
    // A token that the one refuses is not the other's, however it is spoilt.
    for spoilt in [
        format!("{token}!"),
        format!("{token}="),
        token.replacen('.', "=.", 1),
        signer.token(&json!({ "alg": "HS256" }), &claims()),
        // Readers that drop empty parts, or what is behind the third, would find the good token.
        format!("{token}."),
        format!("{token}.."),
        format!("{token}.x"),
        format!("{token}.a.b"),
        format!(".{token}"),
        format!("..{token}"),
    ] {
        assert!(!asked(&spoilt), "{spoilt}");
    }
    let jwe = format!("{}.a.b.c.d", signer::base64url(br#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#));
    for opaque in ["c2778f3064753ea70de870a53795f5c9", "a.b.c", &token.replace('.', "-"), &jwe] {
        assert!(asked(opaque), "{opaque}");
    }
    assert_eq!(policy.verifiers().count(), 2);
    assert_eq!(policy.secrets().map(|name| name.as_str()).collect::<Vec<_>>(), ["S"]);
}

#[test]
fn fact_that_both_verifiers_know_is_one() {
    let introspect = INTROSPECT.replace("{ /u: x }", "{ /u: x }, facts: { further: { role: /r, tenant: /t } }");
    let policy = policy_of(&document(&format!("{JWT}{introspect}")));
    let names: Vec<_> =
        policy.further_facts(policy.credential("token").unwrap()).map(|(name, _type)| &**name).collect();
    assert_eq!(names, ["role", "tenant"]);
}

#[test]
fn keys_are_asked_for_without_a_secret() {
    let policy = policy();
    let lookup = lookup(&policy, "a");
    let KeySource::Fetched(fetch) = jwt(&lookup).keys() else { panic!() };
    let question = fetch.question();
    assert_eq!((question.cluster, question.body, fetch.authority()), ("k", None, "keys"));
    assert!(question.headers.contains(&(":path", "/jwks.json".to_owned())));
    assert!(question.headers.contains(&(":method", "GET".to_owned())));
    assert!(question.headers.iter().all(|(name, _value)| *name != "authorization"));
}

#[test]
fn token_without_facts_states_none() {
    let signer = Signer::new("ES256", "k");
    let token =
        signer.token(&header(&signer), &json!({ "iss": "https://id.example", "aud": ["x", "other"], "exp": NOW + 1 }));
    let facts = judge(&policy(), &library::set(std::slice::from_ref(&signer)), &token, NOW).unwrap();
    let wanted = Facts { expires: Some(UnixTime::from_seconds(NOW + 1)), ..Facts::none() };
    assert_eq!((&facts, &facts.scope), (&wanted, &GrantedScopes::none()));
}
