//! Owns the forms of a verification: text for people, JSON for programs.

use annotate_snippets::normalize_untrusted_str;
use brama_policy::deciding::UnixTime;
use brama_policy::identity::Opened;
use serde_json::{Value, json};

use super::{Difference, Outcome, Verdict, Verification};
use crate::explain::words;
use crate::paint::{GREEN, RED, YELLOW, paint};
use crate::report::Colour;

impl Verification {
    pub(crate) fn human(&self, colour: Colour) -> String {
        let steps: String = self
            .steps
            .iter()
            .map(|step| {
                let (style, mark) = match step.outcome {
                    Outcome::Passed => (GREEN, "ok"),
                    Outcome::Lacking(_) => (RED, "no"),
                    Outcome::Open => (YELLOW, "??"),
                };
                // A `kid` is untrusted: its sender chooses it.
                let apart = step.apart.as_ref().map(Difference::words).unwrap_or_default();
                format!(
                    " {}  {:<10} {}\n",
                    paint(colour, style, mark),
                    step.name,
                    normalize_untrusted_str(&format!("{}{apart}", step.message))
                )
            })
            .collect();
        let claims: String = self
            .claims
            .iter()
            .map(|claim| match &claim.why_not {
                None => format!("     claimed    {}\n", normalize_untrusted_str(&claim.told)),
                Some(why) => format!(
                    "     not        {}: {}\n",
                    normalize_untrusted_str(&claim.told),
                    normalize_untrusted_str(why)
                ),
            })
            .collect();
        let left_out: String =
            self.left_out.iter().map(|key| format!("     left out   {}\n", normalize_untrusted_str(key))).collect();
        let verdict = match (self.verdict(), self.reason()) {
            (Verdict::Good, _) => paint(colour, GREEN, "GOOD"),
            (Verdict::Refused, reason) => format!("{} {}", paint(colour, RED, "REFUSED"), reason.unwrap_or_default()),
            (Verdict::Unknown, _) => paint(colour, YELLOW, "UNKNOWN"),
        };
        format!("{steps}{left_out}{claims}\n{verdict}\n")
    }

    pub(crate) fn json(&self) -> Value {
        let steps: Vec<_> = self
            .steps
            .iter()
            .map(|step| {
                let (outcome, code) = match step.outcome {
                    Outcome::Passed => ("passed", None),
                    Outcome::Lacking(code) => ("lacking", Some(code)),
                    Outcome::Open => ("unknown", None),
                };
                let mut told = json!({ "step": step.name, "outcome": outcome, "code": code, "message": step.message });
                if let (Some(apart), Value::Object(members)) = (&step.apart, &mut told) {
                    members.insert("stated".to_owned(), apart.stated.clone());
                    members.insert("wanted".to_owned(), apart.wanted.clone());
                }
                told
            })
            .collect();
        let claims: Vec<_> = self
            .claims
            .iter()
            .map(|claim| json!({ "verifier": claim.told, "claims": claim.why_not.is_none(), "why_not": claim.why_not }))
            .collect();
        let verdict = match self.verdict() {
            Verdict::Good => "good",
            Verdict::Refused => "refused",
            Verdict::Unknown => "unknown",
        };
        json!({
            "verdict": verdict,
            "reason": self.reason(),
            "verifier": self.verifier,
            "claims": claims,
            "steps": steps,
            "left_out": self.left_out,
            "facts": self.facts.as_ref().map(words::facts_json),
        })
    }

    /// The reason of a refusal: the code of the first step that failed.
    fn reason(&self) -> Option<&'static str> {
        self.steps.iter().find_map(|step| match step.outcome {
            Outcome::Lacking(code) => Some(code),
            Outcome::Passed | Outcome::Open => None,
        })
    }
}

impl Difference {
    /// Both sides, as JSON: `"a"` is a text, and `["a"]` a list.
    fn words(&self) -> String {
        let wanted = shortened(&self.wanted);
        match &self.stated {
            Value::Null => format!("; {} has {wanted}", self.of),
            stated => format!("; the token has {}, {} {wanted}", shortened(stated), self.of),
        }
    }
}

/// The beginning of a value as JSON: its author chooses its length.
fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        None => text,
        Some((end, _next)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

/// The limit on the characters of a value that are shown.
const MAX_SHOWN: usize = 300;

/// The message about a claim that passed.
pub(super) fn claim(name: &str, opened: &Opened<'_>, now: UnixTime) -> String {
    match name {
        "exp" | "nbf" | "iat" => since(name, opened, now).unwrap_or_else(|| "not stated, nor needed".to_owned()),
        _ => "as the policy wants it".to_owned(),
    }
}

/// The time a claim states, leeway included, and how far that is from now.
pub(super) fn since(name: &str, opened: &Opened<'_>, now: UnixTime) -> Option<String> {
    let time = opened.time(name)?;
    let (ahead, ago) = (now.until(time), time.until(now));
    let distance =
        if ahead.is_zero() { format!("{} s ago", ago.as_secs_f64()) } else { format!("in {} s", ahead.as_secs_f64()) };
    Some(format!("{}, {distance}", words::instant(time)))
}
