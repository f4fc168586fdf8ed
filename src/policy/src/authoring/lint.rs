//! Owns what is sound in a policy and probably not meant: each with its place and a way out.
//!
//! Nothing here changes a decision, and the plugin never asks for it.

use std::collections::BTreeSet;

use crate::compile::looked_at::LookedAt;
use crate::deciding::decision::{Needs, Row};
use crate::deciding::policy::{Policy, Route, Verified};
use crate::document::{
    AudiencesDocument, AuthDocument, ExpectDocument, IntrospectDocument, JwtDocument, PolicyDocument, VerifierDocument,
};
use crate::fault::Place;
use crate::identity::jws::media_type;
use crate::identity::revocation::JTI;

mod authorities;
mod credentials;
mod forward;
mod overlap;
mod reach;
mod revocations;
mod routes;
mod twice;
mod verifiers;

/// One thing in a sound policy that its author probably did not mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Its stable name, one of [`Lint::CODES`].
    pub code: &'static str,
    /// Where: `routes[3].path`.
    pub path: String,
    /// What: lower case, no final period, the author's text in backticks.
    pub message: String,
    /// What to do about it: lower case, no final period.
    pub hint: String,
}

impl Lint {
    /// Every code, in alphabetical order.
    pub const CODES: [&'static str; 19] = [
        "audience_missing",
        "authority_unused",
        "capture_unused",
        "condition_constant",
        "credential_unused",
        "fact_misses_revocations",
        "fact_not_stated",
        "fact_unused",
        "id_token_accepted",
        "inactive_on_hides_outage",
        "issuer_is_no_template",
        "message_unused",
        "method_unknown",
        "public_overlaps_guarded",
        "refusals_tell_credentials_apart",
        "route_unreachable",
        "strip_refused",
        WITHOUT_EFFECT,
        "written_twice",
    ];

    fn new(code: &'static str, place: Place, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, path: place.into_path(), message: message.into(), hint: hint.into() }
    }
}

impl Policy {
    /// What in this policy was probably not meant. `document` is what it was compiled from.
    #[must_use]
    pub fn lints(&self, document: &PolicyDocument) -> Vec<Lint> {
        let mut lints = Vec::new();
        self.unused(document, &mut lints);
        authorities::all(self, document, &mut lints);
        forward::all(self, &mut lints);
        self.untold(&mut lints);
        self.told_apart(&mut lints);
        routes::all(self, document, &mut lints);
        lints
    }

    /// What is set up and never referred to.
    fn unused(&self, document: &PolicyDocument, lints: &mut Vec<Lint>) {
        let root = Place::root();
        let mut asked = BTreeSet::new();
        let looked_at = LookedAt::by(&self.forward, &self.routes);
        for (kind, credential) in document.kinds().iter().zip(document.credentials.values()) {
            let place = root.key("credentials").key(kind.as_str());
            if !self.verified_routes().any(|verified| verified.credentials.include(kind)) {
                let message = format!("no route requires `{}`", kind.as_str());
                lints.push(Lint::new("credential_unused", place.clone(), message, "require it, or remove it"));
            }
            credentials::all((self, document, &looked_at), (kind, credential), &place, lints);
            verifiers::facts(&looked_at, (kind, credential), &place.key("verify"), lints);
            for (index, verifier) in credential.verify.iter().enumerate() {
                let place = place.key("verify").index(index).key(verifier.word());
                asked.extend(verifier.authorities());
                revocations::missed(document, verifier, &place, lints);
                match verifier {
                    VerifierDocument::Introspect(verifier) => {
                        hidden_outage(document, verifier, &place, lints);
                    }
                    VerifierDocument::Jwt(verifier) => {
                        lints.extend(audience_missing(verifier, &place));
                        lints.extend(id_token_accepted(verifier, &place));
                        lints.extend(verifiers::issuer_is_no_template(verifier, &place));
                    }
                }
                let place = place.key("facts").key("further");
                let is_revoked_by = |name: &str| match verifier {
                    VerifierDocument::Introspect(_) => name == JTI && revocations::has_feed(document, verifier),
                    // The deny list looks at the claim `jti` itself, whatever the policy reads.
                    VerifierDocument::Jwt(_) => false,
                };
                let required: &[String] = match verifier {
                    VerifierDocument::Introspect(verifier) => &verifier.facts.required,
                    VerifierDocument::Jwt(_) => &[],
                };
                let is_unused = |name: &&String| {
                    let is_needed = looked_at.includes(kind, name) || is_revoked_by(name) || required.contains(name);
                    !is_needed && !self.logged.has(kind, name)
                };
                for name in verifier.further().keys().filter(is_unused) {
                    let message = format!("nothing looks at `{}.{name}`", kind.as_str());
                    lints.push(Lint::new(
                        "fact_unused",
                        place.key(name),
                        message,
                        "forward it, compare it, or remove it",
                    ));
                }
            }
        }
        for name in document.authorities.keys().filter(|name| !asked.contains(name.as_str())) {
            let place = root.key("authorities").key(name);
            let message = format!("no verifier asks `{name}`");
            lints.push(Lint::new("authority_unused", place, message, "remove it, or name it in a verifier"));
        }
    }

    /// Words for a denial that nothing in the policy can come to.
    fn untold(&self, lints: &mut Vec<Lint>) {
        let place = Place::root().key("refusals").key("messages");
        let given: BTreeSet<_> = self.denials().into_iter().collect();
        for code in self.wording.messages.keys().filter(|code| !given.contains(*code)) {
            let message = format!("no request is refused with `{code}` under this policy");
            lints.push(Lint::new("message_unused", place.key(code), message, "remove it"));
        }
    }

    /// A 401 that says which credential was bad tells a good API key from a bad one.
    fn told_apart(&self, lints: &mut Vec<Lint>) {
        let kinds: Vec<_> = self.credentials().cloned().collect();
        let unauthenticated = Row::of_policy(&kinds).filter(|(row, kind, _code)| {
            // A policy without alternatives has no words for their lack.
            row.status == 401 && (row.needs != Needs::Alternatives || self.can_give(row.needs, *kind))
        });
        let unauthenticated: Vec<_> = unauthenticated.map(|(_row, _kind, code)| code).collect();
        let own: BTreeSet<_> = unauthenticated.iter().map(|code| self.wording.messages.get(*code)).collect();
        if own.len() > 1 {
            let place = Place::root().key("refusals").key("messages");
            let message =
                "refusals with status 401 do not all say the same, so that a good API key is told from a bad one";
            let hint = format!("give all of these the same words, or none: {}", unauthenticated.join(", "));
            lints.push(Lint::new("refusals_tell_credentials_apart", place, message, hint));
        }
    }

    pub(super) fn verified_routes(&self) -> impl Iterator<Item = &Verified> {
        self.routes.iter().filter_map(Route::verified)
    }
}

/// An authority that refuses the gateway's own secret says so by a status, too.
fn hidden_outage(document: &PolicyDocument, verifier: &IntrospectDocument, place: &Place, lints: &mut Vec<Lint>) {
    let asks_for_a_secret = document.authorities.get(&verifier.authority).is_some_and(|authority| {
        matches!(authority.auth, AuthDocument::BearerEnv(_) | AuthDocument::BasicEnv(_) | AuthDocument::HeaderEnv(_))
    });
    let place = place.key("inactive_on");
    for (index, status) in verifier.inactive_on.iter().enumerate().filter(|_| asks_for_a_secret) {
        if matches!(status, 401 | 403) {
            let message =
                format!("where the gateway's own secret is refused with {status}, its clients are blamed for it");
            let hint = "leave it out, unless the authority refuses the gateway otherwise";
            lints.push(Lint::new("inactive_on_hides_outage", place.index(index), message, hint));
        }
    }
}

/// An ID token says who has logged in, to the client alone; it is no permission to call an API (RFC 8725, 3.11).
fn id_token_accepted(verifier: &JwtDocument, place: &Place) -> Option<Lint> {
    let of_id_tokens = |text: &&String| matches!(media_type(text).as_str(), "jwt" | "absent");
    let found = verifier.types.iter().enumerate().find(|(_index, text)| of_id_tokens(text));
    let (index, of) = match (found, &verifier.expect) {
        (Some(found), None) => found,
        (None, Some(ExpectDocument::Nothing(_))) => {
            let message = "`none` changes nothing: the types tell an access token from an ID token";
            return Some(Lint::new(WITHOUT_EFFECT, place.key("expect"), message, "remove it"));
        }
        (Some(_) | None, Some(_)) | (None, None) => return None,
    };
    let place = place.key("types").index(index);
    let message = match of.as_str() {
        "absent" => {
            "nothing tells an access token from an ID token of this issuer, which may have no `typ` either".to_owned()
        }
        of => format!("nothing tells an access token from an ID token of this issuer, whose `typ` may be `{of}` too"),
    };
    let hint = "write `expect` with a claim that only access tokens have, such as `{ /token_use: access }`; \
                or, where `audiences` does it, `expect: { none: { because: … } }`";
    Some(Lint::new("id_token_accepted", place, message, hint))
}

/// An issuer's tokens for another service are not meant for this one, and that service could use them here.
fn audience_missing(verifier: &JwtDocument, place: &Place) -> Option<Lint> {
    let AudiencesDocument::Any(_) = verifier.audiences else { return None };
    // Some issuers state no audience, and another claim says for whom a token is.
    if matches!(verifier.expect, Some(ExpectDocument::Stated(_))) {
        return None;
    }
    let message = "tokens that the issuer made for anybody else are taken too";
    let hint = "write the audiences that mean this service";
    Some(Lint::new("audience_missing", place.key("audiences"), message, hint))
}

/// What can be taken out, and nothing is decided, asked, sent or told otherwise.
const WITHOUT_EFFECT: &str = "without_effect";
