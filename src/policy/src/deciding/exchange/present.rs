//! Owns the reading of the credentials that a route looks at, and which of several lacks is told.

use super::{Evaluation, Step};
use crate::deciding::decision::Denial;
use crate::deciding::header_table::Seen;
use crate::deciding::observer::{Event, Observer};
use crate::deciding::policy::Mode;
use crate::deciding::presentation::Found;
use crate::identity::credential::{Credential, CredentialKind};
use crate::time::Moment;

impl Evaluation {
    /// Reads every credential that the route looks at, and asks for the first.
    pub(super) fn present(mut self, seen: &Seen<'_>, now: Moment, observer: &mut impl Observer) -> Step {
        match self.presented_in(seen, observer) {
            // The route lets a request pass without any.
            Ok(presented) if presented.is_empty() => self.conclude(now, observer),
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
        let required = &self.verified()?.credentials;
        let (mut presented, mut lacks) = (Vec::with_capacity(required.iter().size_hint().0), Vec::new());
        let mut has_any = required.any.are_none();
        for kind in required.iter() {
            let rule = self.policy.credential_rule(kind).ok_or(Denial::NotConfigured)?;
            let sources = &rule.presentation.sources;
            let (found, number) = rule.presentation.read(seen);
            let lack = match found {
                Found::One(credential) => {
                    if let Some(source) = sources.get(number) {
                        observer.note(Event::Presented { kind, source });
                    }
                    has_any |= required.any.include(kind);
                    presented.push((kind.clone(), credential));
                    continue;
                }
                Found::Nothing if required.is_certain(kind) => Denial::CredentialMissing(kind.clone()),
                Found::Nothing => {
                    observer.note(Event::Absent { kind });
                    continue;
                }
                Found::Malformed(what) => Denial::CredentialMalformed(kind.clone(), what, number),
                Found::Repeated(how) => Denial::CredentialRepeated(kind.clone(), how, number),
            };
            observer.note(Event::NotPresented { kind, sources, lack: &lack });
            // One that is malformed, or there twice, is there.
            has_any |= required.any.include(kind);
            lacks.push(lack);
        }
        if !has_any {
            let lack = Denial::Unauthenticated(required.any.0.clone());
            observer.note(Event::NonePresented { of: &required.any.0 });
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
