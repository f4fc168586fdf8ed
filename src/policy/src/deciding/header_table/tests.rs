//! What names mean, in every spelling that could be taken for theirs; and the one walk against a search for each
//! header.

use std::sync::Arc;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::deciding::policy::{HOST_ALIASES, Policy};
use crate::deciding::request::Request;
use crate::document::PolicyDocument;

// Draws from the system's randomness, which plain Wasm has not.
#[cfg(not(target_family = "wasm"))]
mod laws;
#[cfg(not(target_family = "wasm"))]
mod model;

/// A policy with these headers of credentials, this `forward`, and routes for these hosts.
fn policy(api_key: &str, token: &str, forward: &str, hosts: &str) -> Arc<Policy> {
    policy_with(api_key, token, forward, hosts, "")
}

/// The same; `conditions` goes into what its guarded route requires.
fn policy_with(api_key: &str, token: &str, forward: &str, hosts: &str, conditions: &str) -> Arc<Policy> {
    let verify = r#""verify": [{ "introspect": { "authority": "a", "path": "/i", "hint": "t", "expect": { "/u": "t" } } }],
        "cache": { "ttl": "1s", "refused_ttl": "1s", "entries": 1 }"#;
    let text = format!(
        r#"{{
            "version": 1, "name": "x",
            "authorities": {{ "a": {{ "cluster": "a", "host": "a", "timeout": "1s", "auth": {{ "bearer_env": "S" }} }} }},
            "credentials": {{
                "api_key": {{ "header": "{api_key}", {verify} }},
                "token": {{ "header": "{token}", "scheme": "Bearer", {verify} }}
            }},
            "forward": {forward},
            "refusals": {{ "format": "bare" }},
            "routes": [
                {{ "id": "open", "methods": ["GET"], {hosts} "path": "/open", "public": {{ "because": "a test" }} }},
                {{ "id": "own", "methods": ["GET"], {hosts} "path": "/own",
                   "require": {{ "credentials": ["api_key", "token"], {conditions} "scopes": "none" }} }}
            ]
        }}"#
    );
    Arc::new(Policy::compile(&PolicyDocument::read(&text).unwrap()).unwrap())
}

const HOSTS: &str = r#""hosts": ["api.example"],"#;

/// Names that mean much at once: credentials that are kept, that are a second host, that say what a preflight asks
/// about.
fn policies() -> Vec<Arc<Policy>> {
    let identities = r#"{
        "headers": { "x-consumer-id": "token.subject", "x-identity": "token.client_id" },
        "json": { "x-consumer--json": { "a": "token.subject" } }, "fixed": { "x-gateway": "brama" },
        "strip": ["x-consumer-*", "x-person-id", "x-o*", "x--*"], "keep": ["token"] }"#;
    vec![
        Arc::new(Policy::refuse_all()),
        policy("api-key", "authorization", r#"{ "headers": {} }"#, ""),
        policy("api-key", "authorization", identities, ""),
        policy("x-host", "x-consume", identities, HOSTS),
        policy("x-host", "forward", r#"{ "headers": {}, "keep": ["api_key"] }"#, HOSTS),
        policy("origin", "access-control-request-method", r#"{ "headers": {}, "strip": ["a*"] }"#, ""),
        policy("origin", "x-", r#"{ "headers": {}, "keep": ["api_key", "token"] }"#, ""),
        #[cfg(feature = "cel")]
        policy_with(
            "api-key",
            "x-token--id",
            identities,
            HOSTS,
            r#""conditions": ["\"x-debug\" in request.headers"],"#,
        ),
    ]
}

/// All spellings of a name by these signs, each with what it is to that name.
fn spellings(name: &str) -> Vec<(String, Spelling)> {
    let mut spellings = vec![(String::new(), Spelling::Same)];
    for own in name.chars() {
        let signs = if own == '-' { &['-', '_', '.', ':', ' '][..] } else { &[own][..] };
        spellings = spellings
            .iter()
            .flat_map(|(start, spelling)| {
                let spelling = *spelling;
                signs
                    .iter()
                    .map(move |sign| (format!("{start}{sign}"), if *sign == own { spelling } else { Spelling::Alike }))
            })
            .collect();
    }
    if name.contains("--") {
        spellings.push((name.replacen("--", "é", 1), Spelling::Alike));
    }
    let upper: Vec<_> = spellings.iter().map(|(text, spelling)| (text.to_ascii_uppercase(), *spelling)).collect();
    spellings.into_iter().chain(upper).collect()
}

#[test]
fn every_known_name_means_the_same_in_every_spelling_that_could_be_taken_for_it() {
    for policy in policies() {
        let table = &policy.headers;
        for Entry { name, meaning } in table.by_length.iter().flatten() {
            for (sent, spelling) in spellings(name) {
                let found = table.find(&sent);
                assert_eq!((found.role, found.carrier), (meaning.role, meaning.carrier), "{sent}");
                assert_eq!(found.spelling, spelling, "{sent}");
                let by_prefix = table.prefixes.iter().any(|prefix| prefix.is_confusable_with(&sent));
                let by_name = match meaning.removal {
                    Removal::Never => false,
                    Removal::OfAlike => spelling == Spelling::Alike,
                    Removal::Always => true,
                };
                assert_eq!(
                    (found.is_removed, table.removes(&sent)),
                    (by_name || by_prefix, by_name || by_prefix),
                    "{sent}"
                );
            }
            for other in [format!("{name}s"), format!("s{name}"), name.replacen(char::is_alphanumeric, "~", 1)] {
                let found = table.find(&other);
                assert!(found.role != meaning.role || found.role == Role::None, "{other}");
                assert!(found.carrier != meaning.carrier || found.carrier.is_none(), "{other}");
            }
        }
    }
}

#[test]
fn names_mean_what_the_policy_says() {
    let kept = policy(
        "api-key",
        "authorization",
        r#"{ "headers": { "x-user": "token.subject" }, "json": { "x-identity": { "a": "token.subject" } },
             "fixed": { "x-gateway": "brama" }, "strip": ["x-person-id", "x-consumer-*"], "keep": ["token"] }"#,
        HOSTS,
    );
    for (name, role, carrier, is_removed) in [
        ("x-request-id", Role::RequestId, None, false),
        ("upgrade", Role::Upgrade, None, false),
        ("origin", Role::Origin, None, false),
        ("access-control-request-method", Role::PreflightMethod, None, false),
        ("x-http-method-override", Role::Override(Override::Method("x-http-method-override")), None, false),
        ("x-rewrite-url", Role::Override(Override::Path("x-rewrite-url")), None, false),
        ("api-key", Role::None, Some(0), true),
        ("authorization", Role::None, Some(1), false),
        ("Authorization", Role::None, Some(1), false),
        ("x-user", Role::None, None, true),
        ("x-identity", Role::None, None, true),
        ("x-gateway", Role::None, None, true),
        ("x-person-id", Role::None, None, true),
        ("x-consumer-", Role::None, None, true),
        ("x-consumer-anything", Role::None, None, true),
        ("x.consumer.anything", Role::None, None, true),
        ("x-consumer", Role::None, None, false),
        ("x-forwarded-host", Role::None, None, true),
        ("accept", Role::None, None, false),
        ("", Role::None, None, false),
    ] {
        let found = kept.headers.find(name);
        assert_eq!((found.role, found.carrier, found.is_removed), (role, carrier, is_removed), "{name}");
    }
    for host in HOST_ALIASES {
        assert!(kept.strips(host) && !policies()[1].strips(host), "{host}");
    }
    let other = policy("api-key", "x-token-id", r#"{ "headers": {}, "keep": ["token"] }"#, "");
    for (name, is_removed) in [("x-token-id", false), ("X-Token-Id", false), ("x_token-id", true), ("api-key", true)] {
        assert_eq!(other.strips(name), is_removed, "{name}");
    }
}

#[test]
fn least_of_several_overrides_is_told() {
    let headers: Vec<_> = ["x-rewrite-url", "X_Method", "x-forwarded-path", "_METHOD", "x-http-method"]
        .map(|name| (name.to_owned(), Vec::new()))
        .into();
    let told = |from: usize, to: usize| Policy::refuse_all().headers.read(&Request::new(&headers[from..to])).overridden;
    assert_eq!(told(0, 1), Some(Override::Path("x-rewrite-url")));
    assert_eq!(told(0, 2), Some(Override::Method("x-method")));
    assert_eq!(told(2, 3), Some(Override::Path("x-forwarded-path")));
    assert_eq!(told(0, 5), Some(Override::METHOD));
    let mut sorted: Vec<_> = std::iter::once(Override::METHOD).chain(Override::by_headers()).collect();
    sorted.sort();
    assert!(sorted.iter().copied().eq(std::iter::once(Override::METHOD).chain(Override::by_headers())), "{sorted:?}");
}

#[test]
fn names_of_overrides_are_ones_that_the_table_can_hold() {
    // The table compares spellings of names in lower case, with no sign but `-`.
    for name in refused_headers() {
        assert!(name.parse::<crate::header::HeaderName>().is_ok(), "{name}");
    }
}
