//! Owns the OpenAPI 3.1 documents of the listeners. `tests/openapi.rs`, and the tests of the routers and of the errors,
//! compare them with the service.

use crate::listen::Listener;

/// The document of a listener, as JSON text.
pub fn document(listener: Listener) -> &'static str {
    match listener {
        Listener::Internal => include_str!("../openapi/internal.json"),
        Listener::Public => include_str!("../openapi/public.json"),
    }
}

#[cfg(test)]
pub(crate) use tests::{paths, refusals};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn parsed(listener: Listener) -> Value {
        serde_json::from_str(document(listener)).unwrap()
    }

    fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
        value.as_object().into_iter().flatten()
    }

    fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    pub(crate) fn paths(listener: Listener) -> BTreeSet<String> {
        members(&parsed(listener)["paths"]).map(|(path, _)| path.clone()).collect()
    }

    /// Each status but 200 that an operation may answer, with each schema that a body of it may have.
    pub(crate) fn refusals(listener: Listener) -> Vec<(String, Value)> {
        let document = parsed(listener);
        let mut refusals = Vec::new();
        let operations = members(&document["paths"]).flat_map(|(_, methods)| members(methods));
        for (status, response) in operations.flat_map(|(_, operation)| members(&operation["responses"])) {
            if status != "200" {
                let schema = &resolved(&document, response)["content"]["application/json"]["schema"];
                let any_of = schema["anyOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
                refusals.extend(any_of.iter().map(|schema| (status.clone(), schema_of(&document, schema))));
            }
        }
        refusals
    }

    /// The schema itself, or the one of its `$ref` if it has no other member.
    fn schema_of(document: &Value, schema: &Value) -> Value {
        if schema.as_object().unwrap().len() == 1 { resolved(document, schema) } else { schema }.clone()
    }
}
