//! Owns the reading of one public key ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517), JWK): whole and fit for
//! verifying, or not at all.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use super::algorithm::{Algorithm, Make};
use super::invalid_key::InvalidKey;
use super::{der, okp, roca};
use crate::identity::base64url;

/// A public key that verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(super) id: Option<String>,
    pub(super) make: Make,
    /// The one algorithm it is for; `None` where it is for all of its make.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) spki: Vec<u8>,
    pub(super) parts: KeyParts,
}

/// A public key in its parts, for what reads no DER.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyParts {
    /// RSA's two numbers, big endian, without leading zeros.
    Rsa {
        /// Of [`MIN_RSA_BITS`] to [`MAX_RSA_BITS`].
        modulus: Vec<u8>,
        /// From 3 to 2^33 - 1.
        exponent: Vec<u8>,
    },
    /// A point on P-256, P-384 or P-521, which nothing wants otherwise than as DER.
    Point,
    /// A point of Ed25519 as RFC 8032 writes it; not one of the few that every signature could be of.
    Ed25519([u8; 32]),
}

/// A number that tells keys apart; what was verified with a key is worth nothing once the key is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyFingerprint(u64);

/// What makes one of two keys useless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    /// They are the same.
    Same,
    /// They have one `kid`, and are for one algorithm.
    OfItsName,
}

impl Key {
    pub(crate) fn read(members: &Map<String, Value>) -> Result<Self, InvalidKey> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let (make, spki, parts) = match text("kty") {
            Some("RSA") => rsa(text("n"), text("e"))?,
            Some("EC") => curve(text("crv"), text("x"), text("y"))?,
            Some("OKP") => {
                let point = okp::point(text("crv"), text("x"))?;
                (Make::Ed25519, der::ed25519_public_key(&point), KeyParts::Ed25519(point))
            }
            Some(_) | None => return Err(InvalidKey::Type),
        };
        // Null states nothing, here as in answers and claims.
        let stated = |name| members.get(name).filter(|value| !value.is_null());
        // Whoever reads the set could sign with it.
        if stated("d").is_some() {
            return Err(InvalidKey::Private);
        }
        let id = match stated("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(InvalidKey::Id),
        };
        // RFC 7517, 4.2.
        match stated("use") {
            None => {}
            Some(Value::String(purpose)) if purpose == "sig" => {}
            Some(_) => return Err(InvalidKey::Use),
        }
        // RFC 7517, 4.3. An empty list allows nothing.
        match stated("key_ops") {
            None => {}
            Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => {}
            Some(_) => return Err(InvalidKey::Operations),
        }
        let algorithm = match stated("alg") {
            None => None,
            Some(named) => {
                let known = named.as_str().and_then(Algorithm::named).filter(|known| known.make() == make);
                Some(known.ok_or(InvalidKey::Algorithm)?)
            }
        };
        Ok(Self { id, make, algorithm, spki, parts })
    }

    /// What makes this key useless beside another one.
    pub(super) fn rival_of(&self, other: &Self) -> Option<Rival> {
        if self == other {
            return Some(Rival::Same);
        }
        let share_algorithm = match (self.algorithm, other.algorithm) {
            (Some(one), Some(two)) => one == two,
            (_, _) => self.make == other.make,
        };
        (self.id.is_some() && self.id == other.id && share_algorithm).then_some(Rival::OfItsName)
    }

    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.make == algorithm.make() && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Of all that decides which signatures it verifies.
    pub(super) fn fingerprint(&self) -> KeyFingerprint {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        KeyFingerprint(hasher.finish())
    }
}

fn rsa(n: Option<&str>, e: Option<&str>) -> Result<(Make, Vec<u8>, KeyParts), InvalidKey> {
    let modulus = n.and_then(number).filter(|modulus| {
        let used = modulus.first().map_or(0, |first| first.ilog2().saturating_add(1));
        let rest = modulus.len().saturating_sub(1).saturating_mul(8);
        let bits = usize::try_from(used).map_or(usize::MAX, |used| rest.saturating_add(used));
        (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)
    });
    let exponent = e.and_then(number).filter(|exponent| {
        // Big endian, so that a longer number is a greater one: the bytes fill eight, or there are too many.
        let value =
            exponent.iter().try_fold(0_u64, |value, byte| value.checked_mul(256).map(|value| value | u64::from(*byte)));
        value.is_some_and(|value| (MIN_EXPONENT..=MAX_EXPONENT).contains(&value))
    });
    let modulus = modulus.ok_or(InvalidKey::Modulus)?;
    if roca::has_fingerprint(&modulus) {
        return Err(InvalidKey::Roca);
    }
    let exponent = exponent.ok_or(InvalidKey::Exponent)?;
    Ok((Make::Rsa, der::rsa_public_key(&modulus, &exponent), KeyParts::Rsa { modulus, exponent }))
}

/// RFC 7518, 2 (Base64urlUInt): an odd number. It wants as few bytes as it takes; some libraries write the zero that
/// DER has before them, and the number is the same.
fn number(text: &str) -> Option<Vec<u8>> {
    let mut bytes = base64url::decode(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes.last().is_some_and(|last| last % 2 == 1).then_some(bytes)
}

/// Whether the point is on its curve is checked by whoever verifies, before anything else.
fn curve(crv: Option<&str>, x: Option<&str>, y: Option<&str>) -> Result<(Make, Vec<u8>, KeyParts), InvalidKey> {
    let (make, name) = match crv {
        Some("P-256") => (Make::P256, der::P_256),
        Some("P-384") => (Make::P384, der::P_384),
        Some("P-521") => (Make::P521, der::P_521),
        Some(_) | None => return Err(InvalidKey::Curve),
    };
    // RFC 7518, 6.2.1.2: the full size of a coordinate, leading zeros included.
    let coordinate = |text: Option<&str>| {
        text.and_then(base64url::decode).filter(|bytes| Some(bytes.len()) == make.coordinate()).ok_or(InvalidKey::Point)
    };
    Ok((make, der::curve_public_key(name, &coordinate(x)?, &coordinate(y)?), KeyParts::Point))
}

/// Bits of an RSA key, at least: RFC 7518, 3.3, "2048 bits or larger".
pub const MIN_RSA_BITS: usize = 2048;

/// Bits of an RSA key, at most: beyond them a signature costs more than it is worth.
pub const MAX_RSA_BITS: usize = 8192;

/// RFC 8017, 3.1: `e` is at least 3; Envoy's BoringSSL takes none of more than 33 bits.
const MIN_EXPONENT: u64 = 3;
const MAX_EXPONENT: u64 = 0x1_ffff_ffff;
