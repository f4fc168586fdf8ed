//! Owns the credentials of a request that one question is about.

use crate::identity::credential::{Credential, CredentialKind};

/// A credential that is asked about, and further ones of its request that the question may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) kind: CredentialKind,
    pub(crate) credential: Credential,
    pub(crate) along: Vec<(CredentialKind, Credential)>,
}

impl Presented {
    /// The credential of a kind, if the question may hold it.
    pub(crate) fn credential_of(&self, kind: &CredentialKind) -> Option<&Credential> {
        if *kind == self.kind {
            return Some(&self.credential);
        }
        self.along.iter().find(|(known, _credential)| known == kind).map(|(_kind, credential)| credential)
    }
}
