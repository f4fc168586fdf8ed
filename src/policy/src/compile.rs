//! Owns the way from a document to a policy: every entry is checked, every fault is kept, and nothing comes of a
//! document that has one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deciding::decision::Row;
use crate::deciding::policy::{Configured, Mode, Policy};
use crate::deciding::refusal::{Format, InvalidMessage, Message, RefusalTemplate};
use crate::document::{
    CredentialDocument, FormatDocument, ModeDocument, PolicyDocument, RefusalsDocument, ServeStaleDocument,
};
use crate::fault::{Faults, Place};
use crate::header::HeaderName;

mod authority;
pub(crate) mod conditions;
pub(crate) mod credentials;
mod facts;
mod forward;
mod headers;
mod introspect;
mod jwt;
mod logged;
pub(crate) mod looked_at;
mod references;
mod required;
mod requirement;
mod routes;
mod sources;
mod verifiers;

use looked_at::LookedAt;
use references::Alternatives;

impl Policy {
    /// The policy that a document stands for.
    ///
    /// # Errors
    /// Every fault of the document; no policy comes of a document that has one.
    pub fn compile(document: &PolicyDocument) -> Result<Self, Faults> {
        policy(document)
    }
}

fn policy(document: &PolicyDocument) -> Result<Policy, Faults> {
    let mut faults = Faults::none();
    let root = Place::root();
    if document.version != VERSION {
        faults
            .add(&root.key("version"), format!("version {} is not known; this is version {VERSION}", document.version));
    }
    if !is_name(&document.name) {
        faults.add(&root.key("name"), format!("`{}` is no name of letters, digits, `-`, `_` and `.`", document.name));
    }
    let mode = mode(&document.mode, &root.key("mode"), &mut faults);
    let authorities = authority::all(document, &root.key("authorities"), &mut faults);
    // Rules say which facts are looked at, and verifiers want to know.
    let mut faults_of_rules = Faults::none();
    let alternatives = Alternatives::of_every_route(document);
    let forward = forward::all(&document.forward, document, &alternatives, &root.key("forward"), &mut faults_of_rules);
    let wording = wording(&document.refusals, document, &root.key("refusals"), &mut faults_of_rules);
    let logged = logged::all(document.log.as_ref(), document, &root.key("log"), &mut faults_of_rules);
    let routes = routes::all(document, mode, &root.key("routes"), &mut faults_of_rules);
    let looked_at = match (&forward, &routes) {
        (Some(forward), Some((routes, _router))) => LookedAt::by(forward, routes),
        // No policy will come of it.
        (Some(_) | None, Some(_) | None) => LookedAt::default(),
    };
    let credentials = credentials::all(document, &authorities, &looked_at, &root.key("credentials"), &mut faults);
    faults.append(faults_of_rules);
    match (faults.is_empty(), forward, wording, logged, routes) {
        (true, Some(forward), Some(wording), Some(logged), Some((routes, router))) => Ok(Policy {
            name: document.name.clone(),
            configured: Configured::Yes,
            mode,
            headers: headers::table(&credentials, &forward, &routes),
            credentials,
            forward,
            wording,
            logged,
            routes,
            router,
        }),
        // What is `None` has left a fault behind.
        (_, _, _, _, _) => Err(faults),
    }
}

fn mode(written: &ModeDocument, place: &Place, faults: &mut Faults) -> Mode {
    match written {
        ModeDocument::Enforce => Mode::Enforce,
        ModeDocument::Shadow(reason) => {
            require_reason(&reason.because, "why nothing is enforced", &place.key("shadow"), faults);
            Mode::Shadow
        }
    }
}

fn require_reason(because: &str, what: &str, place: &Place, faults: &mut Faults) {
    if because.trim().is_empty() {
        faults.add(&place.key("because"), format!("say {what}"));
    }
}

fn wording(
    written: &RefusalsDocument,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<RefusalTemplate> {
    let format = match written.format {
        FormatDocument::Bare => Format::Bare,
        FormatDocument::Ehealth => Format::Ehealth,
        FormatDocument::Problem => Format::Problem,
    };
    let place = place.key("messages");
    if format == Format::Bare && !written.messages.is_empty() {
        faults.add(&place, "a bare refusal has no body to hold a message");
    }
    let codes = || Row::of_policy(document.kinds());
    let messages = each(written.messages.iter(), |(code, text)| {
        let place = place.key(code);
        let Some((row, _kind, known)) = codes().find(|(_row, _kind, known)| known == code) else {
            let known = codes().map(|(_row, _kind, known)| known);
            faults.add_unknown(&place, format!("`{code}` is no denial"), code, known);
            return None;
        };
        // Their words would tell a good API key, or are said where there is no policy.
        if row.status == 503 {
            faults.add(&place, "a refusal with status 503 says the same always");
            return None;
        }
        match text.parse::<Message>() {
            Ok(message) if message.needs_scopes() && known != "scope_missing" => {
                faults.add(&place, "only `scope_missing` can tell scopes");
                None
            }
            Ok(message) => Some((known.to_owned(), message)),
            Err(invalid) => {
                faults.add_hinted(&place, invalid.to_string(), InvalidMessage::hint(&invalid));
                None
            }
        }
    });
    Some(RefusalTemplate { format, messages: messages?.into_iter().collect() })
}

/// Whether a header steers the request itself, so that it can be neither an identity nor a credential.
fn is_reserved(header: &HeaderName) -> bool {
    STEERING.contains(&header.as_str())
        || PROXIES.contains(&header.as_str())
        || RESERVED_PREFIXES.iter().any(|prefix| header.as_str().starts_with(prefix))
}

fn names_credential(document: &PolicyDocument, header: &HeaderName) -> bool {
    let mut carriers = document.credentials.values().flat_map(CredentialDocument::headers);
    carriers.any(|carrier| carrier.eq_ignore_ascii_case(header.as_str()))
}

/// For how much longer facts may be served, within a bound, and for which reason.
fn serve_stale(
    written: &ServeStaleDocument,
    most: Duration,
    what: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<Duration> {
    require_reason(&written.because, what, place, faults);
    span(&written.serve_for, Duration::from_millis(1), most, &place.key("serve_for"), faults)
}

/// A span of time such as `500ms`, `2s`, `5m`, `1h`, within bounds that keep a typing error from becoming a policy.
fn span(text: &str, least: Duration, most: Duration, place: &Place, faults: &mut Faults) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits);
    let number: Option<u64> = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let span = match (number, unit) {
        (Some(number), Some("ms")) => Some(Duration::from_millis(number)),
        (Some(number), Some("s")) => Some(Duration::from_secs(number)),
        (Some(number), Some("m")) => number.checked_mul(60).map(Duration::from_secs),
        (Some(number), Some("h")) => number.checked_mul(3600).map(Duration::from_secs),
        (Some(_) | None, Some(_) | None) => None,
    };
    let Some(span) = span else {
        faults.add(place, format!("`{text}` is no span of time; write `500ms`, `2s`, `5m` or `1h`"));
        return None;
    };
    if span < least || span > most {
        faults.add(place, format!("`{text}` is not between {least:?} and {most:?}"));
        return None;
    }
    Some(span)
}

/// Every entry, or nothing if one of them is faulty; all of them are looked at, so that every fault is found.
fn each<T, U>(entries: impl Iterator<Item = T>, read: impl FnMut(T) -> Option<U>) -> Option<Vec<U>> {
    entries.map(read).collect::<Vec<_>>().into_iter().collect()
}

/// A name that is safe in a header, a metric and a log.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// An index of compiled entries by the name other entries call them.
type Named<T> = BTreeMap<String, T>;

/// Headers that steer the request itself.
const STEERING: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// Headers that proxies set; a policy may strip them, and not set them itself.
const PROXIES: [&str; 2] = ["forwarded", "via"];

/// Families of headers that proxies set themselves, or that speak to them.
const RESERVED_PREFIXES: [&str; 3] = ["proxy-", "x-envoy-", "x-forwarded-"];

/// The version of the language this crate understands.
const VERSION: u64 = 1;

const MAX_NAME: usize = 64;
