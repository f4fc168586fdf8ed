//! Owns finding the routes that have a path in common with one, among ten thousand, without comparing it with each.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::confusable::folded;
use crate::deciding::policy::Route;
use crate::host::HostPattern;
use crate::template::{self, CaptureKind, Segment, is_uuid_but_for_case};

/// Routes, by the segments of their templates. What goes through it goes in the same order each time.
#[derive(Debug, Default)]
pub(super) struct Overlaps<'p> {
    /// By the literal without the case of its letters.
    literals: BTreeMap<String, Self>,
    uuid: Option<Box<Self>>,
    int: Option<Box<Self>>,
    any: Option<Box<Self>>,
    /// The templates that end here.
    end: Hosts<'p>,
    /// The templates that take all that is left.
    rest: Hosts<'p>,
}

/// The routes of a template, by host: the same paths can be many hosts' own.
pub(super) type Hosts<'p> = BTreeMap<&'p HostPattern, Vec<usize>>;

impl<'p> Overlaps<'p> {
    /// These routes, each with its number.
    pub(super) fn of(routes: impl Iterator<Item = (usize, &'p Route)>) -> Self {
        let mut overlaps = Self::default();
        for (index, route) in routes {
            let hosts = overlaps.at(route.path.segments());
            for host in &route.hosts {
                hosts.entry(host).or_default().push(index);
            }
        }
        overlaps
    }

    fn at(&mut self, segments: &[Segment]) -> &mut Hosts<'p> {
        let Some((first, after)) = segments.split_first() else { return &mut self.end };
        match first {
            Segment::Literal(text) => self.literals.entry(folded(text).into_owned()).or_default().at(after),
            Segment::Capture { kind: CaptureKind::Uuid, .. } => self.uuid.get_or_insert_default().at(after),
            Segment::Capture { kind: CaptureKind::Int, .. } => self.int.get_or_insert_default().at(after),
            Segment::Capture { kind: CaptureKind::Any, .. } => self.any.get_or_insert_default().at(after),
            Segment::Capture { kind: CaptureKind::Rest, .. } => &mut self.rest,
        }
    }

    /// Looks at all templates that have a path in common with this one, until it is told to stop.
    pub(super) fn visit(
        &self,
        segments: &[Segment],
        look: &mut impl FnMut(&Hosts<'p>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some((first, after)) = segments.split_first() else { return look(&self.end) };
        if !matches!(first, Segment::Literal(text) if text.is_empty()) {
            look(&self.rest)?;
        }
        match first {
            Segment::Literal(text) => {
                self.literals.get(folded(text).as_ref()).map_or(GO_ON, |node| node.visit(after, look))?
            }
            Segment::Capture { kind: CaptureKind::Rest, .. } => return self.visit_all(true, look),
            Segment::Capture { kind, .. } => {
                let met = self.literals.iter().filter(|(text, _node)| takes(*kind, text));
                met.map(|(_text, node)| node).try_for_each(|node| node.visit(after, look))?;
            }
        }
        let captures = [(CaptureKind::Uuid, &self.uuid), (CaptureKind::Int, &self.int), (CaptureKind::Any, &self.any)];
        for (kind, node) in captures {
            if let Some(node) = node
                && meets(kind, first)
            {
                node.visit(after, look)?;
            }
        }
        GO_ON
    }

    /// Looks at all templates from here on; at those of an empty segment only further down.
    fn visit_all(&self, is_first: bool, look: &mut impl FnMut(&Hosts<'p>) -> ControlFlow<()>) -> ControlFlow<()> {
        if !is_first {
            look(&self.end)?;
            look(&self.rest)?;
        }
        let literals = self.literals.iter().filter(|(text, _node)| !(is_first && text.is_empty()));
        let captures = [&self.uuid, &self.int, &self.any].into_iter().flatten().map(|node| &**node);
        literals.map(|(_text, node)| node).chain(captures).try_for_each(|node| node.visit_all(false, look))
    }
}

/// Whether a capture takes a literal in some letter case.
fn takes(kind: CaptureKind, text: &str) -> bool {
    match kind {
        CaptureKind::Uuid => is_uuid_but_for_case(text),
        CaptureKind::Any | CaptureKind::Rest | CaptureKind::Int => template::takes(kind, text),
    }
}

/// Whether a capture and a segment have a text in common.
fn meets(kind: CaptureKind, segment: &Segment) -> bool {
    match segment {
        Segment::Literal(text) => takes(kind, text),
        Segment::Capture { kind: other, .. } => {
            !matches!((kind, other), (CaptureKind::Int, CaptureKind::Uuid) | (CaptureKind::Uuid, CaptureKind::Int))
        }
    }
}

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::template::PathTemplate;

    fn has_common(one: &str, two: &str) -> bool {
        let (one, two) = (PathTemplate::parse(one).unwrap(), PathTemplate::parse(two).unwrap());
        let mut overlaps = Overlaps::default();
        overlaps.at(one.segments()).insert(&HostPattern::Any, vec![0]);
        let mut look = |hosts: &Hosts<'_>| if hosts.is_empty() { GO_ON } else { ControlFlow::Break(()) };
        overlaps.visit(two.segments(), &mut look).is_break()
    }

    #[test]
    fn templates_overlap_where_a_path_matches_both() {
        for (one, two, common) in [
            ("/a", "/a", true),
            ("/a", "/A", true),
            ("/a/{x}", "/a/b", true),
            ("/a/{x:int}", "/a/7", true),
            ("/a/{x:int}", "/a/b", false),
            ("/a/{x:int}", "/a/{y:uuid}", false),
            ("/a/{x:int}", "/a/{y}", true),
            ("/{x:uuid}", "/7E57AB1E-0000-4000-8000-0000decade00", true),
            ("/{x...}", "/a/b/c", true),
            ("/{x...}", "/a/{y...}", true),
            ("/{x...}", "/{y}/{z...}", true),
            ("/{x...}", "/", false),
            ("/{x}", "/", false),
            ("/", "/", true),
            ("/a/{x...}", "/a", false),
            ("/a/{x...}", "/{y}", false),
            ("/a/{x}", "/b/{x}", false),
            ("/a/{x}", "/a/{x}/c", false),
        ] {
            assert_eq!(has_common(one, two), common, "{one} {two}");
            assert_eq!(has_common(two, one), common, "{two} {one}");
        }
    }
}
