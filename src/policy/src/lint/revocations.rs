//! Owns the lint of facts that a feed of revocations does not reach.

use super::Lint;
use crate::document::{ClaimsDocument, FactsDocument, PolicyDocument, VerifierDocument};
use crate::fault::Place;
use crate::revocation::JTI;

/// A feed names clients, users and tokens as the authority calls them. Facts of the same name that are read elsewhere are
/// compared with it all the same, and then an entry drops the wrong ones or none.
pub(super) fn missed(document: &PolicyDocument, verifier: &VerifierDocument, place: &Place, lints: &mut Vec<Lint>) {
    if !has_feed(document, verifier) {
        return;
    }
    let place = place.key("facts");
    let further = |name: &'static str, usual| {
        let pointer = verifier.further().get(name)?;
        Some((name, pointer.clone(), usual, place.key("further").key(name)))
    };
    let standard = |client: &str, user: &str| {
        let (client_place, user_place) = (place.key("client_id"), place.key("subject"));
        [("client_id", client.to_owned(), "/client_id", client_place), ("user_id", user.to_owned(), "/sub", user_place)]
    };
    let read: Vec<_> = match verifier {
        VerifierDocument::Introspect(introspect) => {
            let FactsDocument { client_id, subject, .. } = &introspect.facts;
            standard(client_id, subject).into_iter().chain(further(JTI, "/jti")).collect()
        }
        VerifierDocument::Jwt(jwt) => {
            let ClaimsDocument { client_id, subject, .. } = &jwt.facts;
            standard(client_id, subject).into()
        }
    };
    for (called, pointer, usual, place) in read.into_iter().filter(|(_, pointer, usual, _)| pointer != usual) {
        let message = format!("`revocations` are held against what stands at `{pointer}`, and may mean `{usual}`");
        let hint = format!(
            "make sure that a `{called}` of the feed is what stands there, or read the fact under a name of its own"
        );
        lints.push(Lint::new("fact_misses_revocations", place, message, hint));
    }
}

/// Whether there is a feed that the verifier's credentials are held against.
pub(super) fn has_feed(document: &PolicyDocument, verifier: &VerifierDocument) -> bool {
    let authority = verifier.feed().and_then(|name| document.authorities.get(name));
    authority.is_some_and(|authority| authority.revocations.is_some())
}
