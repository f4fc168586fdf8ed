//! Owns how a listener is described, in OpenAPI 3.1: one statement declares what is served and what is told of it.
//!
//! Paths and methods are the router's own (`Described`); refusals come from the values that make them, with their
//! status, words and headers (`Refusal`); bodies of success are described beside their handlers, and
//! `tests/openapi.rs` holds real answers against the whole.

use std::collections::BTreeMap;

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{MethodFilter, on};
use serde_json::{Map, Value, json};

use crate::listen::Listener;

/// The document of a listener.
pub fn document(listener: Listener) -> Value {
    match listener {
        Listener::Internal => crate::authority::document(),
        Listener::Public => crate::routes::document(),
    }
}

/// What a path's method does, takes and answers.
pub(crate) struct Operation {
    method: Served,
    path: &'static str,
    description: Map<String, Value>,
    responses: BTreeMap<u16, Value>,
}

/// The methods that are served.
#[derive(Clone, Copy)]
pub(crate) enum Served {
    Delete,
    Get,
    Post,
}

/// An answer that refuses, as its error makes it.
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The schema of its body, which tells it from others of the same status.
    pub(crate) body: Value,
}

/// A router, and the description of each of its operations.
pub(crate) struct Described<S> {
    pub(crate) router: Router<S>,
    operations: Vec<Operation>,
}

impl<S: Clone + Send + Sync + 'static> Described<S> {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), operations: Vec::new() }
    }

    /// Serves `operation` by `handler`.
    pub(crate) fn serve<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let router = self.router.route(operation.path, on(operation.method.filter(), handler));
        self.operations.push(operation);
        Self { router, operations: self.operations }
    }

    /// The document; `secured` names what the operations demand that are not open, and `scheme` says what that is.
    pub(crate) fn document(self, title: &str, description: &str, secured: &str, scheme: Value) -> Value {
        let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for operation in self.operations {
            let (path, method) = (operation.path, operation.method.name());
            paths.entry(path).or_default().insert(method.to_owned(), operation.written());
        }
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": title,
                "description": description,
                "version": env!("CARGO_PKG_VERSION"),
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            // The listeners' addresses are settings; a tool that asks is told one.
            "servers": [{ "url": "/" }],
            "security": [{ secured: [] }],
            "paths": paths,
            "components": { "securitySchemes": { secured: scheme } },
        })
    }
}

impl Operation {
    pub(crate) fn new(method: Served, path: &'static str, id: &str, summary: &str) -> Self {
        let description = [("operationId", id), ("summary", summary)];
        let description = description.map(|(name, text)| (name.to_owned(), text.into()));
        Self { method, path, description: description.into_iter().collect(), responses: BTreeMap::new() }
    }

    /// Served to everybody.
    pub(crate) fn open(mut self) -> Self {
        self.description.insert("security".to_owned(), json!([]));
        self
    }

    pub(crate) fn parameters(mut self, parameters: Value) -> Self {
        self.description.insert("parameters".to_owned(), parameters);
        self
    }

    /// Takes a body.
    pub(crate) fn body(mut self, media_type: &str, schema: Value) -> Self {
        let body = json!({ "required": true, "content": { media_type: { "schema": schema } } });
        self.description.insert("requestBody".to_owned(), body);
        self
    }

    /// Answers 200, with a body of `media_type`.
    pub(crate) fn done(mut self, description: &str, media_type: &str, schema: Value) -> Self {
        let response = json!({ "description": description, "content": { media_type: { "schema": schema } } });
        self.responses.insert(StatusCode::OK.as_u16(), response);
        self
    }

    /// Answers 200, without a body.
    pub(crate) fn done_silently(mut self, description: &str) -> Self {
        self.responses.insert(StatusCode::OK.as_u16(), json!({ "description": description }));
        self
    }

    /// Refuses so; refusals of one status become one response.
    pub(crate) fn refused(mut self, refusals: impl IntoIterator<Item = Refusal>) -> Self {
        let mut by_status: BTreeMap<StatusCode, Vec<Refusal>> = BTreeMap::new();
        for refusal in refusals {
            by_status.entry(refusal.status).or_default().push(refusal);
        }
        for (status, refusals) in by_status {
            let mut bodies: Vec<&Value> = refusals.iter().map(|refusal| &refusal.body).collect();
            bodies.dedup();
            let schema = match bodies.as_slice() {
                [body] => (*body).clone(),
                _ => json!({ "anyOf": bodies }),
            };
            let mut response = json!({
                "description": status.canonical_reason(),
                "content": { JSON: { "schema": schema } },
            });
            let headers = headers(&refusals);
            if let (Some(response), false) = (response.as_object_mut(), headers.is_empty()) {
                response.insert("headers".to_owned(), headers.into());
            }
            self.responses.insert(status.as_u16(), response);
        }
        self
    }

    fn written(self) -> Value {
        let Self { mut description, responses, .. } = self;
        let responses: Map<String, Value> =
            responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect();
        description.insert("responses".to_owned(), responses.into());
        description.into()
    }
}

impl Served {
    fn filter(self) -> MethodFilter {
        match self {
            Self::Delete => MethodFilter::DELETE,
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

/// An object that has all of `properties`, and no others.
pub(crate) fn exactly(properties: Value) -> Value {
    object(properties, json!({}))
}

/// An object that has all of `required`, may have `optional`, and has no others.
pub(crate) fn object(required: Value, optional: Value) -> Value {
    let names: Vec<String> = required.as_object().into_iter().flat_map(Map::keys).cloned().collect();
    json!({
        "type": "object",
        "required": names,
        "properties": joined(required, optional),
        "additionalProperties": false,
    })
}

/// The members of both objects.
pub(crate) fn joined(mut object: Value, other: Value) -> Value {
    if let (Some(members), Value::Object(others)) = (object.as_object_mut(), other) {
        members.extend(others);
    }
    object
}

/// The headers of refusals: what all of them have is required.
fn headers(refusals: &[Refusal]) -> Map<String, Value> {
    let mut headers = Map::new();
    for name in refusals.iter().flat_map(|refusal| refusal.headers.keys()) {
        if [header::CONTENT_LENGTH, header::CONTENT_TYPE].contains(name) {
            continue;
        }
        let required = refusals.iter().all(|refusal| refusal.headers.contains_key(name));
        headers.insert(name.to_string(), json!({ "required": required, "schema": { "type": "string" } }));
    }
    headers
}

pub(crate) const JSON: &str = "application/json";
