//! Owns whether a request can reach a route at all, tried out on the router itself.

use std::collections::BTreeSet;

use super::Lint;
use crate::fault::Place;
use crate::host::{Host, HostPattern};
use crate::path::{Ambiguity, CanonicalPath};
use crate::policy::{Policy, Route};
use crate::template::{CaptureKind, Segment, folded, is_canonical_int, is_uuid_but_for_case};

/// Every host the policy names.
pub(super) fn hosts(policy: &Policy) -> Vec<&HostPattern> {
    let mut hosts: Vec<&HostPattern> = Vec::new();
    for host in policy.routes.iter().flat_map(|route| &route.hosts) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// Where a route's requests go instead of to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Elsewhere {
    To(usize),
    Refused,
}

/// Tells of a route that no request reaches: on none of its hosts, or on one that another route names more exactly.
pub(super) fn unreachable(
    policy: &Policy,
    index: usize,
    route: &Route,
    hosts: &[&HostPattern],
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    let mut told = BTreeSet::new();
    for host in hosts.iter().filter(|host| route.hosts.iter().any(|own| own.covers(host))) {
        let at_stake =
            |other: &Route| other.hosts.contains(host) && overlap(route.path.segments(), other.path.segments());
        if !route.hosts.contains(host) && !policy.routes.iter().any(at_stake) {
            continue;
        }
        let Some(elsewhere) = elsewhere(policy, index, route, host) else { continue };
        // The same path on a more exact host is meant, and one host's lint speaks for those below it.
        if elsewhere.iter().all(|to| is_same_path(policy, route, *to)) || !told.insert(elsewhere.clone()) {
            continue;
        }
        let on = if **host == HostPattern::Any { String::new() } else { format!(" on `{host}`") };
        let (message, hint) = match elsewhere.first() {
            Some(Elsewhere::To(other)) => {
                let other = policy.routes.get(*other).map_or("", |other| other.id.as_str());
                (
                    format!("no request reaches this route{on}: route `{other}` takes them all"),
                    "a more exact host goes before a more exact path; write the route for that host too",
                )
            }
            Some(Elsewhere::Refused) | None => (
                format!(
                    "no request reaches this route{on}: all are refused, for they differ from another route's in letter case only"
                ),
                "spell both routes alike",
            ),
        };
        lints.push(Lint::new("route_unreachable", place.key("path"), message, hint));
    }
}

fn is_same_path(policy: &Policy, route: &Route, elsewhere: Elsewhere) -> bool {
    match elsewhere {
        Elsewhere::Refused => false,
        Elsewhere::To(other) => policy.routes.get(other).is_some_and(|other| {
            let (one, two) = (route.path.segments(), other.path.segments());
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| is_same(one, two))
        }),
    }
}

fn is_same(one: &Segment, two: &Segment) -> bool {
    match (one, two) {
        (Segment::Literal(one), Segment::Literal(two)) => one == two,
        (Segment::Capture { kind: one, .. }, Segment::Capture { kind: two, .. }) => one == two,
        (Segment::Literal(_), Segment::Capture { .. }) | (Segment::Capture { .. }, Segment::Literal(_)) => false,
    }
}

/// Where requests for a route go on a host, if none of those tried comes to it.
fn elsewhere(policy: &Policy, index: usize, route: &Route, host: &HostPattern) -> Option<BTreeSet<Elsewhere>> {
    let name = match host {
        HostPattern::Any => "nowhere.invalid".to_owned(),
        HostPattern::Name(name) => name.clone(),
        HostPattern::Suffix(suffix) => format!("nowhere.{suffix}"),
    };
    let host = Host::parse(name.as_bytes()).ok()?;
    let mut elsewhere = BTreeSet::new();
    for (method, text) in route.methods.iter().flat_map(|method| probes(route).map(move |text| (method, text))) {
        let path = CanonicalPath::parse(text.as_bytes()).ok()?;
        match policy.router.find(method, &host, &path) {
            Ok(Some(found)) if found.route == index => return None,
            Ok(Some(found)) => drop(elsewhere.insert(Elsewhere::To(found.route))),
            Err(Ambiguity::LetterCase) => drop(elsewhere.insert(Elsewhere::Refused)),
            Ok(None) | Err(_) => return None,
        }
    }
    Some(elsewhere)
}

/// Paths that a route matches, as unlike to any other route's as can be.
fn probes(route: &Route) -> impl Iterator<Item = String> {
    [1, 2, 5].into_iter().map(|rest| {
        let mut path = String::new();
        for segment in route.path.segments() {
            path.push('/');
            match segment {
                Segment::Literal(text) => path.push_str(&encoded(text)),
                Segment::Capture { kind: CaptureKind::Any, .. } => path.push_str("no-such-thing"),
                Segment::Capture { kind: CaptureKind::Int, .. } => path.push_str("8070605040302010"),
                Segment::Capture { kind: CaptureKind::Uuid, .. } => {
                    path.push_str("7e57ab1e-0000-4000-8000-0000decade00")
                }
                Segment::Capture { kind: CaptureKind::Rest, .. } => {
                    path.push_str(&["no-such-thing"; 5].split_at(rest).0.join("/"))
                }
            }
        }
        path
    })
}

/// A literal as a path spells it.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Whether two templates have a path in common.
pub(super) fn overlap(one: &[Segment], two: &[Segment]) -> bool {
    match (one.split_first(), two.split_first()) {
        (None, None) => true,
        (None, Some(_)) | (Some(_), None) => false,
        (Some((Segment::Capture { kind: CaptureKind::Rest, .. }, _)), Some(_))
        | (Some(_), Some((Segment::Capture { kind: CaptureKind::Rest, .. }, _))) => true,
        (Some((first, after)), Some((second, rest))) => meet(first, second) && overlap(after, rest),
    }
}

fn meet(one: &Segment, two: &Segment) -> bool {
    match (one, two) {
        (Segment::Literal(one), Segment::Literal(two)) => folded(one) == folded(two),
        (Segment::Literal(text), Segment::Capture { kind, .. })
        | (Segment::Capture { kind, .. }, Segment::Literal(text)) => match kind {
            CaptureKind::Any | CaptureKind::Rest => true,
            CaptureKind::Int => is_canonical_int(text),
            CaptureKind::Uuid => is_uuid_but_for_case(text),
        },
        (Segment::Capture { kind: one, .. }, Segment::Capture { kind: two, .. }) => {
            !matches!((one, two), (CaptureKind::Int, CaptureKind::Uuid) | (CaptureKind::Uuid, CaptureKind::Int))
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::template::PathTemplate;

    #[test]
    fn templates_overlap_where_a_path_matches_both() {
        for (one, two, common) in [
            ("/a", "/a", true),
            ("/a", "/A", true),
            ("/a/{x}", "/a/b", true),
            ("/a/{x:int}", "/a/7", true),
            ("/a/{x:int}", "/a/b", false),
            ("/a/{x:int}", "/a/{y:uuid}", false),
            ("/{x...}", "/a/b/c", true),
            ("/a/{x...}", "/a", false),
            ("/a/{x}", "/b/{x}", false),
            ("/a/{x}", "/a/{x}/c", false),
        ] {
            let (first, second) = (PathTemplate::parse(one).unwrap(), PathTemplate::parse(two).unwrap());
            assert_eq!(overlap(first.segments(), second.segments()), common, "{one} {two}");
            assert_eq!(overlap(second.segments(), first.segments()), common, "{two} {one}");
        }
    }
}
