//! Owns the observer of a judgement: it collects the core's events as steps, and adds the steps that were not reached.

use std::collections::BTreeMap;

use brama_policy::authoring::{NearMiss, Requires, RouteView};
use brama_policy::deciding::{
    ConditionFailed, Decision, Denial, Event, FactReference, Observer, Policy, Source, Stage, UnixTime,
};
use brama_policy::identity::{CredentialKind, Stated};
use brama_replay::Statements;
use serde_json::{Value, json};

use super::stage::{Outcome, Told};
use super::words;

/// The observer of one judgement, with the steps so far.
pub(crate) struct Story<'a> {
    policy: &'a Policy,
    statements: &'a Statements,
    now: UnixTime,
    told: BTreeMap<Stage, Told>,
    /// The stage at which something was lacking.
    lack: Option<Stage>,
    is_preflight: bool,
}

impl Observer for Story<'_> {
    fn note(&mut self, note: Event<'_>) {
        match note {
            Event::Read { method, host, path } => {
                self.say(Stage::Request, format!("one reading: method {method}, host {host}, path {path}"));
                self.detail(Stage::Request, [("method", json!(method)), ("host", json!(host)), ("path", json!(path))]);
            }
            Event::Preflight { method } => {
                self.is_preflight = true;
                self.say(Stage::Route, format!("a CORS preflight request, which asks about {method}"));
                self.detail(Stage::Route, [("preflight_for", json!(method))]);
            }
            Event::Routed { rule, template, captures } => {
                self.say(Stage::Route, format!("{}  {template}", rule.as_str()));
                captures.iter().for_each(|(name, value)| self.say(Stage::Route, format!("{name} = {value}")));
                let captures: BTreeMap<_, _> = captures.iter().map(|(name, value)| (name, value)).collect();
                let detail =
                    [("rule", json!(rule.as_str())), ("template", json!(template)), ("captures", json!(captures))];
                self.detail(Stage::Route, detail);
            }
            // A stage without a requirement is added at the end.
            Event::Public => {}
            Event::Shadow => {
                self.say(Stage::Route, "in shadow mode: what is lacking is marked, and the request goes on");
                self.detail(Stage::Route, [("shadow", json!(true))]);
            }
            Event::Presented { kind, source } => {
                let kind = kind.as_str();
                let words = match source {
                    Source::Header(_) => format!("`{}`", source.name()),
                    Source::Cookie { .. } | Source::Parameter { .. } => format!("the {source}"),
                };
                self.say(Stage::Credentials, format!("{kind} in {words}: there, once and well formed"));
                self.detail(Stage::Credentials, [(kind, json!({ source.word(): source.name(), "lack": null }))]);
            }
            Event::NotPresented { kind, sources, lack } => {
                let kind = kind.as_str();
                let line = format!("{kind}: {}", words::lack(lack, self.policy));
                self.say(Stage::Credentials, line);
                self.detail(Stage::Credentials, [(kind, lacking(sources, lack))]);
            }
            Event::Absent { kind } => {
                self.say(Stage::Credentials, format!("{}: not there, and not needed", kind.as_str()));
                self.detail(Stage::Credentials, [(kind.as_str(), json!(null))]);
            }
            Event::NonePresented { of } => {
                let names: Vec<_> = of.iter().map(CredentialKind::as_str).collect();
                self.say(
                    Stage::Credentials,
                    format!("none of {} is there, and one of them has to be", names.join(", ")),
                );
                self.detail(Stage::Credentials, [("any", json!({ "of": names, "lack": "unauthenticated" }))]);
            }
            Event::Audience { kind, wanted, is_for_it } => {
                let verdict = if is_for_it { "is for" } else { "is not for" };
                self.say(Stage::Verified, format!("{} {verdict} `{wanted}`", kind.as_str()));
            }
            Event::Verified { kind, facts } => {
                self.say(Stage::Verified, format!("{}: {}", kind.as_str(), words::facts(facts)));
                self.detail(Stage::Verified, [(kind.as_str(), words::facts_json(facts))]);
            }
            Event::Compared { later, earlier } => {
                let sides = [later, earlier].map(|(reference, value)| words::stated(reference, value));
                let [one, two] = &sides;
                let texts = [later, earlier].map(|(_reference, value)| value.and_then(Stated::text));
                let is_equal = texts[0].is_some() && texts[0] == texts[1];
                let verdict = if is_equal { "equal" } else { "not equal" };
                self.say(Stage::Binding, format!("{one} and {two}: {verdict}"));
                let side = |(reference, value): (&FactReference, Option<Stated<'_>>)| json!({ "fact": reference.to_string(), "value": value.map(Stated::json) });
                self.detail(
                    Stage::Binding,
                    [(later.0.of.as_str(), side(later)), (earlier.0.of.as_str(), side(earlier))],
                );
            }
            Event::Scopes { of, wanted, granted } => {
                self.say(Stage::Scopes, words::scopes(of, wanted, granted));
                self.detail(Stage::Scopes, [(of.as_str(), words::scopes_json(wanted, granted))]);
            }
            Event::Exempt { client_type } => {
                self.say(Stage::Owner, format!("client type {client_type} may act on anybody's"));
                self.detail(Stage::Owner, [("exempt", json!(client_type))]);
            }
            Event::Owner { param: (name, named), fact: (reference, stated), is_list, is_owner } => {
                let verdict = if is_owner { "the caller's own" } else { "somebody else's" };
                let (named_words, stated_words) = (named.unwrap_or("nothing"), words::stated(reference, stated));
                self.say(Stage::Owner, format!("{name} is {named_words}, {stated_words}: {verdict}"));
                let relation = if is_list { "in" } else { "equals" };
                let fact = json!({ "fact": reference.to_string(), "value": stated.map(Stated::json) });
                self.detail(Stage::Owner, [("param", json!({ "name": name, "value": named })), (relation, fact)]);
            }
            Event::Condition { source, outcome } => self.condition(source, outcome),
            Event::Lacking(denial) => self.lacking(denial),
        }
    }
}

/// A lack of a credential, with the place in which it could stand, or with all of several.
fn lacking(sources: &[Source], lack: &Denial) -> Value {
    match sources {
        [only] => json!({ only.word(): only.name(), "lack": lack.code() }),
        several => {
            let places: Vec<_> = several.iter().map(|source| json!({ source.word(): source.name() })).collect();
            json!({ "from": places, "lack": lack.code() })
        }
    }
}

impl<'a> Story<'a> {
    pub(crate) const fn new(policy: &'a Policy, statements: &'a Statements, now: UnixTime) -> Self {
        Self { policy, statements, now, told: BTreeMap::new(), lack: None, is_preflight: false }
    }

    pub(crate) const fn is_preflight(&self) -> bool {
        self.is_preflight
    }

    /// All steps in the order of judgement, also those that were not reached.
    pub(crate) fn end(mut self, decision: &Decision, route: Option<RouteView<'_>>, near: &[NearMiss<'_>]) -> Vec<Told> {
        self.near(route.is_some(), near);
        if self.is_preflight
            && let Some(route) = route
            && let Some(because) = route.preflight()
        {
            let line = format!("{} lets preflight requests pass: {because}", route.rule().as_str());
            self.say(Stage::Route, line);
            self.detail(Stage::Route, [("rule", json!(route.rule().as_str())), ("because", json!(because))]);
        }
        match decision {
            Decision::Allow(grant) => {
                let lines = words::forwarded(grant);
                lines.into_iter().for_each(|line| self.say(Stage::Forward, line));
                let set: BTreeMap<_, _> = grant.set().iter().map(|(name, value)| (name, value)).collect();
                self.detail(Stage::Forward, [("remove", json!(grant.remove())), ("set", json!(set))]);
            }
            Decision::Refuse(_refused) => {}
        }
        let Self { mut told, lack, is_preflight, .. } = self;
        let missing = |stage: Stage| match lack {
            Some(lack) if stage > lack => Told::brief(stage, Outcome::NotReached, "not reached"),
            Some(_) | None => Told::brief(stage, Outcome::NotRequired, not_required(stage, route, is_preflight)),
        };
        Stage::ALL.into_iter().map(|stage| told.remove(&stage).unwrap_or_else(|| missing(stage))).collect()
    }

    fn step(&mut self, stage: Stage) -> &mut Told {
        self.told.entry(stage).or_insert_with(|| Told::new(stage, Outcome::Passed))
    }

    fn say(&mut self, stage: Stage, line: impl Into<String>) {
        self.step(stage).lines.push(line.into());
    }

    fn detail<const N: usize>(&mut self, stage: Stage, members: [(&str, Value); N]) {
        self.step(stage).detail.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }

    fn condition(&mut self, source: &str, outcome: Result<bool, ConditionFailed>) {
        let (line, judged) = match outcome {
            Ok(true) => (format!("{source}: holds"), json!({ "source": source, "holds": true })),
            Ok(false) => (format!("{source}: does not hold"), json!({ "source": source, "holds": false })),
            Err(reason) => (
                format!("{source}: cannot be judged, {reason}"),
                json!({ "source": source, "holds": null, "reason": reason.to_string() }),
            ),
        };
        self.say(Stage::Conditions, line);
        let judged_before = self.step(Stage::Conditions).detail.entry("judged").or_insert_with(|| json!([]));
        if let Some(list) = judged_before.as_array_mut() {
            list.push(judged);
        }
    }

    fn lacking(&mut self, denial: &Denial) {
        let stage = denial.stage();
        self.lack = Some(stage);
        match (stage, denial.credential()) {
            (Stage::Verified, Some(kind)) => {
                let reason = words::not_verified(denial, self.statements.of(kind), self.policy, self.now);
                self.say(stage, format!("{}: {reason}", kind.as_str()));
            }
            (Stage::Request | Stage::Route | Stage::Verified | Stage::Forward, _) => {
                self.say(stage, words::lack(denial, self.policy));
            }
            // The events of these stages have shown what was compared.
            (Stage::Credentials | Stage::Binding | Stage::Scopes | Stage::Owner | Stage::Conditions, _) => {}
        }
        self.detail(stage, [("lack", json!(denial.code()))]);
        if let Some(reason) = self.policy.reason(denial) {
            self.detail(stage, [("reason", json!(reason))]);
        }
        self.step(stage).outcome = Outcome::Lacking;
    }

    /// Adds the near routes to the step of the route. If a route was found, these are its rivals; else all that were
    /// near.
    fn near(&mut self, is_routed: bool, near: &[NearMiss<'_>]) {
        if self.is_preflight || near.is_empty() || !self.told.contains_key(&Stage::Route) {
            return;
        }
        let told: Vec<_> = near.iter().filter(|near| !is_routed || words::is_rival(&near.apart)).collect();
        told.iter().take(MAX_NEAR).for_each(|near| self.say(Stage::Route, words::near(near, is_routed)));
        if let more @ 1.. = told.len().saturating_sub(MAX_NEAR) {
            self.say(Stage::Route, format!("and {more} more that are near"));
        }
        let near: Vec<_> = told
            .iter()
            .map(|near| json!({ "rule": near.route.rule().as_str(), "apart": words::apart_code(&near.apart) }))
            .collect();
        self.detail(Stage::Route, [("not_taken", json!(near))]);
    }
}

fn not_required(stage: Stage, route: Option<RouteView<'_>>, is_preflight: bool) -> String {
    match route.map(|route| route.requires()) {
        Some(_) if is_preflight => "nothing required: a preflight request".to_owned(),
        Some(Requires::Nothing { because }) => format!("nothing required: public, {because}"),
        Some(Requires::Caller(caller)) if stage == Stage::Scopes => match caller.because() {
            None => "nothing required: any verified caller will do".to_owned(),
            Some(because) => format!("nothing required: a credential is optional, {because}"),
        },
        Some(Requires::Caller(_)) | None => "nothing required".to_owned(),
    }
}

/// The limit on near routes that are shown.
const MAX_NEAR: usize = 5;
