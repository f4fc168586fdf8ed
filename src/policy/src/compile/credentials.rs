//! Owns the checking of `authorities` and `credentials`.

use std::sync::Arc;
use std::time::Duration;

use super::{Named, each, is_reserved, span};
use crate::credential::{Form, Presentation};
use crate::document::{
    AuthorityDocument, CacheDocument, CredentialDocument, CredentialsDocument, IntrospectDocument, VerifierDocument,
};
use crate::facts::FactName;
use crate::fault::{Faults, Place};
use crate::host::Host;
use crate::introspection::{Asked, Authority, CacheLimits, Introspection, Pointers, SecretName};
use crate::path::CanonicalPath;
use crate::policy::{CredentialRule, Credentials};

/// The authorities that are sound, by name; a faulty one has left its fault.
pub(super) fn authorities(
    written: &Named<AuthorityDocument>,
    place: &Place,
    faults: &mut Faults,
) -> Named<Option<Authority>> {
    written.iter().map(|(name, document)| (name.clone(), authority(document, &place.key(name), faults))).collect()
}

pub(super) fn all(
    written: &CredentialsDocument,
    authorities: &Named<Option<Authority>>,
    place: &Place,
    faults: &mut Faults,
) -> Credentials {
    let mut read = |document: &Option<CredentialDocument>, name: &str| {
        document.as_ref().and_then(|document| credential(document, authorities, &place.key(name), faults))
    };
    let credentials = Credentials { api_key: read(&written.api_key, "api_key"), token: read(&written.token, "token") };
    if let (Some(api_key), Some(token)) = (&written.api_key, &written.token)
        && api_key.header.eq_ignore_ascii_case(&token.header)
    {
        faults.add(&place.key("token").key("header"), format!("`{}` carries the API key already", token.header));
    }
    credentials
}

fn authority(written: &AuthorityDocument, place: &Place, faults: &mut Faults) -> Option<Authority> {
    if written.cluster.is_empty() {
        faults.add(&place.key("cluster"), "an authority needs the name of an Envoy cluster");
    }
    let host = faults.keep(
        &place.key("host"),
        Host::parse(written.host.as_bytes()).map_err(|_invalid| format!("`{}` is no host", written.host)),
    );
    let timeout = span(&written.timeout, Duration::from_millis(1), LONGEST_TIMEOUT, &place.key("timeout"), faults);
    let variable = &written.auth.bearer_env;
    if variable.is_empty()
        || !variable.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    {
        let place = place.key("auth").key("bearer_env");
        faults.add(&place, "write the name of an environment variable (`A-Z`, `0-9`, `_`), never the secret itself");
        return None;
    }
    Some(Authority {
        cluster: written.cluster.clone(),
        host: host?.as_str().to_owned(),
        timeout: timeout?,
        secret: SecretName(variable.clone()),
    })
}

fn credential(
    written: &CredentialDocument,
    authorities: &Named<Option<Authority>>,
    place: &Place,
    faults: &mut Faults,
) -> Option<CredentialRule> {
    let header = faults.keep(&place.key("header"), written.header.parse());
    if header.as_ref().is_some_and(is_reserved) {
        faults.add(
            &place.key("header"),
            format!("`{}` has a meaning of its own and cannot carry a credential", written.header),
        );
    }
    let form = match &written.scheme {
        None => Some(Form::Raw),
        Some(scheme) if is_scheme(scheme) => Some(Form::Scheme(scheme.clone())),
        Some(scheme) => {
            faults.add(&place.key("scheme"), format!("`{scheme}` is no authentication scheme"));
            None
        }
    };
    let cache = cache(&written.cache, &place.key("cache"), faults);
    let place_of_verify = place.key("verify");
    let verifiers = each(written.verify.iter().enumerate(), |(index, verifier)| match verifier {
        VerifierDocument::Introspect(document) => {
            introspection(document, authorities, cache, &place_of_verify.index(index).key("introspect"), faults)
        }
    });
    if written.verify.len() != 1 {
        faults.add(&place_of_verify, "write exactly one verifier");
    }
    let verifier = Arc::new(verifiers?.into_iter().next()?);
    Some(CredentialRule { presentation: Presentation { header: header?, form: form? }, verifier })
}

fn introspection(
    written: &IntrospectDocument,
    authorities: &Named<Option<Authority>>,
    cache: Option<CacheLimits>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Introspection> {
    let authority = authorities.get(&written.authority);
    if authority.is_none() {
        let message = format!("`{}` is not under `authorities`", written.authority);
        let known = authorities.keys().map(String::as_str);
        faults.add_unknown(&place.key("authority"), message, &written.authority, known);
    }
    if !CanonicalPath::parse(written.path.as_bytes()).is_ok_and(|path| path.as_str() == written.path) {
        faults.add(&place.key("path"), format!("`{}` is no canonical path", written.path));
    }
    if written.hint.is_empty() {
        faults.add(&place.key("hint"), "write the `token_type_hint` the authority knows");
    }
    if written.expect.is_empty() {
        faults.add(
            &place.key("expect"),
            "write what an active answer must state: a hint alone lets a credential of another kind pass",
        );
    }
    let place_of_expect = place.key("expect");
    let expect = each(written.expect.iter(), |(pointer, value)| {
        Some((self::pointer(pointer, &place_of_expect.key(pointer), faults)?, value.clone()))
    });
    let facts = place.key("facts");
    let place_of_further = facts.key("further");
    let further = each(written.facts.further.iter(), |(name, pointer)| {
        let place = place_of_further.key(name);
        if FactName::standard(name).is_some() || name == "expires" || name == "scopes" {
            faults.add(&place, format!("`{name}` is a fact already; write its pointer beside `further`"));
        } else if !is_fact_name(name) {
            faults.add(&place, format!("`{name}` is no name of lower-case letters, digits and `_`"));
        }
        Some((name.as_str().into(), self::pointer(pointer, &place, faults)?))
    });
    let mut read = |text: &str, name: &str| self::pointer(text, &facts.key(name), faults);
    let subject = read(&written.facts.subject, "subject");
    let client_id = read(&written.facts.client_id, "client_id");
    let client_type = read(&written.facts.client_type, "client_type");
    let scope = read(&written.facts.scope, "scope");
    let expires = read(&written.facts.expires, "expires");
    let pointers = Pointers {
        subject: subject?,
        client_id: client_id?,
        client_type: client_type?,
        scope: scope?,
        expires: expires?,
        further: further?,
    };
    let (path, hint) = (written.path.clone(), written.hint.clone());
    let asked = Asked { authority: authority?.clone()?, path, hint, expect: expect?, pointers };
    Some(Introspection::new(asked, cache?))
}

/// RFC 6901, 3. The empty pointer means the whole answer, which is no fact.
fn pointer(text: &str, place: &Place, faults: &mut Faults) -> Option<String> {
    let escapes_are_whole = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && escapes_are_whole {
        return Some(text.to_owned());
    }
    faults.add(place, format!("`{text}` is no JSON pointer; write `/client_id` or the like"));
    None
}

fn cache(written: &CacheDocument, place: &Place, faults: &mut Faults) -> Option<CacheLimits> {
    let ttl = span(&written.ttl, Duration::ZERO, LONGEST_TTL, &place.key("ttl"), faults);
    let refused_ttl = span(&written.refused_ttl, Duration::ZERO, LONGEST_TTL, &place.key("refused_ttl"), faults);
    let entries = usize::try_from(written.entries).ok().filter(|entries| (1..=MOST_ENTRIES).contains(entries));
    if entries.is_none() {
        faults.add(&place.key("entries"), format!("{} is not between 1 and {MOST_ENTRIES}", written.entries));
    }
    Some(CacheLimits { ttl: ttl?, refused_ttl: refused_ttl?, entries: entries? })
}

/// A name that a condition can write.
fn is_fact_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// RFC 9110, 11.1: a token.
fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A request waits this long, twice, at most; Envoy's `stream_idle_timeout` has to be above it.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Without a revocation feed a cached fact outlives its credential by this much at worst.
const LONGEST_TTL: Duration = Duration::from_secs(3600);

/// Per worker and kind of credential.
const MOST_ENTRIES: usize = 1_000_000;
