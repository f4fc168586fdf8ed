//! Owns the one thing that a query is judged for: a parameter that some frameworks take for the method.

use crate::header::folded;

/// Whether a parameter is called `_method`, in any spelling in which a framework could read that
/// (<https://symfony.com/doc/current/reference/configuration/framework.html#http-method-override>; PHP takes `.method`,
/// `+_method` and `_method[]` for it too).
pub(super) fn overrides_method(query: &[u8]) -> bool {
    query.split(|byte| matches!(byte, b'&' | b';')).any(|parameter| {
        let name = parameter.split(|byte| *byte == b'=').next().unwrap_or(parameter);
        let name: String = decoded(name).map(char::from).collect();
        let name = name.trim_start_matches(' ').split('[').next().unwrap_or(&name);
        folded(name).eq(*b"-method")
    })
}

/// The bytes of a name in a form: escapes decoded once, `+` a space. What is no escape stands for itself.
fn decoded(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = name;
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let escape = after.first_chunk().filter(|_digits| *first == b'%').and_then(|[high, low]| {
            let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
            Some(digit(high)? << 4 | digit(low)?)
        });
        rest = if escape.is_some() { after.get(2..)? } else { after };
        Some(escape.unwrap_or(if *first == b'+' { b' ' } else { *first }))
    })
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn parameter_that_could_be_taken_for_the_method_is_found() {
        for query in [
            "_method",
            "_method=",
            "_method=DELETE",
            "a=1&_method=PUT",
            "a;_method=x",
            "_METHOD=x",
            "%5Fmethod=x",
            "%5fm%65thod=x",
            ".method=x",
            "+_method=x",
            "%20_method=x",
            "_method[]=x",
            "_method[a]=x",
            "_method%5B%5D=x",
            "&&_method",
        ] {
            assert!(overrides_method(query.as_bytes()), "{query}");
        }
        for query in
            ["", "method=DELETE", "a=_method", "x_method=1", "_methods=1", "_method_=1", "%255Fmethod=x", "_metho%"]
        {
            assert!(!overrides_method(query.as_bytes()), "{query}");
        }
    }
}
