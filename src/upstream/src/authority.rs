//! Owns the internal listener: the authority's paths, and the check of its secret.

mod error;
mod form;
mod health;
mod introspect;
mod metrics;
mod revocations;
mod revoke;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use crate::feed::{Feed, MAX_WAITING};
use crate::listen::Listener;
use crate::observe::{self, Watch};
use crate::operations::{Operations, Places};
use crate::secret::AuthoritySecrets;
use error::AuthorityError;

/// The internal listener: introspection and revocations for the gateway, health and metrics for operators.
pub fn internal_router(feed: Feed, secrets: AuthoritySecrets, operations: Operations) -> Router {
    let door = Door {
        secrets,
        requests: operations.places(Listener::Internal, 0),
        readers: operations.places(Listener::Internal, MAX_WAITING),
    };
    let watch = Watch { operations: operations.clone(), listener: Listener::Internal, is_given_up: is_reader };
    routes()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(async || AuthorityError::PathNotFound)
        .method_not_allowed_fallback(async || AuthorityError::MethodNotAllowed)
        // The last layer is the first to see a request: log, containment, size, admission, route. The place is taken
        // inside the containment, so that it is held for as long as the work lasts.
        .layer(from_fn_with_state(Arc::new(door), admit))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(watch.clone(), observe::contain))
        .layer(from_fn_with_state(watch, observe::log))
        .with_state(Authority { feed, operations })
}

/// Each path, with the handlers of its methods.
fn routes() -> [(&'static str, MethodRouter<Authority>); 6] {
    [
        (HEALTHZ, get(health::healthz)),
        ("/introspect", post(introspect::introspect)),
        (METRICS, get(metrics::metrics)),
        (READYZ, get(health::readyz)),
        (REVOCATIONS, get(revocations::read).post(revocations::revoke)),
        ("/revoke", post(revoke::revoke)),
    ]
}

#[derive(Clone)]
struct Authority {
    feed: Feed,
    operations: Operations,
}

/// Admission: the secrets, and the limits of concurrent requests. Polls of the feed have a limit of their own: they
/// mostly wait, and leave the places in `requests` to lookups.
struct Door {
    secrets: AuthoritySecrets,
    requests: Places,
    readers: Places,
}

/// Admits a request with the authority secret while a place is free. Health and metrics are always admitted: they
/// matter most under overload.
///
/// One function rather than several layers, since each layer holds more than a kilobyte for each poll that waits.
async fn admit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Result<Response, AuthorityError> {
    if is_open(&request) {
        return Ok(next.run(request).await);
    }
    let presented = bearer(request.headers()).ok_or(AuthorityError::Unauthorized)?;
    if !door.secrets.accept(presented) {
        return Err(AuthorityError::Unauthorized);
    }
    let places = if is_reader(&request) { &door.readers } else { &door.requests };
    // Boxed, so that its state is freed before the request waits.
    let request = Box::pin(whole(request)).await?;
    let _place = places.take().ok_or(AuthorityError::Overloaded)?;
    Ok(next.run(request).await)
}

/// The request with its whole body, read before a place is taken: a sender that stops half-way would hold the place.
/// Errors: the body is larger than [`LARGEST_BODY`], or takes longer than [`MAX_BODY`].
async fn whole(request: Request) -> Result<Request, AuthorityError> {
    let (parts, body) = request.into_parts();
    let reading = Bytes::from_request(Request::from_parts(parts.clone(), body), &());
    let body = tokio::time::timeout(MAX_BODY, reading).await.map_err(|_| AuthorityError::TooSlow)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => AuthorityError::TooLarge,
        _ => AuthorityError::InvalidRequest,
    })?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// A poll of the feed, which may wait.
fn is_reader(request: &Request) -> bool {
    request.method() == Method::GET && request.uri().path() == REVOCATIONS
}

/// Health and metrics, which are open to all: they concern the service alone, and monitoring should not hold the
/// authority secret.
fn is_open(request: &Request) -> bool {
    request.method() == Method::GET && matches!(request.uri().path(), HEALTHZ | METRICS | READYZ)
}

/// The presented secret, if there is exactly one `Authorization` header, of the scheme `Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, credentials) = value.as_bytes().split_at_checked(BEARER.len())?;
    // RFC 9110, 11.1: the scheme is case-insensitive. 11.4: one space or more before the credentials.
    if !scheme.eq_ignore_ascii_case(BEARER) || credentials.first() != Some(&b' ') {
        return None;
    }
    Some(credentials.trim_ascii_start())
}

const BEARER: &[u8] = b"Bearer";

const HEALTHZ: &str = "/healthz";

/// Limit of a body, in bytes. The gateway asks about credentials of up to 8 KiB, each byte of which may be
/// percent-encoded as three; a refusal of one would look like an outage to it.
const LARGEST_BODY: usize = 32 * 1024;

/// Time limit for a body. The gateway has all of it when it begins to send.
const MAX_BODY: Duration = Duration::from_secs(2);

const METRICS: &str = "/metrics";

const READYZ: &str = "/readyz";

const REVOCATIONS: &str = "/revocations";

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::openapi;

    #[test]
    fn paths_are_those_of_the_document() {
        let paths = routes().map(|(path, _)| path.to_owned());
        assert_eq!(openapi::paths(Listener::Internal), paths.into());
    }

    fn presented(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn bearer_scheme_is_case_insensitive() {
        for value in ["Bearer secret", "bearer secret", "BEARER   secret"] {
            assert_eq!(presented(&[value]).as_deref(), Some("secret"), "`{value}`");
        }
    }

    #[test]
    fn other_authorizations_present_nothing() {
        for values in [
            &[][..],
            &[""],
            &["secret"],
            &["Basic secret"],
            &["Bearer"],
            &["Bearersecret"],
            &["Bearer secret", "Bearer secret"],
        ] {
            assert_eq!(presented(values), None, "{values:?}");
        }
    }
}
