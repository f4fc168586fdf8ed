//! Owns what a parsed condition may refer to: everything it can read exists on its route, everything it can call is
//! known, and no loop stands in another.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::kind::Kind;
use super::{InvalidCondition, Names, functions, time};
use crate::credential::CredentialKind;

/// What a condition reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) captures: BTreeSet<String>,
    /// The members of `token` and `api_key`.
    pub(super) facts: BTreeSet<(CredentialKind, String)>,
    pub(super) headers: bool,
    /// Whether it reads anything at all.
    pub(super) variables: bool,
}

/// A variable that is read by its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    ApiKey,
    Params,
    Request,
    Token,
}

impl Root {
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::ApiKey, Self::Params, Self::Request, Self::Token].into_iter().find(|root| root.as_str() == name)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Params => "params",
            Self::Request => "request",
            Self::Token => "token",
        }
    }

    /// The further facts of a credential; `None` for what is no credential, or is not required.
    pub(super) const fn further_facts<'a>(self, names: &Names<'a>) -> Option<&'a [&'a str]> {
        match self {
            Self::ApiKey => names.api_key,
            Self::Token => names.token,
            Self::Params | Self::Request => None,
        }
    }

    const fn is_at_hand(self, names: &Names<'_>) -> bool {
        match self {
            Self::ApiKey | Self::Token => self.further_facts(names).is_some(),
            Self::Params | Self::Request => true,
        }
    }

    /// What there is instead of an unknown member.
    fn known(self, names: &Names<'_>) -> String {
        let listed = |known: &mut dyn Iterator<Item = &str>| {
            known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let known = match self {
            Self::Request => listed(&mut ["method", "host", "path", "headers"].into_iter()),
            Self::Params => listed(&mut names.captures.iter().map(|(name, _)| *name)),
            Self::ApiKey | Self::Token => {
                let own = ["subject", "client_id", "client_type", "scopes", "expires"];
                let further = self.further_facts(names).unwrap_or_default();
                listed(&mut own.into_iter().chain(further.iter().copied()))
            }
        };
        if known.is_empty() { "the path captures nothing".to_owned() } else { format!("there are {known}") }
    }
}

/// The member of a root that an expression reads (`token.subject`, `token["subject"]`), or asks for (`has(..)`).
pub(super) fn member(expression: &Expression) -> Option<(Root, &str, bool)> {
    let (operand, name, test) = match &expression.expr {
        Expr::Select(select) => (&*select.operand, select.field.as_str(), select.test),
        Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
            let [operand, key] = args.as_slice() else { return None };
            (operand, text(key)?, false)
        }
        _ => return None,
    };
    match &operand.expr {
        Expr::Ident(root) => Root::named(root).map(|root| (root, name, test)),
        _ => None,
    }
}

/// Checks a whole condition. Expects no deeper a tree than a condition's.
pub(super) fn check(expression: &Expression, text: &str, names: &Names<'_>) -> Result<Uses, InvalidCondition> {
    let mut walk = Walk { names, uses: Uses::default(), bound: Vec::new(), scopes_in_loop: false };
    walk.expression(expression)?;
    match Kind::of(expression, names) {
        Some(Kind::Bool) | None => Ok(walk.uses),
        Some(kind) => Err(InvalidCondition::NotBool { text: text.to_owned(), is: kind.as_str() }),
    }
}

/// Whether a tree has more than so many levels; walks it without recursion.
pub(super) fn is_deeper_than(expression: &Expression, levels: usize) -> bool {
    let mut open = vec![(expression, 1)];
    while let Some((expression, level)) = open.pop() {
        if level > levels {
            return true;
        }
        let mut add = |child| open.push((child, level.saturating_add(1)));
        match &expression.expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(add),
            Expr::Comprehension(comprehension) => {
                let ComprehensionExpr { iter_range, accu_init, loop_cond, loop_step, result, .. } = &**comprehension;
                [iter_range, accu_init, loop_cond, loop_step, result].into_iter().for_each(add);
            }
            Expr::List(list) => list.elements.iter().for_each(add),
            Expr::Map(map) => map.entries.iter().for_each(|entry| entry_children(&entry.expr, &mut add)),
            Expr::Select(select) => add(&select.operand),
            Expr::Struct(literal) => literal.entries.iter().for_each(|entry| entry_children(&entry.expr, &mut add)),
        }
    }
    false
}

fn entry_children<'e>(entry: &'e EntryExpr, add: &mut impl FnMut(&'e Expression)) {
    match entry {
        EntryExpr::StructField(field) => add(&field.value),
        EntryExpr::MapEntry(entry) => {
            add(&entry.key);
            add(&entry.value);
        }
    }
}

struct Walk<'n> {
    names: &'n Names<'n>,
    uses: Uses,
    /// The names that the loop around binds; none outside of a loop.
    bound: Vec<String>,
    /// Whether the body of a loop reads a list of scopes: once is a loop inside a loop, and twice is too much.
    scopes_in_loop: bool,
}

impl Walk<'_> {
    fn expression(&mut self, expression: &Expression) -> Result<(), InvalidCondition> {
        if let Some((root, name, _test)) = member(expression) {
            return self.member(root, name);
        }
        match &expression.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => {
                self.header_name(&select.operand, &select.field)?;
                self.expression(&select.operand)
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.expression(element)),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Map(_) => Err(InvalidCondition::Unsupported("there are no map literals")),
            Expr::Struct(_) => Err(InvalidCondition::Unsupported("there are no messages")),
            Expr::Unspecified => Err(InvalidCondition::Unsupported("there is an empty place")),
        }
    }

    fn variable(&mut self, name: &str) -> Result<(), InvalidCondition> {
        if self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        if name == "now" {
            self.uses.variables = true;
            return Ok(());
        }
        match Root::named(name) {
            Some(root) => Err(InvalidCondition::NotByMember(root.as_str())),
            None => Err(InvalidCondition::UnknownVariable(name.to_owned())),
        }
    }

    fn member(&mut self, root: Root, name: &str) -> Result<(), InvalidCondition> {
        if !root.is_at_hand(self.names) {
            return Err(InvalidCondition::NotRequired(root.as_str()));
        }
        if Kind::of_member(root, name, self.names).is_none() {
            let known = root.known(self.names);
            return Err(InvalidCondition::UnknownMember { of: root.as_str(), member: name.to_owned(), known });
        }
        self.uses.variables = true;
        match root {
            Root::Params => {
                self.uses.captures.insert(name.to_owned());
            }
            Root::Request => self.uses.headers |= name == "headers",
            Root::ApiKey => drop(self.uses.facts.insert((CredentialKind::ApiKey, name.to_owned()))),
            Root::Token => drop(self.uses.facts.insert((CredentialKind::Token, name.to_owned()))),
        }
        match root {
            Root::ApiKey | Root::Token if name == "scopes" && !self.bound.is_empty() => {
                if self.scopes_in_loop {
                    return Err(InvalidCondition::ScopesInLoop(root.as_str()));
                }
                self.scopes_in_loop = true;
            }
            Root::ApiKey | Root::Token | Root::Params | Root::Request => {}
        }
        Ok(())
    }

    fn call(&mut self, call: &CallExpr) -> Result<(), InvalidCondition> {
        let target = call.target.as_deref();
        if !functions::is_known(&call.func_name, target.is_some(), call.args.len()) {
            return Err(InvalidCondition::UnknownFunction(call.func_name.clone()));
        }
        target.into_iter().chain(&call.args).try_for_each(|part| self.expression(part))?;
        match (call.func_name.as_str(), call.args.as_slice()) {
            ("timestamp", [argument]) => literal(argument, "timestamp", |text| time::timestamp(text).is_some()),
            ("duration", [argument]) => literal(argument, "duration", |text| time::duration(text).is_some()),
            (operators::ADD, terms) if terms.iter().any(|term| Kind::of(term, self.names) == Some(Kind::List)) => {
                Err(InvalidCondition::Unsupported("there is no joining of lists"))
            }
            (operators::INDEX, [map, key]) => text(key).map_or(Ok(()), |name| self.header_name(map, name)),
            (operators::IN, [element, container]) => {
                text(element).map_or(Ok(()), |name| self.header_name(container, name))?;
                self.is_in(element, container)
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, terms) => {
                terms.iter().try_for_each(|term| match Kind::of(term, self.names) {
                    Some(Kind::Bool) | None => Ok(()),
                    Some(kind) => {
                        Err(InvalidCondition::NotLogical { operator: written(&call.func_name), of: kind.as_str() })
                    }
                })
            }
            (
                operators::EQUALS
                | operators::NOT_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => self.alike(written(&call.func_name), left, right),
            _ => Ok(()),
        }
    }

    fn is_in(&self, element: &Expression, container: &Expression) -> Result<(), InvalidCondition> {
        match (&container.expr, Kind::of(container, self.names)) {
            (Expr::List(list), _) => list.elements.iter().try_for_each(|other| self.alike("in", element, other)),
            // What is not written out is a list of scopes, or the headers: texts both.
            (_, Some(Kind::List | Kind::Map)) if member(container).is_some() => match Kind::of(element, self.names) {
                Some(Kind::Text) | None => Ok(()),
                Some(kind) => Err(mismatch("in", kind, Kind::Text)),
            },
            (_, Some(Kind::List | Kind::Map) | None) => Ok(()),
            (_, Some(kind)) => Err(mismatch("in", Kind::of(element, self.names).unwrap_or(Kind::Text), kind)),
        }
    }

    fn alike(&self, operator: &'static str, left: &Expression, right: &Expression) -> Result<(), InvalidCondition> {
        match (Kind::of(left, self.names), Kind::of(right, self.names)) {
            (Some(left), Some(right)) if left != right => Err(mismatch(operator, left, right)),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    fn header_name(&self, map: &Expression, name: &str) -> Result<(), InvalidCondition> {
        let of_headers = member(map).is_some_and(|(root, member, _)| root == Root::Request && member == "headers");
        if of_headers && (name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Err(InvalidCondition::HeaderName(name.to_owned()));
        }
        Ok(())
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<(), InvalidCondition> {
        let ComprehensionExpr { iter_range, iter_var, iter_var2, accu_var, accu_init, loop_cond, loop_step: _, result } =
            comprehension;
        if !self.bound.is_empty() {
            return Err(InvalidCondition::NestedLoop(iter_var.clone()));
        }
        if iter_var2.is_some() {
            return Err(InvalidCondition::Unsupported("there are no loops over two variables"));
        }
        if Root::named(iter_var).is_some() || iter_var == "now" || iter_var == accu_var {
            return Err(InvalidCondition::NameTaken(iter_var.clone()));
        }
        self.expression(iter_range)?;
        match Kind::of(iter_range, self.names) {
            Some(Kind::List | Kind::Map) | None => {}
            Some(kind) => return Err(InvalidCondition::NotIterable(kind.as_str())),
        }
        if is_map(comprehension) {
            return Err(InvalidCondition::UnknownFunction("map".to_owned()));
        }
        self.expression(accu_init)?;
        self.bound = vec![iter_var.clone(), accu_var.clone()];
        let outcome = [loop_cond, body(comprehension), result].into_iter().try_for_each(|part| self.expression(part));
        self.bound.clear();
        outcome
    }
}

/// What an author writes in a loop: of a `filter`, which gathers what it goes over, the test.
fn body(comprehension: &ComprehensionExpr) -> &Expression {
    match (&comprehension.accu_init.expr, &comprehension.loop_step.expr) {
        (Expr::List(_), Expr::Call(call)) if call.func_name == operators::CONDITIONAL => {
            call.args.first().unwrap_or(&comprehension.loop_step)
        }
        _ => &comprehension.loop_step,
    }
}

/// Whether a loop gathers anything but what it goes over, as `map` does and `filter` does not.
fn is_map(comprehension: &ComprehensionExpr) -> bool {
    fn gathers_other(expression: &Expression, name: &str) -> bool {
        let Expr::Call(call) = &expression.expr else { return false };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [_, gathered, _]) => gathers_other(gathered, name),
            (_, [_, gathered]) => match &gathered.expr {
                Expr::List(list) => {
                    !matches!(list.elements.as_slice(), [Expression { expr: Expr::Ident(one), .. }] if one == name)
                }
                _ => true,
            },
            _ => true,
        }
    }
    matches!(comprehension.accu_init.expr, Expr::List(_))
        && gathers_other(&comprehension.loop_step, &comprehension.iter_var)
}

/// A literal argument is judged now rather than on each request.
fn literal(argument: &Expression, wanted: &'static str, reads: impl Fn(&str) -> bool) -> Result<(), InvalidCondition> {
    match text(argument) {
        Some(text) if !reads(text) => Err(InvalidCondition::Literal { text: text.to_owned(), wanted }),
        Some(_) | None => Ok(()),
    }
}

fn text(expression: &Expression) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

const fn mismatch(operator: &'static str, left: Kind, right: Kind) -> InvalidCondition {
    InvalidCondition::Mismatch { operator, left: left.as_str(), right: right.as_str() }
}

/// An operator as an author writes it.
fn written(operator: &str) -> &'static str {
    match operator {
        operators::EQUALS => "==",
        operators::NOT_EQUALS => "!=",
        operators::LESS => "<",
        operators::LESS_EQUALS => "<=",
        operators::GREATER => ">",
        operators::GREATER_EQUALS => ">=",
        operators::LOGICAL_AND => "&&",
        operators::LOGICAL_OR => "||",
        operators::LOGICAL_NOT => "!",
        _ => "operator",
    }
}
