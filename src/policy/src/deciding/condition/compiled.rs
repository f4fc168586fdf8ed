//! Owns a compiled condition and its evaluation.

use std::collections::BTreeSet;
use std::sync::Arc;

use cel::common::ast::Expr;
use cel::common::types::CelBool;
use cel::common::value::Val;
use cel::parser::{Expression, PrattParser};
use cel::{Context, ExecutionError, Value};

use super::check::{self, Uses};
use super::constancy;
use super::functions::ENVIRONMENT;
use super::literal::after_literal;
use super::presence::{self, PRESENCE};
use super::shown::shown;
use super::values::Variables;
use super::work::Work;
use super::{
    ConditionFailed, DEEPEST_CONDITION, Headers, InvalidCondition, MAX_BRACKETS, MAX_CONDITION, Names, Outcomes,
    RequestView, Scene,
};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{FactValue, Facts};
use crate::time::UnixTime;

/// A condition, checked against what its route can give it.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    source: String,
    expression: Expression,
    uses: Uses,
    work: Work,
}

impl Condition {
    pub(crate) fn compile(text: &str, names: &Names<'_>) -> Result<Self, InvalidCondition> {
        let expression = parse(text, names)?;
        let uses = check::check(&expression, text, names)?;
        if !uses.variables {
            let fault = |reason| InvalidCondition::AlwaysFails { text: text.to_owned(), reason };
            of_nothing(&expression).map_err(fault)?;
        }
        let _reads_nothing = parts_succeed(&expression)?;
        let work = Work::of(&expression, names);
        Ok(Self { source: text.to_owned(), expression, uses, work })
    }

    /// The condition as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it reads headers, so that they must be kept until it is judged.
    pub(crate) const fn uses_headers(&self) -> bool {
        self.uses.headers
    }

    /// Whether it reads the path as a whole, which is another one for a reader who does not heed the case of letters.
    pub(crate) const fn uses_path(&self) -> bool {
        self.uses.path
    }

    /// The captures it reads.
    pub(crate) fn captures_used(&self) -> impl Iterator<Item = &str> {
        BTreeSet::iter(&self.uses.captures).map(String::as_str)
    }

    /// The facts it reads, by whose and which.
    pub(crate) fn facts_used(&self) -> impl Iterator<Item = (&CredentialKind, &str)> {
        self.uses.facts.iter().map(|(kind, name)| (kind, name.as_str()))
    }

    /// The outcomes it can have over all requests that come to it. `names` are those it was compiled with.
    pub(crate) fn outcomes(&self, names: &Names<'_>) -> Outcomes {
        constancy::outcomes(&self.expression, names)
    }

    /// What judging it can cost, for a caller whose lists are empty.
    pub(crate) const fn least_work(&self) -> u64 {
        self.work.fixed
    }

    /// What judging it can cost, for this caller.
    pub(crate) fn work(&self, scene: &Scene<'_>) -> u64 {
        if self.work.per_entry == 0 {
            return self.work.fixed;
        }
        let entries = self.facts_used().map(|(kind, name)| {
            let facts = scene.identities.iter().find(|(known, _facts)| *known == kind);
            facts.and_then(|(_kind, facts)| *facts).map_or(0, |facts| entries(facts, name))
        });
        self.work.with(entries.fold(0_usize, usize::saturating_add).try_into().unwrap_or(u64::MAX))
    }

    /// Judges it.
    ///
    /// # Errors
    /// Where it is neither true nor false.
    pub(crate) fn holds(&self, scene: &Scene<'_>) -> Result<bool, ConditionFailed> {
        if self.uses.headers {
            match scene.request.headers {
                Headers::Read(_) => {}
                Headers::NotAsked => return Err(ConditionFailed::HeadersNotRead),
                Headers::Unreadable => return Err(ConditionFailed::HeadersUnreadable),
            }
        }
        evaluate(&self.expression, &Variables::new(scene))
    }
}

/// Number of entries of a list, as a condition calls it; none of what is no list.
fn entries(facts: &Facts, name: &str) -> usize {
    if name == "scopes" {
        return facts.scope.iter().count();
    }
    match facts.further.iter().find(|(known, _fact)| **known == *name) {
        Some((_name, FactValue::List(list))) => list.iter().count(),
        Some(_) | None => 0,
    }
}

fn parse(text: &str, names: &Names<'_>) -> Result<Expression, InvalidCondition> {
    if text.len() > MAX_CONDITION {
        return Err(InvalidCondition::TooLong(text.len()));
    }
    let words = outside_of_literals(text);
    if words.contains("//") {
        return Err(InvalidCondition::Comment(text.to_owned()));
    }
    if words.contains(PRESENCE) {
        return Err(InvalidCondition::Reserved(PRESENCE));
    }
    let spelt = presence::spelt(text, &words, names);
    let too_deep = || InvalidCondition::TooDeep(text.to_owned());
    let expression = PrattParser::new().max_recursion_depth(MAX_BRACKETS).parse(&spelt).map_err(|errors| {
        // The parser gives no place for what has none: its own limit on recursion, or on errors.
        let first = errors.errors.into_iter().next();
        let (line, column, reason) = first.map_or((0, 0, String::new()), |error| (error.pos.0, error.pos.1, error.msg));
        if reason.starts_with("expression recursion limit") {
            return too_deep();
        }
        let column = presence::column(&spelt, line, column);
        InvalidCondition::Unparsable { text: text.to_owned(), line, column, hint: meant(text), reason }
    })?;
    if check::is_deeper_than(&expression, DEEPEST_CONDITION) { Err(too_deep()) } else { Ok(expression) }
}

/// What to write instead of a text that does not parse, where it is written in another language's way.
fn meant(text: &str) -> Option<String> {
    let words = outside_of_literals(text);
    let has = |word: &str| words.split(|sign: char| !sign.is_alphanumeric() && sign != '_').any(|other| other == word);
    let of_header = words.find("has(request.headers[").map(|_start| {
        "ask for a header as in `\"x-team\" in request.headers`; `has` takes a member, as in `has(token.client_type)`"
    });
    let is_assigned = || {
        let bytes = words.as_bytes();
        bytes.iter().enumerate().any(|(at, byte)| {
            let (before, after) = (at.checked_sub(1).and_then(|at| bytes.get(at)), bytes.get(at.saturating_add(1)));
            *byte == b'=' && after != Some(&b'=') && !matches!(before, Some(b'=' | b'!' | b'<' | b'>'))
        })
    };
    let other = [("and", "write `&&` for `and`"), ("or", "write `||` for `or`"), ("not", "write `!` for `not`")];
    let hint = of_header.or_else(|| other.into_iter().find(|(word, _hint)| has(word)).map(|(_word, hint)| hint));
    let of_has = || words.contains("has(").then_some(HAS_TAKES);
    let hint = hint.or_else(of_has).or_else(|| is_assigned().then_some("write `==` to compare"));
    hint.map(str::to_owned)
}

/// A text whose plain literals are empty. Where a raw literal ends, or one in triple quotes, is not looked at: the rest
/// of the text stays as it is.
fn outside_of_literals(text: &str) -> String {
    let (mut outside, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, literal) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let is_raw = before.ends_with(['r', 'R']);
        let is_tripled = literal.starts_with("\"\"\"") || literal.starts_with("'''");
        if is_raw || is_tripled {
            break;
        }
        outside.push_str(before);
        outside.push_str("\"\"");
        // One that does not end takes the rest.
        rest = after_literal(literal, false).unwrap_or("");
    }
    outside + rest
}

/// Refuses a part that reads nothing and fails, which it would for every request; whether the whole reads nothing.
fn parts_succeed(expression: &Expression) -> Result<bool, InvalidCondition> {
    let parts = check::children(expression);
    let read_nothing = parts.iter().map(|part| parts_succeed(part)).collect::<Result<Vec<_>, _>>()?;
    let reads_nothing = !matches!(expression.expr, Expr::Ident(_)) && read_nothing.iter().all(|part| *part);
    if !reads_nothing {
        let largest = parts.into_iter().zip(read_nothing).filter(|(_part, reads_nothing)| *reads_nothing);
        for (part, _reads_nothing) in largest {
            let fault = |reason| InvalidCondition::AlwaysFails { text: shown(part), reason };
            without_request(|variables| resolve(part, variables, |_value| ())).map_err(fault)?;
        }
    }
    Ok(reads_nothing)
}

/// The outcome of what reads nothing.
pub(super) fn of_nothing(expression: &Expression) -> Result<bool, ConditionFailed> {
    without_request(|variables| evaluate(expression, variables))
}

fn without_request<T>(of: impl FnOnce(&Variables<'_>) -> T) -> T {
    let (method, host, path) = (String::new(), String::new(), String::new());
    let request = RequestView { method, host, path, headers: Headers::NotAsked };
    let now = UnixTime::from_seconds(0);
    let scene = Scene { request: &request, captures: &[], identities: &[], now };
    of(&Variables::new(&scene))
}

fn evaluate(expression: &Expression, variables: &Variables<'_>) -> Result<bool, ConditionFailed> {
    let outcome =
        resolve(expression, variables, |value| value.downcast_ref::<CelBool>().map(|outcome| *outcome.inner()))?;
    outcome.ok_or(ConditionFailed::NotBool)
}

/// Evaluates an expression, and reads its value, which lasts no longer.
fn resolve<T>(
    expression: &Expression,
    variables: &Variables<'_>,
    read: impl FnOnce(&dyn Val) -> T,
) -> Result<T, ConditionFailed> {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.set_variable_resolver(variables);
    let value = Value::resolve_val(expression, &context).map_err(|error| kind(&error))?;
    Ok(read(&*value))
}

/// The kind of an error. Its text is dropped: it can hold what was judged.
fn kind(error: &ExecutionError) -> ConditionFailed {
    match error {
        ExecutionError::NoSuchKey(_) | ExecutionError::UndeclaredReference(_) => ConditionFailed::Absent,
        ExecutionError::NoSuchOverload(_)
        | ExecutionError::UnexpectedType { .. }
        | ExecutionError::UnsupportedBinaryOperator(..)
        | ExecutionError::UnsupportedIndex(..)
        | ExecutionError::UnsupportedKeyType(_)
        | ExecutionError::ValuesNotComparable(..) => ConditionFailed::WrongType,
        ExecutionError::DivisionByZero(_)
        | ExecutionError::RemainderByZero(_)
        | ExecutionError::Overflow(..)
        | ExecutionError::IndexOutOfBounds(_) => ConditionFailed::OutOfRange,
        ExecutionError::FunctionError { .. } => ConditionFailed::Conversion,
        _ => ConditionFailed::Other,
    }
}

const HAS_TAKES: &str = "`has` takes a credential, or a member of it: `has(token)`, `has(token.client_type)`";
