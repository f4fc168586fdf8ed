//! Owns the text of an explanation, for people.

use brama_policy::deciding::{Decision, RefusalResponse, RuleId};

use super::stage::{Outcome, Told};
use super::{Explanation, words};
use crate::output::untrusted;
use crate::paint::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use crate::report::Colour;

impl Explanation {
    /// Each step with its reasons, the verdict, and the answer to a refusal.
    pub(crate) fn human(&self, colour: Colour) -> String {
        let title = paint(colour, BOLD, &untrusted(&self.title));
        let mut number = 1;
        let mut steps = String::new();
        for told in self.steps.chunk_by(|one, two| one.outcome != Outcome::Passed && one.lines == two.lines) {
            steps.push_str(&step(number, told, colour));
            number += told.len();
        }
        let answer = self.answer.as_ref().map(answer).unwrap_or_default();
        format!("{title}\n{steps}\n{}\n{answer}", self.verdict(colour))
    }

    fn verdict(&self, colour: Colour) -> String {
        let by = |rule: Option<&RuleId>| rule.map_or("no rule".to_owned(), |rule| format!("rule {}", rule.as_str()));
        match &self.decision {
            Decision::Refuse(refused) => {
                let denial = refused.denial();
                let word = paint(colour, RED, "REFUSED");
                format!(
                    "{word} {}, {}: {}",
                    denial.code(),
                    by(refused.rule()),
                    words::lack_with_kind(denial, &self.policy)
                )
            }
            Decision::Allow(grant) => {
                let (word, by) = (|style| paint(colour, style, "ALLOWED"), by(grant.rule()));
                match grant.would_refuse() {
                    None if self.is_preflight => format!("{} by {by}, as a preflight request", word(GREEN)),
                    None => format!("{} by {by}", word(GREEN)),
                    Some(denial) => {
                        let reason = words::lack_with_kind(denial, &self.policy);
                        format!("{}, would refuse {}, {by} in shadow mode: {reason}", word(YELLOW), denial.code())
                    }
                }
            }
        }
    }
}

/// A step, or several adjacent steps with the same lines.
fn step(number: usize, told: &[Told], colour: Colour) -> String {
    let Some((first, others)) = told.split_first() else { return String::new() };
    let style = match first.outcome {
        Outcome::Passed => GREEN,
        Outcome::Lacking => RED,
        Outcome::NotRequired | Outcome::NotReached => DIM,
    };
    let names: Vec<_> = told.iter().map(|told| told.stage.as_str()).collect();
    let head = if others.is_empty() {
        format!(" {number}   {} ", paint(colour, style, &format!("{:<12}", first.stage.as_str())))
    } else {
        format!(" {number}-{} {}: ", number + others.len(), paint(colour, style, &names.join(", ")))
    };
    let indent = " ".repeat(INDENT);
    let lines = first.lines.iter().map(|line| untrusted(line)).collect::<Vec<_>>();
    format!("{head}{}\n", lines.join(&format!("\n{indent}")))
}

/// The answer in the notation of HTTP/1.1, for people.
fn answer(answer: &RefusalResponse) -> String {
    let phrase = match answer.status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        503 => "Service Unavailable",
        _ => "",
    };
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let body = if answer.body.is_empty() { String::new() } else { format!("\n{}\n", answer.body) };
    format!("\nHTTP/1.1 {} {phrase}\n{headers}{body}", answer.status)
}

/// The columns before a line of a step.
const INDENT: usize = 18;
