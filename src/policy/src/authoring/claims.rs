//! Owns which of several verifiers claims a credential, and why the others do not, for whoever asks; no credential is
//! judged by it.

use crate::deciding::policy::Policy;
use crate::identity::credential::{Credential, CredentialKind};
use crate::identity::verifier::Verifier;
use crate::identity::verifiers::{Claims, Verifiers};

/// One of several verifiers, and what a credential is to it.
#[derive(Clone, Debug)]
pub struct ClaimView<'a> {
    /// The verifier.
    pub verifier: &'a Verifier,
    /// The beginning of the credentials that it is for, where it has one.
    pub prefix: Option<&'a str>,
    /// Why it does not claim the credential; `None` of the one that does.
    pub why_not: Option<String>,
}

impl Policy {
    /// Views of a credential by each of several verifiers of its kind, in the order of the document; nothing where there
    /// is one verifier, or one for JWTs and one for the rest, of which the form of a credential tells all.
    #[must_use]
    pub fn claims(&self, kind: &CredentialKind, credential: &Credential) -> Vec<ClaimView<'_>> {
        let several = match self.credential_rule(kind).map(|rule| &rule.verifiers) {
            Some(Verifiers::Several(several)) if !several.is_told_by_the_form() => several,
            Some(Verifiers::Several(_) | Verifiers::One(_)) | None => return Vec::new(),
        };
        let text = credential.expose_secret();
        let stated = several.stated(text);
        let claimant = several.claiming(text).ok().map(|(number, _verifier)| number);
        let views = several.all().enumerate().map(|(number, (claims, verifier))| {
            let why_not = match (claims, &stated) {
                _ if claimant == Some(number) => None,
                (Claims::Jws, None) => Some("it is no JWT".to_owned()),
                (Claims::Jws, Some(Err(rejected))) => Some(rejected.to_string()),
                (Claims::Jws, Some(Ok(_issuer))) => Some("its `iss` is another".to_owned()),
                (Claims::Prefix(_) | Claims::Rest, Some(_)) => {
                    Some("it is a JWT, and those are for `jwt` alone".to_owned())
                }
                (Claims::Prefix(prefix), None) if !text.starts_with(prefix) => {
                    Some(format!("it does not begin with `{prefix}`"))
                }
                (Claims::Prefix(_) | Claims::Rest, None) => Some("a verifier before it claims it".to_owned()),
            };
            let prefix = match claims {
                Claims::Prefix(prefix) => Some(prefix.as_str()),
                Claims::Jws | Claims::Rest => None,
            };
            ClaimView { verifier, prefix, why_not }
        });
        views.collect()
    }

    /// The issuers of the verifiers of a kind of credential, in the order of the document.
    pub fn issuers(&self, kind: &CredentialKind) -> impl Iterator<Item = &str> {
        let verifiers = self.credential_rule(kind).into_iter().flat_map(|rule| rule.verifiers.iter());
        verifiers.filter_map(|verifier| match &**verifier {
            Verifier::Jwt(jwt) => Some(jwt.issuer()),
            Verifier::Introspection(_) | Verifier::Unclaimed(_) => None,
        })
    }
}
