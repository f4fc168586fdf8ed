//! Owns whether a request can reach a route at all, tried out on the router itself.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::Lint;
use super::overlap::{Hosts, Overlaps};
use crate::deciding::policy::{Policy, Route};
use crate::fault::Place;
use crate::host::{Host, HostPattern};
use crate::path::{Ambiguity, CanonicalPath};
use crate::template::{CaptureKind, Segment};

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
    overlaps: &Overlaps<'_>,
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    let mut told = BTreeSet::new();
    for host in hosts(route, overlaps) {
        let Some(elsewhere) = elsewhere(policy, index, route, host) else { continue };
        // The same path on a more exact host is meant, and one host's lint speaks for those below it.
        if elsewhere.iter().all(|to| is_same_path(policy, route, *to)) || !told.insert(elsewhere.clone()) {
            continue;
        }
        let on = if *host == HostPattern::Any { String::new() } else { format!(" on `{host}`") };
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
                    "no request reaches this route{on}: all are refused, for they differ from a stricter route's in letter case only"
                ),
                "spell both routes alike",
            ),
        };
        lints.push(Lint::new("route_unreachable", place.key("path"), message, hint));
    }
}

/// Its own hosts, and those below them that another route names for some of its paths.
fn hosts<'p>(route: &'p Route, overlaps: &Overlaps<'p>) -> BTreeSet<&'p HostPattern> {
    let mut hosts: BTreeSet<&HostPattern> = route.hosts.iter().collect();
    // A name has nothing below it.
    let wide: Vec<_> = route.hosts.iter().filter(|own| !matches!(own, HostPattern::Name(_))).collect();
    if !wide.is_empty() {
        let mut look = |found: &Hosts<'p>| {
            hosts.extend(found.keys().copied().filter(|host| wide.iter().any(|own| own.covers(host))));
            ControlFlow::Continue(())
        };
        // It is never told to stop.
        let _all = overlaps.visit(route.path.segments(), &mut look);
    }
    hosts
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
    let name = a_name(host);
    let host = Host::parse(name.as_bytes()).ok()?;
    let mut elsewhere = BTreeSet::new();
    for (method, text) in route.methods.iter().flat_map(|method| probes(route).map(move |text| (method, text))) {
        let path = CanonicalPath::parse(text.as_bytes()).ok()?;
        match policy.find(method, &host, &path) {
            Ok(Some(found)) if found.route == index => return None,
            Ok(Some(found)) => drop(elsewhere.insert(Elsewhere::To(found.route))),
            Err(Ambiguity::LetterCase) => drop(elsewhere.insert(Elsewhere::Refused)),
            Ok(None) | Err(_) => return None,
        }
    }
    Some(elsewhere)
}

/// The routes of these that share hosts with a route of those hosts.
pub(super) fn sharing<'a>(hosts: &'a [HostPattern], routes: &'a Hosts<'_>) -> impl Iterator<Item = &'a Vec<usize>> {
    hosts.iter().flat_map(move |host| {
        let (above, below) = match host {
            // What is above a name is soon told, however many hosts there are.
            HostPattern::Name(_) => (from_it_up(host), None),
            HostPattern::Any | HostPattern::Suffix(_) => (Vec::new(), Some(host)),
        };
        let above = above.into_iter().filter_map(|host| routes.get(&host));
        let below = below.into_iter().flat_map(|host| {
            routes.iter().filter(|(other, _)| host.covers(other) || other.covers(host)).map(|(_, routes)| routes)
        });
        above.chain(below)
    })
}

/// A host, and every one that covers it.
pub(super) fn from_it_up(host: &HostPattern) -> Vec<HostPattern> {
    let name = match host {
        HostPattern::Any => "",
        HostPattern::Name(name) | HostPattern::Suffix(name) => name,
    };
    let below_dots = name.match_indices('.').filter_map(|(dot, _)| name.get(dot.saturating_add(1)..));
    let mut hosts: Vec<_> = below_dots.map(|suffix| HostPattern::Suffix(suffix.to_owned())).collect();
    if *host != HostPattern::Any {
        hosts.insert(0, host.clone());
    }
    hosts.push(HostPattern::Any);
    hosts
}

/// Whether an OPTIONS request for what a route matches always has a route of its own, so that none is left to be a
/// preflight.
pub(super) fn preflights_are_taken(policy: &Policy, route: &Route) -> bool {
    let is_taken = |host: &HostPattern| {
        let name = a_name(host);
        let Ok(host) = Host::parse(name.as_bytes()) else { return false };
        probes(route).all(|text| {
            let path = CanonicalPath::parse(text.as_bytes());
            path.is_ok_and(|path| matches!(policy.find("OPTIONS", &host, &path), Ok(Some(_))))
        })
    };
    route.hosts.iter().all(is_taken)
}

/// A host that a pattern has, as unlike to any other's as can be.
fn a_name(host: &HostPattern) -> String {
    match host {
        HostPattern::Any => "nowhere.invalid".to_owned(),
        HostPattern::Name(name) => name.clone(),
        HostPattern::Suffix(suffix) => format!("nowhere.{suffix}"),
    }
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
