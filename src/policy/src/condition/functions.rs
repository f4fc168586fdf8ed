//! Owns the operators and functions of conditions: what is not listed here is refused when the policy is compiled,
//! whatever a later version of the interpreter may bring.

use std::sync::{Arc, LazyLock};

use cel::Env;
use cel::common::ast::operators;

use super::kind::Kind;
use super::time;

/// Whether a function is called by itself or on something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Global,
    Member,
}

/// What a condition may call: name, style, number of arguments, type of the result where it is always the same.
///
/// `type`, `dyn`, `bytes`, `double`, `uint` are left out: nothing a condition sees needs them.
const CALLS: [(&str, Style, usize, Option<Kind>); 33] = [
    (operators::ADD, Style::Global, 2, None),
    (operators::CONDITIONAL, Style::Global, 3, None),
    (operators::DIVIDE, Style::Global, 2, None),
    (operators::EQUALS, Style::Global, 2, Some(Kind::Bool)),
    (operators::GREATER, Style::Global, 2, Some(Kind::Bool)),
    (operators::GREATER_EQUALS, Style::Global, 2, Some(Kind::Bool)),
    (operators::IN, Style::Global, 2, Some(Kind::Bool)),
    (operators::INDEX, Style::Global, 2, None),
    (operators::LESS, Style::Global, 2, Some(Kind::Bool)),
    (operators::LESS_EQUALS, Style::Global, 2, Some(Kind::Bool)),
    (operators::LOGICAL_AND, Style::Global, 2, Some(Kind::Bool)),
    (operators::LOGICAL_NOT, Style::Global, 1, Some(Kind::Bool)),
    (operators::LOGICAL_OR, Style::Global, 2, Some(Kind::Bool)),
    (operators::MODULO, Style::Global, 2, None),
    (operators::MULTIPLY, Style::Global, 2, None),
    (operators::NEGATE, Style::Global, 1, None),
    (operators::NOT_EQUALS, Style::Global, 2, Some(Kind::Bool)),
    (operators::NOT_STRICTLY_FALSE, Style::Global, 1, Some(Kind::Bool)),
    (operators::SUBSTRACT, Style::Global, 2, None),
    ("bool", Style::Global, 1, Some(Kind::Bool)),
    ("contains", Style::Member, 1, Some(Kind::Bool)),
    ("duration", Style::Global, 1, Some(Kind::Duration)),
    ("endsWith", Style::Member, 1, Some(Kind::Bool)),
    ("getDayOfWeek", Style::Member, 0, Some(Kind::Number)),
    ("getHours", Style::Member, 0, Some(Kind::Number)),
    ("getMinutes", Style::Member, 0, Some(Kind::Number)),
    ("getSeconds", Style::Member, 0, Some(Kind::Number)),
    ("int", Style::Global, 1, Some(Kind::Number)),
    ("size", Style::Global, 1, Some(Kind::Number)),
    ("size", Style::Member, 0, Some(Kind::Number)),
    ("startsWith", Style::Member, 1, Some(Kind::Bool)),
    ("string", Style::Global, 1, Some(Kind::Text)),
    ("timestamp", Style::Global, 1, Some(Kind::Timestamp)),
];

/// Whether a condition may make this call.
pub(super) fn is_known(name: &str, on_target: bool, arguments: usize) -> bool {
    CALLS.iter().any(|(known, style, count, _)| *known == name && style.fits(on_target) && *count == arguments)
}

/// The type of what a call results in, where it is always the same.
pub(super) fn result(name: &str, on_target: bool) -> Option<Kind> {
    CALLS.iter().find(|(known, style, _, _)| *known == name && style.fits(on_target)).and_then(|(_, _, _, kind)| *kind)
}

impl Style {
    const fn fits(self, on_target: bool) -> bool {
        match self {
            Self::Global => !on_target,
            Self::Member => on_target,
        }
    }
}

/// The functions as the interpreter finds them; the same for every condition.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::default().with_optional_support(false).with_stdlib();
    // Should a function of ours ever be refused, it is missing, and a condition that calls it fails.
    let _ = time::declare(&mut environment);
    Arc::new(environment)
});
