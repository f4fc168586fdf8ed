//! `brama token verify`: what a policy makes of a token, and why.

use crate::support::{POLICY, Run, folder, run};
use brama_kit::signer::{self, Signer, merged};
use serde_json::{Value, json};
use tempfile::TempDir;

const JWT: &str = "jwt: { issuer: \"https://id.example\", audiences: [api], types: [at+jwt], \
    algorithms: [RS256, RS384, RS512, ES256, ES384, ES512], keys: { authority: a, path: /jwks, every: 5m, max_stale: 60m } }";

/// The policy of all commands' tests, in which tokens may also speak for themselves.
fn policy(jwt: &str) -> String {
    POLICY.replace("[{ introspect", &format!("[{{ {jwt} }}, {{ introspect"))
}

fn jwks(signers: &[Signer]) -> String {
    json!({ "keys": signers.iter().map(Signer::jwk).collect::<Vec<_>>() }).to_string()
}

fn token(signer: &Signer, changes: Value) -> String {
    let header = json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() });
    let claims =
        json!({ "iss": "https://id.example", "aud": "api", "sub": "u1", "scope": "read", "iat": 1000, "exp": 2000 });
    signer.token(&header, &merged(claims, changes))
}

/// A folder with the policy, and the keys of these signers.
fn project(signers: &[Signer]) -> TempDir {
    folder(&[("p.yaml", &policy(JWT)), ("jwks.json", &jwks(signers))])
}

#[track_caller]
fn verify(folder: &TempDir, further: &[&str], token: &str) -> Run {
    let arguments = [&["token", "verify", "--policy", "p.yaml", "--now", "1500"], further, &[token]].concat();
    let run = run(folder.path(), &arguments, b"");
    if token.len() > 20 {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!run.stdout.contains(signature) && !run.stderr.contains(signature), "{}", run.stdout);
    }
    run
}

#[test]
fn good_token_is_good_with_every_algorithm() {
    let signers = signer::all();
    let project = project(&signers);
    for signer in &signers {
        let run = verify(&project, &["--jwks", "jwks.json"], &token(signer, json!({})));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        let expected = format!(
            " ok  form       a JWT: alg {0}, typ at+jwt, kid `{0}`
 ok  iss        as the policy wants it
 ok  aud        as the policy wants it
 ok  exp        2000, in 500 s
 ok  nbf        not stated, nor needed
 ok  iat        1000, 500 s ago
 ok  key        one of 6 that can be used; 0 cannot
 ok  signature  the key's
 ok  facts      subject u1, scope \"read\", not_before 1000, expires 2000

GOOD
",
            signer.algorithm()
        );
        assert_eq!(run.stdout, expected);
    }
}

#[test]
fn algorithm_that_not_every_plugin_verifies_is_said_to_be_one() {
    let signers = signer::of_the_feature();
    let jwt = JWT.replace("[RS256, RS384, RS512, ES256, ES384, ES512]", "[EdDSA, RS256, PS256, PS384, PS512]");
    let project = folder(&[("p.yaml", &policy(&jwt)), ("jwks.json", &jwks(&signers))]);
    for (signer, other) in signers.iter().zip(&signer::of_the_feature()) {
        let run = verify(&project, &["--jwks", "jwks.json"], &token(signer, json!({})));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        let told = " ok  signature  the key's; only a plugin built with the feature `ps-eddsa` verifies it\n";
        assert!(run.stdout.contains(told), "{}", run.stdout);
        let run = verify(&project, &["--jwks", "jwks.json"], &token(other, json!({})));
        assert_eq!(run.code, 1);
        assert!(run.stdout.ends_with("\nREFUSED signature\n"), "{}", run.stdout);
    }
    let note = "note: a plugin built with the feature `ps-eddsa` is needed for PS256, PS384, PS512, EdDSA; any other refuses this policy\n";
    let check = run(project.path(), &["check", "--strict", "p.yaml"], b"");
    assert_eq!((check.code, check.stdout), (0, format!("p.yaml: sound, 2 rules\n  {note}")));
    let render = run(project.path(), &["render", "p.yaml", "--target", "plugin-config"], b"");
    assert_eq!((render.code, render.stderr), (0, format!("brama: {note}")));
    std::fs::write(project.path().join("p.yaml"), policy(JWT)).unwrap();
    assert_eq!(run(project.path(), &["check", "p.yaml"], b"").stdout, "p.yaml: sound, 2 rules\n");
    assert_eq!(run(project.path(), &["render", "p.yaml", "--target", "plugin-config"], b"").stderr, "");
}

#[test]
fn programs_are_told_the_same() {
    let signer = Signer::new("ES384", "k");
    let project = project(std::slice::from_ref(&signer));
    let told = |changes: Value| -> Value {
        serde_json::from_str(&verify(&project, &["--jwks", "jwks.json", "--json"], &token(&signer, changes)).stdout)
            .unwrap()
    };
    let good = told(json!({}));
    assert_eq!((&good["verdict"], &good["reason"], &good["verifier"]), (&json!("good"), &Value::Null, &json!("jwt")));
    assert_eq!(good["facts"]["subject"], "u1");
    let refused = told(json!({ "aud": "other" }));
    assert_eq!(
        (&refused["verdict"], &refused["reason"], &refused["facts"]),
        (&json!("refused"), &json!("audience"), &Value::Null)
    );
    assert_eq!(refused["steps"][2]["outcome"], "lacking");
    assert_eq!(
        refused["steps"][7],
        json!({ "step": "signature", "outcome": "passed", "code": null, "message": "the key's" })
    );
}

#[test]
fn token_that_could_not_be_held_against_a_deny_list_is_refused() {
    let signer = Signer::new("ES256", "k");
    let project = project(std::slice::from_ref(&signer));
    let odd = token(&signer, json!({ "jti": 5 }));
    assert_eq!(verify(&project, &["--jwks", "jwks.json"], &odd).code, 0);
    let followed =
        policy(JWT).replace("bearer_env: S }", "bearer_env: S }, revocations: { path: /r, every: 1s, max_lag: 3s }");
    assert_ne!(followed, policy(JWT));
    std::fs::write(project.path().join("p.yaml"), followed).unwrap();
    let run = verify(&project, &["--jwks", "jwks.json"], &odd);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains(" no  facts      `jti` is not what RFC 7519 says it is\n"), "{}", run.stdout);
    assert_eq!(verify(&project, &["--jwks", "jwks.json"], &token(&signer, json!({ "jti": "5" }))).code, 0);
}

#[test]
fn bad_token_is_told_why() {
    let (signer, other) = (Signer::new("ES256", "k"), Signer::new("ES256", "k"));
    let project = project(std::slice::from_ref(&signer));
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "k" });
    for (token, told, reason) in [
        (
            token(&signer, json!({ "exp": 1470 })),
            " no  exp        `exp` is not in the future: 1470, 30 s ago",
            "expired",
        ),
        (
            token(&signer, json!({ "nbf": 1501 })),
            " no  nbf        `nbf` is in the future: 1501, in 1 s",
            "not_yet_valid",
        ),
        (
            token(&signer, json!({ "iss": "https://id.example/" })),
            " no  iss        `iss` is not the policy's issuer; the token has \"https://id.example/\", the policy \"https://id.example\"\n",
            "issuer",
        ),
        (
            token(&signer, json!({ "iss": null })),
            " no  iss        `iss` is not stated; the policy has \"https://id.example\"\n",
            "claim_missing",
        ),
        (
            token(&signer, json!({ "aud": ["x", "\u{1b}[2J"] })),
            " no  aud        `aud` is none of the policy's audiences; the token has [\"x\",\"\\u001b[2J\"], the policy [\"api\"]\n",
            "audience",
        ),
        (
            token(&signer, json!({ "sub": [5] })),
            " no  facts      the fact `subject` at `/sub` is no text, whole number or boolean\n",
            "fact",
        ),
        (token(&other, json!({})), " no  signature  its signature is not that of the key", "signature"),
        (
            token(&Signer::new("ES256", "x\u{1b}[2J"), json!({})),
            " no  key        no key has its `kid`; the token has \"x\\u001b[2J\", the set [\"k\"]\n",
            "key_unknown",
        ),
        (
            signer.token(&header, &json!({})),
            " no  form       its `typ` is none of the policy's; the token has \"JWT\", the policy [\"at+jwt\"]\n",
            "type",
        ),
        (
            signer.token(&json!({ "alg": "ES256", "kid": "k" }), &json!({})),
            " no  form       the token has no `typ`; the policy has [\"at+jwt\"]\n",
            "type_missing",
        ),
        (
            signer.token(&json!({ "alg": null, "typ": "at+jwt" }), &json!({})),
            " no  form       the token has no `alg`; the policy has [\"RS256\",",
            "algorithm_missing",
        ),
        (
            signer.token(&json!({ "alg": "HS256", "typ": "at+jwt" }), &json!({})),
            " no  form       its algorithm is none of the policy's; the token has \"HS256\", the policy [\"RS256\",",
            "algorithm",
        ),
        ("a b".to_owned(), " no  form       a credential is 1 to 8192 bytes", "malformed"),
    ] {
        let run = verify(&project, &["--jwks", "jwks.json"], &token);
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(told), "{}", run.stdout);
        assert!(run.stdout.ends_with(&format!("\nREFUSED {reason}\n")), "{}", run.stdout);
        assert!(!run.stdout.contains('\u{1b}'), "what a token says does not steer a terminal");
    }
}

#[test]
fn what_nobody_can_say_here_is_said() {
    let signer = Signer::new("ES256", "k");
    let project = project(std::slice::from_ref(&signer));
    let run = verify(&project, &[], &token(&signer, json!({})));
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(
        run.stdout.contains(" ??  key        published by `a`, which this command does not ask; give it with `--jwks`")
    );
    assert!(run.stdout.ends_with("\nUNKNOWN\n"));
    // What is known without the key is enough to refuse.
    assert_eq!(verify(&project, &[], &token(&signer, json!({ "exp": 1400 }))).code, 1);
    let run = verify(&project, &[], "c2778f3064753ea70de870a53795f5c9");
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(
        run.stdout.contains("no JWT to this policy: the authority would be asked by introspection"),
        "{}",
        run.stdout
    );
    let run = verify(&project, &[], &signer.token(&json!({ "typ": "at+jwt" }), &json!({})));
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(
        run.stdout.contains("no JWT to this policy, since the token has no `alg`: the authority"),
        "{}",
        run.stdout
    );
}

#[test]
fn policy_may_hold_the_keys() {
    let signer = Signer::new("RS256", "k");
    let keys = format!("keys: {{ inline: [{}] }}", signer.jwk());
    let jwt = JWT.replace("keys: { authority: a, path: /jwks, every: 5m, max_stale: 60m }", &keys);
    let project = folder(&[("p.yaml", &policy(&jwt)), ("jwks.json", &jwks(std::slice::from_ref(&signer)))]);
    assert_eq!(verify(&project, &[], &token(&signer, json!({}))).code, 0);
    let run = verify(&project, &["--jwks", "jwks.json"], &token(&signer, json!({})));
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("--jwks: the policy holds the keys itself"), "{}", run.stderr);
}

#[test]
fn token_may_come_from_standard_input() {
    let signer = Signer::new("ES256", "k");
    let project = project(std::slice::from_ref(&signer));
    let token = token(&signer, json!({}));
    let verify = |input: &str| {
        let arguments = ["token", "verify", "--policy", "p.yaml", "--now", "1500", "--jwks", "jwks.json", "-"];
        run(project.path(), &arguments, input.as_bytes()).code
    };
    assert_eq!([verify(&token), verify(&format!("{token}\n")), verify(&format!("{token}\r\n"))], [0, 0, 0]);
    assert_eq!([verify(""), verify(&format!("{token}\n\n")), verify(&format!(" {token}"))], [1, 1, 1]);
    assert_eq!(verify(&format!("{token}{}", "A".repeat(100_000))), 1);
}

#[test]
fn what_cannot_be_read_is_exit_code_2() {
    let project = project(&[]);
    let no_tokens = "version: 1\nname: x\nforward: { headers: {} }\nrefusals: { format: ehealth }\nroutes: [{ id: a, methods: [GET], path: /, public: { because: a test } }]\n";
    std::fs::write(project.path().join("none.yaml"), no_tokens).unwrap();
    std::fs::write(project.path().join("faulty.yaml"), no_tokens.replace("GET", "get")).unwrap();
    let token = token(&Signer::new("ES256", "k"), json!({}));
    for (arguments, told) in [
        (&["--policy", "p.yaml", "--jwks", "p.yaml"][..], "p.yaml cannot be used: the set of keys is no JSON object"),
        (&["--policy", "p.yaml", "--jwks", "nowhere"], "nowhere cannot be read"),
        (&["--policy", "none.yaml"], "the policy knows no `token`"),
        (&["--policy", "faulty.yaml"], "faulty.yaml: 1 fault"),
        (&["--policy", "nowhere.yaml"], "nowhere.yaml cannot be read"),
    ] {
        let run = run(project.path(), &[&["token", "verify"], arguments, &[&token]].concat(), b"");
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains(told) && !run.stderr.contains(&token), "{}", run.stderr);
    }
}

#[test]
fn what_is_left_out_of_a_set_is_told() {
    let signer = Signer::new("ES256", "k");
    let encrypts = merged(Signer::new("RS256", "e").jwk(), json!({ "use": "enc" }));
    let set = json!({ "keys": [encrypts, signer.jwk(), { "kty": "AKP" }] }).to_string();
    let project = folder(&[("p.yaml", &policy(JWT)), ("jwks.json", &set)]);
    let run = verify(&project, &["--jwks", "jwks.json"], &token(&signer, json!({})));
    assert_eq!(run.code, 0);
    let told = " ok  key        one of 1 that can be used; 2 cannot\n";
    assert!(run.stdout.contains(told), "{}", run.stdout);
    let told = "     left out   the key `e`: a key that verifies has `use` `sig`, or none
     left out   a key without `kid`: a key's `kty` is `RSA`, `EC` or `OKP`

GOOD
";
    assert!(run.stdout.ends_with(told), "{}", run.stdout);
    let run = verify(&project, &["--jwks", "jwks.json", "--json"], &token(&signer, json!({ "iss": "x" })));
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["left_out"][0], "the key `e`: a key that verifies has `use` `sig`, or none");
    assert_eq!((&told["steps"][1]["stated"], &told["steps"][1]["wanted"]), (&json!("x"), &json!("https://id.example")));
}

#[test]
fn set_without_keys_verifies_nothing() {
    let project = project(&[]);
    let token = token(&Signer::new("ES256", "k"), json!({}));
    let run = run(project.path(), &["token", "verify", "--policy", "p.yaml", "--jwks", "jwks.json", &token], b"");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("no key has its `kid`"), "{}", run.stdout);
}

#[test]
fn verifier_that_claims_a_token_is_told_and_why_the_others_do_not() {
    let [own, other] = [Signer::new("ES256", "k"), Signer::new("ES256", "k")];
    let inline = |issuer: &str, signer: &Signer| {
        JWT.replace("https://id.example", issuer).replace(
            "keys: { authority: a, path: /jwks, every: 5m, max_stale: 60m }",
            &format!("keys: {{ inline: [{}] }}", signer.jwk()),
        )
    };
    let tenants = inline("https://login.example/{tenant}", &other)
        .replace("audiences", "tenant: { claim: /tid, allow: [t1] }, audiences");
    let github = "introspect: { when: { prefix: ghp_ }, authority: a, path: /g, hint: g, expect: { /u: x } }";
    let policy = POLICY.replace(
        "[{ introspect",
        &format!("[{{ {} }}, {{ {tenants} }}, {{ {github} }}, {{ introspect", inline("https://id.example", &own)),
    );
    let project = folder(&[("p.yaml", &policy)]);
    let of = |signer: &Signer, changes: Value| verify(&project, &[], &token(signer, changes));
    let good = of(&own, json!({}));
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let told = "     claimed    verify[0], `jwt` of `https://id.example`
     not        verify[1], `jwt` of `https://login.example/{tenant}`: its `iss` is another
     not        verify[2], `introspect` of `ghp_…`: it is a JWT, and those are for `jwt` alone
     not        verify[3], `introspect` of the rest: it is a JWT, and those are for `jwt` alone

GOOD
";
    assert!(good.stdout.ends_with(told), "{}", good.stdout);
    let tenant = |tenant: &str, claim: &str| json!({ "iss": format!("https://login.example/{tenant}"), "tid": claim });
    for (run, code, told) in [
        (of(&other, tenant("t1", "t1")), 0, "     claimed    verify[1], `jwt` of `https://login.example/{tenant}`\n"),
        (of(&own, tenant("t1", "t1")), 1, "REFUSED signature\n"),
        (
            of(&other, tenant("t2", "t2")),
            1,
            " no  iss        the tenant in `iss` is none of the policy's; the token has \"https://login.example/t2\", the policy \"https://login.example/{tenant}\"\n",
        ),
        (of(&other, tenant("t1", "t2")), 1, "REFUSED tenant_claim\n"),
        (
            of(&own, json!({ "iss": "https://evil.example/\u{1b}[2J" })),
            1,
            " no  iss        `iss` is none of the policy's issuers; the token has \"https://evil.example/\\u001b[2J\", the policy [\"https://id.example\",\"https://login.example/{tenant}\"]\n",
        ),
        (of(&own, json!({ "iss": null })), 1, "REFUSED claim_missing\n"),
        (
            verify(&project, &[], "ghp_0123"),
            2,
            "     claimed    verify[2], `introspect` of `ghp_…`\n     not        verify[3], `introspect` of the rest: a verifier before it claims it\n",
        ),
        (
            verify(&project, &[], "0123"),
            2,
            "     not        verify[2], `introspect` of `ghp_…`: it does not begin with `ghp_`\n     claimed    verify[3]",
        ),
    ] {
        assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(told), "{}", run.stdout);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
    let json = verify(&project, &["--json"], &token(&own, json!({ "iss": "https://evil.example" }))).stdout;
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&told["verdict"], &told["reason"], &told["verifier"]),
        (&json!("refused"), &json!("issuer"), &Value::Null)
    );
    assert_eq!(told["claims"].as_array().unwrap().iter().filter(|claim| claim["claims"] == true).count(), 0);
    let alone = POLICY.replace("[{ introspect: {", "[{ introspect: { when: { prefix: ghp_ },");
    std::fs::write(project.path().join("p.yaml"), alone).unwrap();
    let run = verify(&project, &[], "0123");
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stdout.ends_with("\nREFUSED unclaimed\n"), "{}", run.stdout);
}
