//! Owns where an authority is, how the gateway proves itself to it, and how its feed is followed.

use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::header::HeaderName;
use crate::identity::answer::Unavailable;

/// Where an authority is, and how the gateway proves itself to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Authority {
    /// Its name in the policy.
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) host: String,
    pub(crate) timeout: Duration,
    pub(crate) rate: LookupRate,
    pub(crate) auth: Auth,
    /// How its feed of revocations is followed; `None` where it has none.
    pub(crate) following: Option<Following>,
}

/// How a feed is followed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Following {
    /// The path of the feed.
    pub(crate) path: String,
    /// How long a question may wait for news, and from one question to the next where there are none.
    pub(crate) every: Duration,
    /// How old what is known of the feed may be for facts to be trusted.
    pub(crate) max_lag: Duration,
    /// For how much longer facts are trusted when it is older.
    pub(crate) serve_for: Duration,
    /// Whether JWTs are held against it, so that its deny list has to be known whole.
    pub(crate) deny_list: bool,
}

/// How many lookups of a kind of credential a worker may begin in a second; as many at once, after a second without
/// any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookupRate {
    /// In all.
    pub per_second: NonZeroU32,
    /// Of tokens behind one API key.
    pub per_second_behind_a_key: NonZeroU32,
}

impl LookupRate {
    /// What a policy can say at most.
    pub(crate) const MOST: u32 = 1_000_000;
}

impl Authority {
    /// Why it has not said what it was asked, for the operator: with its name, or that of its cluster in Envoy.
    pub(crate) fn why(&self, reason: &Unavailable) -> String {
        let Self { name, cluster, timeout, .. } = self;
        match reason {
            Unavailable::NoReply => format!("no answer within {timeout:?} from cluster `{cluster}`"),
            Unavailable::NothingListens => format!("nothing listens at cluster `{cluster}`"),
            Unavailable::Broken => format!("cluster `{cluster}` broke the connection before it answered"),
            Unavailable::BrokenOff => {
                format!("the answer of cluster `{cluster}` broke off, or was not whole within {timeout:?}")
            }
            Unavailable::NotHttp => format!("what cluster `{cluster}` sent is no answer of HTTP; is it one of TLS?"),
            Unavailable::InItsPlace(status) => {
                format!("Envoy answered {status} in the place of cluster `{cluster}`, which did not")
            }
            Unavailable::Overflow => format!("the circuit breaker of cluster `{cluster}` is open"),
            Unavailable::NoCluster => format!("Envoy has no cluster `{cluster}`"),
            Unavailable::NotSent => format!("Envoy could not send to cluster `{cluster}`: it has no host, or no room"),
            Unavailable::CircuitOpen => {
                format!("authority `{name}` has not answered several times, and is not asked for a moment")
            }
            Unavailable::Status(status) => format!("authority `{name}` replied with status {status}"),
            Unavailable::Unusable(fault) => format!("the answer of authority `{name}` is unusable: {fault}"),
            Unavailable::NoFeed => format!("the feed of revocations of authority `{name}` is not known, or too old"),
            Unavailable::NoKeys => format!("the keys of authority `{name}` are not at hand"),
            Unavailable::Keys(invalid) => format!("the keys of authority `{name}` cannot be used: {invalid}"),
            Unavailable::Shedding | Unavailable::RevokedInFlight => reason.to_string(),
        }
    }
}

/// How the gateway proves itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Auth {
    /// By a bearer token.
    Bearer(SecretName),
    /// By a user and a password.
    Basic(SecretName),
    /// By a secret in a header of its own.
    Header(HeaderName, SecretName),
    /// Not at all: the authority answers to whoever reaches it.
    Nothing,
}

impl Auth {
    /// The header it takes.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Self::Bearer(_) | Self::Basic(_) => Some("authorization"),
            Self::Header(name, _secret) => Some(name.as_str()),
            Self::Nothing => None,
        }
    }

    pub(crate) const fn secret(&self) -> Option<&SecretName> {
        match self {
            Self::Bearer(secret) | Self::Basic(secret) | Self::Header(_, secret) => Some(secret),
            Self::Nothing => None,
        }
    }

    /// The header's value that proves that the gateway has this secret.
    pub(crate) fn value(&self, secret: &str) -> String {
        match self {
            Self::Bearer(_) => format!("Bearer {secret}"),
            // RFC 7617, 2.
            Self::Basic(_) => format!("Basic {}", STANDARD.encode(secret)),
            Self::Header(..) | Self::Nothing => secret.to_owned(),
        }
    }
}

/// The environment variable that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName {
    pub(crate) variable: String,
    pub(crate) form: SecretForm,
}

/// The form of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SecretForm {
    Token,
    /// `user:password`.
    UserAndPassword,
}

impl SecretName {
    /// The variable's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.variable
    }

    /// Whether a value of the variable can be sent.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let in_form = match self.form {
            SecretForm::Token => !value.is_empty(),
            SecretForm::UserAndPassword => value.contains(':'),
        };
        in_form && value.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// What a value of the variable has to be, in words.
    #[must_use]
    pub const fn wanted(&self) -> &'static str {
        match self.form {
            SecretForm::Token => "visible ASCII",
            SecretForm::UserAndPassword => "`user:password` in visible ASCII",
        }
    }
}
