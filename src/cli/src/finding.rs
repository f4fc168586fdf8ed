//! Owns a finding about a policy: a fault or a lint.

use brama_policy::authoring::{Blamed, Fault, Lint};

/// A finding about a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// The path, as the core writes it: `routes[3].require.scopes.all[0]`; empty for the document as a whole.
    pub(crate) path: String,
    /// The message: lower case, no final period, the author's text in backticks.
    pub(crate) message: String,
    /// The hint: what the author could do about it.
    pub(crate) hint: Option<String>,
    /// The part of the text at `path` that the finding is about; `None` if it is about all of it.
    pub(crate) part: Option<Blamed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// A fault: the policy cannot be in force.
    Fault,
    /// A lint, with the code of its rule: the policy can be in force, and is perhaps not what its author meant.
    Lint(&'static str),
}

impl Finding {
    /// A fault of the file as a whole, or of text that is not a document yet.
    pub(crate) const fn of_file(message: String) -> Self {
        Self { severity: Severity::Fault, path: String::new(), message, hint: None, part: None }
    }

    /// Replaces `true` or `false` in a message by the word that is written, such as `no`, and adds a hint.
    pub(crate) fn say_as_written(&mut self, written: &str) {
        for word in ["false", "true"] {
            let read = format!("`{word}`, which is yes or no");
            if let Some(start) = self.message.strip_suffix(&read)
                && !written.eq_ignore_ascii_case(word)
            {
                self.message = format!("{start}`{written}`, which YAML reads as `{word}`");
                self.hint = Some(format!("put it in quotes: `\"{written}\"`"));
                return;
            }
        }
    }

    /// `true` if the message quotes `text` before anything else: then it is about that text.
    pub(crate) fn quotes(&self, text: &str) -> bool {
        let quoted = self.message.split_once('`').and_then(|(_before, quoted)| quoted.strip_prefix(text));
        quoted.is_some_and(|after| after.starts_with('`'))
    }
}

impl From<&Fault> for Finding {
    fn from(fault: &Fault) -> Self {
        Self {
            severity: Severity::Fault,
            path: fault.path.clone(),
            message: fault.message.clone(),
            hint: fault.hint.clone(),
            part: fault.part.clone(),
        }
    }
}

impl From<&Lint> for Finding {
    fn from(lint: &Lint) -> Self {
        Self {
            severity: Severity::Lint(lint.code),
            path: lint.path.clone(),
            message: lint.message.clone(),
            hint: Some(lint.hint.clone()),
            part: None,
        }
    }
}
