//! What the log says of keys, and that it says it when it is news.

use brama_engine::host::RootId;
use brama_fake::{Proxy, ROOT, lines, settings};

use crate::jwt::proxy::{self, POLICY};

/// A worker whose lines are kept.
fn listening(policy: &str) -> Proxy {
    lines::listen();
    proxy::under(policy)
}

/// What the log says of one more fetch, which has this reply.
fn fetch(proxy: &mut Proxy, reply: Option<(u16, &str)>) -> Vec<String> {
    let _rest = proxy.tick();
    proxy.reply_to_last(reply);
    lines::take()
}

#[test]
fn keys_that_do_not_come_are_told_with_how_long_and_that_they_came_again() {
    let mut proxy = listening(POLICY);
    assert_eq!(
        fetch(&mut proxy, None),
        ["the keys of `login` at `/jwks.json` did not come: no answer within 1s from cluster `login`"]
    );
    proxy.later(9);
    assert_eq!(fetch(&mut proxy, None), [""; 0]);
    proxy.later(3);
    assert_eq!(
        fetch(&mut proxy, None),
        ["the keys of `login` at `/jwks.json` did not come, for 12 s now: no answer within 1s from cluster `login`"]
    );
    proxy.later(1);
    assert_eq!(
        fetch(&mut proxy, Some((500, ""))),
        ["the keys of `login` at `/jwks.json` did not come, for 13 s now: authority `login` replied with status 500"],
        "a new reason"
    );
    proxy.later(1);
    assert_eq!(
        fetch(&mut proxy, Some((200, r#"{"keys":[]}"#))),
        ["the keys of `login` at `/jwks.json` came again, after 14 s"]
    );
}

#[test]
fn failure_under_a_new_policy_is_told_at_once() {
    let mut proxy = listening(POLICY);
    assert_eq!(fetch(&mut proxy, None).len(), 1);
    // The same authority and path, by their names, at another host.
    proxy.settings = settings(&POLICY.replace("host: id.example", "host: other.example"));
    proxy.follow(RootId(2));
    proxy.later(1);
    let fetch_of = |proxy: &mut Proxy, root| {
        let asked = proxy.asked.len();
        let _rest = proxy.tick_of(root);
        assert_eq!(proxy.asked.len(), asked + 1);
        proxy.reply_by(root, proxy.last().id, None);
        lines::take().len()
    };
    assert_eq!(fetch_of(&mut proxy, RootId(2)), 1);
    assert_eq!(fetch_of(&mut proxy, ROOT), 0, "it was told under the old policy");
    // The old policy comes again, when its root has gone.
    proxy.end(ROOT);
    proxy.settings = settings(POLICY);
    proxy.follow(RootId(3));
    proxy.later(1);
    assert_eq!(fetch_of(&mut proxy, RootId(3)), 1);
    assert_eq!(fetch_of(&mut proxy, RootId(2)), 0, "its policy is still there");
}
