//! Owns the mapping from a path such as `routes[3].require.scopes.all[0]` to its place in the text.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

// The parser that reads the policy itself, so that a place is never found in another reading of the text.
use serde_saphyr::granit_parser::{Event, Parser, ScanError, StructureStyle};

/// A range of bytes of the text, on character boundaries.
pub(crate) type Span = Range<usize>;

/// The places of the nodes of a YAML or JSON text.
#[derive(Debug)]
pub(crate) struct Places {
    root: Option<Rc<Node>>,
    /// Nodes that are written with a tag (`!name`).
    tagged: Vec<Span>,
    /// Merge keys that are not the first in their mapping.
    merged_again: Vec<Span>,
}

impl Places {
    /// The places of the first document in `text`.
    pub(crate) fn read(text: &str) -> Result<Self, ScanError> {
        let (mut tree, mut tagged) = (Tree::default(), Vec::new());
        for event in Parser::new_from_str(text) {
            let (event, span) = event?;
            // A parser of a `&str` always knows its bytes.
            let span = span.byte_range().unwrap_or_default();
            match event {
                Event::Scalar(value, _, anchor, tag) => {
                    tagged.extend(tag.map(|_tag| span.clone()));
                    tree.add(span, Content::Scalar(value.into_owned()), anchor);
                }
                Event::Alias(anchor) => {
                    let target = tree.anchors.get(&anchor).map(Rc::clone);
                    tree.add(span, Content::Alias(target), NO_ANCHOR);
                }
                Event::SequenceStart(style, anchor, tag) => {
                    tagged.extend(tag.map(|_tag| span.clone()));
                    tree.open(Kind::Sequence, style, anchor, span.start);
                }
                Event::MappingStart(style, anchor, tag) => {
                    tagged.extend(tag.map(|_tag| span.clone()));
                    tree.open(Kind::Mapping, style, anchor, span.start);
                }
                Event::SequenceEnd | Event::MappingEnd => tree.close(span.end),
                Event::DocumentEnd => break,
                // Comments and the frame of the stream; the parser may learn further events.
                _ => {}
            }
        }
        Ok(Self { root: tree.root, tagged, merged_again: tree.merged_again })
    }

    /// The nodes that are written with a tag. YAML reads `!has(x) && y` as the text `y`, tagged and anchored.
    pub(crate) fn tagged(&self) -> impl Iterator<Item = Span> {
        self.tagged.iter().cloned()
    }

    /// The repeated merge keys (`<<`). The parser accepts them: it merges once more, and the first wins.
    pub(crate) fn merged_again(&self) -> impl Iterator<Item = Span> {
        self.merged_again.iter().cloned()
    }

    /// The place at `path`, else the nearest place above it; `None` is the whole document.
    ///
    /// Keys may hold `.`, `/` and `[`, and paths have no escapes. So a path is compared with the keys that exist. Of
    /// two readings the one that leads further is taken, then the one with the longer key.
    pub(crate) fn find(&self, path: &str) -> Option<Place<'_>> {
        self.root.as_deref().and_then(|root| search(None, root, path).place)
    }
}

/// A node, with the key that leads to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// `None` for an entry of a list.
    key: Option<&'a Node>,
    value: &'a Node,
}

impl<'a> Place<'a> {
    pub(crate) fn key(&self) -> Option<Span> {
        self.key.map(|key| key.span.clone())
    }

    pub(crate) fn value(&self) -> Span {
        self.value.span.clone()
    }

    pub(crate) fn key_text(&self) -> Option<&'a str> {
        self.key.and_then(Node::scalar)
    }

    /// The value, if it is a scalar that is written at this place.
    pub(crate) fn value_text(&self) -> Option<&'a str> {
        match &self.value.content {
            Content::Scalar(text) => Some(text),
            Content::Alias(_) | Content::Sequence(..) | Content::Mapping(..) => None,
        }
    }

    /// The members of the value, if it is an object that is written at this place; else none.
    pub(crate) fn members(&self) -> impl Iterator<Item = Place<'a>> {
        let members = match &self.value.content {
            Content::Mapping(_, members) => members.as_slice(),
            Content::Scalar(_) | Content::Alias(_) | Content::Sequence(..) => &[],
        };
        members.iter().map(|(key, value)| Place { key: Some(key), value })
    }

    /// `true` if the value is a list or an object in block style.
    pub(crate) const fn is_block(&self) -> bool {
        matches!(
            self.value.content,
            Content::Sequence(StructureStyle::Block, _) | Content::Mapping(StructureStyle::Block, _)
        )
    }
}

#[derive(Debug)]
struct Node {
    span: Span,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Scalar(String),
    /// An alias with its target; `None` within the node that it names.
    Alias(Option<Rc<Node>>),
    Sequence(StructureStyle, Vec<Rc<Node>>),
    Mapping(StructureStyle, Vec<(Rc<Node>, Rc<Node>)>),
}

impl Node {
    /// The text of a key, which may be an alias itself.
    fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            Content::Alias(target) => target.as_deref().and_then(Self::scalar),
            Content::Sequence(..) | Content::Mapping(..) => None,
        }
    }
}

/// The result of a search: the place, and the number of bytes of the path that lead no further.
struct Found<'a> {
    place: Option<Place<'a>>,
    left: usize,
}

/// Follows `path` from `node`, which stands at `here`.
fn search<'a>(here: Option<Place<'a>>, node: &'a Node, path: &str) -> Found<'a> {
    let further = match &node.content {
        Content::Scalar(_) => None,
        // The author wrote the alias here; what it stands for is also used elsewhere.
        Content::Alias(target) => {
            target.as_deref().map(|target| Found { place: here, left: search(here, target, path).left })
        }
        Content::Sequence(_, entries) => entry(entries, path),
        Content::Mapping(_, members) => {
            let name = if here.is_some() { path.strip_prefix('.') } else { Some(path) };
            name.and_then(|name| member(members, name).or_else(|| merged(here, members, path)))
        }
    };
    further.unwrap_or(Found { place: here, left: path.len() })
}

fn entry<'a>(entries: &'a [Rc<Node>], path: &str) -> Option<Found<'a>> {
    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
    let value = entries.get(index.parse::<usize>().ok()?)?;
    Some(search(Some(Place { key: None, value }), value, rest))
}

fn member<'a>(members: &'a [(Rc<Node>, Rc<Node>)], path: &str) -> Option<Found<'a>> {
    let readings = members.iter().filter_map(|(key, value)| {
        let rest = path.strip_prefix(key.scalar()?)?;
        let ends = rest.is_empty() || rest.starts_with(['.', '[']);
        ends.then(|| (rest.len(), search(Some(Place { key: Some(key), value }), value, rest)))
    });
    readings.min_by_key(|(rest, found)| (found.left, *rest)).map(|(_rest, found)| found)
}

/// A member that a merge key brings in: written in place, or at an alias.
fn merged<'a>(here: Option<Place<'a>>, members: &'a [(Rc<Node>, Rc<Node>)], path: &str) -> Option<Found<'a>> {
    let (key, value) = members.iter().find(|(key, _value)| key.scalar() == Some(MERGE))?;
    let sources = match &value.content {
        Content::Sequence(_, entries) => entries.as_slice(),
        Content::Scalar(_) | Content::Alias(_) | Content::Mapping(..) => std::slice::from_ref(value),
    };
    sources.iter().find_map(|source| {
        let found = match &source.content {
            Content::Alias(target) => {
                let alias = Place { key: Some(key), value: source };
                Found { place: Some(alias), left: search(here, target.as_deref()?, path).left }
            }
            Content::Scalar(_) | Content::Sequence(..) | Content::Mapping(..) => search(here, source, path),
        };
        (found.left < path.len()).then_some(found)
    })
}

/// A tree under construction: its open nodes, and the targets of aliases.
#[derive(Default)]
struct Tree {
    root: Option<Rc<Node>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    merged_again: Vec<Span>,
}

struct Open {
    kind: Kind,
    style: StructureStyle,
    anchor: usize,
    start: usize,
    children: Vec<Rc<Node>>,
}

enum Kind {
    Sequence,
    Mapping,
}

impl Tree {
    fn open(&mut self, kind: Kind, style: StructureStyle, anchor: usize, start: usize) {
        self.open.push(Open { kind, style, anchor, start, children: Vec::new() });
    }

    fn close(&mut self, end: usize) {
        let Some(Open { kind, style, anchor, start, children }) = self.open.pop() else {
            return;
        };
        let content = match kind {
            Kind::Sequence => Content::Sequence(style, children),
            Kind::Mapping => {
                let members = pairs(children);
                let merges = members.iter().filter(|(key, _value)| key.scalar() == Some(MERGE)).skip(1);
                self.merged_again.extend(merges.map(|(key, _value)| key.span.clone()));
                Content::Mapping(style, members)
            }
        };
        self.add(start..end, content, anchor);
    }

    fn add(&mut self, span: Span, content: Content, anchor: usize) {
        let node = Rc::new(Node { span, content });
        // INVARIANT: a node can be named only once it is complete, so no path of aliases leads back to itself.
        if anchor != NO_ANCHOR {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => self.root = Some(node),
        }
    }
}

/// Pairs of a key and its value; the parser gives them in turn.
fn pairs(children: Vec<Rc<Node>>) -> Vec<(Rc<Node>, Rc<Node>)> {
    let mut children = children.into_iter();
    std::iter::from_fn(|| Some((children.next()?, children.next()?))).collect()
}

/// The parser's value for a node without an anchor.
const NO_ANCHOR: usize = 0;

/// The key of YAML 1.1 whose value is merged into the object around it.
const MERGE: &str = "<<";

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the value at `path`, as they are written.
    fn at(text: &str, path: &str) -> String {
        let places = Places::read(text).unwrap();
        let Some(place) = places.find(path) else {
            return "the document".to_owned();
        };
        let key = place.key().map_or("-", |key| text.get(key).unwrap());
        format!("{key} -> {}", text.get(place.value()).unwrap())
    }

    #[test]
    fn path_leads_to_its_text() {
        for (text, path, expected) in [
            ("a: b", "a", "a -> b"),
            ("a: {b: [c, 'd']}", "a.b[1]", "- -> 'd'"),
            ("a:\n- b\n- c: d\n  e: \"f\"\n", "a[1].e", "e -> \"f\""),
            ("'a': &x !!str b", "a", "'a' -> b"),
            ("\"\\u0061\": b", "a", "\"\\u0061\" -> b"),
            ("a: {b: {c: 1}, d: 2}", "a.b", "b -> {c: 1}"),
            ("{\"a\":[1,{\"b\":\"é\"}]}", "a[1].b", "\"b\" -> \"é\""),
            ("é:\t'ж'\r\nb:\t[ 'ж',\t'з' ]\r\n", "b[1]", "- -> 'з'"),
            ("? a\n: b", "a", "a -> b"),
            ("a:\nb: 1", "a", "a -> "),
            ("a: |\n  b\n  c\nd: 1", "a", "a -> b\n  c\n"),
            ("--- # one\na: b\n...\n", "a", "a -> b"),
        ] {
            assert_eq!(at(text, path), expected, "{text} {path}");
        }
    }

    #[test]
    fn what_is_missing_is_at_the_nearest_place_above() {
        for (text, path, expected) in [
            ("a: {b: 1}", "a.c", "a -> {b: 1}"),
            ("a: {b: 1}", "a.c.d[0]", "a -> {b: 1}"),
            ("a: [1]", "a[1]", "a -> [1]"),
            ("a: [1]", "a[x]", "a -> [1]"),
            ("a: [1]", "a[0", "a -> [1]"),
            ("a: 1", "a.b", "a -> 1"),
            ("ab: 1", "a", "the document"),
            ("a: 1", "", "the document"),
            ("[1]", "a", "the document"),
            ("", "a", "the document"),
            ("# nothing", "", "the document"),
        ] {
            assert_eq!(at(text, path), expected, "{text} {path}");
        }
    }

    #[test]
    fn key_may_hold_what_a_path_is_made_of() {
        for (text, path, expected) in [
            ("expect: { /token_use: api_key }", "expect./token_use", "/token_use -> api_key"),
            ("h: { x.y: 1, x: { y: 2 } }", "h.x.y", "x.y -> 1"),
            ("h: { x: { y: 2 }, x.y: 1 }", "h.x.y", "x.y -> 1"),
            ("h: { x.y: 1, x: { y: 2 } }", "h.x", "x -> { y: 2 }"),
            ("h: { x.y: 1, x: { y.z: 2 } }", "h.x.y.z", "y.z -> 2"),
            ("h: { 'x[0]': [7], x: [[8]] }", "h.x[0][0]", "- -> 7"),
            ("h: { 'x[0]': 1, x: [[8]] }", "h.x[0][0]", "- -> 8"),
            ("a.b: { c: 1 }", "a.b.c", "c -> 1"),
            ("a: { '': 1 }", "a.", "'' -> 1"),
        ] {
            assert_eq!(at(text, path), expected, "{text} {path}");
        }
    }

    #[test]
    fn alias_stands_for_all_that_is_behind_it() {
        let base = "base: &b { k: [1], m: { n: 2 } }\n";
        for (text, path, expected) in [
            ("x: *b", "x.k[0]", "x -> *b"),
            ("x: *b", "x", "x -> *b"),
            ("x: [*b]", "x[0].m.n", "- -> *b"),
            ("x: { <<: *b, k: 3 }", "x.m.n", "<< -> *b"),
            ("x: { <<: *b, k: 3 }", "x.k", "k -> 3"),
            ("x: { <<: [{ q: 4 }, *b] }", "x.m", "<< -> *b"),
            ("x: { <<: [{ q: 4 }, *b] }", "x.q", "q -> 4"),
            ("x: { <<: *b }", "x.none", "x -> { <<: *b }"),
            ("y: &y { <<: *b }\nx: { <<: *y }", "x.m.n", "<< -> *y"),
            ("x: &x [*x]", "x[0][0]", "- -> *x"),
            ("w: &w key\nx: { *w : 5 }", "x.key", "*w -> 5"),
        ] {
            assert_eq!(at(&format!("{base}{text}"), path), expected, "{text} {path}");
        }
    }

    #[test]
    fn text_that_is_no_yaml_has_no_places() {
        for text in ["a: [", "a: 'x", "a: *x", "a: b: c"] {
            assert!(Places::read(text).is_err(), "{text}");
        }
    }
}
