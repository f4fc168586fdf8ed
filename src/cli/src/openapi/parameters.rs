//! Owns path parameters: their sample values, and the sample paths that are made of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value};

/// A path parameter: the values that are tried for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    values: Vec<String>,
}

impl Parameter {
    pub(super) fn read(name: &str, written: &Map<String, Value>, schema: Option<&Value>) -> Self {
        let values = schema.map_or_else(any_text, |schema| values(schema, written.get("example")));
        let lead = match written.get("style").and_then(Value::as_str) {
            Some("label") => ".".to_owned(),
            Some("matrix") => format!(";{name}="),
            Some(_) | None => String::new(),
        };
        Self { values: values.into_iter().map(|value| format!("{lead}{}", encoded(&value))).collect() }
    }
}

/// The sample values of a schema.
fn values(schema: &Value, example: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(value) = schema.get("const") {
        return vec![text(value)];
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array).filter(|values| !values.is_empty()) {
        return values.iter().map(text).collect();
    }
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let kind = match schema.get("type") {
        // OpenAPI 3.1: `type` may be a list. A path has no null.
        Some(Value::Array(kinds)) => match kinds.iter().filter(|kind| *kind != "null").collect::<Vec<_>>().as_slice() {
            [kind] => kind.as_str(),
            _several => None,
        },
        other => other.and_then(Value::as_str),
    };
    let format = schema.get("format").and_then(Value::as_str);
    match (kind, format) {
        (Some("integer"), _) => {
            let below_zero = schema.get("minimum").and_then(Value::as_i64).filter(|minimum| *minimum < 0);
            [Some("42".to_owned()), below_zero.map(|minimum| minimum.to_string())].into_iter().flatten().collect()
        }
        (Some("number"), _) => words(&["42", "4.2"]),
        (Some("boolean"), _) => words(&["true", "false"]),
        (Some("string") | None, Some("uuid")) => words(&[UUID]),
        (Some("string") | None, Some("date")) => words(&["2024-02-29"]),
        (Some("string") | None, Some("date-time")) => words(&["2024-02-29T00:00:00Z"]),
        // A value that fits a pattern is only known if the document has an example.
        (_, _) if schema.get("pattern").is_some() => {
            let example = example.or(schema.get("example")).or_else(|| schema.pointer("/examples/0"));
            example.map_or_else(any_text, |example| vec![text(example)])
        }
        (_, _) => any_text(),
    }
}

fn any_text() -> Vec<String> {
    ["word", "42", UUID].map(str::to_owned).to_vec()
}

/// The sample paths of a template. A parameter without a description is any text.
///
/// # Errors
/// A template with a query, a fragment or a brace too many, or with too many sample paths.
pub(super) fn paths(template: &str, parameters: &BTreeMap<&str, Parameter>) -> Result<Vec<String>, String> {
    if template.contains(['?', '#']) {
        return Err("a path has no query and no fragment".to_owned());
    }
    let mut paths = vec![String::new()];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("`{template}` has a brace too many"))?;
        if before.contains('}') || name.is_empty() || name.contains(['{', '/']) {
            return Err(format!("`{template}` has a brace too many"));
        }
        let undescribed = Parameter { values: any_text() };
        let values = &parameters.get(name).unwrap_or(&undescribed).values;
        paths =
            paths.iter().flat_map(|path| values.iter().map(move |value| format!("{path}{before}{value}"))).collect();
        if paths.len() > MAX_PATHS {
            return Err(format!("`{template}` makes more than {MAX_PATHS} sample paths"));
        }
        rest = after;
    }
    if rest.contains('}') {
        return Err(format!("`{template}` has a brace too many"));
    }
    Ok(paths.into_iter().map(|path| format!("{path}{rest}")).collect())
}

/// A value as a path's segment spells it (RFC 3986, 2.1 and 2.3).
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

const UUID: &str = "1380df72-275a-11e7-93ae-92361f002671";

/// The limit on the sample paths of a template: asking about more takes longer than anybody waits.
const MAX_PATHS: usize = 100_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schema_says_which_values_are_tried() {
        for (schema, expected) in [
            (json!({ "type": "string" }), &["word", "42", UUID][..]),
            (json!({}), &["word", "42", UUID]),
            (json!({ "type": "string", "format": "uuid" }), &[UUID]),
            (json!({ "type": ["string", "null"], "format": "uuid" }), &[UUID]),
            (json!({ "type": "integer" }), &["42"]),
            (json!({ "type": "integer", "minimum": -5 }), &["42", "-5"]),
            (json!({ "type": "integer", "minimum": 0 }), &["42"]),
            (json!({ "type": "boolean" }), &["true", "false"]),
            (json!({ "type": "string", "enum": ["a b", "c/d"] }), &["a b", "c/d"]),
            (json!({ "const": 7 }), &["7"]),
            (json!({ "type": "string", "pattern": "^[A-Z]+$" }), &["word", "42", UUID]),
            (json!({ "type": "string", "pattern": "^[A-Z]+$", "example": "ABC" }), &["ABC"]),
        ] {
            assert_eq!(values(&schema, None), expected, "{schema}");
        }
    }

    #[test]
    fn template_makes_a_path_for_each_value() {
        let parameter =
            |values: &[&str]| Parameter { values: values.iter().map(|value| (*value).to_owned()).collect() };
        let parameters = BTreeMap::from([("x", parameter(&["1", "2"])), ("y", parameter(&["z"]))]);
        for (template, expected) in [
            ("/a", &["/a"][..]),
            ("/a/{x}.json", &["/a/1.json", "/a/2.json"]),
            ("/{x}/{y}/b", &["/1/z/b", "/2/z/b"]),
            ("/{y}-{y}", &["/z-z"]),
        ] {
            assert_eq!(paths(template, &parameters).unwrap(), expected, "{template}");
        }
        for template in ["/{", "/{x", "/x}", "/{}", "/{{x}}", "/{a/b}", "/a?b={x}"] {
            assert!(paths(template, &parameters).is_err(), "{template}");
        }
    }

    #[test]
    fn values_are_spelt_as_the_gateway_takes_them() {
        assert_eq!(encoded("a b/é;~"), "a%20b%2F%C3%A9%3B~");
    }
}
