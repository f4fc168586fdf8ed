//! Owns the reading of an API's description in OpenAPI 3: each operation becomes sample requests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

#[cfg(test)]
mod oracle;
mod parameters;
mod servers;

use servers::Server;

/// The operations of an API.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) file: String,
    pub(crate) operations: Vec<Operation>,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// The path template, as it is written.
    pub(crate) path: String,
    /// The `operationId`.
    pub(crate) id: Option<String>,
    /// Sample requests: one for each server and each kind of value that the parameters can have.
    pub(crate) samples: Vec<Sample>,
}

/// One request that an operation describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// `None` if the description names no host.
    pub(crate) host: Option<String>,
    pub(crate) path: String,
}

/// An error of a description, with its place.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}{reason}", file.display(), if place.is_empty() { String::new() } else { format!("{place}: ") })]
pub(crate) struct OpenApiError {
    file: PathBuf,
    /// The place as a JSON pointer; empty for the document as a whole.
    place: String,
    reason: String,
}

/// A fault of a description, with its place as a JSON pointer.
#[derive(Debug)]
struct Wrong {
    place: String,
    reason: String,
}

impl Description {
    pub(crate) fn read(file: &Path) -> Result<Self, OpenApiError> {
        let invalid = |place: String, reason: String| OpenApiError { file: file.to_owned(), place, reason };
        let text = std::fs::read_to_string(file)
            .map_err(|error| invalid(String::new(), format!("the file cannot be read: {error}")))?;
        // YAML contains JSON. `n` and `on` are names of parameters, and an API may be of any size.
        let options = serde_saphyr::options! { strict_booleans: true, budget: None };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let root: Value = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| invalid(String::new(), error.without_snippet().to_string()))?;
        let operations = Document { root: &root }.operations().map_err(|wrong| invalid(wrong.place, wrong.reason))?;
        Ok(Self { file: file.display().to_string(), operations })
    }
}

/// A document in which references are followed.
#[derive(Clone, Copy, Debug)]
struct Document<'a> {
    root: &'a Value,
}

impl<'a> Document<'a> {
    fn operations(self) -> Result<Vec<Operation>, Wrong> {
        match self.root.get("openapi").and_then(Value::as_str) {
            Some(version) if version.starts_with("3.") => {}
            Some(version) => return Err(Wrong::at("/openapi", format!("version `{version}` is not 3"))),
            None if self.root.get("swagger").is_some() => {
                return Err(Wrong::at("/swagger", "Swagger 2 is not OpenAPI 3; convert it first"));
            }
            None => return Err(Wrong::at("", "this is no OpenAPI document: it has no `openapi`")),
        }
        let paths = self.root.get("paths").ok_or_else(|| Wrong::at("", "it has no `paths`"))?;
        let mut operations = Vec::new();
        for (path, item) in object(paths, "/paths")? {
            if path.starts_with("x-") {
                continue;
            }
            let place = format!("/paths/{}", path.replace('~', "~0").replace('/', "~1"));
            if !path.starts_with('/') {
                return Err(Wrong::at(place, "a path begins with `/`"));
            }
            self.item(path, item, &place, &mut operations)?;
        }
        Ok(operations)
    }

    fn item(self, path: &str, item: &Value, place: &str, operations: &mut Vec<Operation>) -> Result<(), Wrong> {
        let written = object(item, place)?;
        if written.contains_key("$ref") && METHODS.iter().any(|method| written.contains_key(*method)) {
            return Err(Wrong::at(place, "what a path item with `$ref` says beside it has no agreed meaning"));
        }
        let item = object(self.resolve(item, place)?, place)?;
        let shared = item.get("parameters");
        let further = item.get("additionalOperations").map(|further| object(further, place)).transpose()?;
        let standard = METHODS.iter().filter_map(|method| Some((method.to_ascii_uppercase(), item.get(*method)?)));
        let further = further.into_iter().flatten().map(|(method, operation)| (method.clone(), operation));
        for (method, operation) in standard.chain(further) {
            let place = format!("{place}/{}", method.to_ascii_lowercase());
            let operation = object(operation, &place)?;
            let parameters = self.parameters(shared, operation.get("parameters"), &place)?;
            let paths = parameters::paths(path, &parameters).map_err(|reason| Wrong::at(&place, reason))?;
            let servers = [operation.get("servers"), item.get("servers"), self.root.get("servers")];
            let servers = servers::read(servers.into_iter().flatten().next(), &place)?;
            let samples = servers.iter().flat_map(|server| paths.iter().map(|path| server.sample(path))).collect();
            let id = operation.get("operationId").and_then(Value::as_str).map(str::to_owned);
            operations.push(Operation { method, path: path.to_owned(), id, samples });
        }
        Ok(())
    }

    /// The path parameters by name: the operation's own override those of its path.
    fn parameters(
        self,
        shared: Option<&'a Value>,
        own: Option<&'a Value>,
        place: &str,
    ) -> Result<BTreeMap<&'a str, parameters::Parameter>, Wrong> {
        let mut named = BTreeMap::new();
        for list in [shared, own].into_iter().flatten() {
            let list = list.as_array().ok_or_else(|| Wrong::at(place, "`parameters` is no list"))?;
            for parameter in list {
                let parameter = object(self.resolve(parameter, place)?, place)?;
                let (name, within) = match (parameter.get("name"), parameter.get("in")) {
                    (Some(Value::String(name)), Some(Value::String(within))) => (name.as_str(), within.as_str()),
                    _other => return Err(Wrong::at(place, "a parameter has a `name` and an `in`")),
                };
                if within == "path" {
                    let schema = parameter.get("schema").map(|schema| self.resolve(schema, place)).transpose()?;
                    named.insert(name, parameters::Parameter::read(name, parameter, schema));
                }
            }
        }
        Ok(named)
    }

    /// The target of a value that is a reference into this document, else the value itself.
    fn resolve(self, value: &'a Value, place: &str) -> Result<&'a Value, Wrong> {
        let mut value = value;
        for _hop in 0..MAX_HOPS {
            let Some(reference) = value.get("$ref") else { return Ok(value) };
            let reference = reference.as_str().ok_or_else(|| Wrong::at(place, "`$ref` is no text"))?;
            let pointer = reference.strip_prefix('#').ok_or_else(|| {
                Wrong::at(place, format!("`{reference}` is outside of this document; bundle it into one file first"))
            })?;
            // RFC 6901, 6: in a URI fragment a pointer is percent-encoded.
            let pointer = servers::decoded(pointer);
            let target = pointer.and_then(|pointer| self.root.pointer(&pointer));
            value = target.ok_or_else(|| Wrong::at(place, format!("`{reference}` leads nowhere")))?;
        }
        Err(Wrong::at(place, "a `$ref` leads in a circle"))
    }
}

impl Wrong {
    fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}

impl Server {
    fn sample(&self, path: &str) -> Sample {
        Sample { host: self.host.clone(), path: format!("{}{path}", self.prefix) }
    }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, Wrong> {
    value.as_object().ok_or_else(|| Wrong::at(place, "this is no object"))
}

/// The keys of a path item that are methods; `query` since OpenAPI 3.2.
const METHODS: [&str; 9] = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/// The limit on references that lead to one another; a longer chain is taken for a circle.
const MAX_HOPS: usize = 16;
