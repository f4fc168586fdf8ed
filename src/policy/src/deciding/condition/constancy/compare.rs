//! Owns the operators and tests that are followed, and what they come to whatever there is to compare.

use cel::common::ast::operators;

use crate::deciding::condition::Outcomes;
use crate::deciding::condition::language;
use crate::deciding::condition::types::Whole;

pub(super) fn test(name: &str) -> Option<language::Test> {
    match name {
        operators::EQUALS => Some(language::Test::Equals),
        "startsWith" => Some(language::Test::StartsWith),
        "endsWith" => Some(language::Test::EndsWith),
        "contains" => Some(language::Test::Contains),
        _ => None,
    }
}

pub(super) fn operator(name: &str) -> Option<&'static str> {
    let known =
        [operators::EQUALS, operators::LESS, operators::LESS_EQUALS, operators::GREATER, operators::GREATER_EQUALS];
    known.into_iter().find(|operator| *operator == name)
}

/// The operator that says the same with its sides turned.
pub(super) fn turned(operator: &'static str) -> &'static str {
    match operator {
        operators::LESS => operators::GREATER,
        operators::LESS_EQUALS => operators::GREATER_EQUALS,
        operators::GREATER => operators::LESS,
        operators::GREATER_EQUALS => operators::LESS_EQUALS,
        same => same,
    }
}

/// The outcome of a comparison that ranges decide.
pub(super) fn of_ranges(operator: &str, one: &Whole, two: &Whole) -> Option<Outcomes> {
    let (is_below, is_above) = (one.most < two.least, one.least > two.most);
    let holds = match operator {
        operators::LESS if is_below || one.least >= two.most => is_below,
        operators::LESS_EQUALS if is_above || one.most <= two.least => !is_above,
        operators::GREATER if is_above || one.most <= two.least => is_above,
        operators::GREATER_EQUALS if is_below || one.least >= two.most => !is_below,
        operators::EQUALS if is_below || is_above => false,
        operators::EQUALS if (one.least, two.least) == (one.most, two.most) && one.least == two.least => true,
        _ => return None,
    };
    Some(Outcomes::exactly(holds))
}

/// The outcome of what is held against itself.
pub(super) fn of_itself(name: &str) -> Option<Outcomes> {
    match (operator(name), test(name)) {
        (Some(operators::LESS | operators::GREATER), _) => Some(Outcomes::FALSE),
        (Some(_), _) | (_, Some(_)) => Some(Outcomes::HOLDS),
        (None, None) => None,
    }
}
