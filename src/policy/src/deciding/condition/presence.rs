//! Owns `has(token)`: the question whether a credential is there.
//!
//! The `has` of CEL takes a member. So `has(token)` is written, for the parser alone, as the question for a member that
//! no credential states; everything else sees that member.

use std::borrow::Cow;

use super::Names;
use super::literal::after_literal;

/// Name of the member; a condition that an author writes cannot have it.
pub(super) const PRESENCE: &str = "__is_there__";

/// A condition as the parser reads it. `words` is the condition without its literals.
pub(super) fn spelt<'t>(text: &'t str, words: &str, names: &Names<'_>) -> Cow<'t, str> {
    if !words.contains("has") {
        return Cow::Borrowed(text);
    }
    let (mut spelt, mut rest) = (String::new(), text);
    while let Some((before, name, after)) = next(rest, names) {
        spelt.push_str(before);
        spelt.push_str(name);
        spelt.push('.');
        spelt.push_str(PRESENCE);
        rest = after;
    }
    if spelt.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(spelt + rest) }
}

/// The first question whether a credential is there: what is before its name, the name, and what is after it.
fn next<'t>(text: &'t str, names: &Names<'_>) -> Option<(&'t str, &'t str, &'t str)> {
    for (at, _has) in text.match_indices("has") {
        let before = text.get(..at)?;
        // A longer name, a member, or the inside of a literal.
        if before.ends_with(|sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '.')) || is_in_literal(before) {
            continue;
        }
        let Some(inner) = text.get(at..).and_then(|rest| rest.strip_prefix("has")?.trim_start().strip_prefix('('))
        else {
            continue;
        };
        let inner = inner.trim_start();
        let end = inner.find(|sign: char| !(sign.is_alphanumeric() || sign == '_')).unwrap_or(inner.len());
        let (name, after) = inner.split_at_checked(end)?;
        let is_credential = names.credentials.iter().any(|known| known.kind.as_str() == name);
        if is_credential && after.trim_start().starts_with(')') {
            let start = text.len().checked_sub(inner.len())?;
            return Some((text.get(..start)?, name, after));
        }
    }
    None
}

/// Tells whether a text ends inside of a literal that it begins
/// ([Language Definition, Syntax](https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax)).
fn is_in_literal(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, literal) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let is_raw = before.ends_with(['r', 'R']) || ["rb", "rB", "Rb", "RB"].iter().any(|raw| before.ends_with(raw));
        match after_literal(literal, is_raw) {
            Some(after) => rest = after,
            None => return true,
        }
    }
    false
}

/// A column of what the parser read, as it is in the condition itself.
pub(super) fn column(spelt: &str, line: isize, column: isize) -> isize {
    added_before(spelt, line, column).map_or(column, |added| column.saturating_sub(added))
}

/// Characters that were added before a place; `None` of a place that the text does not have.
fn added_before(spelt: &str, line: isize, column: isize) -> Option<isize> {
    let line = spelt.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let before: String = line.chars().take(usize::try_from(column).ok()?).collect();
    let added = before.matches(PRESENCE).count().checked_mul(PRESENCE.len().checked_add(1)?)?;
    isize::try_from(added).ok()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::deciding::condition::{Around, Identity};
    use crate::identity::credential::CredentialKind;
    use crate::template::PathTemplate;

    #[test]
    fn question_for_a_credential_alone_is_spelt_out() {
        let path = PathTemplate::parse("/").unwrap();
        let around = Around { methods: &[], hosts: &[], path: &path, hidden: &[] };
        let identity = |name| Identity { kind: CredentialKind::new(name), further: None, is_certain: false };
        let credentials = ["token", "api_key"].map(identity);
        let names = Names { captures: &[], credentials: &credentials, around };
        for (text, expected) in [
            ("has(token)", "has(token.__is_there__)"),
            ("!has( token ) || has\t(api_key)", "!has( token.__is_there__ ) || has\t(api_key.__is_there__)"),
            ("has(token.subject)", "has(token.subject)"),
            ("has(request)", "has(request)"),
            ("has(tokens)", "has(tokens)"),
            ("has(token, token)", "has(token, token)"),
            ("alas(token) || x.has(token)", "alas(token) || x.has(token)"),
            ("\"has(token)\" == 'has(token)'", "\"has(token)\" == 'has(token)'"),
            ("\"a\\\"\" == \"b\" && has(token)", "\"a\\\"\" == \"b\" && has(token.__is_there__)"),
            (r#"r"\" == "" || has(token)"#, r#"r"\" == "" || has(token.__is_there__)"#),
            (r#"r"\" != "a" && x != "has(token)""#, r#"r"\" != "a" && x != "has(token)""#),
            (r#"rb'\' == b'' || has(token)"#, r#"rb'\' == b'' || has(token.__is_there__)"#),
            (r#""""it"s has(token)""" == x"#, r#""""it"s has(token)""" == x"#),
            (r#""""it"s""" == x && has(token)"#, r#""""it"s""" == x && has(token.__is_there__)"#),
            (r#""" == x && has(token)"#, r#""" == x && has(token.__is_there__)"#),
            (r#""open && has(token)"#, r#""open && has(token)"#),
            ("has", "has"),
            ("has(", "has("),
        ] {
            assert_eq!(spelt(text, text, &names), expected);
        }
    }

    #[test]
    fn column_is_that_of_the_condition_as_written() {
        let spelt = "has(token.__is_there__) &&\n  has(token.__is_there__) && x y";
        assert_eq!(column(spelt, 1, 26), 13);
        assert_eq!(column(spelt, 2, 31), 18);
        assert_eq!(column(spelt, 2, 3), 3);
        assert_eq!(column(spelt, 9, 3), 3);
    }
}
