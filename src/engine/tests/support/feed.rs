//! A worker that remembers facts under a feed of revocations, and what that feed says.

use brama_policy::identity::Reply;
use serde_json::{Value, json};

use super::proxy::{GOOD_KEY, GOOD_TOKEN, Proxy};
use super::{Done, WITHOUT_FEED};

pub const KEY: &str = "token=k&token_type_hint=api_key";
pub const TOKEN: &str = "token=t&token_type_hint=access_token";
pub const HEAD: &str = "/revocations";
pub const LATER: &str = "/revocations?after=f:1&wait=1000";

/// SHA-256 of the API key `k`.
pub const KEY_SHA256: &str = "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a";

pub fn policy(following: &str) -> String {
    let auth = "auth: { bearer_env: BRAMA_AUTHORITY_SECRET }";
    assert!(WITHOUT_FEED.contains(auth));
    WITHOUT_FEED.replace(auth, &format!("{auth}\n    revocations: {following}"))
}

pub fn proxy(following: &str) -> Proxy {
    Proxy::new(&policy(following))
}

pub fn answer(proxy: &mut Proxy, call: u32, status: u16, body: &str) {
    proxy.reply_with(1, call, Some(Reply { status, body: body.as_bytes() }));
}

pub const FOLLOWING: &str = "{ path: /revocations, every: 1s, max_lag: 3s }";

/// A proxy that has remembered the facts of both credentials, under a feed that is fresh.
pub fn warm(following: &str) -> Proxy {
    warm_under(&policy(following))
}

pub fn warm_under(policy: &str) -> Proxy {
    let mut proxy = Proxy::new(policy);
    let first = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    assert_eq!(proxy.forms(), [KEY, HEAD]);
    news(&mut proxy, 2, &json!([]));
    proxy.reply(1, 1, Some(GOOD_KEY));
    let _rest = proxy.tick(1);
    proxy.reply(1, 3, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(first), PASSED);
    // The key was asked for before it was known where the feed stands, so it was not remembered.
    let second = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    assert_eq!(proxy.forms(), [KEY, HEAD, TOKEN, KEY]);
    proxy.reply(1, 4, Some(GOOD_KEY));
    assert_eq!(proxy.done(second), PASSED);
    proxy.asked.clear();
    proxy
}

pub const PASSED: [Done; 2] = [Done::Forwarded, Done::Resumed];

pub fn news(proxy: &mut Proxy, call: u32, entries: &Value) {
    page(proxy, call, entries, false, false);
}

pub fn page(proxy: &mut Proxy, call: u32, entries: &Value, more: bool, reset: bool) {
    let page = json!({ "entries": entries, "more": more, "reset": reset, "next": "f:1" });
    proxy.reply(1, call, Some(&page.to_string()));
}

/// What a request asks for; nothing where all is known, and it has passed. The answers are no use.
pub fn asks(proxy: &mut Proxy) -> Vec<String> {
    let before = proxy.asked.len();
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    let lookups: Vec<_> =
        proxy.asked[before..].iter().filter(|(_call, text)| !text.starts_with('/')).cloned().collect();
    if lookups.is_empty() {
        assert_eq!(proxy.done(stream), [Done::Forwarded]);
    }
    proxy.reset(stream);
    for (call, _text) in &lookups {
        proxy.reply(1, call.0, Some("{}"));
    }
    lookups.into_iter().map(|(_call, text)| text).collect()
}

/// The feed is asked at the next tick, a second later.
pub fn ask_feed(proxy: &mut Proxy) -> u32 {
    proxy.seconds += 1;
    let _rest = proxy.tick(1);
    let (call, text) = proxy.asked.last().unwrap();
    assert_eq!(text, LATER);
    call.0
}
