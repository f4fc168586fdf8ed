//! A proxy under the policy that ships, and the requests and replies that it has.

use std::sync::LazyLock;

use brama_engine::host::StreamId;
use brama_fake::{Done, Proxy, headers, settings};

pub(crate) const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
pub(crate) const GOOD_KEY: &str =
    r#"{"active":true,"token_use":"api_key","client_id":"m","client_type":"MIS","scope":""}"#;
pub(crate) const GOOD_TOKEN: &str = r#"{"active":true,"token_use":"access_token","sub":"u","client_id":"1380df72-275a-11e7-93ae-92361f002671","client_type":"MSP","scope":"connection:delete","exp":1700000030}"#;
pub(crate) const INACTIVE: &str = r#"{"active":false}"#;
pub(crate) const CREDENTIALS: [(&str, &str); 2] = [("api-key", "k"), ("authorization", "Bearer t")];
pub(crate) const PASSED: [Done; 2] = [Done::Forwarded, Done::Resumed];

/// The policy that ships, without its feed of revocations: facts are trusted for as long as they are remembered.
pub(crate) static WITHOUT_FEED: LazyLock<String> = LazyLock::new(|| {
    let feed = "    revocations: { path: /revocations, every: 500ms, max_lag: 3s }\n";
    assert!(SHIPPED.contains(feed));
    SHIPPED.replace(feed, "")
});

/// The policy that ships.
const SHIPPED: &str = include_str!("../../../../policies/ehealth.yaml");

pub(crate) fn shipped() -> Proxy {
    under(&WITHOUT_FEED)
}

pub(crate) fn under(policy: &str) -> Proxy {
    Proxy::new(settings(policy), ())
}

pub(crate) fn ok(body: &str) -> Option<(u16, &str)> {
    Some((200, body))
}

/// A request whose lookups had these replies.
pub(crate) fn looked_up(
    proxy: &mut Proxy,
    headers: Vec<(String, Vec<u8>)>,
    replies: &[Option<(u16, &str)>],
) -> StreamId {
    let stream = proxy.send(headers);
    let _rest = proxy.tick();
    for reply in replies {
        proxy.reply_to_last(*reply);
        let _rest = proxy.tick();
    }
    stream
}

pub(crate) trait Gateway {
    /// A connection is to be deleted, with these credentials.
    fn request(&mut self, api_key: &str, token: &str) -> StreamId;

    /// The reply to a call, with status 200.
    fn reply(&mut self, call: u32, body: Option<&str>);
}

impl Gateway for Proxy {
    fn request(&mut self, api_key: &str, token: &str) -> StreamId {
        self.send(headers("DELETE", PATH, &[("api-key", api_key), ("authorization", &format!("Bearer {token}"))]))
    }

    fn reply(&mut self, call: u32, body: Option<&str>) {
        self.reply_to(call, body.and_then(ok));
    }
}
