//! Law of an issuer's keys: each that is taken is a key, and fit for the algorithm of the token that names it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brama_filter::envoy::signature;
use brama_policy::identity::{KeyParts, KeySet, MAX_KEY_SET, MAX_RSA_BITS, MIN_RSA_BITS, Verifier};

use crate::gateway;

/// Input: the JSON of a JWK set.
///
/// # Panics
/// An invalid key was taken, or one for another algorithm.
pub fn holds_for(text: &[u8]) {
    let Ok(keys) = KeySet::parse(text) else { return };
    assert!(text.len() <= MAX_KEY_SET, "it is too long");
    for (algorithm, key_id, length) in [("RS256", Some("r"), 256), ("ES256", Some("e"), 64), ("ES256", None, 64)] {
        let mut header = serde_json::json!({ "alg": algorithm, "typ": "at+jwt" });
        if let Some(key_id) = key_id {
            header["kid"] = key_id.into();
        }
        let parts = [header.to_string().as_bytes(), b"{}", &vec![1; length]].map(|part| URL_SAFE_NO_PAD.encode(part));
        check(&keys, algorithm, &parts.join("."));
    }
}

fn check(keys: &KeySet, algorithm: &str, token: &str) -> Option<()> {
    let lookup = gateway::lookup("token", token)?;
    let Verifier::Jwt(jwt) = lookup.verifier() else { panic!("{token} claims to be a JWT") };
    let opened = jwt.open(lookup.credential()).ok()?;
    let check = opened.check_with(keys).ok()?;
    let _arguments = signature::arguments(&check);
    assert!(keys.has(check.key()));
    match check.parts() {
        KeyParts::Rsa { modulus, exponent } => {
            assert_eq!(algorithm, "RS256");
            let bits = modulus.len().checked_mul(8).unwrap();
            assert!((MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits), "{bits}");
            assert!(exponent.last().is_some_and(|last| last % 2 == 1), "an even exponent is none");
        }
        KeyParts::Point => assert_eq!(algorithm, "ES256"),
        KeyParts::Ed25519(_point) => panic!("{algorithm} has no such key"),
    }
    Some(())
}
