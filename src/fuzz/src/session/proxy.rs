//! Owns the proxy around the plugin: its streams, roots and calls, and the credentials that were shown to be active.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use brama_engine::config::Settings;
use brama_engine::host::{CallId, RootId, StreamId};
use brama_engine::worker::{Flow, Worker};
use brama_policy::identity::{Reply, Unavailable};
use serde_json::{Value, json};

use super::event::{Event, Failing, Said, Sent};
use crate::gateway;

mod host;
mod stream;

use stream::Stream;

pub(super) struct Proxy {
    worker: Worker,
    settings: Rc<Settings>,
    outside: Outside,
    /// Roots at work, oldest first; the last has the configuration in force.
    roots: Vec<RootId>,
    last_stream: u32,
    last_root: u32,
}

/// The surroundings of the plugin, as its calls reach them.
struct Outside {
    streams: BTreeMap<StreamId, Stream>,
    /// The root whose callback is running.
    root: RootId,
    calls: Vec<Call>,
    last_call: u32,
    clock: Clock,
    failing: Failing,
    /// Credentials that an authority's reply, or a signature, has shown to be active.
    vouched: Rc<RefCell<BTreeSet<String>>>,
}

/// A call without a reply so far.
struct Call {
    root: RootId,
    id: CallId,
    path: String,
    /// Form of a lookup; `None`: a poll of a feed, or a fetch of keys.
    form: Option<String>,
}

#[derive(Clone, Copy, Default)]
struct Clock {
    seconds: u64,
    /// Sum of the wall clock's steps, in seconds.
    stepped: i64,
}

impl Proxy {
    pub(super) fn new() -> Self {
        let outside = Outside {
            streams: BTreeMap::new(),
            root: RootId(0),
            calls: Vec::new(),
            last_call: 0,
            clock: Clock::default(),
            failing: Failing::default(),
            vouched: Rc::default(),
        };
        let mut proxy = Self {
            worker: Worker::default(),
            settings: gateway::settings(),
            outside,
            roots: Vec::new(),
            last_stream: 1000,
            last_root: 0,
        };
        proxy.reload();
        proxy
    }

    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Headers(sent) => self.request(&sent),
            Event::Body(stream) => self.with(stream, |worker, id, _stream| worker.on_body(id)),
            Event::Trailers(stream, names) => self.with(stream, |worker, id, stream| {
                stream.trailers = names;
                worker.on_trailers(id, stream)
            }),
            Event::Reset(stream) => self.reset(stream),
            Event::Tick(root) => self.tick(root),
            Event::Reply(call, said) => self.reply(call, &said),
            Event::Reload => self.reload(),
            Event::End(root) => self.end(root),
            Event::Seconds(seconds) => self.set_clock(|clock| clock.seconds += u64::from(seconds)),
            Event::Step(seconds) => self.set_clock(|clock| clock.stepped += i64::from(seconds)),
            Event::Failing(failing) => self.outside.set_failing(failing),
        }
    }

    fn request(&mut self, sent: &Sent) {
        self.last_stream += 1;
        let id = StreamId(self.last_stream);
        let outside = &self.outside;
        let mut stream = Stream::new(sent, outside.clock, outside.failing, Rc::clone(&outside.vouched));
        let flow = self.worker.on_headers(id, Rc::clone(&self.settings), &mut stream);
        stream.answered(flow);
        self.outside.streams.insert(id, stream);
    }

    fn with(&mut self, number: u8, callback: impl FnOnce(&mut Worker, StreamId, &mut Stream) -> Flow) {
        let Some(id) = nth(self.outside.streams.keys(), number) else { return };
        let Some(stream) = self.outside.streams.get_mut(&id) else { return };
        let flow = callback(&mut self.worker, id, stream);
        stream.called_back(flow);
    }

    fn reset(&mut self, number: u8) {
        let Some(id) = nth(self.outside.streams.keys(), number) else { return };
        self.outside.streams.remove(&id);
        self.worker.close(id);
    }

    fn tick(&mut self, number: u8) {
        let Some(root) = nth(self.roots.iter(), number) else { return };
        self.outside.root = root;
        let _next = self.worker.on_tick(root, &mut self.outside);
    }

    fn reply(&mut self, number: u8, said: &Said) {
        let Some(index) = usize::from(number).checked_rem(self.outside.calls.len()) else { return };
        let call = self.outside.calls.remove(index);
        self.outside.root = call.root;
        let reply = call.reply(said);
        if let Some((200, body)) = &reply
            && let Ok(Value::Object(said)) = serde_json::from_slice(body)
            && said.get("active") == Some(&Value::Bool(true))
        {
            self.outside.vouched.borrow_mut().extend(call.credential());
        }
        let reply = reply.as_ref().map(|(status, body)| Reply { status: *status, body });
        self.worker.on_reply(call.root, &mut self.outside, call.id, reply.ok_or(Unavailable::NoReply));
    }

    /// Adds a new root under the same policy; the old ones stay until they end.
    fn reload(&mut self) {
        self.last_root += 1;
        let root = RootId(self.last_root);
        self.roots.push(root);
        self.worker.follow(root, &self.settings, self.outside.clock.moment());
    }

    /// Ends a root, and its calls with it; the last root stays.
    fn end(&mut self, number: u8) {
        let Some(root) = nth(self.roots.iter(), number).filter(|_root| self.roots.len() > 1) else { return };
        self.roots.retain(|other| *other != root);
        self.outside.calls.retain(|call| call.root != root);
        self.worker.abandoned_by(root);
    }

    fn set_clock(&mut self, step: impl FnOnce(&mut Clock)) {
        step(&mut self.outside.clock);
        for stream in self.outside.streams.values_mut() {
            stream.clock = self.outside.clock;
        }
    }

    /// Lets 16 seconds pass, with ticks and without failures or replies.
    pub(super) fn let_time_pass(&mut self) {
        self.outside.set_failing(Failing::default());
        for _round in 0..8 {
            self.set_clock(|clock| clock.seconds += 2);
            for number in 0..u8::try_from(self.roots.len()).unwrap_or(u8::MAX) {
                self.tick(number);
            }
        }
    }

    pub(super) fn assert_all_decided(&self) {
        for (id, stream) in &self.outside.streams {
            assert!(stream.is_decided(), "{id:?} waits for ever");
        }
    }
}

impl Outside {
    fn set_failing(&mut self, failing: Failing) {
        self.failing = failing;
        for stream in self.streams.values_mut() {
            stream.failing = failing;
        }
    }
}

impl Call {
    /// The credential of a lookup; `None`: another call.
    fn credential(&self) -> Option<String> {
        let value = self.form.as_ref()?.split('&').find_map(|field| field.strip_prefix("token="));
        Some(crate::path::decoded(value.expect("a form names a credential")))
    }

    fn token_use(&self) -> &'static str {
        let is_for_key = self.form.as_ref().is_some_and(|form| form.contains("hint=api_key"));
        if is_for_key { "api_key" } else { "access_token" }
    }

    fn reply(&self, said: &Said) -> Option<(u16, Vec<u8>)> {
        let is_feed = self.path.starts_with("/revocations");
        let page =
            |entries: Value, reset: bool| json!({ "entries": entries, "more": false, "reset": reset, "next": "f:1" });
        let body = match said {
            Said::Nothing => return None,
            Said::Bytes(status, body) => return Some((*status, body.clone())),
            Said::Good if is_feed => page(json!([]), false),
            Said::Good if self.path == "/jwks.json" => return Some((200, gateway::KEYS.into())),
            Said::Good => json!({
                "active": true, "token_use": self.token_use(),
                "sub": "u1", "client_id": gateway::CLIENT, "client_type": "MSP", "scope": "thing:delete thing:read",
                "exp": gateway::WALL + 90, "ext": { "tenant": "t" },
            }),
            Said::Revoked(0) => page(json!([]), true),
            Said::Revoked(which) => {
                let all = json!([
                    { "kind": "all" },
                    { "kind": "client", "client_id": gateway::CLIENT },
                    { "kind": "user", "user_id": "u1", "until": gateway::WALL + 60, "issued_before": gateway::WALL },
                    { "kind": "jti", "jti": "j", "at": gateway::WALL, "until": gateway::WALL + 60 },
                ]);
                page(json!([all[usize::from(*which) % 4]]), false)
            }
            Said::Inactive => json!({ "active": false }),
        };
        Some((200, body.to_string().into_bytes()))
    }
}

impl Clock {
    fn moment(self) -> brama_policy::deciding::Moment {
        let mut moment = gateway::moment(self.seconds);
        let wall = gateway::WALL.saturating_add(self.seconds).saturating_add_signed(self.stepped);
        moment.wall = brama_policy::deciding::UnixTime::from_seconds(wall);
        moment
    }
}

fn nth<'a, T: Copy + 'a>(all: impl ExactSizeIterator<Item = &'a T>, number: u8) -> Option<T> {
    let index = usize::from(number).checked_rem(all.len())?;
    all.copied().nth(index)
}
