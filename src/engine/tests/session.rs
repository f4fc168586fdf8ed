//! The life of a request, against a proxy in memory.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::restriction,
    reason = "a test ends where something is amiss"
)]

mod support;

use std::rc::Rc;

use brama_engine::config::Settings;
use brama_engine::host::{CallId, Counter};
use brama_engine::limits::MAX_LOOKUPS;
use brama_engine::worker::Flow;
use brama_policy::identity::Reply;
use support::{Done, FakeHost, Open, Worker};

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
const CREDENTIALS: [(&str, &str); 2] = [("api-key", "k"), ("authorization", "Bearer t")];
const GOOD_KEY: &str = r#"{"active":true,"token_use":"api_key","client_id":"m","client_type":"MIS","scope":""}"#;
const GOOD_TOKEN: &str = r#"{"active":true,"token_use":"access_token","sub":"u","client_id":"1380df72-275a-11e7-93ae-92361f002671","client_type":"MSP","scope":"connection:delete","exp":1700000030}"#;

fn delete() -> FakeHost {
    FakeHost::new("DELETE", PATH, &CREDENTIALS)
}

fn ok(body: &str) -> Option<Reply<'_>> {
    Some(Reply { status: 200, body: body.as_bytes() })
}

/// A request whose two credentials were looked up with these replies.
fn looked_up(worker: &Worker, host: &mut FakeHost, replies: &[Option<Reply<'_>>]) -> Open {
    let mut session = worker.session();
    assert_eq!(session.on_headers(host), Flow::Pause);
    for reply in replies {
        let call = CallId(host.calls);
        session.on_reply(host, call, *reply);
    }
    session
}

#[test]
fn good_request_is_paused_twice_and_goes_on_with_an_identity() {
    let mut host = delete();
    let session = looked_up(&Worker::new(), &mut host, &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    assert_eq!(
        host.done,
        [
            Done::Asked("token=k&token_type_hint=api_key".to_owned()),
            Done::Asked("token=t&token_type_hint=access_token".to_owned()),
            Done::Forwarded,
            Done::Resumed,
        ]
    );
    assert_eq!(session.on_body(), Flow::Continue);
    assert_eq!(host.header("x-consumer-id"), ["u"]);
    assert!(host.header("authorization").is_empty() && host.header("api-key").is_empty());
    assert_eq!(host.counted.last(), Some(&Counter::Allowed));
}

#[test]
fn remembered_facts_are_not_asked_for_again() {
    let worker = Worker::new();
    let mut first = delete();
    let _session = looked_up(&worker, &mut first, &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    let mut second = delete();
    assert_eq!(worker.session().on_headers(&mut second), Flow::Continue);
    assert_eq!(second.done, [Done::Forwarded]);
    assert_eq!(second.counted, [Counter::CacheHit, Counter::CacheHit, Counter::Allowed]);
}

#[test]
fn remembered_facts_are_judged_anew_for_each_request() {
    let worker = Worker::new();
    let mut first = delete();
    let _session = looked_up(&worker, &mut first, &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    let mut other =
        FakeHost::new("DELETE", "/api/clients/2380df72-275a-11e7-93ae-92361f002671/connections/c1", &CREDENTIALS);
    assert_eq!(worker.session().on_headers(&mut other), Flow::Pause);
    assert_eq!(other.done, [Done::Refused(403)]);
}

#[test]
fn facts_are_kept_no_longer_than_the_cache_and_the_credential_allow() {
    let worker = Worker::new();
    let mut first = delete();
    let _session = looked_up(&worker, &mut first, &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    // The token ends after 30 s, the cache's own limit is 60 s.
    for (seconds, asked) in [(129, ""), (130, "token=t&"), (160, "token=k&")] {
        let mut later = delete();
        later.seconds = seconds;
        let flow = worker.session().on_headers(&mut later);
        match later.done.first() {
            Some(Done::Asked(body)) => assert!(!asked.is_empty() && body.starts_with(asked), "{seconds}: {body}"),
            other => assert!(asked.is_empty() && flow == Flow::Continue, "{seconds}: {other:?}"),
        }
    }
}

#[test]
fn stepped_wall_clock_does_not_prolong_a_credential() {
    let worker = Worker::new();
    let mut first = delete();
    let _session = looked_up(&worker, &mut first, &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    let mut expired = delete();
    expired.wall += 30;
    assert_eq!(worker.session().on_headers(&mut expired), Flow::Pause);
    assert_eq!(expired.done, [Done::Refused(401)]);
    let mut stepped_back = delete();
    (stepped_back.wall, stepped_back.seconds) = (1_000_000_000, 131);
    assert_eq!(worker.session().on_headers(&mut stepped_back), Flow::Pause);
    assert!(matches!(stepped_back.done.as_slice(), [Done::Asked(body)] if body.starts_with("token=t&")));
}

#[test]
fn refusals_are_remembered_briefly() {
    let worker = Worker::new();
    let mut first = delete();
    let _session = looked_up(&worker, &mut first, &[ok(r#"{"active":false}"#)]);
    assert_eq!(first.done.last(), Some(&Done::Refused(401)));
    let mut again = delete();
    assert_eq!(worker.session().on_headers(&mut again), Flow::Pause);
    assert_eq!(again.done, [Done::Refused(401)]);
    let mut later = delete();
    later.seconds += 2;
    let _flow = worker.session().on_headers(&mut later);
    assert!(matches!(later.done.as_slice(), [Done::Asked(_)]));
}

#[test]
fn outage_is_503_and_not_remembered() {
    let worker = Worker::new();
    let long = "x".repeat(70_000);
    for reply in [
        None,
        Some(Reply { status: 500, body: b"" }),
        ok("garbage"),
        ok(&long),
        Some(Reply { status: 401, body: b"{}" }),
    ] {
        let mut host = delete();
        let session = looked_up(&worker, &mut host, &[reply]);
        // Asked anew each time: what nobody could say is not remembered.
        assert!(matches!(host.done.as_slice(), [Done::Asked(_), Done::Refused(503)]), "{reply:?}: {:?}", host.done);
        assert_eq!(session.on_body(), Flow::Pause);
        let refusal = host.refusal.unwrap();
        assert!(refusal.headers.contains(&("retry-after", "1".to_owned())));
    }
}

#[test]
fn question_that_cannot_be_sent_is_an_outage() {
    let mut host = delete();
    host.cannot_dispatch = true;
    assert_eq!(Worker::new().session().on_headers(&mut host), Flow::Pause);
    assert_eq!(host.done, [Done::Refused(503)]);
    assert_eq!(host.counted, [Counter::Refused("api_key_unavailable")]);
}

#[test]
fn flood_of_unknown_api_keys_is_shed_and_leaves_room_for_tokens() {
    let worker = Worker::new();
    let mut known = delete();
    let mut waits_for_token = looked_up(&worker, &mut known, &[ok(GOOD_KEY)]);
    let mut waiting = Vec::new();
    for number in 0..MAX_LOOKUPS {
        let key = format!("k{number}");
        let mut host = FakeHost::new("DELETE", PATH, &[("api-key", &key), CREDENTIALS[1]]);
        waiting.push(looked_up(&worker, &mut host, &[]));
    }
    let mut shed = FakeHost::new("DELETE", PATH, &[("api-key", "one-more"), CREDENTIALS[1]]);
    assert_eq!(worker.session().on_headers(&mut shed), Flow::Pause);
    assert_eq!(shed.done, [Done::Refused(503)]);
    // Who is known is served, and may be asked about.
    waits_for_token.on_reply(&mut known, CallId(2), ok(GOOD_TOKEN));
    assert_eq!(known.done.last(), Some(&Done::Resumed));
    let mut other_token = FakeHost::new("DELETE", PATH, &[CREDENTIALS[0], ("authorization", "Bearer other")]);
    let _session = looked_up(&worker, &mut other_token, &[]);
    assert!(matches!(other_token.done.as_slice(), [Done::Asked(_)]));
    // Requests that are reset give their places back.
    waiting.clear();
    let _session = looked_up(&worker, &mut FakeHost::new("DELETE", PATH, &[("api-key", "x"), CREDENTIALS[1]]), &[]);
}

#[test]
fn same_text_as_api_key_and_token_is_two_credentials() {
    let worker = Worker::new();
    let same = [("api-key", "same"), ("authorization", "Bearer same")];
    let mut host = FakeHost::new("DELETE", PATH, &same);
    let _session = looked_up(&worker, &mut host, &[ok(GOOD_KEY), ok(r#"{"active":false}"#)]);
    assert_eq!(host.done.last(), Some(&Done::Refused(401)));
    let mut again = FakeHost::new("DELETE", PATH, &same);
    assert_eq!(worker.session().on_headers(&mut again), Flow::Pause);
    assert_eq!(again.counted, [Counter::CacheHit, Counter::CacheHit, Counter::Refused("token_refused")]);
}

#[test]
fn what_was_learnt_is_worth_nothing_under_a_policy_that_asks_otherwise() {
    let mut worker = Worker::new();
    let _session = looked_up(&worker, &mut delete(), &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    for (text, by, asks) in [
        ("name: ehealth", "name: other", false),
        ("ttl: 60s", "ttl: 50s", true),
        ("expect: { /token_use: api_key }", "expect: { /token_use: api_key, /iss: x }", true),
        ("path: /introspect", "path: /introspect2", true),
        ("cluster: authority", "cluster: other", true),
    ] {
        worker.settings = support::settings(&support::WITHOUT_FEED.replace(text, by));
        let mut host = delete();
        let _flow = worker.session().on_headers(&mut host);
        assert_eq!(matches!(host.done.first(), Some(Done::Asked(_))), asks, "{by}");
    }
}

/// `{"alg":"none"}`, which claims to be a JWT.
const CLAIMED: &str = "eyJhbGciOiJub25lIn0.e30.";

#[test]
fn token_that_claims_to_be_a_jwt_is_never_looked_up() {
    let jwt = "- jwt: { issuer: i, audiences: [a], types: [at+jwt], algorithms: [ES256], \
        keys: { authority: mithril, path: /jwks, every: 5m, max_stale: 60m } }";
    let (head, tail) = support::WITHOUT_FEED.rsplit_once("- introspect:").unwrap();
    let mut worker = Worker::new();
    worker.settings = support::settings(&format!("{head}{jwt}\n      - introspect:{tail}"));
    let mut host = FakeHost::new("DELETE", PATH, &[("api-key", "k"), ("authorization", &format!("Bearer {CLAIMED}"))]);
    let _session = looked_up(&worker, &mut host, &[ok(GOOD_KEY)]);
    assert_eq!(host.done, [Done::Asked("token=k&token_type_hint=api_key".to_owned()), Done::Refused(401)]);
    let mut opaque = delete();
    let _session = looked_up(&worker, &mut opaque, &[ok(GOOD_TOKEN)]);
    assert_eq!(opaque.done.last(), Some(&Done::Resumed));
}

#[test]
fn stray_and_second_replies_change_nothing() {
    let worker = Worker::new();
    let mut host = delete();
    let mut session = looked_up(&worker, &mut host, &[]);
    session.on_reply(&mut host, CallId(77), ok(GOOD_KEY));
    assert_eq!(host.done.len(), 1);
    session.on_reply(&mut host, CallId(1), ok(r#"{"active":false}"#));
    session.on_reply(&mut host, CallId(1), ok(GOOD_KEY));
    assert_eq!(host.done[1..], [Done::Refused(401)]);
    assert_eq!(host.counted.iter().filter(|counter| **counter == Counter::StrayReply).count(), 2);
    assert_eq!(session.on_body(), Flow::Pause);
}

#[test]
fn request_that_the_proxy_cannot_forward_is_refused() {
    let mut host = FakeHost::new("GET", "/readyz", &[]);
    host.cannot_forward = true;
    assert_eq!(Worker::new().session().on_headers(&mut host), Flow::Pause);
    assert_eq!(host.done, [Done::Refused(503)]);
    let mut host = FakeHost::new("GET", "/readyz", &[]);
    host.cannot_set_request_id = true;
    assert_eq!(Worker::new().session().on_headers(&mut host), Flow::Pause);
    assert_eq!(host.done, [Done::Refused(503)]);
}

#[test]
fn safe_request_id_is_kept_and_any_other_replaced() {
    for (sent, kept) in [
        (&["6617aeec-15e2-4d6f-b9bd-53559c358f97#17810"][..], true),
        (&["a"], true),
        (&[], false),
        (&[""], false),
        (&["a b"], false),
        (&["a\"b"], false),
        (&["é"], false),
        (&["a", "b"], false),
        (&["x".repeat(129).as_str()], false),
    ] {
        let sent: Vec<_> = sent.iter().map(|id| ("x-request-id", *id)).collect();
        let mut host = FakeHost::new("GET", "/nowhere", &sent);
        let _flow = Worker::new().session().on_headers(&mut host);
        let id = if kept { sent[0].1 } else { "fresh" };
        assert_eq!(host.header("x-request-id"), [id]);
        assert_eq!(host.body()["meta"]["request_id"], id);
    }
}

#[test]
fn refusal_names_the_url_without_its_query() {
    let mut host = FakeHost::new("GET", "/nowhere?token=secret", &[]);
    let _flow = Worker::new().session().on_headers(&mut host);
    assert_eq!(host.body()["meta"]["url"], "http://api.example/nowhere");
    assert_eq!(host.body()["meta"]["code"], 403);
    assert_eq!(host.body()["error"]["type"], "forbidden");
}

#[test]
fn bytes_that_are_no_text_are_refused_not_fatal() {
    for name in [":path", ":authority", ":method", "api-key", "authorization", "x-request-id"] {
        let mut host = delete();
        host.headers.retain(|(known, _)| known != name);
        host.headers.push((name.to_owned(), b"/\xff\xfe".to_vec()));
        let flow = Worker::new().session().on_headers(&mut host);
        assert_eq!(flow, Flow::Pause);
        assert!(!host.done.contains(&Done::Forwarded));
    }
}

#[test]
fn identity_trailers_are_removed() {
    let worker = Worker::new();
    let mut host = FakeHost::new("GET", "/readyz", &[]);
    let mut session = worker.session();
    assert_eq!(session.on_headers(&mut host), Flow::Continue);
    host.trailers =
        ["x-consumer-id", "X_Consumer_Scope", "x-person-id", "api-key", "x-checksum"].map(str::to_owned).into();
    assert_eq!(session.on_trailers(&mut host), Flow::Continue);
    assert_eq!(host.trailers, ["x-checksum"]);
}

/// A trailer that cannot be read could be an identity.
#[test]
fn trailers_that_cannot_be_read_go_no_further() {
    let worker = Worker::new();
    let mut host = FakeHost::new("GET", "/readyz", &[]);
    let mut session = worker.session();
    assert_eq!(session.on_headers(&mut host), Flow::Continue);
    host.cannot_read_trailers = true;
    assert_eq!(session.on_trailers(&mut host), Flow::Pause);
    assert!(matches!(host.done.last(), Some(Done::Refused(_))), "{:?}", host.done);
}

#[test]
fn undecided_request_never_goes_on() {
    let mut host = delete();
    let mut session = looked_up(&Worker::new(), &mut host, &[]);
    assert_eq!((session.on_body(), session.on_trailers(&mut host)), (Flow::Pause, Flow::Pause));
    let mut session = Worker::new().session();
    assert_eq!((session.on_body(), session.on_trailers(&mut host)), (Flow::Pause, Flow::Pause));
}

#[test]
fn reload_does_not_change_a_request_under_way() {
    let mut worker = Worker::new();
    let mut host = delete();
    let mut session = looked_up(&worker, &mut host, &[ok(GOOD_KEY)]);
    worker.settings = Rc::new(Settings::refuse_all());
    session.on_reply(&mut host, CallId(2), ok(GOOD_TOKEN));
    assert_eq!(host.done.last(), Some(&Done::Resumed));
    let mut next = delete();
    assert_eq!(worker.session().on_headers(&mut next), Flow::Pause);
    assert_eq!(next.done, [Done::Refused(503)]);
}

#[test]
fn rule_in_shadow_mode_lets_pass_and_is_counted() {
    let shadow = support::WITHOUT_FEED.replace("  - id: delete_client", "  - mode: shadow\n    id: delete_client");
    let mut worker = Worker::new();
    worker.settings = support::settings(&shadow);
    let mut host = FakeHost::new("DELETE", PATH, &[("x-consumer-id", "forged")]);
    assert_eq!(worker.session().on_headers(&mut host), Flow::Continue);
    assert_eq!(host.done, [Done::Forwarded]);
    assert!(host.header("x-consumer-id").is_empty());
    assert_eq!(host.counted, [Counter::Allowed, Counter::WouldRefuse("api_key_missing")]);
    // An outage is no reason to wait for, and a late answer changes nothing.
    let mut host = delete();
    let mut session = looked_up(&worker, &mut host, &[None]);
    assert_eq!(host.counted.last(), Some(&Counter::WouldRefuse("api_key_unavailable")));
    session.on_reply(&mut host, CallId(1), ok(GOOD_KEY));
    assert_eq!(host.counted.last(), Some(&Counter::StrayReply));
    assert_eq!(host.done.last(), Some(&Done::Resumed));
}

#[test]
fn lookups_carry_the_id_of_the_request() {
    for (sent, id) in [(Some("id-1"), "id-1"), (None, "fresh")] {
        let mut host = delete();
        host.headers.extend(sent.map(|id| ("x-request-id".to_owned(), id.into())));
        let _session = looked_up(&Worker::new(), &mut host, &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
        assert_eq!(host.asked.len(), 2);
        for asked in &host.asked {
            let ids: Vec<_> = asked.iter().filter(|(name, _)| name == "x-request-id").map(|(_, id)| id).collect();
            assert_eq!(ids, [id]);
        }
    }
}

#[test]
fn why_is_noted_for_the_operator_and_not_told_to_the_client() {
    let mut host = FakeHost::new("DELETE", "/a;b", &CREDENTIALS);
    assert_eq!(Worker::new().session().on_headers(&mut host), Flow::Pause);
    assert_eq!(host.reason.as_deref(), Some("the path has a segment parameter: byte 3 of the path, 0x3B"));
    assert!(!format!("{:?}", host.refusal).contains("byte 3"));
    let mut host = delete();
    let _session = looked_up(&Worker::new(), &mut host, &[None]);
    assert_eq!(host.done.last(), Some(&Done::Refused(503)));
    assert_eq!(host.reason.as_deref(), Some("no answer within 1s from cluster `authority`"));
}
