//! Owns what routes probably were not meant to say.

use super::{Lint, reach};
use crate::condition::Condition;
use crate::fault::Place;
use crate::policy::{Ownership, Policy, Requirement, Route};

pub(super) fn all(policy: &Policy, lints: &mut Vec<Lint>) {
    let hosts = reach::hosts(policy);
    for (index, route) in policy.routes.iter().enumerate() {
        let place = Place::root().key("routes").index(index);
        methods(route, &place, lints);
        reach::unreachable(policy, index, route, &hosts, &place, lints);
        captures(route, &place, lints);
        conditions(route, &place, lints);
        if matches!(route.requirement, Requirement::Public { .. }) {
            overlaps(policy, route, &place, lints);
        }
    }
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

fn captures(route: &Route, place: &Place, lints: &mut Vec<Lint>) {
    let owner = route.verified().and_then(|verified| match &verified.owner {
        Ownership::NotOwned => None,
        Ownership::Owned(owner) => Some(owner.param.as_str()),
    });
    let conditions: &[Condition] = route.verified().map_or(&[], |verified| &verified.conditions);
    for name in route.path.capture_names().filter(|name| !name.starts_with('_') && owner != Some(name)) {
        if !conditions.iter().any(|condition| condition.captures_used().any(|used| used == name)) {
            lints.push(Lint::new(
                "capture_unused",
                place.key("path"),
                format!("nothing looks at what `{{{name}}}` takes"),
                format!("compare it in `owner` or in a condition, or call it `_{name}`"),
            ));
        }
    }
}

fn conditions(route: &Route, place: &Place, lints: &mut Vec<Lint>) {
    let conditions = route.verified().map_or(&[][..], |verified| &verified.conditions);
    for (index, condition) in conditions.iter().enumerate() {
        let Some(always) = condition.constant() else { continue };
        let message = match always {
            true => "this condition always holds",
            false => "this condition never holds, so that nobody may pass",
        };
        let place = place.key("require").key("conditions").index(index);
        lints.push(Lint::new("condition_constant", place, message, "let it look at the request, or remove it"));
    }
}

/// A public route that shares requests with a guarded one: which of the two decides is a matter of precedence.
fn overlaps(policy: &Policy, public: &Route, place: &Place, lints: &mut Vec<Lint>) {
    for guarded in policy.routes.iter().filter(|other| other.verified().is_some()) {
        let method = public.methods.iter().any(|method| guarded.methods.contains(method));
        let host = public.hosts.iter().any(|one| guarded.hosts.iter().any(|two| one.covers(two) || two.covers(one)));
        if method && host && reach::overlap(public.path.segments(), guarded.path.segments()) {
            lints.push(Lint::new(
                "public_overlaps_guarded",
                place.key("path"),
                format!("`{}` and the guarded route `{}` have requests in common", public.path, guarded.id.as_str()),
                "the more specific of the two decides; make sure that it is the one you mean, or tell them apart by their paths",
            ));
        }
    }
}

/// What Envoy's HTTP/1 codec lets through ([IANA's registry](https://www.iana.org/assignments/http-methods) and a few more).
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
