//! Owns who verifies a signature: the host, or, where its library does not, the guest itself.

use brama_policy::identity::SignatureCheck;

use crate::host::Host;

#[cfg(feature = "ps-eddsa")]
mod guest;

/// Whether a signature is that of its key. What neither can verify is not.
pub(crate) fn is_the_keys(check: &SignatureCheck<'_>, host: &mut impl Host) -> bool {
    match check.algorithm().envoy_hash() {
        Some(_hash) => host.verify_signature(check),
        #[cfg(feature = "ps-eddsa")]
        None => guest::is_the_keys(check),
        // A policy that names such an algorithm is refused already.
        #[cfg(not(feature = "ps-eddsa"))]
        None => false,
    }
}
