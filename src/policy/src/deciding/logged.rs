//! Owns what the operator is told of a caller: the facts that the policy lists, and no other.

use crate::deciding::forward::FactReference;
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{Stated, ascii_json};

/// The facts that stand in the access log.
#[derive(Debug, Default)]
pub(crate) struct Logged(pub(crate) Vec<FactReference>);

impl Logged {
    /// One JSON object for a caller, each fact by its name (`token.subject`): `null` where it is not stated, absent
    /// where the credential was not verified, or the fact is too long. `None` where there is nothing to tell.
    pub(crate) fn tell<'a>(
        &self,
        is_verified: impl Fn(&CredentialKind) -> bool,
        fact: impl Fn(&FactReference) -> Option<Stated<'a>>,
    ) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let verified = self.0.iter().filter(|reference| is_verified(&reference.of));
        let members = verified.filter_map(|reference| match fact(reference) {
            Some(value) if value.to_string().len() > MAX_LOGGED => None,
            value => Some((reference.to_string(), value.map_or(serde_json::Value::Null, Stated::json))),
        });
        let told: serde_json::Map<_, _> = members.collect();
        (!told.is_empty()).then(|| ascii_json(&told.into()))
    }

    /// Whether a fact is listed.
    pub(crate) fn has(&self, kind: &CredentialKind, name: &str) -> bool {
        self.0.iter().any(|reference| reference.of == *kind && reference.name.as_str() == name)
    }
}

/// Bytes of a fact: a list of scopes can be longer, and a line of a log should not be.
const MAX_LOGGED: usize = 1024;
