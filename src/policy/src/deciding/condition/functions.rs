//! Owns the operators and functions of conditions: what is not listed here is refused when the policy is compiled,
//! whatever a later version of the interpreter may bring.

use std::sync::{Arc, LazyLock};

use cel::Env;
use cel::common::ast::operators;

use super::{InvalidCondition, search, time};
use crate::fault::nearest;

/// Whether a function is called by itself or on something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Global,
    Member,
}

/// What a condition may call: name, style, number of arguments, and how an author calls it; nothing where it is written
/// as an operator.
///
/// `type`, `dyn`, `bytes`, `double`, `uint` are left out: nothing a condition sees needs them.
const CALLS: [(&str, Style, usize, &str); 33] = [
    (operators::ADD, Style::Global, 2, ""),
    (operators::CONDITIONAL, Style::Global, 3, ""),
    (operators::DIVIDE, Style::Global, 2, ""),
    (operators::EQUALS, Style::Global, 2, ""),
    (operators::GREATER, Style::Global, 2, ""),
    (operators::GREATER_EQUALS, Style::Global, 2, ""),
    (operators::IN, Style::Global, 2, ""),
    (operators::INDEX, Style::Global, 2, ""),
    (operators::LESS, Style::Global, 2, ""),
    (operators::LESS_EQUALS, Style::Global, 2, ""),
    (operators::LOGICAL_AND, Style::Global, 2, ""),
    (operators::LOGICAL_NOT, Style::Global, 1, ""),
    (operators::LOGICAL_OR, Style::Global, 2, ""),
    (operators::MODULO, Style::Global, 2, ""),
    (operators::MULTIPLY, Style::Global, 2, ""),
    (operators::NEGATE, Style::Global, 1, ""),
    (operators::NOT_EQUALS, Style::Global, 2, ""),
    (operators::NOT_STRICTLY_FALSE, Style::Global, 1, ""),
    (operators::SUBSTRACT, Style::Global, 2, ""),
    ("bool", Style::Global, 1, "bool(text)"),
    ("contains", Style::Member, 1, "text.contains(part)"),
    ("duration", Style::Global, 1, "duration(text)"),
    ("endsWith", Style::Member, 1, "text.endsWith(end)"),
    ("getDayOfWeek", Style::Member, 0, "time.getDayOfWeek()"),
    ("getHours", Style::Member, 0, "time.getHours()"),
    ("getMinutes", Style::Member, 0, "time.getMinutes()"),
    ("getSeconds", Style::Member, 0, "time.getSeconds()"),
    ("int", Style::Global, 1, "int(value)"),
    ("size", Style::Global, 1, "size(value)"),
    ("size", Style::Member, 0, "value.size()"),
    ("startsWith", Style::Member, 1, "text.startsWith(start)"),
    ("string", Style::Global, 1, "string(value)"),
    ("timestamp", Style::Global, 1, "timestamp(text)"),
];

/// What the parser makes something else of.
const MACROS: [(&str, &str); 6] = [
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("existsOne", "list.existsOne(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("has", "has(token.client_type)"),
];

/// Refuses a call that a condition may not make.
pub(super) fn known(name: &str, on_target: bool, arguments: usize) -> Result<(), InvalidCondition> {
    if CALLS.iter().any(|(known, style, count, _)| *known == name && style.fits(on_target) && *count == arguments) {
        return Ok(());
    }
    let usage = usages().find(|(known, _usage)| *known == name).map(|(_name, usage)| usage);
    Err(match usage {
        Some(usage) => InvalidCondition::CalledOtherwise { name: name.to_owned(), usage },
        None => unknown(name),
    })
}

/// A function that there is not.
pub(super) fn unknown(name: &str) -> InvalidCondition {
    let mut names: Vec<_> = usages().map(|(name, _usage)| name).collect();
    names.dedup();
    let hint = match name {
        "not" => Some("write `!` for `not`".to_owned()),
        _ => nearest(name, names.iter().copied()),
    };
    let known = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    InvalidCondition::UnknownFunction { name: name.to_owned(), known, hint }
}

fn usages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let functions =
        CALLS.iter().filter(|(_, _, _, usage)| !usage.is_empty()).map(|(name, _, _, usage)| (*name, *usage));
    functions.chain(MACROS)
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
    let mut environment = Env::default().with_optional_support(false);
    // Should it ever be refused, the interpreter's own is called, which answers the same.
    let _ = search::declare(&mut environment);
    let mut environment = environment.with_stdlib();
    // Should a function of ours ever be refused, it is missing, and a condition that calls it fails.
    let _ = time::declare(&mut environment);
    Arc::new(environment)
});
