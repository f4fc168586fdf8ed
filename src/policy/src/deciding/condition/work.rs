//! Owns what judging a condition can cost at most, in steps and in bytes, known before there is a request.
//!
//! Sizes are those of the shipped limits of headers. What grows with the caller's lists (scopes, roles) is kept apart:
//! how many entries there are is known when a request is judged.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::check::{Root, member, predicate};
use super::search;
use super::{MAX_CONDITION, Names};

/// Work in picoseconds of a slow core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Whoever the caller is.
    pub(super) fixed: u64,
    /// For each entry of the caller's lists.
    pub(super) per_entry: u64,
    /// For each pair of them.
    pub(super) per_pair: u64,
}

impl Work {
    /// The work of a checked condition. Expects no deeper a tree than a condition's.
    pub(super) fn of(expression: &Expression, names: &Names<'_>) -> Self {
        let (work, item) = (Self::default(), Bytes::default());
        let mut scale = Scale { names, work, around: Loop::None, item, search_for_item: SEARCH_LONG };
        scale.weigh(expression);
        scale.work
    }

    /// The work for a caller whose lists have so many entries together.
    pub(super) fn with(self, entries: u64) -> u64 {
        let pairs = entries.saturating_mul(entries).saturating_mul(self.per_pair);
        self.fixed.saturating_add(entries.saturating_mul(self.per_entry)).saturating_add(pairs)
    }
}

/// What a part of a condition is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loop {
    None,
    Headers,
    /// Over a list of the caller's.
    Entries,
    Times(u64),
}

/// Bytes of a value: so many, and as many as what the loop goes over has, which is bounded for the loop as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bytes {
    each: u64,
    items: u64,
}

impl Bytes {
    const fn each(each: u64) -> Self {
        Self { each, items: 0 }
    }

    const fn plus(self, other: Self) -> Self {
        Self { each: self.each.saturating_add(other.each), items: self.items.saturating_add(other.items) }
    }
}

struct Scale<'n> {
    names: &'n Names<'n>,
    work: Work,
    around: Loop,
    /// What the loop's variable holds.
    item: Bytes,
    /// Rate of a search for the costliest of its values.
    search_for_item: u64,
}

impl Scale<'_> {
    /// Adds the work of an expression; how large its value can be.
    fn weigh(&mut self, expression: &Expression) -> Bytes {
        if let Some((root, name, _test)) = member(expression, self.names) {
            return self.member(root, name);
        }
        match &expression.expr {
            Expr::Literal(literal) => {
                self.charge(STEP, Bytes::default(), 0);
                match literal {
                    LiteralValue::String(text) => Bytes::each(size(text.inner().len())),
                    _ => Bytes::default(),
                }
            }
            Expr::Ident(_) => {
                self.charge(READ, Bytes::default(), 0);
                self.item
            }
            Expr::Select(select) => {
                let _headers = self.weigh(&select.operand);
                self.charge(READ, Bytes::default(), 0);
                Bytes::each(HEADER_BYTES)
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let parts = list.elements.iter().map(|element| self.weigh(element)).fold(Bytes::default(), Bytes::plus);
                self.charge(STEP.saturating_mul(size(list.elements.len()).saturating_add(1)), parts, COPY);
                parts
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            // Refused by the check.
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => Bytes::default(),
        }
    }

    fn member(&mut self, root: Root, name: &str) -> Bytes {
        self.charge(READ, Bytes::default(), 0);
        match (root, name) {
            (Root::Request, "method" | "host") => Bytes::each(MAX_NAME),
            // The headers are taken once for each evaluation.
            (Root::Request, "headers") => {
                self.work.fixed = self.work.fixed.saturating_add(HEADERS.saturating_mul(STEP));
                Bytes::default()
            }
            (Root::Request, _) | (Root::Params, _) => Bytes::each(HEADER_BYTES),
            // A list is made once for each evaluation.
            (Root::Credential(_), _) if root.is_list(name, self.names) => {
                self.work.per_entry = self.work.per_entry.saturating_add(STEP);
                Bytes::each(LIST_BYTES)
            }
            (Root::Credential(_), _) => Bytes::each(MAX_NAME),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Bytes {
        let parts: Vec<_> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let sizes: Vec<_> = parts.iter().map(|part| self.weigh(part)).collect();
        let whole = sizes.iter().copied().fold(Bytes::default(), Bytes::plus);
        let scans_list = parts.iter().any(|part| self.is_list(part));
        match (call.func_name.as_str(), parts.as_slice(), sizes.as_slice()) {
            (operators::ADD, _, _) => {
                self.charge(STEP, whole, COPY);
                return whole;
            }
            (operators::CONDITIONAL, _, [_, yes, no]) => {
                self.charge(STEP, Bytes::default(), 0);
                return yes.plus(*no);
            }
            (operators::INDEX, [of, key], [list, _]) => {
                self.charge(SLOW_STEP, Bytes::default(), 0);
                let is_headers = matches!(member(of, self.names), Some((Root::Request, "headers", _)));
                return match (is_headers, &key.expr, self.around) {
                    // Each value once in the whole loop.
                    (true, Expr::Ident(_), Loop::Headers) => Bytes { each: 0, items: 1 },
                    (true, _, _) => Bytes::each(HEADER_BYTES),
                    (false, _, _) => *list,
                };
            }
            (operators::IN, [_, container], [element, list]) => {
                let is_list = !matches!(member(container, self.names), Some((Root::Request, "headers", _)));
                let entries = match &container.expr {
                    Expr::List(list) => size(list.elements.len()),
                    _ => 0,
                };
                // Texts of equal length only are compared byte by byte.
                let compared = if is_list { *list } else { *element };
                self.charge(SLOW_STEP.saturating_add(entries.saturating_mul(ENTRY)), compared, COMPARE);
            }
            (operators::EQUALS | operators::NOT_EQUALS, _, [one, two]) => {
                let smaller = self.smaller(*one, *two);
                self.charge(STEP, smaller, COMPARE);
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                _,
                [one, two],
            ) => {
                let smaller = self.smaller(*one, *two);
                self.charge(SLOW_STEP, smaller, COMPARE);
            }
            // A part that is longer than the text is not looked for.
            ("contains", [_, part], [text, _]) => self.charge(CALL, *text, self.search_for(part)),
            ("startsWith" | "endsWith", _, [_, part]) => self.charge(CALL, *part, COMPARE),
            ("string", _, [of]) => {
                self.charge(CALL, *of, COPY);
                return of.plus(Bytes::each(DIGITS));
            }
            (operators::LOGICAL_NOT | operators::NEGATE, _, _) => self.charge(SLOW_STEP, Bytes::default(), 0),
            (operators::LOGICAL_AND | operators::LOGICAL_OR, _, _) => self.charge(STEP, Bytes::default(), 0),
            ("size" | "timestamp" | "duration" | "int" | "bool", _, _) => self.charge(CALL, whole, COUNT),
            (_, _, _) => self.charge(CALL, Bytes::default(), 0),
        }
        if scans_list {
            self.charge_entries(ENTRY);
        }
        Bytes::default()
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Bytes {
        let range = self.weigh(&comprehension.iter_range);
        let Some(predicate) = predicate(comprehension) else { return range };
        self.search_for_item = match &comprehension.iter_range.expr {
            Expr::List(list) => list.elements.iter().map(|entry| self.search_for(entry)).max().unwrap_or(SEARCH_LONG),
            _ => SEARCH_LONG,
        };
        // A range that can be of several sorts is weighed as each of them.
        for around in self.sorts(&comprehension.iter_range) {
            self.around = around;
            self.item = match around {
                Loop::Headers | Loop::Entries => Bytes { each: 0, items: 1 },
                Loop::Times(_) | Loop::None => range,
            };
            let item = self.item;
            self.charge(ITERATION, item, COPY);
            let _outcome = self.weigh(predicate);
        }
        (self.around, self.item, self.search_for_item) = (Loop::None, Bytes::default(), SEARCH_LONG);
        range
    }

    /// Rate of a search for a part, which a caller chooses where it is no literal.
    fn search_for(&self, part: &Expression) -> u64 {
        match &part.expr {
            Expr::Literal(LiteralValue::String(text)) => search::compared(text.inner())
                .map_or(SEARCH_LONG, |words| SEARCH.saturating_add(words.saturating_mul(COMPARE_WORD) / 1000)),
            Expr::Ident(_) => self.search_for_item,
            _ => SEARCH_LONG,
        }
    }

    /// Adds steps, and bytes at a rate, as often as the loop around goes.
    fn charge(&mut self, steps: u64, bytes: Bytes, rate: u64) {
        let each = steps.saturating_add(bytes.each.saturating_mul(rate));
        let of_items = |whole: u64| bytes.items.saturating_mul(whole).saturating_mul(rate);
        let (fixed, per_entry) = match self.around {
            Loop::None => (each, 0),
            // An entry of a list in the text is copied whenever it is read.
            Loop::Times(count) => {
                let steps = steps.saturating_mul(OWNED.saturating_sub(1));
                (each.saturating_add(steps).saturating_mul(count), 0)
            }
            Loop::Headers => (each.saturating_mul(HEADERS).saturating_add(of_items(HEADER_BYTES)), 0),
            Loop::Entries => (of_items(LIST_BYTES), each),
        };
        self.work.fixed = self.work.fixed.saturating_add(fixed);
        self.work.per_entry = self.work.per_entry.saturating_add(per_entry);
    }

    /// Adds a scan of a list of the caller's.
    fn charge_entries(&mut self, each: u64) {
        let (per_entry, per_pair) = match self.around {
            Loop::None => (each, 0),
            Loop::Times(count) => (each.saturating_mul(count), 0),
            Loop::Headers => (each.saturating_mul(HEADERS), 0),
            Loop::Entries => (0, each),
        };
        self.work.per_entry = self.work.per_entry.saturating_add(per_entry);
        self.work.per_pair = self.work.per_pair.saturating_add(per_pair);
    }

    /// The smaller of two, over the whole of the loop around.
    fn smaller(&self, one: Bytes, two: Bytes) -> Bytes {
        let whole = |bytes: Bytes| match self.around {
            Loop::None | Loop::Times(_) => bytes.each,
            Loop::Headers => {
                bytes.each.saturating_mul(HEADERS).saturating_add(bytes.items.saturating_mul(HEADER_BYTES))
            }
            Loop::Entries => bytes.each.saturating_mul(HEADERS).saturating_add(bytes.items.saturating_mul(LIST_BYTES)),
        };
        if whole(one) <= whole(two) { one } else { two }
    }

    /// What a loop's range can be.
    fn sorts(&self, range: &Expression) -> Vec<Loop> {
        let mut found = Vec::new();
        let mut open = vec![range];
        while let Some(expression) = open.pop() {
            let sort = match (member(expression, self.names), &expression.expr) {
                (Some((Root::Request, "headers", _)), _) => Some(Loop::Headers),
                (Some((root, name, _)), _) if root.is_list(name, self.names) => Some(Loop::Entries),
                (Some(_), _) => None,
                (None, Expr::List(list)) => {
                    open.extend(&list.elements);
                    Some(Loop::Times(size(list.elements.len())))
                }
                (None, Expr::Call(call)) => {
                    open.extend(call.target.as_deref().into_iter().chain(&call.args));
                    None
                }
                (None, Expr::Comprehension(comprehension)) => {
                    open.push(&comprehension.iter_range);
                    None
                }
                (None, _) => None,
            };
            found.extend(sort.filter(|sort| !found.contains(sort)));
        }
        // Nothing else can be gone over; should it ever be, it is no longer than the text.
        if found.is_empty() { vec![Loop::Times(size(MAX_CONDITION))] } else { found }
    }

    /// Whether an expression is a list of the caller's, or a part of one.
    fn is_list(&self, expression: &Expression) -> bool {
        member(expression, self.names).is_some_and(|(root, name, _)| root.is_list(name, self.names))
            || matches!(&expression.expr, Expr::Comprehension(_) | Expr::Call(_))
                && self.sorts(expression).contains(&Loop::Entries)
    }
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Picoseconds of one step of the interpreter: a literal, an operator.
const STEP: u64 = 60_000;

/// Picoseconds of a step that prepares an error in case there is one.
const SLOW_STEP: u64 = 250_000;

/// Picoseconds of reading a variable.
const READ: u64 = 120_000;

/// Picoseconds of calling a function.
const CALL: u64 = 200_000;

/// Picoseconds of going once around.
const ITERATION: u64 = 450_000;

/// How many times as much a step takes that reads an entry of a list in the text.
const OWNED: u64 = 3;

/// Picoseconds of an entry of a list that is searched.
const ENTRY: u64 = 10_000;

/// Picoseconds of a byte that is compared with another.
const COMPARE: u64 = 60;

/// Picoseconds of a byte that is copied.
const COPY: u64 = 150;

/// Picoseconds of a byte of a text that is searched for a short literal.
const SEARCH: u64 = 400;

/// Picoseconds of a word that is compared in such a search.
const COMPARE_WORD: u64 = 500;

/// Picoseconds of a byte of a text that is searched for another text.
const SEARCH_LONG: u64 = 3_500;

/// Picoseconds of a byte that is counted or parsed.
const COUNT: u64 = 500;

/// Headers of a request, as shipped.
const HEADERS: u64 = 64;

/// Bytes of a request's head, as shipped.
const HEADER_BYTES: u64 = 32 * 1024;

/// Bytes of a list of the caller's; of the scopes of two credentials, where both are read.
const LIST_BYTES: u64 = 2 * 8192;

/// Bytes of a host, a method, a fact.
const MAX_NAME: u64 = 256;

/// Bytes of a number as a text.
const DIGITS: u64 = 20;
