//! The folding, held against what other readers make of every character there is.

use icu_casemap::CaseMapper;
use icu_locale_core::{LanguageIdentifier, langid};
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use icu_properties::props::DefaultIgnorableCodePoint;
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

use super::*;

/// Languages with rules of their own for the case of letters, and one without.
const LANGUAGES: [LanguageIdentifier; 7] =
    [langid!("und"), langid!("tr"), langid!("az"), langid!("lt"), langid!("el"), langid!("hy"), langid!("nl")];

fn characters() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

/// What a reader may make of a text before it compares it.
fn readings(text: &str) -> Vec<(&'static str, String)> {
    let cases = CaseMapper::new();
    let each = |map: &dyn Fn(char) -> char| text.chars().map(map).collect::<String>();
    let mut readings = vec![
        // Python's `casefold`, ICU's `foldCase`, Ruby's `downcase(:fold)`, Perl's `fc`.
        ("full folding", cases.fold_string(text).into_owned()),
        ("full folding, Turkish", cases.fold_turkic_string(text).into_owned()),
        // .NET's `OrdinalIgnoreCase`, Java's `equalsIgnoreCase`, Go's `EqualFold`, regular expressions.
        ("simple folding", each(&|sign| cases.simple_fold(sign))),
        ("simple folding, Turkish", each(&|sign| cases.simple_fold_turkic(sign))),
        ("simple upper case", each(&|sign| cases.simple_uppercase(sign))),
        ("simple lower case", each(&|sign| cases.simple_lowercase(sign))),
        ("simple title case", each(&|sign| cases.simple_titlecase(sign))),
        ("simple lower case of upper case", each(&|sign| cases.simple_lowercase(cases.simple_uppercase(sign)))),
        ("NFC", ComposingNormalizer::new_nfc().normalize(text).into_owned()),
        ("NFD", DecomposingNormalizer::new_nfd().normalize(text).into_owned()),
        ("NFKC", ComposingNormalizer::new_nfkc().normalize(text).into_owned()),
        ("NFKD", DecomposingNormalizer::new_nfkd().normalize(text).into_owned()),
        ("std upper case", text.to_uppercase()),
        ("std lower case", text.to_lowercase()),
    ];
    for language in &LANGUAGES {
        readings.push(("upper case", cases.uppercase_to_string(text, language).into_owned()));
        readings.push(("lower case", cases.lowercase_to_string(text, language).into_owned()));
    }
    readings
}

/// Whether some reader makes something else of it; in no language is it the case of a letter then.
fn changes(character: char) -> bool {
    let (text, cases) = (character.to_string(), CaseMapper::new());
    let root = langid!("und");
    let upper = cases.uppercase_to_string(&text, &root);
    let readings = [upper, cases.lowercase_to_string(&text, &root), cases.fold_string(&text)];
    readings.iter().any(|reading| *reading != text) || !DecomposingNormalizer::new_nfkd().is_normalized(&text)
}

/// What a reader takes for the same, and the folding does not.
fn missed(texts: impl Iterator<Item = String>) -> Vec<String> {
    let of = |text: String| {
        let own = folded(&text).into_owned();
        // The libraries' Unicode may be newer than the compiler's, which knows no such letter then.
        let is_known =
            |text: &str| !text.chars().any(|sign| !sign.is_alphabetic() && CaseMapper::new().simple_fold(sign) != sign);
        let known = readings(&text).into_iter().filter(move |(_reader, reading)| is_known(&text) && is_known(reading));
        let missed = known.filter(move |(_reader, reading)| folded(reading) != own).collect::<Vec<_>>().into_iter();
        missed.map(|(reader, reading)| format!("{reader}: {}", reading.escape_unicode())).collect::<Vec<_>>()
    };
    texts.flat_map(of).collect()
}

#[test]
fn every_character_is_folded_as_every_reader_would() {
    assert_eq!(missed(characters().filter(|character| changes(*character)).map(String::from)), [""; 0]);
}

#[test]
fn every_letter_is_folded_alike_beside_others() {
    // What depends on neighbours: final sigma, dots and accents, the end of a word.
    let beside = [("a", "b"), ("", "\u{307}"), ("i", ""), ("Σ", "Σ"), ("α", "ι"), ("Į", "\u{301}")];
    let cases =
        |character: &char| character.to_lowercase().ne([*character]) || character.to_uppercase().ne([*character]);
    // Not the iota below a letter, which is a letter itself in capitals, and nowhere stands before another mark.
    let letters = characters().filter(|character| *character != '\u{345}' && (is_mark(*character) || cases(character)));
    let texts = letters.flat_map(|character| beside.map(|(before, after)| format!("{before}{character}{after}")));
    assert_eq!(missed(texts), [""; 0]);
}

#[test]
fn folding_is_its_own_folding() {
    for character in characters().filter(|character| changes(*character)) {
        let text = character.to_string();
        let (own, two) = (folded(&text).into_owned(), folded(&format!("{text}{text}")).into_owned());
        assert_eq!(folded(&own), own, "{}", text.escape_unicode());
        assert_eq!(folded(&two), two, "{}", text.escape_unicode());
    }
}

#[test]
fn what_is_invisible_is_what_unicode_says() {
    let ignorable: CodePointSetDataBorrowed<'_> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    for character in characters() {
        assert_eq!(is_ignorable(character), ignorable.contains(character), "{}", character.escape_unicode());
    }
}

#[test]
fn what_no_reader_takes_for_the_same_is_not_the_same() {
    for (one, two) in
        [("é", "e"), ("ż", "z"), ("й", "и"), ("ø", "o"), ("а", "a"), ("ä", "ae"), ("カ", "か"), ("0", "O"), ("l", "1")]
    {
        assert_ne!(folded(one), folded(two), "{one} {two}");
    }
}

/// Texts that readers of some kind take for the same, a line a trick.
const ALIKE: &[(&str, &str)] = &[
    ("class", "cla\u{1e9e}"),
    ("class", "claß"),
    ("class", "CLAſſ"),
    ("admin", "adm\u{130}n"),
    ("admin", "admın"),
    ("admin", "ADMIN"),
    ("admin", "admi\u{307}n"),
    ("admin", "ａｄｍｉｎ"),
    ("admin", "ＡＤＭＩＮ"),
    ("admin", "𝐚𝐝𝐦𝐢𝐧"),
    ("admin", "ⓐⓓⓜⓘⓝ"),
    ("admin", "ad\u{200b}min"),
    ("admin", "ad\u{ad}min"),
    ("admin", "admin\u{fe0f}"),
    ("kelvin", "\u{212a}elvin"),
    ("ɷ", "\u{a7dd}"),
    ("office", "oﬃce"),
    ("file", "ﬁle"),
    ("v2", "v²"),
    ("café", "cafe\u{301}"),
    ("café", "CAFÉ"),
    ("бюро", "БЮРО"),
    ("οδος", "ΟΔΟΣ"),
    ("οδός", "ΟΔΟΣ"),
    ("straße", "STRASSE"),
    ("և", "ԵՎ"),
    ("한", "\u{1112}\u{1161}\u{11ab}"),
];

#[test]
fn tricks_of_old_are_seen_through() {
    for (one, two) in ALIKE {
        assert_eq!(folded(one), folded(two), "{one} {two}");
    }
}

#[test]
fn dots_are_what_any_reader_makes_dots_of() {
    for sign in characters() {
        let text = sign.to_string();
        let are_dots = |reading: &str| reading.chars().all(|sign| sign == '.');
        let most =
            readings(&text).into_iter().filter(|(_, reading)| are_dots(reading)).map(|(_, reading)| reading.len());
        let (most, own) = (most.max(), dots(&text));
        // Three dots are no dot segment; what is invisible is nothing once it is taken out.
        assert_eq!(own.filter(|dots| *dots > 0), most.filter(|dots| (1..3).contains(dots)), "{sign:?}");
        assert_eq!(own == Some(0), CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(sign), "{sign:?}");
    }
    for (text, count) in [("", Some(0)), ("..", Some(2)), ("．\u{200b}.", Some(2)), ("...", Some(3)), (".a", None)] {
        assert_eq!(dots(text), count, "{text:?}");
    }
}

/// As many marks as a request can bring, of which capitals have none.
#[test]
fn lost_marks_hide_nothing() {
    let accents = "\u{344}".repeat(8_000);
    assert_eq!(folded(&format!("α{accents}β")), "αβ");
    assert_ne!(folded(&format!("α{accents}β")), folded("αβγ"));
    let long = "é".repeat(9_000);
    assert!(folded(&long).chars().count() <= LONGEST);
}
