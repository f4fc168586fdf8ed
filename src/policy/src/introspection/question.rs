//! Owns the question put to an authority.

use std::time::Duration;

use super::Introspection;
use crate::credential::Credential;

/// The HTTP request that puts a lookup to its authority. Holds secrets: not for a log.
pub struct Question<'a> {
    /// The Envoy cluster to send it to.
    pub cluster: &'a str,
    /// All headers, pseudo-headers first.
    pub headers: Vec<(&'static str, String)>,
    /// The form.
    pub body: String,
    /// How long to wait for the reply.
    pub timeout: Duration,
}

impl Introspection {
    /// The question for one credential (RFC 7662, 2.1).
    #[must_use]
    pub fn question(&self, credential: &Credential, secret: &str) -> Question<'_> {
        let token = form_encoded(credential.expose_secret());
        Question {
            cluster: &self.asked.authority.cluster,
            headers: vec![
                (":method", "POST".to_owned()),
                (":scheme", "http".to_owned()),
                (":authority", self.asked.authority.host.clone()),
                (":path", self.asked.path.clone()),
                ("accept", "application/json".to_owned()),
                ("authorization", format!("Bearer {secret}")),
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ],
            body: format!("token={token}&token_type_hint={}", form_encoded(&self.asked.hint)),
            timeout: self.asked.authority.timeout,
        }
    }
}

/// `application/x-www-form-urlencoded`: everything but unreserved characters is encoded, so nothing can be spliced in.
fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
