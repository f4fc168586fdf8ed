//! Owns the variables of conditions that are read by their members, and what each member can be.

use crate::deciding::condition::Names;
use crate::deciding::condition::texts::{Source, Texts};
use crate::deciding::condition::types::{List, Type, Whole};
use crate::identity::facts::FactType;
use crate::template::CaptureKind;

/// A variable that is read by its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::deciding::condition) enum Root {
    Params,
    Request,
    /// A credential of the policy, by its number among the names.
    Credential(usize),
}

impl Root {
    pub(in crate::deciding::condition) fn named(name: &str, names: &Names<'_>) -> Option<Self> {
        match name {
            PARAMS => Some(Self::Params),
            REQUEST => Some(Self::Request),
            _ => names.credentials.iter().position(|known| known.kind.as_str() == name).map(Self::Credential),
        }
    }

    /// Every variable that is read by its members.
    pub(super) fn all<'a>(names: &Names<'a>) -> impl Iterator<Item = &'a str> {
        [REQUEST, PARAMS].into_iter().chain(names.credentials.iter().map(|known| known.kind.as_str()))
    }

    pub(super) fn as_str<'a>(self, names: &Names<'a>) -> &'a str {
        match self {
            Self::Params => PARAMS,
            Self::Request => REQUEST,
            Self::Credential(number) => names.credentials.get(number).map_or("", |known| known.kind.as_str()),
        }
    }

    /// The further facts of a credential; `None` for what is no credential, or is not required.
    pub(in crate::deciding::condition) fn further_facts<'a>(
        self,
        names: &Names<'a>,
    ) -> Option<&'a [(&'a str, FactType)]> {
        match self {
            Self::Credential(number) => names.credentials.get(number)?.further.as_deref(),
            Self::Params | Self::Request => None,
        }
    }

    /// Tells whether each request that comes to a condition has it.
    pub(in crate::deciding::condition) fn is_certain(self, names: &Names<'_>) -> bool {
        match self {
            Self::Credential(number) => names.credentials.get(number).is_some_and(|known| known.is_certain),
            Self::Params | Self::Request => true,
        }
    }

    pub(super) fn is_at_hand(self, names: &Names<'_>) -> bool {
        match self {
            Self::Credential(_) => self.further_facts(names).is_some(),
            Self::Params | Self::Request => true,
        }
    }

    /// The members it has.
    pub(super) fn members<'a>(self, names: &Names<'a>) -> Vec<&'a str> {
        match self {
            Self::Request => vec!["method", "host", "path", "headers"],
            Self::Params => names.captures.iter().map(|(name, _)| *name).collect(),
            Self::Credential(_) => {
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
            (Self::Credential(_), "subject" | "client_id" | "client_type") => text(Source::Fact),
            (Self::Credential(_), "scopes") => {
                let of = text(Source::Scope).map(Box::new);
                Some(Type::List(List { of, ascending: true }))
            }
            (Self::Credential(_), "expires") => Some(Type::Timestamp(Whole::read(0, i64::MAX))),
            (Self::Credential(_), _) => {
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

/// What the request asks for.
pub(in crate::deciding::condition) const REQUEST: &str = "request";

/// What the captures took.
pub(in crate::deciding::condition) const PARAMS: &str = "params";
