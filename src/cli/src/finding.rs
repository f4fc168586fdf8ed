//! Owns what can be said about a policy: a fault, or a lint.

use brama_policy::authoring::{Blamed, Fault, Lint};

/// One thing to say about a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Where, as the core writes it: `routes[3].require.scopes.all[0]`; empty for the document as a whole.
    pub(crate) path: String,
    /// What: lower case, no final period, the author's text in backticks.
    pub(crate) message: String,
    /// What the author could do about it.
    pub(crate) hint: Option<String>,
    /// Which part of the text there it is about, where it is not about the whole.
    pub(crate) part: Option<Blamed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The policy cannot be in force.
    Fault,
    /// The policy can be in force, and is perhaps not what its author meant; the code names the rule.
    Lint(&'static str),
}

impl Finding {
    /// A fault of the file as a whole, or of text that has no path because it is no document yet.
    pub(crate) const fn of_file(message: String) -> Self {
        Self { severity: Severity::Fault, path: String::new(), message, hint: None, part: None }
    }

    /// Says of a text that YAML reads as yes or no how it is written: `no` is nowhere `false` to its author.
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

    /// Whether the message quotes `text` before anything else, which is to say that it is about it.
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
