//! Owns a file of cases as written, and its compilation; every fault has its place.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, iter};

use brama_policy::authoring::{Fault, nearest};
use brama_policy::deciding::{Policy, UnixTime};
use brama_policy::identity::CredentialKind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Case, Corpus, Expected, Identities};
use crate::line::{DEFAULT_HOST, HOST_AS_HEADER};
use crate::places::places;
use crate::statement::{InvalidStatement, Statement};

/// The faults of a file of cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct CorpusFaults(Vec<Fault>);

/// The cases of a policy.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct CorpusDocument {
    /// The file of the policy they are for; the command line decides.
    policy: String,
    /// Answers about API keys, by the text of the key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, super::schema::Identity>"))]
    api_keys: BTreeMap<String, Value>,
    /// Answers about tokens, by the text of the token.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, super::schema::Identity>"))]
    tokens: BTreeMap<String, Value>,
    /// Answers about credentials, by the name of the credential in the policy, and then by its text.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, BTreeMap<String, super::schema::Identity>>"))]
    identities: BTreeMap<String, BTreeMap<String, Value>>,
    /// The cases.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<CaseDocument>"))]
    cases: Vec<Value>,
}

/// One request, and what is expected of it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct CaseDocument {
    /// One line, and no other case's.
    name: String,
    /// The request.
    request: RequestDocument,
    /// The decision.
    expect: ExpectDocument,
    /// The wall clock, in seconds since 1970; 1700000000 by default.
    now: Option<u64>,
}

/// A request as a client sends it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct RequestDocument {
    /// Its method.
    method: String,
    /// Its path, with the query.
    path: String,
    /// Its host; `localhost` by default.
    host: Option<String>,
    /// The API key it brings, by the name of an identity; nobody vouches for one that is none's.
    api_key: Option<String>,
    /// The token it brings, by the name of an identity; nobody vouches for one that is none's.
    token: Option<String>,
    /// The credentials it brings, by their names in the policy, each by the name of an identity.
    #[serde(default)]
    credentials: BTreeMap<String, String>,
    /// Further headers, each a name and a value.
    #[serde(default)]
    headers: Vec<(String, String)>,
}

/// Decision: `allow`, `refuse`, or in shadow mode `would_refuse`, alone or beside `allow`.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ExpectDocument {
    /// The rule that allows.
    allow: Option<String>,
    /// The denial that shadow mode marks.
    would_refuse: Option<String>,
    /// Headers that are set, with these values; `{}`: none is.
    forward: Option<BTreeMap<String, String>>,
    /// All the names of headers that are removed, in any letter case.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>"))]
    remove: Option<BTreeSet<String>>,
    /// The denial.
    refuse: Option<String>,
    /// The rule that refuses; left out, the request is refused before one is found.
    rule: Option<String>,
    /// The status of the refusal.
    status: Option<u16>,
    /// The message of the refusal.
    message: Option<String>,
}

impl Corpus {
    /// The cases that a document stands for, to be judged by `policy`.
    ///
    /// # Errors
    /// Every fault of the document; of a case whose shape is wrong, the first.
    pub fn read(document: &Value, policy: &Policy) -> Result<Self, CorpusFaults> {
        let mut faults = CorpusFaults::default();
        // Serde takes a null for a key that was left out. An empty `forward:` would then check nothing.
        faults.add_nulls(document, "");
        let shaped = if faults.0.is_empty() { faults.shape(document, "", &[]) } else { None };
        let Some(document): Option<CorpusDocument> = shaped else { return Err(faults) };
        if document.cases.is_empty() {
            faults.add("cases".to_owned(), "there is no case here, and a test of nothing passes");
        }
        let written = document.identities();
        let identities = Identities(faults.all_identities(&written, policy));
        let known_codes = policy.codes();
        let (mut cases, mut names) = (Vec::with_capacity(document.cases.len()), BTreeSet::new());
        for (number, case) in document.cases.iter().enumerate() {
            let place = format!("cases[{number}]");
            let Some(case) = faults.shape::<CaseDocument>(case, &place, &["request", "expect"]) else { continue };
            if case.name.is_empty() || case.name.chars().any(char::is_control) {
                faults.add(format!("{place}.name"), "a name is one line of text");
            }
            if !names.insert(case.name.clone()) {
                faults.add(format!("{place}.name"), format!("`{}` is the name of an earlier case too", case.name));
            }
            let place_of_request = format!("{place}.request");
            for (place, kind, name) in case.request.credentials() {
                faults.mistyped(&format!("{place_of_request}.{place}"), kind, name, &written);
            }
            let headers = case.request.headers(&place_of_request, policy, &mut faults);
            let now = UnixTime::from_seconds(case.now.unwrap_or(NOW));
            if let Some(expect) = case.expect.understood(&format!("{place}.expect"), &known_codes, &mut faults) {
                cases.push(Case { name: case.name, headers, now, expect });
            }
        }
        if faults.0.is_empty() { Ok(Self { policy: document.policy, identities, cases }) } else { Err(faults) }
    }
}

impl CorpusDocument {
    /// The answers, by the place where they are written and the kind of credential.
    fn identities(&self) -> Vec<(String, &str, &BTreeMap<String, Value>)> {
        let short = [("api_keys", "api_key", &self.api_keys), ("tokens", "token", &self.tokens)];
        let short = short.into_iter().map(|(place, kind, known)| (place.to_owned(), kind, known));
        let named = self.identities.iter().map(|(kind, known)| (format!("identities.{kind}"), kind.as_str(), known));
        short.chain(named).collect()
    }
}

impl RequestDocument {
    /// The credentials it brings: where each is written, its kind, and its identity.
    fn credentials(&self) -> impl Iterator<Item = (String, &str, &str)> {
        let short = [("token", &self.token), ("api_key", &self.api_key)];
        let short = short.into_iter().filter_map(|(kind, name)| Some((kind.to_owned(), kind, name.as_deref()?)));
        let named = self.credentials.iter();
        short.chain(named.map(|(kind, name)| (format!("credentials.{kind}"), kind.as_str(), name.as_str())))
    }

    fn headers(&self, place: &str, policy: &Policy, faults: &mut CorpusFaults) -> Vec<(String, Vec<u8>)> {
        let host = self.host.as_deref().unwrap_or(DEFAULT_HOST);
        let mut headers: Vec<(String, Vec<u8>)> =
            [(":method", &*self.method), (":scheme", "http"), (":authority", host), (":path", &self.path)]
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .into();
        let (mut brought, mut known) = (BTreeSet::new(), Vec::new());
        for (at, kind, name) in self.credentials() {
            let place = format!("{place}.{at}");
            if !brought.insert(kind) {
                faults.add(place, format!("`{kind}` is brought twice"));
                continue;
            }
            match policy.credential(kind) {
                Some(kind) => known.push((place, kind, name)),
                None => faults.add(place, format!("the policy does not say how `{kind}` is presented")),
            }
        }
        let kinds: Vec<_> = known.iter().map(|(_place, kind, _name)| *kind).collect();
        // What stands among the further headers is sent too, so that a case can say what nobody should send.
        let sources = places(policy, &kinds, |_source| true);
        for ((place, kind, name), source) in known.into_iter().zip(sources) {
            match source {
                Some(source) => source.present(name, &mut headers),
                None => {
                    let kind = kind.as_str();
                    let hint = "write the header twice under `headers`, if that is what the case is about";
                    faults.add_hinted(place, format!("others stand in each place of `{kind}`"), hint);
                }
            }
        }
        if self.headers.iter().any(|(name, _value)| name.eq_ignore_ascii_case("host")) {
            faults.add_hinted(format!("{place}.headers"), HOST_AS_HEADER.to_owned(), "write the request's `host`");
        }
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())));
        headers
    }
}

impl ExpectDocument {
    fn understood(self, place: &str, known: &[String], faults: &mut CorpusFaults) -> Option<Expected> {
        for (key, code) in [("refuse", &self.refuse), ("would_refuse", &self.would_refuse)] {
            if let Some(code) = code.as_ref().filter(|code| !known.contains(code)) {
                let hint = "the codes are in docs/policy-language.md, under Denials";
                faults.add_hinted(format!("{place}.{key}"), format!("`{code}` is no denial"), hint);
            }
        }
        let of_allow = [
            ("allow", self.allow.is_some()),
            ("would_refuse", self.would_refuse.is_some()),
            ("forward", self.forward.is_some()),
            ("remove", self.remove.is_some()),
        ];
        let of_refuse =
            [("rule", self.rule.is_some()), ("status", self.status.is_some()), ("message", self.message.is_some())];
        let written = |keys: &[(&'static str, bool)]| keys.iter().find(|(_key, is)| *is).map(|(key, _is)| *key);
        let (useless, why) = match (&self.refuse, &self.allow, &self.would_refuse) {
            (Some(_), _, _) => (written(&of_allow), "means nothing beside `refuse`"),
            (None, None, None) => {
                faults.add(place.to_owned(), "nothing is decided here; write `allow: RULE` or `refuse: DENIAL`");
                return None;
            }
            (None, _, _) => (written(&of_refuse), "means nothing without `refuse`"),
        };
        if let Some(key) = useless {
            faults.add(format!("{place}.{key}"), format!("`{key}` {why}"));
            return None;
        }
        Some(match self.refuse {
            Some(denial) => Expected::Refuse { denial, rule: self.rule, status: self.status, message: self.message },
            None => Expected::Allow {
                rule: self.allow,
                would_refuse: self.would_refuse,
                forward: self.forward,
                remove: self.remove.map(|names| names.iter().map(|name| name.to_ascii_lowercase()).collect()),
            },
        })
    }
}

impl CorpusFaults {
    /// The faults in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    fn add(&mut self, path: String, message: impl Into<String>) {
        self.0.push(Fault { path, message: message.into(), hint: None, part: None });
    }

    fn add_hinted(&mut self, path: String, message: String, hint: &str) {
        self.0.push(Fault { path, message, hint: Some(hint.to_owned()), part: None });
    }

    /// Adds a fault for a credential that is unknown and probably mistyped: its name is near one of its kind, or is one
    /// of another kind.
    ///
    /// Nobody would vouch for it, so a case that expects a refusal would pass by mistake.
    fn mistyped(&mut self, place: &str, kind: &str, name: &str, written: &Written<'_>) {
        let (own, others): (Vec<_>, Vec<_>) = written.iter().partition(|(_place, of, _known)| *of == kind);
        if own.iter().any(|(_place, _of, known)| known.contains_key(name)) {
            return;
        }
        let other = others.iter().find(|(_place, _of, known)| known.contains_key(name));
        let meant = match other {
            Some((place, _of, _known)) => format!("it is under `{place}`;"),
            None => {
                let long = |known: &&str| known.len() >= SHORTEST_MISTYPED;
                let known = own.iter().flat_map(|(_place, _of, known)| known.keys()).map(String::as_str);
                match nearest(name, known.filter(long)).filter(|_| long(&name)) {
                    Some(meant) => meant,
                    None => return,
                }
            }
        };
        let section = own.first().map_or_else(|| format!("identities.{kind}"), |(place, _of, _known)| place.clone());
        let hint = format!("{meant} if nobody vouches for it, write `{name}: refused` under `{section}`");
        self.add_hinted(place.to_owned(), format!("`{name}` is not under `{section}`"), &hint);
    }

    fn add_nulls(&mut self, value: &Value, path: &str) {
        match value {
            Value::Null => self.add(path.to_owned(), "nothing is written here; write a value, or remove the key"),
            Value::Array(entries) => {
                let numbered = entries.iter().enumerate();
                numbered.for_each(|(index, entry)| self.add_nulls(entry, &format!("{path}[{index}]")));
            }
            Value::Object(members) => {
                members.iter().for_each(|(key, member)| self.add_nulls(member, &below(path, key)));
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The value at `place` as its type; `None`, with a fault, if it has another shape. The members `objects` must be
    /// objects too.
    fn shape<T: DeserializeOwned>(&mut self, value: &Value, place: &str, objects: &[&str]) -> Option<T> {
        // Serde also takes a list of the members in order, which nobody means.
        let itself = (place.to_owned(), Some(value));
        let members = objects.iter().map(|key| (below(place, key), value.get(key)));
        let list = iter::once(itself).chain(members).find(|(_place, value)| value.is_some_and(Value::is_array));
        if let Some((place, _list)) = list {
            self.add(place, "a list stands where an object is wanted");
            return None;
        }
        match serde_path_to_error::deserialize(value) {
            Ok(shaped) => Some(shaped),
            Err(error) => {
                let path = error.path().to_string();
                let path = if path == "." { place.to_owned() } else { below(place, &path) };
                self.add(path, error.inner().to_string());
                None
            }
        }
    }

    fn all_identities(
        &mut self,
        written: &Written<'_>,
        policy: &Policy,
    ) -> BTreeMap<CredentialKind, BTreeMap<String, Statement>> {
        let mut all = BTreeMap::<_, BTreeMap<_, _>>::new();
        // The short forms are there where a file leaves them out, too.
        let is_written = |place: &str, known: &BTreeMap<_, _>| !known.is_empty() || place.contains('.');
        for (place, kind, known) in written.iter().filter(|(place, _kind, known)| is_written(place, known)) {
            let Some(kind) = policy.credential(kind) else {
                let hint = nearest(kind, policy.credentials().map(CredentialKind::as_str));
                self.0.push(Fault {
                    path: place.clone(),
                    message: format!("the policy knows no `{kind}`"),
                    hint,
                    part: None,
                });
                continue;
            };
            let of_kind = all.entry(kind.clone()).or_default();
            for (name, value) in *known {
                let place = format!("{place}.{name}");
                match Statement::read(value, kind, policy) {
                    Ok(_second) if of_kind.contains_key(name) => {
                        self.add(place, format!("`{name}` is written twice"));
                    }
                    Ok(statement) => drop(of_kind.insert(name.clone(), statement)),
                    Err(invalid) => self.add(place, no_identity(&invalid)),
                }
            }
        }
        all
    }
}

/// Answers, by the place where they are written and the kind of credential.
type Written<'a> = [(String, &'a str, &'a BTreeMap<String, Value>)];

impl fmt::Display for CorpusFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

/// The message about an invalid identity. A statement could be null, and an identity could not.
fn no_identity(invalid: &InvalidStatement) -> String {
    match invalid {
        InvalidStatement::Word(word) => format!("`{word}` is no identity; write facts, `refused` or `unavailable`"),
        InvalidStatement::Shape => "an identity is facts, `refused` or `unavailable`".to_owned(),
        InvalidStatement::UnknownFact { .. } | InvalidStatement::Value { .. } => invalid.to_string(),
    }
}

fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// The length in bytes from which on a name is compared with the known ones: shorter names are all near each other.
const SHORTEST_MISTYPED: usize = 3;

/// The default wall clock of a case, in seconds since 1970: a case must not be decided otherwise on another day.
const NOW: u64 = 1_700_000_000;
