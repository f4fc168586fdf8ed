//! Owns a line of the gateway's access log as a request that can be judged again, or the reason why it cannot.
//!
//! A log has no headers, query or credentials. Of a caller it has what the plugin found, and the facts that the policy
//! lists (`log.facts`). A line that lacks what a rule looks at is reported as not judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use brama_policy::authoring::Requires;
use brama_policy::deciding::{Decision, Denial, NoObserver, Policy, RuleId, UnixTime};
use brama_policy::identity::{Answer, CredentialKind};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::judge::{Statements, judge_before, moment};
use crate::statement::Statement;
use crate::verdict::Verdict;

/// A line of the access log that `envoy/envoy.yaml` has; other members are not read.
#[derive(Clone, Debug)]
pub struct AccessLine {
    time: Option<String>,
    method: Option<String>,
    host: Option<String>,
    path: Option<String>,
    decision: Option<String>,
    rule: Option<String>,
    denial: Option<String>,
    would_refuse: Option<String>,
    identity: Option<String>,
}

/// A line as it is written. The required members tell it from a line of another kind; an optional one that is absent is
/// null.
#[derive(Deserialize)]
struct Written {
    decision: Value,
    #[serde(rename = "status")]
    _status: IgnoredAny,
    path: Value,
    #[serde(default)]
    time: Value,
    #[serde(default)]
    method: Value,
    #[serde(default)]
    host: Value,
    #[serde(default)]
    rule: Value,
    #[serde(default)]
    denial: Value,
    #[serde(default)]
    would_refuse: Value,
    #[serde(default)]
    identity: Value,
}

/// The reason why a line cannot be judged again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotJudged {
    /// A request that Envoy answered before the plugin was asked, or without it.
    #[error("the plugin did not judge it")]
    NotDecided,
    /// A log of another form, or an older one.
    #[error("the log has no `{0}`")]
    Member(&'static str),
    /// A member of another type than text or `null`.
    #[error("its `{0}` is no text")]
    Text(&'static str),
    /// A `time` that is no time.
    #[error("its `time` is no time")]
    Time,
    /// An `identity` that is no JSON object.
    #[error("its `identity` is no JSON object")]
    Identity,
    /// A request that was refused before the policy was asked, so that another policy changes nothing.
    #[error("it was refused for `{0}`, whatever the policy")]
    Regardless(String),
    /// A request that was refused for a reason outside of any policy.
    #[error("it was refused for `{0}`, which no policy decides")]
    Undecided(String),
    /// A request that was refused for something that a log does not have.
    #[error("it was refused for `{0}`: the header or the query that it was for is not in the log")]
    Unseen(String),
    /// A credential that two policies read in different ways, of which the log tells one.
    #[error("the policies read the {0} in different ways, and the log tells of one of them")]
    Presented(String),
    /// A request that may be a preflight request, where a rule of one of the policies lets those pass.
    #[error("a preflight request is told by its headers, which are not in the log")]
    Preflight,
    /// A rule that needs a credential about which the line tells nothing.
    #[error("rule `{rule}` verifies the {kind}, of which the log tells nothing")]
    Unknown {
        /// The rule.
        rule: String,
        /// The kind of credential.
        kind: String,
    },
    /// A rule that needs a fact which was not logged.
    #[error("rule `{rule}` needs `{fact}`, which is not in the log; list it in `log.facts`")]
    Fact {
        /// The rule.
        rule: String,
        /// The fact.
        fact: String,
    },
    /// A rule with a condition on headers.
    #[error("rule `{0}` has a condition that reads headers, which are not in the log")]
    Headers(String),
    /// A rule that wants an audience of a credential.
    #[error("rule `{0}` wants an audience, which is not in the log")]
    Audience(String),
    /// A policy that decides otherwise than the log says.
    #[error("the policy before decides it otherwise than the log says: {0}")]
    Otherwise(String),
}

impl NotJudged {
    /// `true` if another policy could decide the request otherwise, for all that is known.
    #[must_use]
    pub const fn could_change(&self) -> bool {
        !matches!(self, Self::NotDecided | Self::Regardless(_))
    }
}

impl AccessLine {
    /// Reads a line; `None` if it is not of an access log.
    ///
    /// # Errors
    /// A member of another type than Envoy writes.
    pub fn read(text: &[u8]) -> Option<Result<Self, NotJudged>> {
        serde_json::from_slice(text).ok().map(Self::of)
    }

    fn of(written: Written) -> Result<Self, NotJudged> {
        let Written { decision, _status, path, time, method, host, rule, denial, would_refuse, identity } = written;
        let text = |name, member| match member {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(NotJudged::Text(name)),
        };
        Ok(Self {
            time: text("time", time)?,
            method: text("method", method)?,
            host: text("host", host)?,
            path: text("path", path)?,
            decision: text("decision", decision)?,
            rule: text("rule", rule)?,
            denial: text("denial", denial)?,
            would_refuse: text("would_refuse", would_refuse)?,
            identity: text("identity", identity)?,
        })
    }

    /// Checks that two policies can be compared by the log: they must read the same parts of the request.
    ///
    /// # Errors
    /// A credential that they read in different ways, or a request that may be a preflight request.
    pub fn compares(&self, policies: [&Policy; 2]) -> Result<(), NotJudged> {
        let identity = self.identity()?;
        let [one, two] = policies;
        for kind in one.credentials().filter(|kind| two.credential(kind.as_str()).is_some()) {
            let is_told = policies.iter().any(|policy| self.statement(kind, &identity, policy).is_some());
            if !one.reads_alike(two, kind) && is_told {
                return Err(NotJudged::Presented(kind.as_str().to_owned()));
            }
        }
        // None of them was there; of others nobody knows.
        if self.lack() == Some(NONE_PRESENTED) && self.alternatives(one) != self.alternatives(two) {
            return Err(NotJudged::Unseen(NONE_PRESENTED.to_owned()));
        }
        let lets_preflights_pass = |policy: &Policy| policy.routes().any(|route| route.preflight().is_some());
        if self.method.as_deref() == Some("OPTIONS") && policies.into_iter().any(lets_preflights_pass) {
            return Err(NotJudged::Preflight);
        }
        Ok(())
    }

    /// Judges the request, at its time, by what the log tells.
    ///
    /// # Errors
    /// The reason why the log is not enough.
    pub fn judge(&self, policy: &Arc<Policy>) -> Result<Decision, NotJudged> {
        let [method, host, path, at] =
            [("method", &self.method), ("host", &self.host), ("path", &self.path), ("time", &self.time)]
                .map(|(name, written)| written.as_deref().ok_or(NotJudged::Member(name)));
        if self.decision.is_none() {
            return Err(NotJudged::NotDecided);
        }
        if let Some(reason) = self.lack().and_then(unjudged) {
            return Err(reason);
        }
        let identity = self.identity()?;
        let known: BTreeMap<_, _> = policy
            .credentials()
            .filter_map(|kind| Some((kind.clone(), self.statement(kind, &identity, policy)?)))
            .collect();
        // Only a credential that was looked at has a statement. If another one is looked at now, the line cannot be
        // judged.
        let presented = |kind: &CredentialKind| known.get(kind).cloned().unwrap_or(Statement::Refused);
        let statements: Statements = policy.credentials().map(|kind| (kind.clone(), presented(kind))).collect();
        let mut headers: Vec<_> = [(":method", method?), (":authority", host?), (":path", path?)]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into();
        statements.present_first(policy, |kind| known.contains_key(kind), &mut headers);
        let mut unknown = None;
        let now = moment(time(at?).ok_or(NotJudged::Time)?);
        let authority = |lookup: &brama_policy::identity::Lookup| {
            let statement = known.get(lookup.kind());
            if statement.is_none() {
                unknown = Some(lookup.kind().clone());
            }
            statement.map_or(Answer::Inactive, Statement::answer)
        };
        let decision = judge_before(policy, &headers, authority, now, &mut NoObserver);
        // One that had no place beside those that the log tells of: it may have been there all the same.
        if let Some(Denial::CredentialMissing(kind)) = decision.denial()
            && known.get(kind) != Some(&Statement::Nothing)
        {
            unknown = Some(kind.clone());
        }
        let Some(rule) = rule(&decision) else { return Ok(decision) };
        if let Some(kind) = unknown {
            return Err(NotJudged::Unknown { rule: rule.as_str().to_owned(), kind: kind.as_str().to_owned() });
        }
        // One that nothing tells of, and that nothing was asked about, had no place beside the others.
        let is_absent = |kind: &CredentialKind| matches!(known.get(kind), None | Some(Statement::Nothing));
        needed(policy, rule, (&statements, is_absent), &identity).map(|()| decision)
    }

    /// Checks that the log says what a policy decides.
    ///
    /// # Errors
    /// A difference: that policy was not the one in force, or the log lacks what it looked at.
    pub fn agrees(&self, verdict: &Verdict<'_>) -> Result<(), NotJudged> {
        let logged =
            (self.rule.as_deref().filter(|rule| *rule != "-"), self.denial.as_deref(), self.would_refuse.as_deref());
        let judged = (verdict.rule, verdict.denial, verdict.would_refuse);
        if logged == judged && self.decision.as_deref() == Some(verdict.decision) {
            return Ok(());
        }
        if let Some(denial) = self.denial.as_deref().filter(|denial| *denial == IN_A_QUERY_TOO) {
            return Err(NotJudged::Unseen(denial.to_owned()));
        }
        let words = |(rule, denial, would_refuse): (Option<&str>, Option<&str>, Option<&str>)| {
            let rule = rule.unwrap_or("no rule");
            match (denial, would_refuse) {
                (Some(denial), _) => format!("{rule} refuses {denial}"),
                (None, Some(denial)) => format!("{rule} allows, and would refuse {denial}"),
                (None, None) => format!("{rule} allows"),
            }
        };
        Err(NotJudged::Otherwise(format!("{}, not {}", words(judged), words(logged))))
    }

    /// The credentials of which the rule of the line wants one.
    fn alternatives(&self, policy: &Policy) -> BTreeSet<CredentialKind> {
        let route = policy.routes().find(|route| Some(route.rule().as_str()) == self.rule.as_deref());
        match route.map(|route| route.requires()) {
            Some(Requires::Caller(caller)) => caller.any_of().cloned().collect(),
            Some(Requires::Nothing { .. }) | None => BTreeSet::new(),
        }
    }

    fn lack(&self) -> Option<&str> {
        self.denial.as_deref().or(self.would_refuse.as_deref())
    }

    /// The facts that were logged, `null` where one was not stated.
    fn identity(&self) -> Result<Map<String, Value>, NotJudged> {
        match self.identity.as_deref() {
            None | Some("-") => Ok(Map::new()),
            Some(text) => serde_json::from_str(text).map_err(|_not_json| NotJudged::Identity),
        }
    }

    /// The statement that the plugin found about a credential; `None` if the log does not tell.
    fn statement(&self, kind: &CredentialKind, identity: &Map<String, Value>, policy: &Policy) -> Option<Statement> {
        if self.lack() == Some(NONE_PRESENTED) && self.alternatives(policy).contains(kind) {
            return Some(Statement::Nothing);
        }
        let name = kind.as_str();
        let lack = self.lack().and_then(|lack| lack.strip_prefix(name)?.strip_prefix('_'));
        match lack {
            Some("missing") => return Some(Statement::Nothing),
            Some("refused") => return Some(Statement::Refused),
            Some("unavailable") => return Some(Statement::Unavailable),
            Some(_) | None => {}
        }
        let logged = |member: &str| member.strip_prefix(name)?.strip_prefix('.').map(str::to_owned);
        let facts: Vec<_> = identity.iter().filter_map(|(member, value)| Some((logged(member)?, value))).collect();
        if facts.is_empty() {
            return None;
        }
        // This policy can need only the facts that it knows.
        let is_known = |fact: &str| {
            ["subject", "client_id", "client_type", "scope"].contains(&fact)
                || policy.further_facts(kind).any(|(known, _type)| **known == *fact)
        };
        let stated = facts.iter().filter(|(fact, value)| is_known(fact) && !value.is_null());
        let stated: Map<_, _> = stated.map(|(fact, value)| (fact.clone(), (*value).clone())).collect();
        Statement::read(&Value::Object(stated), kind, policy).ok()
    }
}

/// Checks that the log has every fact that a rule needs. A rule needs them once all its credentials are verified.
///
/// # Errors
/// The first fact that is missing, or a condition that reads headers.
fn needed(
    policy: &Policy,
    rule: &RuleId,
    (statements, is_absent): (&Statements, impl Fn(&CredentialKind) -> bool),
    identity: &Map<String, Value>,
) -> Result<(), NotJudged> {
    let route = policy.routes().find(|route| route.rule() == rule);
    let Some(route) = route else { return Ok(()) };
    let Requires::Caller(caller) = route.requires() else { return Ok(()) };
    let is_verified = |kind: &CredentialKind| matches!(statements.of(kind), Statement::Active(_));
    let is_needed = |kind: &CredentialKind| caller.all_of().any(|needed| needed == kind);
    if !caller.credentials().all(|kind| is_verified(kind) || (!is_needed(kind) && is_absent(kind))) {
        return Ok(());
    }
    let rule = || rule.as_str().to_owned();
    if caller.reads_headers() {
        return Err(NotJudged::Headers(rule()));
    }
    if caller.audiences().any(|(kind, _audience)| is_verified(kind)) {
        return Err(NotJudged::Audience(rule()));
    }
    match policy.facts_needed(&route, &caller, is_verified).into_iter().find(|fact| !identity.contains_key(fact)) {
        Some(fact) => Err(NotJudged::Fact { rule: rule(), fact }),
        None => Ok(()),
    }
}

fn rule(decision: &Decision) -> Option<&RuleId> {
    match decision {
        Decision::Allow(grant) => grant.rule(),
        Decision::Refuse(refused) => refused.rule(),
    }
}

/// The reason why a request with this denial cannot be judged again, if its code tells one.
fn unjudged(denial: &str) -> Option<NotJudged> {
    let seen_late = ["_repeated", "_malformed", "_expired", "_not_yet_valid"];
    match denial {
        "request_incomplete" | "method_overridden" | "path_overridden" | "upgrade_refused" => {
            Some(NotJudged::Regardless(denial.to_owned()))
        }
        "not_carried_out" | "not_configured" => Some(NotJudged::Undecided(denial.to_owned())),
        "host_malformed" => None,
        _ => seen_late.into_iter().any(|end| denial.ends_with(end)).then(|| NotJudged::Unseen(denial.to_owned())),
    }
}

/// The denial of a request that has none of several credentials.
const NONE_PRESENTED: &str = "unauthenticated";

/// The denial of an ambiguous path or query, of which the log has the path only.
const IN_A_QUERY_TOO: &str = "path_ambiguous";

/// A time as Envoy writes it ([RFC 3339](https://www.rfc-editor.org/rfc/rfc3339)): `2026-11-22T23:05:32.227Z`.
fn time(text: &str) -> Option<UnixTime> {
    let time = humantime::parse_rfc3339(text).ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(UnixTime::since_epoch)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn times_of_the_log_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2023-11-14T22:13:20.123Z", Some(1_700_000_000_123)),
            ("2024-03-01T00:00:00Z", Some(1_709_251_200_000)),
            ("2023-02-29T00:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            let expected = expected.map(|milliseconds| UnixTime::since_epoch(Duration::from_millis(milliseconds)));
            assert_eq!(time(text), expected, "{text}");
        }
    }
}
