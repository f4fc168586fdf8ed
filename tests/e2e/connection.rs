//! Delete connection: the exchanges its specification promises, and what must never pass.

use brama_e2e::authority::Mode;
use brama_e2e::client::{Call, Reply};
use brama_e2e::stack::Gateway;

const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";
const CONNECTION: &str = "e5372365-d47a-467f-81d0-f35117864352";
const OTHER_CLIENT: &str = "c11e0000-0000-4000-8000-000000000010";
const OTHERS_CONNECTION: &str = "c0220000-0000-4000-8000-000000000030";
const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";

fn path(client: &str, connection: &str) -> String {
    format!("/api/clients/{client}/connections/{connection}")
}

/// The specification's request, with another token.
fn with_token(token: &str) -> Call {
    Call::delete(&path(CLIENT, CONNECTION)).api_key(API_KEY).token(token).header("Content-Type", "application/json")
}

/// Sends a request that must not get through, and finds the connection still there.
#[track_caller]
fn stopped(gateway: &Gateway, call: &Call) -> Reply {
    let reply = call.send(gateway.address());
    assert_eq!(gateway.tap.take(), "", "{reply:?}");
    assert!(gateway.database.has_connection(CONNECTION), "{reply:?}");
    reply
}

#[test]
fn specified_request_deletes_the_connection_for_good() {
    let gateway = Gateway::start();
    assert!(gateway.database.has_connection(CONNECTION));
    let reply =
        with_token(TOKEN).header("x-request-id", "6617aeec-15e2-4d6f-b9bd-53559c358f97#17810").send(gateway.address());
    let body = reply.envelope();
    assert_eq!(reply.status, 200, "{body}");
    assert_eq!(body.as_object().unwrap().len(), 1, "meta only: {body}");
    assert_eq!(body["meta"]["request_id"], "6617aeec-15e2-4d6f-b9bd-53559c358f97#17810");
    assert_eq!(body["meta"]["url"], format!("http://api.example{}", path(CLIENT, CONNECTION)));
    assert!(!gateway.database.has_connection(CONNECTION));

    with_token(TOKEN).send(gateway.address()).is_error(404, "not_found", "Connection is not found");
}

#[test]
fn tokens_that_are_not_good_are_401() {
    let gateway = Gateway::start();
    let base = || Call::delete(&path(CLIENT, CONNECTION)).api_key(API_KEY);
    for (what, call) in [
        ("no token", base()),
        ("unknown", base().token("unknown")),
        ("expired", base().token("demo-expired-token")),
        ("a refresh token", base().token("demo-refresh-token")),
        ("a 2fa token", base().token("demo-2fa-token")),
        ("of a blocked client", base().token("demo-blocked-client-token")),
        ("an API key", base().token(API_KEY)),
        ("Basic scheme", base().header("Authorization", "Basic dXNlcjpwYXNz")),
        ("no scheme", base().header("Authorization", TOKEN)),
        ("in a cookie", base().header("Cookie", &format!("authorization={TOKEN}"))),
        ("in the query", Call::delete(&format!("{}?access_token={TOKEN}", path(CLIENT, CONNECTION))).api_key(API_KEY)),
    ] {
        println!("{what}");
        stopped(&gateway, &call).is_unauthenticated();
    }
}

#[test]
fn two_authorization_headers_are_400() {
    let gateway = Gateway::start();
    for (first, second) in [(TOKEN, TOKEN), (TOKEN, "unknown"), ("unknown", TOKEN)] {
        let reply = stopped(&gateway, &with_token(first).token(second));
        reply.is_error(400, "request_malformed", "The access token is given more than once.");
    }
    let joined = Call::delete(&path(CLIENT, CONNECTION))
        .api_key(API_KEY)
        .header("Authorization", &format!("Bearer {TOKEN}, Bearer x"));
    assert_eq!(stopped(&gateway, &joined).status, 400);
    assert_eq!(stopped(&gateway, &with_token(TOKEN).api_key(API_KEY)).status, 400);
}

#[test]
fn api_keys_that_are_not_good_are_401() {
    let gateway = Gateway::start();
    let base = || Call::delete(&path(CLIENT, CONNECTION)).token(TOKEN);
    for (what, call) in [
        ("no key", base()),
        ("empty", base().api_key("")),
        ("unknown", base().api_key("unknown")),
        ("of a blocked client", base().api_key("demo-blocked-api-key")),
        ("of a blocked consumer", base().api_key("demo-blocked-consumer-api-key")),
        ("an access token", base().api_key("demo-nhs-token")),
        ("as long as may be", base().api_key(&"/".repeat(8192))),
        ("longer", base().api_key(&"/".repeat(8193))),
    ] {
        println!("{what}");
        stopped(&gateway, &call).is_unauthenticated();
    }
}

#[test]
fn token_without_the_scope_is_403() {
    let gateway = Gateway::start();
    for token in ["demo-msp-read-token", "demo-msp-no-scope-token"] {
        let reply = stopped(&gateway, &with_token(token));
        reply.is_error(403, "forbidden", "Invalid scopes");
        let challenge = reply.header("www-authenticate").unwrap();
        assert_eq!(challenge, "Bearer realm=\"ehealth\", error=\"insufficient_scope\", scope=\"connection:delete\"");
    }
}

#[test]
fn restricted_client_types_may_not_act_on_another_client() {
    let gateway = Gateway::start();
    for token in ["demo-other-msp-token", "demo-mis-token", "demo-pharmacy-token", "demo-unknown-type-token"] {
        println!("{token}");
        stopped(&gateway, &with_token(token)).is_error(403, "forbidden", "Forbidden");
    }
}

#[test]
fn missing_client_type_is_restricted() {
    let gateway = Gateway::start();
    for client_type in ["", r#","client_type":"nhs admin""#] {
        let facts = format!(
            r#"{{"active":true,"token_use":"access_token","sub":"05e20000-0000-4000-8000-000000000001","client_id":"{OTHER_CLIENT}","scope":"connection:delete"{client_type}}}"#
        );
        gateway.authority.set(Mode::Double("token=odd-".to_owned(), facts));
        stopped(&gateway, &with_token(&format!("odd-{}", client_type.len()))).is_error(403, "forbidden", "Forbidden");
    }
}

#[test]
fn nhs_may_act_on_any_client() {
    for token in ["0d7b3a5e9c1f4826b4d0a6e2f8c3957e", "demo-nhs-token"] {
        let gateway = Gateway::start();
        let reply = with_token(token).send(gateway.address());
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(!gateway.database.has_connection(CONNECTION));
    }
}

#[test]
fn pharmacy_and_mis_may_delete_their_own() {
    let gateway = Gateway::start();
    for (token, client, connection) in [
        ("demo-pharmacy-token", "c11e0000-0000-4000-8000-000000000011", "c0220000-0000-4000-8000-000000000040"),
        ("demo-mis-token", "c11e0000-0000-4000-8000-000000000004", "c0220000-0000-4000-8000-000000000048"),
        ("demo-unknown-type-token", "c11e0000-0000-4000-8000-000000000012", "c0220000-0000-4000-8000-000000000050"),
    ] {
        let reply = Call::delete(&path(client, connection)).api_key(API_KEY).token(token).send(gateway.address());
        assert_eq!(reply.status, 200, "{token}: {reply:?}");
        assert!(!gateway.database.has_connection(connection));
    }
}

#[test]
fn connection_of_another_client_is_not_found_under_ones_own_id() {
    let gateway = Gateway::start();
    for connection in
        [OTHERS_CONNECTION, "00000000-0000-4000-8000-000000000000", "no-uuid", "E5372365-D47A-467F-81D0-F35117864352"]
    {
        let call = Call::delete(&path(CLIENT, connection)).api_key(API_KEY).token(TOKEN);
        call.send(gateway.address()).is_error(404, "not_found", "Connection is not found");
    }
    assert!(gateway.database.has_connection(OTHERS_CONNECTION));
    assert!(gateway.database.has_connection(CONNECTION));
}

#[test]
fn second_spellings_of_the_path_never_get_through() {
    let gateway = Gateway::start();
    let upper = CLIENT.to_uppercase();
    for target in [
        path(&upper, CONNECTION),
        path(&CLIENT.replace("df72", "DF72"), CONNECTION),
        path(&CLIENT.replace('1', "%31"), CONNECTION),
        path(&format!("%{}", "31380df72-275a-11e7-93ae-92361f002671"), CONNECTION),
        path(CLIENT, &CONNECTION.replace('e', "%65")),
        path(CLIENT, CONNECTION).replace("/connections", "//connections"),
        format!("/{}", path(CLIENT, CONNECTION)),
        path(CLIENT, CONNECTION).replace("/connections", "/./connections"),
        path(CLIENT, CONNECTION).replace("/connections", "/x/../connections"),
        path(&format!("{OTHER_CLIENT}/../{CLIENT}"), CONNECTION),
        path(&format!("{CLIENT};a=b"), CONNECTION),
        path(CLIENT, &format!("{CONNECTION};a=b")),
        path(CLIENT, CONNECTION).replace("/connections", "%2fconnections"),
        path(CLIENT, CONNECTION).replace("/connections", "%2Fconnections"),
        path(CLIENT, CONNECTION).replace("/connections", "\\connections"),
        path(CLIENT, CONNECTION).replace("/connections", "%5Cconnections"),
        path(CLIENT, CONNECTION).replace("/connections", "%252Fconnections"),
        path(CLIENT, CONNECTION).replace("api", "API"),
        path(CLIENT, CONNECTION).replace("connections", "Connections"),
        path(CLIENT, &format!("{CONNECTION}%00")),
        path(CLIENT, &format!("{CONNECTION}#x")),
        path(CLIENT, &format!("{CONNECTION}/")),
        path(CLIENT, &format!("{CONNECTION}%")),
        path(CLIENT, &format!("{CONNECTION}\u{e9}")),
        path(CLIENT, &format!("{CONNECTION}%FF")),
        path(&format!("{{{CLIENT}}}"), CONNECTION),
        path(&CLIENT.replace('-', ""), CONNECTION),
        path(&format!("urn:uuid:{CLIENT}"), CONNECTION),
        format!("http://api.example/{}", path(CLIENT, CONNECTION)),
        path(CLIENT, CONNECTION).replacen('/', "", 1),
        path(CLIENT, &format!("{CONNECTION}?<")),
        path(CLIENT, &format!("{CONNECTION}?\"")),
    ] {
        println!("{target}");
        let reply = stopped(&gateway, &Call::delete(&target).api_key(API_KEY).token(TOKEN));
        assert!(matches!(reply.status, 400 | 403), "{reply:?}");
        reply.envelope();
    }
}

#[test]
fn method_cannot_be_overridden() {
    let gateway = Gateway::start();
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let call = Call::new("POST", &path(CLIENT, CONNECTION)).api_key(API_KEY).token(TOKEN).header(name, "DELETE");
        stopped(&gateway, &call).is_error(400, "request_malformed", "The method must not be overridden.");
        let call = with_token(TOKEN).header(name, "GET");
        assert_eq!(stopped(&gateway, &call).status, 400);
    }
}

#[test]
fn unlisted_paths_and_methods_are_403() {
    let gateway = Gateway::start();
    for (method, target) in [
        ("POST", path(CLIENT, CONNECTION)),
        ("GET", path(CLIENT, CONNECTION)),
        ("OPTIONS", path(CLIENT, CONNECTION)),
        ("DELETE", format!("/api/clients/{CLIENT}/connections")),
        ("DELETE", format!("/api/clients/{CLIENT}")),
        ("DELETE", path(CLIENT, &format!("{CONNECTION}/x"))),
        ("DELETE", "/".to_owned()),
        ("POST", "/introspect".to_owned()),
        ("GET", "/metrics".to_owned()),
    ] {
        println!("{method} {target}");
        stopped(&gateway, &Call::new(method, &target).api_key(API_KEY).token(TOKEN)).is_error(
            403,
            "forbidden",
            "Forbidden",
        );
    }
}

#[test]
fn odd_hosts_are_400() {
    let gateway = Gateway::start();
    for host in ["a,b", "a b", "user@api.example", "api.example:99999", "api..example", "[::1", "api.example/x"] {
        println!("{host}");
        let reply = stopped(&gateway, &with_token(TOKEN).header("Host", host));
        assert_eq!(reply.status, 400, "{reply:?}");
        reply.envelope();
    }
}
