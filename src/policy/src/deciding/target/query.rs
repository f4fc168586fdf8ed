//! Owns the one thing that a query is judged for: a parameter that some frameworks take for the method.

use crate::deciding::field_name::is_alike;

/// Whether a parameter is called `_method`, in any spelling in which a framework could read that
/// (<https://symfony.com/doc/current/reference/configuration/framework.html#http-method-override>; PHP takes `.method`,
/// `+_method` and `_method[]` for it too).
pub(super) fn overrides_method(query: &str) -> bool {
    query.split(['&', ';']).any(|parameter| {
        let name = parameter.split_once('=').map_or(parameter, |(name, _value)| name);
        is_alike(name.as_bytes(), "_method")
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
            assert!(overrides_method(query), "{query}");
        }
        for query in
            ["", "method=DELETE", "a=_method", "x_method=1", "_methods=1", "_method_=1", "%255Fmethod=x", "_metho%"]
        {
            assert!(!overrides_method(query), "{query}");
        }
    }
}
