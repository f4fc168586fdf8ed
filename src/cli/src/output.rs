//! Owns the writing of a result: whole, or not at all.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use annotate_snippets::normalize_untrusted_str;
use tempfile::Builder;

/// Writes `text` to standard output, or to `path` by an atomic rename within its folder.
///
/// Envoy sees the rename as one change.
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

/// The width of standard output in characters: `COLUMNS`, else the width of its terminal, else `None`.
///
/// `COLUMNS` counts for a pipe too, as it does for `ps`.
pub(crate) fn width() -> Option<usize> {
    // Shells set `COLUMNS`, and export it on request only.
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    told.or_else(asked).filter(|columns| *columns > 0)
}

/// A text from a file or a request, made safe to show in a terminal.
///
/// Control characters, those of C1 included, and marks that change the direction of text are replaced.
pub(crate) fn untrusted(text: &str) -> String {
    normalize_untrusted_str(text).replace(|character: char| ('\u{80}'..='\u{9f}').contains(&character), "\u{fffd}")
}

/// A failure to write a result. A file that was there before is unchanged.
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

    /// A failure to write to standard output.
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
