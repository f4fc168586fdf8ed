//! Owns the life of one request: judged when its headers come, paused while an authority is asked, then forwarded or
//! refused, once.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use brama_policy::deciding::{
    Awaiting, Decision, Denial, Envelope, Grant, Moment, ReadRequest, Refused, RefusedBy, Request, RuleId, Step,
};
use brama_policy::identity::{Answer, Lookup, Unavailable, Verifier};

use crate::cache::CacheKey;
use crate::config::Settings;
use crate::held_identity::HeldIdentity;
use crate::host::{Counter, Host, RefusalNote, StreamId};
use crate::jwt_verification::{JwtVerification, Outcome};
use crate::pending_call::Full;
use crate::pending_lookups::{Joined, LookupRequest};
use crate::sent_calls::Purpose;
use crate::shared::{CacheLookup, Shared};

/// One request whose headers have come.
#[derive(Debug)]
pub(crate) struct Session {
    stream: StreamId,
    settings: Rc<Settings>,
    /// The request's id, as in answers and logs.
    request_id: String,
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
    /// The call it waits for.
    purpose: Purpose,
    lookup: Lookup,
    awaiting: Awaiting,
    course: Course,
    /// The request's URL, for a refusal.
    url: String,
}

/// What is kept of a request from one of its lookups to the next.
#[derive(Debug, Default)]
struct Course {
    /// Cache key of its first credential, once that is looked up.
    first: Option<CacheKey>,
    /// The facts that a feed can revoke while another credential is looked up.
    held: Vec<HeldIdentity>,
    /// Whether it was restarted, since a credential had been revoked meanwhile.
    restarted: bool,
}

/// The URL of a request: of its headers, while the host's are at hand, or as it was kept.
#[derive(Clone, Copy)]
enum Url<'a> {
    Of(&'a ReadRequest<'a>),
    Kept(&'a str),
}

impl Session {
    /// Judges a request whose headers have come, under these settings; it keeps them to its end, whatever is reloaded.
    pub(crate) fn begin(stream: StreamId, settings: Rc<Settings>, shared: &mut Shared, host: &mut impl Host) -> Self {
        let headers = host.headers();
        let policy = Arc::clone(settings.policy());
        let request = policy.read_request(&Request::new(&headers));
        let mut session = Self { stream, settings, request_id: String::new(), phase: Phase::Refused };
        // First: whatever becomes of the request, its target is logged.
        if let Some(target) = request.target_without_credentials()
            && host.set_target(target).is_err()
        {
            session.refuse(host, &Refused::not_carried_out(), Url::Of(&request));
            return session;
        }
        match request.id() {
            Some(sent) => sent.clone_into(&mut session.request_id),
            None => {
                session.request_id = host.new_request_id();
                if host.set_request_id(&session.request_id).is_err() {
                    session.refuse(host, &Refused::not_carried_out(), Url::Of(&request));
                    return session;
                }
            }
        }
        let now = host.now();
        let step = request.begin(now);
        session.advance(shared, host, step, Course::default(), now, Url::Of(&request));
        session
    }

    /// Answer to the proxy at each callback.
    pub(crate) const fn flow(&self) -> Flow {
        match self.phase {
            Phase::Allowed => Flow::Continue,
            Phase::Awaiting(_) | Phase::Refused => Flow::Pause,
        }
    }

    /// The call that it waits for.
    pub(crate) fn waits_for(&self) -> Option<&Purpose> {
        match &self.phase {
            Phase::Awaiting(wait) => Some(&wait.purpose),
            Phase::Allowed | Phase::Refused => None,
        }
    }

    /// The request's trailers have come: those that could be taken for an identity are removed.
    pub(crate) fn on_trailers(&mut self, host: &mut impl Host) -> Flow {
        if matches!(self.phase, Phase::Refused) {
            return self.flow();
        }
        let removed = host.trailer_names().and_then(|names| {
            let mut taken = names.iter().filter(|name| self.settings.policy().strips_trailer(name));
            taken.try_for_each(|name| host.remove_trailer(name))
        });
        if removed.is_err() {
            let (policy, headers) = (Arc::clone(self.settings.policy()), host.headers());
            self.refuse(host, &Refused::not_carried_out(), Url::Of(&policy.read_request(&Request::new(&headers))));
        }
        self.flow()
    }

    /// Takes the answer about a credential.
    pub(crate) fn on_answer(&mut self, shared: &mut Shared, host: &mut impl Host, key: CacheKey, answer: Answer) {
        let Some(wait) = self.end_wait(key, |_verifier| true) else { return host.count(Counter::StrayReply) };
        let Wait { lookup, awaiting, mut course, url, .. } = wait;
        let now = host.now();
        let stale = stale_fallback(shared, host, &lookup, key, &answer, now);
        let is_cached = stale.is_some();
        let answer = stale.unwrap_or(answer);
        let step = match course.first_revoked(shared, host, now) {
            Some(revoked) => course.restart(revoked, awaiting, now),
            None => {
                course.hold(shared, lookup, &awaiting, &answer, is_cached);
                awaiting.resume(answer, now)
            }
        };
        self.go_on(shared, host, step, course, now, &url);
    }

    /// Verifies the token again: keys or the deny list have come, or will not.
    pub(crate) fn on_ready(&mut self, shared: &mut Shared, host: &mut impl Host, key: CacheKey) {
        let wait = self.end_wait(key, |verifier| matches!(verifier, Verifier::Jwt(_)));
        let Some(wait) = wait else { return host.count(Counter::StrayReply) };
        let Wait { lookup, awaiting, mut course, url, .. } = wait;
        let now = host.now();
        let step = match course.first_revoked(shared, host, now) {
            Some(revoked) => course.restart(revoked, awaiting, now),
            None => Step::Ask(lookup, awaiting),
        };
        self.go_on(shared, host, step, course, now, &url);
    }

    /// Ends the wait for this credential, if the request waits for it.
    fn end_wait(&mut self, key: CacheKey, is_it: impl FnOnce(&Verifier) -> bool) -> Option<Wait> {
        match std::mem::replace(&mut self.phase, Phase::Refused) {
            Phase::Awaiting(wait) if wait.key == key && is_it(wait.lookup.verifier()) => Some(*wait),
            other => {
                self.phase = other;
                None
            }
        }
    }

    fn go_on(&mut self, shared: &mut Shared, host: &mut impl Host, step: Step, course: Course, now: Moment, url: &str) {
        self.advance(shared, host, step, course, now, Url::Kept(url));
        match self.flow() {
            Flow::Continue => host.resume(),
            Flow::Pause => {}
        }
    }

    /// Goes on until the request is decided or has to wait.
    fn advance(
        &mut self,
        shared: &mut Shared,
        host: &mut impl Host,
        mut step: Step,
        mut course: Course,
        now: Moment,
        url: Url<'_>,
    ) {
        loop {
            let (lookup, awaiting) = match step {
                Step::Done(Decision::Allow(grant)) => return self.allow(host, &grant, url),
                Step::Done(Decision::Refuse(refused)) => return self.refuse(host, &refused, url),
                Step::Ask(lookup, awaiting) => (lookup, awaiting),
            };
            let key = shared.cache.key(&lookup);
            shared.cache.settle(&lookup, key);
            let behind = course.first.filter(|first| *first != key);
            course.first.get_or_insert(key);
            match self.resolve(shared, host, key, behind, &lookup, now) {
                Outcome::Ready(answer) => {
                    let answer = stale_fallback(shared, host, &lookup, key, &answer, now).unwrap_or(answer);
                    course.hold(shared, lookup, &awaiting, &answer, true);
                    step = awaiting.resume(answer, now);
                }
                Outcome::Pending(purpose) => {
                    let wait = Wait { key, purpose, lookup, awaiting, course, url: url.text().into_owned() };
                    self.phase = Phase::Awaiting(Box::new(wait));
                    return;
                }
            }
        }
    }

    /// The answer about a credential, or the call to wait for.
    fn resolve(
        &self,
        shared: &mut Shared,
        host: &mut impl Host,
        key: CacheKey,
        behind: Option<CacheKey>,
        lookup: &Lookup,
        now: Moment,
    ) -> Outcome {
        match lookup.verifier() {
            Verifier::Introspection(_) => {}
            Verifier::Jwt(jwt) => {
                let token = JwtVerification { stream: self.stream, settings: &self.settings, key, lookup, jwt };
                return token.verify(shared, host, now);
            }
            Verifier::Unclaimed(unclaimed) => return Outcome::Ready(unclaimed.clone().into()),
        }
        match shared.cached(lookup, key, now) {
            CacheLookup::Hit(answer) => {
                host.count(Counter::CacheHit);
                return Outcome::Ready(answer);
            }
            CacheLookup::FeedStale => host.count(Counter::FeedStale),
            CacheLookup::Miss => {}
        }
        let (stream, settings, request_id) = (self.stream, &self.settings, &*self.request_id);
        let request = LookupRequest { stream, key, behind, lookup, settings, request_id };
        match shared.lookups.join_or_start(request, now) {
            Ok(joined) => {
                match joined {
                    Joined::InProgress => host.count(Counter::LookupJoined),
                    Joined::Started => {}
                }
                host.request_tick();
                Outcome::Pending(Purpose::Lookup(key))
            }
            Err(Full) => {
                host.count(Counter::LookupShed);
                Outcome::Ready(Answer::Unavailable(Unavailable::Shedding))
            }
        }
    }

    fn allow(&mut self, host: &mut impl Host, grant: &Grant, url: Url<'_>) {
        let reason = grant.would_refuse().and_then(|denial| self.settings.policy().reason(denial));
        if host.apply_grant(grant, reason.as_deref()).is_err() {
            return self.refuse(host, &Refused::not_carried_out(), url);
        }
        host.count(Counter::Allowed);
        let rule = grant.rule().map_or("-", RuleId::as_str);
        match grant.would_refuse() {
            None => log::debug!("decision=allow rule.id={rule} request.id={}", self.request_id),
            Some(denial) => {
                host.count(Counter::WouldRefuse(denial.code().to_owned()));
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
    }

    fn refuse(&mut self, host: &mut impl Host, refused: &Refused, url: Url<'_>) {
        let policy = self.settings.policy();
        let denial = refused.denial();
        let rule = refused.rule().map_or("-", RuleId::as_str);
        let envelope = Envelope { url: &url.text(), request_id: &self.request_id };
        let reason = policy.reason(denial);
        self.phase = Phase::Refused;
        host.count(Counter::Refused(denial.code().to_owned()));
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
    }
}

impl Course {
    /// Keeps a credential's facts while the next one is looked up.
    fn hold(&mut self, shared: &Shared, lookup: Lookup, awaiting: &Awaiting, answer: &Answer, is_cached: bool) {
        if let (Answer::Active(facts), false) = (answer, awaiting.is_last()) {
            self.held.extend(HeldIdentity::new(lookup, Arc::clone(facts), &shared.feeds, is_cached));
        }
    }

    /// Number of the first facts that may have been revoked while another credential was looked up.
    fn first_revoked(&self, shared: &Shared, host: &mut impl Host, now: Moment) -> Option<usize> {
        let revoked = self.held.iter().position(|held| held.was_revoked(&shared.feeds, now))?;
        host.count(Counter::RevokedInFlight);
        Some(revoked)
    }

    /// The step of a credential anew, since it may have been revoked. Where that happens twice, it counts as
    /// unverifiable, and its facts are not used in shadow mode either.
    fn restart(&mut self, revoked: usize, awaiting: Awaiting, now: Moment) -> Step {
        let held = self.held.drain(revoked..).next();
        let first = match held {
            Some(held) => awaiting.restart(held.kind()),
            None => return awaiting.resume(Answer::Unavailable(Unavailable::RevokedInFlight), now),
        };
        match (std::mem::replace(&mut self.restarted, true), first) {
            (true, Step::Ask(_lookup, awaiting)) => {
                awaiting.resume(Answer::Unavailable(Unavailable::RevokedInFlight), now)
            }
            (true | false, first) => first,
        }
    }
}

impl<'a> Url<'a> {
    fn text(self) -> Cow<'a, str> {
        match self {
            Self::Of(request) => Cow::Owned(request.url()),
            Self::Kept(url) => Cow::Borrowed(url),
        }
    }
}

/// Expired facts that serve in an outage, if the policy lets them.
fn stale_fallback(
    shared: &mut Shared,
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
    let facts = shared.stale(lookup, key, now)?;
    host.count(Counter::StaleServed);
    Some(Answer::Active(facts))
}

/// Counts a JWT that the gateway itself rejected, by its reason.
fn count_rejected(host: &mut impl Host, denial: &Denial) {
    if let Denial::CredentialRefused(_, RefusedBy::Gateway { rejected, .. }) = denial {
        host.count(Counter::Rejected(rejected.code()));
    }
}

/// A reason in its log form. Quoted, so that no text of a policy ends it early.
fn shown(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" reason={reason:?}")).unwrap_or_default()
}
