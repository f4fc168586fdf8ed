//! Owns the policy document as written: its keys and their types.
//!
//! Nothing here is trusted yet; [`crate::Policy::compile`] turns a document into a policy. The keys are explained
//! for authors in `policies/README.md`.

use std::collections::BTreeMap;

use serde::Deserialize;

mod reading;

/// A whole policy, version 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The version of the language; 1.
    pub version: u64,
    /// The policy's name; also the realm of its challenges.
    pub name: String,
    /// Who vouches for credentials, by name.
    #[serde(default)]
    pub authorities: BTreeMap<String, AuthorityDocument>,
    /// How each kind of credential is presented and verified.
    #[serde(default)]
    pub credentials: CredentialsDocument,
    /// What the service behind the gateway is told.
    pub forward: ForwardDocument,
    /// How refusals are worded.
    pub refusals: RefusalsDocument,
    /// What may pass; everything else is refused.
    pub routes: Vec<RouteDocument>,
}

/// A service that vouches for credentials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityDocument {
    /// The Envoy cluster it is reached by.
    pub cluster: String,
    /// The host it is called.
    pub host: String,
    /// How long one lookup may take, such as `500ms`.
    pub timeout: String,
    /// How the gateway proves itself to it.
    pub auth: AuthDocument,
}

/// How the gateway proves itself to an authority.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthDocument {
    /// The environment variable of the Wasm VM that holds a bearer token; the secret itself is never in the document.
    pub bearer_env: String,
}

/// The kinds of credential.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialsDocument {
    /// The API key.
    pub api_key: Option<CredentialDocument>,
    /// The access token.
    pub token: Option<CredentialDocument>,
}

/// One kind of credential.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialDocument {
    /// The header it is presented in.
    pub header: String,
    /// The authentication scheme before it; without one the credential is the whole value.
    pub scheme: Option<String>,
    /// How it is verified: exactly one entry.
    pub verify: Vec<VerifierDocument>,
    /// How long what was learnt about it is kept.
    pub cache: CacheDocument,
}

/// One way to verify a credential.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VerifierDocument {
    /// Asking an authority (RFC 7662).
    Introspect(IntrospectDocument),
}

/// Verification by introspection ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectDocument {
    /// The authority asked, by its name under `authorities`.
    pub authority: String,
    /// The path of its introspection endpoint.
    pub path: String,
    /// The `token_type_hint`.
    pub hint: String,
    /// What an active answer must state, by JSON pointer; a hint alone is no guard.
    pub expect: BTreeMap<String, String>,
    /// Where the facts are in an answer, where it is not as in RFC 7662.
    #[serde(default)]
    pub facts: FactsDocument,
}

/// JSON pointers ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) of the facts in an answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FactsDocument {
    /// Default `/sub`.
    pub subject: String,
    /// Default `/client_id`.
    pub client_id: String,
    /// Default `/client_type`.
    pub client_type: String,
    /// Default `/scope`.
    pub scope: String,
    /// Default `/exp`.
    pub expires: String,
}

impl Default for FactsDocument {
    fn default() -> Self {
        Self {
            subject: "/sub".to_owned(),
            client_id: "/client_id".to_owned(),
            client_type: "/client_type".to_owned(),
            scope: "/scope".to_owned(),
            expires: "/exp".to_owned(),
        }
    }
}

/// How long, and how much, is remembered of what authorities said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheDocument {
    /// How long facts are kept, at most; `exp` ends them earlier.
    pub ttl: String,
    /// How long a refusal is kept.
    pub refused_ttl: String,
    /// How many facts are kept; as many refusals are kept apart from them.
    pub entries: u64,
}

/// What the service behind the gateway is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardDocument {
    /// Identity headers: name to fact (`token.subject`).
    pub headers: BTreeMap<String, String>,
    /// Further headers no client may send: a name, or `prefix*`.
    #[serde(default)]
    pub strip: Vec<String>,
}

/// How refusals are worded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalsDocument {
    /// The body's format.
    pub format: FormatDocument,
}

/// The body of a refusal.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatDocument {
    /// The eHealth envelope.
    Ehealth,
}

/// One entry of what may pass.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteDocument {
    /// Its name in logs, metrics and cases.
    pub id: String,
    /// The methods it is for.
    pub methods: Vec<String>,
    /// Its path template.
    pub path: String,
    /// Lets everybody pass; instead of `require`.
    pub public: Option<PublicDocument>,
    /// What a request must bring; instead of `public`.
    pub require: Option<RequireDocument>,
}

/// A door that is open on purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicDocument {
    /// Why.
    pub because: String,
}

/// What a request must bring.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequireDocument {
    /// The credentials, all of them.
    pub credentials: Vec<KindDocument>,
    /// The scopes of the token (or of the API key, where no token is required).
    pub scopes: ScopesDocument,
    /// Whose resource the path names.
    pub owner: Option<OwnerDocument>,
}

/// A kind of credential.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindDocument {
    /// The API key.
    ApiKey,
    /// The access token.
    Token,
}

/// The scopes a route wants. Wanting none has to be written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopesDocument {
    /// Any verified caller will do.
    None,
    /// Every one of these.
    All(Vec<String>),
}

/// Ownership: a captured path parameter must equal a fact of the caller.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerDocument {
    /// The capture's name.
    pub param: String,
    /// The fact, such as `token.client_id`.
    pub equals: String,
    /// Client types that may act on anybody's.
    #[serde(default)]
    pub except_client_types: Vec<String>,
}
