//! Owns the lints of several verifiers: a fact that only some of them state, and an issuer that looks like several.

use std::collections::BTreeSet;

use super::Lint;
use crate::compile::looked_at::LookedAt;
use crate::document::{CredentialDocument, JwtDocument};
use crate::fault::Place;
use crate::identity::credential::CredentialKind;
use crate::identity::jwt::PLACEHOLDER;

/// Further facts that something looks at, and that one of several verifiers does not read. Standard facts have a place
/// everywhere. `place` is that of `verify`.
pub(super) fn facts(
    looked_at: &LookedAt,
    (kind, credential): (&CredentialKind, &CredentialDocument),
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    let read = credential.verify.iter().flat_map(|verifier| verifier.further().keys());
    let read: BTreeSet<_> = read.filter(|name| looked_at.includes(kind, name)).collect();
    for (index, verifier) in credential.verify.iter().enumerate() {
        for name in read.iter().filter(|name| !verifier.further().contains_key(**name)) {
            let message =
                format!("`{}.{name}` is looked at, and no credential that is verified here states it", kind.as_str());
            let hint = "read it here too, under `facts.further`; where a place states nothing the fact is absent";
            lints.push(Lint::new("fact_not_stated", place.index(index).key(verifier.word()), message, hint));
        }
    }
}

/// Braces in an issuer without `tenant`, which stand for themselves.
pub(super) fn issuer_is_no_template(verifier: &JwtDocument, place: &Place) -> Option<Lint> {
    if verifier.tenant.is_some() || !verifier.issuer.contains(['{', '}']) {
        return None;
    }
    let message = format!("the braces in `{}` stand for themselves, and issuers have none", verifier.issuer);
    let hint = format!("write `{PLACEHOLDER}` in their place, and `tenant: {{ claim: /tid, allow: [ … ] }}`");
    Some(Lint::new("issuer_is_no_template", place.key("issuer"), message, hint))
}
