//! Owns the reading of pages, one after the other. Each is read once for all polls from the same cursor, after they
//! arrived, so that it has whatever was committed before them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hashlink::LruCache;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::document::Document;
use crate::store::revocation::{Keep, Since};
use crate::store::{Store, StoreError, TIMEOUT};

/// The answer to all polls for one page.
pub(super) type Answer = Result<Arc<Document>, Arc<StoreError>>;

/// A poll: the place to read from, and the channel of its answer.
type Question = (Since, oneshot::Sender<Answer>);

/// The reader of pages, as polls reach it. A clone is another handle on the same reader.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    questions: mpsc::UnboundedSender<Question>,
    /// Number of pages that were read from the database.
    read: Arc<AtomicU64>,
}

impl Pages {
    /// A reader, and the work that answers its polls.
    pub(super) fn of(store: Store, keep: Keep) -> (Self, impl Future<Output = ()>) {
        let (questions, asked) = mpsc::unbounded_channel();
        let read = Arc::new(AtomicU64::new(0));
        (Self { questions, read: Arc::clone(&read) }, answer(store, keep, asked, read))
    }

    /// The page after `since`, as of this call or later. Errors: that of the store, or [`StoreError::Timeout`].
    pub(super) async fn ask(&self, since: Since) -> Answer {
        let (answer, answered) = oneshot::channel();
        // An error means that the service ends.
        let _sent = self.questions.send((since, answer));
        timeout(TIMEOUT, answered).await.ok().and_then(Result::ok).unwrap_or_else(|| Err(Arc::new(StoreError::Timeout)))
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// Answers polls until the last handle is dropped.
async fn answer(store: Store, keep: Keep, mut asked: mpsc::UnboundedReceiver<Question>, read: Arc<AtomicU64>) {
    // Pages after which more follows. They stay correct, since entries are not changed and a cursor is always followed
    // by the same ones. An old page hides no revocation. Its reader has to go on to the last page, which is read for
    // it, and uses cached facts only then.
    let mut kept = LruCache::<Since, Arc<Document>>::new(MAX_KEPT);
    let mut questions = Vec::new();
    // Polls that arrive while these are answered are answered in the next round.
    while asked.recv_many(&mut questions, usize::MAX).await > 0 {
        let mut askers = HashMap::<Since, Vec<_>>::new();
        for (since, answer) in questions.drain(..).filter(|(_, answer)| !answer.is_closed()) {
            askers.entry(since).or_default().push(answer);
        }
        for (since, askers) in askers {
            let answer = match kept.get(&since) {
                Some(page) => Ok(Arc::clone(page)),
                None => {
                    read.fetch_add(1, Ordering::Relaxed);
                    store.revocations(since, &keep).await.map(|page| Arc::new(page.into())).map_err(Arc::new)
                }
            };
            // `Head` and `Start` begin at the head as it is, so that only pages of cursors are kept.
            if let (Since::Cursor(_), Ok(page)) = (since, &answer)
                && page.more
            {
                kept.insert(since, Arc::clone(page));
            }
            let at_once = askers.len().div_ceil(MAX_PAUSES).max(AT_ONCE);
            for (told, asker) in (1..).zip(askers) {
                // A poll whose client has hung up is passed over.
                let _told = asker.send(answer.clone());
                if told % at_once == 0 {
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Least number of polls that are answered before a pause. Each answer is soon followed by another poll.
const AT_ONCE: usize = 64;

/// Pause between polls, in which other requests have their turn.
const PAUSE: Duration = Duration::from_millis(2);

/// Most pauses for one page: of ten thousand readers the last is still answered long before it gives up.
const MAX_PAUSES: usize = 80;

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
        let (pages, answering) = Pages::of(store, KEEP);
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
