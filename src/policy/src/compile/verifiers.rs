//! Owns the checking of `verify`: each verifier by itself, and that each credential has one, in every order of reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::introspect::{Around, introspection};
use super::{each, facts, jwt};
use crate::deciding::presentation::Presentation;
use crate::document::{JwtDocument, VerifierDocument, WhenDocument};
use crate::fault::{Faults, Place};
use crate::identity::cache_limits::CacheLimits;
use crate::identity::jwt::Jwt;
use crate::identity::verifier::Verifier;
use crate::identity::verifiers::{Claims, MAX_VERIFIERS, Verifiers, could_begin_a_jws};

/// `presentation`: how the credential is presented; `None` where that has faults of its own.
pub(super) fn all(
    written: &[VerifierDocument],
    presentation: Option<&Presentation>,
    around: Around<'_>,
    cache: Option<CacheLimits>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Verifiers> {
    if written.len() > MAX_VERIFIERS {
        faults.add(place, format!("{} verifiers are more than {MAX_VERIFIERS}", written.len()));
        return None;
    }
    let verifiers = each(written.iter().enumerate(), |(index, verifier)| {
        let place = place.index(index);
        match verifier {
            VerifierDocument::Introspect(document) => {
                let verifier = introspection(document, around, cache, &place.key("introspect"), faults);
                let claims = match &document.when {
                    Some(WhenDocument { prefix }) => Claims::Prefix(prefix.clone()),
                    None => Claims::Rest,
                };
                Some((claims, Arc::new(Verifier::Introspection(verifier?))))
            }
            VerifierDocument::Jwt(document) => {
                let verifier = jwt::verifier(document, around, cache, &place.key("jwt"), faults);
                Some((Claims::Jws, Arc::new(Verifier::Jwt(verifier?))))
            }
        }
    });
    order(written, place, faults);
    prefixes(written, presentation, place, faults);
    same_types(written, place, faults);
    let verifiers = verifiers?;
    issuers(written, &verifiers, place, faults);
    Verifiers::new(verifiers)
}

/// Checks that something is left for each verifier: the one that takes the rest is last.
fn order(written: &[VerifierDocument], place: &Place, faults: &mut Faults) {
    use VerifierDocument::{Introspect, Jwt};
    if written.is_empty() {
        faults.add(place, "write one verifier: `jwt` or `introspect`; or several, each for other credentials");
    }
    let takes_the_rest =
        |verifier: &VerifierDocument| matches!(verifier, Introspect(document) if document.when.is_none());
    let Some(first) = written.iter().position(takes_the_rest) else { return };
    let behind = written.iter().enumerate().skip(first.saturating_add(1));
    for (index, verifier) in behind {
        match verifier {
            Jwt(_) => faults.add(place, "write `jwt` before `introspect`, which takes whatever is presented"),
            Introspect(_) => {
                let message =
                    format!("nothing comes here: `verify[{first}]` has no `when`, and takes whatever is presented");
                let hint = Some("write `when: { prefix: … }` for all but the last".to_owned());
                faults.add_hinted(&place.index(index).key("introspect"), message, hint);
            }
        }
    }
}

/// Checks that each prefix is one that a credential can have, and not another verifier's already.
fn prefixes(written: &[VerifierDocument], presentation: Option<&Presentation>, place: &Place, faults: &mut Faults) {
    let has_jwts = written.iter().any(|verifier| matches!(verifier, VerifierDocument::Jwt(_)));
    let mut before: Vec<(usize, &str)> = Vec::new();
    for (index, verifier) in written.iter().enumerate() {
        let prefix = match verifier {
            VerifierDocument::Introspect(document) => document.when.as_ref().map(|when| when.prefix.as_str()),
            VerifierDocument::Jwt(_) => None,
        };
        let Some(prefix) = prefix else { continue };
        let place = place.index(index).key("introspect").key("when").key("prefix");
        let is_visible = prefix.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_visible || !(1..=MAX_PREFIX).contains(&prefix.len()) {
            faults.add(&place, format!("`{prefix}` is no prefix of 1 to {MAX_PREFIX} bytes of visible ASCII"));
        } else if presentation.is_some_and(|presentation| !presentation.could_begin(prefix)) {
            let message =
                format!("no credential begins with `{prefix}`: it has other characters than its places allow");
            faults.add_hinted(&place, message, Some("write `alphabet: visible` where the tokens are so".to_owned()));
        } else if has_jwts && could_begin_a_jws(prefix) {
            faults.add(&place, format!("a JWT can begin with `{prefix}`, and is for `jwt` alone"));
        }
        // In another order the longer one would go first, as an author means it who writes both.
        if let Some((other, shorter)) = before.iter().find(|(_other, shorter)| prefix.starts_with(shorter)) {
            let message = format!("nothing comes here: `verify[{other}]` takes what begins with `{shorter}`");
            let hint = if *shorter == prefix { None } else { Some("put the longer prefix first".to_owned()) };
            faults.add_hinted(&place, message, hint);
        }
        before.push((index, prefix));
    }
}

/// Checks that each issuer is one verifier's, and that what one has revoked is its own.
fn issuers(written: &[VerifierDocument], verifiers: &[(Claims, Arc<Verifier>)], place: &Place, faults: &mut Faults) {
    let jwts = written.iter().zip(verifiers).enumerate().filter_map(|(index, (written, (_claims, verifier)))| {
        match (written, &**verifier) {
            (VerifierDocument::Jwt(written), Verifier::Jwt(jwt)) => Some((index, written, jwt)),
            (_, _) => None,
        }
    });
    let jwts: Vec<_> = jwts.collect();
    for (number, (index, written, jwt)) in jwts.iter().enumerate() {
        let place = place.index(*index).key("jwt");
        let before = || jwts.iter().take(number);
        if let Some((other, _written, rival)) = before().find(|(_, _, other)| other.issuers().overlaps(jwt.issuers())) {
            let message = if rival.issuer() == jwt.issuer() {
                format!("`{}` is the issuer of `verify[{other}]` already", jwt.issuer())
            } else {
                format!("a token could be of this issuer and of `{}`, that of `verify[{other}]`", rival.issuer())
            };
            faults.add(&place.key("issuer"), message);
        }
        if written.tenant.is_some() && written.revocations.is_none() && jwt.feed().is_some() {
            let message = "what the feed revokes of one tenant would be revoked of the others too: a `jti`, a client and a \
                           user have no tenant there";
            let hint = Some("write `revocations`, if their ids are never the same".to_owned());
            faults.add_hinted(&place, message, hint);
        }
        let is_unwritten = |other: &JwtDocument| other.revocations.is_none() || written.revocations.is_none();
        let feed = jwt.feed().map(|feed| feed.fingerprint());
        let shares = |other: &&(usize, &JwtDocument, &Jwt)| {
            feed.is_some() && other.2.feed().map(|feed| feed.fingerprint()) == feed && is_unwritten(other.1)
        };
        if let Some((other, _, _)) = before().find(shares) {
            let message = format!(
                "what the feed revokes of one issuer would be revoked of the other too: a `jti`, a client and a user have \
                 no issuer there, and `verify[{other}]` is held against the same feed"
            );
            let hint = Some("write `revocations` in both, if their ids are never the same".to_owned());
            faults.add_hinted(&place, message, hint);
        }
    }
}

/// A name that two verifiers know is one fact, and has one type.
fn same_types(written: &[VerifierDocument], place: &Place, faults: &mut Faults) {
    let mut known = BTreeMap::new();
    for (index, verifier) in written.iter().enumerate() {
        for (name, written) in verifier.further() {
            let of = facts::fact_type(written);
            let before = *known.entry(name).or_insert(of);
            if before != of {
                let place = place.index(index).key(verifier.word()).key("facts").key("further").key(name);
                faults.add(&place, format!("`{name}` is {} here, and {} above", of.as_str(), before.as_str()));
            }
        }
    }
}

/// Bytes of a prefix.
const MAX_PREFIX: usize = 64;
