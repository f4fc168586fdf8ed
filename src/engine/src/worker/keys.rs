//! Owns the fetches of keys of a worker: how they are sent, and who is told of their outcome.

use std::sync::Arc;

use brama_policy::identity::{KeyFetch, KeySet, Reply, Unavailable};

use super::Worker;
use crate::failures::Failing;
use crate::host::{CallId, Counter, RootHost, RootId};
use crate::jwks::Fetched;
use crate::sent_calls::Purpose;

impl Worker {
    /// Sends the fetches of keys that are due.
    pub(super) fn fetch_keys(&mut self, root: RootId, host: &mut impl RootHost) {
        for fetch in self.shared.jwks.due(root, host.now()) {
            match host.dispatch(&fetch.question()) {
                Ok(call) => {
                    host.count(Counter::KeyFetch);
                    self.shared.sent.insert(root, call, Purpose::Keys(Arc::clone(&fetch)));
                    self.shared.jwks.mark_sent(&fetch, root, call, host.now());
                }
                Err(reason) => self.on_keys(host, &fetch, Err(reason)),
            }
        }
    }

    /// Takes the reply to a fetch of keys; `false` where nobody needs it any more.
    pub(super) fn on_keys_reply(
        &mut self,
        host: &mut impl RootHost,
        fetch: &Arc<KeyFetch>,
        (root, call): (RootId, CallId),
        reply: Result<Reply<'_>, Unavailable>,
    ) -> bool {
        let ended = self.shared.jwks.call(fetch).and_then(|of_issuer| of_issuer.complete(root, call));
        if ended.is_some() {
            self.on_keys(host, fetch, reply.and_then(|reply| fetch.read(reply)));
        }
        ended.is_some()
    }

    /// Keeps the outcome of a fetch of keys, logs it, and wakes those who waited for it.
    fn on_keys(&mut self, host: &mut impl RootHost, fetch: &Arc<KeyFetch>, read: Result<KeySet, Unavailable>) {
        let now = host.now();
        let Some(fetched) = self.shared.jwks.end(fetch, read, now) else { return };
        let Fetched { outcome, left_out, waiters } = fetched;
        let name = format!("the keys of `{}` at `{}`", fetch.authority(), fetch.path());
        for key in left_out {
            host.count(Counter::KeyLeftOut);
            log::warn!("of {name}, one is left out: {key}");
        }
        let what = Failing::Keys(Arc::clone(fetch));
        match outcome {
            Ok(()) => self.complaints.works(&what, now, name),
            Err(reason) => {
                host.count(Counter::KeyFetchFailed);
                self.complaints.fails(what, &reason, now, &format!("{name} did not come"), &fetch.why(&reason));
            }
        }
        self.wake_waiters(host, waiters);
    }
}
