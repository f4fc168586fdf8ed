//! Owns the signature algorithms a policy can name ([RFC 7518, 3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1)),
//! and what each asks of its key and its signature.

/// An algorithm of asymmetric keys. There is no variant for `none`, nor for one whose key could also sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

/// What a key is made of; each algorithm takes keys of one make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Make {
    Rsa,
    P256,
    P384,
    P521,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 6] = [Self::Rs256, Self::Rs384, Self::Rs512, Self::Es256, Self::Es384, Self::Es512];

    /// The algorithm of this name; names are case-sensitive (RFC 7515, 4.1.1).
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// The name as `alg` has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// The hash, as Envoy's `verify_signature` calls it.
    #[must_use]
    pub const fn hash(self) -> &'static str {
        match self {
            Self::Rs256 | Self::Es256 => "sha256",
            Self::Rs384 | Self::Es384 => "sha384",
            Self::Rs512 | Self::Es512 => "sha512",
        }
    }

    pub(crate) const fn make(self) -> Make {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 => Make::Rsa,
            Self::Es256 => Make::P256,
            Self::Es384 => Make::P384,
            Self::Es512 => Make::P521,
        }
    }
}

impl Make {
    /// Bytes of a coordinate, and of each half of a signature (RFC 7518, 3.4 and 6.2.1.2); `None` for RSA.
    pub(crate) const fn coordinate(self) -> Option<usize> {
        match self {
            Self::Rsa => None,
            Self::P256 => Some(32),
            Self::P384 => Some(48),
            Self::P521 => Some(66),
        }
    }
}
