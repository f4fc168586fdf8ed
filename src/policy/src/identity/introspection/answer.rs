//! Owns the strict reading of an authority's reply.

use std::sync::Arc;

use serde_json::Value;

use super::{Active, Introspection};
use crate::identity::answer::{Answer, Unavailable};
use crate::identity::call::Reply;
use crate::identity::expected::Met;
use crate::identity::facts::{Facts, UnusableFact};
use crate::identity::pointers::{stated, unusable};
use crate::json;
use crate::time::{UnixTime, numeric_date};

impl Introspection {
    /// What a reply says. Whatever is not plainly an answer is *unavailable*.
    #[must_use]
    pub fn answer(&self, reply: Reply<'_>) -> Answer {
        if self.asked.inactive_on.contains(&reply.status) {
            return Answer::Inactive;
        }
        let is_answer = match &self.asked.active {
            Active::At(_pointer) => reply.status == 200,
            Active::On(statuses) => statuses.contains(&reply.status),
        };
        if !is_answer {
            return Answer::Unavailable(Unavailable::Status(reply.status));
        }
        match self.read(reply.body) {
            Ok(answer) => answer,
            Err(fault) => Answer::Unavailable(Unavailable::Unusable(fault)),
        }
    }

    /// What an answer says; what it says of the credential, and nobody can read, is the credential's fault.
    fn read(&self, body: &[u8]) -> Result<Answer, &'static str> {
        if body.len() > MAX_ANSWER {
            return Err("it is too long");
        }
        let value = json::parse(body).map_err(|_fault| "it is not JSON, or repeats a member")?;
        match &self.asked.active {
            // RFC 7662, 2.2: `active` is REQUIRED, a boolean.
            Active::At(pointer) => match value.pointer(pointer) {
                Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => return Ok(Answer::Inactive),
                Some(_) | None => return Err("what says whether it is active is not a boolean"),
            },
            Active::On(_statuses) => {}
        }
        for expected in &self.asked.expect {
            match expected.is_met_by(&value) {
                Met::Yes => {}
                // RFC 7662, 2.1: the server may look beyond the hint, and finds a credential of another kind.
                Met::No => return Ok(Answer::Inactive),
                Met::NotStated => return Err("what was expected is not stated"),
            }
        }
        let is_stated = |places: &[String]| places.iter().any(|at| stated(&value, at).is_some());
        if let Some((name, places)) = self.asked.required.iter().find(|(_name, places)| !is_stated(places)) {
            // Where only the status says so, what is required tells an answer from any other page.
            let is_an_answer = match &self.asked.active {
                Active::At(_pointer) => true,
                Active::On(_statuses) => !self.asked.expect.is_empty(),
            };
            let fault = "is required, and not stated";
            return if is_an_answer {
                Ok(Answer::Rejected(unusable(name, &places.join("`, `"), fault).into()))
            } else {
                Err(NOT_STATED)
            };
        }
        Ok(match self.facts(&value) {
            Ok(facts) => Answer::Active(Arc::new(facts)),
            Err(unusable) => Answer::Rejected(unusable.into()),
        })
    }

    fn facts(&self, said: &Value) -> Result<Facts, Arc<UnusableFact>> {
        let expires = expires(said, &self.asked.expires)?;
        Ok(Facts { expires, ..self.asked.pointers.read(said)? })
    }
}

fn expires(answer: &Value, pointer: &str) -> Result<Option<UnixTime>, Arc<UnusableFact>> {
    match stated(answer, pointer) {
        None => Ok(None),
        Some(stated) => {
            let fault = "is not a number of seconds since 1970";
            numeric_date(stated).map(Some).ok_or_else(|| unusable("expires", pointer, fault))
        }
    }
}

const NOT_STATED: &str = "a required fact is not stated";

/// Bytes of an answer. Scopes take at most [`MAX_SCOPE_LIST`](crate::identity::MAX_SCOPE_LIST); the rest is room for
/// members nobody reads.
pub const MAX_ANSWER: usize = 65_536;
