//! Owns how a credential is put into a question: nothing that a client sent is spliced into it as it came.

use super::{Asked, Introspection};
use crate::header::HeaderName;
use crate::identity::answer::{Answer, Unavailable};
use crate::identity::authority::SecretName;
use crate::identity::call::Question;
use crate::identity::credential::{Credential, CredentialKind};
use crate::identity::percent::encoded;
use crate::identity::presented::Presented;
use crate::path::CanonicalPath;

/// How a question is put, whatever the credential.
///
/// INVARIANT: the credential has one place: in the target, in the body or in a header.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(crate) method: Method,
    /// The path with its query.
    pub(crate) target: Vec<Piece>,
    pub(crate) body: Body,
    pub(crate) accept: String,
    /// Headers that say the same in every question.
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) send: Vec<Sent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    Get,
    Post,
}

/// A part of a question.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// Text of the policy.
    Text(String),
    /// The credential, encoded.
    Credential,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Body {
    None,
    /// Fields by their names.
    Form(Vec<(String, Piece)>),
}

/// A credential in a header.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub(crate) kind: CredentialKind,
    pub(crate) header: HeaderName,
    /// What stands before it.
    pub(crate) scheme: Option<String>,
}

impl Introspection {
    /// The question to put about a credential, with the authority's secret by its name.
    ///
    /// # Errors
    /// The answer where nothing can be asked: the secret is not there, or no authority could tell the question from
    /// another.
    pub(crate) fn question<'a>(
        &'a self,
        presented: &Presented,
        secret: impl FnOnce(&SecretName) -> Option<&'a str>,
    ) -> Result<Question<'a>, Answer> {
        let Asked { authority, form, .. } = &self.asked;
        let target = form.target(&presented.credential);
        // What this gateway refuses of its own clients it sends to nobody: an authority, or a proxy before it, may take
        // `..` or an encoded slash for a way to another path, however they are written.
        if CanonicalPath::parse(target.as_bytes()).is_err() {
            return Err(Answer::Inactive);
        }
        let mut headers = vec![
            (":method", form.method.as_str().to_owned()),
            (":scheme", "http".to_owned()),
            (":authority", authority.host.clone()),
            (":path", target),
            ("accept", form.accept.clone()),
        ];
        if let (Some(header), Some(name)) = (authority.auth.header(), authority.auth.secret()) {
            let secret = secret(name).ok_or(Answer::Unavailable(Unavailable::NotSent))?;
            headers.push((header, authority.auth.value(secret)));
        }
        headers.extend(form.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
        headers.extend(form.send.iter().filter_map(|sent| Some((sent.header.as_str(), sent.value(presented)?))));
        let body = match &form.body {
            Body::None => None,
            Body::Form(fields) => {
                headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
                Some(fields.iter().map(|field| form_field(field, &presented.credential)).collect::<Vec<_>>().join("&"))
            }
        };
        Ok(Question { cluster: &authority.cluster, headers, body, timeout: authority.timeout })
    }
}

impl Form {
    fn target(&self, credential: &Credential) -> String {
        let pieces = self.target.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Credential => encoded(credential.expose_secret()),
        });
        pieces.collect()
    }
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Sent {
    /// The header's value; `None` where the route does not require this credential, so that nobody verified it.
    fn value(&self, presented: &Presented) -> Option<String> {
        let credential = presented.credential_of(&self.kind)?.expose_secret();
        Some(match &self.scheme {
            None => credential.to_owned(),
            Some(scheme) => format!("{scheme} {credential}"),
        })
    }
}

fn form_field((name, value): &(String, Piece), credential: &Credential) -> String {
    let value = match value {
        Piece::Text(text) => text,
        Piece::Credential => credential.expose_secret(),
    };
    format!("{}={}", encoded(name), encoded(value))
}
