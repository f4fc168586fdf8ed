//! Owns what the operator is told of a caller: the facts that the policy lists, and no other.

use std::borrow::Cow;

use crate::deciding::forward::FactReference;
use crate::identity::credential::CredentialKind;

/// The facts that stand in the access log.
#[derive(Debug, Default)]
pub(crate) struct Logged(pub(crate) Vec<FactReference>);

impl Logged {
    /// One JSON object for a caller, each fact by its name (`token.subject`): `null` where it is not stated, absent
    /// where the credential was not verified, or the fact is too long. `None` where there is nothing to tell.
    pub(crate) fn tell<'a>(
        &self,
        is_verified: impl Fn(CredentialKind) -> bool,
        fact: impl Fn(&FactReference) -> Option<Cow<'a, str>>,
    ) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let verified = self.0.iter().filter(|reference| is_verified(reference.of));
        let members = verified.filter_map(|reference| match fact(reference) {
            Some(value) if value.len() > MAX_LOGGED => None,
            value => Some((reference.to_string(), value.map(Cow::into_owned).into())),
        });
        let told: serde_json::Map<_, _> = members.collect();
        (!told.is_empty()).then(|| serde_json::Value::Object(told).to_string())
    }

    /// Whether a fact is listed.
    pub(crate) fn has(&self, kind: CredentialKind, name: &str) -> bool {
        self.0.iter().any(|reference| reference.of == kind && reference.name.as_str() == name)
    }
}

/// Bytes of a fact: a list of scopes can be longer, and a line of a log should not be.
const MAX_LOGGED: usize = 1024;
