//! Makers of keys and tokens.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding};
use serde_json::{Value, json};

/// A private key with its name and its one algorithm.
#[derive(Clone)]
pub struct Signer {
    algorithm: &'static str,
    kid: String,
    pair: Pair,
}

#[derive(Clone)]
enum Pair {
    Rsa(Arc<RsaKeyPair>, &'static dyn RsaEncoding),
    Curve(Arc<EcdsaKeyPair>, &'static str, usize),
    Edwards(Arc<Ed25519KeyPair>),
}

impl Signer {
    pub fn new(algorithm: &'static str, kid: &str) -> Self {
        Self::sized(algorithm, kid, KeySize::Rsa2048)
    }

    /// A signer whose key is of this size, if the algorithm is RSA's.
    pub fn sized(algorithm: &'static str, kid: &str, size: KeySize) -> Self {
        let rsa = |encoding| Pair::Rsa(Arc::new(RsaKeyPair::generate(size).unwrap()), encoding);
        let curve = |signing, name, size| Pair::Curve(Arc::new(EcdsaKeyPair::generate(signing).unwrap()), name, size);
        let pair = match algorithm {
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            "ES256" => curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", 32),
            "ES384" => curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384", 48),
            "ES512" => curve(&signature::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521", 66),
            "EdDSA" => Pair::Edwards(Arc::new(Ed25519KeyPair::generate().unwrap())),
            other => panic!("{other}"),
        };
        Self { algorithm, kid: kid.to_owned(), pair }
    }

    /// The same RSA key under the same name, with another way of signing.
    pub fn encoding(&self, encoding: &'static dyn RsaEncoding) -> Self {
        let pair = match &self.pair {
            Pair::Rsa(pair, _) => Pair::Rsa(Arc::clone(pair), encoding),
            other => other.clone(),
        };
        Self { pair, ..self.clone() }
    }

    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair, _) => {
                // RFC 8017, A.1.1: a modulus of 2048 bits or more, the first of them set, and the exponent 65537.
                let der = pair.public_key().as_ref();
                let (numbers, exponent) = der.split_at(der.len() - 5);
                assert_eq!((numbers.len() - 9, exponent), (pair.public_modulus_len(), &[2, 3, 1, 0, 1][..]));
                json!({ "kty": "RSA", "kid": self.kid, "n": base64url(&numbers[9..]), "e": "AQAB" })
            }
            Pair::Edwards(pair) => {
                json!({ "kty": "OKP", "kid": self.kid, "crv": "Ed25519", "x": base64url(pair.public_key().as_ref()) })
            }
            Pair::Curve(pair, name, size) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(*size);
                json!({ "kty": "EC", "kid": self.kid, "crv": name, "x": base64url(x), "y": base64url(y) })
            }
        }
    }

    pub fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_of(&header.to_string(), &claims.to_string())
    }

    pub fn token_of(&self, header: &str, claims: &str) -> String {
        self.signed(&format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes())))
    }

    pub fn signed(&self, text: &str) -> String {
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::Edwards(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
            Pair::Curve(pair, _, _) => pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{text}.{}", base64url(&signature))
    }
}

/// Signers for every algorithm that Envoy verifies, named after it.
pub fn all() -> Vec<Signer> {
    let algorithms = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
    algorithms.map(|algorithm| Signer::new(algorithm, algorithm)).into()
}

/// Signers for every algorithm of the feature `ps-eddsa`, named after it.
pub fn of_the_feature() -> Vec<Signer> {
    ["PS256", "PS384", "PS512", "EdDSA"].map(|algorithm| Signer::new(algorithm, algorithm)).into()
}

/// An object with some members changed; a `null` removes one.
pub fn merged(mut object: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
            value => object[name] = value.clone(),
        }
    }
    object
}

pub fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain([&0; 2]).take(3).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let letters = [18, 12, 6, 0].map(|shift| LETTERS[usize::try_from(word >> shift & 63).unwrap()]);
        text.extend(letters[..=chunk.len()].iter().map(|letter| char::from(*letter)));
    }
    text
}
