//! A worker that remembers facts under a feed of revocations, and what that feed says.

use brama_fake::{Done, Proxy};
use serde_json::{Value, json};

use super::proxy::{self, GOOD_KEY, GOOD_TOKEN, Gateway as _, PASSED, WITHOUT_FEED};

pub(crate) const KEY: &str = "token=k&token_type_hint=api_key";
pub(crate) const TOKEN: &str = "token=t&token_type_hint=access_token";
pub(crate) const HEAD: &str = "/revocations";
pub(crate) const LATER: &str = "/revocations?after=f:1&wait=1000";

/// SHA-256 of the API key `k`.
pub(crate) const KEY_SHA256: &str = "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a";

pub(crate) fn policy(following: &str) -> String {
    let auth = "auth: { bearer_env: BRAMA_AUTHORITY_SECRET }";
    assert!(WITHOUT_FEED.contains(auth));
    WITHOUT_FEED.replace(auth, &format!("{auth}\n    revocations: {following}"))
}

pub(crate) fn proxy(following: &str) -> Proxy {
    proxy::under(&policy(following))
}

pub(crate) fn answer(proxy: &mut Proxy, call: u32, status: u16, body: &str) {
    proxy.reply_to(call, Some((status, body)));
}

pub(crate) const FOLLOWING: &str = "{ path: /revocations, every: 1s, max_lag: 3s }";

/// A proxy that has remembered the facts of both credentials, under a feed that is fresh.
pub(crate) fn warm(following: &str) -> Proxy {
    warm_under(&policy(following))
}

pub(crate) fn warm_under(policy: &str) -> Proxy {
    let mut proxy = proxy::under(policy);
    let first = proxy.request("k", "t");
    let _rest = proxy.tick();
    assert_eq!(proxy.forms(), [KEY, HEAD]);
    news(&mut proxy, 2, &json!([]));
    proxy.reply(1, Some(GOOD_KEY));
    let _rest = proxy.tick();
    proxy.reply(3, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(first), PASSED);
    // The key was asked for before it was known where the feed stands, so it was not remembered.
    let second = proxy.request("k", "t");
    let _rest = proxy.tick();
    assert_eq!(proxy.forms(), [KEY, HEAD, TOKEN, KEY]);
    proxy.reply(4, Some(GOOD_KEY));
    assert_eq!(proxy.done(second), PASSED);
    proxy.asked.clear();
    proxy
}

pub(crate) fn news(proxy: &mut Proxy, call: u32, entries: &Value) {
    page(proxy, call, entries, false, false);
}

pub(crate) fn page(proxy: &mut Proxy, call: u32, entries: &Value, more: bool, reset: bool) {
    let page = json!({ "entries": entries, "more": more, "reset": reset, "next": "f:1" });
    proxy.reply(call, Some(&page.to_string()));
}

/// What a request asks for; nothing where all is known, and it has passed. The answers are no use.
pub(crate) fn asks(proxy: &mut Proxy) -> Vec<String> {
    let before = proxy.asked.len();
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    let lookups: Vec<_> = proxy.asked[before..].iter().filter(|call| call.form.is_some()).cloned().collect();
    if lookups.is_empty() {
        assert_eq!(proxy.done(stream), [Done::Forwarded]);
    }
    proxy.reset(stream);
    for call in &lookups {
        proxy.reply(call.id, Some("{}"));
    }
    lookups.into_iter().filter_map(|call| call.form).collect()
}

/// The feed is asked at the next tick, a second later.
pub(crate) fn ask_feed(proxy: &mut Proxy) -> u32 {
    proxy.later(1);
    let _rest = proxy.tick();
    assert_eq!(proxy.last().text(), LATER);
    proxy.last().id
}
