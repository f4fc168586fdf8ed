//! Law of a request's host: a host that is taken has one name.

use brama_policy::deciding::Host;

/// Input: the host.
///
/// # Panics
/// A host was taken that differs from the input, or whose name has another spelling.
pub fn holds_for(sent: &[u8]) {
    let Ok(host) = Host::parse(sent) else { return };
    assert_eq!(host.as_str().as_bytes(), sent, "the host is what was sent");
    let name = host.name();
    assert!(!name.is_empty() && name.is_ascii(), "{name:?}");
    assert_eq!(name.to_ascii_lowercase(), name, "a name is in lower case");
    assert!(!name.contains([',', '/', '\\', '@', '?', '#', '%', ' ', '\t', '\0']), "{name:?}");
    let again = Host::parse(name.as_bytes()).expect("a name is a host");
    assert_eq!(again.name(), name, "a name has one spelling");
}
