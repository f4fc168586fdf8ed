//! Owns the feeds of a worker: how they are polled, and what a page does to the cache.

use std::fmt;

use brama_policy::identity::{Feed, Reply, Unavailable};

use super::Worker;
use crate::failures::Failing;
use crate::feeds::{FeedPoll, FeedUpdate};
use crate::host::{CallId, Counter, RootHost, RootId};
use crate::sent_calls::Purpose;

impl Worker {
    /// Polls the feeds that are due.
    pub(super) fn poll_feeds(&mut self, root: RootId, host: &mut impl RootHost) {
        for FeedPoll { feed, cursor, settings } in self.shared.feeds.due(host.now()) {
            let now = host.now();
            let question = feed.question(cursor.as_ref(), |name| settings.secret(name));
            match question.and_then(|question| host.dispatch(&question)) {
                Ok(call) => {
                    self.shared.sent.insert(root, call, Purpose::Feed(feed.fingerprint()));
                    self.shared.feeds.mark_sent(&feed, root, call, now);
                }
                Err(reason) => self.on_feed_failure(host, &feed, &reason),
            }
        }
    }

    /// Takes the reply to a poll; `false` where nobody needs it any more.
    pub(super) fn on_feed_reply(
        &mut self,
        host: &mut impl RootHost,
        fingerprint: u64,
        (root, call): (RootId, CallId),
        reply: Result<Reply<'_>, Unavailable>,
    ) -> bool {
        let feeds = &mut self.shared.feeds;
        let sent = feeds.call(fingerprint).and_then(|of_feed| of_feed.complete(root, call));
        let Some((sent, feed)) = sent.zip(feeds.feed(fingerprint)) else { return false };
        let page = reply.and_then(|reply| feed.page(reply));
        match page.and_then(|page| feeds.apply_page(&feed, sent, page, host.now())) {
            Err(reason) => self.on_feed_failure(host, &feed, &reason),
            Ok(update) => {
                host.count(Counter::FeedPage);
                self.complaints.works(&Failing::from(&*feed), host.now(), FeedOf(&feed));
                self.on_feed_update(host, &feed, update);
                // A long list is read page by page, and requests may wait for it.
                self.poll_feeds(root, host);
            }
        }
        true
    }

    fn on_feed_update(&mut self, host: &mut impl RootHost, feed: &Feed, update: FeedUpdate) {
        let FeedUpdate { revoked, denied, waiters } = update;
        for _credential in 0..self.shared.cache.revoke(feed, &revoked, &denied) {
            host.count(Counter::Revoked);
        }
        self.wake_waiters(host, waiters);
    }

    /// Records that a feed has not answered.
    fn on_feed_failure(&mut self, host: &mut impl RootHost, feed: &Feed, reason: &Unavailable) {
        host.count(Counter::FeedFailure);
        let update = self.shared.feeds.fail(feed, reason, host.now());
        let words = format!("{} cannot be followed", FeedOf(feed));
        self.complaints.fails(feed.into(), reason, host.now(), &words, &feed.why(reason));
        self.on_feed_update(host, feed, update);
    }
}

/// A feed, as it is told of.
struct FeedOf<'a>(&'a Feed);

impl fmt::Display for FeedOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the feed of revocations of `{}`", self.0.authority())
    }
}
