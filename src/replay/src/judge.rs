//! Owns the judgement of a request with given statements about its credentials.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Decision, Moment, Monotonic, NoObserver, Observer, Policy, Request, Step, UnixTime};
use brama_policy::identity::{Answer, CredentialKind, Lookup};

use crate::places::places;
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

    /// Presents each credential that something is stated about, where the request does not present it itself: in the
    /// first free place of its `from`, and nowhere where none is free.
    pub fn present(&self, policy: &Policy, headers: &mut Vec<(String, Vec<u8>)>) {
        self.present_first(policy, |_kind| true, headers);
    }

    /// Presents credentials as [`Self::present`] does; those that are `first` have the first choice of a place.
    pub(crate) fn present_first(
        &self,
        policy: &Policy,
        is_first: impl Fn(&CredentialKind) -> bool,
        headers: &mut Vec<(String, Vec<u8>)>,
    ) {
        let is_told = |kind: &&CredentialKind| match self.of(kind) {
            Statement::Nothing => false,
            Statement::Refused | Statement::Unavailable | Statement::Active(_) | Statement::Unwritable(_) => {
                !policy.sources(kind).iter().any(|source| source.is_in(headers))
            }
        };
        let mut kinds: Vec<_> = policy.credentials().filter(is_told).collect();
        kinds.sort_by_key(|kind| !is_first(kind));
        let places = places(policy, &kinds, |source| source.is_free(headers));
        places.into_iter().flatten().for_each(|source| source.present("replayed", headers));
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
    let mut step = policy.begin_observed(&Request::new(headers), now, observer);
    loop {
        match step {
            Step::Done(decision) => return decision,
            Step::Ask(lookup, awaiting) => step = awaiting.resume_observed(authority(&lookup), now, observer),
        }
    }
}
