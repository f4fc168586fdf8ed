//! Owns a line of the gateway's access log as a request that can be judged anew, or what the log lacks for that.
//!
//! A log holds no headers, no query and no credential: of a caller it tells what the plugin found, and the facts that the policy
//! lists (`log.facts`). What a rule looks at besides makes the line one that cannot be judged, and never one that is guessed.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use brama_policy::authoring::Requires;
use brama_policy::deciding::{Decision, NoObserver, Policy, RuleId, UnixTime};
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

/// A line as it is written. What it must have tells it from a line of another kind; what is left out is null.
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

/// Why a line cannot be judged anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotJudged {
    /// Envoy answered it before the plugin was asked, or without it.
    #[error("the plugin did not judge it")]
    NotDecided,
    /// A log of another form, or an older one.
    #[error("the log has no `{0}`")]
    Member(&'static str),
    /// A member is neither text nor `null`.
    #[error("its `{0}` is no text")]
    Text(&'static str),
    /// `time` is none.
    #[error("its `time` is no time")]
    Time,
    /// `identity` is no JSON object.
    #[error("its `identity` is no JSON object")]
    Identity,
    /// It was refused before any policy was asked, so that none changes it.
    #[error("it was refused for `{0}`, whatever the policy")]
    Regardless(String),
    /// It was answered for something else than what a policy says.
    #[error("it was refused for `{0}`, which no policy decides")]
    Undecided(String),
    /// It was refused for something that no log has.
    #[error("it was refused for `{0}`: the header or the query that it was for is not in the log")]
    Unseen(String),
    /// The policies take a credential from different places, and the log tells of one.
    #[error("the policies read the {0} in different ways, and the log tells of one of them")]
    Presented(&'static str),
    /// It may be a preflight request, which a rule of one of the policies lets pass.
    #[error("a preflight request is told by its headers, which are not in the log")]
    Preflight,
    /// A rule needs a credential about which the line tells nothing.
    #[error("rule `{rule}` verifies the {kind}, of which the log tells nothing")]
    Unknown {
        /// The rule.
        rule: String,
        /// The kind of credential.
        kind: &'static str,
    },
    /// A rule needs a fact that was not logged.
    #[error("rule `{rule}` needs `{fact}`, which is not in the log; list it in `log.facts`")]
    Fact {
        /// The rule.
        rule: String,
        /// The fact.
        fact: String,
    },
    /// A rule has a condition on headers.
    #[error("rule `{0}` has a condition that reads headers, which are not in the log")]
    Headers(String),
    /// The policy before does not decide as the one that was in force.
    #[error("the policy before decides it otherwise than the log says: {0}")]
    Otherwise(String),
}

impl NotJudged {
    /// Whether another policy could decide it otherwise, for all that is known.
    #[must_use]
    pub const fn could_change(&self) -> bool {
        !matches!(self, Self::NotDecided | Self::Regardless(_))
    }
}

impl AccessLine {
    /// Reads a line; `None` where it is none of an access log.
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

    /// Whether two policies can be compared by what the log tells: not where they look at different parts of a request of which
    /// it tells one, or none.
    ///
    /// # Errors
    /// Why they cannot.
    pub fn compares(&self, policies: [&Policy; 2]) -> Result<(), NotJudged> {
        let identity = self.identity()?;
        for kind in CredentialKind::ALL {
            let [old, new] = policies.map(|policy| policy.presentation(kind, PRESENTED));
            let is_told = policies.iter().any(|policy| self.statement(kind, &identity, policy).is_some());
            if old.is_some() && new.is_some() && old != new && is_told {
                return Err(NotJudged::Presented(kind.as_str()));
            }
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
    /// What it does not tell.
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
        let known = |kind| self.statement(kind, &identity, policy);
        let [api_key, token] = CredentialKind::ALL.map(known);
        // Of what is not known it is known that it was not looked at; if it is now, the line cannot be judged.
        let presented = |statement: &Option<Statement>| statement.clone().unwrap_or(Statement::Refused);
        let statements = Statements { api_key: presented(&api_key), token: presented(&token) };
        let mut headers: Vec<_> = [(":method", method?), (":authority", host?), (":path", path?)]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into();
        statements.present(policy, &mut headers);
        let mut unknown = None;
        let answer = |kind| {
            let statement = match kind {
                CredentialKind::ApiKey => &api_key,
                CredentialKind::Token => &token,
            };
            statement.as_ref().map_or(Answer::Inactive, Statement::answer)
        };
        let is_known = |kind| match kind {
            CredentialKind::ApiKey => api_key.is_some(),
            CredentialKind::Token => token.is_some(),
        };
        let now = moment(time(at?).ok_or(NotJudged::Time)?);
        let authority = |lookup: &brama_policy::identity::Lookup| {
            if !is_known(lookup.kind()) {
                unknown = Some(lookup.kind());
            }
            answer(lookup.kind())
        };
        let decision = judge_before(policy, &headers, authority, now, &mut NoObserver);
        let Some(rule) = rule(&decision) else { return Ok(decision) };
        if let Some(kind) = unknown {
            return Err(NotJudged::Unknown { rule: rule.as_str().to_owned(), kind: kind.as_str() });
        }
        needed(policy, rule, &statements, &identity).map(|()| decision)
    }

    /// Whether the log says what a policy decides.
    ///
    /// # Errors
    /// It says otherwise: that policy was not the one in force, or the log does not hold what it looked at.
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

    /// What the plugin found of a credential; `None` where the log does not tell.
    fn statement(&self, kind: CredentialKind, identity: &Map<String, Value>, policy: &Policy) -> Option<Statement> {
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
        // A fact that this policy does not know it cannot need.
        let is_known = |fact: &str| {
            ["subject", "client_id", "client_type", "scope"].contains(&fact)
                || policy.further_facts(kind).any(|known| **known == *fact)
        };
        let stated = facts.iter().filter(|(fact, value)| is_known(fact) && !value.is_null());
        let stated: Map<_, _> = stated.map(|(fact, value)| (fact.clone(), (*value).clone())).collect();
        Statement::read(&Value::Object(stated), kind, policy).ok()
    }
}

/// Whether every fact that a rule needs is there, where it comes to need them.
fn needed(
    policy: &Policy,
    rule: &RuleId,
    statements: &Statements,
    identity: &Map<String, Value>,
) -> Result<(), NotJudged> {
    let route = policy.routes().find(|route| route.rule() == rule);
    let Some(Requires::Caller(caller)) = route.map(|route| route.requires()) else { return Ok(()) };
    let is_verified = |kind| matches!(statements.of(kind), Statement::Active(_));
    if !caller.credentials().all(is_verified) {
        return Ok(());
    }
    let rule = || rule.as_str().to_owned();
    if caller.reads_headers() {
        return Err(NotJudged::Headers(rule()));
    }
    match policy.facts_needed(&caller).into_iter().find(|fact| !identity.contains_key(fact)) {
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

/// Why what was refused for a denial of this code cannot be judged anew, where its code tells.
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

/// Any credential.
const PRESENTED: &str = "credential";

/// The denial that a path gives which is in the log, and a query which is not.
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
