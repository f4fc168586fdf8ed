//! Owns the acceptance of connections: their number, and the time for which a client may be silent.

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

/// Limits of the open connections of each listener.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Most {
    pub(crate) internal: usize,
    pub(crate) public: usize,
}

impl Most {
    /// The usual limits, or less where few files may be open. Raises the limit of open files (`RLIMIT_NOFILE`) to the
    /// hard limit first, and logs a warning where that is too low for the usual limits.
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

    /// Limits that fit `files` open files, with room for the database: three quarters for the internal listener and one
    /// for the public one, so that a full listener leaves room for the other.
    fn within(self, files: usize) -> Self {
        let quarter = files.saturating_sub(OTHERS) / 4;
        if self.internal.saturating_add(self.public) <= quarter.saturating_mul(4) {
            return self;
        }
        Self { internal: self.internal.min(quarter.saturating_mul(3)), public: self.public.min(quarter) }
    }
}

/// Serves up to `most` connections at once until `stop` is done; the open ones then finish their requests. A connection
/// beyond `most` waits to be accepted.
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
                // The error of a client that hangs up, sends no HTTP, or is silent for too long.
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

/// Time limit for a request's head, and for the silence between two requests. A gateway closes its idle connections
/// earlier.
const MAX_SILENCE: Duration = Duration::from_secs(15);

/// Open files that are reserved for everything but connections.
const OTHERS: usize = 128;

/// Usual limit of connections, for the requests of many gateways' workers.
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
