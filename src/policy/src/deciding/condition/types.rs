//! Owns what is known of an expression before there is a request: its type, and which values of it there can be. In CEL
//! `params.id != "7"` is true of every number, and `request.host != "A"` of every host.

use cel::common::ast::LiteralValue;

use super::language::Pattern;
use super::texts::{Source, Texts, whole_number};

/// A type, with the values of it that there can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Bytes,
    Double,
    Duration,
    /// The headers, by name.
    Headers,
    Int(Whole),
    List(List),
    Null,
    Text(Texts),
    /// In seconds.
    Timestamp(Whole),
    Uint,
}

/// A list, and what is in it; `None` where it is always empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) of: Option<Box<Type>>,
    /// Whether its entries are in alphabetical order, each once.
    pub(super) ascending: bool,
}

/// Whole numbers of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) least: i64,
    pub(super) most: i64,
    /// The numbers themselves, where the author wrote each of them.
    pub(super) written: Option<Vec<i64>>,
    /// Whether it comes from a request, and not from the condition itself.
    pub(super) is_read: bool,
}

impl Whole {
    pub(super) const fn read(least: i64, most: i64) -> Self {
        Self { least, most, written: None, is_read: true }
    }

    pub(super) const fn any(is_read: bool) -> Self {
        Self { least: i64::MIN, most: i64::MAX, written: None, is_read }
    }

    pub(super) fn written(number: i64) -> Self {
        Self { least: number, most: number, written: Some(vec![number]), is_read: false }
    }

    /// The number, where an author wrote it and no other.
    pub(super) const fn only(&self) -> Option<i64> {
        if self.written.is_some() && self.least == self.most { Some(self.least) } else { None }
    }

    /// What comes of adding the other; a sum that is out of range is none.
    pub(super) fn plus(&self, other: &Self) -> Self {
        let ends = (self.least.saturating_add(other.least), self.most.saturating_add(other.most));
        self.with(other, i64::checked_add, ends)
    }

    /// What comes of taking the other away.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let ends = (self.least.saturating_sub(other.most), self.most.saturating_sub(other.least));
        self.with(other, i64::checked_sub, ends)
    }

    pub(super) fn negated(&self) -> Self {
        Self::written(0).minus(self)
    }

    fn with(&self, other: &Self, operator: fn(i64, i64) -> Option<i64>, (least, most): (i64, i64)) -> Self {
        let is_read = self.is_read || other.is_read;
        match self.only().zip(other.only()) {
            Some((one, two)) => operator(one, two).map_or_else(|| Self::any(is_read), Self::written),
            None => Self { least, most, written: None, is_read },
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        let written = self.written.zip(other.written).map(|(one, two)| [one, two].concat());
        let (least, most) = (self.least.min(other.least), self.most.max(other.most));
        Self { least, most, written, is_read: self.is_read || other.is_read }
    }
}

impl Type {
    pub(super) fn of_literal(literal: &LiteralValue) -> Self {
        match literal {
            LiteralValue::Boolean(_) => Self::Bool,
            LiteralValue::Bytes(_) => Self::Bytes,
            LiteralValue::Double(_) => Self::Double,
            LiteralValue::Int(number) => Self::Int(Whole::written(*number.inner())),
            LiteralValue::Null => Self::Null,
            LiteralValue::String(text) => Self::Text(Texts::written(text.inner())),
            LiteralValue::UInt(_) => Self::Uint,
        }
    }

    /// As an author reads it.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Bytes => "bytes",
            Self::Duration => "a duration",
            Self::Headers => "a map",
            Self::Double | Self::Int(_) | Self::Uint => "a number",
            Self::List(_) => "a list",
            Self::Null => "null",
            Self::Text(_) => "a string",
            Self::Timestamp(_) => "a timestamp",
        }
    }

    /// The same, where two sorts of numbers have to be told apart.
    pub(super) const fn exactly(&self) -> &'static str {
        match self {
            Self::Double => "a double",
            Self::Int(_) => "an int",
            Self::Uint => "a uint",
            _ => self.as_str(),
        }
    }

    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Self::Double | Self::Int(_) | Self::Uint)
    }

    /// Whether CEL takes two for one type; an empty list is one of each type.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(one), Self::List(two)) => match (&one.of, &two.of) {
                (Some(one), Some(two)) => one.is_like(two),
                (None, _) | (_, None) => true,
            },
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether it comes from a request, and not from the condition itself.
    pub(super) fn is_read(&self) -> bool {
        match self {
            Self::Headers => true,
            Self::Int(whole) | Self::Timestamp(whole) => whole.is_read,
            Self::Text(texts) => texts.source.is_some(),
            Self::List(list) => list.of.as_ref().is_some_and(|of| of.is_read()),
            Self::Bool | Self::Bytes | Self::Double | Self::Duration | Self::Null | Self::Uint => false,
        }
    }

    pub(super) fn text(self) -> Option<Texts> {
        match self {
            Self::Text(texts) => Some(texts),
            _ => None,
        }
    }

    /// One of two; `None` where they are not of one type.
    pub(super) fn or(self, other: Self) -> Option<Self> {
        if !self.is_like(&other) {
            return None;
        }
        Some(match (self, other) {
            (Self::Int(one), Self::Int(two)) => Self::Int(one.or(two)),
            (Self::Timestamp(one), Self::Timestamp(two)) => Self::Timestamp(one.or(two)),
            (Self::Text(one), Self::Text(two)) => Self::Text(one.or(two)),
            (Self::List(one), Self::List(two)) => {
                let of = match (one.of, two.of) {
                    (Some(one), Some(two)) => Some(Box::new(one.or(*two)?)),
                    (one, two) => one.or(two),
                };
                Self::List(List { of, ascending: one.ascending && two.ascending })
            }
            (one, _) => one,
        })
    }

    /// What a number becomes as a text.
    pub(super) fn digits(whole: &Whole) -> Texts {
        let source = whole.is_read.then_some(Source::Digits);
        let digits = whole_number();
        let pattern =
            if whole.least < 0 { Pattern::Sequence(vec![Pattern::text("-").optional(), digits]) } else { digits };
        let written = whole.written.as_ref().map(|numbers| numbers.iter().map(i64::to_string).collect());
        Texts { pattern, source, written }
    }
}
