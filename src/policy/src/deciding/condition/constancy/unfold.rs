//! Owns how a condition is taken apart: down to tests of one place each, and to what is not followed.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, ListExpr, SelectExpr, operators};
use cel::parser::Expression;

use super::compare::{of_itself, of_ranges, operator, test, turned};
use super::node::{Node, Quantifier};
use super::place::{Place, Test, Values};
use super::rewritten::{has, is_variable, of, with_entry};
use super::steps::Step;
use crate::deciding::condition::check::{Root, member, predicate, type_of};
use crate::deciding::condition::compiled::of_nothing;
use crate::deciding::condition::language::{self, Tested};
use crate::deciding::condition::presence::PRESENCE;
use crate::deciding::condition::texts::{Source, Texts};
use crate::deciding::condition::types::{List, Type};
use crate::deciding::condition::{Names, Outcomes};

/// Takes a condition apart, in its normal form.
pub(super) struct Unfold<'n> {
    names: &'n Names<'n>,
    pub(super) places: Vec<Place>,
    /// What the loop around binds, what it can be, and the place it goes over.
    bound: Option<(String, Type, usize)>,
    pub(super) nodes: usize,
}

impl<'n> Unfold<'n> {
    pub(super) const fn new(names: &'n Names<'n>) -> Self {
        Self { names, places: Vec::new(), bound: None, nodes: 0 }
    }

    /// An expression that is a bool.
    pub(super) fn node(&mut self, expression: &Expression) -> Node {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Node::Known(Outcomes::ANY);
        }
        if self.is_constant(expression) {
            return Node::Known(of_nothing(expression).map_or(Outcomes::FAILS, Outcomes::exactly));
        }
        match &expression.expr {
            Expr::Call(call) => self.call(expression, call),
            Expr::Comprehension(comprehension) => self.comprehension(expression, comprehension),
            Expr::Select(select) if select.test => self.has(select),
            Expr::Ident(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Select(_)
            | Expr::Struct(_)
            | Expr::Unspecified => self.unknown(expression),
        }
    }

    fn call(&mut self, expression: &Expression, call: &CallExpr) -> Node {
        let name = call.func_name.as_str();
        let parts: Vec<_> = call.target.as_deref().into_iter().chain(&call.args).collect();
        match (name, parts.as_slice()) {
            (operators::LOGICAL_NOT, [of]) => Node::Not(Box::new(self.node(of))),
            (operators::LOGICAL_AND, parts) => Node::All(parts.iter().map(|part| self.node(part)).collect()),
            (operators::LOGICAL_OR, parts) => Node::Any(parts.iter().map(|part| self.node(part)).collect()),
            (operators::CONDITIONAL, [is, yes, no]) => {
                Node::Chosen(Box::new([self.node(is), self.node(yes), self.node(no)]))
            }
            (operators::IN, [of, within]) => self.is_in(of, within).unwrap_or_else(|| self.unknown(expression)),
            (_, [left, right]) => self.compared(call, left, right).unwrap_or_else(|| self.unknown(expression)),
            (_, _) => self.unknown(expression),
        }
    }

    /// A comparison of two; `None` where it is not followed.
    fn compared(&mut self, call: &CallExpr, left: &Expression, right: &Expression) -> Option<Node> {
        if let Some(node) = self.of_chosen(call, left, right) {
            return Some(node);
        }
        let name = call.func_name.as_str();
        let (one, two) = (self.type_of(left)?, self.type_of(right)?);
        match (&one, &two, operator(name)) {
            (Type::Bool, Type::Bool, Some(operators::EQUALS)) => {
                Some(Node::Same(Box::new([self.node(left), self.node(right)])))
            }
            _ if left == right => Some(Node::Known(of_itself(name)?.or_fails())),
            (Type::Text(texts), Type::Text(with), _) => match (only(texts), only(with), test(name)?) {
                (_, Some(text), test) => self.text(test, left, text),
                (Some(text), None, test @ language::Test::Equals) => self.text(test, right, text),
                (Some(_) | None, None, _) => None,
            },
            (Type::Int(whole), Type::Int(with), Some(name))
            | (Type::Timestamp(whole), Type::Timestamp(with), Some(name)) => {
                let node = match (whole.only(), with.only()) {
                    (None, Some(number)) => self.number(left, name, number),
                    (Some(number), None) => self.number(right, turned(name), number),
                    (None, None) | (Some(_), Some(_)) => None,
                };
                node.or_else(|| Some(Node::Known(of_ranges(name, whole, with)?.or_fails())))
            }
            _ => None,
        }
    }

    /// `(is ? yes : no) == other` is `is ? yes == other : no == other`.
    fn of_chosen(&mut self, call: &CallExpr, left: &Expression, right: &Expression) -> Option<Node> {
        let chosen = |expression: &Expression| match &expression.expr {
            Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::CONDITIONAL => {
                <[Expression; 3]>::try_from(args.clone()).ok()
            }
            _ => None,
        };
        let with = |left: Expression, right: Expression| {
            let (target, args) = match call.target {
                Some(_) => (Some(Box::new(left)), vec![right]),
                None => (None, vec![left, right]),
            };
            of(Expr::Call(CallExpr { func_name: call.func_name.clone(), target, args }))
        };
        let (is, yes, no) = match (chosen(left), chosen(right)) {
            (Some([is, yes, no]), _) => (is, with(yes, right.clone()), with(no, right.clone())),
            (None, Some([is, yes, no])) => (is, with(left.clone(), yes), with(left.clone(), no)),
            (None, None) => return None,
        };
        Some(Node::Chosen(Box::new([self.node(&is), self.node(&yes), self.node(&no)])))
    }

    fn is_in(&mut self, element: &Expression, within: &Expression) -> Option<Node> {
        if let Expr::List(list) = &within.expr {
            let each = |entry: &Expression| self.node(&equal(element.clone(), entry.clone()));
            let entries = list.elements.iter().map(each).collect();
            return Some(self.listed(list, Node::Any(entries)));
        }
        let text = only(&self.type_of(element)?.text()?)?.to_owned();
        if let Some((Root::Request, "headers", false)) = member(within, self.names) {
            let operand = Box::new(within.clone());
            return self.has(&SelectExpr { operand, field: text, test: true }).into();
        }
        let place = self.list(within)?;
        let test = self.places.get_mut(place)?.test(Test::Text(Tested::equal(text)));
        Some(Node::Loop(Quantifier::Exists, place, Box::new(Node::OfEntry(test))))
    }

    fn comprehension(&mut self, expression: &Expression, comprehension: &ComprehensionExpr) -> Node {
        let known = |unfold: &mut Self| {
            let (quantifier, predicate) = (quantifier(comprehension)?, predicate(comprehension)?);
            let variable = comprehension.iter_var.as_str();
            if let Expr::List(list) = &comprehension.iter_range.expr {
                let each = list.elements.iter().map(|entry| unfold.entry(predicate, variable, entry)).collect();
                let node = match quantifier {
                    Quantifier::All => Node::All(each),
                    Quantifier::Exists => Node::Any(each),
                    Quantifier::ExistsOne => Node::One(each),
                };
                return Some(unfold.listed(list, node));
            }
            let place = unfold.list(&comprehension.iter_range)?;
            let item = unfold.type_of(&comprehension.iter_range)?;
            let item = match item {
                Type::List(List { of, .. }) => *of?,
                _ => Type::Text(Texts::of(Source::HeaderName, &unfold.names.around)),
            };
            if let Some(place) = unfold.places.get_mut(place).filter(|_| quantifier == Quantifier::ExistsOne) {
                place.is_counted = true;
            }
            unfold.bound = Some((variable.to_owned(), item, place));
            let body = unfold.node(predicate);
            unfold.bound = None;
            Some(Node::Loop(quantifier, place, Box::new(body)))
        };
        known(self).unwrap_or_else(|| self.unknown(expression))
    }

    /// What a loop's test is of one entry.
    fn entry(&mut self, predicate: &Expression, variable: &str, entry: &Expression) -> Node {
        if self.nodes > MAX_NODES {
            return Node::Known(Outcomes::ANY);
        }
        self.node(&with_entry(predicate, variable, entry))
    }

    /// What comes of a list that is written: where an entry fails, the list does.
    fn listed(&self, list: &ListExpr, node: Node) -> Node {
        let is_sure = list.elements.iter().all(|entry| self.is_constant(entry));
        if is_sure { node } else { Node::OrFails(Box::new(node)) }
    }

    fn has(&mut self, select: &SelectExpr) -> Node {
        let root = match &select.operand.expr {
            Expr::Ident(root) => Root::named(root, self.names),
            _ => None,
        };
        match root {
            Some(Root::Params | Root::Request) => return Node::Known(Outcomes::HOLDS),
            Some(root @ Root::Credential(_)) if matches!(select.field.as_str(), "scopes" | PRESENCE) => {
                if root.is_certain(self.names) {
                    return Node::Known(Outcomes::HOLDS);
                }
                // Scopes are there where the credential is.
                let presence = SelectExpr { field: PRESENCE.to_owned(), ..select.clone() };
                return self.unknown(&of(Expr::Select(presence)));
            }
            Some(Root::Credential(_)) | None => {}
        }
        let expression = of(Expr::Select(SelectExpr { test: false, ..select.clone() }));
        let values = match self.type_of(&expression) {
            Some(Type::Text(texts)) => Values::Text(texts.pattern),
            Some(Type::Int(whole) | Type::Timestamp(whole)) => Values::Number(whole),
            Some(Type::List(_)) => return self.list(&expression).map_or(Node::Known(Outcomes::ANY), Node::Has),
            Some(_) | None => return Node::Known(Outcomes::ANY),
        };
        Node::Has(self.place(&expression, values))
    }

    /// A test of a text, of which the beginning and the end can be written.
    fn text(&mut self, test: language::Test, of: &Expression, text: &str) -> Option<Node> {
        let mut parts = Vec::new();
        joined(of, &mut parts);
        let written = |part: &&Expression| self.type_of(part)?.text().and_then(|texts| only(&texts).map(str::to_owned));
        let before: Vec<String> = parts.iter().map_while(written).collect();
        let after: Vec<String> = parts.iter().rev().map_while(written).collect();
        let left = parts.len().checked_sub(before.len().saturating_add(after.len()));
        let (of, before, after) = match (left, parts.get(before.len())) {
            (Some(1), Some(part)) => (*part, before.concat(), after.into_iter().rev().collect()),
            _ => (of, String::new(), String::new()),
        };
        let Type::Text(texts) = self.type_of(of)? else { return None };
        let tested = Tested { test, before, after, text: text.to_owned() };
        self.test(of, Values::Text(texts.pattern), Test::Text(tested))
    }

    /// A test of a number, also of one to which numbers are added that are written.
    fn number(&mut self, of: &Expression, operator: &'static str, number: i64) -> Option<Node> {
        let (mut of, mut steps) = (of, Vec::new());
        while let Some((inner, step)) = self.step(of) {
            of = inner;
            steps.insert(0, step);
        }
        let (Type::Int(whole) | Type::Timestamp(whole)) = self.type_of(of)? else { return None };
        self.test(of, Values::Number(whole), Test::Number(operator, steps, number))
    }

    /// The last step that is done to an int, and what it is done to.
    fn step<'e>(&self, of: &'e Expression) -> Option<(&'e Expression, Step)> {
        let Expr::Call(CallExpr { func_name, target: None, args }) = &of.expr else { return None };
        let number = |of: &Expression| match self.type_of(of)? {
            Type::Int(whole) => whole.only(),
            _ => None,
        };
        match (func_name.as_str(), args.as_slice()) {
            (operators::NEGATE, [of]) => Some((of, Step::Negated)),
            (operators::ADD, [one, two]) => match (number(one), number(two)) {
                (_, Some(number)) => Some((one, Step::Plus(number))),
                (Some(number), None) => Some((two, Step::Plus(number))),
                (None, None) => None,
            },
            (operators::SUBSTRACT, [one, two]) => match (number(one), number(two)) {
                (_, Some(number)) => Some((one, Step::Minus(number))),
                (Some(number), None) => Some((two, Step::From(number))),
                (None, None) => None,
            },
            _ => None,
        }
    }

    /// A comparison that is not followed: the same has the same outcome wherever it is met.
    fn unknown(&mut self, expression: &Expression) -> Node {
        let test = self.test(expression, Values::Outcome, Test::Holds);
        test.unwrap_or(Node::Known(Outcomes::ANY))
    }

    /// A test of a place, or of what the loop around is at; `None` of what changes with that.
    fn test(&mut self, of: &Expression, values: Values, test: Test) -> Option<Node> {
        if let Some((variable, _type, place)) = &self.bound {
            if is_variable(of, variable) {
                return self.places.get_mut(*place).map(|place| Node::OfEntry(place.test(test)));
            }
            if has(of, &|part| is_variable(part, variable)) {
                return None;
            }
        }
        let place = self.place(of, values);
        Some(Node::Test(place, self.places.get_mut(place)?.test(test)))
    }

    /// The place that holds a list; `None` of a list whose entries are not told apart.
    fn list(&mut self, of: &Expression) -> Option<usize> {
        let is_outside = self.bound.as_ref().is_none_or(|(variable, ..)| !has(of, &|part| is_variable(part, variable)));
        let (pattern, is_each_once) = match self.type_of(of)? {
            Type::Headers => (Texts::of(Source::HeaderName, &self.names.around).pattern, true),
            Type::List(List { of, ascending }) => (of?.text()?.pattern, ascending),
            _ => return None,
        };
        is_outside.then(|| self.place(of, Values::List { of: pattern, is_each_once }))
    }

    fn place(&mut self, of: &Expression, values: Values) -> usize {
        if let Some(at) = self.places.iter().position(|place| place.expression == *of) {
            return at;
        }
        let is_optional = match values {
            Values::Text(_) | Values::Number(_) => self.can_fail(of),
            // A list or a boolean that is read, and not made of others.
            Values::List { .. } | Values::Outcome => member(of, self.names).is_some() && self.can_fail(of),
        };
        self.places.push(Place::new(of.clone(), values, is_optional));
        self.places.len().saturating_sub(1)
    }

    /// Tells whether there can be no value of it: something is absent, or out of range.
    fn can_fail(&self, of: &Expression) -> bool {
        match (member(of, self.names), &of.expr) {
            (Some((Root::Request | Root::Params, _, _)), _) => false,
            (Some((_, PRESENCE, true)), _) => false,
            (Some((root @ Root::Credential(_), name, _)), _) => name != "scopes" || !root.is_certain(self.names),
            (None, Expr::Ident(name)) => name != "now",
            (None, Expr::Call(CallExpr { func_name, target, args })) => {
                let (is_sum, is_sure) = match func_name.as_str() {
                    operators::ADD | operators::SUBSTRACT => (true, true),
                    "size" | "getHours" | "getMinutes" | "getSeconds" | "getDayOfWeek" => (false, true),
                    _ => (false, false),
                };
                let is_whole = || match self.type_of(of) {
                    Some(Type::Int(whole)) => whole.least > i64::MIN && whole.most < i64::MAX,
                    _ => false,
                };
                let parts = target.as_deref().into_iter().chain(args);
                !is_sure || is_sum && !is_whole() || parts.into_iter().any(|part| self.can_fail(part))
            }
            (None, Expr::Literal(_)) => false,
            _ => true,
        }
    }

    /// Each header that is read by its name, with the loop over all names and the test there by which it is that one.
    pub(super) fn headers(&mut self) -> Vec<(usize, usize, usize)> {
        let is_headers =
            |expression: &Expression| matches!(member(expression, self.names), Some((Root::Request, "headers", false)));
        let Some(all) = self.places.iter().position(|place| is_headers(&place.expression)) else { return Vec::new() };
        let named = self.places.iter().enumerate().filter_map(|(at, place)| match &place.expression.expr {
            Expr::Select(select) if is_headers(&select.operand) => Some((at, select.field.clone())),
            _ => None,
        });
        let named: Vec<_> = named.collect();
        let Some(names) = self.places.get_mut(all) else { return Vec::new() };
        named.into_iter().map(|(at, name)| (at, all, names.test(Test::Text(Tested::equal(name))))).collect()
    }

    fn type_of(&self, expression: &Expression) -> Option<Type> {
        let bound = self.bound.as_ref().map(|(variable, of, _place)| (variable.clone(), of.clone()));
        type_of(expression, self.names, bound)
    }

    fn is_constant(&self, expression: &Expression) -> bool {
        let bound = self.bound.as_ref().map(|(variable, ..)| variable.as_str());
        let is_read = |part: &Expression| match &part.expr {
            Expr::Ident(name) => {
                Root::named(name, self.names).is_some() || name == "now" || Some(name.as_str()) == bound
            }
            _ => false,
        };
        !has(expression, &is_read)
    }
}

fn equal(left: Expression, right: Expression) -> Expression {
    of(Expr::Call(CallExpr { func_name: operators::EQUALS.to_owned(), target: None, args: vec![left, right] }))
}

/// The parts of a text that are joined.
fn joined<'e>(expression: &'e Expression, parts: &mut Vec<&'e Expression>) {
    match &expression.expr {
        Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::ADD => {
            args.iter().for_each(|part| joined(part, parts));
        }
        _ => parts.push(expression),
    }
}

fn quantifier(comprehension: &ComprehensionExpr) -> Option<Quantifier> {
    let Expr::Call(step) = &comprehension.loop_step.expr else { return None };
    match (step.func_name.as_str(), &comprehension.accu_init.expr) {
        (operators::LOGICAL_AND, _) => Some(Quantifier::All),
        (operators::LOGICAL_OR, _) => Some(Quantifier::Exists),
        (operators::CONDITIONAL, Expr::Literal(_)) => Some(Quantifier::ExistsOne),
        _ => None,
    }
}

/// A text that is written.
fn only(texts: &Texts) -> Option<&str> {
    match (texts.source, texts.written.as_deref()) {
        (None, Some([text])) => Some(text),
        (Some(_) | None, _) => None,
    }
}

/// Parts of a condition that are taken apart, with those of lists for each entry.
const MAX_NODES: usize = 1000;
