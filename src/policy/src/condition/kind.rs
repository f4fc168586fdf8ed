//! Owns what is known of an expression's type before there is a request, so that comparisons which can never mean
//! anything are faults of the policy: in CEL `params.id != "7"` is true of every number.

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::check::{Root, member};
use super::{CaptureType, Names, functions};

/// A type of values; the three of numbers compare with one another, and are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Bytes,
    Duration,
    List,
    Map,
    Null,
    Number,
    Text,
    Timestamp,
}

impl Kind {
    /// As an author reads it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Bytes => "bytes",
            Self::Duration => "a duration",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Timestamp => "a timestamp",
        }
    }

    /// The type of a member, or `None` where there can be no such member.
    pub(super) fn of_member(root: Root, name: &str, names: &Names<'_>) -> Option<Self> {
        match (root, name) {
            (Root::Request, "method" | "host" | "path") => Some(Self::Text),
            (Root::Request, "headers") => Some(Self::Map),
            (Root::Request, _) => None,
            (Root::Params, _) => names.captures.iter().find(|(capture, _)| *capture == name).map(
                |(_, capture_type)| match capture_type {
                    CaptureType::Int => Self::Number,
                    CaptureType::Text => Self::Text,
                },
            ),
            (Root::Token | Root::ApiKey, "subject" | "client_id" | "client_type") => Some(Self::Text),
            (Root::Token | Root::ApiKey, "scopes") => Some(Self::List),
            (Root::Token | Root::ApiKey, "expires") => Some(Self::Timestamp),
            (Root::Token | Root::ApiKey, _) => {
                root.further_facts(names).is_some_and(|further| further.contains(&name)).then_some(Self::Text)
            }
        }
    }

    /// The type of an expression, or `None` where only a request will tell. Expects no deeper a tree than a condition's.
    pub(super) fn of(expression: &Expression, names: &Names<'_>) -> Option<Self> {
        if let Some((root, name, test)) = member(expression) {
            return if test { Some(Self::Bool) } else { Self::of_member(root, name, names) };
        }
        match &expression.expr {
            Expr::Literal(literal) => Some(Self::of_literal(literal)),
            Expr::List(_) => Some(Self::List),
            Expr::Ident(name) => (name == "now").then_some(Self::Timestamp),
            Expr::Select(select) if select.test => Some(Self::Bool),
            Expr::Select(select) => (Self::of(&select.operand, names) == Some(Self::Map)).then_some(Self::Text),
            Expr::Call(call) => Self::of_call(call, names),
            Expr::Comprehension(comprehension) => match &comprehension.result.expr {
                Expr::Ident(_) => Self::of(&comprehension.accu_init, names),
                _ => Self::of(&comprehension.result, names),
            },
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => None,
        }
    }

    const fn of_literal(literal: &LiteralValue) -> Self {
        match literal {
            LiteralValue::Boolean(_) => Self::Bool,
            LiteralValue::Bytes(_) => Self::Bytes,
            LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Self::Number,
            LiteralValue::Null => Self::Null,
            LiteralValue::String(_) => Self::Text,
        }
    }

    fn of_call(call: &CallExpr, names: &Names<'_>) -> Option<Self> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [_, yes, no]) => {
                Self::of(yes, names).filter(|kind| Self::of(no, names) == Some(*kind))
            }
            (operators::INDEX, [map, _]) => (Self::of(map, names) == Some(Self::Map)).then_some(Self::Text),
            (
                operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                [left, right],
            ) => {
                // Times are left to the evaluation: their sums and differences change type.
                Self::of(left, names).filter(|kind| {
                    Self::of(right, names) == Some(*kind) && !matches!(kind, Self::Timestamp | Self::Duration)
                })
            }
            (operators::NEGATE, [of]) => Self::of(of, names),
            (name, _) => functions::result(name, call.target.is_some()),
        }
    }
}
