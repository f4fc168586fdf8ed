//! What is printed of the plugin's values tells no secret: neither a client's nor the gateway's own.

use std::time::Duration;

use crate::support::feed::{FOLLOWING, policy};
use crate::support::proxy::{self, GOOD_KEY, Gateway as _, PATH};
use brama_fake::{Proxy, headers};
use brama_policy::deciding::{Moment, Monotonic, Request, Step, UnixTime};
use brama_policy::identity::{Lookup, Verifier};

const API_KEY: &str = "a-key-5a1e";
const TOKEN: &str = "a-token-5a1e";

#[track_caller]
fn tells_nothing(printed: &str) {
    assert!(printed.len() > 20, "{printed}");
    // The gateway's own is what every secret is in these tests.
    for secret in [API_KEY, TOKEN, "s3cret"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn worker_and_requests_tell_nothing_whatever_they_wait_for() {
    let mut proxy = proxy::under(&policy(FOLLOWING));
    let _stream = proxy.request(API_KEY, TOKEN);
    let tells_nothing_now = |proxy: &Proxy| {
        tells_nothing(&format!("{:?}", proxy.worker));
        tells_nothing(&format!("{:?}", proxy.settings));
    };
    tells_nothing_now(&proxy);
    let _rest = proxy.tick();
    tells_nothing_now(&proxy);
    proxy.reply(1, Some(GOOD_KEY));
    let _rest = proxy.tick();
    assert!(proxy.forms().iter().any(|form| form.contains(TOKEN)), "the token is asked about");
    tells_nothing_now(&proxy);
    proxy.reply(3, Some(&format!(r#"{{"active":true,"token_use":"access_token","token":"{TOKEN}"}}"#)));
    tells_nothing_now(&proxy);
}

#[test]
fn lookup_and_its_answers_tell_nothing() {
    let proxy = proxy::shipped();
    let now = Moment { wall: UnixTime::from_seconds(1), monotonic: Monotonic::from_origin(Duration::ZERO) };
    let headers = headers("DELETE", PATH, &[("api-key", API_KEY), ("authorization", &format!("Bearer {TOKEN}"))]);
    let Step::Ask(lookup, awaiting) = proxy.settings.policy().begin(&Request::new(&headers), now) else { panic!() };
    tells_nothing(&format!("{lookup:?} {awaiting:?} {:?}", lookup.revocable()));
    let verifier: fn(&Lookup) -> &Verifier = Lookup::verifier;
    tells_nothing(&format!("{:?}", verifier(&lookup)));
}
