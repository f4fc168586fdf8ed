//! Owns the writing of a result: whole, or not at all.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use annotate_snippets::normalize_untrusted_str;
use tempfile::Builder;

/// Writes `text` to standard output, or to `path` by a rename within its folder, which Envoy sees as one change.
pub(crate) fn write(path: Option<&Path>, text: &str) -> Result<(), OutputError> {
    let Some(path) = path else {
        return io::stdout().write_all(text.as_bytes()).map_err(|error| OutputError::standard(&error));
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let replace = || {
        // Readable by the proxy's user too: a policy holds no secret.
        let mut file = Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    replace().map(|_file| ()).map_err(|error| OutputError::new(path, &error))
}

/// The characters that a line of standard output has room for: those of `COLUMNS`, which counts for a pipe too, as it does for
/// `ps`, else those of its terminal. `None` where neither is there.
pub(crate) fn width() -> Option<usize> {
    // Shells know it, and tell programs if they are asked to.
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    told.or_else(asked).filter(|columns| *columns > 0)
}

/// A text from a file or a request as it may be shown in a terminal: controls, those of C1 too, and marks that change the
/// direction of text are replaced.
pub(crate) fn untrusted(text: &str) -> String {
    normalize_untrusted_str(text).replace(|character: char| ('\u{80}'..='\u{9f}').contains(&character), "\u{fffd}")
}

/// A result that could not be written; what stood there before still does.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written: {reason}", path.display())]
pub(crate) struct OutputError {
    path: PathBuf,
    reason: String,
}

impl OutputError {
    pub(crate) fn new(path: &Path, error: &io::Error) -> Self {
        Self { path: path.to_owned(), reason: error.to_string() }
    }

    /// Of what was to go to standard output.
    pub(crate) fn standard(error: &io::Error) -> Self {
        Self::new(Path::new("standard output"), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_reaches_a_terminal() {
        for control in ["\u{1b}[31m", "\u{9b}31m", "\r", "\u{202e}", "\u{7f}"] {
            let shown = untrusted(&format!("a{control}b"));
            assert!(!shown.chars().any(|character| character.is_control() || character == '\u{202e}'), "{shown:?}");
        }
        assert_eq!(untrusted("plain, é, б"), "plain, é, б");
    }
}
