//! Owns the reading of the credentials that a route requires, and which of several lacks is told.

use super::{Evaluation, Step};
use crate::deciding::decision::Denial;
use crate::deciding::header_table::Seen;
use crate::deciding::observer::{Event, Observer};
use crate::deciding::policy::Mode;
use crate::deciding::presentation::Found;
use crate::identity::credential::{Credential, CredentialKind};

impl Evaluation {
    /// Reads every credential the route requires, and asks for the first.
    pub(super) fn present(mut self, seen: &Seen<'_>, observer: &mut impl Observer) -> Step {
        match self.presented_in(seen, observer) {
            Ok(presented) => {
                self.identities.reserve_exact(presented.len());
                self.presented = presented;
                self.ask_next(observer)
            }
            Err(denial) => self.lacking(denial, observer),
        }
    }

    fn presented_in(
        &self,
        seen: &Seen<'_>,
        observer: &mut impl Observer,
    ) -> Result<Vec<(CredentialKind, Credential)>, Denial> {
        let kinds = &self.verified()?.credentials;
        let (mut presented, mut lacks) = (Vec::with_capacity(kinds.iter().len()), Vec::new());
        for kind in kinds.iter() {
            let rule = self.policy.credential_rule(kind).ok_or(Denial::NotConfigured)?;
            let sources = &rule.presentation.sources;
            let (found, number) = rule.presentation.read(seen);
            let lack = match found {
                Found::One(credential) => {
                    if let Some(source) = sources.get(number) {
                        observer.note(Event::Presented { kind, source });
                    }
                    presented.push((kind.clone(), credential));
                    continue;
                }
                Found::Nothing => Denial::CredentialMissing(kind.clone()),
                Found::Malformed(what) => Denial::CredentialMalformed(kind.clone(), what, number),
                Found::Repeated(how) => Denial::CredentialRepeated(kind.clone(), how, number),
            };
            observer.note(Event::NotPresented { kind, sources, lack: &lack });
            lacks.push(lack);
        }
        self.first_of(lacks).map_or(Ok(presented), Err)
    }

    /// Which of several lacks is told. A repeated credential makes the request ambiguous, whatever else is wrong with
    /// it; and what shadow mode waives must not hide what it does not.
    fn first_of(&self, lacks: Vec<Denial>) -> Option<Denial> {
        let weight = |denial: &Denial| match (denial, self.mode()) {
            (Denial::CredentialRepeated(..), _) => 0,
            (denial, Mode::Shadow) if !denial.is_waived_in_shadow() => 1,
            (_, Mode::Shadow | Mode::Enforce) => 2,
        };
        // Of equals the first: the order of judgement.
        lacks.into_iter().min_by_key(weight)
    }
}
