//! Owns the checking of `routes`: what each is for, and that no two are for the same requests.

use std::collections::HashMap;

use super::conditions::{Entry, hidden};
use super::references::credential_document;
use super::requirement::verified;
use super::{each, forward, is_name, require_reason};
use crate::deciding::condition::Hidden;
use crate::deciding::policy::{HOST_ALIASES, Mode, Preflight, Requirement, Route};
use crate::deciding::router::{Router, Taken};
use crate::deciding::rule_id::RuleId;
use crate::document::{CredentialDocument, PolicyDocument, RouteDocument, RouteModeDocument};
use crate::fault::{Faults, Place};
use crate::header::{HeaderName, HeaderPattern};
use crate::host::{HostPattern, MAX_NAME};
use crate::identity::credential::CredentialKind;
use crate::template::PathTemplate;

/// The routes in the order of the document, and the way to find them.
pub(super) fn all(
    document: &PolicyDocument,
    mode: Mode,
    place: &Place,
    faults: &mut Faults,
) -> Option<(Vec<Route>, Router)> {
    if document.routes.is_empty() {
        faults.add(place, "a policy without routes refuses everything; write at least one");
    }
    let mut router = Router::default();
    let mut ids = HashMap::new();
    // Found once, since it looks at every route.
    let hidden = hidden(document);
    let routes = each(document.routes.iter().enumerate(), |(index, written)| {
        let place = place.index(index);
        if ids.insert(written.id.as_str(), index).is_some() {
            faults.add(&place.key("id"), format!("`{}` is the id of another route", written.id));
        }
        let entry = entry(written, &place, faults);
        // What is for the same requests is told even where the routes have other faults.
        if let Some((hosts, path)) = &entry {
            enter(&mut router, written, index, (hosts, path), document, &place, faults);
        }
        let found = entry.as_ref().map(|(hosts, path)| Entry { methods: &written.methods, hosts, path });
        let requirement = requirement(written, found, (document, &hidden), &place, faults);
        let preflight = preflight(written, &place, faults);
        let forward = match &written.forward {
            None => Some(None),
            Some(forward) => {
                let place = place.key("forward");
                if written.public.is_some() {
                    faults.add(&place, "a public route has no caller to tell of");
                }
                let required = written.require.as_ref().map(|require| &require.credentials);
                forward::of_route(forward, required, document, &place, faults).map(Some)
            }
        };
        let pass = pass(written, document, &place.key("pass"), faults);
        let (hosts, path) = entry?;
        Some(Route {
            id: RuleId(written.id.as_str().into()),
            methods: written.methods.clone(),
            hosts,
            path,
            mode: match written.mode {
                None => mode,
                Some(RouteModeDocument::Enforce) => Mode::Enforce,
                Some(RouteModeDocument::Shadow) => Mode::Shadow,
            },
            preflight,
            requirement: requirement?,
            forward: forward?,
            pass: pass?,
        })
    });
    let routes: Vec<Route> = routes?;
    for (index, route) in routes.iter().enumerate() {
        spelt_alike(&routes, index, route, &router, &place.index(index), faults);
    }
    Some((routes, router))
}

/// Two routes that differ in letter case only are one to many a service, so they must ask for the same.
fn spelt_alike(routes: &[Route], index: usize, route: &Route, router: &Router, place: &Place, faults: &mut Faults) {
    let pairs = route.hosts.iter().flat_map(|host| route.methods.iter().map(move |method| (host, method)));
    let others = pairs.flat_map(|(host, method)| router.spelt_alike(host, method, &route.path));
    let mut before = others.filter(|other| *other < index).filter_map(|other| routes.get(other));
    if let Some(other) = before.find(|other| !(route.asks_no_more_than(other) && other.asks_no_more_than(route))) {
        let message = format!(
            "`{}` matches the same requests as route `{}` but for the case of letters, and does not ask for the same",
            route.path,
            other.id.as_str()
        );
        faults.add(&place.key("path"), message);
    }
}

/// What a route is for: hosts and paths; its methods are checked, and stay as they are written.
fn entry(written: &RouteDocument, place: &Place, faults: &mut Faults) -> Option<(Vec<HostPattern>, PathTemplate)> {
    if !is_name(&written.id) {
        faults.add(&place.key("id"), format!("`{}` is no id of letters, digits, `-`, `_` and `.`", written.id));
    }
    methods(&written.methods, &place.key("methods"), faults);
    let hosts = hosts(written.hosts.as_deref(), &place.key("hosts"), faults);
    let path = faults.keep(&place.key("path"), PathTemplate::parse(&written.path));
    Some((hosts?, path?))
}

fn methods(written: &[String], place: &Place, faults: &mut Faults) {
    if written.is_empty() {
        faults.add(place, "a route without methods matches nothing; write at least one");
    }
    for (index, method) in written.iter().enumerate() {
        let place = place.index(index);
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let upper = method.to_ascii_uppercase();
            let hint = (upper != *method).then(|| format!("did you mean `{upper}`?"));
            faults.add_hinted(
                &place,
                format!("`{method}` is no method in capitals"),
                hint.or_else(|| all_methods(method)),
            );
        } else if let Some(hint) = all_methods(method) {
            faults.add_hinted(&place, format!("`{method}` is no method"), Some(hint));
        } else if method == "CONNECT" || method == "TRACE" {
            faults.add(&place, format!("`{method}` is refused before any route is looked at"));
        } else if written.iter().take(index).any(|before| before == method) {
            faults.add(&place, format!("`{method}` is written twice"));
        }
    }
}

/// What is every method in other routers.
fn all_methods(text: &str) -> Option<String> {
    ["*", "ALL", "ANY"].contains(&text).then(|| "write each method; no word stands for all of them".to_owned())
}

fn hosts(written: Option<&[String]>, place: &Place, faults: &mut Faults) -> Option<Vec<HostPattern>> {
    let Some(written) = written else { return Some(vec![HostPattern::Any]) };
    if written.is_empty() {
        faults.add(place, "write at least one host; a route for every host has no `hosts`");
        return None;
    }
    let hosts: Vec<HostPattern> =
        each(written.iter().enumerate(), |(index, text)| faults.keep(&place.index(index), text.parse()))?;
    for (index, host) in hosts.iter().enumerate() {
        if matches!(host, HostPattern::Suffix(suffix) if suffix.len() > MAX_SUFFIX) {
            faults.add(&place.index(index), "a name below this one is longer than a request's host can be");
        }
        if hosts.iter().take(index).any(|before| before == host) {
            faults.add(&place.index(index), format!("`{host}` is written twice"));
        }
    }
    Some(hosts)
}

/// Enters a route for each of its hosts and methods; equals are told once.
fn enter(
    router: &mut Router,
    written: &RouteDocument,
    index: usize,
    (hosts, path): (&[HostPattern], &PathTemplate),
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) {
    let pairs = hosts.iter().flat_map(|host| written.methods.iter().map(move |method| (host, method)));
    let mut equal = None;
    for (host, method) in pairs {
        match router.add(host, method, path, index) {
            Ok(()) => {}
            // A host or a method written twice is a fault of its own.
            Err(Taken { by }) if by == index => {}
            Err(Taken { by }) => equal = equal.or(Some((by, host))),
        }
    }
    let Some((other, host)) = equal.and_then(|(by, host)| Some((document.routes.get(by)?, host))) else { return };
    let on = if *host == HostPattern::Any { String::new() } else { format!(" on `{host}`") };
    let message = format!("`{}` matches the same requests as route `{}`{on}", written.path, other.id);
    faults.add(&place.key("path"), message);
}

/// Below a suffix stands a label and a dot at least.
const MAX_SUFFIX: usize = MAX_NAME.saturating_sub(2);

fn preflight(written: &RouteDocument, place: &Place, faults: &mut Faults) -> Preflight {
    match &written.preflight {
        None => Preflight::Judged,
        Some(reason) => {
            require_reason(&reason.because, "why preflight requests may pass", &place.key("preflight"), faults);
            Preflight::Passes { because: reason.because.clone() }
        }
    }
}

/// The headers of credentials that go on as they were sent, since this route verifies none of them.
fn pass(
    written: &RouteDocument,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<HeaderName>> {
    let Some(names) = &written.pass else { return Some(Vec::new()) };
    if names.is_empty() {
        faults.add(place, "write at least one header, or remove the key");
    }
    let required = || written.require.iter().flat_map(|require| require.credentials.names());
    each(names.iter().enumerate(), |(index, name)| {
        let place = place.index(index);
        if names.iter().take(index).any(|before| before == name) {
            faults.add(&place, format!("`{name}` is written twice"));
        }
        let carries = |kind: &&CredentialKind| {
            credential_document(document, kind).is_some_and(|credential| credential.headers().contains(name))
        };
        let of: Vec<_> = document.kinds().iter().filter(carries).collect();
        if of.is_empty() {
            let known: Vec<_> = document.credentials.values().flat_map(CredentialDocument::headers).collect();
            let message =
                format!("`{name}` carries no credential of this policy, so that it goes on unless it is stripped");
            faults.add_unknown(&place, message, name, known.iter().map(String::as_str));
            return None;
        }
        if HOST_ALIASES.contains(&name.as_str()) && document.routes.iter().any(|route| route.hosts.is_some()) {
            faults.add(&place, format!("`{name}` names a second host, and is removed where routes name hosts"));
        }
        for of in of.iter().map(|of| of.as_str()) {
            if required().any(|required| required == of) {
                faults.add(&place, format!("this route verifies `{of}`, which stops at the gateway"));
            }
            if document.forward.keep.iter().any(|kept| kept == of) {
                faults.add(&place, format!("`forward.keep` lets `{of}` go on already"));
            }
        }
        let strip = document.forward.strip.iter().filter_map(|text| text.parse::<HeaderPattern>().ok());
        for pattern in strip.filter(|pattern| pattern.is_confusable_with(name)) {
            faults.add(&place, format!("`{name}` cannot pass, since `forward.strip` removes it with `{pattern}`"));
        }
        faults.keep(&place, name.parse())
    })
}

fn requirement(
    written: &RouteDocument,
    entry: Option<Entry<'_>>,
    whole: (&PolicyDocument, &[Hidden]),
    place: &Place,
    faults: &mut Faults,
) -> Option<Requirement> {
    match (&written.public, &written.require) {
        (Some(reason), None) => {
            require_reason(&reason.because, "why everybody may pass", &place.key("public"), faults);
            Some(Requirement::Public { because: reason.because.clone() })
        }
        (None, Some(require)) => verified(require, entry, whole, &place.key("require"), faults)
            .map(|verified| Requirement::Verified(Box::new(verified))),
        (Some(_), Some(_)) | (None, None) => {
            faults.add(place, "write either `public` or `require`");
            None
        }
    }
}
