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

    /// Whether a path that no entry names has a second reading all the same: a route's, but for the slash at its end.
    /// Refused either way where the policy is enforced; in shadow mode only what has one reading may pass unnamed.
    pub(crate) fn second_reading(
        &self,
        method: &str,
        host: &Host<'_>,
        path: &CanonicalPath<'_>,
    ) -> Result<(), Ambiguity> {
        let Some(bare) = path.without_trailing_slash() else { return Ok(()) };
        match self.search(method, host, &bare)? {
            Some(_found) => Err(Ambiguity::TrailingSlash),
            None => Ok(()),
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
mod tests;
