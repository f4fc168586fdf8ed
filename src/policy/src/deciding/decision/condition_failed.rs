//! Owns why a condition could not be judged, which is the evidence of a denial.

/// Why a condition could be judged neither true nor false. A kind only: what was judged may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionFailed {
    /// Something that is not there was read.
    #[error("it reads something that is absent")]
    Absent,
    /// Headers were read, and one is not UTF-8.
    #[error("it reads headers, and one is not UTF-8")]
    HeadersUnreadable,
    /// Headers were read that had not been kept.
    #[error("it reads headers, and they were not kept")]
    HeadersNotRead,
    /// An operator or a function was given what it does not take.
    #[error("an operator or a function does not take what it was given")]
    WrongType,
    /// A number or a time is out of range.
    #[error("a number or a time is out of range")]
    OutOfRange,
    /// A text could not be converted.
    #[error("a text could not be converted")]
    Conversion,
    /// The caller has more scopes than the conditions of the route can go through in time.
    #[error("the caller has too many scopes to be judged in time")]
    TooMuchWork,
    /// The outcome is no bool.
    #[error("its outcome is no bool")]
    NotBool,
    /// Anything else.
    #[error("it could not be evaluated")]
    Other,
}
