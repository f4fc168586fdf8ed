//! Owns how the interpreter finds what a condition reads: nothing is copied, and what is absent is not there.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Iterable, Iterator as Values, Sizer};
use cel::common::types::{CelBool, CelInt, CelList, CelString, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use super::check::{PARAMS, REQUEST};
use super::presence::PRESENCE;
use super::time::Timestamp;
use super::{Capture, Headers, Scene};
use crate::identity::facts::{Fact, FactValue, Facts};
use crate::time::UnixTime;

/// The variables of one evaluation.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    scene: &'a Scene<'a>,
    headers: OnceLock<HeaderMap<'a>>,
    /// As many as there are identities; `None` of those that are not there.
    lists: Vec<Option<Lists<'a>>>,
}

/// What is read by its members.
#[derive(Clone, Copy, Debug)]
enum Root {
    Params,
    Request,
    /// An identity, by its number.
    Identity(usize),
}

/// The lists of one identity as the interpreter reads them, each made when it is first read.
#[derive(Debug)]
struct Lists<'a> {
    scopes: OnceLock<CelList<'a>>,
    /// As many as there are further facts; of what is no list, none is made.
    further: Vec<OnceLock<CelList<'a>>>,
}

impl Lists<'_> {
    fn of(facts: &Facts) -> Self {
        let has_lists = facts.further.iter().any(|(_, fact)| matches!(fact, FactValue::List(_)));
        let further = if has_lists { facts.further.len() } else { 0 };
        Self { scopes: OnceLock::new(), further: (0..further).map(|_| OnceLock::new()).collect() }
    }
}

impl<'a> Variables<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Self {
        let lists = scene.identities.iter().map(|(_kind, facts)| facts.map(Lists::of)).collect();
        Self { scene, headers: OnceLock::new(), lists }
    }

    /// The root of a name; `None` where there is none, or the route looks at no such credential.
    fn root(&self, name: &str) -> Option<Root> {
        match name {
            PARAMS => Some(Root::Params),
            REQUEST => Some(Root::Request),
            _ => self.scene.identities.iter().position(|(kind, _facts)| kind.as_str() == name).map(Root::Identity),
        }
    }

    fn member<'b>(&'b self, root: Root, name: &str) -> Option<CowVal<'b, 'b>> {
        match root {
            Root::Request => self.of_request(name),
            Root::Params => {
                let (_name, capture) = self.scene.captures.iter().find(|(capture, _)| *capture == name)?;
                Some(match capture {
                    Capture::Int(number) => CowVal::owned(CelInt::from(*number)),
                    Capture::Text(text) => CowVal::owned(CelString::from(*text)),
                })
            }
            Root::Identity(number) => {
                let (_kind, facts) = self.scene.identities.get(number)?;
                let (facts, lists) = ((*facts)?, self.lists.get(number)?.as_ref()?);
                // Nothing is read of it but that it is there.
                if name == PRESENCE {
                    return Some(CowVal::owned(CelBool::from(true)));
                }
                of_identity(facts, name, lists)
            }
        }
    }

    fn of_request<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let request = self.scene.request;
        let text = match name {
            "method" => &request.method,
            "host" => &request.host,
            "path" => &request.path,
            "headers" => match &request.headers {
                Headers::Read(headers) => {
                    return Some(CowVal::Borrowed(self.headers.get_or_init(|| HeaderMap::new(headers))));
                }
                Headers::NotAsked | Headers::Unreadable => return None,
            },
            _ => return None,
        };
        Some(CowVal::owned(CelString::from(text.as_str())))
    }
}

fn of_identity<'b, 'a>(facts: &'a Facts, name: &str, lists: &'b Lists<'a>) -> Option<CowVal<'b, 'b>> {
    let text = |fact: &'a Fact| CowVal::owned(CelString::from(fact.as_str()));
    match name {
        "subject" => facts.subject.as_ref().map(text),
        "client_id" => facts.client_id.as_ref().map(text),
        "client_type" => facts.client_type.as_ref().map(text),
        "expires" => facts.expires.map(|end| CowVal::owned(timestamp(end))),
        "scopes" => Some(CowVal::Borrowed(lists.scopes.get_or_init(|| list(facts.scope.iter())))),
        _ => {
            let (at, (_name, fact)) = facts.further.iter().enumerate().find(|(_at, (known, _))| **known == *name)?;
            match fact {
                FactValue::Text(fact) => Some(text(fact)),
                FactValue::Int(number) => Some(CowVal::owned(CelInt::from(*number))),
                FactValue::Bool(is_true) => Some(CowVal::owned(CelBool::from(*is_true))),
                FactValue::List(entries) => {
                    Some(CowVal::Borrowed(lists.further.get(at)?.get_or_init(|| list(entries.iter()))))
                }
            }
        }
    }
}

fn list<'a>(entries: impl Iterator<Item = &'a str>) -> CelList<'a> {
    let entries = entries.map(|entry| -> Box<dyn Val + 'a> { Box::new(CelString::from(entry)) });
    CelList::from(entries.collect::<Vec<_>>())
}

/// Whole seconds, as conditions count: the fraction is cut off, of now as of an end. An end past what CEL can count to
/// is as good as one far away.
fn timestamp(at: UnixTime) -> Timestamp {
    let since_epoch = UnixTime::from_seconds(0).until(at);
    Timestamp(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}

impl VariableResolver for Variables<'_> {
    /// Called with the longest name first: `token.subject`, and `token` where that is absent.
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        match variable.split_once('.') {
            Some((root, name)) if !name.contains('.') => self.member(self.root(root)?, name),
            Some(_) => None,
            None if variable == "now" => Some(CowVal::owned(timestamp(self.scene.now))),
            None => {
                let root = self.root(variable)?;
                Some(CowVal::owned(Record { root, variables: self }))
            }
        }
    }
}

/// A root by itself, of which members can be asked.
#[derive(Clone, Copy, Debug)]
struct Record<'b, 'a> {
    root: Root,
    variables: &'b Variables<'a>,
}

impl Val for Record<'_, '_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Indexer for Record<'_, '_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = key.downcast_ref::<CelString<'_>>().ok_or_else(not_text)?;
        self.variables.member(self.root, name.inner()).ok_or_else(absent)
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

/// The headers by name, in the order of the names, so that the same request is always judged alike.
#[derive(Clone, Debug)]
struct HeaderMap<'a>(Vec<(CelString<'a>, CelString<'a>)>);

impl<'a> HeaderMap<'a> {
    fn new(headers: &'a BTreeMap<String, String>) -> Self {
        let text = |text: &'a String| CelString::from(text.as_str());
        Self(headers.iter().map(|(name, value)| (text(name), text(value))).collect())
    }

    fn find(&self, key: &dyn Val) -> Result<Option<&CelString<'a>>, ExecutionError> {
        let name = key.downcast_ref::<CelString<'_>>().ok_or_else(not_text)?;
        let found = self.0.binary_search_by(|(known, _value)| known.inner().cmp(name.inner())).ok();
        Ok(found.and_then(|index| self.0.get(index)).map(|(_name, value)| value))
    }
}

impl Val for HeaderMap<'_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
}

impl Container for HeaderMap<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        self.find(key).map(|found| found.is_some())
    }
}

impl Indexer for HeaderMap<'_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.find(key)?.map(|value| CowVal::Borrowed(value)).ok_or_else(absent)
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Iterable for HeaderMap<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Values<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(HeaderNames(self.0.iter()))
    }
}

impl Sizer for HeaderMap<'_> {
    fn size(&self) -> CelInt {
        // No request has more headers than an integer can count.
        CelInt::from(i64::try_from(self.0.len()).unwrap_or(i64::MAX))
    }
}

struct HeaderNames<'b, 'a>(std::slice::Iter<'b, (CelString<'a>, CelString<'a>)>);

impl<'b, 'v, 'a: 'v> Values<'b, 'v> for HeaderNames<'b, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|(name, _value)| -> &'b (dyn Val + 'v) { name })
    }
}

/// The interpreter's error for a key that is not there; without the key, which can come from the request.
fn absent() -> ExecutionError {
    ExecutionError::no_such_key("member")
}

fn not_text() -> ExecutionError {
    ExecutionError::UnexpectedType { got: "key".to_owned(), want: "string".to_owned() }
}

static MAP: Type = MAP_TYPE;
