//! Owns a condition's expressions as they are compared with each other: what means the same is written the same.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, ListExpr, LiteralValue, SelectExpr, operators};
use cel::common::types::CelString;
use cel::parser::Expression;

use crate::deciding::condition::check::{children, text};

/// An expression without what tells its places in the text apart: `x["a"]` is `x.a`, `x != y` is `!(x == y)`,
/// `x.size()` is `size(x)`, and `size(x + y)` is `size(x) + size(y)`.
pub(super) fn normal(expression: &Expression) -> Expression {
    rewritten(expression, &|_expression| None)
}

/// The same with a text in place of each part that is it.
pub(super) fn with_text(expression: &Expression, is_it: &dyn Fn(&Expression) -> bool, text: &str) -> Expression {
    let text = of(Expr::Literal(LiteralValue::String(CelString::from(text.to_owned()))));
    rewritten(expression, &|part| is_it(part).then(|| text.clone()))
}

/// The same with an expression in place of a loop's variable.
pub(super) fn with_entry(expression: &Expression, variable: &str, entry: &Expression) -> Expression {
    rewritten(expression, &|part| is_variable(part, variable).then(|| entry.clone()))
}

pub(super) fn is_variable(expression: &Expression, variable: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == variable)
}

/// Whether a part of an expression is it.
pub(super) fn has(expression: &Expression, is_it: &dyn Fn(&Expression) -> bool) -> bool {
    is_it(expression) || children(expression).into_iter().any(|child| has(child, is_it))
}

pub(super) const fn of(expr: Expr) -> Expression {
    Expression { id: 0, expr }
}

fn rewritten(expression: &Expression, other: &dyn Fn(&Expression) -> Option<Expression>) -> Expression {
    if let Some(other) = other(expression) {
        return other;
    }
    let again = |part: &Expression| rewritten(part, other);
    of(match &expression.expr {
        Expr::Call(call) => {
            let target = call.target.as_deref().map(again).map(Box::new);
            called(CallExpr { func_name: call.func_name.clone(), target, args: call.args.iter().map(again).collect() })
        }
        Expr::Comprehension(comprehension) => {
            let ComprehensionExpr { iter_range, accu_init, loop_cond, loop_step, result, .. } = &**comprehension;
            Expr::Comprehension(Box::new(ComprehensionExpr {
                iter_range: again(iter_range),
                iter_var: comprehension.iter_var.clone(),
                iter_var2: comprehension.iter_var2.clone(),
                accu_var: comprehension.accu_var.clone(),
                accu_init: again(accu_init),
                loop_cond: again(loop_cond),
                loop_step: again(loop_step),
                result: again(result),
            }))
        }
        Expr::List(list) => Expr::List(ListExpr {
            elements: list.elements.iter().map(again).collect(),
            optional_indices: list.optional_indices.clone(),
        }),
        Expr::Select(select) => {
            let operand = Box::new(again(&select.operand));
            Expr::Select(SelectExpr { operand, field: select.field.clone(), test: select.test })
        }
        // A checked condition has neither maps nor messages.
        Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
            expression.expr.clone()
        }
    })
}

fn called(call: CallExpr) -> Expr {
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::INDEX, [map, key]) => match text(key) {
            Some(field) => {
                Expr::Select(SelectExpr { operand: Box::new(map.clone()), field: field.to_owned(), test: false })
            }
            None => Expr::Call(call),
        },
        (operators::NOT_EQUALS, _) => {
            let equal = Expr::Call(CallExpr { func_name: operators::EQUALS.to_owned(), ..call });
            Expr::Call(CallExpr { func_name: operators::LOGICAL_NOT.to_owned(), target: None, args: vec![of(equal)] })
        }
        ("size", []) => match call.target {
            Some(of) => size(*of),
            None => Expr::Call(call),
        },
        ("size", [of]) => size(of.clone()),
        _ => Expr::Call(call),
    }
}

/// The size of a text that is joined or chosen is made of its parts'; lists are not joined.
fn size(whole: Expression) -> Expr {
    let name = "size".to_owned();
    match whole.expr {
        Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::ADD => {
            let args = args.into_iter().map(size).map(of).collect();
            Expr::Call(CallExpr { func_name, target: None, args })
        }
        Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::CONDITIONAL => {
            let sized = |(at, part): (usize, Expression)| if at == 0 { part } else { of(size(part)) };
            let args = args.into_iter().enumerate().map(sized).collect();
            Expr::Call(CallExpr { func_name, target: None, args })
        }
        expr => Expr::Call(CallExpr { func_name: name, target: None, args: vec![of(expr)] }),
    }
}
