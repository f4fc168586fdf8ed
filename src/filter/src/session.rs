//! Owns the life of one request: judged when its headers come, paused while an authority is asked, then forwarded or
//! refused, once.

use std::rc::Rc;
use std::sync::Arc;

use brama_policy::{
    Answer, Awaiting, CredentialKind, Decision, Denial, Envelope, Grant, Lookup, Moment, ReadRequest, Refused,
    RefusedBy, Request, RuleId, Step, Unavailable, Verifier,
};

use crate::cache::CacheKey;
use crate::config::Settings;
use crate::held_api_key::HeldApiKey;
use crate::host::{Counter, Host, RefusalNote, StreamId};
use crate::jwt_verification::{JwtVerification, Outcome};
use crate::pending_lookups::LookupRequest;
use crate::waiters::WaiterGuard;
use crate::worker::{CacheLookup, Shared};

/// One request.
#[derive(Debug)]
pub struct Session {
    stream: StreamId,
    settings: Rc<Settings>,
    shared: Shared,
    /// The request's id, as in answers and logs; empty until its headers have come.
    request_id: String,
    /// Cache key of its API key, once that is looked up.
    api_key: Option<CacheKey>,
    /// The API key's facts, where a feed can revoke them while the token is looked up.
    held_api_key: Option<HeldApiKey>,
    /// Restart of the request, since its API key had been revoked meanwhile.
    restarted: bool,
    phase: Phase,
}

/// What a callback tells the proxy.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on with the request.
    Continue,
    /// Hold it.
    Pause,
}

#[derive(Debug)]
enum Phase {
    /// Its headers have not come.
    New,
    /// It waits for an answer. Boxed: most requests never wait.
    Awaiting(Box<Wait>),
    /// It may pass.
    Allowed,
    /// It was answered.
    Refused,
}

#[derive(Debug)]
struct Wait {
    key: CacheKey,
    lookup: Lookup,
    awaiting: Awaiting,
    #[expect(dead_code, reason = "held, not read")]
    guard: WaiterGuard,
}

impl Session {
    /// A request that begins under these settings; it keeps them to its end, whatever is reloaded.
    #[must_use]
    pub const fn new(stream: StreamId, settings: Rc<Settings>, shared: Shared) -> Self {
        Self {
            stream,
            settings,
            shared,
            request_id: String::new(),
            api_key: None,
            held_api_key: None,
            restarted: false,
            phase: Phase::New,
        }
    }

    /// The request's headers have come.
    pub fn on_headers(&mut self, host: &mut impl Host) -> Flow {
        let headers = host.headers();
        let settings = Rc::clone(&self.settings);
        let request = settings.policy().read_request(&Request::new(&headers));
        match request.id() {
            Some(sent) => sent.clone_into(&mut self.request_id),
            None => {
                self.request_id = host.new_request_id();
                if host.set_request_id(&self.request_id).is_err() {
                    return self.refuse(host, &Refused::not_carried_out(), Some(&request));
                }
            }
        }
        let step = request.begin();
        let now = host.now();
        self.advance(host, step, now, Some(&request))
    }

    /// A part of the request's body has come.
    pub fn on_body(&self) -> Flow {
        self.flow()
    }

    /// The request's trailers have come: those that could be taken for an identity are removed.
    pub fn on_trailers(&mut self, host: &mut impl Host) -> Flow {
        if matches!(self.phase, Phase::Refused) {
            return self.flow();
        }
        let Ok(names) = host.trailer_names() else {
            return self.refuse(host, &Refused::not_carried_out(), None);
        };
        for name in names {
            if self.settings.policy().strips(&name) && host.remove_trailer(&name).is_err() {
                return self.refuse(host, &Refused::not_carried_out(), None);
            }
        }
        self.flow()
    }

    /// Takes the answer about a credential.
    pub fn on_answer(&mut self, host: &mut impl Host, key: CacheKey, answer: Answer) {
        let Some((lookup, awaiting)) = self.end_wait(key, |_verifier| true) else {
            return host.count(Counter::StrayReply);
        };
        let now = host.now();
        let stale = self.stale_fallback(host, &lookup, key, &answer, now);
        let is_cached = stale.is_some();
        let answer = stale.unwrap_or(answer);
        self.hold_api_key(&lookup, &answer, is_cached);
        let step = match self.restart_if_revoked(host, lookup.kind(), now) {
            Some(first) => first,
            None => awaiting.resume(answer, now),
        };
        self.go_on(host, step, now);
    }

    /// Verifies the token again: keys or the deny list have come, or will not.
    pub fn on_ready(&mut self, host: &mut impl Host, key: CacheKey) {
        let wait = self.end_wait(key, |verifier| matches!(verifier, Verifier::Jwt(_)));
        let Some((lookup, awaiting)) = wait else { return host.count(Counter::StrayReply) };
        let now = host.now();
        let step = match self.restart_if_revoked(host, lookup.kind(), now) {
            Some(first) => first,
            None => Step::Ask(lookup, awaiting),
        };
        self.go_on(host, step, now);
    }

    /// Ends the wait for this credential, if the request waits for it; its place as a waiter is free afterwards.
    fn end_wait(&mut self, key: CacheKey, is_it: impl FnOnce(&Verifier) -> bool) -> Option<(Lookup, Awaiting)> {
        match std::mem::replace(&mut self.phase, Phase::Refused) {
            Phase::Awaiting(wait) if wait.key == key && is_it(wait.lookup.verifier()) => {
                let Wait { lookup, awaiting, .. } = *wait;
                Some((lookup, awaiting))
            }
            other => {
                self.phase = other;
                None
            }
        }
    }

    fn go_on(&mut self, host: &mut impl Host, step: Step, now: Moment) {
        match self.advance(host, step, now, None) {
            Flow::Continue => host.resume(),
            Flow::Pause => {}
        }
    }

    /// Goes on until the request is decided or has to wait. `sent`: the request as read, while its headers are at hand.
    fn advance(&mut self, host: &mut impl Host, mut step: Step, now: Moment, sent: Option<&ReadRequest<'_>>) -> Flow {
        loop {
            let (lookup, awaiting) = match step {
                Step::Done(Decision::Allow(grant)) => return self.allow(host, &grant, sent),
                Step::Done(Decision::Refuse(refused)) => return self.refuse(host, &refused, sent),
                Step::Ask(lookup, awaiting) => (lookup, awaiting),
            };
            // The cache is borrowed, which cannot be.
            let Some(key) = self.shared.cache.key(&lookup) else {
                step = awaiting.resume(Answer::Unavailable(Unavailable::Shedding), now);
                continue;
            };
            let behind = self.api_key;
            match lookup.kind() {
                CredentialKind::ApiKey => self.api_key = Some(key),
                CredentialKind::Token => {}
            }
            match self.resolve(host, key, behind, &lookup, now) {
                Ok(answer) => {
                    let answer = self.stale_fallback(host, &lookup, key, &answer, now).unwrap_or(answer);
                    self.hold_api_key(&lookup, &answer, true);
                    step = awaiting.resume(answer, now);
                }
                Err(guard) => {
                    self.phase = Phase::Awaiting(Box::new(Wait { key, lookup, awaiting, guard }));
                    return Flow::Pause;
                }
            }
        }
    }

    /// Expired facts that serve in an outage, if the policy lets them.
    fn stale_fallback(
        &self,
        host: &mut impl Host,
        lookup: &Lookup,
        key: CacheKey,
        answer: &Answer,
        now: Moment,
    ) -> Option<Answer> {
        match answer {
            Answer::Unavailable(reason) if reason.is_outage() => {}
            Answer::Active(_) | Answer::Inactive | Answer::Rejected(_) | Answer::Unavailable(_) => return None,
        }
        let facts = self.shared.stale(lookup, key, now)?;
        host.count(Counter::StaleServed);
        Some(Answer::Active(facts))
    }

    /// Keeps the API key's facts while the token is looked up.
    fn hold_api_key(&mut self, lookup: &Lookup, answer: &Answer, is_cached: bool) {
        if let (CredentialKind::ApiKey, Some(feed), Answer::Active(facts)) = (lookup.kind(), lookup.feed(), answer) {
            self.held_api_key =
                Some(HeldApiKey::new(Arc::clone(feed), Arc::clone(facts), &self.shared.feeds, is_cached));
        }
    }

    /// The first step anew, where the API key may have been revoked while the token was looked up. Where that happens
    /// twice, the key counts as unverifiable, and its facts are not used in shadow mode either.
    fn restart_if_revoked(&mut self, host: &mut impl Host, kind: CredentialKind, now: Moment) -> Option<Step> {
        let held_api_key = match kind {
            CredentialKind::ApiKey => None,
            CredentialKind::Token => self.held_api_key.as_ref(),
        }?;
        let headers = host.headers();
        let first = self.settings.policy().begin(&Request::new(&headers));
        if !held_api_key.was_revoked(&first, &self.shared.feeds, now) {
            return None;
        }
        host.count(Counter::RevokedInFlight);
        self.held_api_key = None;
        self.api_key = None;
        Some(match (std::mem::replace(&mut self.restarted, true), first) {
            (true, Step::Ask(_lookup, awaiting)) => {
                awaiting.resume(Answer::Unavailable(Unavailable::RevokedInFlight), now)
            }
            (true | false, first) => first,
        })
    }

    /// The answer about a credential, if it is known now.
    ///
    /// # Errors
    /// The request has to wait: the guard of its place among the waiters.
    fn resolve(
        &self,
        host: &mut impl Host,
        key: CacheKey,
        behind: Option<CacheKey>,
        lookup: &Lookup,
        now: Moment,
    ) -> Result<Answer, WaiterGuard> {
        match lookup.verifier() {
            Verifier::Introspection(_) => {}
            Verifier::Jwt(jwt) => {
                let token = JwtVerification { stream: self.stream, settings: &self.settings, key, lookup, jwt };
                return match token.verify(&self.shared, host, now) {
                    Outcome::Ready(answer) => Ok(answer),
                    Outcome::Pending(guard) => Err(guard),
                };
            }
        }
        match self.shared.cached(lookup, key, now) {
            CacheLookup::Hit(answer) => {
                host.count(Counter::CacheHit);
                return Ok(answer);
            }
            CacheLookup::FeedStale => host.count(Counter::FeedStale),
            CacheLookup::Miss => {}
        }
        match self.join_lookup(host, key, behind, lookup, now) {
            Some(guard) => Err(guard),
            None => {
                host.count(Counter::LookupShed);
                Ok(Answer::Unavailable(Unavailable::Shedding))
            }
        }
    }

    /// Joins or starts the lookup of a credential; `None` where a limit is reached.
    fn join_lookup(
        &self,
        host: &mut impl Host,
        key: CacheKey,
        behind: Option<CacheKey>,
        lookup: &Lookup,
        now: Moment,
    ) -> Option<WaiterGuard> {
        let lookup = lookup.clone();
        let (settings, request_id) = (Rc::clone(&self.settings), self.request_id.clone());
        let request = LookupRequest { stream: self.stream, key, api_key: behind, lookup, settings, request_id };
        let (guard, joined) = self.shared.lookups.join_or_start(request, now).ok()?;
        if joined {
            host.count(Counter::LookupJoined);
        }
        host.request_tick();
        Some(guard)
    }

    fn allow(&mut self, host: &mut impl Host, grant: &Grant, sent: Option<&ReadRequest<'_>>) -> Flow {
        let reason = grant.would_refuse().and_then(|denial| self.settings.policy().reason(denial));
        if host.apply_grant(grant, reason.as_deref()).is_err() {
            return self.refuse(host, &Refused::not_carried_out(), sent);
        }
        host.count(Counter::Allowed);
        let rule = grant.rule().map_or("-", RuleId::as_str);
        match grant.would_refuse() {
            None => log::debug!("decision=allow rule.id={rule} request.id={}", self.request_id),
            Some(denial) => {
                host.count(Counter::WouldRefuse(denial.code()));
                count_rejected(host, denial);
                log::info!(
                    "decision=allow would_refuse={} rule.id={rule} request.id={}{}",
                    denial.code(),
                    self.request_id,
                    shown(reason.as_deref()),
                );
            }
        }
        self.phase = Phase::Allowed;
        self.flow()
    }

    fn refuse(&mut self, host: &mut impl Host, refused: &Refused, sent: Option<&ReadRequest<'_>>) -> Flow {
        let policy = self.settings.policy();
        let denial = refused.denial();
        let rule = refused.rule().map_or("-", RuleId::as_str);
        let url = sent.map_or_else(|| policy.read_request(&Request::new(&host.headers())).url(), ReadRequest::url);
        let envelope = Envelope { url: &url, request_id: &self.request_id };
        let reason = policy.reason(denial);
        // Before the answer: the proxy may end the request within the call.
        self.phase = Phase::Refused;
        host.count(Counter::Refused(denial.code()));
        count_rejected(host, denial);
        // An outage is for the operator to see; all else is the client's.
        let level = if denial.status() == 503 { log::Level::Warn } else { log::Level::Info };
        log::log!(
            level,
            "decision=refuse decision.code={} status={} rule.id={rule} request.id={}{}",
            denial.code(),
            denial.status(),
            self.request_id,
            shown(reason.as_deref()),
        );
        let note = RefusalNote { denial: denial.code(), rule, reason: reason.as_deref(), identity: refused.identity() };
        host.refuse(&policy.refusal(denial, envelope), note);
        self.flow()
    }

    fn flow(&self) -> Flow {
        match self.phase {
            Phase::Allowed => Flow::Continue,
            Phase::New | Phase::Awaiting(_) | Phase::Refused => Flow::Pause,
        }
    }
}

/// Counts a JWT that the gateway itself rejected, by its reason.
fn count_rejected(host: &mut impl Host, denial: &Denial) {
    if let Denial::CredentialRefused(_, RefusedBy::Gateway(rejected)) = denial {
        host.count(Counter::Rejected(rejected.code()));
    }
}

/// A reason in its log form. Quoted, so that no text of a policy ends it early.
fn shown(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" reason={reason:?}")).unwrap_or_default()
}
