//! Owns the log: the form of its lines, those of panics among them, and a writer that delays no request.

use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Starts the log on stderr, with a line for each panic.
///
/// A thread of its own writes the lines. While the disk or the pipe is full, or the pipe is closed, lines are lost and
/// counted, and requests go on. The returned guard keeps the log going; its drop waits a moment for the last lines.
pub fn start(filter: &str, format: LogFormat) -> Result<WorkerGuard> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("BRAMA_LOG: `{filter}` says not what to log"))?;
    let stderr = io::stderr();
    let colours = stderr.is_terminal();
    let (lines_out, writer) = NonBlockingBuilder::default().buffered_lines_limit(BUFFERED).finish(Counting(stderr));
    let _started_before = NOT_TAKEN.set(lines_out.error_counter());
    lines(filter, format, colours, lines_out).try_init().context("cannot start the log")?;
    // The standard library's hook would write lines of its own, between those that machines read, and wait for a full
    // pipe.
    panic::set_hook(Box::new(write_panic));
    Ok(writer)
}

/// Number of this process's log lines that were lost.
pub(crate) fn lost() -> u64 {
    let not_taken = NOT_TAKEN.get().map_or(0, ErrorCounter::dropped_lines);
    NOT_WRITTEN.load(Ordering::Relaxed).saturating_add(u64::try_from(not_taken).unwrap_or(u64::MAX))
}

/// Counter of the lines that came while the buffer was full.
static NOT_TAKEN: OnceLock<ErrorCounter> = OnceLock::new();

/// Number of the lines that the system did not take.
static NOT_WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Size of the buffer, in lines: about a second of a busy service.
const BUFFERED: usize = 4096;

/// A writer that counts failed writes, and reports them as done.
struct Counting<W>(W);

impl<W: io::Write> io::Write for Counting<W> {
    /// Writes a whole line: the log makes one call for each.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.write_all(line).is_err() {
            NOT_WRITTEN.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Standard error has no buffer.
        Ok(())
    }
}

fn write_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let error = panic.payload_as_str().unwrap_or("without words");
    tracing::error!(place, error, "panicked");
}

/// The subscriber that writes lines. Each line within a request has the request's id, its own or that of its `span`.
fn lines<W>(filter: EnvFilter, format: LogFormat, colours: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    match format {
        LogFormat::Text => Box::new(log.finish()),
        LogFormat::Json => Box::new(log.json().flatten_event(true).with_span_list(false).finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::listen::Listener;
    use crate::observe::{self, Watch};
    use crate::operations::Operations;

    #[derive(Clone)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn each_line_within_a_request_has_its_id() {
        let written = Written(Arc::default());
        let writer = written.clone();
        let subscriber = lines(EnvFilter::new("warn"), LogFormat::Json, false, move || writer.clone());
        let _guard = tracing::subscriber::set_default(subscriber);
        async fn panics() {
            panic!("on purpose")
        }
        let hook = panic::take_hook();
        panic::set_hook(Box::new(write_panic));
        for is_given_up in [|_: &Request<Body>| false, |_: &Request<Body>| true] {
            let watch = Watch { operations: Operations::new(1), listener: Listener::Public, is_given_up };
            let router = Router::new()
                .route("/", get(async || tracing::warn!("within")))
                .route("/panics", get(panics))
                .layer(from_fn_with_state(watch.clone(), observe::contain))
                .layer(from_fn_with_state(watch, observe::log));
            for (path, status) in [("/", 200), ("/panics", 500)] {
                let request = Request::get(path).header("x-request-id", "id-7").body(Body::empty()).unwrap();
                assert_eq!(router.clone().oneshot(request).await.unwrap().status(), status);
            }
        }
        panic::set_hook(hook);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["within", "panicked", "request failed"].repeat(2), "{text}");
        for line in &lines {
            assert!(line["request.id"] == "id-7" || line["span"]["request.id"] == "id-7", "{text}");
        }
    }
}
