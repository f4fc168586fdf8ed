//! Owns what a reader who does not heed the case of letters takes for the same text.
//!
//! Readers differ, so a text is folded as the most obliging of them would: what any one of them takes for the same is
//! the same here. That is Unicode's caseless matching of identifiers (full case folding and NFKC, without what is
//! invisible; [3.13.5, D146](https://www.unicode.org/versions/latest/core-spec/chapter-3/#G53513)), and besides
//! whatever upper or lower case makes of a text in any language: in Turkish `I`, `ı`, `İ` and `i` are one letter.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// A text as such a reader takes it. Two texts are alike where these are equal.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        // Most are in lower case already, and cost nothing.
        let has_capitals = text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if has_capitals { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
    }
    let mut folded = once(text);
    // `ẞ` is `ß` at first, and that is `ss`.
    for _ in 1..MAX_ROUNDS {
        let again = once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    Cow::Owned(folded)
}

/// The number of dots that a text is to such a reader, where it is dots alone: none is left of what is invisible.
/// `None` of all else.
///
/// A service that folds each segment of a path before it removes dot segments takes `．．` for `..`.
pub(crate) fn dots(text: &str) -> Option<usize> {
    text.chars().filter(|sign| !is_ignorable(*sign)).try_fold(0_usize, |dots, sign| match sign {
        '.' | '\u{2024}' | '\u{fe52}' | '\u{ff0e}' => dots.checked_add(1),
        '\u{2025}' | '\u{fe30}' => dots.checked_add(2),
        _ => None,
    })
}

fn once(text: &str) -> String {
    let visible = text.nfkd().filter(|sign| !is_ignorable(*sign));
    // Upper case first: `ı` is `I` there, and would be itself in lower case.
    let small = visible.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    let (mut letter, mut count) = ('\0', 0_usize);
    for sign in small.map(newer) {
        if is_mark(sign) && is_lost(letter, sign) {
            // Nor does it count, or it would hide what follows it.
            continue;
        }
        // Capitals of the ligature `և` are `ԵՒ` or, in Armenia, `ԵՎ`.
        let is_ligature = letter == 'ե' && sign == 'ւ';
        if !is_mark(sign) {
            letter = sign;
        }
        folded.push(if is_ligature { 'վ' } else { sign });
        count = count.saturating_add(1);
        if count == LONGEST {
            break;
        }
    }
    folded
}

/// What is a capital since Unicode 18, and unknown to the standard library.
const fn newer(sign: char) -> char {
    match sign {
        '\u{a7dd}' => 'ɷ',
        '\u{a7e2}' => 'ɼ',
        '\u{ab6c}' => '\u{ab4b}',
        '\u{ab6d}' => '\u{ab4c}',
        _ => sign,
    }
}

/// Whether a mark above a letter is lost, or comes, with the letter's case in some language.
fn is_lost(letter: char, mark: char) -> bool {
    // Lithuanian: the dot of `i` is written where another mark stands above it, and no capital has it. Turkish: `İ`.
    let is_dot = mark == '\u{307}' && matches!(letter, 'i' | 'j' | 'ɨ' | 'ɉ' | 'ʝ' | 'і' | 'ј' | 'ᶖ' | '\u{1df1a}');
    // Greek: capitals have no accents.
    is_dot || matches!(letter, '\u{370}'..='\u{3ff}')
}

/// The combining diacritical marks, as which NFKD writes what stands above and below letters.
const fn is_mark(sign: char) -> bool {
    matches!(sign, '\u{300}'..='\u{36f}')
}

/// Unicode's `Default_Ignorable_Code_Point`: what is not shown, and taken out before texts are compared.
const fn is_ignorable(sign: char) -> bool {
    matches!(sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters of a folded text, one more than the longest literal can have (each of 455 escaped characters as 18): a
/// longer text is like none, and is not folded to its end.
const LONGEST: usize = 8191;

/// More than any text needs; tried for each character.
const MAX_ROUNDS: usize = 5;

// Holds it against libraries that are not compiled as Wasm.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
