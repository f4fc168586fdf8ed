//! Owns what a refused client is told: status, headers and the body of the eHealth envelope.

use serde::Serialize;

use crate::decision::Denial;
use crate::policy::Policy;

/// The answer to a refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: String,
}

/// What the envelope repeats of the request.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The request's URL, without its query.
    pub url: &'a str,
    /// The request's id, as in the `x-request-id` header of the response.
    pub request_id: &'a str,
}

impl Policy {
    /// The answer that tells a client of a denial, and nothing that would help it to guess.
    #[must_use]
    pub fn refusal(&self, denial: &Denial, envelope: Envelope<'_>) -> Refusal {
        let status = denial.status();
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if let Some(challenge) = self.challenge(denial) {
            headers.push(("www-authenticate", challenge));
        }
        if status == 503 {
            // RFC 9110, 10.2.3.
            headers.push(("retry-after", RETRY_AFTER_SECONDS.to_owned()));
        }
        let (kind, message) = wording(denial);
        Refusal { status, headers, body: body(status, kind, &message, envelope) }
    }

    /// RFC 6750, 3: every 401 carries the same challenge, so that a good key is not told from a bad one; a missing
    /// scope is named, since its bearer is known (3.1).
    fn challenge(&self, denial: &Denial) -> Option<String> {
        let realm = &self.name;
        match denial {
            Denial::CredentialMissing(_)
            | Denial::CredentialMalformed(_)
            | Denial::CredentialRefused(_)
            | Denial::CredentialExpired(_) => Some(format!("Bearer realm=\"{realm}\"")),
            Denial::ScopeMissing { required } => {
                Some(format!("Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{required}\""))
            }
            Denial::NotConfigured
            | Denial::RequestIncomplete
            | Denial::PathAmbiguous(_)
            | Denial::HostMalformed(_)
            | Denial::MethodRefused
            | Denial::MethodOverridden
            | Denial::PathOverridden
            | Denial::UpgradeRefused
            | Denial::RouteUnknown
            | Denial::CredentialRepeated(_)
            | Denial::AuthorityUnavailable(_, _)
            | Denial::FactMissing(_, _)
            | Denial::NotOwner
            | Denial::NotCarriedOut => None,
        }
    }
}

/// The envelope's error type and message.
fn wording(denial: &Denial) -> (&'static str, String) {
    match denial {
        Denial::NotConfigured
        | Denial::AuthorityUnavailable(_, _)
        | Denial::FactMissing(_, _)
        | Denial::NotCarriedOut => ("internal_error", "Service unavailable".to_owned()),
        Denial::RequestIncomplete => {
            ("request_malformed", "The request has no single method, host and path.".to_owned())
        }
        Denial::PathAmbiguous(ambiguity) => ("request_malformed", ambiguity.to_string()),
        Denial::HostMalformed(invalid) => ("request_malformed", invalid.to_string()),
        Denial::MethodRefused => ("request_malformed", "The method is not served here.".to_owned()),
        Denial::MethodOverridden => ("request_malformed", "The method must not be overridden.".to_owned()),
        Denial::PathOverridden => ("request_malformed", "The path must not be overridden.".to_owned()),
        Denial::UpgradeRefused => ("request_malformed", "The protocol must not be upgraded.".to_owned()),
        Denial::CredentialRepeated(kind) => (
            "request_malformed",
            format!(
                "The {} is given more than once.",
                match kind {
                    crate::CredentialKind::ApiKey => "API key",
                    crate::CredentialKind::Token => "access token",
                }
            ),
        ),
        Denial::CredentialMissing(_)
        | Denial::CredentialMalformed(_)
        | Denial::CredentialRefused(_)
        | Denial::CredentialExpired(_) => ("access_denied", "Access denied".to_owned()),
        Denial::ScopeMissing { .. } => ("forbidden", "Invalid scopes".to_owned()),
        Denial::RouteUnknown | Denial::NotOwner => ("forbidden", "Forbidden".to_owned()),
    }
}

fn body(status: u16, kind: &'static str, message: &str, envelope: Envelope<'_>) -> String {
    let body = Body {
        meta: Meta { code: status, url: envelope.url, kind: "object", request_id: envelope.request_id },
        error: ErrorObject { kind, message },
    };
    // Strings and numbers always serialise; if that ever fails, an empty body still refuses.
    serde_json::to_string(&body).unwrap_or_else(|_never| String::new())
}

/// Seconds after which an outage is worth another try: long enough for a worker to notice that it is over.
const RETRY_AFTER_SECONDS: &str = "1";

#[derive(Serialize)]
struct Body<'a> {
    meta: Meta<'a>,
    error: ErrorObject<'a>,
}

#[derive(Serialize)]
struct Meta<'a> {
    code: u16,
    url: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    request_id: &'a str,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::CredentialKind;

    #[test]
    fn every_401_carries_the_same_challenge() {
        let policy = Policy::refuse_all();
        let envelope = Envelope { url: "http://a/b", request_id: "1" };
        let refusals = CredentialKind::ALL.map(|kind| {
            [
                Denial::CredentialMissing(kind),
                Denial::CredentialMalformed(kind),
                Denial::CredentialRefused(kind),
                Denial::CredentialExpired(kind),
            ]
            .map(|denial| policy.refusal(&denial, envelope))
        });
        for refusal in refusals.iter().flatten() {
            assert_eq!(refusal, &refusals[0][0]);
            assert!(refusal.headers.contains(&("www-authenticate", "Bearer realm=\"brama\"".to_owned())));
        }
    }

    #[test]
    fn envelope_keeps_odd_text_inside_its_strings() {
        let refusal = Policy::refuse_all()
            .refusal(&Denial::RouteUnknown, Envelope { url: "http://a/\"},{\\\n", request_id: "i\"d" });
        let body: serde_json::Value = serde_json::from_str(&refusal.body).unwrap();
        assert_eq!(body["meta"]["url"], "http://a/\"},{\\\n");
        assert_eq!(body["meta"]["request_id"], "i\"d");
        assert_eq!(body["error"]["message"], "Forbidden");
    }
}
