//! Owns finding the one route for a request among many: the most specific wins, whatever the order in the document.
//!
//! The host decides first (a name before `*.suffix`, a longer suffix before a shorter, any host last), then the path,
//! segment by segment from the left: a literal before a typed capture, that before any, that before all that is left.
//! A tree proposes templates in that order, so ten thousand routes are searched like ten; the template itself judges.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::confusable::folded;
use crate::host::{Host, HostPattern};
use crate::template::{
    CaptureKind, Captures, MAX_TEMPLATE, PathTemplate, Segment, is_canonical_int, is_canonical_uuid,
    is_uuid_but_for_case,
};

/// The routes of a policy, as a tree for each host and method.
#[derive(Debug, Default)]
pub(crate) struct Router {
    names: Index<Methods>,
    suffixes: Index<Methods>,
    any: Methods,
    /// Whether a literal is not as it is folded, so that a path that is may differ from it in letter case.
    has_capitals: bool,
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
    /// By their text as it is folded; few differ in letter case only.
    literals: Index<Vec<(String, Node)>>,
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
        self.has_capitals |= template
            .segments()
            .iter()
            .any(|segment| matches!(segment, Segment::Literal(text) if folded(text) != text.as_str()));
        methods
            .entry(method.to_owned())
            .or_default()
            .add(template.segments(), Entry { route, template: template.clone() })
    }

    /// The route for a request, letter by letter; `None` where no entry names it.
    pub(crate) fn find(&self, method: &str, host: &Host<'_>, segments: &[Cow<'_, str>]) -> Option<Found> {
        self.trees(method, &host.name()).find_map(|tree| tree.find(segments, 0))
    }

    /// The routes that a path has for readers who do not heed the case of letters: for each template that such a reader
    /// takes it for, the route of the path as that template spells it.
    pub(crate) fn confusable(&self, method: &str, host: &Host<'_>, segments: &[Cow<'_, str>]) -> Vec<usize> {
        let is_plain = |segment: &Cow<'_, str>| matches!(folded(segment), Cow::Borrowed(_));
        if !self.has_capitals && segments.iter().all(is_plain) {
            return Vec::new();
        }
        let path = Folding::of(segments);
        let mut entries = Vec::new();
        for tree in self.trees(method, &host.name()) {
            tree.confusable(&path, 0, Letters::Same, &mut entries);
        }
        let as_spelt = |entry: &Entry| {
            let spelt = entry.template.spell(segments, |depth| path.folded(depth));
            self.find(method, host, &spelt).map_or(entry.route, |found| found.route)
        };
        entries.into_iter().map(as_spelt).collect()
    }

    /// The routes whose templates differ from this one in letter case only, for one host and method.
    pub(crate) fn spelt_alike(&self, host: &HostPattern, method: &str, template: &PathTemplate) -> Vec<usize> {
        let methods = match host {
            HostPattern::Any => Some(&self.any),
            HostPattern::Name(name) => self.names.get(name),
            HostPattern::Suffix(suffix) => self.suffixes.get(suffix),
        };
        let mut routes = Vec::new();
        if let Some(tree) = methods.and_then(|methods| methods.get(method)) {
            tree.spelt_alike(template.segments(), Letters::Same, &mut routes);
        }
        routes
    }

    /// The trees that can hold the route, the most exact host's first.
    fn trees(&self, method: &str, name: &str) -> impl Iterator<Item = &Node> {
        let suffixes =
            name.match_indices('.').filter_map(|(dot, _)| self.suffixes.get(name.get(dot.saturating_add(1)..)?));
        let hosts = self.names.get(name).into_iter().chain(suffixes).chain([&self.any]);
        // RFC 9110, 9.1: the method token is case-sensitive.
        hosts.filter_map(move |methods| methods.get(method))
    }
}

/// The segments of a path, each folded once at most, and only where a template is reached that it could be alike to.
struct Folding<'p>(Vec<(&'p str, OnceCell<Cow<'p, str>>)>);

impl<'p> Folding<'p> {
    fn of(segments: &'p [Cow<'_, str>]) -> Self {
        Self(segments.iter().map(|segment| (segment.as_ref(), OnceCell::new())).collect())
    }

    fn sent(&self, depth: usize) -> Option<&'p str> {
        self.0.get(depth).map(|(sent, _folded)| *sent)
    }

    fn folded(&self, depth: usize) -> &str {
        self.0.get(depth).map_or("", |(sent, cell)| cell.get_or_init(|| folded(sent)))
    }
}

/// Whether what stands before is the same letter by letter, or but for the case of letters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    Same,
    Alike,
}

impl Letters {
    const fn and(self, are_same: bool) -> Self {
        match (self, are_same) {
            (Self::Same, true) => Self::Same,
            (Self::Same, false) | (Self::Alike, true | false) => Self::Alike,
        }
    }
}

impl Node {
    fn add(&mut self, segments: &[Segment], entry: Entry) -> Result<(), Taken> {
        let place = match segments.split_first() {
            None => &mut self.end,
            Some((Segment::Literal(text), after)) => {
                let spellings = self.literals.entry(folded(text).into_owned()).or_default();
                return match spellings.iter_mut().find(|(spelling, _node)| spelling == text) {
                    Some((_spelling, node)) => node.add(after, entry),
                    None => {
                        let mut node = Self::default();
                        let added = node.add(after, entry);
                        spellings.push((text.clone(), node));
                        added
                    }
                };
            }
            Some((Segment::Capture { kind, .. }, after)) => match self.captures_mut(*kind) {
                Some(node) => return node.get_or_insert_default().add(after, entry),
                None => &mut self.rest,
            },
        };
        match place {
            Some(first) => Err(Taken { by: first.route }),
            None => {
                *place = Some(entry);
                Ok(())
            }
        }
    }

    /// What follows a capture of one segment.
    const fn captures_mut(&mut self, kind: CaptureKind) -> Option<&mut Option<Box<Self>>> {
        match kind {
            CaptureKind::Uuid => Some(&mut self.uuid),
            CaptureKind::Int => Some(&mut self.int),
            CaptureKind::Any => Some(&mut self.any),
            CaptureKind::Rest => None,
        }
    }

    fn captures(&self, kind: CaptureKind) -> Option<&Self> {
        match kind {
            CaptureKind::Uuid => self.uuid.as_deref(),
            CaptureKind::Int => self.int.as_deref(),
            CaptureKind::Any => self.any.as_deref(),
            CaptureKind::Rest => None,
        }
    }

    /// What follows this literal, letter by letter.
    fn literal(&self, segment: &str) -> Option<&Self> {
        if self.literals.is_empty() || segment.len() > MAX_TEMPLATE {
            return None;
        }
        let spellings = self.literals.get(folded(segment).as_ref())?;
        spellings.iter().find(|(spelling, _node)| spelling == segment).map(|(_spelling, node)| node)
    }

    /// The most specific template below here that matches.
    ///
    /// It goes at most as deep as the longest template, and visits a node at most once: a long path costs no more than
    /// a short one.
    fn find(&self, path: &[Cow<'_, str>], depth: usize) -> Option<Found> {
        let Some(segment) = path.get(depth) else {
            return self.end.as_ref().and_then(|entry| entry.judge(path));
        };
        let literal = self.literal(segment);
        let uuid = self.uuid.as_deref().filter(|_| is_canonical_uuid(segment));
        let int = self.int.as_deref().filter(|_| is_canonical_int(segment));
        let any = self.any.as_deref().filter(|_| !segment.is_empty());
        let deeper = [literal, uuid, int, any].into_iter().flatten();
        deeper
            .into_iter()
            .find_map(|node| node.find(path, depth.saturating_add(1)))
            .or_else(|| self.rest.as_ref().and_then(|entry| entry.judge(path)))
    }

    /// The templates below here that match but for the case of letters.
    fn confusable<'n>(&'n self, path: &Folding<'_>, depth: usize, letters: Letters, entries: &mut Vec<&'n Entry>) {
        let is_alike = letters == Letters::Alike;
        let Some(sent) = path.sent(depth) else {
            entries.extend(self.end.iter().filter(|_| is_alike));
            return;
        };
        let deeper = depth.saturating_add(1);
        if !self.literals.is_empty() {
            for (spelling, node) in self.literals.get(path.folded(depth)).into_iter().flatten() {
                node.confusable(path, deeper, letters.and(spelling == sent), entries);
            }
        }
        if let Some(node) = self.uuid.as_deref().filter(|_| is_uuid_but_for_case(path.folded(depth))) {
            node.confusable(path, deeper, letters.and(is_canonical_uuid(sent)), entries);
        }
        if let Some(node) = self.int.as_deref().filter(|_| is_canonical_int(path.folded(depth))) {
            node.confusable(path, deeper, letters.and(is_canonical_int(sent)), entries);
        }
        if let Some(node) = self.any.as_deref().filter(|_| !sent.is_empty()) {
            node.confusable(path, deeper, letters, entries);
        }
        if !sent.is_empty() {
            entries.extend(self.rest.iter().filter(|_| is_alike));
        }
    }

    /// The routes whose templates are this one but for the case of letters.
    fn spelt_alike(&self, segments: &[Segment], letters: Letters, routes: &mut Vec<usize>) {
        let end = match segments.split_first() {
            None => &self.end,
            Some((Segment::Literal(text), after)) => {
                for (spelling, node) in self.literals.get(folded(text).as_ref()).into_iter().flatten() {
                    node.spelt_alike(after, letters.and(spelling == text), routes);
                }
                return;
            }
            Some((Segment::Capture { kind: CaptureKind::Rest, .. }, _)) => &self.rest,
            Some((Segment::Capture { kind, .. }, after)) => {
                if let Some(node) = self.captures(*kind) {
                    node.spelt_alike(after, letters, routes);
                }
                return;
            }
        };
        if letters == Letters::Alike {
            routes.extend(end.iter().map(|entry| entry.route));
        }
    }
}

impl Entry {
    fn judge(&self, path: &[Cow<'_, str>]) -> Option<Found> {
        self.template.matches(path).map(|captures| Found { route: self.route, captures })
    }
}

#[cfg(test)]
mod tests;
