//! An authority that knows only the identities of a file of cases.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::corpus::{Corpus, Identity, Word, credential};

/// Answers to lookups, by credential.
#[derive(Debug)]
pub struct Table(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    hint: String,
    credential: String,
    answer: Answer,
}

/// A status and a body.
type Answer = (u16, String);

impl Table {
    pub fn of(corpus: &Corpus) -> Self {
        let mut entries = Vec::new();
        for kind in corpus.policy.credentials() {
            for (name, identity) in corpus.identities(kind) {
                // A JWT speaks for itself, and whoever asks about it all the same finds it unknown.
                let Some(verifier) = corpus.policy.introspection(kind, name) else { continue };
                let hint = verifier["hint"].as_str().unwrap();
                entries.extend(corpus.clocks().into_iter().map(|now| Entry {
                    hint: hint.to_owned(),
                    credential: credential(name, now),
                    answer: identity.answer(verifier, now),
                }));
            }
        }
        Self(entries)
    }

    /// The answer to a lookup's form.
    pub fn answer(&self, form: &str) -> Answer {
        let Some((token, hint)) = understand(form) else { return (400, String::new()) };
        let known = || self.0.iter().filter(|entry| entry.credential == token);
        // RFC 7662, 2.1: beyond the hint, a server looks among its other kinds of token.
        match known().find(|entry| entry.hint == hint).or_else(|| known().next()) {
            Some(entry) => entry.answer.clone(),
            None => inactive(),
        }
    }
}

impl Identity {
    fn answer(&self, verifier: &Value, now: u64) -> Answer {
        match self {
            Self::Word(Word::Refused) => inactive(),
            Self::Word(Word::Unavailable) => (503, String::new()),
            Self::Facts(facts) => (200, stated(facts, verifier, now).to_string()),
        }
    }
}

fn inactive() -> Answer {
    (200, json!({"active": false}).to_string())
}

/// The facts, each where the verifier looks for it.
pub fn stated(facts: &BTreeMap<String, Value>, verifier: &Value, now: u64) -> Value {
    let mut answer = json!({"active": true});
    for (pointer, value) in verifier["expect"].as_object().unwrap() {
        put(&mut answer, pointer, value.clone());
    }
    for (name, value) in facts {
        let usual = USUAL.iter().find(|(known, _)| known == name).map(|(_, pointer)| *pointer);
        let own = [&verifier["facts"][name], &verifier["facts"]["further"][name]];
        let written = own.into_iter().find(|written| !written.is_null());
        let pointer = written.map_or(usual, first_pointer);
        let pointer = pointer.unwrap_or_else(|| panic!("`{name}` is no fact of this policy's"));
        let value = match written.and_then(|written| written.get("members")) {
            Some(_members) => {
                value.as_array().unwrap().iter().map(|name| (name.as_str().unwrap(), json!({}))).collect()
            }
            None if name == "expires" => at_present(value.as_u64().unwrap(), now),
            None => value.clone(),
        };
        put(&mut answer, pointer, value);
    }
    answer
}

/// The JSON pointer of a fact: alone, under its type, or the first of several.
fn first_pointer(written: &Value) -> Option<&str> {
    let below = written.as_array().and_then(|several| several.first());
    let below = below.or_else(|| written.as_object().and_then(|typed| typed.values().next()));
    written.as_str().or_else(|| below.and_then(first_pointer))
}

/// An expiry that lies an hour from today's clock: in the past if `expires` has passed at `now`, else to come.
fn at_present(expires: u64, now: u64) -> Value {
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Value::from(if expires <= now { today - HOUR } else { today + HOUR })
}

/// Sets `value` in `answer` at a JSON pointer.
fn put(answer: &mut Value, pointer: &str, value: Value) {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    *names.fold(answer, |below, name| &mut below[name]) = value;
}

/// The token and the hint of a form; `None`: one of them is missing or repeated.
pub fn understand(form: &str) -> Option<(String, String)> {
    let pairs = form.split('&').map(|pair| pair.split_once('=')).collect::<Option<Vec<_>>>()?;
    let only = |wanted: &str| {
        let mut values = pairs.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let value = values.next()?;
        values.next().is_none().then(|| decoded(value))?
    };
    Some((only("token")?, only("token_type_hint")?))
}

/// A value of `application/x-www-form-urlencoded`.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
                u8::from_str_radix(std::str::from_utf8(&digits).ok().filter(|_| is_hex)?, 16).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

/// JSON pointers of the facts: those of RFC 7662, and the plugin's own for the client's type.
const USUAL: [(&str, &str); 5] = [
    ("subject", "/sub"),
    ("client_id", "/client_id"),
    ("client_type", "/client_type"),
    ("scope", "/scope"),
    ("expires", "/exp"),
];

/// Seconds: longer than any test.
const HOUR: u64 = 3600;
