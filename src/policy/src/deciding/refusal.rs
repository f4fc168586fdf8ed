//! Owns what a refused client is told: status, headers, body.

use serde::Serialize;

use crate::deciding::decision::Denial;

mod wording;

pub(crate) use wording::{Format, InvalidMessage, Message, RefusalTemplate};

/// The answer to a refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON, or nothing.
    pub body: String,
}

/// What a body repeats of the request.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The request's URL, without its query.
    pub url: &'a str,
    /// The request's id, as in the `x-request-id` header of the response.
    pub request_id: &'a str,
}

impl RefusalTemplate {
    /// The answer that tells a client of a denial. `realm` is that of its challenges.
    pub(crate) fn response(&self, realm: &str, denial: &Denial, envelope: Envelope<'_>) -> RefusalResponse {
        let status = denial.status();
        let mut headers = Vec::new();
        let body = match self.format {
            Format::Bare => String::new(),
            Format::Ehealth => {
                headers.push(("content-type", "application/json".to_owned()));
                ehealth(status, error_type(denial), &self.message(denial), envelope)
            }
            Format::Problem => {
                headers.push(("content-type", "application/problem+json".to_owned()));
                problem(status, &self.message(denial), envelope)
            }
        };
        if let Some(challenge) = challenge(realm, denial) {
            headers.push(("www-authenticate", challenge));
        }
        if status == 503 {
            // RFC 9110, 10.2.3.
            headers.push(("retry-after", RETRY_AFTER_SECONDS.to_owned()));
        }
        RefusalResponse { status, headers, body }
    }
}

/// RFC 6750, 3: every 401 carries the same challenge, so that a good key is not told from a bad one; a missing
/// scope is named, since its bearer is known (3.1).
fn challenge(realm: &str, denial: &Denial) -> Option<String> {
    if let Denial::ScopeMissing { wanted, .. } = denial {
        let scope = wanted.named();
        return Some(format!("Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{scope}\""));
    }
    (denial.status() == 401).then(|| format!("Bearer realm=\"{realm}\""))
}

/// The envelope's error type.
const fn error_type(denial: &Denial) -> &'static str {
    match denial.status() {
        400 => "request_malformed",
        401 => "access_denied",
        403 => "forbidden",
        _ => "internal_error",
    }
}

/// The eHealth envelope.
fn ehealth(status: u16, kind: &'static str, message: &str, envelope: Envelope<'_>) -> String {
    json(&Body {
        meta: Meta { code: status, url: envelope.url, kind: "object", request_id: envelope.request_id },
        error: ErrorObject { kind, message },
    })
}

/// Problem details ([RFC 9457, 3](https://www.rfc-editor.org/rfc/rfc9457#section-3)). Which credential was lacking is
/// not among them: it would tell a good key from a bad one.
fn problem(status: u16, detail: &str, envelope: Envelope<'_>) -> String {
    json(&Problem {
        // RFC 9457, 4.2.1: with this type the title is the status's own phrase.
        kind: "about:blank",
        title: match status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            _ => "Service Unavailable",
        },
        status,
        detail,
        instance: envelope.url,
        request_id: envelope.request_id,
    })
}

fn json(body: &impl Serialize) -> String {
    // Strings and numbers always serialise; if that ever fails, an empty body still refuses.
    serde_json::to_string(body).unwrap_or_else(|_never| String::new())
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

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    request_id: &'a str,
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::deciding::decision::{Compared, RefusedBy};
    use crate::deciding::forward::FactReference;
    use crate::deciding::policy::Policy;
    use crate::deciding::presentation::Malformed;
    use crate::identity::credential::CredentialKind;
    use crate::identity::facts::FactName;
    use crate::identity::scope::{Scopes, WantedScopes};

    const ENVELOPE: Envelope<'_> = Envelope { url: "http://a/b", request_id: "1" };

    fn policy(format: Format, messages: &[(&str, &str)]) -> Policy {
        let messages = messages.iter().map(|(code, text)| ((*code).to_owned(), text.parse().unwrap())).collect();
        Policy { wording: RefusalTemplate { format, messages }, ..Policy::refuse_all() }
    }

    fn lacking(all: &[&str], missing: &[&str]) -> Denial {
        let scopes = |list: &[&str]| Scopes::new(list.iter().map(|text| text.parse().unwrap()).collect()).unwrap();
        Denial::ScopeMissing {
            of: CredentialKind::new("token"),
            wanted: WantedScopes::All(scopes(all)),
            missing: scopes(missing),
        }
    }

    fn not_owner() -> Denial {
        let fact = FactReference { of: CredentialKind::new("token"), name: FactName::ClientId };
        Denial::NotOwner { param: "id".to_owned(), caller: Compared { fact, is_stated: true }, is_list: false }
    }

    fn body(refusal: &RefusalResponse) -> serde_json::Value {
        serde_json::from_str(&refusal.body).unwrap()
    }

    #[test]
    fn every_401_carries_the_same_challenge() {
        let policy = Policy::refuse_all();
        let refusals = ["api_key", "partner"].map(CredentialKind::new).map(|kind| {
            [
                Denial::CredentialMissing(kind.clone()),
                Denial::CredentialMalformed(kind.clone(), Malformed::Empty, 0),
                Denial::CredentialRefused(kind.clone(), RefusedBy::Authority),
                Denial::CredentialExpired(kind.clone()),
                Denial::CredentialNotYetValid(kind),
            ]
            .map(|denial| policy.refusal(&denial, ENVELOPE))
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
        let body = body(&refusal);
        assert_eq!(body["meta"]["url"], "http://a/\"},{\\\n");
        assert_eq!(body["meta"]["request_id"], "i\"d");
        assert_eq!(body["error"]["message"], "Forbidden");
    }

    #[test]
    fn production_gateways_words_can_be_written() {
        let words = "Your scope does not allow to access this resource. Missing allowances: {missing_scopes}";
        let policy = policy(Format::Ehealth, &[("scope_missing", words)]);
        let refusal = policy.refusal(&lacking(&["a", "b", "c"], &["a", "b"]), ENVELOPE);
        assert_eq!(
            body(&refusal)["error"]["message"],
            "Your scope does not allow to access this resource. Missing allowances: a, b"
        );
        let other = policy.refusal(&not_owner(), ENVELOPE);
        assert_eq!(body(&other)["error"]["message"], "Forbidden");
    }

    #[test]
    fn problem_details_follow_rfc_9457() {
        let refusal = policy(Format::Problem, &[]).refusal(&lacking(&["a", "b"], &["b"]), ENVELOPE);
        assert!(refusal.headers.contains(&("content-type", "application/problem+json".to_owned())));
        assert_eq!(
            body(&refusal),
            serde_json::json!({
                "type": "about:blank", "title": "Forbidden", "status": 403, "detail": "Invalid scopes",
                "instance": "http://a/b", "request_id": "1"
            })
        );
    }

    #[test]
    fn bare_refusal_has_a_status_and_its_headers_only() {
        let refusal = policy(Format::Bare, &[]).refusal(&lacking(&["a", "b"], &["b"]), ENVELOPE);
        let challenge = "Bearer realm=\"brama\", error=\"insufficient_scope\", scope=\"a b\"".to_owned();
        assert_eq!(
            refusal,
            RefusalResponse { status: 403, headers: vec![("www-authenticate", challenge)], body: String::new() }
        );
    }
}
