//! Owns the choice of who verifies a signature: the host, or, where its library does not, the guest itself.

use brama_policy::{Algorithm, SignatureCheck};

use crate::host::Host;

#[cfg(feature = "ps-eddsa")]
mod pure;

/// Whether a signature is that of its key. What neither can verify is not.
pub(crate) fn is_the_keys(check: &SignatureCheck<'_>, host: &mut impl Host) -> bool {
    match check.algorithm() {
        Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Es512 => host.verify_signature(check),
        #[cfg(feature = "ps-eddsa")]
        Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 | Algorithm::EdDsa => pure::is_the_keys(check),
        // A policy that names one is refused already.
        #[cfg(not(feature = "ps-eddsa"))]
        Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 | Algorithm::EdDsa => false,
    }
}
