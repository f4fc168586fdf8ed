//! Owns the reading of a policy file: YAML or JSON in, a policy without faults out.

use std::path::{Path, PathBuf};

use brama_policy::{Faults, Policy, PolicyDocument, SecretName};

/// A policy file that has no fault.
pub(crate) struct Checked {
    policy: Policy,
    json: String,
}

impl Checked {
    pub(crate) fn read(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |reason: String| SourceError::Unreadable { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        // YAML contains JSON; a key written twice is an error here, as it is in the core.
        let value: serde_json::Value = serde_saphyr::from_str(&text)
            .map_err(|error| SourceError::NotYaml { path: path.to_owned(), reason: error.to_string() })?;
        let json = value.to_string();
        let faulty = |faults| SourceError::Faulty { path: path.to_owned(), faults };
        let policy = Policy::compile(&PolicyDocument::read(&json).map_err(faulty)?).map_err(faulty)?;
        Ok(Self { policy, json })
    }

    /// The policy as the plugin receives it.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    pub(crate) fn name(&self) -> &str {
        self.policy.name()
    }

    /// The environment variables the plugin's VM has to be given.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.policy.secrets()
    }
}

/// A policy file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("{} has faults:\n{}", path.display(), listed(faults))]
    Faulty { path: PathBuf, faults: Faults },
    #[error("{} is not YAML: {reason}", path.display())]
    NotYaml { path: PathBuf, reason: String },
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
}

fn listed(faults: &Faults) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}
