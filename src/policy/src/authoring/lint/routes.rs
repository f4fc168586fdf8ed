//! Owns what routes probably were not meant to say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::overlap::{Hosts, Overlaps};
use super::{Lint, WITHOUT_EFFECT, reach, twice};
use crate::compile::conditions::{Entry, Known, hidden};
use crate::deciding::condition::{Condition, Hidden, Outcomes};
use crate::deciding::policy::{Ownership, Policy, Requirement, Route, Verified};
use crate::document::{PolicyDocument, RouteDocument, ScopesDocument};
use crate::fault::Place;
use crate::host::HostPattern;
use crate::identity::facts::{Fact, FactName};

pub(super) fn all(policy: &Policy, document: &PolicyDocument, lints: &mut Vec<Lint>) {
    let all = Overlaps::of(policy.routes.iter().enumerate());
    let guarded = policy.routes.iter().enumerate().filter(|(_, route)| route.verified().is_some());
    let guarded = Overlaps::of(guarded);
    let compared: BTreeSet<&str> = policy.verified_routes().flat_map(looked_at).collect();
    let mut hosts = Named::new();
    for (index, host) in
        policy.routes.iter().enumerate().flat_map(|(index, route)| route.hosts.iter().map(move |host| (index, host)))
    {
        hosts.entry(host).or_insert((index, index)).1 = index;
    }
    let hidden = hidden(document);
    for (index, route) in policy.routes.iter().enumerate() {
        let place = Place::root().key("routes").index(index);
        if let Some(written) = document.routes.get(index) {
            without_effect(policy, (index, route), &hosts, written, &place, lints);
        }
        methods(route, &place, lints);
        reach::unreachable(policy, index, route, &all, &place, lints);
        captures(policy, route, &compared, &place, lints);
        conditions(document, &hidden, route, &place, lints);
        if matches!(route.requirement, Requirement::Public { .. }) {
            overlaps(policy, route, &guarded, &place, lints);
        }
    }
}

/// Each host that is named, with the first and the last route that names it.
type Named<'p> = BTreeMap<&'p HostPattern, (usize, usize)>;

/// What a route writes and nothing comes of.
fn without_effect(
    policy: &Policy,
    (index, route): (usize, &Route),
    hosts: &Named<'_>,
    written: &RouteDocument,
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    let mut tell = |place: Place, message: String, hint: &str| {
        lints.push(Lint::new(WITHOUT_EFFECT, place, message, hint));
    };
    if written.mode.is_some() && matches!(route.requirement, Requirement::Public { .. }) {
        tell(place.key("mode"), "a public route asks for nothing that could be waived".to_owned(), "remove it");
    }
    if written.preflight.is_some() && reach::preflights_are_taken(policy, route) {
        let message = "preflight requests never get as far: a route for `OPTIONS` takes them all".to_owned();
        tell(place.key("preflight"), message, "remove it, or `OPTIONS` from the methods");
    }
    for (at, host) in route.hosts.iter().enumerate() {
        let wider = route.hosts.iter().enumerate().find(|(other, wider)| *other != at && wider.covers(host));
        let Some((_, wider)) = wider else { continue };
        // Where another route names a host between the two, this one goes before it.
        let is_anothers =
            |between: &HostPattern| hosts.get(between).is_some_and(|(first, last)| (*first, *last) != (index, index));
        if !reach::from_it_up(host).iter().any(|between| wider.covers(between) && is_anothers(between)) {
            tell(
                place.key("hosts").index(at),
                format!("`{host}` changes nothing: `{wider}` has it already"),
                "remove it",
            );
        }
    }
    let Some(require) = &written.require else { return };
    let place = place.key("require");
    if let Some(owner) = &require.owner {
        let place = place.key("owner").key("except_client_types");
        for (at, text) in owner.except_client_types.iter().enumerate().filter(|(_, text)| text.parse::<Fact>().is_err())
        {
            let message = format!("`{text}` exempts nobody: no fact is ever this text");
            tell(place.index(at), message, "write it as the authority states it, or remove it");
        }
        twice::told(&owner.except_client_types, &place, lints);
    }
    match &require.scopes {
        ScopesDocument::None(_) => {}
        ScopesDocument::Wanted(wanted) => {
            let lists = [("all", &wanted.all), ("any", &wanted.any)];
            for (key, list) in lists {
                twice::told(list.as_deref().unwrap_or_default(), &place.key("scopes").key(key), lints);
            }
        }
    }
    twice::told(require.conditions.as_deref().unwrap_or_default(), &place.key("conditions"), lints);
}

fn methods(route: &Route, place: &Place, lints: &mut Vec<Lint>) {
    for (index, method) in route.methods.iter().enumerate().filter(|(_, method)| !METHODS.contains(&method.as_str())) {
        lints.push(Lint::new(
            "method_unknown",
            place.key("methods").index(index),
            format!("`{method}` is no registered method, and Envoy refuses it over HTTP/1.1"),
            "write one of the methods the service knows",
        ));
    }
}

/// A capture that nothing looks at, where its name says that something should: it is a fact of the caller, or other
/// routes compare it.
fn captures(policy: &Policy, route: &Route, compared: &BTreeSet<&str>, place: &Place, lints: &mut Vec<Lint>) {
    let Some(verified) = route.verified() else { return };
    let looked_at: BTreeSet<&str> = looked_at(verified).collect();
    let is_fact = |name: &str| {
        verified.credentials.iter().any(|kind| {
            name != "scope" && FactName::standard(name).is_some()
                || policy.further_facts(kind).any(|(further, _type)| **further == *name)
        })
    };
    for name in route.path.capture_names().filter(|name| !name.starts_with('_') && !looked_at.contains(name)) {
        if is_fact(name) || compared.contains(name) {
            lints.push(Lint::new(
                "capture_unused",
                place.key("path"),
                format!("nothing looks at what `{{{name}}}` takes"),
                format!("compare it in `owner` or in a condition, or call it `_{name}`"),
            ));
        }
    }
}

/// The captures that a route compares.
fn looked_at(verified: &Verified) -> impl Iterator<Item = &str> {
    let owner = match &verified.owner {
        Ownership::NotOwned => None,
        Ownership::Owned(owner) => Some(owner.param.as_str()),
    };
    owner.into_iter().chain(verified.conditions.iter().flat_map(Condition::captures_used))
}

fn conditions(document: &PolicyDocument, hidden: &[Hidden], route: &Route, place: &Place, lints: &mut Vec<Lint>) {
    let Some(verified) = route.verified().filter(|verified| !verified.conditions.is_empty()) else { return };
    let entry = Entry { methods: &route.methods, hosts: &route.hosts, path: &route.path };
    let known = Known::of(entry, &verified.credentials, document, hidden);
    for (index, condition) in verified.conditions.iter().enumerate() {
        let Outcomes { can_hold, can_be_false, can_fail } = condition.outcomes(&known.names());
        let message = match (can_hold, can_be_false, can_fail) {
            (true, true, _) | (false, false, false) => continue,
            (true, false, false) => "this condition always holds",
            (true, false, true) => {
                "this condition is never false: it holds, or it fails since something is absent or out of range"
            }
            (false, true, _) => "this condition never holds, so that nobody may pass",
            (false, false, true) => "this condition always fails, so that nobody may pass",
        };
        let place = place.key("require").key("conditions").index(index);
        let hint = "let it tell requests of this route apart, or remove it";
        lints.push(Lint::new("condition_constant", place, message, hint));
    }
}

/// A public route that shares requests with guarded ones: which of them decides is a matter of precedence.
fn overlaps(policy: &Policy, public: &Route, guarded: &Overlaps<'_>, place: &Place, lints: &mut Vec<Lint>) {
    let mut shared = BTreeSet::new();
    let has_method = |index: &usize| {
        let other = policy.routes.get(*index);
        other.is_some_and(|other| other.methods.iter().any(|method| public.methods.contains(method)))
    };
    let mut look = |found: &Hosts<'_>| {
        for routes in reach::sharing(&public.hosts, found) {
            shared.extend(routes.iter().copied().filter(has_method).take(MAX_NAMED.saturating_add(1)));
        }
        // Those that are named say enough; a public `/{_all...}` shares requests with all there are.
        if shared.len() > MAX_NAMED { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let rest = if guarded.visit(public.path.segments(), &mut look).is_break() { " and others" } else { "" };
    if shared.is_empty() {
        return;
    }
    let named = shared.iter().take(MAX_NAMED).filter_map(|index| policy.routes.get(*index));
    let named: Vec<_> = named.map(|route| format!("`{}`", route.id.as_str())).collect();
    let (word, named) = (if named.len() == 1 && rest.is_empty() { "route" } else { "routes" }, named.join(", "));
    lints.push(Lint::new(
        "public_overlaps_guarded",
        place.key("path"),
        format!("`{}` and the guarded {word} {named}{rest} have requests in common", public.path),
        "the most specific of them decides; make sure that it is the one you mean, or tell them apart by their paths",
    ));
}

/// Guarded routes that are named in one lint.
const MAX_NAMED: usize = 5;

/// What Envoy's HTTP/1 codec lets through ([IANA's registry](https://www.iana.org/assignments/http-methods) and a few
/// more).
const METHODS: [&str; 32] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "MSEARCH",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];
