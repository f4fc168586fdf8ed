//! What a route of the model wants of each credential, and which of them a request has.

use crate::oracle::model::{Credential, Kind, Request, Sent};

/// What a route wants of one credential.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Role {
    Needed,
    Alternative,
    Optional,
    /// It is not looked at.
    Unused,
}

/// The roles of both credentials, and whether the token stands before the API key in the lists of alternatives and
/// of optional ones.
pub(crate) struct Roles {
    pub(crate) api_key: Role,
    pub(crate) token: Role,
    pub(crate) is_token_first: bool,
}

impl Roles {
    /// The credentials that are looked at, in the order of judgement.
    pub(crate) fn in_order(&self) -> Vec<(Kind, Role)> {
        let (api_key, token) = ((Kind::ApiKey, self.api_key), (Kind::Token, self.token));
        let is_token_first = match (self.api_key, self.token) {
            (Role::Needed, Role::Needed) => false,
            (one, two) if one == two => self.is_token_first,
            (one, two) => two < one,
        };
        let all = if is_token_first { [token, api_key] } else { [api_key, token] };
        all.into_iter().filter(|(_kind, role)| *role != Role::Unused).collect()
    }

    pub(crate) fn has_alternatives(&self) -> bool {
        self.api_key == Role::Alternative
    }

    /// Those of which every request has one.
    pub(crate) fn certain(&self) -> Vec<Kind> {
        let needed =
            self.in_order().into_iter().filter(|(_kind, role)| *role == Role::Needed).map(|(kind, _role)| kind);
        needed.chain(self.has_alternatives().then_some(Kind::Any)).collect()
    }

    /// The credential that is there, of those that are looked at.
    pub(crate) fn identity<'r>(&self, kind: Kind, request: &'r Request) -> Option<&'r Credential> {
        let is_meant = |(known, role): &(Kind, Role)| match kind {
            Kind::Any => *role == Role::Alternative,
            Kind::ApiKey | Kind::Token => *known == kind,
        };
        let mut meant = self.in_order().into_iter().filter(is_meant).map(|(kind, _role)| request.credential(kind));
        meant.find(|credential| credential.sent != Sent::Not)
    }

    /// Whether what passes by `given` could lack something here, or be somebody else.
    pub(crate) fn ask_more_than(&self, given: &Self) -> bool {
        let pairs = [(self.api_key, given.api_key), (self.token, given.token)];
        let other_any =
            self.has_alternatives() && !(given.has_alternatives() && self.is_token_first == given.is_token_first);
        other_any
            || pairs.into_iter().any(|(asked, given)| match asked {
                Role::Needed => given != Role::Needed,
                Role::Optional => given == Role::Unused,
                Role::Alternative | Role::Unused => false,
            })
    }
}

impl Request {
    pub(crate) fn credential(&self, kind: Kind) -> &Credential {
        match kind {
            Kind::ApiKey => &self.api_key,
            Kind::Token => &self.token,
            Kind::Any => panic!("no credential has this name"),
        }
    }
}

impl Kind {
    pub(crate) fn code(self, lack: &str) -> &'static str {
        let codes = match self {
            Self::ApiKey => [
                "api_key_repeated",
                "api_key_malformed",
                "api_key_missing",
                "api_key_refused",
                "api_key_unavailable",
                "api_key_expired",
            ],
            Self::Token => [
                "token_repeated",
                "token_malformed",
                "token_missing",
                "token_refused",
                "token_unavailable",
                "token_expired",
            ],
            Self::Any => panic!("no denial is called after it"),
        };
        codes.into_iter().find(|code| code.ends_with(lack)).unwrap()
    }
}
