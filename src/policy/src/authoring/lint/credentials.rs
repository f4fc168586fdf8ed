//! Owns the lints of how a credential is verified and remembered: what is written there and nothing comes of.

use super::authorities::{is_zero, requires_both};
use super::{Lint, WITHOUT_EFFECT, revocations, twice};
use crate::compile::looked_at::LookedAt;
use crate::deciding::policy::Policy;
use crate::document::{
    ActiveDocument, AlphabetDocument, ClaimsDocument, CredentialDocument, FactsDocument, IntrospectDocument,
    PolicyDocument, ScopePointersDocument, SendDocument, VerifierDocument,
};
use crate::fault::Place;
use crate::identity::credential::CredentialKind;
use crate::identity::jwt::{Jwt, KeySource};
use crate::identity::verifier::Verifier;

/// `place` is the credential's.
pub(super) fn all(
    (policy, document, looked_at): (&Policy, &PolicyDocument, &LookedAt),
    (kind, credential): (&CredentialKind, &CredentialDocument),
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    cache(credential, &place.key("cache"), lints);
    alphabet(credential, place, lints);
    let place = place.key("verify");
    for (index, verifier) in credential.verify.iter().enumerate() {
        let place = place.index(index).key(verifier.word());
        standard_facts(looked_at, document, kind, verifier, &place.key("facts"), lints);
        match verifier {
            VerifierDocument::Introspect(introspect) => {
                send(policy, kind, introspect, &place.key("send"), lints);
                twice::told(&introspect.inactive_on, &place.key("inactive_on"), lints);
                match &introspect.active {
                    ActiveDocument::At(_) => {}
                    ActiveDocument::On(active) => twice::told(&active.on, &place.key("active").key("on"), lints),
                }
                twice::told(&introspect.facts.required, &place.key("facts").key("required"), lints);
            }
            VerifierDocument::Jwt(_) => {}
        }
    }
    let compiled = policy.credential_rule(kind).into_iter().flat_map(|rule| rule.verifiers.iter());
    for (index, verifier) in compiled.enumerate() {
        match &**verifier {
            Verifier::Introspection(_) | Verifier::Unclaimed(_) => {}
            Verifier::Jwt(jwt) => keys(jwt, &place.index(index).key("jwt"), lints),
        }
    }
}

fn cache(credential: &CredentialDocument, place: &Place, lints: &mut Vec<Lint>) {
    let written = &credential.cache;
    let is_introspected = credential.verify.iter().any(|verifier| matches!(verifier, VerifierDocument::Introspect(_)));
    let mut tell = |key: &str, message: &str, hint: &str| {
        lints.push(Lint::new(WITHOUT_EFFECT, place.key(key), message, hint));
    };
    if !is_introspected && !is_zero(&written.refused_ttl) {
        tell("refused_ttl", "a refusal of a JWT is not remembered", "write `0s`");
    }
    if !is_introspected && written.stale_if_unavailable.is_some() {
        let message = "nobody is asked about a JWT, so nothing serves for want of an answer";
        tell("stale_if_unavailable", message, "remove it; for how long keys are trusted, `keys` says by `max_stale`");
    }
    let remembers = !is_zero(&written.ttl) || (is_introspected && !is_zero(&written.refused_ttl));
    if written.entries.is_some() && !remembers {
        tell("entries", "nothing is remembered, so there is nothing to bound", "remove it");
    }
}

/// An alphabet that each of the places has by itself.
fn alphabet(credential: &CredentialDocument, place: &Place, lints: &mut Vec<Lint>) {
    let mut sources = credential.sources().into_iter();
    let (is_usual, usual) = match credential.alphabet {
        None => return,
        Some(AlphabetDocument::Token68) => {
            (sources.all(|source| source.scheme.is_some()), "a scheme, which a token68 follows")
        }
        Some(AlphabetDocument::Visible) => (sources.all(|source| source.scheme.is_none()), "no scheme"),
    };
    if is_usual {
        let message = format!("each place of this credential has {usual}");
        lints.push(Lint::new(WITHOUT_EFFECT, place.key("alphabet"), message, "remove it"));
    }
}

/// A fact that is read from a place of the policy's own, and that nothing looks at.
fn standard_facts(
    looked_at: &LookedAt,
    document: &PolicyDocument,
    kind: &CredentialKind,
    verifier: &VerifierDocument,
    place: &Place,
    lints: &mut Vec<Lint>,
) {
    let pairs = |read: [String; 4], usual: [String; 4]| {
        let names = ["subject", "client_id", "client_type", "scope"].into_iter();
        let moved = names.zip(read.into_iter().zip(usual)).filter(|(_, (read, usual))| read != usual);
        moved.map(|(name, _)| name).collect::<Vec<_>>()
    };
    let scope = |written: &ScopePointersDocument| {
        let places = written.all().iter().map(|place| place.pointer().as_str());
        places.collect::<Vec<_>>().join(" ")
    };
    let (moved, required) = match verifier {
        VerifierDocument::Introspect(document) => {
            let each = |facts: FactsDocument| [facts.subject, facts.client_id, facts.client_type, scope(&facts.scope)];
            let (read, usual) = (each(document.facts.clone()), each(FactsDocument::default()));
            (pairs(read, usual), document.facts.required.as_slice())
        }
        VerifierDocument::Jwt(document) => {
            let each = |facts: ClaimsDocument| [facts.subject, facts.client_id, facts.client_type, scope(&facts.scope)];
            let (read, usual) = (each(document.facts.clone()), each(ClaimsDocument::default()));
            (pairs(read, usual), &[][..])
        }
    };
    // A feed names clients and users.
    let is_revoked_by =
        |name: &str| matches!(name, "subject" | "client_id") && revocations::has_feed(document, verifier);
    let is_unused = |name: &&str| {
        !looked_at.includes(kind, name) && !is_revoked_by(name) && !required.iter().any(|known| known == name)
    };
    for name in moved.into_iter().filter(is_unused) {
        let message = format!("nothing looks at `{}.{name}`", kind.as_str());
        lints.push(Lint::new("fact_unused", place.key(name), message, "forward it, compare it, or remove it"));
    }
}

/// A credential that is sent along only where a route requires it beside the other.
fn send(policy: &Policy, kind: &CredentialKind, introspect: &IntrospectDocument, place: &Place, lints: &mut Vec<Lint>) {
    for (index, sent) in introspect.send.iter().enumerate() {
        let of = match sent {
            SendDocument::AsItCame(of) => of,
            SendDocument::In(document) => &document.credential,
        };
        if of != kind.as_str() && !requires_both(policy, [of, kind.as_str()]) {
            let message = format!("`{of}` is never sent along: no route requires both credentials");
            lints.push(Lint::new(WITHOUT_EFFECT, place.index(index), message, "require both on a route, or remove it"));
        }
    }
}

/// Algorithms that no key is for, and keys that no algorithm wants, where the policy holds the keys itself.
fn keys(jwt: &Jwt, place: &Place, lints: &mut Vec<Lint>) {
    let keys = match jwt.keys() {
        KeySource::Inline(keys) => keys,
        KeySource::Fetched(_) => return,
    };
    for (index, algorithm) in jwt.algorithms().iter().enumerate() {
        if !keys.each().any(|key| key.fits(*algorithm)) {
            let message = format!("`{}` verifies no token: none of the keys is for it", algorithm.as_str());
            let place = place.key("algorithms").index(index);
            lints.push(Lint::new(WITHOUT_EFFECT, place, message, "add a key, or remove it"));
        }
    }
    for (index, key) in keys.each().enumerate() {
        if !jwt.algorithms().iter().any(|algorithm| key.fits(*algorithm)) {
            let message = "this key verifies no token: none of the algorithms is for it";
            let place = place.key("keys").key("inline").index(index);
            lints.push(Lint::new(WITHOUT_EFFECT, place, message, "name its algorithm, or remove it"));
        }
    }
}
