//! Owns the public listener: its paths, and the identity that they require.

mod connections;
mod divisions;
mod health;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::listen::Listener;
use crate::observe::Watch;
use crate::operations::{Operations, Places};
use crate::store::Store;
use crate::{envelope, observe};

/// The public listener. Only the gateway may reach it.
pub fn public_router(store: Store, operations: Operations) -> Router {
    let routes = routes().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    guarded(routes, &operations).with_state(Public { store, operations })
}

/// Each path, with the handlers of its methods.
fn routes() -> [(&'static str, MethodRouter<Public>); 3] {
    [
        ("/api/admin/contract_divisions/{id}", delete(divisions::delete)),
        ("/api/clients/{client_id}/connections/{connection_id}", delete(connections::delete)),
        (READYZ, get(health::readyz)),
    ]
}

#[derive(Clone)]
struct Public {
    store: Store,
    operations: Operations,
}

/// Surrounds every route with the layers, and answers for unknown paths and methods.
fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>, operations: &Operations) -> Router<S> {
    let watch = Watch { operations: operations.clone(), listener: Listener::Public, is_given_up: |_request| false };
    routes
        .fallback(async || ApiError::PathNotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        // The last layer is the first to see a request: log, envelope, containment, admission, route. The place is
        // taken inside the containment, so that it is held for as long as the work lasts.
        .layer(from_fn_with_state(operations.places(Listener::Public, 0), admit))
        .layer(from_fn_with_state(watch.clone(), observe::contain))
        .layer(from_fn(envelope::wrap))
        .layer(from_fn_with_state(watch, observe::log))
}

/// Refuses a request without an identity before routing, so that the answer is the same for known and unknown paths.
/// Then refuses what finds all places taken.
async fn admit(State(places): State<Places>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    // Readiness is asked for through the gateway, by callers that have no credentials.
    let is_readiness = request.method() == Method::GET && request.uri().path() == READYZ;
    if !is_readiness {
        let caller = Caller::from_headers(request.headers())?;
        request.extensions_mut().insert(caller);
    }
    let _place = places.take().ok_or(ApiError::Overloaded)?;
    Ok(next.run(request).await)
}

const READYZ: &str = "/readyz";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{UnixListener, UnixStream};

    use super::*;
    use crate::openapi;

    #[test]
    fn paths_are_those_of_the_document() {
        let paths = routes().map(|(path, _)| path.to_owned());
        assert_eq!(openapi::paths(Listener::Public), paths.into());
    }

    /// Status line and body of the response that a handler's answer becomes.
    async fn answer(routes: Router) -> (String, Value) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let server = tokio::spawn(axum::serve(listener, guarded(routes, &Operations::new(1))).into_future());
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let request = "GET /odd HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\
                       x-consumer-id: 05e20000-0000-4000-8000-0000000000ff\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        server.abort();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
    }

    #[tokio::test]
    async fn panic_and_unplanned_response_are_enveloped_internal_errors() {
        async fn panics() -> &'static str {
            panic!("a handler that panics on purpose")
        }
        for handler in [get(panics), get(async || "a text of nobody's planning")] {
            let (status, body) = answer(Router::new().route("/odd", handler)).await;
            assert_eq!(status, "HTTP/1.1 500 Internal Server Error");
            assert_eq!(
                body,
                json!({
                    "meta": { "code": 500, "url": "http://h/odd", "type": "object", "request_id": null },
                    "error": { "type": "internal_error", "message": "Internal error" },
                })
            );
        }
    }
}
