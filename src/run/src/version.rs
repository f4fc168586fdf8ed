//! Owns the remark on an Envoy of another version than the one that the project is tested with in full.

use std::path::Path;
use std::process::{Command, Stdio};

/// The remark on an Envoy: its version is untested, or lacks something. `None` for a version that is tested in full,
/// and for a program that cannot be run.
pub(crate) fn remark(envoy: &Path) -> Option<String> {
    let output = Command::new(envoy).arg("--version").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    match version(&said) {
        Some(version) => about(version),
        // A program whose version is unknown may well be an Envoy; its start will show.
        None => Some("the version of this Envoy cannot be told: it is tested with 1.36 to 1.40".to_owned()),
    }
}

fn about((major, number, patch): (u32, u32, u32)) -> Option<String> {
    let minor = (major, number);
    if (major, number, patch) == WITHOUT_WASM {
        return Some(format!(
            "the wheel of Envoy {major}.{number}.{patch} is built without the Wasm runtime, and cannot run the plugin: \
             take ENVOY_VERSION=1.38.2"
        ));
    }
    if minor < OLDEST {
        return Some(format!(
            "Envoy {major}.{number} is older than any that was tried (1.36 to 1.40): it may not start"
        ));
    }
    if minor > NEWEST {
        return Some(format!("Envoy {major}.{number} is newer than any that was tried (1.36 to 1.40)"));
    }
    (minor < NEWEST).then(|| {
        format!(
            "Envoy {major}.{number} does all that the shipped bootstrap asks for, but it cannot join texts in CEL; \
             the project is tested in full with 1.40 (see envoy/README.md)"
        )
    })
}

/// The three numbers in `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`, without a suffix such as `-dev`.
fn version(said: &str) -> Option<(u32, u32, u32)> {
    let (_, version) = said.split_once("version: ")?;
    let mut numbers = version.split('/').nth(1)?.split(['.', '-']).map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// The oldest minor version that `make e2e-matrix` runs on.
const OLDEST: (u32, u32) = (1, 36);
/// The version whose wheel lacks the Wasm runtime; another build of it may have one.
const WITHOUT_WASM: (u32, u32, u32) = (1, 38, 3);
/// The minor version that `make e2e` runs on by default.
const NEWEST: (u32, u32) = (1, 40);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_what_envoy_says() {
        let said = "\n/a/envoy  version: bad8280d/1.36.4/Clean/RELEASE/BoringSSL\n\n";
        assert_eq!(version(said), Some((1, 36, 4)));
        assert_eq!(version("envoy  version: 0/1.41.0-dev/Modified/DEBUG/BoringSSL"), Some((1, 41, 0)));
        for odd in ["", "envoy", "version: a/b/c", "version: a/1/c", "version: a/1.36/c", "version: 1.36.4"] {
            assert_eq!(version(odd), None, "{odd}");
        }
    }

    #[test]
    fn newest_is_not_remarked_on() {
        for (version, words) in [
            ((1, 35, 9), Some("older than any")),
            ((1, 36, 4), Some("cannot join texts")),
            ((1, 38, 2), Some("cannot join texts")),
            ((1, 38, 3), Some("without the Wasm runtime")),
            ((1, 39, 3), Some("cannot join texts")),
            ((1, 40, 0), None),
            ((1, 41, 0), Some("newer than any")),
            ((2, 0, 0), Some("newer than any")),
        ] {
            let remark = about(version);
            assert_eq!(remark.is_some(), words.is_some(), "{version:?}: {remark:?}");
            assert!(words.is_none_or(|words| remark.unwrap().contains(words)), "{version:?}");
        }
    }
}
