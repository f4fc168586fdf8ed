//! Owns the reading of pages, in rounds, and the polls that wait for news. A page is read once for all polls from the
//! same cursor, after they arrived, so that it has whatever was committed before them. The head is followed for all
//! polls that wait, so that a thousand of them cost the database one query.

use std::collections::HashMap;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hashlink::LruCache;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::document::Document;
use super::telling::{Answer, Telling, tell};
use crate::store::Store;
use crate::store::revocation::{Head, Keep, Since};

/// A poll: the place to read from, and the channel of its answer.
#[derive(Debug)]
pub(super) struct Poll {
    pub(super) since: Since,
    /// Wait for news: the poll is answered when there is some.
    pub(super) waits: bool,
    /// Change of the head since the poll began to wait.
    pub(super) is_woken: bool,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Reads pages, and keeps those that stay correct.
#[derive(Debug)]
pub(super) struct Reader {
    store: Store,
    keep: Keep,
    /// Pages after which more follows. They stay correct, since entries are not changed and a cursor is always followed
    /// by the same ones. An old page hides no revocation. Its reader has to go on to the last page, which is read for
    /// it, and uses cached facts only then.
    kept: LruCache<Since, Arc<Document>>,
    read: Arc<AtomicU64>,
    /// The head as it was last looked at.
    head: Option<Head>,
    /// Polls of this round.
    polls: Vec<Poll>,
    waiting: Vec<Poll>,
    telling: Telling,
}

impl Reader {
    /// A reader that adds each page it reads from the database to `read`.
    pub(super) fn of(store: Store, keep: Keep, read: Arc<AtomicU64>) -> Self {
        let (kept, telling) = (LruCache::new(MAX_KEPT), Telling::nobody());
        Self { store, keep, kept, read, head: None, polls: Vec::new(), waiting: Vec::new(), telling }
    }

    /// Answers polls, until the last handle of the feed is dropped.
    pub(super) async fn answer(mut self, mut asked: mpsc::UnboundedReceiver<Poll>) {
        let (mut revoked_here, mut next_look) = (self.store.revoked_here(), Instant::now());
        loop {
            let (has_waiting, has_to_tell) = (!self.waiting.is_empty(), !self.telling.is_over());
            // The head is first, and the rest is done in each round, so that no kind of work waits for another.
            tokio::select! {
                biased;
                Ok(()) = revoked_here.changed(), if has_waiting => next_look = self.look().await,
                () = sleep_until(next_look), if has_waiting => next_look = self.look().await,
                poll = asked.recv() => match poll {
                    Some(poll) => self.polls.push(poll),
                    None => return,
                },
                () = future::ready(()), if has_to_tell => {}
            }
            while let Ok(poll) = asked.try_recv() {
                self.polls.push(poll);
            }
            self.round().await;
            // Polls that arrive meanwhile share a reading, and other requests have their turn.
            sleep(PAUSE).await;
        }
    }

    /// Wakes all polls that wait if the head has changed, and says when to look again.
    async fn look(&mut self) -> Instant {
        self.waiting.retain(|poll| !poll.answer.is_closed());
        // After an error, polls read the feed at their deadlines.
        if let Ok(head) = self.store.revocation_head().await
            && self.head.replace(head) != Some(head)
        {
            self.polls.extend(self.waiting.drain(..).map(|poll| Poll { is_woken: true, ..poll }));
        }
        Instant::now() + LOOK
    }

    async fn round(&mut self) {
        let mut askers = HashMap::<Since, Vec<Poll>>::new();
        // A poll whose client has hung up is passed over.
        for poll in self.polls.drain(..).filter(|poll| !poll.answer.is_closed()) {
            askers.entry(poll.since).or_default().push(poll);
        }
        for (since, mut askers) in askers {
            let answer = self.page(since).await;
            if answer.as_ref().is_ok_and(|page| page.is_routine) {
                self.waiting.extend(askers.extract_if(.., |poll| poll.waits));
            }
            for Poll { is_woken, answer: asker, .. } in askers {
                if is_woken { self.telling.add(asker, answer.clone()) } else { tell(asker, answer.clone()) }
            }
        }
        self.telling.round();
    }

    async fn page(&mut self, since: Since) -> Answer {
        if let Some(page) = self.kept.get(&since) {
            return Ok(Arc::clone(page));
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        let page: Arc<Document> = Arc::new(self.store.revocations(since, &self.keep).await.map_err(Arc::new)?.into());
        // `Head` and `Start` begin at the head as it is, so that only pages of cursors are kept.
        if matches!(since, Since::Cursor(_)) && page.more {
            self.kept.insert(since, Arc::clone(&page));
        }
        Ok(page)
    }
}

/// Interval between two reads of the head while a poll waits. Revocations by other processes, or by hand in SQL, are
/// noticed so much later.
const LOOK: Duration = Duration::from_millis(50);

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_millis(2);

/// Most pages that are kept, each of some hundred KiB.
const MAX_KEPT: usize = 32;
