//! The one walk against a search for each header, over headers that are near to what policies name.

use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::select;

use super::model::{self, Model};
use super::*;
use crate::deciding::condition::{Condition, Headers};
use crate::deciding::policy::{CredentialRule, Requirement, Route};
use crate::deciding::target::Target;

fn known_policies() -> &'static [Arc<Policy>] {
    static POLICIES: OnceLock<Vec<Arc<Policy>>> = OnceLock::new();
    POLICIES.get_or_init(policies)
}

/// Every name that some policy knows, and what is near to one.
fn name() -> impl Strategy<Value = String> {
    let known = known_policies().iter().flat_map(|policy| policy.headers.by_length.iter().flatten());
    let known: std::collections::BTreeSet<_> = known.map(|entry| entry.name.clone()).collect();
    let known = select(known.into_iter().collect::<Vec<_>>());
    let pseudo = select(vec![":method", ":authority", ":path", ":scheme", ":protocol", "_method", ":status"]);
    let others = select(vec![
        "",
        "-",
        "é",
        "accept",
        "x-debug",
        "X_Debug",
        "x-consumer-",
        "x-consumer-role",
        "x-consumeré",
        "x-o",
        "x-other",
        "x--a",
        "xé",
        "x-éa",
        "a",
        "host",
        "cookie",
    ]);
    prop_oneof![
        6 => (known, any::<u64>()).prop_map(|(name, dice)| respelt(&name, dice)),
        2 => (pseudo, any::<u64>()).prop_map(|(name, dice)| respelt(name, dice)),
        2 => (others, any::<u64>()).prop_map(|(name, dice)| respelt(name, dice)),
        1 => "\\PC{0,12}",
        1 => ("[a-z-]", 200_usize..400).prop_map(|(letter, times)| letter.repeat(times)),
    ]
}

/// A name as it is, or with other letters, other signs, more of it or less; three bits of `dice` for each byte.
fn respelt(name: &str, dice: u64) -> String {
    let spelt: String = name
        .chars()
        .enumerate()
        .map(|(index, own)| {
            let dice = dice.rotate_right(u32::try_from(index).unwrap().wrapping_mul(3)) & 7;
            match (own, dice) {
                (letter, 0) if letter.is_ascii_alphabetic() => letter.to_ascii_uppercase(),
                ('-' | '_' | ':', 0) => '_',
                ('-' | '_' | ':', 1) => '.',
                ('-' | '_' | ':', 2) => ':',
                ('-' | '_', 3) => '-',
                (own, _) => own,
            }
        })
        .collect();
    match dice >> 59 {
        0 => name.replacen("--", "é", 1),
        1 => format!("{spelt}s"),
        2 => format!("{spelt}-id"),
        3 => spelt.chars().skip(1).collect(),
        4..=11 => spelt,
        _ => name.to_owned(),
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let plain = select(vec![
        &b""[..],
        b"k",
        b"a,b",
        b"Bearer t",
        b"websocket",
        b"WebSocket",
        b"h2c",
        b"GET",
        b"OPTIONS",
        b"CONNECT",
        b"TRACE",
        b"/own?a=b",
        b"/open",
        b"api.example",
        b"https",
        b"https://a.example",
        b"\xff",
        b"id-7#a",
    ]);
    prop_oneof![
        8 => plain.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => (100_usize..140).prop_map(|times| vec![b'a'; times]),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let method = select(vec!["GET", "OPTIONS", "OPTIONS", "CONNECT", "TRACE"]);
    let pseudo = method.prop_map(|method| {
        let pseudo = [(":method", method), (":scheme", "https"), (":authority", "api.example"), (":path", "/own?a=b")];
        pseudo.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec()
    });
    let preflight = [("origin", "https://a.example"), ("access-control-request-method", "GET")]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let start = prop_oneof![
        6 => pseudo.clone(),
        3 => pseudo.prop_map(move |pseudo| [&pseudo[..], &preflight[..]].concat()),
        1 => Just(Vec::new()),
    ];
    (start, prop::collection::vec((name(), value()), 0..7), any::<prop::sample::Index>()).prop_map(
        |(mut headers, further, place)| {
            let place = place.index(headers.len().saturating_add(1));
            headers.splice(place..place, further);
            headers
        },
    )
}

fn compare(policy: &Policy, headers: &[(String, Vec<u8>)]) -> Result<(), TestCaseError> {
    let (model, seen) = (Model { policy, headers }, policy.headers.read(&Request::new(headers)));
    prop_assert_eq!(seen.request_id(), model.id());
    prop_assert_eq!(seen.url(), model.url());
    let target = Target::read(&seen);
    let target: Result<model::Target<'_>, _> = target
        .as_ref()
        .map(|target| (target.method, target.host.as_str(), target.path.as_str(), target.preflight_for))
        .map_err(Clone::clone);
    prop_assert_eq!(target, model.target());
    for (number, CredentialRule { kind, .. }) in policy.credential_rules().enumerate() {
        prop_assert_eq!(crate::deciding::presentation::only(seen.carrier(number)), model.value_of(kind));
    }
    if let Some(rule) = policy.credential("api_key").and_then(|kind| policy.credential_rule(kind)) {
        let (read, _number) = rule.presentation.read(&seen);
        let read = read.map(|credential| credential.expose_secret().to_owned());
        prop_assert_eq!(read, model.raw(&rule.kind).map(str::to_owned));
    }
    prop_assert_eq!(&seen.remove, &model.removals());
    for (name, _value) in headers {
        prop_assert_eq!(policy.strips(name), model.strips(name), "{}", name);
    }
    if let Some(shown) = &seen.shown {
        prop_assert_eq!(Headers::read(shown.iter().copied()), model.shown());
    }
    prop_assert_eq!(seen.shown.is_some(), policy.routes.iter().any(reads_headers));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn one_walk_sees_what_a_search_for_each_header_finds(headers in headers()) {
        for policy in known_policies() {
            compare(policy, &headers)?;
        }
    }
}

fn reads_headers(route: &Route) -> bool {
    match &route.requirement {
        Requirement::Public { .. } => false,
        Requirement::Verified(verified) => verified.conditions.iter().any(Condition::uses_headers),
    }
}
