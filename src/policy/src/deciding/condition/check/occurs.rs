//! Owns comparisons that could have one outcome only: with a text, a number or a list that can never occur.

use cel::common::ast::{CallExpr, Expr, operators};
use cel::parser::Expression;

use super::Walk;
use crate::deciding::condition::InvalidCondition;
use crate::deciding::condition::language::{Automaton, Pattern, Test};
use crate::deciding::condition::shown::{shown, written};
use crate::deciding::condition::texts::{Source, Texts};
use crate::deciding::condition::types::{List, Type, Whole};

/// An expression with what is known of it.
pub(super) struct Part<'e, T> {
    pub(super) expression: &'e Expression,
    pub(super) of: &'e T,
}

impl<T> Clone for Part<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Part<'_, T> {}

impl Walk<'_> {
    /// Refuses to compare two of one type for equality that can never be equal.
    pub(super) fn can_equal(&self, left: Part<'_, Type>, right: Part<'_, Type>) -> Result<(), InvalidCondition> {
        let (one, two) = (left.expression, right.expression);
        match (left.of, right.of) {
            (Type::Text(left), Type::Text(right)) => {
                self.can_pass(Test::Equals, Part { expression: one, of: left }, Part { expression: two, of: right })
            }
            (Type::Int(left), Type::Int(right)) | (Type::Timestamp(left), Type::Timestamp(right)) => {
                numbers_can_equal(Part { expression: one, of: left }, Part { expression: two, of: right })
            }
            (Type::List(left), Type::List(right)) => {
                self.lists_can_equal(Part { expression: one, of: left }, Part { expression: two, of: right })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a test of one text with another that it can never pass.
    pub(super) fn can_pass(
        &self,
        test: Test,
        of: Part<'_, Texts>,
        with: Part<'_, Texts>,
    ) -> Result<(), InvalidCondition> {
        match (of.of, with.of) {
            (Texts { source: Some(source), .. }, Texts { source: None, written: Some(written), .. }) => {
                self.each_can_pass(test, *source, of, written)
            }
            (Texts { source: None, written: Some(written), .. }, Texts { source: Some(source), .. })
                if test == Test::Equals =>
            {
                self.each_can_pass(test, *source, with, written)
            }
            (Texts { source: None, .. }, Texts { source: None, .. }) => Ok(()),
            (one, two) if one.pattern.meets(&test.passed_with(two.pattern.clone())) => Ok(()),
            (one, two) => {
                let reasons: Vec<_> = [one.source, two.source]
                    .into_iter()
                    .flatten()
                    .map(|source| source.reason(&self.names.around))
                    .collect();
                let what = format!("`{}`", shown(with.expression));
                Err(InvalidCondition::Never {
                    text: shown(of.expression),
                    never: if test == Test::Equals { "be" } else { passes(test) },
                    what,
                    reason: reasons.join("; "),
                    hint: None,
                })
            }
        }
    }

    fn each_can_pass(
        &self,
        test: Test,
        source: Source,
        of: Part<'_, Texts>,
        written: &[String],
    ) -> Result<(), InvalidCondition> {
        let known = Automaton::of(&of.of.pattern);
        let passes_with = |text: &str| {
            self.hidden(source, test, text).is_none()
                && known.common(&Automaton::of(&test.passed_with(Pattern::text(text)))).is_some()
        };
        let Some(text) = written.iter().find(|text| !passes_with(text)) else { return Ok(()) };
        let is_joined =
            matches!(&of.expression.expr, Expr::Call(CallExpr { func_name, .. }) if func_name == operators::ADD);
        let reason = match self.hidden(source, test, text) {
            Some(why) => why.to_owned(),
            None if is_joined => "its parts never come to that".to_owned(),
            None => source.reason(&self.names.around),
        };
        let meant = || {
            source
                .spellings(test, text)
                .into_iter()
                .find(|other| other != text && !other.is_empty() && passes_with(other))
        };
        let hint = match source {
            Source::Fact if text.is_empty() => Some(format!("write `has({})`", shown(of.expression))),
            _ => meant().map(|meant| format!("write `{meant}`")),
        };
        Err(InvalidCondition::Never {
            text: text.clone(),
            never: passes(test),
            what: what(source, of.expression),
            reason,
            hint,
        })
    }

    /// Why a header of this name, or of names like it, is never there.
    fn hidden(&self, source: Source, test: Test, text: &str) -> Option<&'static str> {
        if source != Source::HeaderName {
            return None;
        }
        let hidden = self.names.around.hidden.iter().find(|hidden| match test {
            Test::Equals => hidden.pattern.is_confusable_with(text),
            Test::StartsWith => hidden.pattern.covers(text),
            Test::EndsWith | Test::Contains => false,
        });
        hidden.map(|hidden| hidden.reason)
    }

    fn lists_can_equal(&self, left: Part<'_, List>, right: Part<'_, List>) -> Result<(), InvalidCondition> {
        if let (Some(one), Some(two)) = (&left.of.of, &right.of.of) {
            self.can_equal(
                Part { expression: left.expression, of: one },
                Part { expression: right.expression, of: two },
            )?;
        }
        in_order(left, right)?;
        in_order(right, left)
    }

    /// Refuses an order that never is, of two that have one.
    pub(super) fn can_be_ordered(
        &self,
        operator: &str,
        left: Part<'_, Type>,
        right: Part<'_, Type>,
    ) -> Result<(), InvalidCondition> {
        let ((Type::Int(one), Type::Int(two)) | (Type::Timestamp(one), Type::Timestamp(two))) = (left.of, right.of)
        else {
            return Ok(());
        };
        let can_hold = match operator {
            operators::LESS => one.least < two.most,
            operators::LESS_EQUALS => one.least <= two.most,
            operators::GREATER => one.most > two.least,
            operators::GREATER_EQUALS => one.most >= two.least,
            _ => true,
        };
        if can_hold || !(one.is_read || two.is_read) {
            return Ok(());
        }
        let (read, whole) = if one.is_read { (left.expression, one) } else { (right.expression, two) };
        Err(InvalidCondition::NeverHolds {
            text: format!("{} {} {}", shown(left.expression), written(operator), shown(right.expression)),
            reason: range(&shown(read), whole),
        })
    }
}

/// A list that is in alphabetical order, each entry once, is never one that is not.
fn in_order(of: Part<'_, List>, with: Part<'_, List>) -> Result<(), InvalidCondition> {
    let (true, Expr::List(list), Some(with)) = (of.of.ascending, &with.expression.expr, with.of.of.as_deref()) else {
        return Ok(());
    };
    let Type::Text(Texts { written: Some(written), .. }) = with else { return Ok(()) };
    if written.len() != list.elements.len() || written.is_sorted_by(|one, two| one < two) {
        return Ok(());
    }
    let mut meant = written.clone();
    meant.sort_unstable();
    meant.dedup();
    let meant: Vec<_> = meant.iter().map(|text| format!("\"{text}\"")).collect();
    Err(InvalidCondition::Never {
        text: format!("[{}]", written.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")),
        never: "be",
        what: format!("`{}`", shown(of.expression)),
        reason: "its entries are in alphabetical order, each once".to_owned(),
        hint: Some(format!("write `[{}]`", meant.join(", "))),
    })
}

fn numbers_can_equal(left: Part<'_, Whole>, right: Part<'_, Whole>) -> Result<(), InvalidCondition> {
    for (of, with) in [(left, right), (right, left)] {
        let Some(written) = with.of.written.as_deref().filter(|_| of.of.is_read) else { continue };
        if let Some(number) = written.iter().find(|number| !(of.of.least..=of.of.most).contains(number)) {
            let text = shown(of.expression);
            return Err(InvalidCondition::Never {
                text: number.to_string(),
                never: "be",
                what: format!("`{text}`"),
                reason: range(&text, of.of),
                hint: None,
            });
        }
    }
    Ok(())
}

fn range(text: &str, whole: &Whole) -> String {
    match (whole.least, whole.most) {
        (least, most) if least == most => format!("`{text}` is {least}"),
        (least, i64::MAX) => format!("`{text}` is {least} or more"),
        (least, most) => format!("`{text}` is {least} to {most}"),
    }
}

const fn passes(test: Test) -> &'static str {
    match test {
        Test::Equals => "be",
        Test::StartsWith => "stand at the start of",
        Test::EndsWith => "stand at the end of",
        Test::Contains => "be part of",
    }
}

fn what(source: Source, of: &Expression) -> String {
    let shown = shown(of);
    let is_map = source == Source::HeaderName && shown == "request.headers";
    if is_map { "the name of a header here".to_owned() } else { format!("`{shown}`") }
}
