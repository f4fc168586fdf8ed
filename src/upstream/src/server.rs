//! Owns the life of the service: open, listen, serve, stop.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::accept::Most;
use crate::config::Settings;
use crate::feed::Feed;
use crate::listen::ListenError;
use crate::operations::Operations;
use crate::store::{Store, StoreError};
use crate::{internal_router, public_router};

/// Failure that keeps the service from starting, or from going on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A listener cannot be bound to its address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Signals or sockets failed.
    #[error("the system failed the service")]
    System(#[from] std::io::Error),
    /// The database cannot be used.
    #[error("cannot open the database")]
    Store(#[from] StoreError),
}

/// Serves until SIGTERM or SIGINT. Then it reports that it is not ready, for the settings' `drain`, removes the socket
/// files, and finishes the requests in progress.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    // Registered first, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    // A write beyond the limit of a file's size is an error then; by default SIGXFSZ ends the process.
    let _too_large = signal(SignalKind::from_raw(SIGXFSZ))?;

    let store = Store::open_with(&settings.database, settings.connections).await?;
    let public = settings.public.bind().await?;
    let internal = settings.internal.bind().await?;
    tracing::info!(public = public.address(), internal = internal.address(), "serving");

    let most = Most::raised();
    let operations = Operations::new(settings.max_requests);
    let feed = Feed::start(store.clone(), settings.keep);
    let (stop, stopped) = watch::channel(());
    let wait = |mut stopped: watch::Receiver<()>| {
        async move |file| {
            // An error means that the sender is gone, which is a reason to stop as well.
            let _ = stopped.changed().await;
            drop(file);
        }
    };
    let serving = async {
        let public_router = public_router(store.clone(), operations.clone());
        let internal_router = internal_router(feed.clone(), settings.secrets, operations.clone());
        tokio::join!(
            public.serve(public_router, most.public, wait(stopped.clone())),
            internal.serve(internal_router, most.internal, wait(stopped)),
        );
    };
    tokio::pin!(serving);
    tokio::select! {
        // Serving ends only after `stop` is dropped, so this does not happen.
        () = &mut serving => return Ok(()),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    operations.stop();
    if !settings.drain.is_zero() {
        tokio::select! {
            () = &mut serving => return Ok(()),
            () = tokio::time::sleep(settings.drain) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    drop(stop);
    feed.stop();
    match finished(serving, operations.idle(), GRACE, MAX_WORK).await {
        Finished::Served => {}
        Finished::Idle => tracing::info!("stopped with connections open on which nothing was asked"),
        Finished::No => tracing::warn!("stopped with requests unanswered"),
    }
    if tokio::time::timeout(GRACE, store.close()).await.is_err() {
        tracing::warn!("stopped with the database busy");
    }
    Ok(())
}

/// Outcome of the wait for open connections.
#[derive(Debug, Eq, PartialEq)]
enum Finished {
    /// Every connection is closed.
    Served,
    /// No request is in progress. The open connections are silent, or their peers do not read.
    Idle,
    /// Requests are still in progress.
    No,
}

/// Waits for the connections to end, while requests are in progress and `grace` after the last; at most for `longest`.
async fn finished<T>(
    serving: impl Future<Output = T>,
    idle: impl Future<Output = ()>,
    grace: Duration,
    longest: Duration,
) -> Finished {
    let answered = async {
        idle.await;
        // Time for answers to be read, and for requests that were on their way when the end began.
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        _ = serving => Finished::Served,
        () = answered => Finished::Idle,
        () = tokio::time::sleep(longest) => Finished::No,
    }
}

/// Number of the signal in Linux on x86, ARM and RISC-V.
const SIGXFSZ: i32 = 25;

/// Time for connections after the last request, and for the database to close: longer than a request may wait for the
/// store.
const GRACE: Duration = Duration::from_secs(2);

/// Limit of the wait for requests: longer than a revocation of many rows may take.
const MAX_WORK: Duration = Duration::from_secs(32);

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::listen::Listener;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn work_is_waited_for_beyond_the_grace() {
        let operations = Operations::new(1);
        let work = operations.work(Listener::Public);
        let end = finished(pending::<()>(), operations.idle(), SHORT, LONG);
        tokio::pin!(end);
        assert!(tokio::time::timeout(SHORT * 4, &mut end).await.is_err());
        drop(work);
        assert_eq!(end.await, Finished::Idle);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_without_end() {
        let idle = finished(pending::<()>(), async {}, SHORT, LONG).await;
        let busy = finished(pending::<()>(), pending(), SHORT, SHORT * 2).await;
        let served = finished(async {}, pending(), LONG, LONG).await;
        assert_eq!((idle, busy, served), (Finished::Idle, Finished::No, Finished::Served));
    }
}
