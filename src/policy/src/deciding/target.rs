//! Owns what a request asks for: a method, a host and a path that have one reading, or a refusal.

use crate::deciding::decision::{Denial, OverriddenBy, RefusedMethod, Upgrade};
use crate::deciding::request::Request;
use crate::header::confusable;
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
    pub(crate) fn read(request: &Request<'a>) -> Result<Self, Denial> {
        let part = |name| request.pseudo(name).ok_or(Denial::RequestIncomplete(name));
        let (method, host, path) = (part(":method")?, part(":authority")?, part(":path")?);
        let method = std::str::from_utf8(method).map_err(|_not_utf8| Denial::MethodRefused(RefusedMethod::NotUtf8))?;
        // RFC 9110, 9.3.6 and 9.3.8; `:protocol` is the CONNECT of RFC 8441.
        if method == "CONNECT" || request.has_alike(":protocol") {
            return Err(Denial::MethodRefused(RefusedMethod::Connect));
        }
        if method == "TRACE" {
            return Err(Denial::MethodRefused(RefusedMethod::Trace));
        }
        if request.has_alike("upgrade") {
            return Err(Denial::UpgradeRefused(upgrade(request)));
        }
        // `_method` is like `:method` to those who fold signs, so it is looked for as it is.
        let is_named = request.names().any(|name| name.eq_ignore_ascii_case("_method"));
        if is_named {
            return Err(Denial::MethodOverridden(OverriddenBy::Header("_method")));
        }
        if let Some(name) = METHOD_OVERRIDES.into_iter().find(|name| request.has_alike(name)) {
            return Err(Denial::MethodOverridden(OverriddenBy::Header(name)));
        }
        if let Some(name) = PATH_OVERRIDES.into_iter().find(|name| request.has_alike(name)) {
            return Err(Denial::PathOverridden(OverriddenBy::Header(name)));
        }
        let host = Host::parse(host).map_err(Denial::HostMalformed)?;
        let path = CanonicalPath::parse(path).map_err(Denial::PathAmbiguous)?;
        if query::overrides_method(path.query()) {
            return Err(Denial::MethodOverridden(OverriddenBy::Parameter("_method")));
        }
        let preflight_for = if method == "OPTIONS" { preflight_for(request) } else { None };
        Ok(Self { method, host, path, preflight_for })
    }
}

/// What a request with an `upgrade` header asks for.
fn upgrade(request: &Request<'_>) -> Upgrade {
    let mut values = request.iter().filter(|(name, _value)| confusable(name, "upgrade")).map(|(_name, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let known = UPGRADES.into_iter().find(|known| value.eq_ignore_ascii_case(known.as_bytes()));
            known.map_or(Upgrade::Other, Upgrade::To)
        }
        (_, _) => Upgrade::Other,
    }
}

/// The method that a CORS preflight request asks about ([Fetch,
/// 3.2.2](https://fetch.spec.whatwg.org/#cors-preflight-request)). A header that is there twice, or under a name that
/// is only alike, makes none of it.
fn preflight_for<'a>(request: &Request<'a>) -> Option<&'a str> {
    let once = |name: &str| {
        let mut copies = request.iter().filter(|(sent, _value)| confusable(sent, name));
        let (sent, value) = copies.next()?;
        (copies.next().is_none() && sent.eq_ignore_ascii_case(name)).then_some(value)
    };
    // Envoy joins two of them with a comma, which no origin has.
    if once("origin")?.contains(&b',') {
        return None;
    }
    std::str::from_utf8(once("access-control-request-method")?).ok()
}

/// Headers that make a request refused before a route is looked at, credentials are read or anything is stripped.
pub(crate) fn refused_headers() -> impl Iterator<Item = &'static str> {
    METHOD_OVERRIDES.into_iter().chain(PATH_OVERRIDES)
}

/// Headers by which frameworks let a client replace the method that was judged.
const METHOD_OVERRIDES: [&str; 5] =
    ["x-forwarded-method", "x-http-method", "x-http-method-override", "x-method", "x-method-override"];

/// Protocols that are told by their names.
const UPGRADES: [&str; 5] = ["websocket", "h2c", "TLS/1.0", "connect-udp", "connect-ip"];

/// Headers by which some let it replace the path.
const PATH_OVERRIDES: [&str; 5] =
    ["x-forwarded-path", "x-forwarded-uri", "x-original-uri", "x-original-url", "x-rewrite-url"];

/// Every header for whose sake a request is refused.
pub(crate) const OVERRIDES: [&str; 11] = [
    "upgrade",
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-uri",
    "x-http-method",
    "x-http-method-override",
    "x-method",
    "x-method-override",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];
