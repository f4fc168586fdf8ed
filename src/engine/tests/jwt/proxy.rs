//! A proxy whose tokens are JWTs: its requests, and the outcome of each.

use brama_engine::host::StreamId;
use brama_engine::worker::Flow;
use brama_fake::{Call, Clock, Done, Observer, Proxy, ROOT, Request, headers, settings};
use brama_kit::library;
use brama_kit::signer::{Signer, merged};
use brama_policy::identity::SignatureCheck;
use serde_json::{Value, json};

pub(crate) const POLICY: &str = "
version: 1
name: x
authorities:
  login: { cluster: login, host: id.example, timeout: 1s, auth: { none: { because: public } } }
  asked: { cluster: asked, host: h, timeout: 1s, auth: { bearer_env: S } }
credentials:
  token:
    header: authorization
    scheme: Bearer
    cache: { ttl: 60s, refused_ttl: 2s, entries: 10 }
    verify:
      - jwt:
          issuer: https://id.example
          audiences: [api]
          types: [at+jwt]
          algorithms: [RS256, ES256]
          keys: { authority: login, path: /jwks.json, every: 5m, max_stale: 60m }
      - introspect: { authority: asked, path: /introspect, hint: token, expect: { /u: t } }
forward: { headers: { x-user: token.subject } }
refusals: { format: ehealth }
routes: [{ id: r, methods: [GET], path: /r, require: { credentials: [token], scopes: none } }]
";

pub(crate) const NOW: u64 = Clock::START;

/// Verifies signatures as Envoy does.
struct Library;

impl Observer for Library {
    fn verifies(&self, _request: &Request, check: &SignatureCheck<'_>) -> bool {
        library::is_the_keys(check)
    }
}

/// A worker that was just configured.
pub(crate) fn new() -> Proxy {
    under(POLICY)
}

/// A worker that was just configured with this policy.
pub(crate) fn under(policy: &str) -> Proxy {
    let mut proxy = Proxy::new(settings(policy), Library);
    proxy.follow(ROOT);
    proxy
}

/// A worker that has these keys.
pub(crate) fn with(signers: &[&Signer]) -> Proxy {
    publishing(POLICY, &set(signers))
}

/// A worker that has fetched this set.
pub(crate) fn publishing(policy: &str, keys: &str) -> Proxy {
    let mut proxy = under(policy);
    let _rest = proxy.tick();
    proxy.reply_to_last(Some((200, keys)));
    proxy
}

pub(crate) trait Gateway {
    fn request(&mut self, token: &str) -> (StreamId, Flow);

    /// What becomes of a request at once.
    fn outcome(&mut self, token: &str) -> Done;

    /// The clusters and paths that were asked, in order.
    fn places(&self) -> Vec<String>;
}

impl Gateway for Proxy {
    fn request(&mut self, token: &str) -> (StreamId, Flow) {
        let stream = self.send(headers("GET", "/r", &[("authorization", &format!("Bearer {token}"))]));
        (stream, self.flow(stream))
    }

    fn outcome(&mut self, token: &str) -> Done {
        let (stream, _flow) = self.request(token);
        *self.done(stream).last().unwrap()
    }

    fn places(&self) -> Vec<String> {
        self.asked.iter().map(Call::place).collect()
    }
}

pub(crate) fn set(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() }).to_string()
}

pub(crate) fn token_with(signer: &Signer, header: Value, claims: Value) -> String {
    let known = json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() });
    let stated = json!({ "iss": "https://id.example", "aud": "api", "sub": "u1", "exp": NOW + 7200 });
    signer.token(&merged(known, header), &merged(stated, claims))
}

pub(crate) fn token(signer: &Signer) -> String {
    token_with(signer, json!({}), json!({}))
}
