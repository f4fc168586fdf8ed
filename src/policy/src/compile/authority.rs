//! Owns the checking of `authorities`.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{Named, is_reserved, require_reason, serve_stale, span};
use crate::document::{
    AuthDocument, AuthorityDocument, LookupsDocument, PolicyDocument, RevocationsDocument, VariableDocument,
    VerifierDocument,
};
use crate::fault::{Faults, Place};
use crate::header::HeaderName;
use crate::host::Host;
use crate::identity::authority::Following;
use crate::identity::authority::{Auth, Authority, LookupRate, SecretForm, SecretName};
use crate::path::CanonicalPath;

/// The authorities that are sound, by name; a faulty one has left its fault.
pub(super) fn all(document: &PolicyDocument, place: &Place, faults: &mut Faults) -> Named<Option<Authority>> {
    let credentials = document.credentials.values();
    let jwt = credentials
        .flat_map(|credential| &credential.verify)
        .filter(|verifier| matches!(verifier, VerifierDocument::Jwt(_)));
    let listing: BTreeSet<&str> = jwt.filter_map(VerifierDocument::feed).collect();
    let required = document.routes.iter().filter_map(|route| route.require.as_ref());
    let longest = required.map(|require| require.credentials.names().count()).max().unwrap_or_default();
    let longest = u32::try_from(longest).unwrap_or(u32::MAX);
    let authorities = document.authorities.iter();
    authorities
        .map(|(name, written)| {
            let deny_list = listing.contains(name.as_str());
            (name.clone(), authority(name, written, (deny_list, longest), &place.key(name), faults))
        })
        .collect()
}

/// The authority of a name; a faulty one has left its fault.
pub(super) fn known<'a>(
    authorities: &'a Named<Option<Authority>>,
    name: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<&'a Authority> {
    let found = authorities.get(name);
    if found.is_none() {
        let message = format!("`{name}` is not under `authorities`");
        faults.add_unknown(place, message, name, authorities.keys().map(String::as_str));
    }
    found?.as_ref()
}

/// `deny_list`: whether JWTs are held against its feed; `longest`: the number of credentials that a route looks
/// at, at most.
fn authority(
    name: &str,
    written: &AuthorityDocument,
    (deny_list, longest): (bool, u32),
    place: &Place,
    faults: &mut Faults,
) -> Option<Authority> {
    if written.cluster.is_empty() {
        faults.add(&place.key("cluster"), "an authority needs the name of an Envoy cluster");
    } else if written.cluster.contains(|sign: char| sign.is_whitespace() || sign.is_control()) {
        // Envoy would know no such cluster, and each lookup would fail, far from whoever wrote this.
        let message = format!("`{}` is no name of an Envoy cluster: it has white space in it", written.cluster);
        faults.add(&place.key("cluster"), message);
    }
    let host = faults.keep(
        &place.key("host"),
        Host::parse(written.host.as_bytes()).map_err(|_invalid| format!("`{}` is no host", written.host)),
    );
    let timeout = span(&written.timeout, Duration::from_millis(1), MAX_TIMEOUT, &place.key("timeout"), faults);
    let rate = rate(written.lookups, &place.key("lookups"), faults);
    let auth = auth(&written.auth, &place.key("auth"), faults);
    let following = match &written.revocations {
        None => Some(None),
        Some(written) => following(written, (deny_list, longest), timeout, &place.key("revocations"), faults).map(Some),
    };
    Some(Authority {
        name: name.to_owned(),
        cluster: written.cluster.clone(),
        host: host?.as_str().to_owned(),
        timeout: timeout?,
        rate: rate?,
        auth: auth?,
        following: following?,
    })
}

fn rate(written: Option<LookupsDocument>, place: &Place, faults: &mut Faults) -> Option<LookupRate> {
    let written = written.unwrap_or(USUAL_LOOKUPS);
    let mut number = |key, number: u32, most| {
        let sound = NonZeroU32::new(number).filter(|number| number.get() <= most);
        if sound.is_none() {
            faults.add(&place.key(key), format!("{number} is not between 1 and {most}"));
        }
        sound
    };
    let per_second = number("per_second", written.per_second, LookupRate::MOST);
    let most = per_second.map_or(LookupRate::MOST, NonZeroU32::get);
    let usual = USUAL_BEHIND_A_KEY.min(most);
    let behind_a_key = number("per_second_behind_a_key", written.per_second_behind_a_key.unwrap_or(usual), most);
    Some(LookupRate { per_second: per_second?, per_second_behind_a_key: behind_a_key? })
}

/// `longest` is the number of credentials that a route requires, at most.
fn following(
    written: &RevocationsDocument,
    (deny_list, longest): (bool, u32),
    timeout: Option<Duration>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Following> {
    let path = CanonicalPath::parse(written.path.as_bytes()).is_ok() && !written.path.contains('?');
    if !path {
        faults.add(&place.key("path"), format!("`{}` is no canonical path without a query", written.path));
    }
    let every = span(&written.every, SHORTEST_EVERY, MAX_EVERY, &place.key("every"), faults);
    let max_lag = span(&written.max_lag, SHORTEST_EVERY, MAX_LAG, &place.key("max_lag"), faults);
    let serve_for = match &written.when_stale {
        None => Some(Duration::ZERO),
        Some(stale) => {
            let what = "why facts may be trusted that can be revoked";
            serve_stale(stale, MAX_LAG, what, &place.key("when_stale"), faults)
        }
    };
    let (every, max_lag) = (every?, max_lag?);
    // Age counts from when a question was sent; it waits, is answered, and the next one waits before the answer comes.
    if max_lag < every.saturating_mul(3) {
        let message =
            format!("`{}` is less than thrice `every`; facts would be asked for again and again", written.max_lag);
        faults.add(&place.key("max_lag"), message);
    }
    // An API key's answer can be on its way for as long, and then a token's, before the request goes on with both.
    let patience = timeout?.saturating_mul(longest.max(2)).saturating_add(Duration::from_secs(1));
    if max_lag < patience {
        let times = match longest {
            0..=2 => "twice `timeout`".to_owned(),
            more => format!("{more} times `timeout`, for each credential that a route requires,"),
        };
        let message = format!("`{}` is less than {times} and a second, {patience:?}", written.max_lag);
        faults.add(&place.key("max_lag"), message);
    }
    Some(Following { path: written.path.clone(), every, max_lag, serve_for: serve_for?, deny_list })
}

fn auth(written: &AuthDocument, place: &Place, faults: &mut Faults) -> Option<Auth> {
    match written {
        AuthDocument::BearerEnv(variable) => {
            secret(variable, SecretForm::Token, &place.key("bearer_env"), faults).map(Auth::Bearer)
        }
        AuthDocument::BasicEnv(variable) => {
            secret(variable, SecretForm::UserAndPassword, &place.key("basic_env"), faults).map(Auth::Basic)
        }
        AuthDocument::HeaderEnv(header) => {
            let place = place.key("header_env");
            let name: Option<HeaderName> = faults.keep(&place.key("name"), header.name.parse());
            if name.as_ref().is_some_and(is_reserved) {
                let message = format!("`{}` has a meaning of its own and cannot carry a secret", header.name);
                faults.add(&place.key("name"), message);
            }
            let secret = secret(&header.env, SecretForm::Token, &place.key("env"), faults);
            Some(Auth::Header(name?, secret?))
        }
        AuthDocument::None(reason) => {
            let what = "why the authority answers to whoever reaches it";
            require_reason(&reason.because, what, &place.key("none"), faults);
            Some(Auth::Nothing)
        }
    }
}

fn secret(written: &VariableDocument, form: SecretForm, place: &Place, faults: &mut Faults) -> Option<SecretName> {
    let VariableDocument(variable) = written;
    if variable.is_empty()
        || !variable.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    {
        faults.add(place, "write the name of an environment variable (`A-Z`, `0-9`, `_`), never the secret itself");
        return None;
    }
    Some(SecretName { variable: variable.clone(), form })
}

/// What a worker asks in a second where nothing is written.
const USUAL_LOOKUPS: LookupsDocument = LookupsDocument { per_second: 1_000, per_second_behind_a_key: None };

/// And of these about tokens behind one API key.
const USUAL_BEHIND_A_KEY: u32 = 200;

/// A worker looks at its feeds about as often.
const SHORTEST_EVERY: Duration = Duration::from_millis(50);

/// Envoy gives no idle connection much longer.
const MAX_EVERY: Duration = Duration::from_secs(10);

const MAX_LAG: Duration = Duration::from_secs(600);

/// A request waits this long for each of its credentials, at most, and for a feed; Envoy's `stream_idle_timeout` has to
/// be above it.
const MAX_TIMEOUT: Duration = Duration::from_secs(10);
