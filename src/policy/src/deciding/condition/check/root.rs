//! Owns the variables of conditions that are read by their members, and what each member can be.

use crate::deciding::condition::Names;
use crate::deciding::condition::texts::{Source, Texts};
use crate::deciding::condition::types::{List, Type, Whole};
use crate::identity::facts::FactType;
use crate::template::CaptureKind;

/// A variable that is read by its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::deciding::condition) enum Root {
    ApiKey,
    Params,
    Request,
    Token,
}

impl Root {
    pub(super) const ALL: [Self; 4] = [Self::ApiKey, Self::Params, Self::Request, Self::Token];

    pub(in crate::deciding::condition) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.as_str() == name)
    }

    pub(in crate::deciding::condition) const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Params => "params",
            Self::Request => "request",
            Self::Token => "token",
        }
    }

    /// The further facts of a credential; `None` for what is no credential, or is not required.
    pub(in crate::deciding::condition) const fn further_facts<'a>(
        self,
        names: &Names<'a>,
    ) -> Option<&'a [(&'a str, FactType)]> {
        match self {
            Self::ApiKey => names.api_key,
            Self::Token => names.token,
            Self::Params | Self::Request => None,
        }
    }

    pub(super) const fn is_at_hand(self, names: &Names<'_>) -> bool {
        match self {
            Self::ApiKey | Self::Token => self.further_facts(names).is_some(),
            Self::Params | Self::Request => true,
        }
    }

    /// The members it has.
    pub(super) fn members<'a>(self, names: &Names<'a>) -> Vec<&'a str> {
        match self {
            Self::Request => vec!["method", "host", "path", "headers"],
            Self::Params => names.captures.iter().map(|(name, _)| *name).collect(),
            Self::ApiKey | Self::Token => {
                let own = ["subject", "client_id", "client_type", "scopes", "expires"];
                let further = self.further_facts(names).unwrap_or_default();
                own.into_iter().chain(further.iter().map(|(name, _type)| *name)).collect()
            }
        }
    }

    /// List or not: a list grows with the caller.
    pub(in crate::deciding::condition) fn is_list(self, name: &str, names: &Names<'_>) -> bool {
        matches!(self.type_of(name, names), Some(Type::List(_)))
    }

    /// The type of a member, or `None` where there can be no such member.
    pub(super) fn type_of(self, name: &str, names: &Names<'_>) -> Option<Type> {
        let text = |source| Some(Type::Text(Texts::of(source, &names.around)));
        match (self, name) {
            (Self::Request, "method") => text(Source::Method),
            (Self::Request, "host") => text(Source::Host),
            (Self::Request, "path") => text(Source::Path),
            (Self::Request, "headers") => Some(Type::Headers),
            (Self::Request, _) => None,
            (Self::Params, _) => {
                let (_name, kind) = names.captures.iter().find(|(capture, _)| *capture == name)?;
                match kind {
                    CaptureKind::Int => Some(Type::Int(Whole::read(0, i64::MAX))),
                    kind => text(Source::Capture(*kind)),
                }
            }
            (Self::Token | Self::ApiKey, "subject" | "client_id" | "client_type") => text(Source::Fact),
            (Self::Token | Self::ApiKey, "scopes") => {
                let of = text(Source::Scope).map(Box::new);
                Some(Type::List(List { of, ascending: true }))
            }
            (Self::Token | Self::ApiKey, "expires") => Some(Type::Timestamp(Whole::read(0, i64::MAX))),
            (Self::Token | Self::ApiKey, _) => {
                let (_name, of) = self.further_facts(names)?.iter().find(|(known, _type)| *known == name)?;
                match of {
                    FactType::Text => text(Source::Fact),
                    FactType::Int => Some(Type::Int(Whole::any(true))),
                    FactType::Bool => Some(Type::Bool),
                    FactType::List => Some(Type::List(List { of: text(Source::Fact).map(Box::new), ascending: false })),
                }
            }
        }
    }
}
