//! Owns what a parsed condition may say: everything it reads exists on its route, everything it calls is known and
//! takes what it is given, no comparison has one outcome only, and no loop stands in another.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators};
use cel::parser::Expression;

use super::language::Test;
use super::presence::PRESENCE;
use super::shown::shown;
use super::texts::{Source, Texts};
use super::types::{List, Type, Whole};
use super::{InvalidCondition, Names, functions};
use crate::fault::nearest;
use crate::identity::credential::CredentialKind;
use occurs::Part;
pub(super) use root::{PARAMS, REQUEST, Root};

mod calls;
mod occurs;
mod root;
mod sizes;

/// What a condition reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) captures: BTreeSet<String>,
    /// The members of credentials.
    pub(super) facts: BTreeSet<(CredentialKind, String)>,
    pub(super) headers: bool,
    /// Whether it reads the path as a whole.
    pub(super) path: bool,
    /// Whether it reads anything at all.
    pub(super) variables: bool,
}

/// The member of a root that an expression reads (`token.subject`, `token["subject"]`), or asks for (`has(..)`).
pub(super) fn member<'e>(expression: &'e Expression, names: &Names<'_>) -> Option<(Root, &'e str, bool)> {
    let (operand, name, test) = match &expression.expr {
        Expr::Select(select) => (&*select.operand, select.field.as_str(), select.test),
        Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
            let [operand, key] = args.as_slice() else { return None };
            (operand, text(key)?, false)
        }
        _ => return None,
    };
    match &operand.expr {
        Expr::Ident(root) => Root::named(root, names).map(|root| (root, name, test)),
        _ => None,
    }
}

/// Checks a whole condition. Expects no deeper a tree than a condition's.
pub(super) fn check(expression: &Expression, text: &str, names: &Names<'_>) -> Result<Uses, InvalidCondition> {
    let mut walk = Walk { names, uses: Uses::default(), bound: None, list_in_loop: false };
    match walk.expression(expression)? {
        Type::Bool => Ok(walk.uses),
        of => Err(InvalidCondition::NotBool { text: text.to_owned(), is: of.as_str() }),
    }
}

/// Whether a tree has more than so many levels; walks it without recursion.
pub(super) fn is_deeper_than(expression: &Expression, levels: usize) -> bool {
    let mut open = vec![(expression, 1)];
    while let Some((expression, level)) = open.pop() {
        if level > levels {
            return true;
        }
        open.extend(children(expression).into_iter().map(|child| (child, level.saturating_add(1))));
    }
    false
}

/// The parts of an expression.
pub(super) fn children(expression: &Expression) -> Vec<&Expression> {
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(comprehension) => {
            let ComprehensionExpr { iter_range, accu_init, loop_cond, loop_step, result, .. } = &**comprehension;
            vec![iter_range, accu_init, loop_cond, loop_step, result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| of_entry(&entry.expr)).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Struct(literal) => literal.entries.iter().flat_map(|entry| of_entry(&entry.expr)).collect(),
    }
}

fn of_entry(entry: &EntryExpr) -> Vec<&Expression> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// What is known of a part of a checked condition, inside of a loop over `bound`; `None` of what only the whole makes
/// sound.
pub(super) fn type_of(expression: &Expression, names: &Names<'_>, bound: Option<(String, Type)>) -> Option<Type> {
    let mut walk = Walk { names, uses: Uses::default(), bound, list_in_loop: false };
    walk.expression(expression).ok()
}

struct Walk<'n> {
    names: &'n Names<'n>,
    uses: Uses,
    /// What the loop around binds, and what it can be; none outside of a loop.
    bound: Option<(String, Type)>,
    /// Whether the body of a loop reads a list: once is a loop inside a loop, and twice is too much.
    list_in_loop: bool,
}

impl Walk<'_> {
    /// What is known of an expression, once it is checked.
    fn expression(&mut self, expression: &Expression) -> Result<Type, InvalidCondition> {
        if let Some((root, PRESENCE, true)) = member(expression, self.names) {
            return self.presence(root);
        }
        if let Some((root, name, test)) = member(expression, self.names) {
            let of = self.member(root, name)?;
            return Ok(if test { Type::Bool } else { of });
        }
        match &expression.expr {
            Expr::Literal(literal) => Ok(Type::of_literal(literal)),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(expression, call),
            Expr::List(list) => self.list(&list.elements),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Map(_) => Err(InvalidCondition::Unsupported("there are no map literals")),
            Expr::Struct(_) => Err(InvalidCondition::Unsupported("there are no messages")),
            Expr::Unspecified => Err(InvalidCondition::Unsupported("there is an empty place")),
        }
    }

    fn is_variable(&self, name: &str) -> bool {
        self.bound.as_ref().is_some_and(|(bound, _)| bound == name)
            || name == "now"
            || Root::named(name, self.names).is_some()
    }

    fn variable(&mut self, name: &str) -> Result<Type, InvalidCondition> {
        if let Some((_name, of)) = self.bound.as_ref().filter(|(bound, _)| bound == name) {
            return Ok(of.clone());
        }
        if name == "now" {
            self.uses.variables = true;
            return Ok(Type::Timestamp(Whole::read(0, i64::MAX)));
        }
        match Root::named(name, self.names) {
            Some(root) => Err(InvalidCondition::NotByMember(root.as_str(self.names).to_owned())),
            None => {
                let known = || Root::all(self.names).chain(["now"]);
                let listed: Vec<_> = known().map(|known| format!("`{known}`")).collect();
                let (known, hint) = (listed.join(", "), nearest(name, known()));
                Err(InvalidCondition::UnknownVariable { name: name.to_owned(), known, hint })
            }
        }
    }

    /// The question whether a credential is there.
    fn presence(&mut self, root: Root) -> Result<Type, InvalidCondition> {
        if !root.is_at_hand(self.names) {
            return Err(InvalidCondition::NotRequired(root.as_str(self.names).to_owned()));
        }
        self.uses.variables = true;
        Ok(Type::Bool)
    }

    fn member(&mut self, root: Root, name: &str) -> Result<Type, InvalidCondition> {
        if !root.is_at_hand(self.names) {
            return Err(InvalidCondition::NotRequired(root.as_str(self.names).to_owned()));
        }
        let Some(of) = root.type_of(name, self.names) else {
            let known = root.members(self.names);
            let hint = nearest(name, known.iter().copied());
            let known = match known.as_slice() {
                [] => "the path captures nothing".to_owned(),
                known => {
                    let listed: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                    format!("there are {}", listed.join(", "))
                }
            };
            let of = root.as_str(self.names).to_owned();
            return Err(InvalidCondition::UnknownMember { of, member: name.to_owned(), known, hint });
        };
        self.uses.variables = true;
        match root {
            Root::Params => {
                self.uses.captures.insert(name.to_owned());
            }
            Root::Request => {
                self.uses.headers |= name == "headers";
                self.uses.path |= name == "path";
            }
            Root::Credential(number) => {
                let kind = self.names.credentials.get(number).map(|known| known.kind.clone());
                self.uses.facts.extend(kind.map(|kind| (kind, name.to_owned())));
            }
        }
        if self.bound.is_some() && matches!(of, Type::List(_)) {
            if self.list_in_loop {
                return Err(InvalidCondition::ListInLoop(format!("{}.{name}", root.as_str(self.names))));
            }
            self.list_in_loop = true;
        }
        Ok(of)
    }

    /// A member of something that is no variable: only the headers have some.
    fn select(&mut self, select: &SelectExpr) -> Result<Type, InvalidCondition> {
        match self.expression(&select.operand)? {
            Type::Headers => {
                let name = Texts::written(&select.field);
                self.header_name(&select.operand, Part { expression: &select.operand, of: &name })?;
                let value = || Type::Text(Texts::of(Source::HeaderValue, &self.names.around));
                Ok(if select.test { Type::Bool } else { value() })
            }
            of => Err(InvalidCondition::NoMembers {
                text: shown(&select.operand),
                is: of.as_str(),
                member: select.field.clone(),
                hint: getter(&of, &select.field).map(|getter| format!("write `{}.{getter}()`", shown(&select.operand))),
            }),
        }
    }

    fn list(&mut self, elements: &[Expression]) -> Result<Type, InvalidCondition> {
        let mut of: Option<Type> = None;
        for element in elements {
            let next = self.expression(element)?;
            of = Some(match of {
                None => next,
                Some(before) => {
                    let (one, two) = (before.exactly(), next.exactly());
                    before.or(next).ok_or(InvalidCondition::MixedList { one, two })?
                }
            });
        }
        Ok(Type::List(List { of: of.map(Box::new), ascending: false }))
    }

    /// Refuses the name of a header that is never there; `of` is the headers.
    fn header_name(&self, of: &Expression, name: Part<'_, Texts>) -> Result<(), InvalidCondition> {
        let names = Texts::of(Source::HeaderName, &self.names.around);
        self.can_pass(Test::Equals, Part { expression: of, of: &names }, name)
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Type, InvalidCondition> {
        let ComprehensionExpr { iter_range, iter_var, iter_var2, accu_var, accu_init, .. } = comprehension;
        if self.bound.is_some() {
            return Err(InvalidCondition::NestedLoop(iter_var.clone()));
        }
        if iter_var2.is_some() {
            return Err(InvalidCondition::Unsupported("there are no loops over two variables"));
        }
        if Root::named(iter_var, self.names).is_some() || iter_var == "now" || iter_var == accu_var {
            return Err(InvalidCondition::NameTaken(iter_var.clone()));
        }
        let range = self.expression(iter_range)?;
        let Some(predicate) = predicate(comprehension) else {
            return Err(functions::unknown("map"));
        };
        let (item, gathered) = match range {
            Type::Headers => {
                let name = Type::Text(Texts::of(Source::HeaderName, &self.names.around));
                (Some(name.clone()), List { of: Some(Box::new(name)), ascending: true })
            }
            Type::List(list) => (list.of.as_deref().cloned(), list),
            of => return Err(InvalidCondition::NotIterable(of.as_str())),
        };
        let Some(item) = item else {
            return Err(InvalidCondition::Unsupported("there is a loop over a list that is always empty"));
        };
        self.bound = Some((iter_var.clone(), item));
        let judged = self.expression(predicate);
        self.bound = None;
        match judged? {
            Type::Bool => {}
            of => return Err(InvalidCondition::NotBool { text: shown(predicate), is: of.as_str() }),
        }
        Ok(if matches!(accu_init.expr, Expr::List(_)) { Type::List(gathered) } else { Type::Bool })
    }
}

/// The test that an author writes in a loop; `None` of a loop that gathers anything but what it goes over, as `map`
/// does.
pub(super) fn predicate(comprehension: &ComprehensionExpr) -> Option<&Expression> {
    let Expr::Call(step) = &comprehension.loop_step.expr else { return None };
    let is = |expression: &Expression, name: &str| matches!(&expression.expr, Expr::Ident(ident) if ident == name);
    match (step.func_name.as_str(), step.args.as_slice()) {
        // `all` and `exists`.
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [_outcome, predicate]) => Some(predicate),
        // `exists_one` counts, and `filter` gathers.
        (operators::CONDITIONAL, [predicate, step, _otherwise]) => match (&comprehension.accu_init.expr, &step.expr) {
            (Expr::Literal(_), _) => Some(predicate),
            (Expr::List(_), Expr::Call(CallExpr { args, .. })) => match args.as_slice() {
                [_, Expression { expr: Expr::List(list), .. }] => match list.elements.as_slice() {
                    [gathered] if is(gathered, &comprehension.iter_var) => Some(predicate),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The function of a timestamp that a member was perhaps meant to be.
fn getter(of: &Type, member: &str) -> Option<&'static str> {
    let Type::Timestamp(_) = of else { return None };
    match member.to_ascii_lowercase().as_str() {
        "hour" | "hours" | "gethours" => Some("getHours"),
        "minute" | "minutes" | "getminutes" => Some("getMinutes"),
        "second" | "seconds" | "getseconds" => Some("getSeconds"),
        "day" | "dayofweek" | "weekday" | "getdayofweek" => Some("getDayOfWeek"),
        _ => None,
    }
}

pub(super) fn text(expression: &Expression) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
