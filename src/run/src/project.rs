//! Owns the choice of the checkout whose files are run: the one that the caller names, else the one that the program
//! lies in.
//!
//! The folder that the program was built in is never taken: a copied or moved checkout would still name it.

use std::path::{Path, PathBuf};

use crate::error::StartError;

/// The folder with the shipped files, as `given`, else the nearest one above `program`.
pub(crate) fn project(given: Option<PathBuf>, program: &Path) -> Result<PathBuf, StartError> {
    if let Some(given) = given {
        return if is_project(&given) { Ok(given) } else { Err(StartError::NoProject(given)) };
    }
    let found = program.ancestors().skip(1).find(|folder| is_project(folder));
    found.map(Path::to_owned).ok_or_else(|| StartError::Homeless(program.to_owned()))
}

/// `true` if the folder is a checkout: it has this package's own manifest.
///
/// Other files may be missing; they must not be found in a checkout further up instead.
fn is_project(folder: &Path) -> bool {
    folder.join("src/run/Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with two checkouts, one inside the other.
    fn checkouts() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for checkout in ["outer", "outer/inner"] {
            fs::create_dir_all(folder.path().join(checkout).join("src/run")).unwrap();
            fs::write(folder.path().join(checkout).join("src/run/Cargo.toml"), "").unwrap();
        }
        folder
    }

    #[test]
    fn nearest_checkout_above_the_program_is_taken() {
        let folder = checkouts();
        for (program, found) in [
            ("outer/target/debug/brama-run", "outer"),
            ("outer/target/debug/deps/e2e", "outer"),
            ("outer/inner/target/debug/brama-run", "outer/inner"),
            ("outer/inner/brama-run", "outer/inner"),
        ] {
            let project = project(None, &folder.path().join(program)).unwrap();
            assert_eq!(project, folder.path().join(found), "{program}");
        }
    }

    #[test]
    fn given_checkout_is_taken_wherever_the_program_lies() {
        let folder = checkouts();
        let inner = folder.path().join("outer/inner");
        for program in ["outer/target/debug/brama-run", "elsewhere/brama-run"] {
            assert_eq!(project(Some(inner.clone()), &folder.path().join(program)).unwrap(), inner);
        }
    }

    #[test]
    fn folder_that_is_no_checkout_is_refused_rather_than_replaced() {
        let folder = checkouts();
        let error = project(Some("/nowhere".into()), &folder.path().join("outer/target/debug/brama-run")).unwrap_err();
        assert_eq!(error.to_string(), "BRAMA_PROJECT is `/nowhere`: it must be a checkout of Brama");
    }

    #[test]
    fn program_outside_of_a_checkout_says_what_to_set() {
        for program in ["/nowhere/brama-run", ""] {
            let error = project(None, Path::new(program)).unwrap_err().to_string();
            let expected =
                format!("`{program}` lies in no checkout of Brama: run `make run` there, or set BRAMA_PROJECT");
            assert_eq!(error, expected);
        }
    }
}
