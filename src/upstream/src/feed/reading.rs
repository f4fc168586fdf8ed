//! Owns the reading of pages, in rounds, and the polls that wait for news. A page is read once for all polls from the
//! same cursor, after they arrived, so that it has whatever was committed before them.

use std::collections::HashMap;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hashlink::LruCache;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::document::Document;
use super::telling::{Answer, Telling, tell};
use crate::store::revocation::{Head, Keep, Since};
use crate::store::{Store, StoreError, TIMEOUT};

/// A poll: the place to read from, and the channel of its answer.
#[derive(Debug)]
struct Question {
    since: Since,
    /// Wait for news: the poll is answered when there is some.
    waits: bool,
    /// Change of the head since the poll began to wait.
    is_woken: bool,
    answer: oneshot::Sender<Answer>,
}

/// The reader of pages, as polls reach it. A clone is another handle on the same reader.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    questions: mpsc::UnboundedSender<Question>,
    /// Number of pages that were read from the database.
    read: Arc<AtomicU64>,
}

impl Pages {
    /// A reader, and the work that answers its polls. Those that wait are looked at again when `heads` changes.
    pub(super) fn of(
        store: Store,
        keep: Keep,
        heads: watch::Receiver<Option<Head>>,
    ) -> (Self, impl Future<Output = ()>) {
        let (questions, asked) = mpsc::unbounded_channel();
        let read = Arc::new(AtomicU64::new(0));
        let reader = Reader { store, keep, kept: LruCache::new(MAX_KEPT), read: Arc::clone(&read) };
        (Self { questions, read }, answer(reader, asked, heads))
    }

    /// The page after `since`, as of this call or later. Errors: that of the store, or [`StoreError::Timeout`].
    pub(super) async fn ask(&self, since: Since) -> Answer {
        let answered = self.put(since, false);
        timeout(TIMEOUT, answered).await.ok().and_then(Result::ok).unwrap_or_else(|| Err(Arc::new(StoreError::Timeout)))
    }

    /// The page after `since` once there is news, however long that takes. Errors: that of the store.
    pub(super) async fn news(&self, since: Since) -> Answer {
        self.put(since, true).await.unwrap_or_else(|_ended| Err(Arc::new(StoreError::Timeout)))
    }

    fn put(&self, since: Since, waits: bool) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        // An error means that the service ends.
        let _sent = self.questions.send(Question { since, waits, is_woken: false, answer });
        answered
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// Work of the reader, until its last handle is dropped. Where the head is followed no longer, polls that wait are
/// answered at their deadlines.
async fn answer(
    mut reader: Reader,
    mut asked: mpsc::UnboundedReceiver<Question>,
    mut heads: watch::Receiver<Option<Head>>,
) {
    let (mut questions, mut waiting) = (Vec::new(), Vec::<Question>::new());
    let mut most_waiting = 0;
    let mut telling = Telling::nobody();
    loop {
        tokio::select! {
            question = asked.recv() => match question {
                Some(question) => questions.push(question),
                None => return,
            },
            Ok(()) = heads.changed() => wake(&mut waiting, &mut questions),
            () = future::ready(()), if !telling.is_over() => {}
        }
        // Each round has them all: those of one kind do not wait for another.
        while let Ok(question) = asked.try_recv() {
            questions.push(question);
        }
        if heads.has_changed().is_ok_and(|has_changed| has_changed) {
            heads.mark_unchanged();
            wake(&mut waiting, &mut questions);
        }
        let mut askers = HashMap::<Since, Vec<Question>>::new();
        // A poll whose client has hung up is passed over.
        for question in questions.drain(..).filter(|question| !question.answer.is_closed()) {
            askers.entry(question.since).or_default().push(question);
        }
        for (since, mut askers) in askers {
            let answer = reader.page(since).await;
            if answer.as_ref().is_ok_and(|page| page.is_routine) {
                waiting.extend(askers.extract_if(.., |question| question.waits));
            }
            for Question { is_woken, answer: asker, .. } in askers {
                if is_woken { telling.add(asker, answer.clone()) } else { tell(asker, answer.clone()) }
            }
        }
        telling.round();
        // Whoever waits no longer is forgotten before their number doubles.
        if waiting.len() > most_waiting {
            waiting.retain(|question| !question.answer.is_closed());
            most_waiting = waiting.len().saturating_mul(2);
        }
        // Polls that arrive meanwhile share a reading, and other requests have their turn.
        sleep(PAUSE).await;
    }
}

fn wake(waiting: &mut Vec<Question>, questions: &mut Vec<Question>) {
    questions.extend(waiting.drain(..).map(|question| Question { is_woken: true, ..question }));
}

/// Reads pages, and keeps those that stay correct.
#[derive(Debug)]
struct Reader {
    store: Store,
    keep: Keep,
    /// Pages after which more follows. They stay correct, since entries are not changed and a cursor is always followed
    /// by the same ones. An old page hides no revocation. Its reader has to go on to the last page, which is read for
    /// it, and uses cached facts only then.
    kept: LruCache<Since, Arc<Document>>,
    read: Arc<AtomicU64>,
}

impl Reader {
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

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_millis(2);

/// Most pages that are kept, each of some hundred KiB.
const MAX_KEPT: usize = 32;

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const KEEP: Keep = Keep { retention: Duration::from_secs(3600), longest_jwt: Duration::from_secs(3600) };

    #[tokio::test]
    async fn page_is_read_once_for_all_who_asked_before_and_anew_for_who_asks_later() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", folder.path().display());
        let store = Store::open(&url.parse().unwrap()).await.unwrap();
        let (_head, heads) = watch::channel(None);
        let (pages, answering) = Pages::of(store, KEEP, heads);
        let mut tasks = JoinSet::new();
        // All tasks have polled before this runtime's one thread comes to the one that answers.
        for _ in 0..100 {
            let pages = pages.clone();
            tasks.spawn(async move { pages.ask(Since::Head).await.map(drop) });
        }
        tasks.spawn(async {
            answering.await;
            Ok(())
        });
        while pages.read() == 0 {
            tokio::task::yield_now().await;
        }
        // That reading has begun, or is over.
        pages.ask(Since::Head).await.unwrap();
        assert_eq!(pages.read(), 2);
        drop(pages);
        tasks.join_all().await.into_iter().collect::<Result<(), _>>().unwrap();
    }
}
