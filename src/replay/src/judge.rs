//! Owns the judgement of a request with given statements about its credentials.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Decision, Moment, Monotonic, NoObserver, Observer, Policy, Request, Step, UnixTime};
use brama_policy::identity::{Answer, CredentialKind, Lookup};

use crate::statement::Statement;

/// The statements about the credentials of a request; nothing is stated about any other kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements(BTreeMap<CredentialKind, Statement>);

impl FromIterator<(CredentialKind, Statement)> for Statements {
    fn from_iter<T: IntoIterator<Item = (CredentialKind, Statement)>>(statements: T) -> Self {
        Self(statements.into_iter().collect())
    }
}

impl Statements {
    /// The statement about one kind of credential.
    #[must_use]
    pub fn of(&self, kind: &CredentialKind) -> &Statement {
        self.0.get(kind).unwrap_or(&Statement::Nothing)
    }

    /// Presents each credential that something is stated about, where the request does not present it itself.
    pub fn present(&self, policy: &Policy, headers: &mut Vec<(String, Vec<u8>)>) {
        for kind in policy.credentials() {
            let source = match self.of(kind) {
                Statement::Nothing => None,
                Statement::Refused | Statement::Unavailable | Statement::Active(_) | Statement::Unwritable(_) => {
                    policy.source(kind)
                }
            };
            if let Some(source) = source.filter(|source| !source.is_in(headers)) {
                source.present("replayed", headers);
            }
        }
    }

    /// The answer of an authority that makes these statements, to one lookup.
    #[must_use]
    pub fn answer(&self, lookup: &Lookup) -> Answer {
        self.of(lookup.kind()).answer()
    }
}

/// The moment at which the wall clock shows `wall`. The monotonic clock is zero: it tells the age of cached answers,
/// and nothing is cached here.
#[must_use]
pub const fn moment(wall: UnixTime) -> Moment {
    Moment { wall, monotonic: Monotonic::from_origin(Duration::ZERO) }
}

/// Judges a request with these headers, pseudo-headers included.
pub fn judge(policy: &Arc<Policy>, headers: &[(String, Vec<u8>)], statements: &Statements, now: Moment) -> Decision {
    judge_before(policy, headers, |lookup| statements.answer(lookup), now, &mut NoObserver)
}

/// Judges a request with an observer; `authority` answers each lookup.
pub fn judge_before(
    policy: &Arc<Policy>,
    headers: &[(String, Vec<u8>)],
    mut authority: impl FnMut(&Lookup) -> Answer,
    now: Moment,
    observer: &mut impl Observer,
) -> Decision {
    let mut step = policy.begin_observed(&Request::new(headers), observer);
    loop {
        match step {
            Step::Done(decision) => return decision,
            Step::Ask(lookup, awaiting) => step = awaiting.resume_observed(authority(&lookup), now, observer),
        }
    }
}
