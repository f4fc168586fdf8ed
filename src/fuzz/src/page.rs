//! Law of a page of a feed: what a page revokes is revoked, and an unreadable page is refused.

use brama_policy::deciding::UnixTime;
use brama_policy::identity::{DenyList, Reply, Verifier};
use serde_json::Value;

use crate::gateway;

/// Input: the body of the page.
///
/// # Panics
/// A page was taken, and an entry of it is ignored.
pub fn holds_for(body: &[u8]) {
    let lookup = gateway::lookup("token", "opaque").unwrap();
    let feed = lookup.feed().unwrap();
    let Ok(page) = feed.page(Reply { status: 200, body }) else { return };
    let said: Value = serde_json::from_slice(body).expect("a page is JSON");
    let facts = gateway::facts();
    let concerns = |entry: &Value| match entry["kind"].as_str().expect("an entry has a kind") {
        "credential" => entry["sha256"] == OPAQUE,
        "client" => entry["client_id"] == gateway::CLIENT,
        "user" => entry["user_id"] == "u1",
        "jti" => false,
        // All, and kinds that are unknown here.
        _all => true,
    };
    let entries = said["entries"].as_array().expect("a page has entries");
    let is_meant = said["reset"] == true || entries.iter().any(concerns);
    assert!(!is_meant || page.revoked.concerns(&lookup.revocable(), &facts), "{said} is not heeded");
    assert!(!entries.is_empty() || page.denied.is_empty(), "{said} denies nothing");
    let mut all = DenyList::none();
    all.extend(page.denied, UnixTime::from_seconds(gateway::WALL));
    deny(&all, entries);
}

/// Asserts that a JWT is denied if an entry in force names it.
fn deny(denied: &DenyList, entries: &[Value]) {
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJqIn0.AQ";
    let lookup = gateway::lookup("token", token).unwrap();
    let Verifier::Jwt(jwt) = lookup.verifier() else { panic!("{token} claims to be a JWT") };
    let Ok(deniable) = jwt.deniable(lookup.credential()) else { return };
    let named = entries.iter().any(|entry| {
        entry["kind"] == "jti"
            && entry["jti"] == "j"
            && entry["until"].as_u64().is_some_and(|until| until > gateway::WALL + 300)
            && entry.get("issued_before").is_none()
    });
    assert!(!named || denied.denies(&deniable, &gateway::facts()), "a token that is named is not denied");
}

/// SHA-256 of `opaque`.
const OPAQUE: &str = "6d229884c1268bb0ab32d8da315d0fe52f9147228bd830a37bc9fb28a954940d";
