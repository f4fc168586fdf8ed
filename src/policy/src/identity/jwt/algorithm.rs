//! Owns the signature algorithms a policy can name ([RFC 7518,
//! 3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1), [RFC 8037,
//! 3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1)), and what each asks of its key and its signature.

/// An algorithm of asymmetric keys. There is no variant for `none`, nor for one whose key could also sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, in its mask too, and a salt of as many bytes.
    Ps256,
    /// RSASSA-PSS with SHA-384, in its mask too, and a salt of as many bytes.
    Ps384,
    /// RSASSA-PSS with SHA-512, in its mask too, and a salt of as many bytes.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519. The other curve of this name, Ed448, is not known here.
    EdDsa,
}

/// What a key is made of; each algorithm takes keys of one make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Make {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

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
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The hash, as Envoy's `verify_signature` calls it; `None` where Envoy does not verify such signatures.
    ///
    /// Not the hash of RSASSA-PSS: under that name Envoy would verify the key's other kind of signature.
    #[must_use]
    pub const fn envoy_hash(self) -> Option<&'static str> {
        match self {
            Self::Rs256 | Self::Es256 => Some("sha256"),
            Self::Rs384 | Self::Es384 => Some("sha384"),
            Self::Rs512 | Self::Es512 => Some("sha512"),
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::EdDsa => None,
        }
    }

    /// Whether a policy can name it in this build: what Envoy does not verify is for the plugin itself, if it can.
    pub(crate) const fn is_built(self) -> bool {
        self.envoy_hash().is_some() || cfg!(feature = "ps-eddsa")
    }

    pub(crate) const fn make(self) -> Make {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => Make::Rsa,
            Self::Es256 => Make::P256,
            Self::Es384 => Make::P384,
            Self::Es512 => Make::P521,
            Self::EdDsa => Make::Ed25519,
        }
    }
}

impl Make {
    /// Bytes of a coordinate (RFC 7518, 6.2.1.2; RFC 8037, 2), and of each half of a signature (RFC 7518, 3.4; RFC
    /// 8032,
    /// 5.1.6); `None` for RSA.
    pub(crate) const fn coordinate(self) -> Option<usize> {
        match self {
            Self::Rsa => None,
            Self::P256 | Self::Ed25519 => Some(32),
            Self::P384 => Some(48),
            Self::P521 => Some(66),
        }
    }
}
