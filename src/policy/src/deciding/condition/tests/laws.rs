//! Owns the laws of conditions: whatever the text, it is judged or refused, and always alike.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// What conditions are made of, in any order; most of it is nonsense.
const PIECES: &str = "( ) [ ] { } . , - + * / % ? : ! == != < <= > >= && || in = & ' \" \\ ` // \n \0 é 0 1 7u 1.5 1e308 \
     9223372036854775807 0x8000000000000000 'a' b'a' r'a' '\\n' true false null x @result now request request.path \
     request.headers params.id params.number token token.scopes token.expires [1,2] .all(x, .exists(x, .filter(x, has( \
     size( int( string( .size() timestamp( duration('1h') .getHours()";

/// Conditions that mostly compile, so that evaluation is reached.
fn expression() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "0",
        "-1",
        "7u",
        "9223372036854775807",
        "(-9223372036854775807 - 1)",
        "1.5",
        "0.0",
        "1e308",
        "'a'",
        "''",
        "'é'",
        "b'a'",
        "true",
        "null",
        "now",
        "params.id",
        "params.number",
        "request.path",
        "request.headers",
        "token.scopes",
        "token.client_type",
        "token.expires",
        "timestamp(253402300799)",
        "duration('87660000h')",
        "[]",
        "[1, 'a']",
        "token.scopes.filter(x, true)[0]",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let operator = select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", " in "]);
        let called = select(vec![
            ".size()",
            ".contains('a')",
            ".startsWith('')",
            ".endsWith('é')",
            ".all(x, x == 'a')",
            ".exists(x, x > 1)",
            ".exists_one(x, x == 1)",
            ".filter(x, x != 'a')",
            ".getHours()",
            ".getDayOfWeek()",
            "[0]",
            "['a']",
            "[-1]",
            ".a",
        ]);
        let function = select(vec!["!", "-", "size", "int", "string", "bool", "timestamp", "duration"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(left, by, right)| format!("({left}{by}{right})")),
            (inner.clone(), called).prop_map(|(on, call)| format!("{on}{call}")),
            (function, inner.clone()).prop_map(|(call, of)| format!("{call}({of})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(is, yes, no)| format!("({is} ? {yes} : {no})")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_judged_or_refused(
        pieces in prop::collection::vec(select(PIECES.split(' ').collect::<Vec<_>>()), 1..24),
        between in select(vec!["", " "]),
    ) {
        let text = pieces.join(between);
        if compile(&text).is_ok() {
            let _outcome = judge(&text);
        }
    }

    #[test]
    fn any_bytes_are_judged_or_refused(text in "\\PC{0,80}") {
        if compile(&text).is_ok() {
            let _outcome = judge(&text);
        }
    }

    #[test]
    fn judging_twice_is_judging_once(text in expression()) {
        for text in [format!("{text} == {text}"), text] {
            if let Ok(condition) = compile(&text) {
                let outcome = judge(&text);
                prop_assert_eq!(outcome, judge(&text));
                let Outcomes { can_hold, can_be_false, .. } = condition.outcomes(&names());
                prop_assert!(can_hold || outcome != Ok(true), "{}", text);
                prop_assert!(can_be_false || outcome != Ok(false), "{}", text);
            }
        }
    }
}
