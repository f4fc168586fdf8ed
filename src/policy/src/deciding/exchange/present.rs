//! Owns the reading of the credentials that a route requires, and which of several lacks is told.

use super::{Evaluation, Step};
use crate::deciding::decision::Denial;
use crate::deciding::header_table::Seen;
use crate::deciding::observer::{Event, Observer};
use crate::deciding::policy::{Kinds, Mode};
use crate::deciding::presentation::NotPresented;
use crate::identity::credential::CredentialKind;

impl Evaluation {
    /// Reads every credential the route requires, and asks for the first.
    pub(super) fn present(mut self, seen: &Seen<'_>, observer: &mut impl Observer) -> Step {
        let (mut presented, mut lacks) = (Vec::with_capacity(CredentialKind::ALL.len()), Vec::new());
        let kinds = match self.verified() {
            Ok(verified) => verified.credentials,
            Err(denial) => return self.lacking(denial, observer),
        };
        for kind in kinds.iter() {
            let Some(rule) = self.policy.credential_rule(kind) else {
                return self.lacking(Denial::NotConfigured, observer);
            };
            let header = rule.presentation.header.as_str();
            let lack = match rule.presentation.read(seen.credential(kind)) {
                Ok(credential) => {
                    observer.note(Event::Presented { kind, header });
                    presented.push((kind, credential));
                    continue;
                }
                Err(NotPresented::Missing) => Denial::CredentialMissing(kind),
                Err(NotPresented::Malformed(what)) => Denial::CredentialMalformed(kind, what),
                Err(NotPresented::Repeated(how)) => Denial::CredentialRepeated(kind, how),
            };
            observer.note(Event::NotPresented { kind, header, lack: &lack });
            lacks.push(lack);
        }
        if let Some(denial) = self.first_of(lacks) {
            return self.lacking(denial, observer);
        }
        self.along = presented.iter().filter(|(kind, _credential)| self.sends_along(*kind, kinds)).cloned().collect();
        let mut credentials = presented.into_iter();
        match credentials.next() {
            Some(first) => self.ask(first, credentials.next(), observer),
            None => self.lacking(Denial::NotConfigured, observer),
        }
    }

    /// Whether a credential is sent along with the lookup of another that the route requires.
    fn sends_along(&self, kind: CredentialKind, required: Kinds) -> bool {
        let mut others = required.iter().filter(|other| *other != kind);
        others.any(|other| {
            self.policy
                .credential_rule(other)
                .is_some_and(|rule| rule.verifiers.iter().any(|verifier| verifier.sends(kind)))
        })
    }

    /// Which of several lacks is told. A repeated credential makes the request ambiguous, whatever else is wrong with
    /// it; and what shadow mode waives must not hide what it does not.
    fn first_of(&self, lacks: Vec<Denial>) -> Option<Denial> {
        let weight = |denial: &Denial| match (denial, self.mode()) {
            (Denial::CredentialRepeated(_, _), _) => 0,
            (denial, Mode::Shadow) if !denial.is_waived_in_shadow() => 1,
            (_, Mode::Shadow | Mode::Enforce) => 2,
        };
        // Of equals the first: the order of judgement.
        lacks.into_iter().min_by_key(weight)
    }
}
