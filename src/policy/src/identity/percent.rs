//! Owns percent-encoding ([RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)) of all but unreserved
//! characters.

use std::fmt::Write as _;

/// Percent-encoded UTF-8: nothing of a text can be spliced into a path, a query, a form or a list.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let sign = char::from(byte);
        if is_unreserved(sign) {
            encoded.push(sign);
        } else {
            // Writing to a text never fails.
            let _written = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// RFC 3986, 2.3.
pub(super) const fn is_unreserved(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.' | '_' | '~')
}
