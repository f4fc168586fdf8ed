//! Owns whose tokens a verifier takes: those of one issuer, or of the issuers of several tenants, by a template.
//!
//! `https://login.example/{tenant}/v2.0` is every issuer that has one segment in the place of `{tenant}`. Whoever has a
//! tenant of such an issuer can make tokens of it, so that a tenant counts only where a claim says the same, and the
//! policy lets it in.

use std::sync::Arc;

use serde_json::Value;

use crate::identity::rejection::JwtRejection;

/// The issuer, as `iss` must state it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Issuer {
    /// This one, letter by letter (RFC 7519, 4.1.1).
    Is(String),
    /// The one of each tenant.
    OfTenants(TenantTemplate),
}

/// The issuers of several tenants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TenantTemplate {
    written: String,
    /// Ends in a slash.
    before: String,
    /// Begins with a slash, or is empty.
    after: String,
    /// JSON pointer of the claim that states the tenant too.
    claim: Arc<str>,
    allowed: Tenants,
}

/// The tenants whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tenants {
    /// Every one: the policy says why.
    Any,
    OneOf(Vec<String>),
}

impl Issuer {
    /// As the policy writes it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Is(issuer) => issuer,
            Self::OfTenants(template) => &template.written,
        }
    }

    /// Whether a token that states this issuer is to be judged here. Nothing is verified by that.
    pub(crate) fn is_stated(&self, stated: &str) -> bool {
        match self {
            Self::Is(issuer) => issuer == stated,
            Self::OfTenants(template) => template.tenant(stated).is_some(),
        }
    }

    /// Whether the issuer that a token states is the policy's, by all of its claims.
    pub(super) fn check(&self, stated: &str, claims: &Value) -> Result<(), JwtRejection> {
        match self {
            Self::Is(issuer) if issuer == stated => Ok(()),
            Self::Is(_) => Err(JwtRejection::Issuer),
            Self::OfTenants(template) => template.check(stated, claims),
        }
    }

    /// Whether one text could be both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Is(one), Self::Is(two)) => one == two,
            (Self::Is(one), Self::OfTenants(template)) | (Self::OfTenants(template), Self::Is(one)) => {
                template.tenant(one).is_some()
            }
            (Self::OfTenants(one), Self::OfTenants(two)) => one.overlaps(two),
        }
    }
}

impl TenantTemplate {
    /// Of a text with [`PLACEHOLDER`] once, as a whole segment of the path.
    ///
    /// # Errors
    /// What is wrong with it, in the words of a fault.
    pub(crate) fn new(written: &str, claim: Arc<str>, allowed: Tenants) -> Result<Self, &'static str> {
        let (before, after) =
            written.split_once(PLACEHOLDER).ok_or("has no `{tenant}`, whose values `tenant` would allow")?;
        if [before, after].iter().any(|part| part.contains(['{', '}'])) {
            return Err("has more than one `{…}`; write `{tenant}` once");
        }
        let is_whole = before.ends_with('/') && (after.is_empty() || after.starts_with('/'));
        // In the place of a host, anybody's name would do.
        let has_no_query = !written.contains(['?', '#']);
        let is_below_a_host = before.split_once("://").is_some_and(|(scheme, rest)| {
            !scheme.is_empty() && rest.split_once('/').is_some_and(|(host, _path)| !host.is_empty())
        });
        if !is_whole || !is_below_a_host || !has_no_query {
            return Err("has `{tenant}` elsewhere than as a whole segment of the path behind a host");
        }
        let (before, after) = (before.to_owned(), after.to_owned());
        Ok(Self { written: written.to_owned(), before, after, claim, allowed })
    }

    /// The tenant of an issuer; `None` where it is none of these issuers.
    fn tenant<'a>(&self, stated: &'a str) -> Option<&'a str> {
        let tenant = stated.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        is_tenant(tenant).then_some(tenant)
    }

    fn check(&self, stated: &str, claims: &Value) -> Result<(), JwtRejection> {
        let tenant = self.tenant(stated).ok_or(JwtRejection::Issuer)?;
        // Rules look at the claim, so it must not name another tenant than the issuer.
        if claims.pointer(&self.claim).and_then(Value::as_str) != Some(tenant) {
            return Err(JwtRejection::TenantClaim(Arc::clone(&self.claim)));
        }
        match &self.allowed {
            Tenants::Any => Ok(()),
            Tenants::OneOf(allowed) if allowed.iter().any(|allowed| allowed == tenant) => Ok(()),
            Tenants::OneOf(_) => Err(JwtRejection::Tenant),
        }
    }

    /// Segment by segment, since a tenant is one: where neither has its tenant, both have to be the same, and elsewhere
    /// the one has to be a tenant of the other.
    fn overlaps(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.written.split('/'), other.written.split('/'));
        let mut pairs = ours.clone().zip(theirs.clone());
        ours.count() == theirs.count()
            && pairs.all(|pair| match pair {
                (PLACEHOLDER, PLACEHOLDER) => true,
                (PLACEHOLDER, segment) | (segment, PLACEHOLDER) => is_tenant(segment),
                (one, two) => one == two,
            })
    }
}

/// Whether a text can be a tenant: one segment, of characters that have one spelling in a URL (RFC 3986, 2.3), and none
/// that means another place.
pub(crate) fn is_tenant(text: &str) -> bool {
    (1..=MAX_TENANT).contains(&text.len())
        && !matches!(text, "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// What stands for the tenant.
pub(crate) const PLACEHOLDER: &str = "{tenant}";

/// Bytes of a tenant; a domain's name is one at some issuers.
pub(crate) const MAX_TENANT: usize = 253;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    fn template(written: &str) -> TenantTemplate {
        let allowed = Tenants::OneOf(vec!["a".to_owned(), "B-1.x_~".to_owned()]);
        TenantTemplate::new(written, "/tid".into(), allowed).unwrap()
    }

    #[test]
    fn tenant_is_one_segment_of_unreserved_characters() {
        let template = template("https://id.example/{tenant}/v2.0");
        for (stated, tenant) in [
            ("https://id.example/a/v2.0", Some("a")),
            ("https://id.example/B-1.x_~/v2.0", Some("B-1.x_~")),
            ("https://id.example//v2.0", None),
            ("https://id.example/v2.0", None),
            ("https://id.example/a/b/v2.0", None),
            ("https://id.example/a%2Fb/v2.0", None),
            ("https://id.example/%61/v2.0", None),
            ("https://id.example/./v2.0", None),
            ("https://id.example/../v2.0", None),
            ("https://id.example/a/v2.0/", None),
            ("https://id.example/a/V2.0", None),
            ("HTTPS://id.example/a/v2.0", None),
            ("https://id.example/a\n/v2.0", None),
            ("https://id.example/{tenant}/v2.0", None),
            ("x https://id.example/a/v2.0", None),
            ("", None),
        ] {
            assert_eq!(template.tenant(stated), tenant, "{stated}");
        }
        let long = |length: usize| format!("https://id.example/{}/v2.0", "a".repeat(length));
        assert_eq!([MAX_TENANT, MAX_TENANT + 1].map(|length| template.tenant(&long(length)).is_some()), [true, false]);
    }

    #[test]
    fn tenant_counts_where_its_claim_says_the_same_and_it_is_allowed() {
        let issuer = Issuer::OfTenants(template("https://id.example/{tenant}/v2.0"));
        let of = |tenant: &str| format!("https://id.example/{tenant}/v2.0");
        let other = || Err(JwtRejection::TenantClaim("/tid".into()));
        for (stated, claims, outcome) in [
            (of("a"), json!({ "tid": "a" }), Ok(())),
            (of("c"), json!({ "tid": "c" }), Err(JwtRejection::Tenant)),
            (of("A"), json!({ "tid": "A" }), Err(JwtRejection::Tenant)),
            (of("a"), json!({ "tid": "c" }), other()),
            (of("a"), json!({ "tid": "A" }), other()),
            (of("a"), json!({ "tid": ["a"] }), other()),
            (of("a"), json!({ "tid": null }), other()),
            (of("a"), json!({ "tenant": "a" }), other()),
            (of("a/"), json!({ "tid": "a/" }), Err(JwtRejection::Issuer)),
        ] {
            assert_eq!(issuer.check(&stated, &claims), outcome, "{stated} {claims}");
        }
    }

    #[test]
    fn template_has_its_tenant_once_behind_a_host() {
        for written in ["https://a.example/{tenant}", "https://a.example/x/{tenant}/y", "urn://a/{tenant}"] {
            assert!(TenantTemplate::new(written, "/t".into(), Tenants::Any).is_ok(), "{written}");
        }
        for written in [
            "https://a.example/x",
            "https://a.example/{tid}",
            "https://a.example/{tenant}/{tenant}",
            "https://a.example/{tenant}/{x}",
            "https://a.example/{tenant}}",
            "https://{tenant}/v2.0",
            "https://{tenant}.a.example/",
            "https:///{tenant}",
            "https://a.example/x-{tenant}",
            "https://a.example/{tenant}.x",
            "https://a.example?x=/{tenant}",
            "{tenant}",
            "a/{tenant}",
            "://a/{tenant}",
        ] {
            assert!(TenantTemplate::new(written, "/t".into(), Tenants::Any).is_err(), "{written}");
        }
    }

    #[test]
    fn issuers_overlap_where_one_text_could_be_both() {
        let issuer = |written: &str| {
            let template = TenantTemplate::new(written, "/t".into(), Tenants::Any);
            template.map_or_else(|_none| Issuer::Is(written.to_owned()), Issuer::OfTenants)
        };
        for (one, two, overlap) in [
            ("https://a/x", "https://a/x", true),
            ("https://a/x", "https://a/x/", false),
            ("https://a/{tenant}", "https://a/x", true),
            ("https://a/{tenant}", "https://a/x/", false),
            ("https://a/{tenant}", "https://a/", false),
            ("https://a/{tenant}", "https://a/%78", false),
            ("https://a/{tenant}", "https://a/{tenant}", true),
            ("https://a/{tenant}", "https://b/{tenant}", false),
            ("https://a/{tenant}/v1", "https://a/{tenant}/v2", false),
            ("https://a/{tenant}/v1", "https://a/x/{tenant}", true),
            ("https://a/{tenant}/%31", "https://a/x/{tenant}", false),
            ("https://a/{tenant}/v1", "https://a/{tenant}", false),
        ] {
            assert_eq!(issuer(one).overlaps(&issuer(two)), overlap, "{one} {two}");
            assert_eq!(issuer(two).overlaps(&issuer(one)), overlap, "{two} {one}");
        }
    }
}
