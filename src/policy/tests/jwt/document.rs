//! How a policy writes the verification of tokens: every fault is found, and told with its place.

use brama_kit::signer::{Signer, merged};
use brama_policy::authoring::Lint;
use brama_policy::deciding::{Policy, PolicyDocument};
use serde_json::{Value, json};

use super::{INTROSPECT, JWT, document};

fn read(yaml: &str) -> PolicyDocument {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    PolicyDocument::read(&value.to_string()).unwrap()
}

fn faults(yaml: &str) -> Vec<String> {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    let outcome = PolicyDocument::read(&value.to_string()).and_then(|document| Policy::compile(&document));
    outcome.map_or_else(|faults| faults.iter().map(ToString::to_string).collect(), |_policy| Vec::new())
}

/// In the verifier, the first text replaced by the second, and the fault that follows; none where it is sound.
const TABLE: &[(&str, &str, &str)] = &[
    ("issuer: https://id.example", "issuer: ''", "jwt.issuer: write the issuer"),
    ("          issuer: https://id.example\n", "", "jwt: missing key `issuer`"),
    ("          audiences: [api, other]\n", "", "jwt: missing key `audiences`"),
    ("[api, other]", "[]", "jwt.audiences: write at least one audience, or `any`"),
    ("[api, other]", "[api, api]", "jwt.audiences[1]: `api` is written twice"),
    ("[api, other]", "['']", "jwt.audiences[0]: an empty audience"),
    ("[api, other]", "api", "jwt.audiences: `api` is no list; write `[api]`, or `any`"),
    ("[api, other]", "[api, 7]", "jwt.audiences[1]: a text belongs here"),
    ("[api, other]", "any", ""),
    ("[api, other]", "[any]", ""),
    ("[at+jwt]", "[]", "jwt.types: write at least one type"),
    ("[at+jwt]", "[at+jwt, application/AT+JWT]", "jwt.types[1]: `application/AT+JWT` is written twice"),
    ("[at+jwt]", "['a b']", "jwt.types[0]: `a b` is no media type"),
    ("[at+jwt]", "[JWT, application/at+jwt]", ""),
    ("[RS256,", "[none,", "jwt.algorithms[0]: `none` signs nothing"),
    ("[RS256,", "[None,", "jwt.algorithms[0]: `none` signs nothing"),
    ("[RS256,", "[HS256,", "jwt.algorithms[0]: `HS256` is verified with the secret it is signed with"),
    ("[RS256,", "[PS255,", "jwt.algorithms[0]: `PS255` is no algorithm that is known here (did you mean `PS256`?)"),
    ("[RS256,", "[eddsa,", "jwt.algorithms[0]: `eddsa` is no algorithm that is known here (did you mean `EdDSA`?)"),
    (
        "[RS256,",
        "[PS256,",
        of_the_feature("jwt.algorithms[0]: `PS256` is not built into this version, as Envoy does not"),
    ),
    (
        "[RS256,",
        "[PS384,",
        of_the_feature("jwt.algorithms[0]: `PS384` is not built into this version, as Envoy does not"),
    ),
    (
        "[RS256,",
        "[PS512,",
        of_the_feature("jwt.algorithms[0]: `PS512` is not built into this version, as Envoy does not"),
    ),
    (
        "[RS256,",
        "[EdDSA,",
        of_the_feature("jwt.algorithms[0]: `EdDSA` is not built into this version, as Envoy does not"),
    ),
    ("[RS256,", "[rs256,", "jwt.algorithms[0]: `rs256` is no algorithm that is known here (did you mean `RS256`?)"),
    ("[RS256,", "[ES512,", "jwt.algorithms[5]: `ES512` is written twice"),
    ("[RS256, RS384, RS512, ES256, ES384, ES512]", "[]", "jwt.algorithms: write at least one algorithm"),
    ("types:", "leeway: 300s\n          types:", ""),
    ("types:", "leeway: 301s\n          types:", "jwt.leeway: `301s` is not between 0ns and 300s"),
    ("authority: keys", "authority: asked", ""),
    ("{ because: public } } }", "{ because: public } }, revocations: { path: /r, every: 1s, max_lag: 3s } }", ""),
    ("types:", "revocations: keys\n          types:", "jwt.revocations: `keys` has no `revocations`"),
    ("types:", "revocations: key\n          types:", "jwt.revocations: `key` is not under `authorities` (did you mean"),
    (
        "authority: keys",
        "authority: key",
        "jwt.keys.authority: `key` is not under `authorities` (did you mean `keys`?)",
    ),
    ("path: /jwks.json", "path: jwks.json", "jwt.keys.path: `jwks.json` is no canonical path"),
    ("path: /jwks.json", "path: /a//b?p=x", "jwt.keys.path: `/a//b?p=x` is no canonical path"),
    ("path: /jwks.json", "path: /a/../b?p=x", "jwt.keys.path: `/a/../b?p=x` is no canonical path"),
    ("path: /jwks.json", "path: \"/jwks?p=x y\"", "jwt.keys.path: `/jwks?p=x y` is no canonical path"),
    ("path: /jwks.json", "path: \"/jwks?p=x#y\"", "jwt.keys.path: `/jwks?p=x#y` is no canonical path"),
    ("path: /jwks.json", "path: \"/jwks?\"", "jwt.keys.path: `/jwks?` is no canonical path"),
    ("path: /jwks.json", "path: /discovery/v2.0/keys?appid=1-2&p=B2C_1A_signin", ""),
    ("types:", "leeway: 500ms\n          types:", ""),
    (" path: /jwks.json,", "", "jwt.keys: write `path`: where"),
    (" every: 5m,", "", "jwt.keys: write `every`: how often"),
    (", max_stale: 60m", "", "jwt.keys: write `max_stale`: for how long"),
    ("every: 5m", "every: 0s", "jwt.keys.every: `0s` is not between"),
    ("every: 5m", "every: 500ms", "jwt.keys.every: `500ms` is not between"),
    ("every: 5m", "every: 61m", "jwt.keys.every: `61m` is not between"),
    ("max_stale: 60m", "max_stale: 4m", "jwt.keys.max_stale: `4m` is not between 300s and 86400s"),
    ("max_stale: 60m", "max_stale: 1441m", "jwt.keys.max_stale: `1441m` is not between"),
    ("authority: keys, ", "", "jwt.keys: write either `inline`, or `authority`"),
    ("authority: keys, ", "authority: keys, inline: [], ", "jwt.keys: write either `inline`, or `authority`"),
    ("authority: keys, ", "inline: [], ", "jwt.keys.path: `path` is for keys that are fetched"),
    (
        "authority: keys, path: /jwks.json, every: 5m, max_stale: 60m",
        "inline: []",
        "jwt.keys.inline: write at least one key",
    ),
    (
        "authority: keys, path: /jwks.json, every: 5m, max_stale: 60m",
        "inline: [{ kty: oct, k: c2VjcmV0 }]",
        "jwt.keys.inline[0]: a key's `kty` is `RSA`, `EC` or `OKP`",
    ),
    ("{ tenant: /ext/tenant }", "{ tenant: ext }", "jwt.facts.further.tenant: `ext` is no JSON pointer"),
    ("{ tenant: /ext/tenant }", "{ tenant: /t }, subject: sub", "jwt.facts.subject: `sub` is no JSON pointer"),
    ("{ tenant: /ext/tenant }", "{ tenant: /t }, expires: /exp", "jwt.facts.expires: unknown key `expires`"),
    (
        "{ tenant: /ext/tenant }",
        "{ tenant: /t, not_before: /nbf }",
        "jwt.facts.further.not_before: `not_before` is a fact already",
    ),
];

/// A fault of builds without the feature `ps-eddsa`.
const fn of_the_feature(fault: &str) -> &str {
    if cfg!(feature = "ps-eddsa") { "" } else { fault }
}

#[test]
fn every_fault_is_told_with_its_place() {
    let sound = document(JWT);
    for (from, to, fault) in TABLE {
        assert!(sound.contains(from), "{from}");
        let found = faults(&sound.replacen(from, to, 1));
        let wanted = format!("credentials.token.verify[0].{fault}");
        let is_told = found.iter().any(|line| line.starts_with(&wanted));
        assert!(if fault.is_empty() { found.is_empty() } else { is_told }, "{to}: {found:#?}");
    }
}

#[test]
fn verifiers_are_in_their_order() {
    let told = |verify: &str| faults(&document(verify)).concat();
    assert_eq!(told(&format!("{JWT}{INTROSPECT}")), "");
    assert!(told(&format!("{INTROSPECT}{JWT}")).contains("verify: write `jwt` before `introspect`"));
    assert!(told("      []").contains("credentials.token.verify: write one verifier"));
}

#[test]
fn inline_keys_are_all_good_or_the_policy_is_not() {
    let inline = |keys: &[Value]| {
        let keys = serde_json::to_string(keys).unwrap();
        document(&JWT.replace(
            "{ authority: keys, path: /jwks.json, every: 5m, max_stale: 60m }",
            &format!("{{ inline: {keys} }}"),
        ))
    };
    let (one, two) = (Signer::new("ES256", "a").jwk(), Signer::new("RS256", "b").jwk());
    assert_eq!(faults(&inline(&[one.clone(), two.clone()])), [""; 0]);
    let named = |key: Value, id: &str| merged(key, json!({ "kid": id }));
    let only = |key: Value, algorithm: &str| merged(key, json!({ "alg": algorithm }));
    let rival = "[1]: another key has this `kid`, and is for the same algorithm";
    let third = Signer::new("RS256", "b").jwk();
    for (keys, fault) in [
        // A token's algorithm tells them apart.
        ([one.clone(), named(two.clone(), "a")], None),
        ([only(two.clone(), "RS256"), only(third.clone(), "RS512")], None),
        ([two.clone(), third.clone()], Some(rival)),
        ([only(two.clone(), "RS256"), only(third.clone(), "RS256")], Some(rival)),
        ([only(two.clone(), "RS256"), merged(third, json!({ "alg": null }))], Some(rival)),
        ([two.clone(), two.clone()], Some("[1]: this key is written twice")),
    ] {
        let told: Vec<_> =
            fault.map(|fault| format!("credentials.token.verify[0].jwt.keys.inline{fault}")).into_iter().collect();
        assert_eq!(faults(&inline(&keys)), told);
    }
    // Of two primes that were made as the faulty library made them.
    let roca = merged(
        two.clone(),
        json!({ "n": "o3jxjfvRP2-VK3Mv4B8w6U2lGL-ySyR-uYlSYnz2DlIvkWzsNglr8Wo35YoHf6D6ldG72pQUt9uxmkU5ECHEhbkIriZhTXqbWBH689eTCLmzAutF3lHkIa6KeZhdRsB8rdmQ_lyUcZAAzaaPvkEKyCMBKVZuuS3cf0EvXE8BFb4Rff9PUy4pzt4cSdq92El-R2jSrSVQQUBtDs3AfJe_-lwm451zfUGQhXDsFEBrMdBd6MjSPV4U7Hj7uVyf1U-LIkvjdPxx-G4q29ne-_VmK5r19XibSeuclolb7ovlSJlAHAjlztWaqNh_jrF-i0GV4stKeBEe2KjR3FGYV_RG6w" }),
    );
    assert_eq!(
        faults(&inline(&[one.clone(), roca])),
        [
            "credentials.token.verify[0].jwt.keys.inline[1]: `n` has the fingerprint of a library whose private keys can be found from the public ones (ROCA, CVE-2017-15361)"
        ]
    );
    let mut private = two;
    private["d"] = "AQAB".into();
    assert_eq!(
        faults(&inline(&[one, private])),
        ["credentials.token.verify[0].jwt.keys.inline[1]: this is a private key; only its public half may be told"]
    );
}

#[test]
fn audience_that_is_anybody_is_told() {
    let lints = |yaml: &str| {
        let document = read(yaml);
        let lints = Policy::compile(&document).unwrap().lints(&document);
        lints.into_iter().map(|Lint { code, path, .. }| format!("{code} {path}")).collect::<Vec<_>>()
    };
    let unasked = "authority_unused authorities.asked";
    let unremembered = "without_effect credentials.token.cache.refused_ttl";
    assert_eq!(lints(&document(JWT)), [unremembered, unasked]);
    let any = document(&JWT.replace("[api, other]", "any"));
    assert_eq!(lints(&any), [unremembered, "audience_missing credentials.token.verify[0].jwt.audiences", unasked]);
    let unused = document(&format!("{}{INTROSPECT}", JWT.replace("/ext/tenant", "/t, role: /r")));
    assert_eq!(
        lints(&unused),
        [
            "fact_not_stated credentials.token.verify[1].introspect",
            "fact_unused credentials.token.verify[0].jwt.facts.further.role"
        ]
    );
}
