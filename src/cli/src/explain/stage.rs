//! Owns a step of an explanation: its stage, its outcome, and what is shown of it.

use brama_policy::deciding::Stage;
use serde_json::{Map, Value, json};

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The requirement is met.
    Passed,
    /// The requirement is not met.
    Lacking,
    /// Nothing is required.
    NotRequired,
    /// An earlier step lacks something.
    NotReached,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Lacking => "lacking",
            Self::NotRequired => "not_required",
            Self::NotReached => "not_reached",
        }
    }
}

/// A step of an explanation.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) stage: Stage,
    pub(crate) outcome: Outcome,
    /// Lines for people.
    pub(crate) lines: Vec<String>,
    /// Members of the JSON form, for programs.
    pub(crate) detail: Map<String, Value>,
}

impl Told {
    pub(crate) fn new(stage: Stage, outcome: Outcome) -> Self {
        Self { stage, outcome, lines: Vec::new(), detail: Map::new() }
    }

    /// A step with one line.
    pub(crate) fn brief(stage: Stage, outcome: Outcome, line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], ..Self::new(stage, outcome) }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "step": self.stage.as_str(), "outcome": self.outcome.as_str(), "detail": self.detail })
    }
}
