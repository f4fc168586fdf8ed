//! Owns a policy's cases: requests of known identities, and what is expected of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use brama_policy::deciding::{Decision, NoObserver, Policy, UnixTime};
use brama_policy::identity::{Answer, CredentialKind, Lookup};

use crate::judge::{judge_before, moment};
use crate::statement::Statement;

mod coverage;
mod document;
mod outcome;
#[cfg(feature = "schema")]
mod schema;

pub use coverage::{Coverage, RuleCoverage, Sight};
pub use document::CorpusFaults;
pub use outcome::{CaseOutcome, Difference};

/// A file of cases, as understood under one policy.
#[derive(Clone, Debug)]
pub struct Corpus {
    policy: String,
    identities: Identities,
    cases: Vec<Case>,
}

/// The statements about the credentials of the cases. The text of a credential is the name of its identity.
#[derive(Clone, Debug, Default)]
struct Identities(BTreeMap<CredentialKind, BTreeMap<String, Statement>>);

/// One request, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    name: String,
    /// Pseudo-headers first, credentials among the rest.
    headers: Vec<(String, Vec<u8>)>,
    now: UnixTime,
    expect: Expected,
}

/// The expected decision of a case.
///
/// An absent rule, or mark of shadow mode, expects that there is none. Any other absent key allows every value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Allow {
        rule: Option<String>,
        would_refuse: Option<String>,
        /// Headers and their values; the empty map expects that none is set.
        forward: Option<BTreeMap<String, String>>,
        /// The names of all headers that are removed, in lower case.
        remove: Option<BTreeSet<String>>,
    },
    Refuse {
        denial: String,
        rule: Option<String>,
        status: Option<u16>,
        message: Option<String>,
    },
}

impl Corpus {
    /// The policy's file, as the cases name it.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The cases, in the order of the file.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Judges every case, in the order of the file.
    #[must_use]
    pub fn judge(&self, policy: &Arc<Policy>) -> Vec<CaseOutcome<'_>> {
        self.cases.iter().map(|case| CaseOutcome::new(case, self.decide(case, policy), policy)).collect()
    }

    fn decide(&self, case: &Case, policy: &Arc<Policy>) -> Decision {
        judge_before(policy, &case.headers, |lookup| self.identities.answer(lookup), moment(case.now), &mut NoObserver)
    }
}

impl Case {
    /// The name of the case, unique in its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Identities {
    fn answer(&self, lookup: &Lookup) -> Answer {
        let known = self.0.get(lookup.kind()).and_then(|known| known.get(lookup.credential().expose_secret()));
        // A credential that is no identity's name is inactive.
        known.map_or(Answer::Inactive, Statement::answer)
    }
}
