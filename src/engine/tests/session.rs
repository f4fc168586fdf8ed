//! The life of a request, against a proxy in memory.

use std::rc::Rc;

use crate::support::proxy::{
    self, CREDENTIALS, GOOD_KEY, GOOD_TOKEN, INACTIVE, PASSED, PATH, WITHOUT_FEED, looked_up, ok,
};
use brama_engine::config::Settings;
use brama_engine::host::{Counter, StreamId};
use brama_engine::limits::MAX_LOOKUPS;
use brama_engine::worker::Flow;
use brama_fake::{Done, Failing, Proxy, Request, headers, settings};

const FORMS: [&str; 2] = ["token=k&token_type_hint=api_key", "token=t&token_type_hint=access_token"];

fn delete() -> Vec<(String, Vec<u8>)> {
    headers("DELETE", PATH, &CREDENTIALS)
}

/// A worker that knows both credentials.
fn knowing() -> Proxy {
    let mut proxy = proxy::shipped();
    let stream = looked_up(&mut proxy, delete(), &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    assert_eq!(proxy.done(stream), PASSED);
    proxy
}

/// A request to a worker that has seen none.
fn alone(headers: Vec<(String, Vec<u8>)>, failing: Failing) -> Request {
    let mut proxy = proxy::shipped();
    proxy.fail(failing);
    let stream = looked_up(&mut proxy, headers, &[]);
    proxy.requests.remove(&stream).unwrap()
}

#[test]
fn good_request_is_paused_twice_and_goes_on_with_an_identity() {
    let mut proxy = proxy::shipped();
    let stream = looked_up(&mut proxy, delete(), &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
    assert_eq!((proxy.forms(), proxy.done(stream)), (FORMS.to_vec(), &PASSED[..]));
    assert_eq!(proxy.flow(stream), Flow::Continue);
    let request = &proxy[stream];
    assert_eq!(request.header("x-consumer-id"), ["u"]);
    assert!(request.header("authorization").is_empty() && request.header("api-key").is_empty());
    assert_eq!(request.counted.last(), Some(&Counter::Allowed));
}

#[test]
fn remembered_facts_are_not_asked_for_again() {
    let mut proxy = knowing();
    let stream = proxy.send(delete());
    assert_eq!(proxy.done(stream), [Done::Forwarded]);
    assert_eq!(proxy[stream].counted, [Counter::CacheHit, Counter::CacheHit, Counter::Allowed]);
}

#[test]
fn remembered_facts_are_judged_anew_for_each_request() {
    let mut proxy = knowing();
    let path = "/api/clients/2380df72-275a-11e7-93ae-92361f002671/connections/c1";
    let stream = proxy.send(headers("DELETE", path, &CREDENTIALS));
    assert_eq!(proxy.done(stream), [Done::Refused(403)]);
}

#[test]
fn facts_are_kept_no_longer_than_the_cache_and_the_credential_allow() {
    let mut proxy = knowing();
    // The token ends after 30 s, the cache's own limit is 60 s.
    for (seconds, asked) in [(29, None), (30, Some(FORMS[1])), (60, Some(FORMS[0]))] {
        proxy.at(seconds);
        proxy.asked.clear();
        let stream = looked_up(&mut proxy, delete(), &[]);
        assert_eq!(proxy.forms().first().copied(), asked, "{seconds}");
        assert_eq!(proxy.done(stream).is_empty(), asked.is_some());
        proxy.reset(stream);
    }
}

#[test]
fn stepped_wall_clock_does_not_prolong_a_credential() {
    let mut proxy = knowing();
    proxy.step(30);
    let stream = proxy.send(delete());
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
    proxy.step(-700_000_000);
    proxy.at(30);
    let stream = looked_up(&mut proxy, delete(), &[]);
    assert_eq!((proxy.last().text(), proxy.done(stream), proxy.asked.len()), (FORMS[1], &[][..], 3));
}

#[test]
fn refusals_are_remembered_briefly() {
    let mut proxy = proxy::shipped();
    let first = looked_up(&mut proxy, delete(), &[ok(INACTIVE)]);
    let again = proxy.send(delete());
    assert_eq!([first, again].map(|stream| proxy.done(stream)), [[Done::Refused(401)]; 2]);
    proxy.later(2);
    let later = looked_up(&mut proxy, delete(), &[]);
    assert_eq!((proxy.done(later), proxy.asked.len()), (&[][..], 2));
}

#[test]
fn outage_is_503_and_not_remembered() {
    let mut proxy = proxy::shipped();
    let long = "x".repeat(70_000);
    for (reply, asked) in [None, Some((500, "")), ok("garbage"), ok(&long), Some((401, "{}"))].into_iter().zip(1..) {
        let stream = looked_up(&mut proxy, delete(), &[reply]);
        assert_eq!((proxy.done(stream), proxy.asked.len()), (&[Done::Refused(503)][..], asked), "{reply:?}");
        assert_eq!(proxy.flow(stream), Flow::Pause);
        let refusal = proxy[stream].refusal.as_ref().unwrap();
        assert!(refusal.headers.contains(&("retry-after", "1".to_owned())));
    }
}

#[test]
fn question_that_cannot_be_sent_is_an_outage() {
    let request = alone(delete(), Failing { dispatch: true, ..Failing::default() });
    assert_eq!(request.done, [Done::Refused(503)]);
    assert_eq!(request.counted, [Counter::Refused("api_key_unavailable".to_owned())]);
}

#[test]
fn flood_of_unknown_api_keys_is_shed_and_leaves_room_for_tokens() {
    let mut proxy = proxy::shipped();
    let known = looked_up(&mut proxy, delete(), &[ok(GOOD_KEY)]);
    let with_key = |key: &str| headers("DELETE", PATH, &[("api-key", key), CREDENTIALS[1]]);
    for number in 0..MAX_LOOKUPS {
        let stream = looked_up(&mut proxy, with_key(&format!("k{number}")), &[]);
        assert_eq!(proxy.done(stream), []);
    }
    let shed = proxy.send(with_key("one-more"));
    assert_eq!(proxy.done(shed), [Done::Refused(503)]);
    // Who is known is served, and may be asked about.
    proxy.reply_to(2, ok(GOOD_TOKEN));
    assert_eq!(proxy.done(known), PASSED);
    let other = headers("DELETE", PATH, &[CREDENTIALS[0], ("authorization", "Bearer other")]);
    let stream = looked_up(&mut proxy, other, &[]);
    assert_eq!((proxy.done(stream), proxy.last().text()), (&[][..], "token=other&token_type_hint=access_token"));
}

#[test]
fn same_text_as_api_key_and_token_is_two_credentials() {
    let mut proxy = proxy::shipped();
    let same = || headers("DELETE", PATH, &[("api-key", "same"), ("authorization", "Bearer same")]);
    let stream = looked_up(&mut proxy, same(), &[ok(GOOD_KEY), ok(INACTIVE)]);
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
    let again = proxy.send(same());
    assert_eq!(
        proxy[again].counted,
        [Counter::CacheHit, Counter::CacheHit, Counter::Refused("token_refused".to_owned())]
    );
}

#[test]
fn what_was_learnt_is_worth_nothing_under_a_policy_that_asks_otherwise() {
    let mut proxy = knowing();
    for (text, by, asks) in [
        ("name: ehealth", "name: other", false),
        ("ttl: 60s", "ttl: 50s", true),
        ("expect: { /token_use: api_key }", "expect: { /token_use: api_key, /iss: x }", true),
        ("path: /introspect", "path: /introspect2", true),
        ("cluster: authority", "cluster: other", true),
    ] {
        proxy.settings = settings(&WITHOUT_FEED.replace(text, by));
        let stream = proxy.send(delete());
        assert_eq!(proxy.done(stream).is_empty(), asks, "{by}");
    }
}

/// `{"alg":"none"}`, which claims to be a JWT.
const CLAIMED: &str = "eyJhbGciOiJub25lIn0.e30.";

#[test]
fn token_that_claims_to_be_a_jwt_is_never_looked_up() {
    let jwt = "- jwt: { issuer: i, audiences: [a], types: [at+jwt], algorithms: [ES256], \
        keys: { authority: mithril, path: /jwks, every: 5m, max_stale: 60m } }";
    let (head, tail) = WITHOUT_FEED.rsplit_once("- introspect:").unwrap();
    let mut proxy = proxy::under(&format!("{head}{jwt}\n      - introspect:{tail}"));
    let claimed = headers("DELETE", PATH, &[CREDENTIALS[0], ("authorization", &format!("Bearer {CLAIMED}"))]);
    let stream = looked_up(&mut proxy, claimed, &[ok(GOOD_KEY)]);
    assert_eq!((proxy.forms(), proxy.done(stream)), (vec![FORMS[0]], &[Done::Refused(401)][..]));
    let opaque = looked_up(&mut proxy, delete(), &[ok(GOOD_TOKEN)]);
    assert_eq!(proxy.done(opaque), PASSED);
}

#[test]
fn stray_and_second_replies_change_nothing() {
    let mut proxy = proxy::shipped();
    let stream = looked_up(&mut proxy, delete(), &[]);
    proxy.reply_to(77, ok(GOOD_KEY));
    assert_eq!(proxy.done(stream), []);
    proxy.reply_to(1, ok(INACTIVE));
    proxy.reply_to(1, ok(GOOD_KEY));
    assert_eq!((proxy.done(stream), proxy.flow(stream)), (&[Done::Refused(401)][..], Flow::Pause));
    assert_eq!(proxy.counted.iter().filter(|counter| **counter == Counter::StrayReply).count(), 2);
}

#[test]
fn request_that_the_proxy_cannot_forward_is_refused() {
    let failing = Failing::default();
    for failing in [Failing { forward: true, ..failing }, Failing { identify: true, ..failing }] {
        assert_eq!(alone(headers("GET", "/readyz", &[]), failing).done, [Done::Refused(503)]);
    }
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
        let request = alone(headers("GET", "/nowhere", &sent), Failing::default());
        let id = if kept { sent[0].1 } else { "fresh" };
        assert_eq!(request.header("x-request-id"), [id]);
        assert_eq!(request.body()["meta"]["request_id"], id);
    }
}

#[test]
fn refusal_names_the_url_without_its_query() {
    let body = alone(headers("GET", "/nowhere?token=secret", &[]), Failing::default()).body();
    assert_eq!(body["meta"]["url"], "http://api.example/nowhere");
    assert_eq!(body["meta"]["code"], 403);
    assert_eq!(body["error"]["type"], "forbidden");
}

#[test]
fn bytes_that_are_no_text_are_refused_not_fatal() {
    for name in [":path", ":authority", ":method", "api-key", "authorization", "x-request-id"] {
        let mut headers = delete();
        headers.retain(|(known, _)| known != name);
        headers.push((name.to_owned(), b"/\xff\xfe".to_vec()));
        assert!(!alone(headers, Failing::default()).done.contains(&Done::Forwarded));
    }
}

#[test]
fn identity_trailers_are_removed() {
    let mut proxy = proxy::shipped();
    let stream = proxy.send(headers("GET", "/readyz", &[]));
    let sent = ["x-consumer-id", "X_Consumer_Scope", "x-person-id", "api-key", "x-checksum"];
    assert_eq!(proxy.trailers(stream, sent.map(str::to_owned).into()), Flow::Continue);
    assert_eq!(proxy[stream].trailers, ["x-checksum"]);
}

/// A trailer that cannot be read could be an identity.
#[test]
fn trailers_that_cannot_be_read_go_no_further() {
    let mut proxy = proxy::shipped();
    let stream = proxy.send(headers("GET", "/readyz", &[]));
    proxy.fail(Failing { read_trailers: true, ..Failing::default() });
    assert_eq!(proxy.trailers(stream, Vec::new()), Flow::Pause);
    assert_eq!(proxy.done(stream), [Done::Forwarded, Done::Refused(503)]);
}

#[test]
fn undecided_request_never_goes_on() {
    let mut proxy = proxy::shipped();
    let stream = looked_up(&mut proxy, delete(), &[]);
    assert_eq!((proxy.flow(stream), proxy.trailers(stream, Vec::new())), (Flow::Pause, Flow::Pause));
    let (unjudged, mut request) = (StreamId(1), Request::new(&proxy.world, Vec::new()));
    assert_eq!(proxy.worker.on_body(unjudged), Flow::Pause);
    assert_eq!(proxy.worker.on_trailers(unjudged, &mut request), Flow::Pause);
}

#[test]
fn reload_does_not_change_a_request_under_way() {
    let mut proxy = proxy::shipped();
    let stream = looked_up(&mut proxy, delete(), &[ok(GOOD_KEY)]);
    proxy.settings = Rc::new(Settings::refuse_all());
    proxy.reply_to(2, ok(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), PASSED);
    let next = proxy.send(delete());
    assert_eq!(proxy.done(next), [Done::Refused(503)]);
}

#[test]
fn rule_in_shadow_mode_lets_pass_and_is_counted() {
    let shadow = WITHOUT_FEED.replace("  - id: delete_client", "  - mode: shadow\n    id: delete_client");
    let mut proxy = proxy::under(&shadow);
    let stream = proxy.send(headers("DELETE", PATH, &[("x-consumer-id", "forged")]));
    assert_eq!(proxy.done(stream), [Done::Forwarded]);
    assert!(proxy[stream].header("x-consumer-id").is_empty());
    assert_eq!(proxy[stream].counted, [Counter::Allowed, Counter::WouldRefuse("api_key_missing".to_owned())]);
    // An outage is no reason to wait for, and a late answer changes nothing.
    let stream = looked_up(&mut proxy, delete(), &[None]);
    assert_eq!(proxy[stream].counted.last(), Some(&Counter::WouldRefuse("api_key_unavailable".to_owned())));
    proxy.reply_to(1, ok(GOOD_KEY));
    assert_eq!(proxy.counted.last(), Some(&Counter::StrayReply));
    assert_eq!(proxy.done(stream), PASSED);
}

#[test]
fn lookups_carry_the_id_of_the_request() {
    for (sent, id) in [(Some("id-1"), "id-1"), (None, "fresh")] {
        let mut proxy = proxy::shipped();
        let mut headers = delete();
        headers.extend(sent.map(|id| ("x-request-id".to_owned(), id.into())));
        let _stream = looked_up(&mut proxy, headers, &[ok(GOOD_KEY), ok(GOOD_TOKEN)]);
        assert_eq!(proxy.asked.len(), 2);
        for call in &proxy.asked {
            let ids: Vec<_> =
                call.headers.iter().filter(|(name, _)| name == "x-request-id").map(|(_, id)| id).collect();
            assert_eq!(ids, [id]);
        }
    }
}

#[test]
fn why_is_noted_for_the_operator_and_not_told_to_the_client() {
    let request = alone(headers("DELETE", "/a;b", &CREDENTIALS), Failing::default());
    assert_eq!(request.reason.as_deref(), Some("the path has a segment parameter: byte 3 of the path, 0x3B"));
    assert!(!format!("{:?}", request.refusal).contains("byte 3"));
    let mut proxy = proxy::shipped();
    let stream = looked_up(&mut proxy, delete(), &[None]);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    assert_eq!(proxy[stream].reason.as_deref(), Some("no answer within 1s from cluster `authority`"));
}
