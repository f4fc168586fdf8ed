//! Owns the checking of `credentials`.

use std::time::Duration;

use super::introspect::Around;
use super::sources::{Taken, presentation};
use super::{Named, serve_stale, span, verifiers};
use crate::compile::looked_at::LookedAt;
use crate::deciding::decision::Row;
use crate::deciding::header_table::MAX_CARRIERS;
use crate::deciding::policy::{CredentialRule, Credentials};
use crate::deciding::presentation::Presentation;
use crate::document::{CacheDocument, CredentialDocument, PolicyDocument, VerifierDocument};
use crate::fault::{Faults, Place};
use crate::identity::authority::Authority;
use crate::identity::cache_limits::CacheLimits;
use crate::identity::credential::CredentialKind;

pub(super) fn all(
    document: &PolicyDocument,
    authorities: &Named<Option<Authority>>,
    looked_at: &LookedAt,
    place: &Place,
    faults: &mut Faults,
) -> Credentials {
    if document.credentials.len() > MAX_CREDENTIALS {
        let message = format!("{} credentials are more than {MAX_CREDENTIALS}", document.credentials.len());
        faults.add(place, message);
    }
    let mut taken = Taken::default();
    let rules = document.kinds().iter().zip(document.credentials.values()).filter_map(|(kind, written)| {
        let place = place.key(kind.as_str());
        name(kind.as_str(), &place, faults);
        let presentation = presentation(written, kind, &mut taken, &place, faults);
        let around = Around { kind, document, authorities, looked_at };
        credential(written, presentation, around, &place, faults)
    });
    let mut rules: Vec<_> = rules.collect();
    taken.tell_others(&mut rules);
    if taken.carriers().count() > MAX_CARRIERS && document.credentials.len() <= MAX_CREDENTIALS {
        faults.add(
            place,
            format!("{} headers that carry credentials are more than {MAX_CARRIERS}", taken.carriers().count()),
        );
    }
    let kept = |kind: &CredentialKind| document.forward.keep.iter().any(|kept| kept == kind.as_str());
    taken.into_credentials(rules, kept)
}

/// Checks the name of a credential: it becomes a variable of conditions, and a part of codes and metrics.
fn name(name: &str, place: &Place, faults: &mut Faults) {
    let is_word = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_word || name.len() > MAX_CREDENTIAL_NAME {
        let message = format!(
            "`{name}` is no name of a credential: a letter, then letters, digits and `_`, all in lower case, at most \
             {MAX_CREDENTIAL_NAME}"
        );
        faults.add(place, message);
    } else if RESERVED_NAMES.iter().any(|names| names.contains(&name)) {
        faults.add(place, format!("`{name}` has a meaning of its own and cannot name a credential"));
    } else if let Some(code) = Row::fixed_code_of(&CredentialKind::new(name)) {
        faults.add(place, format!("`{name}` cannot name a credential, since `{code}` is a denial of its own"));
    }
}

fn credential(
    written: &CredentialDocument,
    presentation: Option<Presentation>,
    around: Around<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<CredentialRule> {
    let is_introspected = written.verify.iter().any(|verifier| matches!(verifier, VerifierDocument::Introspect(_)));
    let cache = cache(&written.cache, is_introspected, &place.key("cache"), faults);
    let verifiers = verifiers::all(&written.verify, presentation.as_ref(), around, cache, &place.key("verify"), faults);
    Some(CredentialRule { kind: around.kind.clone(), presentation: presentation?, verifiers: verifiers? })
}

fn cache(written: &CacheDocument, is_introspected: bool, place: &Place, faults: &mut Faults) -> Option<CacheLimits> {
    let ttl = span(&written.ttl, Duration::ZERO, MAX_TTL, &place.key("ttl"), faults);
    let refused_ttl = span(&written.refused_ttl, Duration::ZERO, MAX_TTL, &place.key("refused_ttl"), faults);
    // A refusal of a JWT is not remembered.
    let remembers = ttl != Some(Duration::ZERO) || (is_introspected && refused_ttl != Some(Duration::ZERO));
    let entries = match written.entries {
        Some(number) => {
            let entries = usize::try_from(number).ok().filter(|entries| (1..=MAX_ENTRIES).contains(entries));
            if entries.is_none() {
                faults.add(&place.key("entries"), format!("{number} is not between 1 and {MAX_ENTRIES}"));
            }
            entries
        }
        None if remembers => {
            faults.add(place, "write `entries`: how much is remembered");
            None
        }
        // Nothing is ever remembered that this could bound.
        None => Some(1),
    };
    let stale_for = match &written.stale_if_unavailable {
        None => Some(Duration::ZERO),
        Some(stale) => {
            let place = place.key("stale_if_unavailable");
            if ttl == Some(Duration::ZERO) {
                faults.add(&place, "with a `ttl` of `0s` nothing is remembered that could serve");
            }
            serve_stale(stale, MAX_TTL, "why facts older than `ttl` may serve", &place, faults)
        }
    };
    Some(CacheLimits { ttl: ttl?, refused_ttl: refused_ttl?, entries: entries?, stale_for: stale_for? })
}

/// Without a revocation feed a cached fact outlives its credential by this much at worst.
const MAX_TTL: Duration = Duration::from_secs(3600);

/// Per worker and kind of credential.
const MAX_ENTRIES: usize = 1_000_000;

/// Kinds of credential of a policy.
pub(crate) const MAX_CREDENTIALS: usize = 16;

/// Bytes of a credential's name.
const MAX_CREDENTIAL_NAME: usize = 32;

/// Names that no credential can have, since a condition or a policy that says them means something else.
const RESERVED_NAMES: [&[&str]; 3] = [VARIABLES, WORDS_OF_CEL, WORDS_OF_POLICIES];

/// Variables and functions of conditions, which a credential of that name would hide; `caller`, `lack` and `reason` are
/// kept for those to come.
const VARIABLES: &[&str] = &["all", "caller", "has", "lack", "now", "params", "reason", "request", "type"];

/// Words that no identifier of CEL can be, so that a condition could not name the credential
/// ([Language Definition, Syntax](https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax)).
const WORDS_OF_CEL: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Words of this language, which stand where a route names credentials, or may come to.
const WORDS_OF_POLICIES: &[&str] = &["any", "none", "optional"];
