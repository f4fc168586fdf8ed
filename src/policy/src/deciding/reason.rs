//! Owns why a request was refused, in words for the operator: what the denial's code alone does not tell.
//!
//! A client is told none of it (`refusal`). Of what a client sent a reason holds at most one byte of the target, as a
//! number: all else in it are words of this crate and of the policy.

use crate::deciding::decision::{Compared, Denial, JudgedCondition, OverriddenBy, RefusedBy, RefusedMethod, Upgrade};
use crate::deciding::policy::Policy;
use crate::deciding::presentation::{Malformed, Repeated};
use crate::identity::credential::{CredentialKind, MAX_CREDENTIAL};
use crate::identity::rejection::JwtRejection;
use crate::identity::scope::{Scope, Scopes, WantedScopes};
use crate::identity::verifier::Verifier;
use crate::path::SecondReading;

impl Policy {
    /// Why a request was refused; `None` where the denial's code tells all that is known.
    #[must_use]
    pub fn reason(&self, denial: &Denial) -> Option<String> {
        let told = match denial {
            Denial::RequestIncomplete(name) => format!("`{name}` is not there exactly once"),
            Denial::PathAmbiguous(reading) => ambiguous(reading),
            Denial::HostMalformed(invalid) => invalid.reason().to_owned(),
            Denial::MethodRefused(RefusedMethod::Connect) => "CONNECT is never served".to_owned(),
            Denial::MethodRefused(RefusedMethod::Trace) => "TRACE is never served".to_owned(),
            Denial::MethodRefused(RefusedMethod::NotUtf8) => "the method is not UTF-8".to_owned(),
            Denial::MethodOverridden(by) => overridden(*by, "method"),
            Denial::PathOverridden(by) => overridden(*by, "path"),
            Denial::UpgradeRefused(Upgrade::To(protocol)) => format!("the request asks to leave HTTP for {protocol}"),
            Denial::UpgradeRefused(Upgrade::Other) => "the request asks to leave HTTP".to_owned(),
            Denial::CredentialRepeated(kind, how, source) => self.repeated(kind, *how, *source),
            Denial::CredentialMissing(kind) => self.missing(kind),
            Denial::Unauthenticated(kinds) => {
                let each: Vec<_> = kinds.iter().map(|kind| self.missing(kind)).collect();
                each.join("; ")
            }
            Denial::CredentialMalformed(kind, what, source) => self.malformed(kind, *what, *source),
            Denial::CredentialRefused(kind, RefusedBy::Gateway { rejected, by }) => self.rejected(kind, rejected, by),
            Denial::AuthorityUnavailable(_, outage) => outage.to_string(),
            Denial::FactMissing(kind, name) => {
                format!("`{}.{}` is to be forwarded, and is not stated", kind.as_str(), name.as_str())
            }
            Denial::NotBound { later, earlier } => not_bound(later, earlier),
            Denial::ScopeMissing { of, wanted, missing } => scopes(of, wanted, missing),
            Denial::NotOwner { param, caller, is_list } => match (caller.is_stated, is_list) {
                (true, false) => format!("`{}` is not the path's `{param}`", caller.fact),
                (false, false) => format!("`{}` is not stated, to be the path's `{param}`", caller.fact),
                (true, true) => format!("`{}` has not the path's `{param}`", caller.fact),
                (false, true) => format!("`{}` is not stated, to have the path's `{param}`", caller.fact),
            },
            Denial::ConditionFalse(condition) => format!("{} is false", judged(condition)),
            Denial::ConditionFailed(condition, reason) => format!("{} cannot be judged: {reason}", judged(condition)),
            Denial::NotConfigured
            | Denial::RouteUnknown
            | Denial::CredentialRefused(_, RefusedBy::Authority)
            | Denial::CredentialExpired(_)
            | Denial::CredentialNotYetValid(_)
            | Denial::NotCarriedOut => return None,
        };
        Some(told)
    }

    /// Of several verifiers of one sort, with the one that claimed the credential.
    fn rejected(&self, kind: &CredentialKind, rejected: &JwtRejection, by: &Verifier) -> String {
        let told = format!("{}: {rejected}", rejected.code());
        let are_alike = self.credential_rule(kind).is_some_and(|rule| rule.verifiers.are_alike());
        match by.told().filter(|_by| are_alike) {
            Some(by) => format!("{told}, {}", shortened(&by)),
            None => told,
        }
    }

    /// The name of what is to blame, and the scheme that should stand in it.
    fn blamed<'a>(&'a self, kind: &'a CredentialKind, source: usize) -> (&'a str, Option<&'a str>) {
        let source = self.sources(kind).get(source);
        source.map_or((kind.as_str(), None), |source| (source.name(), source.scheme()))
    }

    fn missing(&self, kind: &CredentialKind) -> String {
        let sources: Vec<_> = self.sources(kind).iter().map(|source| format!("no {source}")).collect();
        format!("{} was sent", sources.join(", "))
    }

    fn repeated(&self, kind: &CredentialKind, how: Repeated, source: usize) -> String {
        let (name, _scheme) = self.blamed(kind, source);
        match how {
            Repeated::Copies => format!("`{name}`, or a name that could be taken for it, was sent more than once"),
            Repeated::CookieHeaders => format!("several `cookie` headers were sent, each of which could have `{name}`"),
            Repeated::Comma => format!("`{name}` has a comma, by which several are joined"),
            Repeated::Sources => {
                let sources: Vec<_> = self.sources(kind).iter().map(ToString::to_string).collect();
                format!("it was sent in more than one place of {}", sources.join(", "))
            }
        }
    }

    fn malformed(&self, kind: &CredentialKind, what: Malformed, source: usize) -> String {
        let (name, scheme) = self.blamed(kind, source);
        let after = scheme.map(|scheme| format!(" after `{scheme}`")).unwrap_or_default();
        match what {
            Malformed::NotUtf8 => format!("`{name}` is not UTF-8"),
            Malformed::Scheme => format!("`{name}` does not begin with the scheme `{}`", scheme.unwrap_or_default()),
            Malformed::Empty => format!("`{name}` has nothing{after}"),
            Malformed::TooLong => format!("`{name}` has more than {MAX_CREDENTIAL} bytes{after}"),
            Malformed::NotVisible => format!("`{name}` has other bytes than visible ASCII{after}"),
            Malformed::NotToken68 => format!("`{name}` has no token68 (RFC 9110, 11.2){after}"),
            Malformed::Delimiter => format!(
                "`{name}` stands by a quote, a comma, a backslash or a semicolon, where some read another value"
            ),
        }
    }
}

fn ambiguous(reading: &SecondReading) -> String {
    let sentence = reading.ambiguity.to_string();
    // It is a client's sentence, and here a part of a longer one.
    let sentence = sentence.strip_suffix('.').unwrap_or(&sentence);
    let words = sentence.strip_prefix("The ").map_or_else(|| sentence.to_owned(), |rest| format!("the {rest}"));
    match reading.at {
        Some(spot) => format!("{words}: {spot}"),
        None => words,
    }
}

fn overridden(by: OverriddenBy, what: &str) -> String {
    match by {
        OverriddenBy::Header(name) => format!("the header `{name}` asks for another {what}"),
        OverriddenBy::Parameter(name) => format!("the query's parameter `{name}` asks for another {what}"),
    }
}

fn not_bound(later: &Compared, earlier: &Compared) -> String {
    let (one, two) = (&later.fact, &earlier.fact);
    match (later.is_stated, earlier.is_stated) {
        (true, true) => format!("`{one}` is not `{two}`"),
        (false, true) => format!("`{one}` is not stated, to be `{two}`"),
        (true, false) => format!("`{two}` is not stated, to be `{one}`"),
        (false, false) => format!("neither `{one}` nor `{two}` is stated"),
    }
}

fn scopes(of: &CredentialKind, wanted: &WantedScopes, missing: &Scopes) -> String {
    let named = missing.iter().map(Scope::as_str).collect::<Vec<_>>().join("`, `");
    let named = shortened(&named);
    match wanted {
        WantedScopes::All(_) => format!("{} lacks `{named}`", of.as_str()),
        WantedScopes::Any(_) => format!("{} has none of `{named}`", of.as_str()),
    }
}

fn judged(condition: &JudgedCondition) -> String {
    format!("`conditions[{}]`, `{}`,", condition.index, shortened(condition.source.trim()))
}

/// A text of the policy, as much of it as shows which one it is.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _character)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Characters of a policy's own text in a reason.
const MAX_TEXT: usize = 200;
