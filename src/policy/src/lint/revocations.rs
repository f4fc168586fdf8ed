//! Owns the lint of facts that a feed of revocations does not reach.

use super::Lint;
use crate::document::{FactsDocument, IntrospectDocument, PolicyDocument};
use crate::fault::Place;
use crate::revocation::JTI;

/// A feed names clients, users and tokens as the authority calls them. Facts of the same name that are read elsewhere are
/// compared with it all the same, and then an entry drops the wrong ones or none.
pub(super) fn missed(document: &PolicyDocument, verifier: &IntrospectDocument, place: &Place, lints: &mut Vec<Lint>) {
    if !has_feed(document, verifier) {
        return;
    }
    let (usual, place) = (FactsDocument::default(), place.key("facts"));
    let facts = &verifier.facts;
    let jti = facts.further.get(JTI).map(|pointer| (JTI, pointer.as_str(), "/jti", place.key("further").key(JTI)));
    let standard = [
        ("client_id", facts.client_id.as_str(), usual.client_id.as_str(), place.key("client_id")),
        ("user_id", facts.subject.as_str(), usual.subject.as_str(), place.key("subject")),
    ];
    for (called, pointer, usual, place) in
        standard.into_iter().chain(jti).filter(|(_, pointer, usual, _)| pointer != usual)
    {
        let message = format!("`revocations` are held against what stands at `{pointer}`, and may mean `{usual}`");
        let hint = format!(
            "make sure that a `{called}` of the feed is what stands there, or read the fact under a name of its own"
        );
        lints.push(Lint::new("fact_misses_revocations", place, message, hint));
    }
}

/// Whether the authority that a verifier asks has a feed.
pub(super) fn has_feed(document: &PolicyDocument, verifier: &IntrospectDocument) -> bool {
    document.authorities.get(&verifier.authority).is_some_and(|authority| authority.revocations.is_some())
}
