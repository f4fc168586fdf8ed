//! Owns the checking of `introspect`.

use super::{Named, authority, each, facts, require_reason};
use crate::compile::looked_at::LookedAt;
use crate::document::{
    ActiveDocument, ExpectDocument, ExpectedDocument, IntrospectDocument, PolicyDocument, ScalarDocument,
};
use crate::fault::{Faults, Place};
use crate::identity::authority::Authority;
use crate::identity::cache_limits::CacheLimits;
use crate::identity::credential::CredentialKind;
use crate::identity::expected::{Expected, Scalar, Wanted};
use crate::identity::introspection::{Active, Asked, Introspection};
use crate::identity::revocation::JTI;

mod question;

/// What a verifier is written among.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// The kind of credential it verifies.
    pub(super) kind: &'a CredentialKind,
    pub(super) document: &'a PolicyDocument,
    pub(super) authorities: &'a Named<Option<Authority>>,
    pub(super) looked_at: &'a LookedAt,
}

pub(super) fn introspection(
    written: &IntrospectDocument,
    around: Around<'_>,
    cache: Option<CacheLimits>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Introspection> {
    let authority = authority::known(around.authorities, &written.authority, &place.key("authority"), faults);
    let form = question::form(written, around, authority, place, faults);
    let active = active(&written.active, &place.key("active"), faults);
    let inactive_on = statuses(&written.inactive_on, &place.key("inactive_on"), faults, |status| match status {
        408 | 425 | 429 => Some(format!("{status} asks for another try, and says nothing of a credential")),
        400..=499 => None,
        _ => Some(format!("{status} is not between 400 and 499; all else that is no answer is an outage")),
    });
    let nothing = "write what an active answer must state: a hint alone lets a credential of another kind pass";
    let expect = expect(&written.expect, nothing, &place.key("expect"), faults);
    let place_of_facts = place.key("facts");
    let feed_names: &[&str] =
        if around.kind.is_of_users() { &["client_id", "subject", JTI] } else { &["client_id", JTI] };
    let by_feed = if authority.is_some_and(|authority| authority.following.is_some()) { feed_names } else { &[] };
    let required = written.facts.required.iter().map(String::as_str);
    let needed = around.looked_at.needed(around.kind, by_feed.iter().copied().chain(required));
    let pointers = facts::pointers((&written.facts).into(), needed, &place_of_facts, faults);
    let end_and_required = facts::end_and_required(&written.facts, &place_of_facts, faults);
    let (expires, required) = end_and_required?;
    let asked = Asked {
        authority: authority?.clone(),
        form: form?,
        active: active?,
        inactive_on: inactive_on?,
        expect: expect?,
        pointers: pointers?,
        expires,
        required,
    };
    Some(Introspection::new(asked, cache?))
}

fn active(written: &ActiveDocument, place: &Place, faults: &mut Faults) -> Option<Active> {
    let on = match written {
        ActiveDocument::At(text) => return facts::pointer(text, place, faults).map(Active::At),
        ActiveDocument::On(document) => &document.on,
    };
    let place = place.key("on");
    if on.is_empty() {
        faults.add(&place, "write at least one status");
    }
    let on = statuses(on, &place, faults, |status| match status {
        204 | 205 => Some(format!("{status} has no body to state facts in")),
        200..=299 => None,
        _ => Some(format!("{status} is not between 200 and 299, and vouches for nothing")),
    });
    on.map(Active::On)
}

/// Statuses, none of which `fault` finds wrong.
fn statuses(
    written: &[u16],
    place: &Place,
    faults: &mut Faults,
    fault: impl Fn(u16) -> Option<String>,
) -> Option<Vec<u16>> {
    each(written.iter().enumerate(), |(index, status)| match fault(*status) {
        None => Some(*status),
        Some(message) => {
            faults.add(&place.index(index), message);
            None
        }
    })
}

/// Expected values; `nothing` is the fault of an object without any.
pub(super) fn expect(
    written: &ExpectDocument,
    nothing: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<Expected>> {
    let stated = match written {
        ExpectDocument::Stated(document) => &document.0,
        ExpectDocument::Nothing(document) => {
            let what = "why a credential of another kind cannot be taken for this one";
            require_reason(&document.none.because, what, &place.key("none"), faults);
            return Some(Vec::new());
        }
    };
    if stated.is_empty() {
        faults.add(place, nothing);
    }
    each(stated.iter(), |(at, written)| {
        let place = place.key(at);
        let pointer = facts::pointer(at, &place, faults);
        let wanted = match written {
            ExpectedDocument::Is(one) => Some(Wanted::Is(vec![scalar(one)])),
            ExpectedDocument::OneOf(several) => scalars(several, &place, faults).map(Wanted::Is),
            ExpectedDocument::Has(document) => scalars(&document.has, &place.key("has"), faults).map(Wanted::Has),
        };
        Some(Expected { at: pointer?.into(), wanted: wanted? })
    })
}

fn scalars(written: &[ScalarDocument], place: &Place, faults: &mut Faults) -> Option<Vec<Scalar>> {
    if written.is_empty() {
        faults.add(place, "write at least one value");
        return None;
    }
    for (index, value) in written.iter().enumerate() {
        if written.iter().take(index).any(|before| before == value) {
            faults.add(&place.index(index), "this value is written twice");
        }
    }
    Some(written.iter().map(scalar).collect())
}

fn scalar(written: &ScalarDocument) -> Scalar {
    match written {
        ScalarDocument::Text(text) => Scalar::Text(text.clone()),
        ScalarDocument::Bool(is_true) => Scalar::Bool(*is_true),
        ScalarDocument::Int(number) => Scalar::Int(*number),
    }
}
