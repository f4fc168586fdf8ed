//! Owns the internal listener: the authority's paths, and the secret without which it tells nothing.

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

/// The internal listener: introspection and revocations for the gateway, health and metrics for whoever runs the service.
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
        // The last layer is the first to see a request: log, containment, size, admission, route. The place is taken inside
        // the containment, so that it is kept for as long as the work lasts.
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

/// What is needed to be let in. Who follows the feed mostly waits, and so takes no place from who asks about a credential.
struct Door {
    secrets: AuthoritySecrets,
    requests: Places,
    readers: Places,
}

/// Refuses strangers, and what would only wait for others. Health and metrics are asked for most when there are too many.
///
/// One function, since each layer keeps more than a kilobyte for each reader that waits.
async fn admit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Result<Response, AuthorityError> {
    if is_open(&request) {
        return Ok(next.run(request).await);
    }
    let presented = bearer(request.headers()).ok_or(AuthorityError::Unauthorized)?;
    if !door.secrets.accept(presented) {
        return Err(AuthorityError::Unauthorized);
    }
    let places = if is_reader(&request) { &door.readers } else { &door.requests };
    // Boxed, so that nothing of it is kept.
    let request = Box::pin(whole(request)).await?;
    let _place = places.take().ok_or(AuthorityError::Overloaded)?;
    Ok(next.run(request).await)
}

/// The request with its whole body, before a place is taken: a sender that stops half-way would keep it for ever.
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

/// Whether the feed is read, which may wait.
fn is_reader(request: &Request) -> bool {
    request.method() == Method::GET && request.uri().path() == REVOCATIONS
}

/// What tells about the service and about nobody else. Who watches it should not hold the authority secret for that.
fn is_open(request: &Request) -> bool {
    request.method() == Method::GET && matches!(request.uri().path(), HEALTHZ | METRICS | READYZ)
}

/// The presented secret, where there is exactly one `Authorization` header of the scheme `Bearer`.
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

/// The gateway asks about credentials of up to 8 KiB, and each byte may be percent-encoded as three; a larger one would
/// look like an outage to it.
const LARGEST_BODY: usize = 32 * 1024;

/// How long a body may take to arrive. The gateway has all of it when it begins to send.
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
