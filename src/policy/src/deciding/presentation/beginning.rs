//! Owns how a credential can begin, by the places in which it is presented.

use super::{Alphabet, Form, HeaderSource, Presentation, Source, is_token68};

impl Presentation {
    /// Whether a credential could begin so, in one of its sources.
    pub(crate) fn could_begin(&self, prefix: &str) -> bool {
        self.sources.iter().any(|source| source.could_begin(prefix, self.alphabet))
    }
}

impl Source {
    fn could_begin(&self, prefix: &str, alphabet: Option<Alphabet>) -> bool {
        let (usual, delimiters) = match self {
            Self::Header(HeaderSource { form: Form::Scheme(_), .. }) => (Alphabet::Token68, &[','][..]),
            Self::Header(_) => (Alphabet::Visible, &[','][..]),
            Self::Cookie { .. } => (Alphabet::Visible, &['"', ',', ';', '\\'][..]),
            // Unescaped, it can have any.
            Self::Parameter { .. } => (Alphabet::Visible, &[][..]),
        };
        match alphabet.unwrap_or(usual) {
            // With more behind it, or with `=` at its end.
            Alphabet::Token68 => is_token68(&format!("{prefix}a")) || is_token68(prefix),
            Alphabet::Visible => !prefix.contains(delimiters),
        }
    }
}
