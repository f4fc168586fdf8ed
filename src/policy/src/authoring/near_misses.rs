//! Owns which routes a request nearly took, for whoever asks why it did not; no request is judged by it.

use super::view::RouteView;
use crate::deciding::policy::{Policy, Route};
use crate::fault::nearest;
use crate::host::{Host, HostPattern};
use crate::path::CanonicalPath;
use crate::template::{CaptureKind, Segment, takes};

/// A route that a request did not take, and the one thing that was in the way.
#[derive(Clone, Debug)]
pub struct NearMiss<'a> {
    /// The route.
    pub route: RouteView<'a>,
    /// What was in the way.
    pub apart: Difference<'a>,
}

/// The one thing in which a request and a route differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference<'a> {
    /// Nothing: another route is more specific, or the request is ambiguous.
    Nothing,
    /// The method.
    Method,
    /// The host.
    Host,
    /// A slash at the path's end.
    Slash,
    /// One segment, which looks like a slip.
    Literal {
        /// The route's.
        wanted: &'a str,
        /// The request's.
        sent: String,
    },
    /// One segment, which is not of the capture's type.
    Capture {
        /// The capture's name.
        name: &'a str,
        /// What it takes.
        takes: &'static str,
        /// The request's segment.
        sent: String,
    },
}

impl Policy {
    /// The routes, in the order of the document, that differ from a request in one thing at most, without the one that
    /// it takes.
    #[must_use]
    pub fn near(&self, method: &str, host: &Host<'_>, path: &CanonicalPath<'_>) -> Vec<NearMiss<'_>> {
        let taken = self.find(method, host, path).ok().flatten().map(|found| found.route);
        let others = self.routes.iter().enumerate().filter(|(index, _route)| Some(*index) != taken);
        others
            .filter_map(|(_index, route)| {
                apart(route, method, host, path).map(|apart| NearMiss { route: RouteView::new(route), apart })
            })
            .collect()
    }
}

/// The one thing in which they differ; `None` where there are more.
fn apart<'a>(route: &'a Route, method: &str, host: &Host<'_>, path: &CanonicalPath<'_>) -> Option<Difference<'a>> {
    let host = HostPattern::Name(host.name().into_owned());
    let is_host = route.hosts.iter().any(|pattern| pattern.covers(&host));
    let is_method = route.methods.iter().any(|known| known == method);
    match (is_host, is_method, in_path(route, path)?) {
        (true, true, apart) => Some(apart),
        (true, false, Difference::Nothing) => Some(Difference::Method),
        (false, true, Difference::Nothing) => Some(Difference::Host),
        (true | false, true | false, _) => None,
    }
}

fn in_path<'a>(route: &'a Route, path: &CanonicalPath<'_>) -> Option<Difference<'a>> {
    if route.path.matches(path.segments()).is_some() {
        return Some(Difference::Nothing);
    }
    let is_match = |path: CanonicalPath<'_>| route.path.matches(path.segments()).is_some();
    if path.without_trailing_slash().is_some_and(is_match) {
        return Some(Difference::Slash);
    }
    let (wanted, sent) = (route.path.segments(), path.segments());
    let takes_rest = matches!(wanted.last(), Some(Segment::Capture { kind: CaptureKind::Rest, .. }));
    if wanted.len() != sent.len() && !(takes_rest && wanted.len() < sent.len()) {
        return None;
    }
    let mut unlike = wanted.iter().zip(sent).filter(|(wanted, sent)| !is_met(wanted, sent));
    match (unlike.next(), unlike.next()) {
        (Some((wanted, sent)), None) => in_segment(wanted, sent),
        (Some(_) | None, Some(_) | None) => None,
    }
}

fn is_met(wanted: &Segment, sent: &str) -> bool {
    match wanted {
        Segment::Literal(text) => text == sent,
        Segment::Capture { kind, .. } => takes(*kind, sent),
    }
}

/// How a segment differs, where it was perhaps meant to be another.
fn in_segment<'a>(wanted: &'a Segment, sent: &str) -> Option<Difference<'a>> {
    match wanted {
        Segment::Literal(text) => {
            nearest(sent, [text.as_str()]).map(|_hint| Difference::Literal { wanted: text, sent: sent.to_owned() })
        }
        Segment::Capture { name, kind } => {
            let takes = match kind {
                CaptureKind::Uuid => "a UUID in lower case with hyphens",
                CaptureKind::Int => "a whole number without sign or leading zeros",
                CaptureKind::Any | CaptureKind::Rest => "a segment that is not empty",
            };
            Some(Difference::Capture { name, takes, sent: sent.to_owned() })
        }
    }
}
