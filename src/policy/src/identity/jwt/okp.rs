//! Owns the points of Ed25519 that are keys ([RFC 8037, 2](https://www.rfc-editor.org/rfc/rfc8037#section-2)).

use super::invalid_key::InvalidKey;
use crate::identity::base64url;

/// The point of an OKP key. Whether it is on its curve is checked by whoever verifies.
///
/// Libraries differ in whether they take a point of small order, for which signatures can be made without a private
/// key. As no key is one, they agree here.
pub(super) fn point(crv: Option<&str>, x: Option<&str>) -> Result<[u8; 32], InvalidKey> {
    // RFC 8037, 2: X25519 and X448 are for agreeing on secrets; Ed448 would be another algorithm under the same `alg`.
    if crv != Some("Ed25519") {
        return Err(InvalidKey::EdwardsCurve);
    }
    let bytes = x.and_then(base64url::decode).ok_or(InvalidKey::EdwardsPoint)?;
    let point = <[u8; 32]>::try_from(bytes).map_err(|_other_length| InvalidKey::EdwardsPoint)?;
    if is_of_small_order(point) { Err(InvalidKey::EdwardsPoint) } else { Ok(point) }
}

/// Whether eight times the point is nothing, however it is written.
fn is_of_small_order(point: [u8; 32]) -> bool {
    let [rest @ .., last] = point;
    // RFC 8032, 5.1.2: the highest bit is the sign of the other coordinate; both signs are of one order.
    SMALL_ORDER.iter().any(|[known @ .., highest]| *known == rest && *highest == last & 0x7f)
}

/// The y of every such point, the lowest byte first: of order 4, 1, 8, 8 and 2, and the first two once more with the
/// field's prime added, which some libraries read as the same.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    near(0x01, 0x00, 0x00),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    near(0xec, 0xff, 0x7f),
    near(0xed, 0xff, 0x7f),
    near(0xee, 0xff, 0x7f),
];

/// A number whose bytes are all alike but for the lowest and the highest.
const fn near(lowest: u8, between: u8, highest: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    let [first, .., last] = &mut bytes;
    (*first, *last) = (lowest, highest);
    bytes
}
