//! Owns how a part of a condition is shown to its author: as it could have been written.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::presence::PRESENCE;

/// An expression as a text. Expects no deeper a tree than a condition's.
pub(super) fn shown(expression: &Expression) -> String {
    match &expression.expr {
        Expr::Literal(literal) => of_literal(literal),
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) if select.test && select.field == PRESENCE => format!("has({})", shown(&select.operand)),
        Expr::Select(select) if select.test => format!("has({}.{})", shown(&select.operand), select.field),
        Expr::Select(select) => format!("{}.{}", shown(&select.operand), select.field),
        Expr::Call(call) => of_call(call),
        Expr::List(list) => format!("[{}]", listed(&list.elements)),
        Expr::Comprehension(comprehension) => of_loop(comprehension),
        Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => "{}".to_owned(),
    }
}

fn of_literal(literal: &LiteralValue) -> String {
    match literal {
        LiteralValue::Boolean(value) => value.inner().to_string(),
        LiteralValue::Bytes(_) => "b\"…\"".to_owned(),
        LiteralValue::Double(value) => format!("{:?}", value.inner()),
        LiteralValue::Int(value) => value.inner().to_string(),
        LiteralValue::Null => "null".to_owned(),
        LiteralValue::String(text) => format!("\"{}\"", text.inner()),
        LiteralValue::UInt(value) => format!("{}u", value.inner()),
    }
}

fn of_call(call: &CallExpr) -> String {
    match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
        (operators::CONDITIONAL, None, [is, yes, no]) => format!("{} ? {} : {}", shown(is), shown(yes), shown(no)),
        (operators::INDEX, None, [of, key]) => format!("{}[{}]", shown(of), shown(key)),
        (operators::LOGICAL_NOT, None, [of]) => format!("!{}", shown(of)),
        (operators::NEGATE, None, [of]) => format!("-{}", shown(of)),
        (name, None, [left, right]) if written(name) != UNNAMED => {
            format!("{} {} {}", shown(left), written(name), shown(right))
        }
        (name, None, arguments) => format!("{name}({})", listed(arguments)),
        (name, Some(target), arguments) => format!("{}.{name}({})", shown(target), listed(arguments)),
    }
}

fn of_loop(comprehension: &ComprehensionExpr) -> String {
    format!("{}.…({}, …)", shown(&comprehension.iter_range), comprehension.iter_var)
}

fn listed(parts: &[Expression]) -> String {
    parts.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// An operator as an author writes it.
pub(super) fn written(operator: &str) -> &'static str {
    match operator {
        operators::ADD => "+",
        operators::DIVIDE => "/",
        operators::EQUALS => "==",
        operators::GREATER => ">",
        operators::GREATER_EQUALS => ">=",
        operators::IN => "in",
        operators::LESS => "<",
        operators::LESS_EQUALS => "<=",
        operators::LOGICAL_AND => "&&",
        operators::LOGICAL_NOT => "!",
        operators::LOGICAL_OR => "||",
        operators::MODULO => "%",
        operators::MULTIPLY => "*",
        operators::NEGATE => "-",
        operators::NOT_EQUALS => "!=",
        operators::SUBSTRACT => "-",
        operators::CONDITIONAL => "? :",
        _ => UNNAMED,
    }
}

const UNNAMED: &str = "operator";
