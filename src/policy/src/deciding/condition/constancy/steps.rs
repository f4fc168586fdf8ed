//! Owns what is added to a number, or taken away, before it is compared: step by step, since each can be out of range.

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Plus(i64),
    Minus(i64),
    /// The rest when the number is taken away.
    From(i64),
    Negated,
}

/// The number that comes of another; `None` where a step is out of range, which fails.
pub(super) fn after(number: i64, steps: &[Step]) -> Option<i64> {
    steps.iter().try_fold(number, |number, step| match step {
        Step::Plus(other) => number.checked_add(*other),
        Step::Minus(other) => number.checked_sub(*other),
        Step::From(other) => other.checked_sub(number),
        Step::Negated => number.checked_neg(),
    })
}

/// The number of which this comes, or the end of the range that is nearest to it.
///
/// Numbers for which a step is out of range are not sought: they reach to an end of the range, and a test that fails
/// decides nothing that it would not decide otherwise.
pub(super) fn source(steps: &[Step], what: i64) -> i64 {
    let before = |what: i128, step: &Step| match step {
        Step::Plus(other) => what.saturating_sub(i128::from(*other)),
        Step::Minus(other) => what.saturating_add(i128::from(*other)),
        Step::From(other) => i128::from(*other).saturating_sub(what),
        Step::Negated => 0_i128.saturating_sub(what),
    };
    let number = steps.iter().rev().fold(i128::from(what), before);
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}
