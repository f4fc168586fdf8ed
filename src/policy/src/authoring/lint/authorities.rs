//! Owns the lints of what an authority is set up with and nothing comes of.

use super::{Lint, WITHOUT_EFFECT};
use crate::deciding::policy::{Kinds, Policy};
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
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    is_named: bool,
    /// About API keys, and about tokens.
    about: [bool; 2],
    /// What it has revoked is held against something: JWTs, or facts that are remembered.
    for_revocations: bool,
}

impl Asked {
    fn of(document: &PolicyDocument, name: &str) -> Self {
        let mut asked = Self::default();
        let credentials = [&document.credentials.api_key, &document.credentials.token];
        for (about, credential) in asked.about.iter_mut().zip(credentials) {
            for credential in credential.iter() {
                let remembers = !is_zero(&credential.cache.ttl);
                for verifier in &credential.verify {
                    asked.is_named |= verifier.authorities().any(|asked| asked == name);
                    let is_feed = verifier.feed() == Some(name);
                    match verifier {
                        VerifierDocument::Introspect(_) => {
                            *about |= is_feed;
                            asked.for_revocations |= is_feed && remembers;
                        }
                        VerifierDocument::Jwt(_) => asked.for_revocations |= is_feed,
                    }
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
    asked: &Asked,
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    let [about_keys, about_tokens] = asked.about;
    let is_asked = about_keys || about_tokens;
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
    } else if lookups.per_second_behind_a_key.is_some() && !(about_tokens && requires_both(policy)) {
        let message = format!("`{name}` is never asked about a token behind an API key");
        tell(place.key("per_second_behind_a_key"), message, "remove it, or require both credentials on a route");
    }
}

pub(super) fn requires_both(policy: &Policy) -> bool {
    policy.verified_routes().any(|verified| verified.credentials == Kinds::Both)
}

/// Whether a span that was found sound is no time at all.
pub(super) fn is_zero(span: &str) -> bool {
    span.trim_start_matches('0').starts_with(|unit: char| unit.is_ascii_alphabetic())
}
