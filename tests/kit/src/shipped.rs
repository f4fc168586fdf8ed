//! The policies that this repository ships.

use std::fs;
use std::path::{Path, PathBuf};

/// The project's root, from which the examples in the help run.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The policies' folder.
pub fn folder() -> PathBuf {
    project().join("policies")
}

/// Every policy below the folder, by its path within it, in alphabetical order.
pub fn policies() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&folder(), Path::new(""), &mut found);
    found.sort();
    assert!(found.len() > 3, "{found:?}");
    found
}

fn collect(folder: &Path, within: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, within) = (entry.path(), within.join(entry.file_name()));
        if path.is_dir() {
            collect(&path, &within, found);
        } else if is_policy(within.to_str().unwrap()) {
            found.push(within);
        }
    }
}

/// Names of policies: of other YAML files, `*.cases.yaml` has cases, and `*.openapi.yaml` describes an API.
fn is_policy(name: &str) -> bool {
    name.ends_with(".yaml") && ![".cases.yaml", ".openapi.yaml"].iter().any(|other| name.ends_with(other))
}
