//! Owns how connections are accepted: how many there may be, and for how long one may say nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Semaphore;

use crate::feed::MAX_WAITING;

/// How many connections each listener may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Most {
    pub(crate) internal: usize,
    pub(crate) public: usize,
}

impl Most {
    /// Raises the limit of open files as far as the system lets us, and says so where it is too low for what is usual.
    pub(crate) fn raised() -> Self {
        let usual = Self { internal: MAX_WAITING.saturating_add(USUAL), public: USUAL };
        let files = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: files.maximum, maximum: files.maximum };
        let files = if setrlimit(Resource::Nofile, raised).is_ok() { files.maximum } else { files.current };
        let most = usual.within(files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX)));
        if most != usual {
            let Self { internal, public } = most;
            tracing::warn!(files, internal, public, "few files may be open, and so few connections");
        }
        most
    }

    /// One listener that is full leaves room for the other, and both for the database.
    fn within(self, files: usize) -> Self {
        let quarter = files.saturating_sub(OTHERS) / 4;
        if self.internal.saturating_add(self.public) <= quarter.saturating_mul(4) {
            return self;
        }
        Self { internal: self.internal.min(quarter.saturating_mul(3)), public: self.public.min(quarter) }
    }
}

/// Serves connections, up to `most` at once, until `stop` is done; then those that are open end with what they have begun.
/// Who finds no place waits to be accepted.
pub(crate) async fn serve(mut listener: impl Listener, router: Router, most: usize, stop: impl Future<Output = ()>) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(MAX_SILENCE);
    let places = Arc::new(Semaphore::new(most));
    let open = GracefulShutdown::new();
    let accepting = async {
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let (stream, _peer) = listener.accept().await;
            let service = TowerToHyperService::new(router.clone());
            let connection = open.watch(server.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                // A client that hangs up, sends no HTTP, or says nothing for too long.
                let _ended = connection.await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener);
    open.shutdown().await;
}

/// How long a client may take for a request's head, and be silent between two requests. A gateway closes a connection that it
/// does not use before.
const MAX_SILENCE: Duration = Duration::from_secs(15);

/// Files that are no connections.
const OTHERS: usize = 128;

/// For the requests of many gateways' workers.
const USUAL: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_shared() {
        let usual = Most { internal: 14_096, public: 4096 };
        assert_eq!(usual.within(usize::MAX), usual);
        assert_eq!(usual.within(20_000), usual);
        assert_eq!(usual.within(1024), Most { internal: 672, public: 224 });
    }
}
