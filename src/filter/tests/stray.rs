//! An answer that is not the one that is waited for changes nothing.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "test support"
)]

mod support;

use std::sync::Arc;

use brama_filter::host::{Counter, StreamId};
use brama_filter::session::{Flow, Session};
use brama_filter::worker::Shared;
use brama_policy::{Answer, Facts, Lookup, Policy, Request, Step};
use support::proxy::PATH;
use support::{FakeHost, WITHOUT_FEED, settings};

fn lookup(policy: &Arc<Policy>, api_key: &str) -> Lookup {
    let host = delete(api_key);
    let Step::Ask(lookup, _awaiting) = policy.begin(&Request::new(&host.headers)) else { panic!() };
    lookup
}

fn delete(api_key: &str) -> FakeHost {
    FakeHost::new("DELETE", PATH, &[("api-key", api_key), ("authorization", "Bearer t")])
}

#[test]
fn answer_about_another_credential_is_nobodys() {
    let (settings, shared) = (settings(&WITHOUT_FEED), Shared::default());
    let key = |api_key| shared.cache.key(&lookup(settings.policy(), api_key)).unwrap();
    let mut session = Session::new(StreamId(7), settings.clone(), shared.clone());
    let mut host = delete("k");
    assert_eq!(session.on_headers(&mut host), Flow::Pause);
    for answer in [Answer::Active(Arc::new(Facts::none())), Answer::Inactive] {
        session.on_answer(&mut host, key("another"), answer);
        assert_eq!((host.counted.last(), &host.done[..]), (Some(&Counter::StrayReply), &[][..]));
    }
    // Nor is there a JWT to be judged once keys have come.
    for api_key in ["k", "another"] {
        host.counted.clear();
        session.on_ready(&mut host, key(api_key));
        assert_eq!((&host.counted[..], &host.done[..]), (&[Counter::StrayReply][..], &[][..]));
    }
    session.on_answer(&mut host, key("k"), Answer::Inactive);
    assert_eq!(host.done, [support::Done::Refused(401)]);
    session.on_answer(&mut host, key("k"), Answer::Active(Arc::new(Facts::none())));
    assert_eq!((host.counted.last(), host.done.len()), (Some(&Counter::StrayReply), 1));
}
