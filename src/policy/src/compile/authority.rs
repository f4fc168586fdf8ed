//! Owns the checking of `authorities`.

use std::time::Duration;

use super::{Named, span};
use crate::document::AuthorityDocument;
use crate::fault::{Faults, Place};
use crate::host::Host;
use crate::introspection::{Authority, SecretName};

/// The authorities that are sound, by name; a faulty one has left its fault.
pub(super) fn all(written: &Named<AuthorityDocument>, place: &Place, faults: &mut Faults) -> Named<Option<Authority>> {
    written.iter().map(|(name, document)| (name.clone(), authority(document, &place.key(name), faults))).collect()
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

/// A request waits this long, twice, at most; Envoy's `stream_idle_timeout` has to be above it.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);
