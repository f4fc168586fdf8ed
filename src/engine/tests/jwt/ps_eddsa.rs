//! Signatures that the guest verifies itself; a library that shares no code with it makes them.

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RSA_PSS_SHA512, RsaPssSaltLength, RsaSignatureEncoding};
use brama_engine::worker::Flow;
use brama_fake::{Done, Proxy};
use serde_json::json;

use crate::jwt::proxy::{self, Gateway as _, POLICY, set, token, token_with};
use crate::jwt::signer::{self, Signer, base64url, merged};

fn proxy(signers: &[&Signer]) -> Proxy {
    publishing(&set(signers))
}

fn publishing(keys: &str) -> Proxy {
    let wanted = "algorithms: [RS256, ES256]";
    assert!(POLICY.contains(wanted));
    proxy::publishing(&POLICY.replace(wanted, "algorithms: [RS256, PS256, PS384, PS512, EdDSA]"), keys)
}

#[test]
fn good_token_passes_and_the_host_is_not_asked() {
    for signer in signer::of_the_feature() {
        let mut proxy = proxy(&[&signer]);
        let (stream, flow) = proxy.request(&token(&signer));
        assert_eq!((flow, proxy[stream].signatures), (Flow::Continue, 0), "{}", signer.algorithm());
        assert_eq!(proxy[stream].header("x-user"), ["u1"]);
        assert_eq!(proxy.asked.len(), 1);
    }
}

#[test]
fn key_may_be_longer() {
    for size in [KeySize::Rsa3072, KeySize::Rsa4096] {
        let signer = Signer::sized("PS512", "k", size);
        assert_eq!(proxy(&[&signer]).outcome(&token(&signer)), Done::Forwarded);
    }
}

#[test]
fn changed_token_and_another_key_are_refused() {
    for (signer, other) in signer::of_the_feature().iter().zip(&signer::of_the_feature()) {
        let mut proxy = proxy(&[signer]);
        assert_eq!(proxy.outcome(&token(other)), Done::Refused(401), "{}", signer.algorithm());
        let (good, richer) = (token(signer), token_with(signer, json!({}), json!({ "sub": "u2" })));
        let ((signed, signature), (_, anothers)) = (good.rsplit_once('.').unwrap(), richer.rsplit_once('.').unwrap());
        assert_eq!(proxy.outcome(&format!("{signed}.{anothers}")), Done::Refused(401), "{}", signer.algorithm());
        for place in 0..signature.len() {
            let mut changed = signature.to_owned().into_bytes();
            changed[place] = if changed[place] == b'A' { b'Q' } else { b'A' };
            let changed = format!("{signed}.{}", String::from_utf8(changed).unwrap());
            assert_eq!(proxy.outcome(&changed), Done::Refused(401), "{} {place}", signer.algorithm());
        }
        for odd in [vec![0; 64], vec![0; 256], vec![0xff; 256], vec![0; 257], vec![0; 255]] {
            let odd = format!("{signed}.{}", base64url(&odd));
            assert_eq!(proxy.outcome(&odd), Done::Refused(401), "{}", signer.algorithm());
        }
        assert_eq!(proxy.outcome(&good), Done::Forwarded);
    }
}

/// RFC 7518, 3.5.
#[test]
fn salt_is_as_long_as_the_hash() {
    const NONE: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(0));
    const SHORT: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(31));
    const SAME: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(32));
    const LONG: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(33));
    const LONGEST: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);
    let signer = Signer::new("PS256", "k");
    let mut proxy = proxy(&[&signer]);
    for encoding in [&NONE, &SHORT, &LONG, &LONGEST, &RSA_PSS_SHA512] {
        assert_eq!(proxy.outcome(&token(&signer.encoding(encoding))), Done::Refused(401), "{encoding:?}");
    }
    assert_eq!(proxy.outcome(&token(&signer.encoding(&SAME))), Done::Forwarded);
}

#[test]
fn each_kind_of_rsa_signature_counts_under_its_own_name_only() {
    let signer = Signer::new("PS256", "k");
    let pkcs1 = signer.encoding(&RSA_PKCS1_SHA256);
    let mut both = proxy(&[&signer]);
    let named = |signer: &Signer, algorithm: &str| token_with(signer, json!({ "alg": algorithm }), json!({}));
    for (token, wanted) in [
        (named(&signer, "PS256"), Done::Forwarded),
        (named(&pkcs1, "RS256"), Done::Forwarded),
        (named(&signer, "RS256"), Done::Refused(401)),
        (named(&pkcs1, "PS256"), Done::Refused(401)),
        (named(&signer, "PS384"), Done::Refused(401)),
        (named(&signer, "EdDSA"), Done::Refused(401)),
    ] {
        assert_eq!(both.outcome(&token), wanted, "{token}");
    }
    let mut only = publishing(&json!({ "keys": [merged(signer.jwk(), json!({ "alg": "RS256" }))] }).to_string());
    assert_eq!(only.outcome(&named(&signer, "PS256")), Done::Refused(401));
    assert_eq!(only.outcome(&named(&pkcs1, "RS256")), Done::Forwarded);
}

#[test]
fn key_that_is_none_has_no_signatures() {
    let signers = [Signer::new("PS256", "k"), Signer::new("EdDSA", "k")];
    // No two primes have this product, and this y is of no point.
    let changes = [json!({ "n": base64url(&[0xff; 256]) }), json!({ "x": base64url(&[7; 32]) })];
    for (signer, changes) in signers.iter().zip(changes) {
        let mut proxy = publishing(&json!({ "keys": [merged(signer.jwk(), changes)] }).to_string());
        assert_eq!(proxy.outcome(&token(signer)), Done::Refused(401));
    }
}
