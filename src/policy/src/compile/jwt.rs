//! Owns the checking of `jwt`: what is left open by mistake would be open to whoever can make a token.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::authority::known;
use super::introspect::{Around, expect};
use super::{Named, each, facts, require_reason, span};
use crate::document::{AudiencesDocument, JwtDocument, KeysDocument, TenantDocument, TenantsDocument};
use crate::fault::{Faults, Place};
use crate::identity::authority::Authority;
use crate::identity::cache_limits::CacheLimits;
use crate::identity::jws::media_type;
use crate::identity::jwt::{
    Algorithm, Audience, Issuer, Jwt, Key, KeyFetch, KeySet, KeySource, MAX_TENANT, PLACEHOLDER, Rival, Rules,
    TenantTemplate, Tenants, Wanted, is_tenant,
};
use crate::identity::revocation::Feed;
use crate::path::CanonicalPath;

pub(super) fn verifier(
    written: &JwtDocument,
    around: Around<'_>,
    cache: Option<CacheLimits>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Jwt> {
    let authorities = around.authorities;
    let issuer = issuer(written, place, faults);
    let audience = audience(&written.audiences, &place.key("audiences"), faults);
    let types = types(&written.types, &place.key("types"), faults);
    let algorithms = algorithms(&written.algorithms, &place.key("algorithms"), faults);
    let leeway = span(&written.leeway, Duration::ZERO, MAX_LEEWAY, &place.key("leeway"), faults);
    let expect = match &written.expect {
        None => Some(Vec::new()),
        Some(written) => {
            let what = "write what the claims must state: a type alone lets an ID token pass";
            expect(written, what, &place.key("expect"), faults)
        }
    };
    let keys = keys(&written.keys, authorities, &place.key("keys"), faults);
    let feed = feed(written, authorities, &place.key("revocations"), faults);
    // A deny list names them.
    let by_feed: &[&str] = if matches!(feed, Some(Some(_))) { &["client_id", "subject"] } else { &[] };
    let needed = around.looked_at.needed(around.kind, by_feed.iter().copied());
    let pointers = facts::pointers((&written.facts).into(), needed, &place.key("facts"), faults);
    let wanted = Wanted { issuer: issuer?, audience: audience?, leeway: leeway? };
    let (types, algorithms, expect) = (types?, algorithms?, expect?);
    let rules = Rules { types, algorithms, wanted, expect, keys: keys?, pointers: pointers? };
    Some(Jwt::new(rules, cache?, feed?))
}

fn issuer(written: &JwtDocument, place: &Place, faults: &mut Faults) -> Option<Issuer> {
    let place_of_issuer = place.key("issuer");
    if written.issuer.is_empty() {
        faults.add(&place_of_issuer, "write the issuer, exactly as `iss` states it");
        return None;
    }
    // Without the key a brace is a letter like any other.
    let Some(TenantDocument { claim, allow }) = &written.tenant else {
        return Some(Issuer::Is(written.issuer.clone()));
    };
    let place = place.key("tenant");
    let claim = facts::pointer(claim, &place.key("claim"), faults);
    let allowed = tenants(allow, &place.key("allow"), faults);
    match TenantTemplate::new(&written.issuer, claim?.into(), allowed?) {
        Ok(template) => Some(Issuer::OfTenants(template)),
        Err(fault) => {
            let hint = format!("write `https://login.example/{PLACEHOLDER}/v2.0` or the like");
            faults.add_hinted(&place_of_issuer, format!("`{}` {fault}", written.issuer), Some(hint));
            None
        }
    }
}

fn tenants(written: &TenantsDocument, place: &Place, faults: &mut Faults) -> Option<Tenants> {
    let tenants = match written {
        TenantsDocument::Any(document) => {
            let what = "why whoever has a tenant of this issuer may come in";
            require_reason(&document.any.because, what, &place.key("any"), faults);
            return Some(Tenants::Any);
        }
        TenantsDocument::OneOf(tenants) => tenants,
    };
    let what = "write at least one tenant, or `{ any: { because: … } }`";
    distinct(tenants, what, place, faults, |text, place, faults| {
        if !is_tenant(text) {
            let message = format!(
                "`{text}` is no tenant: 1 to {MAX_TENANT} letters, digits, `-`, `.`, `_` and `~`, one segment of a path"
            );
            faults.add(place, message);
        }
        Some(text.to_owned())
    })
    .map(Tenants::OneOf)
}

/// The feed that its tokens are held against; `Some(None)` where there is none.
fn feed(
    written: &JwtDocument,
    authorities: &Named<Option<Authority>>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Option<Arc<Feed>>> {
    let Some(named) = &written.revocations else {
        // An authority of the keys that is not known has left its fault there.
        let of_keys = written.keys.authority.as_ref().and_then(|name| authorities.get(name)?.as_ref());
        return Some(of_keys.and_then(Feed::of).map(Arc::new));
    };
    let feed = Feed::of(known(authorities, named, place, faults)?);
    if feed.is_none() {
        let hint = format!("write `authorities.{named}.revocations`; without a feed a token works until it ends");
        faults.add_hinted(place, format!("`{named}` has no `revocations`"), Some(hint));
    }
    feed.map(Arc::new).map(Some)
}

fn audience(written: &AudiencesDocument, place: &Place, faults: &mut Faults) -> Option<Audience> {
    let audiences = match written {
        AudiencesDocument::Any(_) => return Some(Audience::Any),
        AudiencesDocument::OneOf(audiences) => audiences,
    };
    let what = "write at least one audience, or `any`";
    distinct(audiences, what, place, faults, |text, place, faults| {
        if text.is_empty() {
            faults.add(place, "an empty audience names nobody");
        }
        Some(text.to_owned())
    })
    .map(Audience::OneOf)
}

fn types(written: &[String], place: &Place, faults: &mut Faults) -> Option<Vec<Option<String>>> {
    distinct(written, "write at least one type, such as `at+jwt`", place, faults, |text, place, faults| {
        if text == "absent" {
            return Some(None);
        }
        if media_type(text) == "absent" {
            faults.add_hinted(place, format!("`{text}` is no media type"), Some("write `absent`".to_owned()));
        }
        // RFC 6838, 4.2.
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(&byte);
        if text.is_empty() || !text.bytes().all(is_name) {
            faults.add(place, format!("`{text}` is no media type; write `at+jwt` or the like"));
        }
        Some(Some(media_type(text)))
    })
}

fn algorithms(written: &[String], place: &Place, faults: &mut Faults) -> Option<Vec<Algorithm>> {
    distinct(written, "write at least one algorithm, such as `RS256`", place, faults, |text, place, faults| {
        let algorithm = Algorithm::named(text);
        if algorithm.is_none() {
            let known = Algorithm::ALL.map(Algorithm::as_str);
            // Near in letters only: what is near in meaning is for the issuer to choose.
            let own_keys =
                Some("write what the issuer signs with its private key: RS256, ES256 or the like".to_owned());
            match text {
                text if text.eq_ignore_ascii_case("none") => {
                    faults.add_hinted(place, "`none` signs nothing, so that anybody could make a token", own_keys);
                }
                text if text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("HS")) => {
                    let message =
                        format!("`{text}` is verified with the secret it is signed with, and no policy holds a secret");
                    faults.add_hinted(place, message, own_keys);
                }
                text => faults.add_unknown(place, format!("`{text}` is no algorithm that is known here"), text, known),
            }
        }
        if algorithm.is_some_and(|algorithm| !algorithm.is_built()) {
            // In force, it would refuse every such token without a word.
            let message = format!(
                "`{text}` is not built into this version, as Envoy does not verify it; build with the feature `ps-eddsa`"
            );
            faults.add_hinted(place, message, Some("run `make wasm FEATURES=ps-eddsa`".to_owned()));
        }
        algorithm
    })
}

/// Every entry once, and at least one.
fn distinct<T: PartialEq>(
    written: &[String],
    what: &str,
    place: &Place,
    faults: &mut Faults,
    mut read: impl FnMut(&str, &Place, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    if written.is_empty() {
        faults.add(place, what);
    }
    let mut found = Vec::new();
    for (index, text) in written.iter().enumerate() {
        let place = place.index(index);
        let entry = read(text, &place, faults);
        if entry.is_some() && found.contains(&entry) {
            faults.add(&place, format!("`{text}` is written twice"));
        }
        found.push(entry);
    }
    found.into_iter().collect()
}

fn keys(
    written: &KeysDocument,
    authorities: &Named<Option<Authority>>,
    place: &Place,
    faults: &mut Faults,
) -> Option<KeySource> {
    let KeysDocument { inline, authority, path, every, max_stale } = written;
    match (inline, authority) {
        (Some(keys), None) => {
            let fetching = [("path", path), ("every", every), ("max_stale", max_stale)];
            for (name, _) in fetching.into_iter().filter(|(_name, value)| value.is_some()) {
                faults.add(&place.key(name), format!("`{name}` is for keys that are fetched, and these are inline"));
            }
            inline_keys(keys, &place.key("inline"), faults).map(KeySource::Inline)
        }
        (None, Some(authority)) => {
            let known = known(authorities, authority, &place.key("authority"), faults);
            let mut written = |name: &str, value: &Option<String>, what: &str| {
                if value.is_none() {
                    faults.add(place, format!("write `{name}`: {what}"));
                }
                value.clone()
            };
            let path = written("path", path, "where the authority publishes its keys");
            let every = written("every", every, "how often they are fetched");
            let max_stale = written("max_stale", max_stale, "for how long they are trusted after that");
            let path = path.and_then(|path| target(&path, &place.key("path"), faults));
            let every = every.and_then(|text| span(&text, SHORTEST_EVERY, MAX_EVERY, &place.key("every"), faults));
            let most = MAX_STALE;
            let max_stale = max_stale.and_then(|text| {
                // Keys that are too old before they are fetched again would come and go.
                span(&text, every.unwrap_or(SHORTEST_EVERY), most, &place.key("max_stale"), faults)
            });
            Some(KeySource::Fetched(Arc::new(KeyFetch {
                authority: known?.clone(),
                path: path?,
                every: every?,
                max_stale: max_stale?,
            })))
        }
        (Some(_), Some(_)) | (None, None) => {
            faults.add(place, "write either `inline`, or `authority` with `path`, `every` and `max_stale`");
            None
        }
    }
}

/// The path of a set of keys, with a query where the issuer wants one.
fn target(written: &str, place: &Place, faults: &mut Faults) -> Option<String> {
    // An empty query is no query, and to some readers another path.
    if CanonicalPath::parse(written.as_bytes()).is_ok() && !written.ends_with('?') {
        return Some(written.to_owned());
    }
    faults.add(place, format!("`{written}` is no canonical path"));
    None
}

/// What is left out of a published set is a fault here: whoever wrote it meant it to be used.
fn inline_keys(written: &[Map<String, Value>], place: &Place, faults: &mut Faults) -> Option<KeySet> {
    if written.is_empty() {
        faults.add(place, "write at least one key");
        return None;
    }
    let keys =
        each(written.iter().enumerate(), |(index, members)| faults.keep(&place.index(index), Key::read(members)));
    let keys = KeySet::of(keys?);
    if let Some((index, rival)) = keys.rival() {
        let message = match rival {
            Rival::Same => "this key is written twice",
            Rival::OfItsName => "another key has this `kid`, and is for the same algorithm",
        };
        faults.add(&place.index(index), message);
    }
    Some(keys)
}

/// RFC 7519, 4.1.4: "no more than a few minutes"; five are what common libraries allow by themselves.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// A `kid` that nobody knows makes a worker ask as often as this.
const SHORTEST_EVERY: Duration = Duration::from_secs(1);

/// A key that was withdrawn verifies tokens for this long at worst, while its authority answers.
const MAX_EVERY: Duration = Duration::from_secs(3600);

/// And for this long, while it does not.
const MAX_STALE: Duration = Duration::from_secs(86_400);
