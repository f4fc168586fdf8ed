//! Owns the checking of what the operator is told of callers.

use super::each;
use super::references::Alternatives;
use crate::deciding::logged::Logged;
use crate::document::{LogDocument, PolicyDocument};
use crate::fault::{Faults, Place};
use crate::identity::credential::ANY;

pub(super) fn all(
    written: Option<&LogDocument>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Logged> {
    let Some(LogDocument { facts }) = written else { return Some(Logged::default()) };
    let place = place.key("facts");
    if facts.is_empty() {
        faults.add(&place, "write at least one fact, or remove the key `log`");
    }
    each(facts.iter().enumerate(), |(index, text)| {
        let place = place.index(index);
        if facts.iter().take(index).any(|before| before == text) {
            faults.add(&place, format!("`{text}` is written twice"));
        }
        if text.split_once('.').is_some_and(|(of, _name)| of == ANY) {
            // A log tells who was verified, by which credential.
            faults.add(&place, "write the fact of each credential; a log tells of those that are there");
            return None;
        }
        Alternatives::default().fact_reference(text, document, &place, faults)
    })
    .map(Logged)
}
