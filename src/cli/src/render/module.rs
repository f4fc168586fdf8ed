//! Owns the address from which a platform loads the plugin, and the checksum by which it verifies the plugin.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sha2::Digest;

use super::ecds::{self, PluginError};

/// The address of the plugin, as on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModuleUrl {
    /// `oci://registry/name:tag`, with the image's digest where it was written behind `@`.
    Image { reference: String, digest: Option<Sha256> },
    /// `https://...`, the file itself.
    Https(String),
    /// `file:///...`, a file in the proxy's own container.
    File(String),
}

/// The plugin's address, with its checksum if it is fetched.
#[derive(Clone, Debug)]
pub(crate) enum Module {
    Remote(RemoteModule),
    /// A file in the proxy's own container. Istio does not check it: whoever can write it is trusted anyway.
    File(String),
}

/// A plugin that is fetched, so that it always has a checksum.
#[derive(Clone, Debug)]
pub(crate) struct RemoteModule {
    pub(crate) place: RemotePlace,
    pin: Pin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemotePlace {
    /// The image's reference, without a scheme.
    Image(String),
    Https(String),
}

#[derive(Clone, Debug)]
enum Pin {
    Given(Sha256),
    SumOf(PathBuf),
}

/// A SHA-256 as 64 lower-case hexadecimal digits, the only spelling both platforms' schemas take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sha256(String);

impl Module {
    /// Puts an address and its checksum together.
    ///
    /// # Errors
    /// A plugin that is fetched without a checksum; a checksum that is useless or given twice.
    pub(crate) fn new(url: ModuleUrl, sha256: Option<Sha256>, wasm: Option<PathBuf>) -> Result<Self, UselessPin> {
        let remote = |place, pin| Ok(Self::Remote(RemoteModule { place, pin }));
        match (url, sha256, wasm) {
            (_, Some(_), Some(_)) => Err(UselessPin::Both),
            // Istio and Envoy Gateway compare an image's checksum with its digest, not with the file in it.
            (ModuleUrl::Image { .. }, None, Some(_)) => Err(UselessPin::FileOfImage),
            (ModuleUrl::Image { reference, digest }, sha256, None) => match (digest, sha256) {
                (Some(pin), None) | (None, Some(pin)) => remote(RemotePlace::Image(reference), Pin::Given(pin)),
                (Some(_), Some(_)) => Err(UselessPin::Twice),
                (None, None) => Err(UselessPin::MovableTag),
            },
            (ModuleUrl::Https(_), None, None) => Err(UselessPin::Missing),
            (ModuleUrl::Https(url), Some(sum), None) => remote(RemotePlace::Https(url), Pin::Given(sum)),
            (ModuleUrl::Https(url), None, Some(wasm)) => remote(RemotePlace::Https(url), Pin::SumOf(wasm)),
            (ModuleUrl::File(path), None, None) => Ok(Self::File(path)),
            (ModuleUrl::File(_), Some(_), None) | (ModuleUrl::File(_), None, Some(_)) => Err(UselessPin::LocalFile),
        }
    }
}

impl RemoteModule {
    /// The checksum. That of a file is computed from the file as it is now.
    pub(crate) fn sha256(&self) -> Result<Sha256, PluginError> {
        match &self.pin {
            Pin::Given(sum) => Ok(sum.clone()),
            Pin::SumOf(wasm) => Ok(Sha256::of(&ecds::code(wasm)?)),
        }
    }
}

impl FromStr for ModuleUrl {
    type Err = InvalidModuleUrl;

    fn from_str(text: &str) -> Result<Self, InvalidModuleUrl> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(InvalidModuleUrl::Scheme);
        };
        if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidModuleUrl::Odd);
        }
        match scheme {
            "oci" => match rest.split_once('@') {
                None => Ok(Self::Image { reference: rest.to_owned(), digest: None }),
                Some((_, digest)) => {
                    let digest = digest.strip_prefix("sha256:").ok_or(InvalidModuleUrl::Digest)?;
                    let digest = digest.parse().map_err(|_invalid| InvalidModuleUrl::Digest)?;
                    Ok(Self::Image { reference: rest.to_owned(), digest: Some(digest) })
                }
            },
            // Text before an `@` would be a password, and a manifest is no place for one.
            "https" if rest.starts_with('/') || rest.contains(['@', '#']) => Err(InvalidModuleUrl::Odd),
            "https" => Ok(Self::Https(text.to_owned())),
            "file" if rest.starts_with('/') => Ok(Self::File(text.to_owned())),
            "file" => Err(InvalidModuleUrl::RelativeFile),
            _ => Err(InvalidModuleUrl::Scheme),
        }
    }
}

impl Sha256 {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(sha2::Sha256::digest(bytes)))
    }
}

impl FromStr for Sha256 {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, InvalidSha256> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 64 && text.bytes().all(is_digit) { Ok(Self(text.to_owned())) } else { Err(InvalidSha256) }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An address from which a plugin cannot be loaded safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidModuleUrl {
    #[error("behind `@` an image has a digest, `sha256:` and 64 lower-case hexadecimal digits")]
    Digest,
    #[error("it has nothing, white space, a password or a fragment where an address belongs")]
    Odd,
    #[error("a file has an absolute path, `file:///...`")]
    RelativeFile,
    #[error("write `oci://`, `https://` or `file://`")]
    Scheme,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a checksum has 64 lower-case hexadecimal digits")]
pub(crate) struct InvalidSha256;

/// A checksum that is missing or useless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UselessPin {
    #[error("`--sha256` and `--wasm` both give the checksum; leave one out")]
    Both,
    #[error("`--wasm` says nothing about an image, which is known by its own digest; give that with `--sha256`")]
    FileOfImage,
    #[error("a module at `file://` is not checked by Istio; leave `--sha256` and `--wasm` out")]
    LocalFile,
    #[error("a module at `https://` needs `--sha256 HEX`, or `--wasm FILE` to compute it from")]
    Missing,
    #[error("a tag can be moved: give the image's digest with `--sha256`, or write it into the URL as `@sha256:...`")]
    MovableTag,
    #[error("the URL has the image's digest already; leave `--sha256` out")]
    Twice,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn odd_addresses_are_refused() {
        for (text, fault) in [
            ("", InvalidModuleUrl::Scheme),
            ("registry.example/brama:1", InvalidModuleUrl::Scheme),
            ("http://files.example/brama.wasm", InvalidModuleUrl::Scheme),
            ("OCI://registry.example/brama:1", InvalidModuleUrl::Scheme),
            ("oci://", InvalidModuleUrl::Odd),
            ("oci://registry.example/bra ma:1", InvalidModuleUrl::Odd),
            ("oci://registry.example/brama\n:1", InvalidModuleUrl::Odd),
            ("oci://registry.example/brama@sha256:abc", InvalidModuleUrl::Digest),
            ("oci://registry.example/brama@md5:abc", InvalidModuleUrl::Digest),
            ("https:///brama.wasm", InvalidModuleUrl::Odd),
            ("https://user:password@files.example/brama.wasm", InvalidModuleUrl::Odd),
            ("https://files.example/brama.wasm#1", InvalidModuleUrl::Odd),
            ("file://brama.wasm", InvalidModuleUrl::RelativeFile),
        ] {
            assert_eq!(text.parse::<ModuleUrl>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn what_is_fetched_has_one_checksum_that_means_something() {
        let tagged = "oci://registry.example/brama:1";
        let pinned = format!("{tagged}@sha256:{SUM}");
        let https = "https://files.example/brama.wasm";
        let file = "file:///opt/brama.wasm";
        for (url, sum, wasm, fault) in [
            (tagged, false, false, Some(UselessPin::MovableTag)),
            (tagged, true, false, None),
            (tagged, false, true, Some(UselessPin::FileOfImage)),
            (pinned.as_str(), false, false, None),
            (pinned.as_str(), true, false, Some(UselessPin::Twice)),
            (pinned.as_str(), false, true, Some(UselessPin::FileOfImage)),
            (https, false, false, Some(UselessPin::Missing)),
            (https, true, false, None),
            (https, false, true, None),
            (https, true, true, Some(UselessPin::Both)),
            (file, false, false, None),
            (file, true, false, Some(UselessPin::LocalFile)),
            (file, false, true, Some(UselessPin::LocalFile)),
        ] {
            let sum = sum.then(|| SUM.parse().unwrap());
            let module = Module::new(url.parse().unwrap(), sum, wasm.then(PathBuf::new));
            assert_eq!(module.err(), fault, "{url}");
        }
    }

    #[test]
    fn checksum_is_lower_case_hexadecimal() {
        assert_eq!(Sha256::of(b"").to_string(), SUM);
        for text in ["", "abc", &SUM.to_uppercase(), &format!("{SUM}0"), &SUM.replace('e', "g")] {
            assert_eq!(text.parse::<Sha256>(), Err(InvalidSha256), "{text}");
        }
    }
}
