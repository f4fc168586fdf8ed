//! Many readers of the feed, while very many tokens are revoked: the rate of introspection, and the time until they
//! have caught up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_e2e::hand::Kind;

use super::feed;
use super::load;
use super::report::{figure, milliseconds, seconds, target};
use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::rows;
use crate::support::service::Service;

pub fn measure(kind: Kind, amount: usize) {
    let amount = amount / 10;
    let database = Database::empty(kind);
    rows::clients(&database, 3);
    let live: Vec<String> = (0..1000).map(|number| format!("live-token-{number}")).collect();
    rows::known_tokens(&database, 0, live.iter().cloned());
    for client in [1, 2] {
        rows::tokens(&database, client, amount);
    }
    database.settle();
    let service = Service::start(&database.url(), |_| {});
    let by_post = || {
        let client = rows::id(rows::CLIENT, 1);
        let answer = Client::of(&service.internal()).post("/revocations", &format!("{{\"client_id\":\"{client}\"}}"));
        format!("POST answered {}", answer.map_or(0, |answer| answer.status))
    };
    let by_sql = || {
        database.run(&format!("DELETE FROM mithril_tokens WHERE client_id = '{}'", rows::id(rows::CLIENT, 2)));
        "DELETE in SQL committed".to_owned()
    };
    one(&service, &live, &format!("{amount} tokens revoked by POST"), by_post);
    one(&service, &live, &format!("{amount} tokens deleted in SQL"), by_sql);
}

/// Totals of all readers.
#[derive(Default)]
struct Read {
    pages: AtomicUsize,
    bytes: AtomicUsize,
    entries: AtomicUsize,
    resets: AtomicUsize,
    failures: AtomicUsize,
    /// Time of the last page with entries or a reset, of any reader.
    last: Mutex<Option<Instant>>,
    is_over: AtomicBool,
}

fn one(service: &Service, live: &[String], what: &str, revoke: impl FnOnce() -> String) {
    let read = Read::default();
    let cursor = feed::head(&mut Client::of(&service.internal()));
    scope(|threads| {
        for _ in 0..READERS {
            threads.spawn(|| read.follow(service, cursor.clone()));
        }
        let ((moments, done), samples) = load::during(service, live, || {
            sleep(Duration::from_secs(1));
            let normal = Instant::now();
            sleep(NORMALLY);
            let begin = Instant::now();
            let done = revoke();
            let revoked = Instant::now();
            let last = read.until_quiet(revoked);
            ((normal, begin, revoked, last), done)
        });
        read.is_over.store(true, SeqCst);
        let (normal, begin, revoked, last) = moments;
        let (before, meanwhile) = (samples.figures(normal, begin), samples.figures(begin, last.max(begin + SHORTEST)));
        figure(format_args!("{what}: {done} after"), seconds(revoked - begin));
        target(
            format_args!("{what}: {READERS} readers caught up after"),
            format_args!(
                "{}: {} pages, {:.1} MB, {} entries, {} resets, {} failures",
                seconds(last - begin),
                read.pages.load(SeqCst),
                read.bytes.load(SeqCst) as f64 / 1e6,
                read.entries.load(SeqCst),
                read.resets.load(SeqCst),
                read.failures.load(SeqCst)
            ),
            "told of everything",
            read.entries.load(SeqCst) + read.resets.load(SeqCst) >= READERS,
        );
        target(
            format_args!("{what}: introspections meanwhile"),
            format_args!("{:.0} a second, normally {:.0}; {} not right", meanwhile.rate, before.rate, meanwhile.wrong),
            "at least half, all right",
            meanwhile.rate * 2.0 >= before.rate && meanwhile.wrong == 0,
        );
        target(
            format_args!("{what}: introspections meanwhile, p50 and p99"),
            format_args!(
                "{} and {}; normally {} and {}",
                milliseconds(meanwhile.half),
                milliseconds(meanwhile.most),
                milliseconds(before.half),
                milliseconds(before.most)
            ),
            "p99 < 200 ms",
            meanwhile.most < Duration::from_millis(200),
        );
    });
}

impl Read {
    /// Follows the feed as a gateway does.
    fn follow(&self, service: &Service, mut cursor: String) {
        let mut client = Client::of(&service.internal());
        while !self.is_over.load(SeqCst) {
            let Ok(page) = feed::page(&mut client, Some(&cursor), EVERY) else {
                self.failures.fetch_add(1, SeqCst);
                sleep(EVERY);
                continue;
            };
            if page.entries > 0 || page.reset {
                self.pages.fetch_add(1, SeqCst);
                self.bytes.fetch_add(page.bytes, SeqCst);
                self.entries.fetch_add(page.entries, SeqCst);
                self.resets.fetch_add(usize::from(page.reset), SeqCst);
                *self.last.lock().unwrap() = Some(Instant::now());
            }
            cursor = page.next;
        }
    }

    /// Time of the last page with entries or a reset, once there was no other for a while.
    fn until_quiet(&self, begin: Instant) -> Instant {
        loop {
            // No page so far: the readers may be refused, and so are behind.
            let last = *self.last.lock().unwrap();
            if let Some(last) = last.filter(|last| last.elapsed() > QUIET) {
                return last.max(begin);
            }
            assert!(begin.elapsed() < PATIENCE, "the readers do not catch up");
            sleep(Duration::from_millis(100));
        }
    }
}

const READERS: usize = 64;

/// Longest wait of a poll, as gateways ask for it.
const EVERY: Duration = Duration::from_millis(500);

const NORMALLY: Duration = Duration::from_secs(5);

/// Shortest time over which a rate is measured.
const SHORTEST: Duration = Duration::from_secs(1);

const QUIET: Duration = Duration::from_secs(5);

const PATIENCE: Duration = Duration::from_secs(600);
