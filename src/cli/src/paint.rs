//! Owns the colours of a terminal.

use crate::report::Colour;

/// The text in a style, where colours are wanted.
pub(crate) fn paint(colour: Colour, style: &str, text: &str) -> String {
    match colour {
        Colour::Terminal => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        Colour::Plain => text.to_owned(),
    }
}

/// Parameters of the terminal's `SGR` sequence (ECMA-48, 8.3.117).
pub(crate) const BOLD: &str = "1";
pub(crate) const DIM: &str = "2";
pub(crate) const RED: &str = "1;31";
pub(crate) const GREEN: &str = "32";
pub(crate) const YELLOW: &str = "1;33";
