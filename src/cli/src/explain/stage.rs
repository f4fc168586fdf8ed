//! Owns the steps of a judgement as they are told: their order, their names, and what became of each.

use brama_policy::deciding::Stage;
use serde_json::{Map, Value, json};

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What is required was found.
    Passed,
    /// It was not.
    Lacking,
    /// Nothing is required.
    NotRequired,
    /// Something was lacking before.
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

/// A step as it is told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) stage: Stage,
    pub(crate) outcome: Outcome,
    /// For people.
    pub(crate) lines: Vec<String>,
    /// For programs.
    pub(crate) detail: Map<String, Value>,
}

impl Told {
    pub(crate) fn new(stage: Stage, outcome: Outcome) -> Self {
        Self { stage, outcome, lines: Vec::new(), detail: Map::new() }
    }

    /// A step about which there is one thing to say.
    pub(crate) fn brief(stage: Stage, outcome: Outcome, line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], ..Self::new(stage, outcome) }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "step": self.stage.as_str(), "outcome": self.outcome.as_str(), "detail": self.detail })
    }
}
