//! Owns the life of the service: open, listen, serve, stop.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::Settings;
use crate::feed::Feed;
use crate::listen::ListenError;
use crate::store::{Store, StoreError};
use crate::{internal_router, public_router};

/// Why the service could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A listener's address cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Signals or sockets failed.
    #[error("the system failed the service")]
    System(#[from] std::io::Error),
    /// The database cannot be used.
    #[error("cannot open the database")]
    Store(#[from] StoreError),
}

/// Serves until SIGTERM or SIGINT. Then the socket files go, and open requests have two seconds to be answered.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    // Asked for first, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let store = Store::open(&settings.database).await?;
    let public = settings.public.bind().await?;
    let internal = settings.internal.bind().await?;
    tracing::info!(public = public.address(), internal = internal.address(), "serving");

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
        tokio::try_join!(
            public.serve(public_router(store.clone()), wait(stopped.clone())),
            internal.serve(internal_router(feed.clone(), settings.secrets), wait(stopped)),
        )
    };
    tokio::pin!(serving);
    tokio::select! {
        // Nothing told it to stop, so this is an error, if it happens at all.
        ended = &mut serving => return Ok(ended.map(drop)?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    drop(stop);
    feed.stop();
    if tokio::time::timeout(GRACE, serving).await.is_err() {
        tracing::warn!("stopped with requests unanswered");
    }
    if tokio::time::timeout(GRACE, store.close()).await.is_err() {
        tracing::warn!("stopped with the database busy");
    }
    Ok(())
}

/// Longer than a request may wait for the store.
const GRACE: Duration = Duration::from_secs(2);
