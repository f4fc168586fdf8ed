//! Owns the text of an error with its causes, on one line.

use std::error::Error;

/// The messages of an error and its causes, joined by `: `. A message with which the text already ends is left out,
/// since some crates repeat their cause's text in their own.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    #[test]
    fn causes_follow_and_repeated_text_is_left_out() {
        let link = |text, source: Option<Link>| Link { text, source: source.map(Box::new) };
        let error = link("cannot open", Some(link("database: locked", Some(link("locked", None)))));
        assert_eq!(chain(&error), "cannot open: database: locked");
    }
}
