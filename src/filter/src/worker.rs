//! Owns what the requests of one worker share, and who is told when an answer comes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use brama_policy::{Answer, Reply, Unavailable};

use crate::config::Settings;
use crate::flights::{Departure, Flights, Landed};
use crate::host::{CallId, Counter, RootHost, RootId, StreamId};
use crate::memory::{Key, Memory};
use crate::session::Session;

/// One worker of the proxy. It outlives a reload, which makes a new root context in the same worker.
#[derive(Debug, Default)]
pub struct Worker {
    learnt: Learnt,
    /// The requests that are open, to be found when their answer comes.
    sessions: RefCell<BTreeMap<StreamId, Weak<RefCell<Session>>>>,
}

/// What the requests of one worker share; clones share it too.
#[derive(Clone, Debug, Default)]
pub struct Learnt {
    /// What authorities have said.
    pub memory: Memory,
    /// What they are being asked.
    pub flights: Flights,
}

/// Whether a root context has to be called again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Somebody waits, and has to be told if no answer comes.
    Watch,
    /// Nobody does.
    Sleep,
}

impl Worker {
    /// Begins a request.
    #[must_use]
    pub fn open(&self, stream: StreamId, settings: Rc<Settings>) -> Rc<RefCell<Session>> {
        let session = Rc::new(RefCell::new(Session::new(stream, settings, self.learnt.clone())));
        if let Ok(mut sessions) = self.sessions.try_borrow_mut() {
            sessions.insert(stream, Rc::downgrade(&session));
        }
        session
    }

    /// Ends a request, whatever became of it.
    pub fn close(&self, stream: StreamId) {
        if let Ok(mut sessions) = self.sessions.try_borrow_mut() {
            sessions.remove(&stream);
        }
    }

    /// Sends what is to be sent, and tells those who have waited too long.
    pub fn on_tick(&self, root: RootId, host: &mut impl RootHost) -> Rest {
        for Departure { key, lookup, settings } in self.learnt.flights.departures() {
            let question = lookup.question(|name| settings.secret(name));
            let not_sent = |_failed| Answer::Unavailable(Unavailable::NotSent);
            match question.and_then(|question| host.ask(&question).map_err(not_sent)) {
                Ok(call) => {
                    host.count(Counter::Lookup);
                    self.learnt.flights.sent(key, root, call);
                }
                // Known without asking, or not to be asked.
                Err(answer) => {
                    let cancelled = self.learnt.flights.cancel(key);
                    self.tell_all(host, key, cancelled, &answer);
                }
            }
        }
        for (stream, key) in self.learnt.flights.overdue(host.now()) {
            self.tell(host, stream, key, Answer::Unavailable(Unavailable::NoReply));
        }
        if self.learnt.flights.is_idle() { Rest::Sleep } else { Rest::Watch }
    }

    /// The reply to a call has come, or (`None`) will not.
    pub fn on_reply(&self, root: RootId, host: &mut impl RootHost, call: CallId, reply: Option<Reply<'_>>) {
        let Some((key, landed)) = self.learnt.flights.land(root, call) else {
            return host.count(Counter::StrayReply);
        };
        let answer = match reply {
            Some(reply) => landed.lookup.answer(reply),
            None => Answer::Unavailable(Unavailable::NoReply),
        };
        self.learnt.memory.remember(&landed.lookup, &answer, host.now());
        self.tell_all(host, key, Some(landed), &answer);
    }

    /// A root context is gone, and its calls with it.
    pub fn abandoned_by(&self, root: RootId) {
        self.learnt.flights.abandoned_by(root);
    }

    fn tell_all(&self, host: &mut impl RootHost, key: Key, landed: Option<Landed>, answer: &Answer) {
        for stream in landed.into_iter().flat_map(|landed| landed.streams) {
            self.tell(host, stream, key, answer.clone());
        }
    }

    fn tell(&self, host: &mut impl RootHost, stream: StreamId, key: Key, answer: Answer) {
        let found = self.sessions.try_borrow().ok().and_then(|sessions| sessions.get(&stream)?.upgrade());
        let Some(session) = found else { return };
        // A session that is in the middle of a callback waits for nothing, so this does not happen; and if it did, its
        // request would stay paused, and end by the proxy's timeout.
        let Ok(mut session) = session.try_borrow_mut() else { return };
        if let Some(mut stream) = host.stream(stream) {
            session.on_answer(&mut stream, key, answer);
        }
    }
}
