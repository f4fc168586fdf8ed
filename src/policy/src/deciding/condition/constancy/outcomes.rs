//! Owns sets of outcomes, and what the operators of CEL make of them.

use crate::deciding::condition::Outcomes;

impl Outcomes {
    pub(super) const NONE: Self = Self { can_hold: false, can_be_false: false, can_fail: false };
    pub(super) const HOLDS: Self = Self { can_hold: true, ..Self::NONE };
    pub(super) const FALSE: Self = Self { can_be_false: true, ..Self::NONE };
    pub(super) const FAILS: Self = Self { can_fail: true, ..Self::NONE };
    pub(super) const ANY: Self = Self { can_hold: true, can_be_false: true, can_fail: true };

    pub(super) const fn exactly(holds: bool) -> Self {
        Self { can_hold: holds, can_be_false: !holds, can_fail: false }
    }

    /// Whether it can hold and can be false, so that it says something.
    pub(in super::super) const fn has_both(self) -> bool {
        self.can_hold && self.can_be_false
    }

    pub(super) const fn or_those_of(self, other: Self) -> Self {
        Self {
            can_hold: self.can_hold || other.can_hold,
            can_be_false: self.can_be_false || other.can_be_false,
            can_fail: self.can_fail || other.can_fail,
        }
    }

    pub(super) const fn or_fails(self) -> Self {
        self.or_those_of(Self::FAILS)
    }

    pub(super) const fn not(self) -> Self {
        Self { can_hold: self.can_be_false, can_be_false: self.can_hold, ..self }
    }

    /// What is false makes it false, also beside what fails.
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            can_hold: self.can_hold && other.can_hold,
            can_be_false: self.can_be_false || other.can_be_false,
            can_fail: self.can_fail && (other.can_hold || other.can_fail) || self.can_hold && other.can_fail,
        }
    }

    pub(super) const fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    pub(super) const fn chosen(self, yes: Self, no: Self) -> Self {
        Self {
            can_hold: self.can_hold && yes.can_hold || self.can_be_false && no.can_hold,
            can_be_false: self.can_hold && yes.can_be_false || self.can_be_false && no.can_be_false,
            can_fail: self.can_fail || self.can_hold && yes.can_fail || self.can_be_false && no.can_fail,
        }
    }

    /// Of `==` between two bools.
    pub(super) const fn same(self, other: Self) -> Self {
        self.chosen(other, other.not())
    }

    /// Of `exists_one`, for the outcomes of each entry.
    pub(super) fn one_of(entries: impl Iterator<Item = Self>) -> Self {
        // Whether none, one, or more entries can have held so far.
        let (mut none, mut one, mut more, mut can_fail) = (true, false, false, false);
        for entry in entries {
            more = more && (entry.can_hold || entry.can_be_false) || one && entry.can_hold;
            one = one && entry.can_be_false || none && entry.can_hold;
            none = none && entry.can_be_false;
            can_fail = can_fail || entry.can_fail;
        }
        Self { can_hold: one, can_be_false: none || more, can_fail }
    }
}
