//! Owns the plugin's configuration: a policy and the secrets it needs, compiled whole or refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use brama_policy::deciding::{DocumentDigest, Faults, Policy, PolicyDocument};
use brama_policy::identity::SecretName;

/// A policy in force, with the secrets its verifiers send.
#[derive(Debug)]
pub struct Settings {
    policy: Arc<Policy>,
    digest: Option<DocumentDigest>,
    secrets: BTreeMap<SecretName, Secret>,
}

impl Settings {
    /// Reads the plugin's configuration: a policy document as JSON text. `environment` is the VM's.
    ///
    /// # Errors
    /// All faults of the document, or a secret that is not there.
    pub fn load(configuration: &[u8], environment: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSettings> {
        let text = std::str::from_utf8(configuration).map_err(|_not_utf8| InvalidSettings::NotText)?;
        // A `Struct` reaches the guest as raw protobuf, which begins with its first field's tag and length.
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            return Err(InvalidSettings::NotText);
        }
        let policy = Policy::compile(&PolicyDocument::read(text)?)?;
        let secrets = policy
            .secrets()
            .map(|name| match environment(name.as_str()) {
                Some(value) if name.accepts(&value) => Ok((name.clone(), Secret(value))),
                Some(_odd) => Err(InvalidSettings::OddSecret(name.as_str().to_owned(), name.wanted())),
                None => Err(InvalidSettings::NoSecret(name.as_str().to_owned())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { policy: Arc::new(policy), digest: DocumentDigest::of_text(text), secrets })
    }

    /// What holds before there is a configuration: everything is refused.
    #[must_use]
    pub fn refuse_all() -> Self {
        Self { policy: Arc::new(Policy::refuse_all()), digest: None, secrets: BTreeMap::new() }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// What is in force, in words: the policy's name and its digest, which `brama digest` prints.
    #[must_use]
    pub fn in_words(&self) -> String {
        let digest = self.digest.map(|digest| format!(", sha256 {digest}")).unwrap_or_default();
        format!("policy `{}`{digest}", self.policy.name())
    }

    /// A secret by the name of its variable.
    #[must_use]
    pub fn secret(&self, name: &SecretName) -> Option<&str> {
        self.secrets.get(name).map(|secret| secret.0.as_str())
    }
}

/// Why a configuration is refused; the last good one goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// Something else than JSON text.
    #[error(
        "the plugin configuration is not JSON text; give it as a google.protobuf.StringValue (a Struct arrives as raw protobuf)"
    )]
    NotText,
    /// A document with faults.
    #[error("the policy has faults:\n{0}")]
    Faulty(#[from] Faults),
    /// A variable that is not there.
    #[error("the environment variable `{0}` is not set; name it in the VM's host_env_keys")]
    NoSecret(String),
    /// A variable that could not be sent in a header.
    #[error("the environment variable `{0}` is not {1}")]
    OddSecret(String, &'static str),
}

struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> String {
        let yaml = include_str!("../../../policies/ehealth.yaml");
        serde_saphyr::from_str::<serde_json::Value>(yaml).unwrap().to_string()
    }

    fn load(configuration: &[u8], secret: Option<&str>) -> Result<Settings, String> {
        Settings::load(configuration, |name| secret.filter(|_| name == "BRAMA_AUTHORITY_SECRET").map(str::to_owned))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn document_with_its_secret_is_in_force() {
        let settings = load(document().as_bytes(), Some("s3cret")).unwrap();
        let name = settings.policy().secrets().next().unwrap().clone();
        assert_eq!(settings.secret(&name), Some("s3cret"));
        assert!(!format!("{settings:?}").contains("s3cret"));
        let digest = DocumentDigest::of_text(&document()).unwrap();
        assert_eq!(settings.in_words(), format!("policy `ehealth`, sha256 {digest}"));
        assert_eq!(Settings::refuse_all().in_words(), "policy `brama`");
    }

    #[test]
    fn missing_or_odd_secret_refuses() {
        assert!(load(document().as_bytes(), None).unwrap_err().contains("`BRAMA_AUTHORITY_SECRET` is not set"));
        for odd in ["", "a b", "a\r\nx: y", "é"] {
            assert!(load(document().as_bytes(), Some(odd)).unwrap_err().contains("visible ASCII"), "{odd}");
        }
    }

    #[test]
    fn anything_but_json_text_refuses_with_the_way_out() {
        for odd in [&b""[..], b"version: 1", b"\x0a\x10\x0a\x07version\x12\x05\x11\0\0\0", b"\xff{}"] {
            assert!(load(odd, Some("s")).unwrap_err().contains("StringValue"), "{}", odd.escape_ascii());
        }
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let faulty = document().replace("\"DELETE\"", "\"delete\"");
        let error = load(faulty.as_bytes(), Some("s")).unwrap_err();
        assert!(error.contains("routes[0].methods[0]: `delete` is no method in capitals"), "{error}");
        assert!(error.contains("routes[1].methods[0]"), "{error}");
    }
}
