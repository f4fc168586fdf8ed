//! Owns what operators and functions take, and what comes of them.

use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators};
use cel::parser::Expression;

use super::occurs::Part;
use super::sizes::{entries, signs};
use super::{Walk, member, text};
use crate::deciding::condition::language::{Pattern, Test};
use crate::deciding::condition::shown::{shown, written};
use crate::deciding::condition::texts::{Source, Texts};
use crate::deciding::condition::types::{Type, Whole};
use crate::deciding::condition::{InvalidCondition, functions, time};
use crate::deciding::decision::ConditionFailed;

impl Walk<'_> {
    pub(super) fn call(&mut self, whole: &Expression, call: &CallExpr) -> Result<Type, InvalidCondition> {
        let target = call.target.as_deref();
        functions::known(&call.func_name, target.is_some(), call.args.len())?;
        if let Some(name) = self.hyphenated(whole) {
            return Err(InvalidCondition::Hyphenated(name));
        }
        let parts: Vec<_> = target.into_iter().chain(&call.args).collect();
        let types = parts.iter().map(|part| self.expression(part)).collect::<Result<Vec<_>, _>>()?;
        let name = call.func_name.as_str();
        match (name, parts.as_slice(), types.as_slice()) {
            (operators::CONDITIONAL, _, [is, yes, no]) => {
                logical(name, is)?;
                let either = yes.clone().or(no.clone());
                either.ok_or_else(|| mismatch(name, yes, no, None))
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, _, of) => {
                of.iter().try_for_each(|of| logical(name, of))?;
                Ok(Type::Bool)
            }
            (operators::NEGATE, _, [of]) => negated(of),
            (operators::NOT_STRICTLY_FALSE, _, _) => Ok(Type::Bool),
            (operators::INDEX, [of, key], [map, key_type]) => {
                self.index(Part { expression: of, of: map }, Part { expression: key, of: key_type })
            }
            (operators::IN, [element, container], [of_element, of_container]) => {
                self.is_in(
                    Part { expression: element, of: of_element },
                    Part { expression: container, of: of_container },
                )?;
                Ok(Type::Bool)
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right], [one, two]) => {
                self.equal(name, Part { expression: left, of: one }, Part { expression: right, of: two })?;
                Ok(Type::Bool)
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [left, right],
                [one, two],
            ) => {
                let is_ordered = !matches!(one, Type::Headers | Type::List(_) | Type::Null);
                if !(is_ordered && one.is_like(two)) {
                    return Err(mismatch(name, one, two, converted(left, one, right, two)));
                }
                self.can_be_ordered(name, Part { expression: left, of: one }, Part { expression: right, of: two })?;
                Ok(Type::Bool)
            }
            (operators::DIVIDE | operators::MODULO, _, [_, Type::Int(by)])
                if by.written.as_deref() == Some([0].as_slice()) =>
            {
                Err(InvalidCondition::AlwaysFails { text: shown(whole), reason: ConditionFailed::OutOfRange })
            }
            (_, [left, right], [one, two]) if !written(name).eq("operator") => {
                arithmetic(name, one, two).ok_or_else(|| match (one, two) {
                    (Type::List(_), Type::List(_)) => InvalidCondition::Unsupported("there is no joining of lists"),
                    _ => mismatch(name, one, two, converted(left, one, right, two)),
                })
            }
            (_, [of, with], [of_type, with_type]) => {
                self.test(name, Part { expression: of, of: of_type }, Part { expression: with, of: with_type })
            }
            (_, [argument], [of]) => self.converts(name, Part { expression: argument, of }),
            (_, _, _) => Err(functions::unknown(name)),
        }
    }

    fn index(&self, of: Part<'_, Type>, key: Part<'_, Type>) -> Result<Type, InvalidCondition> {
        match (of.of, key.of) {
            (Type::Headers, Type::Text(name)) => {
                self.header_name(of.expression, Part { expression: key.expression, of: name })?;
                Ok(Type::Text(Texts::of(Source::HeaderValue, &self.names.around)))
            }
            (Type::List(list), Type::Int(index)) => {
                let always = || InvalidCondition::AlwaysFails {
                    text: format!("{}[{}]", shown(of.expression), shown(key.expression)),
                    reason: ConditionFailed::OutOfRange,
                };
                if index.most < 0 {
                    return Err(always());
                }
                list.of.as_deref().cloned().ok_or_else(always)
            }
            (map, key) => Err(mismatch("[ ]", map, key, None)),
        }
    }

    fn is_in(&self, element: Part<'_, Type>, container: Part<'_, Type>) -> Result<(), InvalidCondition> {
        match (container.of, element.of) {
            (Type::Headers, Type::Text(name)) => {
                self.header_name(container.expression, Part { expression: element.expression, of: name })
            }
            (Type::List(list), of) => match (&container.expression.expr, &list.of) {
                (_, None) => Ok(()),
                (_, Some(other)) if !of.is_like(other) => {
                    let hint = match &container.expression.expr {
                        Expr::List(list) => {
                            list.elements.first().and_then(|first| converted(element.expression, of, first, other))
                        }
                        _ => None,
                    };
                    Err(mismatch(operators::IN, of, other, hint))
                }
                (_, Some(other)) => self.can_equal(element, Part { expression: container.expression, of: other }),
            },
            (Type::Headers, of) => Err(mismatch(operators::IN, of, &Type::Text(Texts::written("")), None)),
            (container, of) => Err(mismatch(operators::IN, of, container, None)),
        }
    }

    fn equal(&self, operator: &str, left: Part<'_, Type>, right: Part<'_, Type>) -> Result<(), InvalidCondition> {
        if !left.of.is_like(right.of) {
            let hint = converted(left.expression, left.of, right.expression, right.of).or_else(|| {
                let is_fact =
                    |part: &Part<'_, Type>| *part.of != Type::Null && member(part.expression, self.names).is_some();
                let fact = [left, right].into_iter().find(is_fact)?;
                (left.of == &Type::Null || right.of == &Type::Null)
                    .then(|| format!("write `has({})`", shown(fact.expression)))
            });
            return Err(mismatch(operator, left.of, right.of, hint));
        }
        if *left.of == Type::Headers {
            return Err(InvalidCondition::Unsupported("there is no comparing of all headers"));
        }
        self.can_equal(left, right)
    }

    /// A test of a text with another.
    fn test(&self, name: &str, of: Part<'_, Type>, with: Part<'_, Type>) -> Result<Type, InvalidCondition> {
        let test = match name {
            "contains" => Test::Contains,
            "endsWith" => Test::EndsWith,
            "startsWith" => Test::StartsWith,
            _ => return Err(functions::unknown(name)),
        };
        match (of.of, with.of) {
            (Type::Text(one), Type::Text(two)) => {
                self.can_pass(
                    test,
                    Part { expression: of.expression, of: one },
                    Part { expression: with.expression, of: two },
                )?;
                Ok(Type::Bool)
            }
            (Type::Text(_), other) => Err(argument(name, "takes a string", other, None)),
            (other, _) => {
                let hint = matches!(other, Type::List(_) | Type::Headers)
                    .then(|| format!("write `{} in {}`", shown(with.expression), shown(of.expression)));
                Err(argument(name, "is called on a string", other, hint))
            }
        }
    }

    /// What a function of one value makes of it.
    fn converts(&self, name: &str, of: Part<'_, Type>) -> Result<Type, InvalidCondition> {
        let never = |pattern: Pattern, texts: &Texts| match texts.source {
            Some(source) if !texts.pattern.meets(&pattern) => Err(InvalidCondition::NeverConverts {
                text: format!("{name}({})", shown(of.expression)),
                reason: source.reason(&self.names.around),
            }),
            Some(_) | None => Ok(()),
        };
        let literal =
            |reads: &dyn Fn(&str) -> bool, hint: &dyn Fn(&str) -> Option<String>, wanted| match text(of.expression) {
                Some(text) if !reads(text) => {
                    Err(InvalidCondition::Literal { text: text.to_owned(), wanted, hint: hint(text) })
                }
                Some(_) | None => Ok(()),
            };
        let digit = || Pattern::signs(&[('0', '9')]);
        let is_read = of.of.is_read();
        match (name, of.of) {
            ("bool", Type::Bool) => Ok(Type::Bool),
            ("bool", Type::Text(texts)) => {
                never(Pattern::Either(BOOLS.map(Pattern::text).to_vec()), texts)?;
                Ok(Type::Bool)
            }
            ("int", Type::Double | Type::Uint) => Ok(Type::Int(Whole::any(is_read))),
            ("int", Type::Int(whole) | Type::Timestamp(whole)) => Ok(Type::Int(whole.clone())),
            ("int", Type::Text(texts)) => {
                let sign = Pattern::signs(&[('+', '+'), ('-', '-')]).optional();
                never(Pattern::Sequence(vec![sign, digit().some()]), texts)?;
                Ok(Type::Int(Whole::any(is_read)))
            }
            ("string", Type::Int(whole)) => Ok(Type::Text(Type::digits(whole))),
            ("string", Type::Text(texts)) => Ok(Type::Text(texts.clone())),
            ("string", Type::Bool | Type::Bytes | Type::Double | Type::Uint) => {
                Ok(Type::Text(Texts { pattern: Pattern::anything(), source: None, written: None }))
            }
            ("timestamp", Type::Text(texts)) => {
                literal(&|text| time::timestamp(text).is_some(), &time::timestamp_meant, TIMESTAMP)?;
                never(Pattern::Sequence(vec![digit().times(4), Pattern::text("-"), Pattern::anything()]), texts)?;
                let read = text(of.expression).and_then(time::timestamp);
                Ok(Type::Timestamp(read.map_or_else(|| Whole::any(is_read), |read| Whole::written(read.0))))
            }
            ("timestamp", Type::Int(whole)) => Ok(Type::Timestamp(whole.clone())),
            ("duration", Type::Text(texts)) => {
                literal(&|text| time::duration(text).is_some(), &time::duration_meant, DURATION)?;
                let unit = Pattern::signs(&[('h', 'h'), ('m', 'm'), ('s', 's')]);
                let minus = Pattern::text("-").optional();
                never(Pattern::Sequence(vec![minus, digit(), Pattern::anything(), unit]), texts)?;
                Ok(Type::Duration)
            }
            ("size", Type::Text(texts)) => Ok(Type::Int(signs(texts))),
            ("size", Type::List(_)) => Ok(Type::Int(entries(of.expression, is_read))),
            ("size", Type::Bytes | Type::Headers) => Ok(Type::Int(Whole { is_read, ..Whole::read(0, i64::MAX) })),
            ("getHours", Type::Timestamp(_)) => Ok(Type::Int(Whole { is_read, ..Whole::read(0, 23) })),
            ("getMinutes" | "getSeconds", Type::Timestamp(_)) => Ok(Type::Int(Whole { is_read, ..Whole::read(0, 59) })),
            // Sunday is 0.
            ("getDayOfWeek", Type::Timestamp(_)) => Ok(Type::Int(Whole { is_read, ..Whole::read(0, 6) })),
            ("bool", of) => Err(argument(name, "takes a bool or a string", of, None)),
            ("int", of) => Err(argument(name, "takes a number, a string or a timestamp", of, None)),
            ("string", of) => {
                let hint = matches!(of, Type::Timestamp(_)).then(|| "compare timestamps with each other".to_owned());
                Err(argument(name, "takes a bool, bytes, a number or a string", of, hint))
            }
            ("timestamp", of) => {
                let hint = matches!(of, Type::Timestamp(_)).then(|| "leave `timestamp` out: it is one".to_owned());
                Err(argument(name, "takes a string or an int", of, hint))
            }
            ("duration", of) => Err(argument(name, "takes a string", of, None)),
            ("size", of) => Err(argument(name, "takes a string, bytes, a list or the headers", of, None)),
            ("getHours" | "getMinutes" | "getSeconds" | "getDayOfWeek", of) => {
                Err(argument(name, "is called on a timestamp", of, None))
            }
            (_, _) => Err(functions::unknown(name)),
        }
    }

    /// `request.headers.x-team`, which CEL reads as a difference: the name that was meant.
    fn hyphenated(&self, expression: &Expression) -> Option<String> {
        let Expr::Call(CallExpr { func_name, target: None, args }) = &expression.expr else { return None };
        let (operators::SUBSTRACT, [left, right]) = (func_name.as_str(), args.as_slice()) else { return None };
        let right = self.unknown_word(right)?;
        match &left.expr {
            Expr::Select(SelectExpr { operand, field, test: false }) if shown(operand) == "request.headers" => {
                Some(format!("{field}-{right}"))
            }
            _ => self.hyphenated(left).map(|left| format!("{left}-{right}")),
        }
    }

    /// The word in front of an expression, where it names nothing.
    fn unknown_word<'e>(&self, expression: &'e Expression) -> Option<&'e str> {
        match &expression.expr {
            Expr::Ident(name) => (!self.is_variable(name)).then_some(name),
            Expr::Select(select) => self.unknown_word(&select.operand),
            Expr::Call(CallExpr { target: Some(target), .. }) => self.unknown_word(target),
            _ => None,
        }
    }
}

fn logical(operator: &str, of: &Type) -> Result<(), InvalidCondition> {
    match of {
        Type::Bool => Ok(()),
        of => Err(InvalidCondition::NotLogical { operator: written(operator), of: of.as_str() }),
    }
}

fn negated(of: &Type) -> Result<Type, InvalidCondition> {
    match of {
        Type::Double => Ok(Type::Double),
        Type::Int(whole) => Ok(Type::Int(whole.negated())),
        of => Err(argument("-", "takes an int or a double", of, None)),
    }
}

/// The type of what comes of two numbers, texts or times.
fn arithmetic(operator: &str, left: &Type, right: &Type) -> Option<Type> {
    let is_read = left.is_read() || right.is_read();
    match (operator, left, right) {
        (operators::ADD, Type::Text(one), Type::Text(two)) => Some(Type::Text(one.clone().then(two.clone()))),
        (operators::ADD, Type::Bytes, Type::Bytes) => Some(Type::Bytes),
        (operators::ADD | operators::SUBSTRACT, Type::Duration, Type::Duration) => Some(Type::Duration),
        (operators::SUBSTRACT, Type::Timestamp(_), Type::Timestamp(_)) => Some(Type::Duration),
        (operators::ADD, Type::Timestamp(_), Type::Duration)
        | (operators::ADD, Type::Duration, Type::Timestamp(_))
        | (operators::SUBSTRACT, Type::Timestamp(_), Type::Duration) => Some(Type::Timestamp(Whole::any(is_read))),
        (operators::ADD, Type::Int(one), Type::Int(two)) => Some(Type::Int(one.plus(two))),
        (operators::SUBSTRACT, Type::Int(one), Type::Int(two)) => Some(Type::Int(one.minus(two))),
        (_, Type::Int(_), Type::Int(_)) => Some(Type::Int(Whole::any(is_read))),
        (_, Type::Uint, Type::Uint) => Some(Type::Uint),
        (operators::MODULO, _, _) => None,
        (_, Type::Double, Type::Double) => Some(Type::Double),
        (_, _, _) => None,
    }
}

/// How one of two could be written so that they are of one type.
fn converted(left: &Expression, one: &Type, right: &Expression, two: &Type) -> Option<String> {
    let (number, of) = match (one, two) {
        (Type::Int(_), _) => (left, two),
        (_, Type::Int(_)) => (right, one),
        _ => return None,
    };
    let shown_number = shown(number);
    let other = if std::ptr::eq(number, left) { right } else { left };
    match of {
        Type::Double | Type::Uint => as_int(other),
        Type::Duration => Some(format!("write `duration(\"{shown_number}s\")`")),
        Type::Timestamp(_) if matches!(number.expr, Expr::Literal(_)) => Some(format!(
            "write `duration(\"{shown_number}s\")` for so many seconds, `timestamp({shown_number})` for a time"
        )),
        Type::Timestamp(_) => Some(format!("write `timestamp({shown_number})`")),
        Type::Text(texts) => match texts.written.as_deref() {
            Some([text]) if text.parse::<i64>().is_ok() => Some(format!("write `{text}` without quotes")),
            Some(_) | None => Some(match number.expr {
                Expr::Literal(_) => format!("write `\"{shown_number}\"`"),
                _ => format!("write `string({shown_number})`"),
            }),
        },
        _ => None,
    }
}

/// How a number of another sort is written as an int.
fn as_int(number: &Expression) -> Option<String> {
    let int = match &number.expr {
        Expr::Literal(LiteralValue::UInt(number)) => number.inner().to_string(),
        Expr::Literal(LiteralValue::Double(number)) if number.inner().fract() == 0.0 => {
            format!("{:.0}", number.inner())
        }
        Expr::Literal(LiteralValue::Double(other)) => {
            let whole = other.inner().trunc();
            return Some(format!("write a whole number, such as `{whole:.0}`, for `{}`", shown(number)));
        }
        _ => return None,
    };
    Some(format!("write `{int}` for `{}`", shown(number)))
}

/// Two types that an operator cannot bring together.
fn mismatch(operator: &str, left: &Type, right: &Type, hint: Option<String>) -> InvalidCondition {
    let (operator, same) = (if operator == "[ ]" { "[ ]" } else { written(operator) }, left.as_str() == right.as_str());
    let name = |of: &Type| match (same, of) {
        (true, Type::List(list)) => match list.of.as_deref() {
            Some(Type::Text(_)) => "a list of strings",
            Some(of) if of.is_number() => "a list of numbers",
            Some(_) | None => "a list",
        },
        (true, of) => of.exactly(),
        (false, of) => of.as_str(),
    };
    InvalidCondition::Mismatch { operator, left: name(left), right: name(right), hint }
}

fn argument(function: &str, wanted: &'static str, is: &Type, hint: Option<String>) -> InvalidCondition {
    InvalidCondition::Argument { function: function.to_owned(), wanted, is: is.as_str(), hint }
}

/// What CEL reads as a bool.
const BOOLS: [&str; 10] = ["0", "1", "FALSE", "False", "TRUE", "True", "f", "false", "t", "true"];

const TIMESTAMP: &str = "timestamp of whole seconds, such as `2026-11-25T10:00:00Z`";

const DURATION: &str = "duration of whole hours, minutes and seconds, such as `1h30m` or `90s`";
