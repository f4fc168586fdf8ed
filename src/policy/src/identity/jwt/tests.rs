//! Keys and the standard's own examples, one part at a time.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Map, Value, json};

use super::*;
use crate::identity::answer::InvalidKeys;
use crate::identity::jws::{claims_to_be_one, media_type};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// RFC 7515, A.2.1.
fn rsa() -> Value {
    json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" })
}

/// Of two primes that were made as the faulty library made them.
const ROCA: &str = "o3jxjfvRP2-VK3Mv4B8w6U2lGL-ySyR-uYlSYnz2DlIvkWzsNglr8Wo35YoHf6D6ldG72pQUt9uxmkU5ECHEhbkIriZhTXqbWBH689eTCLmzAutF3lHkIa6KeZhdRsB8rdmQ_lyUcZAAzaaPvkEKyCMBKVZuuS3cf0EvXE8BFb4Rff9PUy4pzt4cSdq92El-R2jSrSVQQUBtDs3AfJe_-lwm451zfUGQhXDsFEBrMdBd6MjSPV4U7Hj7uVyf1U-LIkvjdPxx-G4q29ne-_VmK5r19XibSeuclolb7ovlSJlAHAjlztWaqNh_jrF-i0GV4stKeBEe2KjR3FGYV_RG6w";

/// RFC 7515, A.3.1.
fn curve() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
}

/// RFC 8037, A.2.
fn edwards() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

/// A key with some members changed; `null` takes one out.
fn changed(mut key: Value, changes: Value) -> Map<String, Value> {
    for (name, value) in object(changes) {
        match value {
            Value::Null => drop(key.as_object_mut().unwrap().remove(&name)),
            value => key[name] = value,
        }
    }
    object(key)
}

#[test]
fn unfit_keys_are_refused() {
    use InvalidKey::{Algorithm, Curve, Exponent, Id, Modulus, Operations, Point, Private, Roca, Type, Use};
    use InvalidKey::{EdwardsCurve, EdwardsPoint};
    let n = |bytes: usize, first: &str| json!({ "n": format!("{first}{}", "_".repeat(bytes * 4 / 3)) });
    for (key, changes, fault) in [
        (rsa(), json!({ "kty": "oct", "k": "AAAA" }), Type),
        (rsa(), json!({ "kty": "rsa" }), Type),
        (rsa(), json!({ "kty": null }), Type),
        (rsa(), json!({ "kty": "OKP" }), EdwardsCurve),
        (rsa(), json!({ "kty": "okp" }), Type),
        (rsa(), json!({ "d": "AQAB" }), Private),
        (rsa(), json!({ "kid": 1 }), Id),
        (rsa(), json!({ "use": "enc" }), Use),
        (rsa(), json!({ "use": "SIG" }), Use),
        (rsa(), json!({ "use": ["sig"] }), Use),
        (rsa(), json!({ "key_ops": ["sign"] }), Operations),
        (rsa(), json!({ "key_ops": [] }), Operations),
        (rsa(), json!({ "key_ops": "verify" }), Operations),
        (rsa(), json!({ "alg": "ES256" }), Algorithm),
        (rsa(), json!({ "alg": "RSA-OAEP" }), Algorithm),
        (rsa(), json!({ "alg": "EdDSA" }), Algorithm),
        (rsa(), json!({ "alg": "none" }), Algorithm),
        (rsa(), json!({ "alg": 1 }), Algorithm),
        (rsa(), json!({ "n": null }), Modulus),
        (rsa(), json!({ "n": "" }), Modulus),
        (rsa(), json!({ "n": 5 }), Modulus),
        // 2040 bits, 8208 bits, and an even number of 2048.
        (rsa(), n(255, ""), Modulus),
        (rsa(), n(1023, "____"), Modulus),
        (rsa(), json!({ "n": format!("{}g", "_".repeat(341)) }), Modulus),
        (rsa(), json!({ "n": ROCA }), Roca),
        // Zeros alone, 2040 bits behind a zero, and padding behind it.
        (rsa(), json!({ "n": "AAAA" }), Modulus),
        (rsa(), json!({ "n": format!("AP{}", "_".repeat(340)) }), Modulus),
        (rsa(), json!({ "n": format!("{}w==", "_".repeat(341)) }), Modulus),
        (rsa(), json!({ "e": null }), Exponent),
        (rsa(), json!({ "e": "AQ" }), Exponent),
        (rsa(), json!({ "e": "Ag" }), Exponent),
        (rsa(), json!({ "e": "AQAA" }), Exponent),
        // 2^33 + 1, and 2^64 + 3, which eight bytes would take for 3.
        (rsa(), json!({ "e": "AgAAAAE" }), Exponent),
        (rsa(), json!({ "e": "AQAAAAAAAAAD" }), Exponent),
        (curve(), json!({ "crv": "P-257" }), Curve),
        (curve(), json!({ "crv": "secp256k1" }), Curve),
        (curve(), json!({ "crv": null }), Curve),
        (curve(), json!({ "crv": "P-384" }), Point),
        (curve(), json!({ "x": null }), Point),
        (curve(), json!({ "y": "" }), Point),
        (curve(), json!({ "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA" }), Point),
        (curve(), json!({ "x": "AH_NzidwdsRdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRF" }), Point),
        (curve(), json!({ "alg": "ES384" }), Algorithm),
        (curve(), json!({ "alg": "RS256" }), Algorithm),
        (edwards(), json!({ "crv": null }), EdwardsCurve),
        (edwards(), json!({ "crv": "ed25519" }), EdwardsCurve),
        (edwards(), json!({ "crv": "Ed448" }), EdwardsCurve),
        (edwards(), json!({ "crv": "X25519" }), EdwardsCurve),
        (edwards(), json!({ "crv": "P-256" }), EdwardsCurve),
        (edwards(), json!({ "x": null }), EdwardsPoint),
        (edwards(), json!({ "x": 5 }), EdwardsPoint),
        (edwards(), json!({ "x": "" }), EdwardsPoint),
        // 31 bytes, 33 bytes, padding, and bits left over.
        (edwards(), json!({ "x": "_".repeat(41) + "8" }), EdwardsPoint),
        (edwards(), json!({ "x": "_".repeat(44) }), EdwardsPoint),
        (edwards(), json!({ "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }), EdwardsPoint),
        (edwards(), json!({ "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp" }), EdwardsPoint),
        // RFC 8037, A.1: the private key.
        (edwards(), json!({ "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" }), Private),
        (edwards(), json!({ "kid": [] }), Id),
        (edwards(), json!({ "use": "enc" }), Use),
        (edwards(), json!({ "key_ops": ["sign"] }), Operations),
        (edwards(), json!({ "alg": "ES256" }), Algorithm),
        (edwards(), json!({ "alg": "Ed448" }), Algorithm),
    ] {
        let key = changed(key, changes);
        assert_eq!(Key::read(&key), Err(fault), "{key:?}");
    }
}

/// Every spelling of every point whose order is 1, 2, 4 or 8.
#[test]
fn points_of_small_order_are_no_keys() {
    for x in [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o",
        "7P_______________________________________38",
        "7P________________________________________8",
        "7f_______________________________________38",
        "7f________________________________________8",
        "7v_______________________________________38",
        "7v________________________________________8",
    ] {
        let key = changed(edwards(), json!({ "x": x }));
        assert_eq!(Key::read(&key), Err(InvalidKey::EdwardsPoint), "{x}");
    }
}

#[test]
fn sound_keys_are_taken_whatever_else_they_say() {
    for (key, changes) in [
        (rsa(), json!({})),
        (rsa(), json!({ "kid": "", "use": "sig", "key_ops": ["sign", "verify"], "alg": "RS512", "x5c": ["MII"] })),
        (rsa(), json!({ "n": format!("{}w", "_".repeat(341)), "e": "Aw" })),
        (rsa(), json!({ "n": format!("{}w", "_".repeat(1365)), "e": "Af____8" })),
        (rsa(), json!({ "alg": "PS256" })),
        // The zero that DER has before it.
        (rsa(), json!({ "n": format!("AP{}8", "_".repeat(340)), "e": "AAEAAQ" })),
        (curve(), json!({ "kid": "a", "alg": "ES256", "n": 7, "expires": "soon" })),
        (edwards(), json!({})),
        (edwards(), json!({ "kid": "e", "use": "sig", "key_ops": ["verify"], "alg": "EdDSA", "y": 7 })),
    ] {
        let key = changed(key, changes);
        assert!(Key::read(&key).is_ok(), "{key:?}");
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[test]
fn key_is_the_named_one_that_fits_or_none() {
    let named = |key: Value, id: &str| Value::from(changed(key, json!({ "kid": id })));
    let only = |key: Value, algorithm: &str| Value::from(changed(key, json!({ "alg": algorithm })));
    let other_rsa = || Value::from(changed(rsa(), json!({ "n": format!("{}w", "_".repeat(341)) })));
    let keys = set(&[
        named(rsa(), "r"),
        named(curve(), "c"),
        named(curve(), "twice"),
        named(rsa(), "twice"),
        only(rsa(), "RS512"),
        // As it is, and once more.
        named(rsa(), "r"),
        named(other_rsa(), "clash"),
        named(only(rsa(), "RS256"), "clash"),
        named(only(rsa(), "RS256"), "by alg"),
        named(only(other_rsa(), "RS512"), "by alg"),
    ]);
    assert_eq!(keys.usable(), 9);
    let find = |keys: &KeySet, id, algorithm| keys.find(id, algorithm).map(|key| key.make).err();
    assert_eq!(find(&keys, Some("r"), Algorithm::Rs384), None);
    assert_eq!(find(&keys, Some("r"), Algorithm::Es256), Some(NoKey::Unfit));
    assert_eq!(find(&keys, Some("c"), Algorithm::Es384), Some(NoKey::Unfit));
    assert_eq!(find(&keys, Some("R"), Algorithm::Rs256), Some(NoKey::UnknownKid));
    assert_eq!(find(&keys, Some(""), Algorithm::Rs256), Some(NoKey::UnknownKid));
    assert_eq!(find(&keys, Some("twice"), Algorithm::Rs256), None, "the other of its name is a curve's");
    assert_eq!(find(&keys, Some("twice"), Algorithm::Es384), Some(NoKey::Unfit));
    assert_eq!(find(&keys, Some("clash"), Algorithm::Rs256), Some(NoKey::RepeatedKid));
    assert_eq!(find(&keys, Some("clash"), Algorithm::Rs384), None);
    assert_eq!(find(&keys, Some("by alg"), Algorithm::Rs384), Some(NoKey::Unfit));
    let by_alg = |algorithm| keys.find(Some("by alg"), algorithm).unwrap().spki.clone();
    assert_ne!(by_alg(Algorithm::Rs256), by_alg(Algorithm::Rs512));
    assert_eq!(find(&keys, None, Algorithm::Es384), Some(NoKey::NoneFits));
    assert_eq!(find(&keys, None, Algorithm::Rs256), Some(NoKey::SeveralFit));
    let one = set(&[only(rsa(), "RS512"), named(curve(), "c")]);
    assert_eq!(find(&one, None, Algorithm::Rs512), None);
    assert_eq!(find(&one, None, Algorithm::Rs256), Some(NoKey::NoneFits));
    assert_eq!(find(&one, None, Algorithm::Es256), None);
    assert_eq!(find(&one, Some("c"), Algorithm::Es256), None);
    let described_twice = set(&[rsa(), only(rsa(), "RS512")]);
    assert_eq!(find(&described_twice, None, Algorithm::Rs512), None);
}

#[test]
fn set_skips_what_it_cannot_use_and_may_be_empty() {
    for (text, skipped) in [(r#"{"keys":[]}"#, 0), (r#"{"keys":[{"kty":"oct","k":"AA"}]}"#, 1)] {
        let keys = KeySet::parse(text.as_bytes()).unwrap();
        assert_eq!((keys.usable(), keys.left_out().len()), (0, skipped));
    }
    let keys = set(&[rsa(), json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }), json!({}), curve()]);
    assert_eq!((keys.usable(), keys.left_out().len()), (2, 2));
    let odd = set(&[
        changed(rsa(), json!({ "kid": "e\u{1b}[2J\n", "use": "enc" })).into(),
        changed(curve(), json!({ "kid": "x".repeat(100), "crv": "P-1" })).into(),
        changed(curve(), json!({ "kid": 5 })).into(),
    ]);
    let told: Vec<_> = odd.left_out().iter().map(ToString::to_string).collect();
    let expected = [
        r"the key `e\u{1b}[2J\n`: a key that verifies has `use` `sig`, or none".to_owned(),
        format!("the key `{}...`: `crv` is `P-256`, `P-384` or `P-521`", "x".repeat(64)),
        "a key without `kid`: a key's `kid` is a text".to_owned(),
    ];
    assert_eq!(told, expected);
    let nulls: Map<_, _> =
        ["kid", "use", "key_ops", "alg"].map(|name| (name.to_owned(), Value::Null)).into_iter().collect();
    let with_nulls: Value = object(rsa()).into_iter().chain(nulls).collect::<Map<_, _>>().into();
    assert_eq!(set(&[with_nulls, rsa()]), set(&[rsa()]), "null states nothing, and a key that is listed twice is one");
    for (text, fault) in [
        (r#"{"keys":{}}"#, InvalidKeys::Shape),
        (r#"{"keys":["a"]}"#, InvalidKeys::Shape),
        (r#"{"keys":[],"keys":[]}"#, InvalidKeys::Shape),
        (r#"{"keys":[{"kty":"RSA","kty":"EC"}]}"#, InvalidKeys::Shape),
        ("[]", InvalidKeys::Shape),
        ("", InvalidKeys::Shape),
        ("<html>", InvalidKeys::Shape),
    ] {
        assert_eq!(KeySet::parse(text.as_bytes()), Err(fault), "{text}");
    }
    let long = format!(r#"{{"keys":[{}],"x":"{}"}}"#, rsa(), "a".repeat(MAX_KEY_SET));
    assert_eq!(KeySet::parse(long.as_bytes()), Err(InvalidKeys::TooLong));
}

#[test]
fn fingerprint_follows_the_key() {
    let (one, both) = (set(&[rsa()]), set(&[curve(), rsa()]));
    let fingerprint = one.find(None, Algorithm::Rs256).unwrap().fingerprint();
    assert!(one.has(fingerprint) && both.has(fingerprint) && !set(&[curve()]).has(fingerprint));
    let narrower = set(&[changed(rsa(), json!({ "alg": "RS512" })).into()]);
    assert!(!narrower.has(fingerprint), "what it verified with RS256 it would not verify now");
}

#[test]
fn whatever_looks_like_a_jws_is_taken_for_one() {
    // The headers `{"alg":"none"}`, `{"alg":1,"alg":2}`, and `{"alg":"RS256"}` with bits left over, and with padding.
    for text in [
        "eyJhbGciOiJub25lIn0..",
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOjEsImFsZyI6Mn0.!.!",
        "eyJhbGciOiJSUzI1NiJ9.e30.AA",
        "eyJhbGciOiJub25lIn1.e30.AA",
        "eyJhbGciOiJub25lIn0=.e30.AA",
        "eyJhbGciOiJub25lIn0.e30.AA.",
        ".eyJhbGciOiJub25lIn0.e30.AA",
        "eyJhbGciOiJub25lIn0.a.b.c",
        "eyJhbGciOiJub25lIn0.a.b.c.d",
        // `{"alg":"dir","enc":"A128GCM"}`, in as many parts as no JWE has.
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0.a.b",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0.a.b.c.d.e",
    ] {
        assert!(claims_to_be_one(text), "{text}");
    }
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        "e30.e30.AA",
        "W10.e30.AA",
        "eyJhbGciOiJub25lIn0",
        "eyJhbGciOiJub25lIn0.e30",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0.a.b.c.d",
    ] {
        assert!(!claims_to_be_one(text), "{text}");
    }
}

#[test]
fn types_are_compared_as_media_types() {
    for (text, plain) in [
        ("at+jwt", "at+jwt"),
        ("AT+JWT", "at+jwt"),
        ("application/at+jwt", "at+jwt"),
        ("Application/AT+jwt", "at+jwt"),
        ("text/at+jwt", "text/at+jwt"),
        ("application/a/b", "application/a/b"),
    ] {
        assert_eq!(media_type(text), plain);
    }
}

/// The standard's examples, verified by a library that reads the DER made here.
#[cfg(not(target_family = "wasm"))]
mod standard {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    };

    use super::*;

    #[track_caller]
    fn check(token: &str, key: Value, algorithm: Algorithm, with: &'static dyn VerificationAlgorithm) {
        let compact = jws::Compact::split(token).unwrap();
        let header = jws::Header::read(compact.header);
        assert_eq!(header.unwrap().kind, None, "the examples have no `typ`");
        let signature = as_libraries_want_it(base64url::decode(compact.signature).unwrap(), algorithm).unwrap();
        let key = Key::read(&object(key)).unwrap();
        assert!(key.fits(algorithm));
        let verify = |signed: &str| UnparsedPublicKey::new(with, &key.spki).verify(signed.as_bytes(), &signature);
        assert!(verify(compact.signed).is_ok());
        assert!(verify(&format!("{}A", compact.signed)).is_err());
    }

    #[test]
    fn rfc_7515_a_2() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        check(token, rsa(), Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256);
    }

    #[test]
    fn rfc_7515_a_3() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        check(token, curve(), Algorithm::Es256, &ECDSA_P256_SHA256_ASN1);
    }

    #[test]
    fn rfc_7515_a_4() {
        let token = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
        let key = json!({ "kty": "EC", "crv": "P-521", "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk", "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2" });
        check(token, key, Algorithm::Es512, &ECDSA_P521_SHA512_ASN1);
    }

    #[test]
    fn rfc_8037_a_4() {
        let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        check(token, edwards(), Algorithm::EdDsa, &ED25519);
    }
}
