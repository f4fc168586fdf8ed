//! Owns the checking of `authorities`.

use std::time::Duration;

use super::{Named, is_reserved, require_reason, span};
use crate::document::{AuthDocument, AuthorityDocument, VariableDocument};
use crate::fault::{Faults, Place};
use crate::header::HeaderName;
use crate::host::Host;
use crate::introspection::{Auth, Authority, SecretForm, SecretName};

/// The authorities that are sound, by name; a faulty one has left its fault.
pub(super) fn all(written: &Named<AuthorityDocument>, place: &Place, faults: &mut Faults) -> Named<Option<Authority>> {
    written.iter().map(|(name, document)| (name.clone(), authority(document, &place.key(name), faults))).collect()
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

fn authority(written: &AuthorityDocument, place: &Place, faults: &mut Faults) -> Option<Authority> {
    if written.cluster.is_empty() {
        faults.add(&place.key("cluster"), "an authority needs the name of an Envoy cluster");
    }
    let host = faults.keep(
        &place.key("host"),
        Host::parse(written.host.as_bytes()).map_err(|_invalid| format!("`{}` is no host", written.host)),
    );
    let timeout = span(&written.timeout, Duration::from_millis(1), LONGEST_TIMEOUT, &place.key("timeout"), faults);
    let auth = auth(&written.auth, &place.key("auth"), faults);
    Some(Authority {
        cluster: written.cluster.clone(),
        host: host?.as_str().to_owned(),
        timeout: timeout?,
        auth: auth?,
    })
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

/// A request waits this long, twice, at most; Envoy's `stream_idle_timeout` has to be above it.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);
