//! Owns the life of one request: judged when its headers come, paused while an authority is asked, then forwarded or
//! refused, once.

use std::rc::Rc;
use std::sync::Arc;

use brama_policy::{
    Answer, Awaiting, CredentialKind, Decision, Denial, Envelope, Grant, Lookup, Moment, Policy, Refused, RefusedBy,
    Request, RuleId, Step, Unavailable, Verifier,
};

use crate::config::Settings;
use crate::flights::Ticket;
use crate::heard::Heard;
use crate::host::{Counter, Host, RefusalNote, StreamId};
use crate::memory::Key;
use crate::token::{Known, Token};
use crate::waiting::Seat;
use crate::worker::{Learnt, Recalled};

/// One request.
#[derive(Debug)]
pub struct Session {
    stream: StreamId,
    settings: Rc<Settings>,
    learnt: Learnt,
    /// The request's id, as in answers and logs; empty until its headers have come.
    request_id: String,
    /// Its API key, once asked for.
    api_key: Option<Key>,
    /// What was learnt of the API key, where a feed can revoke it while the token is asked for.
    heard: Option<Heard>,
    /// Whether it was begun again, since that had been revoked.
    is_second: bool,
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
    key: Key,
    lookup: Lookup,
    awaiting: Awaiting,
    #[expect(dead_code, reason = "held, not read")]
    seat: Seat,
}

impl Session {
    /// A request that begins under these settings; it keeps them to its end, whatever is reloaded.
    #[must_use]
    pub const fn new(stream: StreamId, settings: Rc<Settings>, learnt: Learnt) -> Self {
        Self {
            stream,
            settings,
            learnt,
            request_id: String::new(),
            api_key: None,
            heard: None,
            is_second: false,
            phase: Phase::New,
        }
    }

    /// The request's headers have come.
    pub fn on_headers(&mut self, host: &mut impl Host) -> Flow {
        let headers = host.headers();
        match Request::new(&headers).id() {
            Some(sent) => sent.clone_into(&mut self.request_id),
            None => {
                self.request_id = host.fresh_id();
                if host.identify(&self.request_id).is_err() {
                    return self.refuse(host, &Refused::not_carried_out(), Some(&headers));
                }
            }
        }
        let step = self.settings.policy().begin(&Request::new(&headers));
        let now = host.now();
        self.advance(host, step, now, Some(&headers))
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

    /// The answer about a credential has come.
    pub fn on_answer(&mut self, host: &mut impl Host, key: Key, answer: Answer) {
        let Some((lookup, awaiting)) = self.end_wait(key, |_verifier| true) else {
            return host.count(Counter::StrayReply);
        };
        let now = host.now();
        let stale = self.instead(host, &lookup, key, &answer, now);
        let is_recalled = stale.is_some();
        let answer = stale.unwrap_or(answer);
        self.hear(&lookup, &answer, is_recalled);
        let step = match self.begun_again(host, lookup.kind(), now) {
            Some(first) => first,
            None => awaiting.resume(answer, now),
        };
        self.go_on(host, step, now);
    }

    /// What a token is verified with has come, or will not.
    pub fn on_ready(&mut self, host: &mut impl Host, key: Key) {
        let wait = self.end_wait(key, |verifier| matches!(verifier, Verifier::Jwt(_)));
        let Some((lookup, awaiting)) = wait else { return host.count(Counter::StrayReply) };
        let now = host.now();
        let step = match self.begun_again(host, lookup.kind(), now) {
            Some(first) => first,
            None => Step::Ask(lookup, awaiting),
        };
        self.go_on(host, step, now);
    }

    /// What the request waits for, if that is it. It waits no more, and its seat is free before it takes another.
    fn end_wait(&mut self, key: Key, is_it: impl FnOnce(&Verifier) -> bool) -> Option<(Lookup, Awaiting)> {
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

    /// Goes on until the request is decided or has to wait. `sent`: its headers, where they have been read.
    fn advance(&mut self, host: &mut impl Host, mut step: Step, now: Moment, sent: Option<&Headers>) -> Flow {
        loop {
            let (lookup, awaiting) = match step {
                Step::Done(Decision::Allow(grant)) => return self.allow(host, &grant, sent),
                Step::Done(Decision::Refuse(refused)) => return self.refuse(host, &refused, sent),
                Step::Ask(lookup, awaiting) => (lookup, awaiting),
            };
            // A store that is in use, which cannot be.
            let Some(key) = self.learnt.memory.key(&lookup) else {
                step = awaiting.resume(Answer::Unavailable(Unavailable::Shedding), now);
                continue;
            };
            let behind = self.api_key;
            match lookup.kind() {
                CredentialKind::ApiKey => self.api_key = Some(key),
                CredentialKind::Token => {}
            }
            match self.find_out(host, key, behind, &lookup, now) {
                Ok(answer) => {
                    let answer = self.instead(host, &lookup, key, &answer, now).unwrap_or(answer);
                    self.hear(&lookup, &answer, true);
                    step = awaiting.resume(answer, now);
                }
                Err(seat) => {
                    self.phase = Phase::Awaiting(Box::new(Wait { key, lookup, awaiting, seat }));
                    return Flow::Pause;
                }
            }
        }
    }

    /// What serves instead of an answer in an outage, if the policy has it so.
    fn instead(&self, host: &mut impl Host, lookup: &Lookup, key: Key, answer: &Answer, now: Moment) -> Option<Answer> {
        match answer {
            Answer::Unavailable(reason) if reason.is_outage() => {}
            Answer::Active(_) | Answer::Inactive | Answer::Rejected(_) | Answer::Unavailable(_) => return None,
        }
        let facts = self.learnt.stale(lookup, key, now)?;
        host.count(Counter::Stale);
        Some(Answer::Active(facts))
    }

    /// Takes note of what was learnt of the API key.
    fn hear(&mut self, lookup: &Lookup, answer: &Answer, is_recalled: bool) {
        if let (CredentialKind::ApiKey, Some(feed), Answer::Active(facts)) = (lookup.kind(), lookup.feed(), answer) {
            self.heard = Some(Heard::new(Arc::clone(feed), Arc::clone(facts), &self.learnt.feeds, is_recalled));
        }
    }

    /// The first step anew, where what was learnt of the API key may have been revoked while the token was asked for. Where that
    /// happens twice, nobody can say, and nothing that was learnt of it goes on in shadow mode either.
    fn begun_again(&mut self, host: &mut impl Host, kind: CredentialKind, now: Moment) -> Option<Step> {
        let heard = match kind {
            CredentialKind::ApiKey => None,
            CredentialKind::Token => self.heard.as_ref(),
        }?;
        let headers = host.headers();
        let first = self.settings.policy().begin(&Request::new(&headers));
        if !heard.is_overtaken(&first, &self.learnt.feeds, now) {
            return None;
        }
        host.count(Counter::Overtaken);
        self.heard = None;
        self.api_key = None;
        Some(match (std::mem::replace(&mut self.is_second, true), first) {
            (true, Step::Ask(_lookup, awaiting)) => awaiting.resume(Answer::Unavailable(Unavailable::Overtaken), now),
            (true | false, first) => first,
        })
    }

    /// What is known of a credential.
    ///
    /// # Errors
    /// A seat among those who wait to know.
    fn find_out(
        &self,
        host: &mut impl Host,
        key: Key,
        behind: Option<Key>,
        lookup: &Lookup,
        now: Moment,
    ) -> Result<Answer, Seat> {
        match lookup.verifier() {
            Verifier::Introspection(_) => {}
            Verifier::Jwt(jwt) => {
                let token = Token { stream: self.stream, settings: &self.settings, key, lookup, jwt };
                return match token.verify(&self.learnt, host, now) {
                    Known::Answer(answer) => Ok(answer),
                    Known::Later(seat) => Err(seat),
                };
            }
        }
        match self.learnt.recall(lookup, key, now) {
            Recalled::Answer(answer) => {
                host.count(Counter::Recalled);
                return Ok(answer);
            }
            Recalled::Distrusted => host.count(Counter::Distrusted),
            Recalled::Nothing => {}
        }
        match self.board(host, key, behind, lookup, now) {
            Some(seat) => Err(seat),
            None => {
                host.count(Counter::Shed);
                Ok(Answer::Unavailable(Unavailable::Shedding))
            }
        }
    }

    /// Takes a seat among those who wait for an answer; `None` where all are taken.
    fn board(&self, host: &mut impl Host, key: Key, behind: Option<Key>, lookup: &Lookup, now: Moment) -> Option<Seat> {
        let lookup = lookup.clone();
        let (settings, request_id) = (Rc::clone(&self.settings), self.request_id.clone());
        let ticket = Ticket { stream: self.stream, key, behind, lookup, settings, request_id };
        let (seat, joined) = self.learnt.flights.board(ticket, now).ok()?;
        if joined {
            host.count(Counter::Joined);
        }
        host.wake();
        Some(seat)
    }

    fn allow(&mut self, host: &mut impl Host, grant: &Grant, sent: Option<&Headers>) -> Flow {
        let reason = grant.would_refuse().and_then(|denial| self.settings.policy().reason(denial));
        if host.forward_as(grant, reason.as_deref()).is_err() {
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

    fn refuse(&mut self, host: &mut impl Host, refused: &Refused, sent: Option<&Headers>) -> Flow {
        let policy: &Policy = self.settings.policy();
        let denial = refused.denial();
        let rule = refused.rule().map_or("-", RuleId::as_str);
        let url = sent.map_or_else(|| Request::new(&host.headers()).url(), |headers| Request::new(headers).url());
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

/// As [`Host::headers`] tells them.
type Headers = [(String, Vec<u8>)];

/// Why the gateway itself does not vouch for a credential, where that is what was lacking.
fn count_rejected(host: &mut impl Host, denial: &Denial) {
    if let Denial::CredentialRefused(_, RefusedBy::Gateway(rejected)) = denial {
        host.count(Counter::Rejected(rejected.code()));
    }
}

/// A reason, as it stands in the log. Quoted, so that no text of a policy ends it early.
fn shown(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" reason={reason:?}")).unwrap_or_default()
}
