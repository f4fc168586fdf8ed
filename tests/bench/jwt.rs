//! What a JWT costs that is seen for the first time: Brama beside Envoy's own `jwt_authn` and `rbac`, on the same
//! Envoy.
//!
//! All do the same work: issuer, audience, expiry, signature and one scope are checked, three claims are forwarded as
//! headers, the token is removed. No token is sent twice to one Envoy, and `jwt_authn` has no cache. What is counted is
//! the time of Envoy's process on a processor, so that what else the machine does matters less.

use std::process::Command;
use std::thread::scope;
use std::time::{SystemTime, UNIX_EPOCH};

use brama_e2e::client::{Call, Connection};
use brama_e2e::lone::Lone;
use brama_kit::signer::Signer;
use brama_run::Settings;
use serde_json::{Value, json};

const ROUNDS: usize = 9;
/// Of each Envoy in each round, each with a token of its own.
const REQUESTS: usize = 10_000;
/// A part of them, and a multiple of the clients.
const TURN: usize = 1000;
const CLIENTS: usize = 8;
const NAMES: [&str; 3] = ["no filter", "jwt_authn + rbac", "brama + rbac"];

fn main() {
    let settings = Settings::from_environment().unwrap();
    let signers = ["RS256", "ES256"].map(|algorithm| Signer::new(algorithm, algorithm));
    let keys = signers.each_ref().map(Signer::jwk);
    let envoys = [vec![], native(&keys), brama(&settings, &keys)].map(|filters| Lone::start(&settings.envoy, &filters));
    println!(
        "{ROUNDS} rounds of {REQUESTS} requests to each Envoy of one worker, {CLIENTS} connections; median (least to most) of \
         Envoy's microseconds of CPU for a request"
    );
    for signer in &signers {
        judges(&envoys, signer);
        // Warm: the plugin is compiled, memory is there.
        round(&envoys, signer);
        let rounds: Vec<_> = (0..ROUNDS).map(|_| round(&envoys, signer)).collect();
        report(signer.algorithm(), &rounds);
    }
}

/// Both Envoys refuse what they should, or their figures would mean nothing.
fn judges(envoys: &[Lone; 3], signer: &Signer) {
    let forger = Signer::new(signer.algorithm(), signer.kid());
    let sent = [token(signer, SCOPE, "a"), token(signer, "other", "a"), token(&forger, SCOPE, "a")];
    let statuses = |envoy: &Lone| sent.each_ref().map(|token| call(token).send(envoy.address()).status);
    assert_eq!(envoys.each_ref().map(statuses), [[200; 3], [200, 403, 401], [200, 403, 401]]);
}

/// What each Envoy took for a request. They take turns, short ones, so that all see the machine at its best and its
/// worst.
fn round(envoys: &[Lone; 3], signer: &Signer) -> [f64; 3] {
    let calls: Vec<_> =
        fresh(signer).iter().map(|token| call(token).header("Connection", "keep-alive").bytes()).collect();
    let connections = envoys.each_ref().map(|envoy| [(); CLIENTS].map(|()| Connection::open(envoy.address())));
    let before = envoys.each_ref().map(Lone::cpu);
    for (number, calls) in calls.chunks(TURN).enumerate() {
        for place in 0..envoys.len() {
            send(&connections[(number + place) % envoys.len()], calls);
        }
    }
    // Whoever is not at turn does nothing, so all of it is of the requests.
    [0, 1, 2].map(|which| (envoys[which].cpu() - before[which]).as_secs_f64() * 1e6 / REQUESTS as f64)
}

fn send(connections: &[Connection; CLIENTS], calls: &[Vec<u8>]) {
    scope(|threads| {
        for (connection, calls) in connections.iter().zip(calls.chunks(TURN / CLIENTS)) {
            threads.spawn(move || {
                for call in calls {
                    assert_eq!(connection.exchange(call).expect("an answer").status, 200);
                }
            });
        }
    });
}

fn report(algorithm: &str, rounds: &[[f64; 3]]) {
    let over = |which: usize| rounds.iter().map(|costs| costs[which] - costs[0]).collect();
    println!("\n{algorithm:<18} {:>24} {:>24}", "CPU us a request", "above no filter");
    for (which, name) in NAMES.iter().enumerate() {
        let own = spread(rounds.iter().map(|costs| costs[which]).collect(), 0);
        println!("{name:<18} {own:>24} {:>24}", spread(over(which), 0));
    }
    let ratios = rounds.iter().map(|[none, native, brama]| (brama - none) / (native - none)).collect();
    println!("brama's increment over jwt_authn's: {}", spread(ratios, 2));
}

/// The median, the least and the most; a time is as exact as [`Lone::cpu`], which is a microsecond of [`REQUESTS`].
fn spread(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (median, least, most) = (values[values.len() / 2], values[0], values[values.len() - 1]);
    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
}

/// Envoy's own filters.
fn native(keys: &[Value; 2]) -> Vec<Value> {
    let header = |name: &str, claim: &str| json!({ "header_name": name, "claim_name": claim });
    let provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": { "inline_string": json!({ "keys": keys }).to_string() },
        "payload_in_metadata": "claims",
        "claim_to_headers": [
            header("x-consumer-id", "sub"), header("x-consumer-client-id", "client_id"), header("x-consumer-scope", "scope"),
        ],
    });
    let scope = json!({ "metadata": {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{ "key": "claims" }, { "key": "scope" }],
        "value": { "string_match": { "contains": SCOPE } },
    }});
    let authentication = json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "id": provider },
            "rules": [{ "match": { "path": PATH }, "requires": { "provider_name": "id" } }],
        },
    });
    vec![authentication, rbac(scope)]
}

/// The plugin, and the lock that belongs behind it.
fn brama(settings: &Settings, keys: &[Value; 2]) -> Vec<Value> {
    let policy = json!({
        "version": 1,
        "name": "bench",
        "credentials": { "token": {
            "header": "authorization",
            "scheme": "Bearer",
            "verify": [{ "jwt": {
                "issuer": ISSUER, "audiences": [AUDIENCE], "types": ["at+jwt"], "algorithms": ["RS256", "ES256"],
                "keys": { "inline": keys },
            }}],
            "cache": { "ttl": "60s", "refused_ttl": "2s", "entries": 50_000 },
        }},
        "forward": {
            "headers": {
                "x-consumer-id": "token.subject", "x-consumer-client-id": "token.client_id", "x-consumer-scope": "token.scope",
            },
            "strip": ["x-consumer-*"],
        },
        "refusals": { "format": "ehealth" },
        "routes": [{
            "id": "division", "methods": ["GET"], "path": PATH,
            "require": { "credentials": ["token"], "scopes": { "all": [SCOPE] } },
        }],
    });
    let folder = tempfile::tempdir().unwrap();
    let [written, rendered] = ["policy.yaml", "ecds.json"].map(|name| folder.path().join(name));
    std::fs::write(&written, policy.to_string()).unwrap();
    let mut render = Command::new(&settings.brama);
    render.arg("render").arg(written).args(["--target", "envoy-ecds", "--wasm"]).arg(&settings.wasm);
    assert!(render.arg("-o").arg(&rendered).status().unwrap().success());
    let ecds: Value = serde_json::from_str(&std::fs::read_to_string(rendered).unwrap()).unwrap();
    let mark = json!({ "filter_state": { "key": "wasm.brama_decision", "string_match": { "exact": "allow" } } });
    vec![json!({ "name": "brama", "typed_config": ecds["resources"][0]["typed_config"] }), rbac(mark)]
}

fn rbac(principal: Value) -> Value {
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": { "action": "ALLOW", "policies": { "one": {
                "permissions": [{ "any": true }],
                "principals": [principal],
            }}},
        },
    })
}

/// As many tokens as a round needs, signed before it begins.
fn fresh(signer: &Signer) -> Vec<String> {
    let stamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    (0..REQUESTS).map(|number| token(signer, SCOPE, &format!("{stamp}-{number}"))).collect()
}

fn token(signer: &Signer, scope: &str, id: &str) -> String {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600;
    signer.token(
        &json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() }),
        &json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11", "client_id": "c1", "scope": scope,
            "exp": expires, "jti": id,
        }),
    )
}

fn call(token: &str) -> Call {
    Call::new("GET", PATH).token(token)
}

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "ehealth";
const SCOPE: &str = "private_contracts:write";
const PATH: &str = "/divisions";
