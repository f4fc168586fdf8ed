//! The operations of a description against those that `oas3` finds.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

/// Method, path and `operationId`.
type Named = BTreeSet<(String, String, Option<String>)>;

fn ours(operations: Vec<Operation>) -> Named {
    let count = operations.len();
    let named: Named = operations.into_iter().map(|it| (it.method, it.path, it.id)).collect();
    assert_eq!(named.len(), count, "{named:?}");
    named
}

fn theirs(json: &str) -> Named {
    let spec = oas3::from_json(json).unwrap();
    spec.operations().map(|(path, method, it)| (method.to_string(), path, it.operation_id.clone())).collect()
}

fn described(paths: &Value) -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "x", "version": "1" }, "paths": paths })
}

fn both(paths: &Value) -> (Named, Named) {
    let root = described(paths);
    (ours(Document { root: &root }.operations().unwrap()), theirs(&root.to_string()))
}

#[test]
fn operations_of_shipped_documents_are_those_of_oas3() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (file, count) in [
        ("policies/ehealth.openapi.yaml", 3),
        ("src/upstream/openapi/public.json", 3),
        ("src/upstream/openapi/internal.json", 7),
    ] {
        let file = root.join(file);
        let text = std::fs::read_to_string(&file).unwrap();
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let named = ours(Description::read(&file).unwrap().operations);
        assert_eq!(named, theirs(&value.to_string()), "{}", file.display());
        assert_eq!(named.len(), count, "{}", file.display());
    }
}

/// Each set of the methods that OpenAPI 3.1 has, among what else a path item can say.
#[test]
fn every_set_of_methods_is_found() {
    for set in 0..256_u32 {
        let methods = METHODS.iter().take(8).enumerate().filter(|(bit, _)| set & (1 << bit) != 0);
        let mut item = json!({
            "summary": "x", "description": "get", "servers": [{ "url": "https://a.example/v1" }],
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
            "x-put": { "operationId": "no" },
        });
        for (_, method) in methods.clone() {
            item[*method] = json!({ "operationId": format!("{method}It"), "tags": ["get"], "responses": {} });
        }
        let (ours, theirs) = both(&json!({ "/a/{id}": item, "/b": { "get": {} }, "/A/{id}": {} }));
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), methods.count() + 1);
    }
}

#[test]
fn odd_paths_are_found_alike() {
    for paths in [
        json!({}),
        json!({ "/": { "get": {} } }),
        json!({ "//": { "get": {} }, "/a/": { "get": {} }, "/a": { "get": {} } }),
        json!({ "/a~1b": { "get": {} }, "/%7Bx%7D": { "post": {} }, "/é/{ü}": { "put": {} } }),
        json!({ "/{a}.{b}": { "get": {} }, "/{a}/x/{a}": { "get": {} } }),
        json!({ "/a": { "get": { "callbacks": { "c": { "{$request.body#/url}": { "post": {} } } } } } }),
        json!({ "/a": { "GET": {}, "Put": {}, "get": { "operationId": "g" } } }),
    ] {
        let (ours, theirs) = both(&paths);
        assert_eq!(ours, theirs, "{paths}");
    }
}

/// Differences from `oas3`, each with its reason.
#[test]
fn differences_are_these() {
    let operation = |method: &str, path: &str| (method.to_owned(), path.to_owned(), None);
    for (paths, only_ours, only_theirs) in [
        // OpenAPI 3.2; `oas3` is for 3.1.
        (json!({ "/a": { "query": {} } }), Some(operation("QUERY", "/a")), None),
        (json!({ "/a": { "additionalOperations": { "COPY": {} } } }), Some(operation("COPY", "/a")), None),
        // `oas3` leaves it to the caller to follow the reference of a path item.
        (json!({ "/a": { "$ref": "#/paths/~1b" }, "/b": { "get": {} } }), Some(operation("GET", "/a")), None),
        // OpenAPI 3.1, 4.9: an extension is no path.
        (json!({ "x-a": { "get": {} } }), None, Some(operation("GET", "x-a"))),
    ] {
        let (ours, theirs) = both(&paths);
        assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::from_iter(&only_ours), "{paths}");
        assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::from_iter(&only_theirs), "{paths}");
    }
}

/// Documents that at least one of the two refuses.
#[test]
fn documents_that_are_refused_are_these() {
    let operations = |root: &Value| Document { root }.operations().is_ok();
    for (paths, by_us, by_oas3) in [
        (json!([]), true, true),
        (json!({ "/a": [] }), true, true),
        (json!({ "/a": { "get": [] } }), true, true),
        (json!({ "/a": { "get": { "parameters": {} } } }), true, true),
        // Only read here as far as requests are made of it.
        (json!({ "/a": { "get": { "tags": 1 } } }), false, true),
        // Only followed, or only read as a template, here.
        (json!({ "a": { "get": {} } }), true, false),
        (json!({ "/{a": { "get": {} } }), true, false),
        (json!({ "/a": { "$ref": "#/nowhere" } }), true, false),
    ] {
        let root = described(&paths);
        let refused = (!operations(&root), oas3::from_json(root.to_string()).is_err());
        assert_eq!(refused, (by_us, by_oas3), "{paths}");
    }
}
