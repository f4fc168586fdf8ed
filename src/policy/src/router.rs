//! Owns finding the one route for a request among many: the most specific wins, whatever the order in the document.
//!
//! The host decides first (a name before `*.suffix`, a longer suffix before a shorter, any host last), then the path,
//! segment by segment from the left: a literal before a typed capture, that before any, that before all that is left.
//! A tree proposes templates in that order, so ten thousand routes are searched like ten; the template itself judges.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::host::{Host, HostPattern};
use crate::path::{Ambiguity, CanonicalPath};
use crate::template::{
    CaptureKind, Captures, Match, PathTemplate, Segment, folded, is_canonical_int, is_uuid_but_for_case,
};

/// The routes of a policy, as a tree for each host and method.
#[derive(Debug, Default)]
pub(crate) struct Router {
    names: Index<Methods>,
    suffixes: Index<Methods>,
    any: Methods,
}

/// The route for a request, and what its captures took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) route: usize,
    pub(crate) captures: Captures,
}

type Methods = Index<Node>;

/// The keys are the policy's own, so nobody can choose them to collide, and no randomness is needed.
type Index<T> = HashMap<String, T, BuildHasherDefault<DefaultHasher>>;

/// What can follow a path's beginning.
#[derive(Debug, Default)]
struct Node {
    /// By their text without the case of letters: what differs from a route in nothing else is found, and refused.
    literals: Index<Node>,
    uuid: Option<Box<Node>>,
    int: Option<Box<Node>>,
    any: Option<Box<Node>>,
    /// The route that ends here.
    end: Option<Entry>,
    /// The route that takes all that is left.
    rest: Option<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    route: usize,
    template: PathTemplate,
}

/// The route that matches the same requests already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) by: usize,
}

impl Router {
    /// Adds a route for one host and method.
    pub(crate) fn add(
        &mut self,
        host: &HostPattern,
        method: &str,
        template: &PathTemplate,
        route: usize,
    ) -> Result<(), Taken> {
        let methods = match host {
            HostPattern::Any => &mut self.any,
            HostPattern::Name(name) => self.names.entry(name.clone()).or_default(),
            HostPattern::Suffix(suffix) => self.suffixes.entry(suffix.clone()).or_default(),
        };
        methods
            .entry(method.to_owned())
            .or_default()
            .add(template.segments(), Entry { route, template: template.clone() })
    }

    /// The route for a request; `Ok(None)` where no entry names it.
    pub(crate) fn find(
        &self,
        method: &str,
        host: &Host<'_>,
        path: &CanonicalPath<'_>,
    ) -> Result<Option<Found>, Ambiguity> {
        let found = self.search(method, host, path)?;
        // To many a service `/a/` is `/a`. Where a stricter route guards `/a`, the slash must not be a way round it.
        match (&found, path.without_trailing_slash()) {
            (Some(found), Some(bare)) if self.search(method, host, &bare)?.is_none_or(|to| to.route != found.route) => {
                Err(Ambiguity::TrailingSlash)
            }
            (Some(_) | None, Some(_) | None) => Ok(found),
        }
    }

    fn search(&self, method: &str, host: &Host<'_>, path: &CanonicalPath<'_>) -> Result<Option<Found>, Ambiguity> {
        let name = host.name();
        let suffixes =
            name.match_indices('.').filter_map(|(dot, _)| self.suffixes.get(name.get(dot.saturating_add(1)..)?));
        for methods in self.names.get(name.as_ref()).into_iter().chain(suffixes).chain([&self.any]) {
            // RFC 9110, 9.1: the method token is case-sensitive.
            let Some(tree) = methods.get(method) else { continue };
            match tree.search(path, 0) {
                None => {}
                Some((_, Match::No)) => {}
                Some((route, Match::Yes(captures))) => return Ok(Some(Found { route, captures })),
                // A reader that ignores case would take this route, and its guard.
                Some((_, Match::ButForCase)) => return Err(Ambiguity::LetterCase),
            }
        }
        Ok(None)
    }
}

impl Node {
    fn add(&mut self, segments: &[Segment], entry: Entry) -> Result<(), Taken> {
        let place = match segments.split_first() {
            None => &mut self.end,
            Some((Segment::Literal(text), after)) => {
                return self.literals.entry(folded(text).into_owned()).or_default().add(after, entry);
            }
            Some((Segment::Capture { kind: CaptureKind::Uuid, .. }, after)) => {
                return self.uuid.get_or_insert_default().add(after, entry);
            }
            Some((Segment::Capture { kind: CaptureKind::Int, .. }, after)) => {
                return self.int.get_or_insert_default().add(after, entry);
            }
            Some((Segment::Capture { kind: CaptureKind::Any, .. }, after)) => {
                return self.any.get_or_insert_default().add(after, entry);
            }
            Some((Segment::Capture { kind: CaptureKind::Rest, .. }, _)) => &mut self.rest,
        };
        match place {
            Some(first) => Err(Taken { by: first.route }),
            None => {
                *place = Some(entry);
                Ok(())
            }
        }
    }

    /// The most specific template below here that matches, if only but for the case of letters.
    ///
    /// It goes at most as deep as the longest template, and visits a node at most once for each way the policy's own
    /// templates lead there: a long path costs no more than a short one.
    fn search(&self, path: &CanonicalPath<'_>, depth: usize) -> Option<(usize, Match)> {
        let Some(segment) = path.segments().get(depth) else {
            return self.end.as_ref().and_then(|entry| entry.judge(path));
        };
        let literal = self.literals.get(folded(segment).as_ref());
        let uuid = self.uuid.as_deref().filter(|_| is_uuid_but_for_case(segment));
        let int = self.int.as_deref().filter(|_| is_canonical_int(segment));
        let any = self.any.as_deref().filter(|_| !segment.is_empty());
        let deeper = [literal, uuid, int, any].into_iter().flatten();
        deeper
            .into_iter()
            .find_map(|node| node.search(path, depth.saturating_add(1)))
            .or_else(|| self.rest.as_ref().and_then(|entry| entry.judge(path)))
    }
}

impl Entry {
    fn judge(&self, path: &CanonicalPath<'_>) -> Option<(usize, Match)> {
        match self.template.matches(path) {
            Match::No => None,
            outcome => Some((self.route, outcome)),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// A router of `(host, method, template)`, in this order and in the other.
    fn routers(routes: &[(&str, &str, &str)]) -> [Router; 2] {
        let add = |router: &mut Router, number: usize| {
            let (host, method, template) = routes[number];
            let host = if host.is_empty() { HostPattern::Any } else { host.parse().unwrap() };
            router.add(&host, method, &PathTemplate::parse(template).unwrap(), number).unwrap();
        };
        let mut routers = [Router::default(), Router::default()];
        (0..routes.len()).for_each(|number| add(&mut routers[0], number));
        (0..routes.len()).rev().for_each(|number| add(&mut routers[1], number));
        routers
    }

    #[track_caller]
    fn find(routers: &[Router; 2], method: &str, host: &str, path: &str) -> Result<Option<usize>, Ambiguity> {
        let (host, path) = (Host::parse(host.as_bytes()).unwrap(), CanonicalPath::parse(path.as_bytes()).unwrap());
        let [one, two] = routers.each_ref().map(|router| router.find(method, &host, &path));
        assert_eq!(one, two);
        one.map(|found| found.map(|found| found.route))
    }

    const ID: &str = "/a/1380df72-275a-11e7-93ae-92361f002671";

    #[test]
    fn leftmost_literal_wins_and_captures_are_tried_in_order() {
        let templates =
            ["/a/b/c", "/a/b/{x}", "/a/{x:uuid}", "/a/{x:int}", "/a/{x}", "/a/{x...}", "/{x}/b/c", "/{x...}"];
        let routers = routers(&templates.map(|template| ("", "GET", template)));
        for (path, route) in [
            ("/a/b/c", Some(0)),
            ("/a/b/d", Some(1)),
            (ID, Some(2)),
            ("/a/7", Some(3)),
            ("/a/07", Some(4)),
            ("/a/b", Some(4)),
            ("/a/b/c/d", Some(5)),
            ("/x/b/c", Some(6)),
            ("/x/b/d", Some(7)),
            ("/a", Some(7)),
            ("/", None),
        ] {
            assert_eq!(find(&routers, "GET", "h", path), Ok(route), "{path}");
        }
        assert_eq!(find(&routers, "POST", "h", "/a/b"), Ok(None));
        assert_eq!(find(&routers, "get", "h", "/a/b"), Ok(None));
    }

    #[test]
    fn host_decides_before_path() {
        let routers = routers(&[
            ("", "GET", "/a"),
            ("*.example", "GET", "/{x}"),
            ("*.b.example", "GET", "/a"),
            ("a.b.example", "GET", "/{x...}"),
            ("[::1]", "GET", "/a"),
        ]);
        for (host, path, route) in [
            ("other", "/a", Some(0)),
            ("example", "/a", Some(0)),
            ("notexample", "/a", Some(0)),
            ("c.example", "/a", Some(1)),
            ("d.c.example", "/b", Some(1)),
            ("c.b.example", "/a", Some(2)),
            ("c.b.example", "/b", Some(1)),
            ("a.b.example", "/a", Some(3)),
            ("A.B.Example:8443", "/a", Some(3)),
            ("a.b.example.", "/a", Some(3)),
            ("[0:0::1]:80", "/a", Some(4)),
            ("other", "/b", None),
        ] {
            assert_eq!(find(&routers, "GET", host, path), Ok(route), "{host}{path}");
        }
    }

    #[test]
    fn path_that_differs_from_a_stricter_route_in_case_only_is_refused() {
        let routers = routers(&[("", "GET", "/admin/{x}"), ("", "GET", "/{x...}"), ("", "GET", "/{id:uuid}")]);
        assert_eq!(find(&routers, "GET", "h", "/Admin/1"), Err(Ambiguity::LetterCase));
        assert_eq!(find(&routers, "GET", "h", "/adm%C4%B1n/1"), Err(Ambiguity::LetterCase));
        assert_eq!(find(&routers, "GET", "h", &ID.trim_start_matches("/a").to_uppercase()), Err(Ambiguity::LetterCase));
        assert_eq!(find(&routers, "GET", "h", "/Other/1"), Ok(Some(1)));
    }

    #[test]
    fn trailing_slash_is_no_way_round_a_stricter_route() {
        let routers = routers(&[("", "GET", "/admin/x"), ("", "GET", "/docs/{x}"), ("", "GET", "/{x...}")]);
        for path in ["/admin/x/", "/docs/a/"] {
            assert_eq!(find(&routers, "GET", "h", path), Err(Ambiguity::TrailingSlash), "{path}");
        }
        assert_eq!(find(&routers, "GET", "h", "/Admin/x/"), Err(Ambiguity::LetterCase));
        for path in ["/docs/", "/docs/a/b/", "/a/"] {
            assert_eq!(find(&routers, "GET", "h", path), Ok(Some(2)), "{path}");
        }
    }

    #[test]
    fn routes_for_the_same_requests_collide() {
        let mut router = Router::default();
        let mut add = |host: &str, method: &str, template: &str, number| {
            let host = if host.is_empty() { HostPattern::Any } else { host.parse().unwrap() };
            router.add(&host, method, &PathTemplate::parse(template).unwrap(), number)
        };
        for (number, (host, method, template)) in [
            ("", "GET", "/a/{x}"),
            ("", "PUT", "/a/{x}"),
            ("h", "GET", "/a/{x}"),
            ("", "GET", "/a/{x:uuid}"),
            ("", "GET", "/a/{x:int}"),
            ("", "GET", "/a/{x...}"),
            ("", "GET", "/a"),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(add(host, method, template, number), Ok(()), "{host} {method} {template}");
        }
        assert_eq!(add("", "GET", "/a/{y}", 10), Err(Taken { by: 0 }));
        assert_eq!(add("H", "GET", "/A/{y}", 10), Err(Taken { by: 2 }));
        assert_eq!(add("", "GET", "/a/{y...}", 10), Err(Taken { by: 5 }));
    }
}
