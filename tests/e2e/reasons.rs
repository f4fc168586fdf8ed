//! Why: what the plugin's log and the access log tell the operator of a refusal, and the client is not told.

use std::fs;

use brama_e2e::authority::Mode;
use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan};
use serde_json::{Value, json};

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";
const DIVISION: &str = "/api/admin/contract_divisions/x";

fn delete(path: &str) -> Call {
    Call::delete(path).api_key(API_KEY).token(TOKEN)
}

pub fn log_of_envoy(gateway: &Gateway) -> String {
    let log = gateway.written().into_iter().find(|file| file.ends_with("envoy.log")).unwrap();
    fs::read_to_string(log).unwrap()
}

/// Changes the policy of the plugin's configuration.
fn change(config: &mut Value, change: impl Fn(&mut Value)) {
    let configuration = &mut config["configuration"]["value"];
    let mut policy: Value = serde_json::from_str(configuration.as_str().unwrap()).unwrap();
    change(&mut policy);
    *configuration = policy.to_string().into();
}

fn other_cluster(config: &mut Value, cluster: &str) {
    change(config, |policy| {
        let authority = policy["authorities"]["mithril"].as_object_mut().unwrap();
        authority.remove("revocations");
        authority.insert("cluster".to_owned(), cluster.into());
    });
}

#[test]
fn access_log_tells_why_and_the_client_is_not_told() {
    let gateway = Gateway::start();
    for (id, call, reason) in [
        ("semicolon", delete("/a;b"), "the path has a segment parameter: byte 3 of the path, 0x3B"),
        (
            "quote",
            delete("/a?f={\"a\":1}"),
            "the request target has a byte that must be percent-encoded: byte 4 of the query, 0x22",
        ),
        (
            "original",
            delete(DIVISION).header("x-original-url", "/b"),
            "the header `x-original-url` asks for another path",
        ),
        ("nobody", Call::delete(DIVISION).token(TOKEN), "no header `api-key` was sent"),
        (
            "scheme",
            Call::delete(DIVISION).api_key(API_KEY).header("authorization", "Basic c2VjcmV0"),
            "`authorization` does not begin with the scheme `Bearer`",
        ),
    ] {
        let reply = call.header("x-request-id", id).send(gateway.address());
        assert!(!format!("{reply:?}{}", reply.text()).contains(reason), "{reason}");
        let logged = gateway.logged(id);
        assert_eq!((&logged["reason"], &logged["identity"]), (&json!(reason), &Value::Null));
        assert!(logged["host"].as_str().is_some_and(|host| !host.is_empty()), "{logged}");
    }
}

#[test]
fn silence_of_an_authority_is_told_by_its_kind() {
    are_told([
        ("hangs", Mode::Hang, "no answer within 1s from cluster `authority`"),
        ("breaks", Mode::Stopped, "cluster `authority` broke the connection before it answered"),
        (
            "nohttp",
            Mode::Bytes("\x15\x03\x01"),
            "what cluster `authority` sent is no answer of HTTP; is it one of TLS?",
        ),
        (
            "breaksoff",
            Mode::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"active\""),
            "the answer of cluster `authority` broke off, or was not whole within 1s",
        ),
    ]);
}

#[test]
fn what_an_authority_says_is_told_from_what_envoy_says_in_its_place() {
    are_told([
        ("busy", Mode::Answer(503, "no healthy upstream".to_owned()), "authority `mithril` replied with status 503"),
        ("late", Mode::Answer(504, String::new()), "authority `mithril` replied with status 504"),
        ("gateway", Mode::Answer(502, String::new()), "authority `mithril` replied with status 502"),
    ]);
}

/// Fewer than it takes for the authority to be given a rest.
#[track_caller]
fn are_told<const N: usize>(modes: [(&str, Mode, &str); N]) {
    let gateway = Gateway::start();
    for (id, mode, reason) in modes {
        gateway.authority.set(mode);
        delete(DIVISION).header("x-request-id", id).send(gateway.address()).is_unavailable();
        assert_eq!(gateway.logged(id)["reason"], reason);
        // Refusals that are a client's stand in the log too, below the level of the tests.
        let line = format!("request.id={id} reason={reason:?}");
        assert!(log_of_envoy(&gateway).contains(&line), "{line}");
    }
}

#[test]
fn cluster_where_nobody_listens_and_one_that_is_none_are_told_by_name() {
    const NOBODY: &str = "    - name: nobody
      type: STATIC
      connect_timeout: 0.5s
      load_assignment:
        cluster_name: nobody
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: /nonexistent/nobody.sock } } } }] }]
";
    const BEFORE: &str = "    # The authority that knows the credentials";
    let plan = || Plan::shipped().edit(BEFORE, &format!("{NOBODY}{BEFORE}"));
    for (plan, reason) in [
        (plan().plugin(|config, _folder| other_cluster(config, "nobody")), "nothing listens at cluster `nobody`"),
        (plan().plugin(|config, _folder| other_cluster(config, "authoritee")), "Envoy has no cluster `authoritee`"),
    ] {
        let gateway = plan.start();
        delete(DIVISION).header("x-request-id", "id-1").send(gateway.address()).is_unavailable();
        assert_eq!(gateway.logged("id-1")["reason"], reason);
    }
}

#[test]
fn every_question_has_an_id_and_a_lookup_that_of_its_request() {
    let gateway = Gateway::start();
    delete(DIVISION).header("x-request-id", "id-of-mine").send(gateway.address());
    let ids = gateway.authority.ids();
    assert_eq!(ids.iter().filter(|asked| asked.ends_with(" id-of-mine")).count(), 2, "{ids:?}");
    let polls: Vec<_> = ids.iter().filter(|asked| asked.starts_with("/revocations")).collect();
    assert!(!polls.is_empty() && polls.iter().all(|poll| poll.len() > "/revocations ".len() + 30), "{ids:?}");
}

#[test]
fn facts_are_logged_that_the_policy_lists_and_no_others() {
    let gateway = Plan::shipped()
        .plugin(|config, _folder| {
            change(config, |policy| policy["log"] = json!({ "facts": ["token.client_id", "api_key.client_type"] }));
        })
        .start();
    delete(DIVISION).header("x-request-id", "id-1").send(gateway.address());
    let logged = gateway.logged("id-1");
    let identity: Value = serde_json::from_str(logged["identity"].as_str().unwrap()).unwrap();
    let names: Vec<_> = identity.as_object().unwrap().keys().collect();
    assert_eq!(names, ["api_key.client_type", "token.client_id"], "{logged}");
    Call::delete(DIVISION).header("x-request-id", "id-2").send(gateway.address());
    assert_eq!(gateway.logged("id-2")["identity"], Value::Null);
}
