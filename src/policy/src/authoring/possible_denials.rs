//! Owns what a policy can say at all: which rules can refuse, and with which denials, so that tests can be held against
//! it.

use std::sync::Arc;

use crate::deciding::decision::{Needs, Row};
use crate::deciding::forward::Missing;
use crate::deciding::policy::{Binding, Ownership, Policy, RequiredScopes, Route, Verified};
use crate::deciding::rule_id::RuleId;
use crate::identity::credential::CredentialKind;
use crate::identity::facts::FactName;
use crate::identity::verifier::Verifier;

impl Policy {
    /// The rules that can refuse: all that are not public.
    pub fn guarded_rules(&self) -> impl Iterator<Item = &RuleId> {
        self.verified().map(|(rule, _verified)| rule)
    }

    /// The codes of the denials that judging requests under this policy can come to, in the order of judgement. What
    /// only a gateway can lack is not among them.
    #[must_use]
    pub fn denials(&self) -> Vec<String> {
        let kinds: Vec<_> = self.credentials().cloned().collect();
        let given = Row::of_policy(&kinds).filter(|(row, kind, _code)| self.can_give(row.needs, *kind));
        given.map(|(_row, _kind, code)| code.to_owned()).collect()
    }

    /// The codes that messages, and the cases, can name: those of every policy, and of its own credentials.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        let kinds: Vec<_> = self.credentials().cloned().collect();
        Row::of_policy(&kinds).map(|(_row, _kind, code)| code.to_owned()).collect()
    }

    fn verified(&self) -> impl Iterator<Item = (&RuleId, &Verified)> {
        self.routes.iter().filter_map(|route| Some((&route.id, route.verified()?)))
    }

    pub(super) fn can_give(&self, needs: Needs, kind: Option<&CredentialKind>) -> bool {
        let any = |wants: &dyn Fn(&Verified) -> bool| self.verified().any(|(_rule, verified)| wants(verified));
        let requires = || kind.is_some_and(|kind| any(&|verified| verified.credentials.include(kind)));
        match needs {
            Needs::Gateway => false,
            Needs::Nothing => true,
            Needs::Credential => requires(),
            Needs::CredentialNeeded => kind.is_some_and(|kind| any(&|verified| verified.credentials.is_certain(kind))),
            Needs::Alternatives => any(&|verified| !verified.credentials.any.are_none()),
            // A kept credential has one reading on every route.
            Needs::CredentialSent => kind.is_some_and(|kind| self.forward.keep.contains(kind)) || requires(),
            Needs::Beginning => kind.is_some_and(|kind| self.dates_beginnings(kind)) && requires(),
            Needs::Binding => any(&|verified| matches!(verified.binding, Binding::Bound { .. })),
            Needs::Scopes => any(&|verified| matches!(verified.scopes, RequiredScopes::Wanted { .. })),
            Needs::Owner => any(&|verified| matches!(verified.owner, Ownership::Owned(_))),
            Needs::Conditions => any(&|verified| !verified.conditions.is_empty()),
            Needs::ForwardedFact => self.routes.iter().any(|route| self.may_lack_a_fact(route)),
        }
    }

    /// Whether the facts of a kind of credential can state when it begins.
    #[must_use]
    pub fn dates_beginnings(&self, kind: &CredentialKind) -> bool {
        let states = |verifier: &Arc<Verifier>| match &**verifier {
            Verifier::Introspection(_) | Verifier::Unclaimed(_) => false,
            Verifier::Jwt(_) => true,
        };
        self.credential_rule(kind).is_some_and(|rule| rule.verifiers.iter().any(states))
    }

    /// Possible lack of a fact that a route forwards: an authority may leave it unsaid. Scopes are excluded, since an
    /// absent scope list means the empty list.
    fn may_lack_a_fact(&self, route: &Route) -> bool {
        let Some(verified) = route.verified() else { return false };
        self.identity_headers(route).facts().any(|forwarded| {
            let is_listed = forwarded.fact.name == FactName::Scope || forwarded.missing == Missing::Omit;
            !is_listed && verified.credentials.include(&forwarded.fact.of)
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::document::PolicyDocument;

    const BEFORE_A_RULE: [&str; 8] = [
        "request_incomplete",
        "method_refused",
        "upgrade_refused",
        "method_overridden",
        "path_overridden",
        "host_malformed",
        "path_ambiguous",
        "route_unknown",
    ];

    fn policy(headers: &str, route: &str) -> Policy {
        let introspect = r#"{"introspect": {"authority": "a", "path": "/i", "hint": "h", "expect": {"/u": "x"}}}"#;
        let credential = |header: &str| {
            format!(
                r#"{{"header": "{header}", "verify": [{introspect}], "cache": {{"ttl": "1s", "refused_ttl": "1s", "entries": 9}}}}"#
            )
        };
        let text = format!(
            r#"{{"version": 1, "name": "x", "forward": {{"headers": {headers}}}, "refusals": {{"format": "ehealth"}},
            "authorities": {{"a": {{"cluster": "c", "host": "h", "timeout": "1s", "auth": {{"bearer_env": "S"}}}}}},
            "credentials": {{"api_key": {}, "token": {}}},
            "routes": [{{"id": "r", "methods": ["GET"], "path": "/r/{{_id}}", {route}}}]}}"#,
            credential("key"),
            credential("token")
        );
        Policy::compile(&PolicyDocument::read(&text).unwrap()).unwrap()
    }

    #[track_caller]
    fn beyond(headers: &str, route: &str) -> Vec<String> {
        let policy = policy(headers, route);
        let (before, rest): (Vec<_>, _) =
            policy.denials().into_iter().partition(|code| BEFORE_A_RULE.contains(&code.as_str()));
        assert_eq!(before, BEFORE_A_RULE);
        rest
    }

    #[test]
    fn public_rule_refuses_nobody() {
        let public = r#""public": {"because": "it tells nothing"}"#;
        assert_eq!(beyond(r#"{"x-a": "token.subject"}"#, public), Vec::<String>::new());
        assert_eq!(policy("{}", public).guarded_rules().count(), 0);
    }

    #[test]
    fn denials_are_those_of_what_rules_require() {
        let token = ["token_repeated", "token_missing", "token_malformed", "token_unavailable", "token_refused"];
        let require = r#""require": {"credentials": ["token"], "scopes": "none"}"#;
        let expected: Vec<_> = token.into_iter().chain(["token_expired"]).collect();
        assert_eq!(beyond(r#"{"x-a": "api_key.subject", "x-b": "token.scope"}"#, require), expected);
        assert_eq!(policy("{}", require).guarded_rules().map(RuleId::as_str).collect::<Vec<_>>(), ["r"]);
        let require = r#""require": {"credentials": ["token"], "scopes": {"all": ["a"]}}"#;
        let expected: Vec<_> = expected.into_iter().chain(["scope_missing", "fact_missing"]).collect();
        assert_eq!(beyond(r#"{"x-a": "token.subject"}"#, require), expected);
    }
}
