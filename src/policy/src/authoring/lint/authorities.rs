//! Owns the lints of what an authority is set up with and nothing comes of.

use super::{Lint, WITHOUT_EFFECT};
use std::collections::BTreeSet;

use crate::deciding::policy::Policy;
use crate::document::{AuthDocument, AuthorityDocument, PolicyDocument, VerifierDocument};
use crate::fault::Place;

pub(super) fn all(policy: &Policy, document: &PolicyDocument, lints: &mut Vec<Lint>) {
    for (name, authority) in &document.authorities {
        let place = Place::root().key("authorities").key(name);
        let asked = Asked::of(document, name);
        // An authority that nobody asks is told as a whole.
        if asked.is_named {
            unused(policy, name, authority, &asked, &place, lints);
        }
    }
}

/// What an authority is asked for.
#[derive(Debug, Default)]
struct Asked<'a> {
    is_named: bool,
    /// The kinds of credential, by their names.
    about: BTreeSet<&'a str>,
    /// What it has revoked is held against something: JWTs, or facts that are remembered.
    for_revocations: bool,
}

impl<'a> Asked<'a> {
    fn of(document: &'a PolicyDocument, name: &str) -> Self {
        let mut asked = Self::default();
        for (kind, credential) in &document.credentials {
            let remembers = !is_zero(&credential.cache.ttl);
            for verifier in &credential.verify {
                asked.is_named |= verifier.authorities().any(|asked| asked == name);
                let is_feed = verifier.feed() == Some(name);
                match verifier {
                    VerifierDocument::Introspect(_) => {
                        asked.about.extend(is_feed.then_some(kind.as_str()));
                        asked.for_revocations |= is_feed && remembers;
                    }
                    VerifierDocument::Jwt(_) => asked.for_revocations |= is_feed,
                }
            }
        }
        asked
    }
}

fn unused(
    policy: &Policy,
    name: &str,
    authority: &AuthorityDocument,
    asked: &Asked<'_>,
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    let is_asked = !asked.about.is_empty();
    let mut tell = |place: Place, message: String, hint: &str| {
        lints.push(Lint::new(WITHOUT_EFFECT, place, message, hint));
    };
    if authority.revocations.is_some() && !asked.for_revocations {
        let message = format!("nothing is held against what `{name}` revokes: no JWT, and nothing that is remembered");
        tell(place.key("revocations"), message, "remove it, or name this authority in a `jwt` as `revocations`");
    }
    let is_followed = authority.revocations.is_some() && asked.for_revocations;
    match authority.auth {
        AuthDocument::None(_) => {}
        AuthDocument::BearerEnv(_) | AuthDocument::BasicEnv(_) | AuthDocument::HeaderEnv(_)
            if is_asked || is_followed => {}
        AuthDocument::BearerEnv(_) | AuthDocument::BasicEnv(_) | AuthDocument::HeaderEnv(_) => {
            let message = format!("no secret is ever sent to `{name}`: it is asked for keys alone, which are public");
            tell(place.key("auth"), message, "write `{ none: { because: … } }`");
        }
    }
    let Some(lookups) = &authority.lookups else { return };
    let place = place.key("lookups");
    if !is_asked {
        let message = format!("`{name}` is asked about no credential, so there is nothing to bound");
        tell(place, message, "remove it");
    } else if lookups.per_second_behind_a_key.is_some() && !asked.about.iter().any(|kind| is_behind(policy, kind)) {
        let message = format!("`{name}` is never asked about a token behind an API key");
        tell(place.key("per_second_behind_a_key"), message, "remove it, or require both credentials on a route");
    }
}

/// Whether a route requires two kinds of credential.
pub(super) fn requires_both(policy: &Policy, two: [&str; 2]) -> bool {
    policy
        .verified_routes()
        .any(|verified| two.into_iter().all(|name| verified.credentials.iter().any(|kind| kind.as_str() == name)))
}

/// Whether a route verifies another credential before this one.
fn is_behind(policy: &Policy, name: &str) -> bool {
    policy.verified_routes().any(|verified| verified.credentials.iter().skip(1).any(|kind| kind.as_str() == name))
}

/// Whether a span that was found sound is no time at all.
pub(super) fn is_zero(span: &str) -> bool {
    span.trim_start_matches('0').starts_with(|unit: char| unit.is_ascii_alphabetic())
}
