//! Owns the plugin and what happens to it: its roots, the calls that are out, and who has vouched for what.

use brama_engine::host::{RootId, StreamId};
use brama_fake::{Call, Proxy};
use serde_json::{Value, json};

use super::event::{Event, Failing, Said};
use super::laws::Vouched;
use crate::gateway;

pub(super) struct Plugin {
    /// Proxy, whose calls are out until they are answered.
    proxy: Proxy,
    vouched: Vouched,
    /// The roots that are at work, oldest first; the last has the configuration in force.
    roots: Vec<RootId>,
    last_root: u32,
}

impl Plugin {
    pub(super) fn new() -> Self {
        let vouched = Vouched::default();
        let proxy = Proxy::new(gateway::settings(), vouched.clone());
        let mut plugin = Self { proxy, vouched, roots: Vec::new(), last_root: 0 };
        plugin.reload();
        plugin
    }

    pub(super) fn take(&mut self, event: Event) {
        let proxy = &mut self.proxy;
        match event {
            Event::Headers(sent) => {
                let _stream = proxy.send(sent.headers());
            }
            Event::Body(number) => self.with(number, |proxy, stream| {
                let _flow = proxy.flow(stream);
            }),
            Event::Trailers(number, names) => self.with(number, |proxy, stream| {
                let _flow = proxy.trailers(stream, names);
            }),
            Event::Reset(number) => self.with(number, Proxy::reset),
            Event::Tick(root) => self.tick(root),
            Event::Reply(call, said) => self.reply(call, &said),
            Event::Reload => self.reload(),
            Event::End(root) => self.end(root),
            Event::Seconds(seconds) => proxy.later(seconds.into()),
            Event::Step(seconds) => proxy.step(seconds.into()),
            Event::Failing(failing) => proxy.fail(failing.into()),
        }
    }

    fn with(&mut self, number: u8, callback: impl FnOnce(&mut Proxy, StreamId)) {
        if let Some(stream) = nth(self.proxy.requests.keys(), number) {
            callback(&mut self.proxy, stream);
        }
    }

    fn tick(&mut self, number: u8) {
        let Some(root) = nth(self.roots.iter(), number) else { return };
        let _next = self.proxy.tick_of(root);
    }

    fn reply(&mut self, number: u8, said: &Said) {
        let Some(index) = usize::from(number).checked_rem(self.proxy.asked.len()) else { return };
        let call = self.proxy.asked.remove(index);
        let reply = reply(&call, said);
        if let Some((200, body)) = &reply
            && let Ok(Value::Object(said)) = serde_json::from_slice(body)
            && said.get("active") == Some(&Value::Bool(true))
        {
            self.vouched.extend(credential(&call));
        }
        self.proxy.reply_by(call.root, call.id, reply.as_ref().map(|(status, body)| (*status, &**body)));
    }

    /// A new root under the same policy; the old ones stay for as long as they have something to do.
    fn reload(&mut self) {
        self.last_root += 1;
        let root = RootId(self.last_root);
        self.roots.push(root);
        self.proxy.follow(root);
    }

    /// A root that is gone takes its calls with it.
    fn end(&mut self, number: u8) {
        let Some(root) = nth(self.roots.iter(), number).filter(|_root| self.roots.len() > 1) else { return };
        self.roots.retain(|other| *other != root);
        self.proxy.asked.retain(|call| call.root != root);
        self.proxy.end(root);
    }

    /// Nothing fails any more, nobody answers, and the clock goes on.
    pub(super) fn let_time_pass(&mut self) {
        self.proxy.fail(Failing::default().into());
        for _round in 0..8 {
            self.proxy.later(2);
            for number in 0..u8::try_from(self.roots.len()).unwrap_or(u8::MAX) {
                self.tick(number);
            }
        }
    }

    pub(super) fn assert_all_decided(&self) {
        for (id, request) in &self.proxy.requests {
            assert!(request.is_decided(), "{id:?} waits for ever");
        }
    }
}

/// The credential it asks about, where it asks about one.
fn credential(call: &Call) -> Option<String> {
    let value = call.form.as_ref()?.split('&').find_map(|field| field.strip_prefix("token="));
    Some(crate::path::decoded(value.expect("a form names a credential")))
}

fn token_use(call: &Call) -> &'static str {
    let is_for_key = call.form.as_ref().is_some_and(|form| form.contains("hint=api_key"));
    if is_for_key { "api_key" } else { "access_token" }
}

fn reply(call: &Call, said: &Said) -> Option<(u16, Vec<u8>)> {
    let is_feed = call.path().starts_with("/revocations");
    let page =
        |entries: Value, reset: bool| json!({ "entries": entries, "more": false, "reset": reset, "next": "f:1" });
    let body = match said {
        Said::Nothing => return None,
        Said::Bytes(status, body) => return Some((*status, body.clone())),
        Said::Good if is_feed => page(json!([]), false),
        Said::Good if call.path() == "/jwks.json" => return Some((200, gateway::KEYS.into())),
        Said::Good => json!({
            "active": true, "token_use": token_use(call),
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

fn nth<'a, T: Copy + 'a>(all: impl ExactSizeIterator<Item = &'a T>, number: u8) -> Option<T> {
    let index = usize::from(number).checked_rem(all.len())?;
    all.copied().nth(index)
}
