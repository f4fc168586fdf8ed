//! Owns the talk with an authority: the question put to it, and the strict reading of its reply (RFC 7662).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::credential::{Credential, CredentialKind};
use crate::facts::{Fact, Facts};
use crate::json;
use crate::scope::GrantedScopes;
use crate::time::UnixTime;

/// A credential that has to be verified before the request can be judged further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    kind: CredentialKind,
    credential: Credential,
    verifier: Arc<Introspection>,
}

impl Lookup {
    pub(crate) const fn new(kind: CredentialKind, credential: Credential, verifier: Arc<Introspection>) -> Self {
        Self { kind, credential, verifier }
    }

    /// The kind of the credential.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// The credential.
    #[must_use]
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// How long an answer may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.verifier.asked.authority.timeout
    }

    /// How it is verified.
    #[must_use]
    pub fn verifier(&self) -> &Introspection {
        &self.verifier
    }
}

/// One verifier: whom to ask, how, and what an answer must say.
#[derive(Debug, PartialEq, Eq)]
pub struct Introspection {
    asked: Asked,
    cache: CacheLimits,
    fingerprint: u64,
}

/// All that decides what an answer is worth.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) authority: Authority,
    pub(crate) path: String,
    pub(crate) hint: String,
    pub(crate) expect: Vec<(String, String)>,
    pub(crate) pointers: Pointers,
}

/// Where an authority is, and how the gateway proves itself to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Authority {
    pub(crate) cluster: String,
    pub(crate) host: String,
    pub(crate) timeout: Duration,
    pub(crate) secret: SecretName,
}

/// Where the facts are in an answer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointers {
    pub(crate) subject: String,
    pub(crate) client_id: String,
    pub(crate) client_type: String,
    pub(crate) scope: String,
    pub(crate) expires: String,
    /// Further facts, by their names.
    pub(crate) further: Vec<(Arc<str>, String)>,
}

/// How long, and how much, is remembered of a verifier's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheLimits {
    /// The longest that facts may be kept.
    pub ttl: Duration,
    /// The longest that a refusal may be kept.
    pub refused_ttl: Duration,
    /// How many facts may be kept, and as many refusals apart from them.
    pub entries: usize,
}

/// The environment variable that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName(pub(crate) String);

impl SecretName {
    /// The variable's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The HTTP request that puts a lookup to its authority. Holds secrets: not for a log.
pub struct Question<'a> {
    /// The Envoy cluster to send it to.
    pub cluster: &'a str,
    /// All headers, pseudo-headers first.
    pub headers: Vec<(&'static str, String)>,
    /// The form.
    pub body: String,
    /// How long to wait for the reply.
    pub timeout: Duration,
}

/// An authority's reply as it came.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body, whole.
    pub body: &'a [u8],
}

/// What is known of a credential after asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The authority vouches for it.
    Active(Arc<Facts>),
    /// The authority does not: unknown, expired, revoked, of another kind.
    Inactive,
    /// Nobody could say. Never the client's fault, so never a 401.
    Unavailable(Unavailable),
}

/// Why nobody could say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// As many lookups as are allowed at once are out already.
    #[error("too many lookups are out already")]
    Shedding,
    /// The lookup could not be sent.
    #[error("the lookup could not be sent")]
    NotSent,
    /// No reply came in time, or the connection broke.
    #[error("the authority did not reply")]
    NoReply,
    /// A reply that is no answer: an error, a redirect, the gateway's own secret refused.
    #[error("the authority replied with status {0}")]
    Status(u16),
    /// A reply that cannot be used.
    #[error("the authority's answer is unusable: {0}")]
    Unusable(&'static str),
}

impl Introspection {
    pub(crate) fn new(asked: Asked, cache: CacheLimits) -> Self {
        let mut hasher = DefaultHasher::new();
        asked.hash(&mut hasher);
        let fingerprint = hasher.finish();
        Self { asked, cache, fingerprint }
    }

    /// A number that changes with whom is asked, how, and what an answer must say: what was learnt under another one
    /// is worth nothing here.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The secret the authority wants, by the name of its environment variable.
    #[must_use]
    pub const fn secret(&self) -> &SecretName {
        &self.asked.authority.secret
    }

    /// How long, and how much, is remembered.
    #[must_use]
    pub const fn cache(&self) -> CacheLimits {
        self.cache
    }

    /// The question for one credential (RFC 7662, 2.1).
    #[must_use]
    pub fn question(&self, credential: &Credential, secret: &str) -> Question<'_> {
        let token = form_encoded(credential.expose_secret());
        Question {
            cluster: &self.asked.authority.cluster,
            headers: vec![
                (":method", "POST".to_owned()),
                (":scheme", "http".to_owned()),
                (":authority", self.asked.authority.host.clone()),
                (":path", self.asked.path.clone()),
                ("accept", "application/json".to_owned()),
                ("authorization", format!("Bearer {secret}")),
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ],
            body: format!("token={token}&token_type_hint={}", form_encoded(&self.asked.hint)),
            timeout: self.asked.authority.timeout,
        }
    }

    /// What a reply says. Whatever is not plainly an answer is *unavailable*.
    #[must_use]
    pub fn answer(&self, reply: Reply<'_>) -> Answer {
        if reply.status != 200 {
            return Answer::Unavailable(Unavailable::Status(reply.status));
        }
        match self.read(reply.body) {
            Ok(answer) => answer,
            Err(fault) => Answer::Unavailable(Unavailable::Unusable(fault)),
        }
    }

    fn read(&self, body: &[u8]) -> Result<Answer, &'static str> {
        if body.len() > LONGEST_ANSWER {
            return Err("it is too long");
        }
        let value = json::parse(body).map_err(|_fault| "it is not JSON, or repeats a member")?;
        // RFC 7662, 2.2: `active` is REQUIRED, a boolean.
        match value.get("active") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return Ok(Answer::Inactive),
            Some(_) | None => return Err("`active` is not a boolean"),
        }
        for (pointer, expected) in &self.asked.expect {
            match value.pointer(pointer) {
                Some(Value::String(stated)) if stated == expected => {}
                // RFC 7662, 2.1: the server may look beyond the hint, and finds a credential of another kind.
                Some(Value::String(_)) => return Ok(Answer::Inactive),
                Some(_) | None => return Err("what was expected is not stated"),
            }
        }
        Ok(Answer::Active(Arc::new(Facts {
            subject: fact(&value, &self.asked.pointers.subject)?,
            client_id: fact(&value, &self.asked.pointers.client_id)?,
            client_type: fact(&value, &self.asked.pointers.client_type)?,
            scope: scope(&value, &self.asked.pointers.scope)?,
            expires: expires(&value, &self.asked.pointers.expires)?,
            further: self.further(&value)?,
        })))
    }

    fn further(&self, answer: &Value) -> Result<Vec<(Arc<str>, Fact)>, &'static str> {
        let mut stated = Vec::new();
        for (name, pointer) in &self.asked.pointers.further {
            if let Some(fact) = fact(answer, pointer)? {
                stated.push((Arc::clone(name), fact));
            }
        }
        Ok(stated)
    }

    /// The names of the further facts an answer can state.
    pub(crate) fn further_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.asked.pointers.further.iter().map(|(name, _pointer)| name)
    }
}

fn fact(answer: &Value, pointer: &str) -> Result<Option<Fact>, &'static str> {
    match answer.pointer(pointer) {
        None => Ok(None),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|_invalid| "a fact is empty, too long, or not visible ASCII")
        }
        Some(_) => Err("a fact is not a string"),
    }
}

fn scope(answer: &Value, pointer: &str) -> Result<GrantedScopes, &'static str> {
    match answer.pointer(pointer) {
        None => Ok(GrantedScopes::none()),
        Some(Value::String(text)) => text.parse().map_err(|_invalid| "the scope is no list of scope-tokens"),
        Some(_) => Err("the scope is not a string"),
    }
}

fn expires(answer: &Value, pointer: &str) -> Result<Option<UnixTime>, &'static str> {
    match answer.pointer(pointer) {
        None => Ok(None),
        Some(Value::Number(number)) => number
            .as_u64()
            .map(|seconds| Some(UnixTime::from_seconds(seconds)))
            .ok_or("the expiry is not a whole number of seconds"),
        Some(_) => Err("the expiry is not a number"),
    }
}

/// `application/x-www-form-urlencoded`: everything but unreserved characters is encoded, so nothing can be spliced in.
fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Bytes of an answer. Scopes take at most [`crate::LONGEST_SCOPE_LIST`]; the rest is room for members nobody reads.
pub const LONGEST_ANSWER: usize = 65_536;
