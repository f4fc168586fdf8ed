//! Owns the folders of a run: the data folder, kept or temporary, and the private one with the sockets.

use std::env;
use std::fs::{self, File, Permissions, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::StartError;

/// The log files of a stack's processes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Logs {
    /// Envoy's access log: a JSON object for each request, written a moment after the answer.
    pub access: PathBuf,
    /// Envoy's and the plugin's warnings.
    pub envoy: PathBuf,
    /// The upstream's log.
    pub upstream: PathBuf,
}

/// The folders of one run. The temporary ones are removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Data {
    folder: PathBuf,
    sockets: TempDir,
    /// The owner of the temporary folder, or of the lock; dropping it releases them.
    _keeper: Keeper,
}

#[derive(Debug)]
enum Keeper {
    Temporary { _folder: TempDir },
    Kept { _lock: File },
}

impl Data {
    /// Opens the folder that was given, or makes a temporary one.
    pub(crate) fn open(given: Option<&Path>) -> Result<Self, StartError> {
        let sockets = temporary(&sockets_parent())?;
        let Some(given) = given else {
            let folder = temporary(&env::temp_dir())?;
            return Ok(Self {
                folder: folder.path().to_owned(),
                sockets,
                _keeper: Keeper::Temporary { _folder: folder },
            });
        };
        fs::create_dir_all(given).map_err(file_error("make the data folder", given))?;
        let folder = given.canonicalize().map_err(file_error("open the data folder", given))?;
        let path = folder.join("lock");
        // The system releases the lock when the process ends, in whatever way; the file may stay.
        let lock = File::create(&path).map_err(file_error("write", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, sockets, _keeper: Keeper::Kept { _lock: lock } }),
            Err(TryLockError::WouldBlock) => Err(StartError::DataInUse(given.to_owned())),
            Err(TryLockError::Error(error)) => Err(file_error("lock", &path)(error)),
        }
    }

    pub(crate) fn bootstrap(&self) -> PathBuf {
        self.folder.join("envoy.yaml")
    }

    pub(crate) fn ecds(&self) -> PathBuf {
        self.folder.join("ecds.json")
    }

    pub(crate) fn database_url(&self) -> String {
        format!("sqlite://{}", self.folder.join("brama.db").display())
    }

    pub(crate) fn logs(&self) -> Logs {
        Logs {
            access: self.folder.join("access.log"),
            envoy: self.folder.join("envoy.log"),
            upstream: self.folder.join("upstream.log"),
        }
    }

    pub(crate) fn public_socket(&self) -> PathBuf {
        self.sockets.path().join("public")
    }

    pub(crate) fn internal_socket(&self) -> PathBuf {
        self.sockets.path().join("internal")
    }

    /// The file in which Envoy tells the address of its administration.
    pub(crate) fn admin_address(&self) -> PathBuf {
        self.sockets.path().join("admin")
    }
}

/// A function from the cause of a failed file operation to its error.
pub(crate) fn file_error(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::File { doing, path, source }
}

/// A folder that only this user can enter.
fn temporary(parent: &Path) -> Result<TempDir, StartError> {
    let private = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("brama-").permissions(private).tempdir_in(parent);
    folder.map_err(file_error("make a temporary folder in", parent))
}

/// The folder for the sockets' folder: the usual temporary one, or `/tmp` if its path is too long for a socket's.
fn sockets_parent() -> PathBuf {
    let usual = env::temp_dir();
    if usual.as_os_str().as_bytes().len() > MAX_PARENT { PathBuf::from("/tmp") } else { usual }
}

/// The limit on the path of that folder, in bytes. A socket's path has 107; `/brama-XXXXXX/internal` takes 22 of them.
const MAX_PARENT: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_folders_are_private_and_go() {
        let data = Data::open(None).unwrap();
        let folders = [data.folder.clone(), data.public_socket().parent().unwrap().to_owned()];
        for folder in &folders {
            assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
        drop(data);
        assert!(folders.iter().all(|folder| !folder.exists()));
    }

    #[test]
    fn given_folder_is_made_and_stays() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        drop(Data::open(Some(&folder)).unwrap());
        assert!(folder.is_dir());
    }

    #[test]
    fn folder_serves_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Data::open(Some(folder.path())).unwrap();
        assert!(matches!(Data::open(Some(folder.path())), Err(StartError::DataInUse(_))));
        drop(first);
        Data::open(Some(folder.path())).unwrap();
    }
}
