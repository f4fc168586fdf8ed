//! Laws of tokens, whatever the bytes.

use std::sync::OnceLock;

use brama_kit::library::set;
use brama_kit::signer::{Signer, base64url};
use brama_policy::identity::{Answer, KeySet};
use proptest::prelude::*;
use proptest::sample::select;

use super::{NOW, claims, header, judge, policy};

fn maker() -> &'static (Signer, KeySet, String) {
    static MAKER: OnceLock<(Signer, KeySet, String)> = OnceLock::new();
    MAKER.get_or_init(|| {
        let signer = Signer::new("ES256", "k");
        let token = signer.token(&header(&signer), &claims());
        let keys = set(std::slice::from_ref(&signer));
        (signer, keys, token)
    })
}

/// A token of pieces that mean something, and of some that do not.
fn pieces() -> impl Strategy<Value = String> {
    let known =
        select(vec![".", "..", "=", "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9", "e30", "W10", "bnVsbA", "AAAA"]);
    let piece = prop_oneof![
        known.prop_map(str::to_owned),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| base64url(&bytes)),
        "[!-~]{1,5}",
    ];
    prop::collection::vec(piece, 1..8)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a credential is not empty", |text| !text.is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_text_but_a_signed_one_is_a_token(text in pieces()) {
        let outcome = judge(&policy(), &maker().1, &text, NOW);
        prop_assert!(outcome.is_err());
        prop_assert!(matches!(outcome.map_err(Answer::from).unwrap_err(), Answer::Rejected(_)));
    }

    #[test]
    fn every_changed_letter_spoils_a_token(at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9._=+/~-]") {
        let (_signer, keys, token) = maker();
        let mut changed = token.clone();
        let at = at.index(token.len());
        changed.replace_range(at..=at, &letter);
        prop_assert_eq!(judge(&policy(), keys, &changed, NOW).is_ok(), changed == *token);
    }

    #[test]
    fn every_beginning_and_every_end_of_a_token_is_none(at in any::<prop::sample::Index>()) {
        let (_signer, keys, token) = maker();
        let at = at.index(token.len() - 1) + 1;
        prop_assert!(judge(&policy(), keys, &token[..at], NOW).is_err());
        prop_assert!(judge(&policy(), keys, &token[at..], NOW).is_err());
    }

    #[test]
    fn signed_bytes_have_a_result(header in prop::collection::vec(any::<u8>(), 0..60), claims in "\\PC{0,60}") {
        let (signer, keys, _token) = maker();
        let own = base64url(super::header(signer).to_string().as_bytes());
        for header in [own, base64url(&header)] {
            let token = signer.signed(&format!("{header}.{}", base64url(claims.as_bytes())));
            prop_assert!(judge(&policy(), keys, &token, NOW).is_err());
        }
    }

    #[test]
    fn any_bytes_are_a_set_of_keys_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(KeySet::parse(&bytes).is_err());
    }

    #[test]
    fn any_members_make_a_key_or_none(n in "[A-Za-z0-9_-]{0,400}", e in "[A-Za-z0-9_-]{0,9}", kty in "RSA|EC", crv in "P-256|P-521") {
        let text = format!(r#"{{"keys":[{{"kty":"{kty}","n":"{n}","e":"{e}","crv":"{crv}","x":"{n}","y":"{n}"}}]}}"#);
        let keys = KeySet::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(keys.usable() + keys.left_out().len(), 1);
    }
}
