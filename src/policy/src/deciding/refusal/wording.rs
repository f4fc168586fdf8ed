//! Owns the words of refusals: the body's format, and messages that a policy gives in place of the plain ones.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::deciding::decision::Denial;
use crate::fault::nearest;
use crate::identity::credential::{API_KEY, TOKEN};
use crate::identity::scope::Scopes;

/// How refusals are worded.
#[derive(Debug, Default)]
pub(crate) struct RefusalTemplate {
    pub(crate) format: Format,
    /// By the denial's code.
    pub(crate) messages: BTreeMap<String, Message>,
}

/// The body of a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    Bare,
    #[default]
    Ehealth,
    Problem,
}

impl RefusalTemplate {
    pub(crate) fn message(&self, denial: &Denial) -> String {
        match self.messages.get(denial.code()) {
            Some(message) => message.fill(denial),
            None => plain_words(denial),
        }
    }
}

/// A message with places for what a denial lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Message(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(String),
    /// `{missing_scopes}`: what was not granted, as `a, b`.
    MissingScopes,
    /// `{wanted_scopes}`: what the route wants, as `a, b`.
    WantedScopes,
}

impl Message {
    fn fill(&self, denial: &Denial) -> String {
        let (wanted, missing) = match denial {
            Denial::ScopeMissing { wanted, missing, .. } => (listed(wanted.named()), listed(missing)),
            // Only that denial's message may have places (`needs_scopes`), so that nothing is left empty here.
            _ => (String::new(), String::new()),
        };
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::MissingScopes => missing.as_str(),
                Piece::WantedScopes => wanted.as_str(),
            })
            .collect()
    }

    /// Whether it has a place that only `scope_missing` can fill.
    pub(crate) fn needs_scopes(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::MissingScopes | Piece::WantedScopes))
    }
}

/// The message where the policy has no words of its own.
fn plain_words(denial: &Denial) -> String {
    match denial {
        Denial::PathAmbiguous(ambiguity) => ambiguity.to_string(),
        Denial::HostMalformed(invalid) => invalid.to_string(),
        Denial::CredentialRepeated(kind, ..) if kind.as_str() == API_KEY => {
            "The API key is given more than once.".to_owned()
        }
        Denial::CredentialRepeated(kind, ..) if kind.as_str() == TOKEN => {
            "The access token is given more than once.".to_owned()
        }
        denial => denial.row().words.to_owned(),
    }
}

fn listed(scopes: &Scopes) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Message {
    type Err = InvalidMessage;

    fn from_str(text: &str) -> Result<Self, InvalidMessage> {
        if text.trim().is_empty() || text.len() > MAX_MESSAGE || text.chars().any(char::is_control) {
            return Err(InvalidMessage::Text);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(InvalidMessage::Brace)?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(match name {
                MISSING_SCOPES => Piece::MissingScopes,
                WANTED_SCOPES => Piece::WantedScopes,
                _ => return Err(InvalidMessage::Place(name.to_owned())),
            });
            rest = after;
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('}'))) || rest.contains('}') {
            return Err(InvalidMessage::Brace);
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }
}

/// A text that is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidMessage {
    #[error("a message is 1 to {MAX_MESSAGE} bytes of text on one line")]
    Text,
    #[error("a brace stands alone; write `{{missing_scopes}}` or `{{wanted_scopes}}`, or no brace")]
    Brace,
    #[error("`{{{0}}}` is nothing a message can tell; there are `{{missing_scopes}}` and `{{wanted_scopes}}`")]
    Place(String),
}

impl InvalidMessage {
    /// What was probably meant.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Place(name) => nearest(name, [MISSING_SCOPES, WANTED_SCOPES]),
            Self::Text | Self::Brace => None,
        }
    }
}

const MISSING_SCOPES: &str = "missing_scopes";

const WANTED_SCOPES: &str = "wanted_scopes";

/// Bytes of a message as it is written.
const MAX_MESSAGE: usize = 512;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn odd_messages_are_refused() {
        for text in
            ["", " ", "a\nb", "a\0", "{", "}", "a { b", "{x}", "{missing_scopes", "a}b{missing_scopes}", "{{x}}"]
        {
            assert!(text.parse::<Message>().is_err(), "{text}");
        }
        assert!("a".repeat(MAX_MESSAGE + 1).parse::<Message>().is_err());
    }

    #[test]
    fn places_are_known_by_name() {
        assert!(!"Invalid scopes".parse::<Message>().unwrap().needs_scopes());
        assert!("{wanted_scopes}, not {missing_scopes}".parse::<Message>().unwrap().needs_scopes());
        let invalid = "{missing_scope}".parse::<Message>().unwrap_err();
        assert_eq!(invalid.hint().as_deref(), Some("did you mean `missing_scopes`?"));
    }
}
