//! Credentials in cookies and queries, through Envoy: what it joins, what it logs, what arrives.

use brama_e2e::authority::Mode;
use brama_e2e::client::Call;
use brama_e2e::corpus::Corpus;
use brama_e2e::stack::{Gateway, Plan, project};
use brama_e2e::table::Table;

use crate::attack::wire::{Ending, Raw, Wire, field};

/// The gateway of the partners, with an access log that has the query.
fn gateway() -> Gateway {
    let corpus = Corpus::read(&project().join("policies/examples/partners.cases.yaml"));
    let plan = Plan::with_policy(corpus.policy.path().to_owned());
    let gateway = plan.edit("path: \"%PATH(NQ)%\"", "path: \"%REQ(:PATH)%\"").start();
    gateway.authority.set(Mode::Table(Table::of(&corpus).into()));
    gateway
}

#[test]
fn credential_in_a_query_is_in_no_log_and_goes_no_further() {
    let gateway = gateway();
    for (id, path, refused, logged) in [
        ("good", "/events?access_token=12%7Cann&since=7", None, "/events?since=7"),
        ("refused", "/events?since=7&access_token=s3cret", Some(401), "/events?since=7"),
        ("silent", "/events?access_token=silent&a=%2F", Some(503), "/events?a=%2F"),
        ("twice", "/events?access_token=s3cret&access_token=s3cret", Some(400), "/events"),
        ("alike", "/events?Access.Token=s3cret", Some(401), "/events"),
        ("nowhere", "/nowhere?access_token=s3cret&a", Some(403), "/nowhere?a"),
        ("ambiguous", "/events/../me?access_token=s3cret", Some(400), "/events/../me"),
        ("public", "/docs/a?access_token=s3cret&b", None, "/docs/a?b"),
    ] {
        let reply = Call::new("GET", path).header("x-request-id", id).send(gateway.address());
        let entry = gateway.logged(id);
        assert_eq!(entry["path"], logged, "{id}");
        let told = format!("{entry}{reply:?}{}", reply.text()).to_lowercase();
        assert!(!told.contains("s3cret") && !told.contains("12%7cann"), "{id}: {told}");
        let sent = gateway.tap.take();
        match refused {
            // Nobody serves these paths behind the gateway.
            None => assert!(sent.starts_with(&format!("GET {logged} HTTP/1.1\r\n")), "{id}: {sent}"),
            Some(status) => assert_eq!((reply.status, sent.as_str()), (status, ""), "{id}"),
        }
        assert!(!sent.contains("access_token"), "{sent}");
    }
}

/// The cookies of a request that arrived at the service; `None` where none did.
#[track_caller]
fn arrived(gateway: &Gateway, path: &str) -> Option<Option<String>> {
    let sent = gateway.tap.take();
    if sent.is_empty() {
        return None;
    }
    assert_eq!(sent.contains("\r\nx-user-id: ann\r\n"), path == "/me", "{sent}");
    assert!(!sent.contains("12|ann"), "{sent}");
    Some(sent.lines().find_map(|line| line.strip_prefix("cookie: ").map(str::to_owned)))
}

#[test]
fn cookie_is_taken_and_the_others_arrive() {
    let gateway = gateway();
    let send = |path: &str, cookies: &[&str]| {
        let call = Call::new("GET", path);
        let call = cookies.iter().fold(call, |call, cookie| call.header("cookie", cookie));
        let status = call.send(gateway.address()).status;
        arrived(&gateway, path).ok_or(status)
    };
    let one = |cookies: &str| send("/me", &[cookies]);
    assert_eq!(one("a=b; session=12|ann; c=d"), Ok(Some("a=b; c=d".to_owned())));
    assert_eq!(one("session=12|ann"), Ok(None));
    assert_eq!(one("session=12|ann; theme=\"a;b\""), Ok(Some("theme=\"a;b\"".to_owned())));
    // RFC 6265, 5.4: a client sends one such header over HTTP/1.1. Of two, nobody can tell how a service joins them.
    assert_eq!(send("/me", &["a=b", "session=12|ann"]), Err(400));
    assert_eq!(send("/me", &["session=12|ann", "session=12|ann"]), Err(400));
    assert_eq!(send("/docs/a", &["a=b", "session=12|ann"]), Ok(None), "none goes on");
    assert_eq!(send("/docs/a", &["a=b; session=12|ann"]), Ok(Some("a=b".to_owned())));
}

/// RFC 9113, 8.2.3: a client may send each cookie in a field of its own, and whoever hands them on joins them.
#[test]
fn cookie_in_a_field_of_its_own_is_taken_over_http2() {
    let gateway = gateway();
    let send = |path: &str, cookies: &[&str]| {
        let fields: Vec<_> = cookies.iter().map(|cookie| field("cookie", cookie)).collect();
        let ending = Raw::new("GET", path).with(&fields).send(Wire::Http2, gateway.address());
        arrived(&gateway, path).ok_or(ending)
    };
    let left = |cookies: &str| Ok(Some(cookies.to_owned()));
    assert_eq!(send("/me", &["a=b", "session=12|ann", "c=d"]), left("a=b; c=d"));
    assert_eq!(send("/me", &["session=12|ann", "a=b"]), left("a=b"));
    assert_eq!(send("/me", &["a=b; c=d", "session=12|ann; e=f"]), left("a=b; c=d; e=f"));
    assert_eq!(send("/me", &["session=12|ann"]), Ok(None));
    assert_eq!(send("/docs/a", &["a=b", "session=12|ann"]), left("a=b"));
    for twice in [["session=12|ann", "session=12|ann"], ["session=12|ann", "Session=13|bob"]] {
        assert_eq!(send("/me", &twice), Err(Ending::Answered(400)), "{twice:?}");
    }
    assert_eq!(send("/me", &["a=b", "c=d"]), Err(Ending::Answered(401)));
}
