//! Owns the names of parameters and cookies: the spellings that a framework could take for one.

use crate::header::{fold, folded};
use crate::path::pair;

/// Whether a sent name is one of the policy's, in any spelling in which a framework could read that: escaped, in other
/// letter case, with other signs, behind spaces, as a list (`name[]`).
pub(crate) fn is_alike(sent: &[u8], name: &str) -> bool {
    let sent = decoded(sent).skip_while(|byte| *byte == b' ').take_while(|byte| *byte != b'[');
    sent.map(fold).eq(folded(name))
}

/// The bytes of a name in a form: escapes decoded once, `+` a space. What is no escape stands for itself.
pub(crate) fn decoded(mut rest: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let escaped = match rest {
            [b'%', high, low, after @ ..] => pair(*high, *low).map(|byte| (byte, after)),
            _ => None,
        };
        let (byte, after) = match (escaped, rest) {
            (Some(escaped), _) => escaped,
            (None, [b'+', after @ ..]) => (b' ', after),
            (None, [first, after @ ..]) => (*first, after),
            (None, []) => return None,
        };
        rest = after;
        Some(byte)
    })
}
