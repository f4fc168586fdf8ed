//! Owns how many lookups may be out at once, for each kind of credential.
//!
//! Whoever has no good API key can make the gateway ask about API keys only; with a bound for each kind, a flood of
//! random keys leaves room to ask about the tokens of good callers. Beyond the bound a request is refused at once:
//! there is no queue.

use std::cell::Cell;
use std::rc::Rc;

use brama_policy::CredentialKind;

/// The lookups one worker has out; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Flights {
    api_keys: Rc<Cell<u32>>,
    tokens: Rc<Cell<u32>>,
}

/// A lookup that is out. It is back when this is dropped, also with a request that was reset.
#[derive(Debug)]
pub struct Flight(Rc<Cell<u32>>);

impl Flights {
    /// Takes a place for a lookup; `None` where all are taken.
    #[must_use]
    pub fn begin(&self, kind: CredentialKind) -> Option<Flight> {
        let out = match kind {
            CredentialKind::ApiKey => &self.api_keys,
            CredentialKind::Token => &self.tokens,
        };
        let number = out.get().checked_add(1).filter(|number| *number <= MOST_IN_FLIGHT)?;
        out.set(number);
        Some(Flight(Rc::clone(out)))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Lookups of one kind that a worker may have out. Twice this, times the workers, has to fit into the circuit breaker
/// of the authority's cluster, or that one sheds without telling the kinds apart.
pub const MOST_IN_FLIGHT: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_bound() {
        let flights = Flights::default();
        let out: Vec<_> = (0..MOST_IN_FLIGHT).map(|_| flights.begin(CredentialKind::ApiKey).unwrap()).collect();
        assert!(flights.begin(CredentialKind::ApiKey).is_none());
        assert!(flights.clone().begin(CredentialKind::Token).is_some());
        drop(out);
        assert!(flights.begin(CredentialKind::ApiKey).is_some());
    }
}
