//! Owns what a request asks for: a method, a host and a path that have one reading, or a refusal.

use crate::deciding::decision::{Denial, OverriddenBy, RefusedMethod, Upgrade};
use crate::deciding::header_table::{Copies, Override, Seen};
use crate::host::Host;
use crate::path::CanonicalPath;

mod query;

/// The method, host and path of a request that has one reading.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: Host<'a>,
    pub(crate) path: CanonicalPath<'a>,
    /// The method a CORS preflight request asks about, where this is one.
    pub(crate) preflight_for: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn read(seen: &Seen<'a>) -> Result<Self, Denial> {
        let part = |part: Copies<'a>, name| part.once().ok_or(Denial::RequestIncomplete(name));
        let (method, host) = (part(seen.method, ":method")?, part(seen.authority, ":authority")?);
        let path = part(seen.path, ":path")?;
        let method = std::str::from_utf8(method).map_err(|_not_utf8| Denial::MethodRefused(RefusedMethod::NotUtf8))?;
        // RFC 9110, 9.3.6 and 9.3.8; `:protocol` is the CONNECT of RFC 8441.
        if method == "CONNECT" || seen.has_protocol {
            return Err(Denial::MethodRefused(RefusedMethod::Connect));
        }
        if method == "TRACE" {
            return Err(Denial::MethodRefused(RefusedMethod::Trace));
        }
        match seen.upgrade {
            Copies::None => {}
            Copies::Once(to) => return Err(Denial::UpgradeRefused(upgrade(to))),
            Copies::Alike | Copies::Repeated => return Err(Denial::UpgradeRefused(Upgrade::Other)),
        }
        if let Some(header) = seen.overridden {
            return Err(overridden(header));
        }
        let host = Host::parse(host).map_err(Denial::HostMalformed)?;
        let path = CanonicalPath::parse(path).map_err(Denial::PathAmbiguous)?;
        if query::overrides_method(path.query()) {
            return Err(Denial::MethodOverridden(OverriddenBy::Parameter("_method")));
        }
        let preflight_for = if method == "OPTIONS" { preflight_for(seen) } else { None };
        Ok(Self { method, host, path, preflight_for })
    }
}

const fn overridden(header: Override) -> Denial {
    match header {
        Override::Method(name) => Denial::MethodOverridden(OverriddenBy::Header(name)),
        Override::Path(name) => Denial::PathOverridden(OverriddenBy::Header(name)),
    }
}

/// What the value of an `upgrade` header asks for.
fn upgrade(to: &[u8]) -> Upgrade {
    let known = UPGRADES.into_iter().find(|known| to.eq_ignore_ascii_case(known.as_bytes()));
    known.map_or(Upgrade::Other, Upgrade::To)
}

/// The method that a CORS preflight request asks about ([Fetch,
/// 3.2.2](https://fetch.spec.whatwg.org/#cors-preflight-request)). A header that is there twice, or under a name that
/// is only alike, makes none of it.
fn preflight_for<'a>(seen: &Seen<'a>) -> Option<&'a str> {
    // Envoy joins two of them with a comma, which no origin has.
    if seen.origin.once()?.contains(&b',') {
        return None;
    }
    std::str::from_utf8(seen.preflight_method.once()?).ok()
}

/// Protocols that are told by their names.
const UPGRADES: [&str; 5] = ["websocket", "h2c", "TLS/1.0", "connect-udp", "connect-ip"];
