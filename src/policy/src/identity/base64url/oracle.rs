//! The decoder against that of the `base64` crate, over short texts and long ones.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const OPEN: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

fn is_read_alike(text: &str) {
    assert_eq!(decode(text), URL_SAFE_NO_PAD.decode(text).ok(), "{text:?}");
    assert_eq!(decode_open(text).map(|(bytes, _rest)| bytes), OPEN.decode(text).ok(), "{text:?}");
}

#[test]
fn short_texts_are_read_as_the_crate_reads_them() {
    let pairs = (0..=0x7f_u8).flat_map(|first| (0..=0x7f_u8).map(move |second| [first, second].map(char::from)));
    for [first, second] in pairs {
        is_read_alike(&String::from(first));
        is_read_alike(&String::from_iter([first, second]));
    }
    // Each end of the alphabet's ranges with the letter beyond it, and letters with each number of zero bits behind.
    let odd = "AQgwEIhx@Z[`az{/09:-_+.=, \n\0\u{7f}";
    for first in odd.chars() {
        for second in odd.chars() {
            for third in odd.chars() {
                is_read_alike(&String::from_iter([first, second, third]));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

    #[test]
    fn long_texts_are_read_as_the_crate_reads_them(text in "[A-Za-z0-9_-]{0,200}") {
        is_read_alike(&text);
    }

    #[test]
    fn odd_letters_are_taken_as_the_crate_takes_them(
        before in "[A-Za-z0-9_-]{0,20}",
        odd in select(vec!["", "=", "==", "===", "+", "/", ".", " ", "\n", "\0", "é", "\u{212a}"]),
        after in "[A-Za-z0-9_-]{0,5}",
    ) {
        is_read_alike(&format!("{before}{odd}{after}"));
    }

    #[test]
    fn what_the_crate_writes_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = URL_SAFE_NO_PAD.encode(&bytes);
        prop_assert_eq!(decode(&text), Some(bytes));
    }
}
