//! Owns that no text exhausts its reader.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Texts that are built to exhaust whoever reads them: of every depth up to what is refused, and as long as can be.
fn hostile() -> Vec<String> {
    let mut texts = Vec::new();
    for (open, middle, close) in [
        ("(", "true", ")"),
        ("[", "true", "]"),
        ("{1:", "true", "}"),
        ("a(", "true", ")"),
        ("a{b:", "true", "}"),
        ("!(", "true", ")"),
        ("!(", "request.method == 'GET'", ")"),
        ("(true&&", "request.method == 'GET'", ")"),
        ("", "request.path", "+request.path"),
        ("now-now+", "now", ""),
        ("now==now?", "has(token.subject)", ":true"),
        ("request.headers.filter(x,", "x in request.headers", ").size()==3"),
        ("-(", "1", ")"),
        ("[1].all(x,", "true", ")"),
        ("has(a.b[", "1", "])"),
        ("true?", "true", ":true"),
        ("a[", "0", "]"),
        ("(", "", ""),
        ("[", "", ""),
        ("a(", "", ""),
        ("!", "true", ""),
        ("-", "1", ""),
        ("!-", "1", ""),
        ("-!", "true", ""),
        ("true?true:", "true", ""),
        ("a?b:", "c", ""),
        ("a?", "", ""),
        ("a.", "a", ""),
        ("a.a().", "a", ""),
        ("", "a", ".a"),
        ("", "a", "[0]"),
        ("", "a", ".a()"),
        ("", "[1]", ".all(x,x)"),
        ("", "[1]", ".filter(x,x)"),
        ("", "a", "{}"),
        ("", "true", "&&true"),
        ("", "true", "||true"),
        ("", "true", "&&true||true"),
        ("", "1", "+1"),
        ("", "1", "-1"),
        ("", "1", "==1"),
        ("", "1", "<1"),
        ("", "'a'", "+'a'"),
        ("[1]+", "[1]", ""),
        ("", "[", "1,"),
        ("", "1", "0"),
        ("", "0x", "f"),
        ("", "1.", "0"),
        ("", "1e", "9"),
        ("", "'", "\\"),
        ("", "'", "\\x"),
        ("", "'", "\\U0010ffff"),
        ("", "b'", "\\377"),
        ("", "", "`"),
        ("", "", "'"),
        ("", "", "\""),
        ("", "", "//"),
        ("", "", "\0"),
        ("", "", "é"),
        ("", "", "\u{10ffff}"),
        ("", "", ","),
        ("", "", "?"),
        ("", "", "a "),
    ] {
        let most = (MAX_CONDITION - middle.len()) / (open.len() + close.len());
        for times in (1..=2 * DEEPEST_CONDITION).chain([most]).filter(|times| *times <= most) {
            let mut text = format!("{}{middle}{}", open.repeat(times), close.repeat(times));
            texts.push(text.clone());
            // The last bracket is missing, so that the parser finds out at the end.
            text.pop();
            texts.push(text);
        }
    }
    texts
}

#[test]
fn hostile_texts_are_judged_on_a_small_stack() {
    let judge_all = || {
        let judged = hostile().into_iter().filter(|text| {
            assert!(text.len() <= MAX_CONDITION);
            compile(text).is_ok() && judge(text).is_ok()
        });
        assert!(judged.count() > 200, "the deepest that is allowed is not among them");
    };
    #[cfg(target_family = "wasm")]
    judge_all();
    #[cfg(not(target_family = "wasm"))]
    std::thread::Builder::new().stack_size(SMALL_STACK).spawn(judge_all).unwrap().join().unwrap();
}

/// As much as Wasm has, though unoptimised frames are many times those of the plugin.
#[cfg(not(target_family = "wasm"))]
const SMALL_STACK: usize = 1024 * 1024;

#[test]
fn too_much_text_or_depth_is_refused() {
    let chain = |times| vec!["request.method == 'GET'"; times].join(" && ");
    assert_eq!(judge(&chain(38)), Ok(true));
    assert_eq!(fault(&chain(39)), InvalidCondition::TooLong(1049));
    let sum = |times| format!("token.subject + {}'a' != params.id", "'a' + ".repeat(times));
    assert_eq!(judge(&sum(DEEPEST_CONDITION - 4)), Ok(true));
    assert!(matches!(fault(&sum(DEEPEST_CONDITION - 3)), InvalidCondition::TooDeep(_)));
    let brackets = |times| format!("{}true{}", "(true && ".repeat(times), ")".repeat(times));
    assert_eq!(judge(&brackets(MAX_BRACKETS.into())), Ok(true));
    assert!(matches!(fault(&brackets(usize::from(MAX_BRACKETS) + 1)), InvalidCondition::TooDeep(_)));
}
