//! Cases, as their files say them. They have a reader of their own here: that of the commands is part of what is
//! tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::client::Call;
use crate::policy::Policy;
use crate::stack::project;

/// A policy and its cases.
pub struct Corpus {
    pub policy: Policy,
    pub cases: Vec<Case>,
    /// By the name of the credential, and then by that of the identity.
    identities: BTreeMap<String, BTreeMap<String, Identity>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    policy: String,
    #[serde(default)]
    api_keys: BTreeMap<String, Identity>,
    #[serde(default)]
    tokens: BTreeMap<String, Identity>,
    #[serde(default)]
    identities: BTreeMap<String, BTreeMap<String, Identity>>,
    cases: Vec<Case>,
}

/// An authority's statement about a credential.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Identity {
    Word(Word),
    Facts(BTreeMap<String, Value>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Refused,
    Unavailable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub request: Request,
    pub expect: Expected,
    /// The wall clock, in seconds since 1970.
    #[serde(default = "now")]
    pub now: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    #[serde(default = "host")]
    pub host: String,
    pub api_key: Option<String>,
    pub token: Option<String>,
    #[serde(default)]
    pub credentials: BTreeMap<String, String>,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

/// Expected outcome. A missing rule (`allow` or `rule`) or `would_refuse` is expected to be absent; another missing
/// member may be anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub allow: Option<String>,
    pub would_refuse: Option<String>,
    pub forward: Option<BTreeMap<String, String>>,
    pub remove: Option<BTreeSet<String>>,
    pub refuse: Option<String>,
    pub rule: Option<String>,
    pub status: Option<u16>,
    pub message: Option<String>,
}

impl Corpus {
    /// All files of cases, in the order of their names.
    pub fn all() -> Vec<Self> {
        let mut files = Vec::new();
        find(&project().join("policies"), &mut files);
        files.sort();
        files.iter().map(|path| Self::read(path)).collect()
    }

    pub fn read(path: &Path) -> Self {
        let file: File = serde_saphyr::from_str(&fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let File { policy, api_keys, tokens, mut identities, cases } = file;
        identities.insert("api_key".to_owned(), api_keys);
        identities.insert("token".to_owned(), tokens);
        Self { policy: Policy::read(&path.with_file_name(policy)), cases, identities }
    }

    /// Identities of the credentials of a kind, by name.
    pub fn identities(&self, kind: &str) -> impl Iterator<Item = (&String, &Identity)> {
        self.identities.get(kind).into_iter().flatten()
    }

    /// All clocks at which cases are judged, and the usual one.
    pub fn clocks(&self) -> BTreeSet<u64> {
        self.cases.iter().map(|case| case.now).chain([NOW]).collect()
    }
}

impl Case {
    /// The request with its credentials, presented as the policy wants them.
    pub fn call(&self, policy: &Policy, id: &str) -> Call {
        let request = &self.request;
        let call = Call::new(&request.method, &request.path).header("Host", &request.host).header("x-request-id", id);
        let call = self.credentials().fold(call, |call, (kind, credential)| {
            let (header, value) = policy.presentation(kind, &credential);
            call.header(header, &value)
        });
        request.headers.iter().fold(call, |call, (name, value)| call.header(name, value))
    }

    /// Credentials that the case presents, by kind.
    pub fn credentials(&self) -> impl Iterator<Item = (&str, String)> {
        let Request { api_key, token, credentials, .. } = &self.request;
        let short = [("token", token), ("api_key", api_key)].into_iter();
        let short = short.filter_map(|(kind, name)| Some((kind, name.as_ref()?)));
        let named = credentials.iter().map(|(kind, name)| (kind.as_str(), name));
        short.chain(named).map(|(kind, name)| (kind, credential(name, self.now)))
    }
}

/// The credential that presents an identity: its name, as where cases are judged without Envoy. A case with a clock of
/// its own presents another one, since the gateway caches facts of the first.
pub fn credential(name: &str, now: u64) -> String {
    if now == NOW { name.to_owned() } else { format!("{name}.{now}") }
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.to_str().unwrap().ends_with(".cases.yaml") {
            files.push(path);
        }
    }
}

const fn now() -> u64 {
    NOW
}

fn host() -> String {
    "localhost".to_owned()
}

/// Usual clock of a case, in Unix seconds.
const NOW: u64 = 1_700_000_000;
