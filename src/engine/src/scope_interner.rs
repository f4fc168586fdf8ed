//! Owns the interning of scopes: a thousand tokens with the same scopes hold their text once.

use std::collections::HashSet;
use std::sync::Arc;

use brama_policy::identity::{Facts, GrantedScopes};

/// The scope lists of the cached facts.
#[derive(Debug, Default)]
pub(crate) struct ScopeInterner {
    known: HashSet<GrantedScopes>,
    /// Number of lists after the last sweep.
    in_use: usize,
}

impl ScopeInterner {
    /// The same facts; equal scope lists are shared.
    pub(crate) fn intern(&mut self, facts: &Arc<Facts>) -> Arc<Facts> {
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

/// Number of lists below which no sweep is made.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(scope: &str) -> Arc<Facts> {
        Arc::new(Facts { scope: scope.parse().unwrap(), ..Facts::none() })
    }

    #[test]
    fn equal_scopes_are_held_once() {
        let mut scopes = ScopeInterner::default();
        let (first, second) = (scopes.intern(&facts("b a")), scopes.intern(&facts("a b")));
        assert!(std::ptr::eq(first.scope.as_str(), second.scope.as_str()));
        assert_eq!(first, second);
    }

    #[test]
    fn scopes_that_nobody_has_any_more_go() {
        let mut scopes = ScopeInterner::default();
        let kept = scopes.intern(&facts("kept"));
        (0..10_000).for_each(|number| drop(scopes.intern(&facts(&number.to_string()))));
        assert!(scopes.known.len() <= FEW * 2, "{}", scopes.known.len());
        assert!(scopes.known.contains(&kept.scope));
    }
}
