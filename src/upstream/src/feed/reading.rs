//! Owns how pages are read: once for all who ask from the same place, one after the other, and never before they were asked
//! for, so that a page has whatever was committed before the question.

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

/// What all are answered who asked for one page.
pub(super) type Answer = Result<Arc<Document>, Arc<StoreError>>;

/// From where, and who is to be told.
type Question = (Since, oneshot::Sender<Answer>);

/// Where pages are asked for. A clone is another handle on the same reader.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    questions: mpsc::UnboundedSender<Question>,
    /// How many were read from the database.
    read: Arc<AtomicU64>,
}

impl Pages {
    /// Where to ask, and the work that answers.
    pub(super) fn of(store: Store, keep: Keep) -> (Self, impl Future<Output = ()>) {
        let (questions, asked) = mpsc::unbounded_channel();
        let read = Arc::new(AtomicU64::new(0));
        (Self { questions, read: Arc::clone(&read) }, answer(store, keep, asked, read))
    }

    /// What was revoked since, as it was at this moment or later.
    pub(super) async fn ask(&self, since: Since) -> Answer {
        let (answer, answered) = oneshot::channel();
        // Nobody answers only where the service ends.
        let _sent = self.questions.send((since, answer));
        timeout(TIMEOUT, answered).await.ok().and_then(Result::ok).unwrap_or_else(|| Err(Arc::new(StoreError::Timeout)))
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// Answers until nobody can ask any more.
async fn answer(store: Store, keep: Keep, mut asked: mpsc::UnboundedReceiver<Question>, read: Arc<AtomicU64>) {
    // Pages after which more follows. What they bring stays so: entries are not changed, and who asks from a place gets those
    // that follow it. An old one keeps nobody from news, since it says that there is more: its reader trusts nothing until it
    // has come to a page that was read for it.
    let mut kept = LruCache::<Since, Arc<Document>>::new(MAX_KEPT);
    let mut questions = Vec::new();
    // Who asks while these are answered is answered with the next.
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
            // Who begins is to begin at the head as it is.
            if let (Since::Cursor(_), Ok(page)) = (since, &answer)
                && page.more
            {
                kept.insert(since, Arc::clone(page));
            }
            let at_once = askers.len().div_ceil(MAX_PAUSES).max(AT_ONCE);
            for (told, asker) in (1..).zip(askers) {
                // Who has hung up meanwhile is told nothing.
                let _told = asker.send(answer.clone());
                if told % at_once == 0 {
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Readers that are woken at once, at least. Each of them writes an answer, and asks again.
const AT_ONCE: usize = 64;

/// Pause after these, in which other requests have their turn.
const PAUSE: Duration = Duration::from_millis(2);

/// Pauses for one page at most: of ten thousand readers the last is still told long before it gives up.
const MAX_PAUSES: usize = 80;

/// Each is of some hundred KiB.
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
        // All of them have asked before this runtime's one thread comes to who answers.
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
