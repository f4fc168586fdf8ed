//! Owns the lint of facts that a feed of revocations does not reach.

use super::Lint;
use crate::document::{ClaimsDocument, FactsDocument, PolicyDocument, VerifierDocument};
use crate::fault::Place;
use crate::identity::revocation::JTI;

/// A feed names clients, users and tokens as the authority calls them. Facts of the same name that are read elsewhere
/// are compared with it all the same, and then an entry drops the wrong ones or none.
pub(super) fn missed(document: &PolicyDocument, verifier: &VerifierDocument, place: &Place, lints: &mut Vec<Lint>) {
    if !has_feed(document, verifier) {
        return;
    }
    let place = place.key("facts");
    let (client_place, user_place) = (place.key("client_id"), place.key("subject"));
    let standard = |client: &str, user: &str, usual_client: &str, usual_user: &str| {
        let owned = |pointer: &str, usual: &str| (pointer.to_owned(), usual.to_owned());
        [("client_id", owned(client, usual_client), client_place), ("user_id", owned(user, usual_user), user_place)]
    };
    let read: Vec<_> = match verifier {
        VerifierDocument::Introspect(introspect) => {
            let (read, usual) = (&introspect.facts, FactsDocument::default());
            let jti = read
                .further
                .get(JTI)
                .map(|at| (JTI, (at.pointer().clone(), "/jti".to_owned()), place.key("further").key(JTI)));
            standard(&read.client_id, &read.subject, &usual.client_id, &usual.subject).into_iter().chain(jti).collect()
        }
        VerifierDocument::Jwt(jwt) => {
            let (read, usual) = (&jwt.facts, ClaimsDocument::default());
            standard(&read.client_id, &read.subject, &usual.client_id, &usual.subject).into()
        }
    };
    for (called, (pointer, usual), place) in read.into_iter().filter(|(_, (pointer, usual), _)| pointer != usual) {
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
