//! Owns where the texts end that a condition writes
//! ([Language Definition, Syntax](https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax)).

/// What follows the literal that a text begins with; `None` where it does not end.
pub(super) fn after_literal(text: &str, is_raw: bool) -> Option<&str> {
    let quote = text.chars().next()?;
    let tripled = [quote; 3].iter().collect::<String>();
    let end = if text.starts_with(&tripled) { tripled } else { quote.to_string() };
    let mut rest = text.strip_prefix(&end)?;
    loop {
        if let Some(after) = rest.strip_prefix(&end) {
            return Some(after);
        }
        let mut signs = rest.chars();
        // After a backslash stands a sign that ends nothing, but in a raw literal.
        if signs.next()? == '\\' && !is_raw {
            let _escaped = signs.next()?;
        }
        rest = signs.as_str();
    }
}
