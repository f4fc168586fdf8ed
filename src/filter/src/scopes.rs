//! Owns the scopes that facts have in common: a thousand tokens with the same scopes hold their text once.

use std::collections::HashSet;
use std::sync::Arc;

use brama_policy::{Facts, GrantedScopes};

/// The scopes of what is remembered.
#[derive(Debug, Default)]
pub(crate) struct SharedScopes {
    known: HashSet<GrantedScopes>,
    /// How many there were after those had gone that nobody had any more.
    in_use: usize,
}

impl SharedScopes {
    /// The same facts, sharing their scopes with all others that have the same.
    pub(crate) fn shared(&mut self, facts: &Arc<Facts>) -> Arc<Facts> {
        if let Some(scope) = self.known.get(&facts.scope) {
            return Arc::new(Facts { scope: scope.clone(), ..Facts::clone(facts) });
        }
        // Swept when there are twice as many: those that came since pay for it.
        if self.known.len() > self.in_use.saturating_mul(2).max(FEW) {
            self.known.retain(GrantedScopes::is_shared);
            self.in_use = self.known.len();
        }
        self.known.insert(facts.scope.clone());
        Arc::clone(facts)
    }
}

/// So many are not worth a sweep.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(scope: &str) -> Arc<Facts> {
        Arc::new(Facts { scope: scope.parse().unwrap(), ..Facts::none() })
    }

    #[test]
    fn equal_scopes_are_held_once() {
        let mut scopes = SharedScopes::default();
        let (first, second) = (scopes.shared(&facts("b a")), scopes.shared(&facts("a b")));
        assert!(std::ptr::eq(first.scope.as_str(), second.scope.as_str()));
        assert_eq!(first, second);
    }

    #[test]
    fn scopes_that_nobody_has_any_more_go() {
        let mut scopes = SharedScopes::default();
        let kept = scopes.shared(&facts("kept"));
        (0..10_000).for_each(|number| drop(scopes.shared(&facts(&number.to_string()))));
        assert!(scopes.known.len() <= FEW * 2, "{}", scopes.known.len());
        assert!(scopes.known.contains(&kept.scope));
    }
}
