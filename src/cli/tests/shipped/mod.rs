//! The policies that this repository ships.

use std::fs;
use std::path::{Path, PathBuf};

/// Their folder.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// Every policy below the folder, by its path within it, in alphabetical order; `*.cases.yaml` are no policies.
pub(crate) fn policies() -> Vec<PathBuf> {
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
        } else if within.to_str().unwrap().ends_with(".yaml") && !within.to_str().unwrap().ends_with(".cases.yaml") {
            found.push(within);
        }
    }
}
