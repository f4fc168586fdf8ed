//! The algorithms that Envoy does not verify: what stands around them is the same.

use std::sync::Arc;

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use brama_kit::library;
use brama_kit::signer::{self, Signer, base64url, merged};
use brama_policy::deciding::Policy;
use brama_policy::identity::{JwtRejection, NoKey};
use serde_json::{Value, json};

use super::{JWT, NOW, claims, document, header, judge, policy, policy_of};

fn of_all() -> Arc<Policy> {
    let all = "[RS256, PS256, PS384, PS512, ES256, EdDSA]";
    policy_of(&document(&JWT.replace("[RS256, RS384, RS512, ES256, ES384, ES512]", all)))
}

#[test]
fn only_the_keys_own_signature_of_this_very_text_counts() {
    let (signers, others) = (signer::of_the_feature(), signer::of_the_feature());
    let keys = library::set(&signers);
    assert_eq!((keys.usable(), keys.left_out().len()), (4, 0));
    for (signer, other) in signers.iter().zip(&others) {
        let name = signer.algorithm();
        let (token, richer) = (signer.token(&header(signer), &claims()), signer.token(&header(signer), &json!({})));
        assert!(judge(&of_all(), &keys, &token, NOW).is_ok(), "{name}");
        let forged = other.token(&header(signer), &claims());
        assert_eq!(judge(&of_all(), &keys, &forged, NOW), Err(JwtRejection::Signature), "{name}");
        let ((signed, _), (_, signature)) = (token.rsplit_once('.').unwrap(), richer.rsplit_once('.').unwrap());
        assert_eq!(
            judge(&of_all(), &keys, &format!("{signed}.{signature}"), NOW),
            Err(JwtRejection::Signature),
            "{name}"
        );
        assert_eq!(judge(&policy(), &keys, &token, NOW), Err(JwtRejection::Algorithm), "{name}");
    }
}

#[test]
fn rsa_key_verifies_the_kind_of_signature_that_the_header_names_and_the_key_is_for() {
    let signer = Signer::new("RS256", "k");
    let outcome = |key_is_for: &str, named: &str, signs: &Signer| {
        let key = merged(signer.jwk(), json!({ "alg": key_is_for }));
        let keys = brama_policy::identity::KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        let header = json!({ "alg": named, "typ": "at+jwt", "kid": "k" });
        judge(&of_all(), &keys, &signs.token(&header, &claims()), NOW).err()
    };
    let (pkcs1, pss) = (signer.encoding(&RSA_PKCS1_SHA256), signer.encoding(&RSA_PSS_SHA256));
    for (key_is_for, named, signs, wanted) in [
        ("RS256", "RS256", &pkcs1, None),
        ("PS256", "PS256", &pss, None),
        ("RS256", "PS256", &pss, Some(NoKey::Unfit.into())),
        ("PS256", "RS256", &pkcs1, Some(NoKey::Unfit.into())),
        ("PS384", "PS256", &pss, Some(NoKey::Unfit.into())),
        ("RS256", "RS256", &pss, Some(JwtRejection::Signature)),
        ("PS256", "PS256", &pkcs1, Some(JwtRejection::Signature)),
    ] {
        assert_eq!(outcome(key_is_for, named, signs), wanted, "{key_is_for} {named}");
    }
    // A key that is for all of its make is still verified in the one way that the header names.
    let keys = library::set(std::slice::from_ref(&signer));
    for (named, signs, is_good) in
        [("RS256", &pkcs1, true), ("PS256", &pss, true), ("RS256", &pss, false), ("PS256", &pkcs1, false)]
    {
        let token = signs.token(&json!({ "alg": named, "typ": "at+jwt", "kid": "k" }), &claims());
        assert_eq!(judge(&of_all(), &keys, &token, NOW).is_ok(), is_good, "{named}");
    }
}

#[test]
fn eddsa_signature_has_64_bytes() {
    let signer = Signer::new("EdDSA", "k");
    let keys = library::set(std::slice::from_ref(&signer));
    let token = signer.token(&header(&signer), &claims());
    let (signed, _signature) = token.rsplit_once('.').unwrap();
    for (length, wanted) in [
        (0, JwtRejection::SignatureLength),
        (63, JwtRejection::SignatureLength),
        (64, JwtRejection::Signature),
        (65, JwtRejection::SignatureLength),
        (96, JwtRejection::SignatureLength),
    ] {
        let odd = format!("{signed}.{}", base64url(&vec![0; length]));
        assert_eq!(judge(&of_all(), &keys, &odd, NOW), Err(wanted), "{length}");
    }
}

#[test]
fn keys_of_other_makes_are_not_the_tokens() {
    let (edwards, curve) = (Signer::new("EdDSA", "k"), Signer::new("ES256", "k"));
    let outcome = |key: Value, signer: &Signer| {
        let keys = brama_policy::identity::KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        judge(&of_all(), &keys, &signer.token(&header(signer), &claims()), NOW).err()
    };
    assert_eq!(outcome(edwards.jwk(), &edwards), None);
    assert_eq!(outcome(curve.jwk(), &edwards), Some(NoKey::Unfit.into()));
    assert_eq!(outcome(edwards.jwk(), &curve), Some(NoKey::Unfit.into()));
    // Left out of the set, so that the token's key is not known.
    for changes in
        [json!({ "crv": "Ed448" }), json!({ "crv": "X25519" }), json!({ "d": "AAAA" }), json!({ "use": "enc" })]
    {
        assert_eq!(outcome(merged(edwards.jwk(), changes), &edwards), Some(NoKey::UnknownKid.into()));
    }
}
