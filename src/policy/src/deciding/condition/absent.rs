//! Owns conditions where none are built in: there is no such value, so none is ever judged.

use std::convert::Infallible;

use super::{ConditionFailed, InvalidCondition, Names, Outcomes, Scene};
use crate::identity::credential::CredentialKind;

/// A condition; there are none in this build.
#[derive(Clone, Debug)]
pub(crate) struct Condition(Infallible);

impl Condition {
    pub(crate) const fn compile(_text: &str, _names: &Names<'_>) -> Result<Self, InvalidCondition> {
        Err(InvalidCondition::NotBuilt)
    }

    pub(crate) const fn source(&self) -> &str {
        match self.0 {}
    }

    pub(crate) const fn uses_headers(&self) -> bool {
        match self.0 {}
    }

    pub(crate) const fn uses_path(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn captures_used(&self) -> impl Iterator<Item = &str> {
        match self.0 {}
        #[expect(unreachable_code, reason = "names the type of an iterator that never is")]
        std::iter::empty()
    }

    pub(crate) fn facts_used(&self) -> impl Iterator<Item = (&CredentialKind, &str)> {
        match self.0 {}
        #[expect(unreachable_code, reason = "names the type of an iterator that never is")]
        std::iter::empty()
    }

    pub(crate) const fn outcomes(&self, _names: &Names<'_>) -> Outcomes {
        match self.0 {}
    }

    pub(crate) const fn least_work(&self) -> u64 {
        match self.0 {}
    }

    pub(crate) const fn work(&self, _scene: &Scene<'_>) -> u64 {
        match self.0 {}
    }

    pub(crate) const fn holds(&self, _scene: &Scene<'_>) -> Result<bool, ConditionFailed> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::super::Around;
    use super::*;
    use crate::template::PathTemplate;

    #[test]
    fn every_condition_is_refused() {
        let path = PathTemplate::parse("/").unwrap();
        let around = Around { methods: &[], hosts: &[], path: &path, hidden: &[] };
        let names = Names { captures: &[], credentials: &[], around };
        for text in ["true", "request.method == \"GET\"", ""] {
            assert_eq!(Condition::compile(text, &names).unwrap_err(), InvalidCondition::NotBuilt, "{text}");
        }
    }
}
