//! Owns the contest: each Envoy with its filters, and the requests that are sent to it.

use std::fs::File;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use brama_e2e::client::Call;
use brama_e2e::lone::{Lone, Setup};
use brama_kit::signer::Signer;
use brama_run::Settings;
use serde_json::{Value, json};

use super::authority::Authority;
use super::brama;

/// What is measured: requests of one kind to one Envoy.
pub struct Variant {
    pub name: &'static str,
    pub envoy: usize,
    pub requests: Requests,
    /// One of these answers each of them.
    pub statuses: &'static [u16],
    /// Requests before those of a turn, which are not measured.
    pub lead: usize,
    /// Requests of a turn; fewer where each costs much.
    pub turn: usize,
}

/// Which requests.
#[derive(Clone, Copy)]
pub enum Requests {
    /// The same one again and again.
    Same(fn(&Keys) -> Call),
    /// Each with a token of its own.
    Fresh(fn(&Keys, usize) -> Call),
}

/// The issuer, and a token of its that is known.
pub struct Keys {
    signer: Signer,
    pub known: String,
    /// What tells the tokens of one run from those of another.
    stamp: u128,
}

pub struct Contest {
    pub envoys: Vec<Lone>,
    pub keys: Keys,
    /// Parts of the names of what is measured; nothing else is. All is, where there is none.
    pub only: Vec<String>,
}

pub const NONE: &str = "no filter";
pub const NOOP: &str = "a plugin that does nothing";
pub const CHAIN: &str = "api_key_auth + jwt_authn + rbac";
pub const WARM: &str = "Brama: allowed, facts known";
pub const SCOPE_MISSING: &str = "Brama: refused, no scope";
pub const FLOOD: &str = "Brama: refused, a token nobody knows";
pub const CHAIN_COLD: &str = "jwt_authn + rbac, a new token each time";
pub const JWT_COLD: &str = "Brama: allowed, a new JWT each time";
pub const ROUTES: [(usize, &str); 3] = [
    (10, "Brama: allowed, 10 routes"),
    (1_000, "Brama: allowed, 1,000 routes"),
    (10_000, "Brama: allowed, 10,000 routes"),
];

/// Envoys by their places in [`Contest::envoys`].
pub const VARIANTS: [Variant; 17] = [
    Variant { name: NONE, envoy: 0, requests: Requests::Same(opaque), statuses: &[200], lead: 0, turn: 400 },
    Variant { name: NOOP, envoy: 1, requests: Requests::Same(opaque), statuses: &[200], lead: 0, turn: 400 },
    Variant { name: "api_key_auth", envoy: 2, requests: Requests::Same(opaque), statuses: &[200], lead: 0, turn: 400 },
    Variant { name: CHAIN, envoy: 3, requests: Requests::Same(known_jwt), statuses: &[200], lead: 0, turn: 400 },
    Variant {
        name: "Lua: key, token, scope, owner",
        envoy: 4,
        requests: Requests::Same(opaque),
        statuses: &[200],
        lead: 0,
        turn: 400,
    },
    Variant {
        name: "ext_authz (Envoy's side)",
        envoy: 5,
        requests: Requests::Same(opaque),
        statuses: &[200],
        lead: 0,
        turn: 400,
    },
    Variant { name: WARM, envoy: 6, requests: Requests::Same(opaque), statuses: &[200], lead: 0, turn: 400 },
    Variant { name: SCOPE_MISSING, envoy: 6, requests: Requests::Same(poor), statuses: &[403], lead: 0, turn: 400 },
    Variant {
        name: "Brama: refused, no token",
        envoy: 6,
        requests: Requests::Same(no_token),
        statuses: &[401],
        lead: 0,
        turn: 400,
    },
    Variant {
        name: "Brama: allowed, a new token each time",
        envoy: 12,
        requests: Requests::Fresh(fresh),
        statuses: &[200],
        lead: 0,
        turn: 200,
    },
    Variant { name: FLOOD, envoy: 6, requests: Requests::Fresh(unknown), statuses: &[401, 503], lead: 400, turn: 800 },
    Variant {
        name: "Brama: allowed, a known JWT",
        envoy: 7,
        requests: Requests::Same(known_jwt),
        statuses: &[200],
        lead: 0,
        turn: 400,
    },
    Variant { name: JWT_COLD, envoy: 7, requests: Requests::Fresh(fresh_jwt), statuses: &[200], lead: 0, turn: 200 },
    Variant { name: CHAIN_COLD, envoy: 8, requests: Requests::Fresh(fresh_jwt), statuses: &[200], lead: 0, turn: 200 },
    Variant { name: ROUTES[0].1, envoy: 9, requests: Requests::Same(opaque), statuses: &[200], lead: 0, turn: 400 },
    Variant { name: ROUTES[1].1, envoy: 10, requests: Requests::Same(opaque), statuses: &[200], lead: 0, turn: 400 },
    Variant { name: ROUTES[2].1, envoy: 11, requests: Requests::Same(opaque), statuses: &[200], lead: 0, turn: 400 },
];

pub const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
pub const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";
pub const TOKEN: &str = "good-c2778f3064753ea70de870a53795f5c9";
pub const ISSUER: &str = "https://id.example";
pub const AUDIENCE: &str = "ehealth";
pub const SCOPE: &str = "connection:delete";

fn call() -> Call {
    Call::delete(&format!("/api/clients/{CLIENT}/connections/e5372365-d47a-467f-81d0-f35117864352"))
        .header("Connection", "keep-alive")
}

fn opaque(_keys: &Keys) -> Call {
    call().api_key(API_KEY).token(TOKEN)
}

fn poor(_keys: &Keys) -> Call {
    call().api_key(API_KEY).token("poor-c2778f3064753ea70de870a53795f5c9")
}

fn no_token(_keys: &Keys) -> Call {
    call().api_key(API_KEY)
}

fn known_jwt(keys: &Keys) -> Call {
    call().api_key(API_KEY).token(&keys.known)
}

fn fresh(keys: &Keys, number: usize) -> Call {
    call().api_key(API_KEY).token(&format!("good-{}-{number}", keys.stamp))
}

fn unknown(keys: &Keys, number: usize) -> Call {
    call().api_key(API_KEY).token(&format!("unknown-{}-{number}", keys.stamp))
}

fn fresh_jwt(keys: &Keys, number: usize) -> Call {
    call().api_key(API_KEY).token(&keys.token(&format!("{}-{number}", keys.stamp)))
}

impl Keys {
    fn new() -> Self {
        let signer = Signer::new("RS256", "k");
        let stamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let mut keys = Self { signer, known: String::new(), stamp };
        keys.known = keys.token("known");
        keys
    }

    fn token(&self, id: &str) -> String {
        self.signer.token(
            &json!({ "alg": "RS256", "typ": "at+jwt", "kid": "k" }),
            &json!({
                "iss": ISSUER, "aud": AUDIENCE, "sub": "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11", "client_id": CLIENT,
                "client_type": "MSP", "scope": SCOPE, "exp": 4_000_000_000_u64, "jti": id,
            }),
        )
    }

    pub fn jwk(&self) -> Value {
        self.signer.jwk()
    }
}

impl Contest {
    /// All Envoys, each with so many workers.
    pub fn start(settings: &Settings, authority: &Authority, workers: usize, only: &[String]) -> Self {
        let keys = Keys::new();
        let ehealth = |document: &Value| brama::filters(settings, document);
        let shipped = brama::shipped();
        let chains = vec![
            vec![],
            noop(),
            vec![api_key_auth()],
            [vec![api_key_auth()], jwt_authn(&keys, true)].concat(),
            vec![lua()],
            vec![ext_authz(authority)],
            ehealth(&shipped),
            ehealth(&brama::with_jwt(&shipped, &keys.jwk())),
            jwt_authn(&keys, false),
            ehealth(&brama::with_routes(&shipped, ROUTES[0].0)),
            ehealth(&brama::with_routes(&shipped, ROUTES[1].0)),
            ehealth(&brama::with_routes(&shipped, ROUTES[2].0)),
            ehealth(&brama::without_haste(&shipped)),
        ];
        let envoys = chains.into_iter().map(|filters| start(&settings.envoy, authority, filters, workers));
        Self { envoys: envoys.collect(), keys, only: only.to_vec() }
    }

    pub fn measures(&self, variant: &Variant) -> bool {
        let is_named = self.only.iter().any(|part| variant.name.contains(part));
        self.only.is_empty() || variant.name == NONE || is_named
    }

    /// Each Envoy answers as it should, or its figures would mean nothing; and those that judge refuse.
    pub fn judges(&self) {
        for variant in &VARIANTS {
            let call = match variant.requests {
                Requests::Same(call) => call(&self.keys),
                Requests::Fresh(call) => call(&self.keys, usize::MAX),
            };
            let reply = call.send(self.envoys[variant.envoy].address());
            assert!(variant.statuses.contains(&reply.status), "{}: {reply:?}", variant.name);
        }
        let strange = Call::delete("/api/clients/x/connections/y").api_key("strange").token("strange");
        for judge in [2, 3, 4, 6, 7, 8, 9, 10, 11, 12] {
            let reply = strange.send(self.envoys[judge].address());
            assert!(matches!(reply.status, 401 | 403), "{judge}: {reply:?}");
        }
    }
}

pub fn start(envoy: &Path, authority: &Authority, filters: Vec<Value>, workers: usize) -> Lone {
    Lone::with(envoy, setup(authority, filters, workers))
}

pub fn setup(authority: &Authority, filters: Vec<Value>, workers: usize) -> Setup {
    let cluster = json!({
        "name": "authority", "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": { "cluster_name": "authority", "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": {
            "socket_address": { "address": "127.0.0.1", "port_value": authority.address().port() },
        }}}]}]},
    });
    Setup {
        filters,
        clusters: vec![cluster],
        workers: Some(workers),
        environment: vec![("BRAMA_AUTHORITY_SECRET", "a-secret-of-the-bench")],
        ..Setup::default()
    }
}

/// Everything is logged, host calls among it.
pub fn talkative(setup: Setup, log: File) -> Setup {
    Setup { arguments: vec!["--component-log-level", "wasm:trace"], log: Some(log), ..setup }
}

/// `src/filter/examples/noop.rs`.
pub fn noop() -> Vec<Value> {
    vec![json!({
        "name": "noop",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": { "name": "noop", "vm_config": {
                "vm_id": "noop", "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": std::env::var("BRAMA_NOOP_WASM").expect("BRAMA_NOOP_WASM is set") } },
            }},
        },
    })]
}

fn api_key_auth() -> Value {
    json!({
        "name": "envoy.filters.http.api_key_auth",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
            "credentials": [{ "key": API_KEY, "client": "m" }],
            "key_sources": [{ "header": "api-key" }],
            "forwarding": { "header": "x-api-client", "hide_credentials": true },
        },
    })
}

fn jwt_authn(keys: &Keys, is_cached: bool) -> Vec<Value> {
    let header = |name: &str, claim: &str| json!({ "header_name": name, "claim_name": claim });
    let mut provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": { "inline_string": json!({ "keys": [keys.jwk()] }).to_string() },
        "payload_in_metadata": "claims",
        "claim_to_headers": [
            header("x-consumer-id", "sub"), header("x-consumer-client-id", "client_id"), header("x-consumer-scope", "scope"),
        ],
    });
    if is_cached {
        provider["jwt_cache_config"] = json!({ "jwt_cache_size": 1000 });
    }
    let authentication = json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "id": provider },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "id" } }],
        },
    });
    let claim = |name: &str, wanted: Value| {
        json!({ "metadata": {
            "filter": "envoy.filters.http.jwt_authn", "path": [{ "key": "claims" }, { "key": name }],
            "value": { "string_match": wanted },
        }})
    };
    // The scope, and the owner of the client that is named in the path.
    let principal = json!({ "and_ids": { "ids": [
        claim("scope", json!({ "contains": SCOPE })), claim("client_id", json!({ "exact": CLIENT })),
    ]}});
    let permission = json!({ "and_rules": { "rules": [
        { "header": { "name": ":method", "string_match": { "exact": "DELETE" } } },
        { "url_path": { "path": { "prefix": format!("/api/clients/{CLIENT}/connections/") } } },
    ]}});
    vec![authentication, rbac(permission, principal)]
}

pub fn rbac(permission: Value, principal: Value) -> Value {
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": { "action": "ALLOW", "policies": { "one": { "permissions": [permission], "principals": [principal] } } },
        },
    })
}

fn lua() -> Value {
    let script = format!(
        r#"
local keys = {{ ["{API_KEY}"] = "m" }}
local tokens = {{ ["{TOKEN}"] = {{ id = "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11", client = "{CLIENT}", scope = "{SCOPE}" }} }}
function envoy_on_request(handle)
  local headers = handle:headers()
  local key = keys[headers:get("api-key")]
  local token = tokens[(headers:get("authorization") or ""):match("^Bearer (.+)$")]
  if not key or not token then return handle:respond({{ [":status"] = "401" }}, "") end
  local client = headers:get(":path"):match("^/api/clients/([^/]+)/connections/[^/]+$")
  if client ~= token.client or token.scope ~= "{SCOPE}" then return handle:respond({{ [":status"] = "403" }}, "") end
  headers:remove("api-key")
  headers:remove("authorization")
  headers:replace("x-consumer-id", token.id)
  headers:replace("x-consumer-client-id", token.client)
  headers:replace("x-consumer-scope", token.scope)
end"#
    );
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": script },
        },
    })
}

fn ext_authz(authority: &Authority) -> Value {
    json!({
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "http_service": { "server_uri": {
                "uri": format!("http://{}", authority.address()), "cluster": "authority", "timeout": "1s",
            }},
        },
    })
}
