//! Owns what can be told about a judgement while it is made, for whoever asks why.

use crate::deciding::decision::ConditionFailed;
use crate::deciding::decision::Denial;
use crate::deciding::forward::FactReference;
use crate::deciding::presentation::Source;
use crate::deciding::rule_id::RuleId;
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{Facts, Stated};
use crate::identity::scope::{GrantedScopes, WantedScopes};

/// Who is told of each step of a judgement as it is made. Nothing a observer does changes the judgement.
pub trait Observer {
    /// A step was made.
    fn note(&mut self, note: Event<'_>);
}

/// Nobody: a judgement that is made in front of it costs nothing more.
#[derive(Clone, Copy, Debug)]
pub struct NoObserver;

impl Observer for NoObserver {
    #[inline]
    fn note(&mut self, _note: Event<'_>) {}
}

/// One step of a judgement: what was looked at, what was wanted, what was found.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Method, host and path have one reading.
    Read {
        /// The method.
        method: &'a str,
        /// The host, in its one spelling.
        host: &'a str,
        /// The path, without the query.
        path: &'a str,
    },
    /// It is a CORS preflight request that its route lets pass.
    Preflight {
        /// The method it asks about.
        method: &'a str,
    },
    /// A route was found.
    Routed {
        /// Its rule.
        rule: &'a RuleId,
        /// Its path template.
        template: &'a str,
        /// What the captures took.
        captures: &'a [(String, String)],
    },
    /// The route is public.
    Public,
    /// The rule is in shadow mode.
    Shadow,
    /// A credential is there once, and well formed.
    Presented {
        /// Which.
        kind: &'a CredentialKind,
        /// The place in which it stands.
        source: &'a Source,
    },
    /// A credential is not there once, and well formed. Of several such lacks one is told at the end.
    NotPresented {
        /// Which.
        kind: &'a CredentialKind,
        /// The places in which it could stand.
        sources: &'a [Source],
        /// What is wrong.
        lack: &'a Denial,
    },
    /// A credential is not there, and the route can do without it.
    Absent {
        /// Which.
        kind: &'a CredentialKind,
    },
    /// No credential of several alternatives is there.
    NonePresented {
        /// The alternatives.
        of: &'a [CredentialKind],
    },
    /// The audiences of a credential were looked at.
    Audience {
        /// Which.
        kind: &'a CredentialKind,
        /// The audience that the route wants.
        wanted: &'a str,
        /// Whether the credential names it.
        is_for_it: bool,
    },
    /// A credential was vouched for.
    Verified {
        /// Which.
        kind: &'a CredentialKind,
        /// What is stated about it.
        facts: &'a Facts,
    },
    /// Facts of two credentials were compared.
    Compared {
        /// The fact of the one that was verified last, and what it is.
        later: (&'a FactReference, Option<Stated<'a>>),
        /// The other one's fact, and what it is.
        earlier: (&'a FactReference, Option<Stated<'a>>),
    },
    /// Scopes were compared.
    Scopes {
        /// Whose.
        of: &'a CredentialKind,
        /// What the route wants.
        wanted: &'a WantedScopes,
        /// What was granted.
        granted: &'a GrantedScopes,
    },
    /// The caller is of a type that may act on anybody's resource.
    Exempt {
        /// The type.
        client_type: &'a str,
    },
    /// The resource's owner and the caller were compared.
    Owner {
        /// The capture, and what it took.
        param: (&'a str, Option<&'a str>),
        /// The fact, and what it is.
        fact: (&'a FactReference, Option<Stated<'a>>),
        /// `true` where the fact is a list, `false` where it is a single value.
        is_list: bool,
        /// Whether the resource is the caller's.
        is_owner: bool,
    },
    /// A condition was judged.
    Condition {
        /// Its text.
        source: &'a str,
        /// Whether it holds, or why nobody can say.
        outcome: Result<bool, ConditionFailed>,
    },
    /// Something is lacking.
    Lacking(&'a Denial),
}
