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

/// What authorities state about the credentials of the cases; a credential's text is the name of its identity.
#[derive(Clone, Debug, Default)]
struct Identities {
    api_keys: BTreeMap<String, Statement>,
    tokens: BTreeMap<String, Statement>,
}

/// One request, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    name: String,
    /// Pseudo-headers first, credentials among the rest.
    headers: Vec<(String, Vec<u8>)>,
    now: UnixTime,
    expect: Expected,
}

/// What a case expects. Of a rule, and of a mark of shadow mode, none is expected where none is written; what else is not
/// written may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Allow {
        rule: Option<String>,
        would_refuse: Option<String>,
        /// Headers and their values; the empty map is nothing at all.
        forward: Option<BTreeMap<String, String>>,
        /// All the names, in lower case.
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
    /// Its name, which no other case of the file has.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Identities {
    const fn of(&self, kind: CredentialKind) -> &BTreeMap<String, Statement> {
        match kind {
            CredentialKind::ApiKey => &self.api_keys,
            CredentialKind::Token => &self.tokens,
        }
    }

    fn answer(&self, lookup: &Lookup) -> Answer {
        let known = self.of(lookup.kind()).get(lookup.credential().expose_secret());
        // Nobody vouches for a credential that is no identity's name.
        known.map_or(Answer::Inactive, Statement::answer)
    }
}
