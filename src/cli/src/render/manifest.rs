//! Owns the common parts of Kubernetes manifests: names, labels, and the YAML text.

use std::str::FromStr;

use serde_json::Value;

use super::ecds::PluginError;
use crate::source::Checked;

/// An object for Kubernetes, with a comment for its operator.
pub(crate) struct Manifest {
    pub(crate) comment: &'static str,
    pub(crate) object: Value,
}

/// The manifests as YAML documents, each behind its comment.
///
/// Every text is quoted: readers of YAML 1.1, such as `kubectl`, take a bare `no` or `012` for something else.
pub(crate) fn text(manifests: &[Manifest]) -> Result<String, ManifestError> {
    let mut text = String::new();
    for Manifest { comment, object } in manifests {
        text.push_str("---\n");
        for line in comment.lines() {
            text.push_str(if line.is_empty() { "#" } else { "# " });
            text.push_str(line);
            text.push('\n');
        }
        let options = serde_saphyr::ser_options! { quote_all: true };
        text.push_str(&serde_saphyr::to_string_with_options(object, options)?);
    }
    Ok(text)
}

/// The name of the objects for `policy`: `brama-` and the policy's name.
pub(crate) fn object_name(policy: &Checked) -> Result<ObjectName, ManifestError> {
    let name = format!("brama-{}", policy.name());
    name.parse().map_err(|_invalid| ManifestError::Name { policy: policy.name().to_owned() })
}

/// A name of an object: a DNS subdomain
/// ([RFC 1123](https://www.rfc-editor.org/rfc/rfc1123), 2.1), as Kubernetes has it.
#[derive(Clone, Debug)]
pub(crate) struct ObjectName(String);

impl ObjectName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        // Room for a suffix below the 253 that Kubernetes allows.
        if text.len() <= 240 && text.split('.').all(is_label) { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }
}

/// A namespace: a single DNS label.
#[derive(Clone, Debug)]
pub(crate) struct Namespace(String);

impl Namespace {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Namespace {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_label(text) { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }
}

fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=63).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// A label that pods are chosen by.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for Label {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let (key, value) = text.split_once('=').ok_or(InvalidLabel)?;
        let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
        let sound = prefix.is_none_or(|prefix| prefix.parse::<ObjectName>().is_ok())
            && is_label_text(name)
            && is_label_text(value);
        if sound { Ok(Self { key: key.to_owned(), value: value.to_owned() }) } else { Err(InvalidLabel) }
    }
}

fn is_label_text(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 63 && text.bytes().all(is_plain) && is_edge(text.bytes().next()) && is_edge(text.bytes().last())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names in Kubernetes have lower-case letters, digits and `-`, with a letter or digit at both ends")]
pub(crate) struct InvalidName;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a label as `key=value`, both as Kubernetes allows them, neither empty")]
pub(crate) struct InvalidLabel;

/// The reason why a sound policy has no manifest.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error(
        "the policy's name `{policy}` cannot be part of an object's name in Kubernetes, which has lower-case letters, \
         digits, `-` and `.` only"
    )]
    Name { policy: String },
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error("the manifest cannot be written as YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_stay_texts_for_readers_of_yaml_1_1() {
        let object = json!({ "no": "yes", "012": "0o17", "1:30": "1_000", "on": "~", "# x": "a: b\n", "number": 1 });
        let text = text(&[Manifest { comment: "one\n\ntwo", object: object.clone() }]).unwrap();
        assert!(text.starts_with("---\n# one\n#\n# two\n"), "{text}");
        for quoted in ["\"no\": 'yes'", "\"012\": '0o17'", "\"1:30\": '1_000'", "\"on\": '~'", "number: 1\n"] {
            assert!(text.contains(quoted), "{quoted} in {text}");
        }
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), object);
    }

    #[test]
    fn odd_names_are_refused() {
        for name in ["", "A", "a_b", "-a", "a-", "a b", "a\n", &"a".repeat(64)] {
            assert!(name.parse::<Namespace>().is_err(), "{name}");
            assert!(name.parse::<ObjectName>().is_err(), "{name}");
        }
        assert!("a.b".parse::<Namespace>().is_err() && "a.b".parse::<ObjectName>().is_ok());
        assert!("a..b".parse::<ObjectName>().is_err() && ["a"; 121].join(".").parse::<ObjectName>().is_err());
    }

    #[test]
    fn odd_labels_are_refused() {
        for label in ["", "app", "=x", "app=", "a b=c", "app=-x", "/app=x", "UP/app=x", "app=a=b", "*=x", "app=*"] {
            assert_eq!(label.parse::<Label>().err(), Some(InvalidLabel), "{label}");
        }
        for label in ["app=x", "istio=ingressgateway", "app.kubernetes.io/name=Brama_1.0"] {
            assert!(label.parse::<Label>().is_ok(), "{label}");
        }
    }
}
