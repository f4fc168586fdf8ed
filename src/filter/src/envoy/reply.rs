//! Owns what comes back of a call, read from Envoy.

use brama_policy::identity::{MAX_PAGE, Reply, Unavailable};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType};

use super::local_reply::{UPSTREAM_TIME, envoys_own};

/// The outcome of a call: an authority's reply, or the failure that Envoy states in its place.
pub(super) fn reply(headers: usize, body: &[u8]) -> Result<Reply<'_>, Unavailable> {
    let header = |name| hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name).ok().flatten();
    let status = || header(":status").and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
    // A call that was reset after its reply had begun has no headers here.
    let status: u16 = if headers == 0 { None } else { status() }.ok_or(Unavailable::BrokenOff)?;
    match status {
        // Envoy makes up no success, so that what lets a request in costs no further host call.
        200..=299 => Ok(Reply { status, body }),
        _ if header(UPSTREAM_TIME).is_none() => Err(envoys_own(status, body)),
        _ => Ok(Reply { status, body }),
    }
}

/// The reply's body, or as much of it as shows that it is too long for any reply.
pub(super) fn reply_body(size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    match hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size.min(MAX_PAGE.saturating_add(1))) {
        Ok(Some(body)) => body,
        Ok(None) | Err(_) => Vec::new(),
    }
}
