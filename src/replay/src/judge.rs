//! Owns the judging of a request whose credentials' statements are given beforehand.

use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Decision, Moment, Monotonic, NoObserver, Observer, Policy, Request, Step, UnixTime};
use brama_policy::identity::{Answer, CredentialKind, Lookup};

use crate::statement::Statement;

/// What is stated about the two credentials of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    /// About the API key.
    pub api_key: Statement,
    /// About the token.
    pub token: Statement,
}

impl Statements {
    /// What is stated about one kind.
    #[must_use]
    pub const fn of(&self, kind: CredentialKind) -> &Statement {
        match kind {
            CredentialKind::ApiKey => &self.api_key,
            CredentialKind::Token => &self.token,
        }
    }

    /// Presents each credential that something is stated about, where the request does not present it itself.
    pub fn present(&self, policy: &Policy, headers: &mut Vec<(String, Vec<u8>)>) {
        for kind in CredentialKind::ALL {
            let presented = match self.of(kind) {
                Statement::Nothing => None,
                Statement::Refused | Statement::Unavailable | Statement::Active(_) => {
                    policy.presentation(kind, "replayed")
                }
            };
            let Some((header, value)) = presented else { continue };
            if !headers.iter().any(|(name, _value)| name.eq_ignore_ascii_case(&header)) {
                headers.push((header, value.into_bytes()));
            }
        }
    }

    /// What an authority that states this answers to a lookup.
    #[must_use]
    pub fn answer(&self, lookup: &Lookup) -> Answer {
        self.of(lookup.kind()).answer()
    }
}

/// The moment at which a wall clock shows `wall`. The other clock tells how old what is remembered is, and here nothing
/// is.
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
