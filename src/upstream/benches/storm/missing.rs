//! Deletes of missing connections, of missing divisions, and of divisions that are there.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::scope;
use std::time::{Duration, Instant};

use brama_e2e::hand::Kind;

use super::report::figure;
use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::rows;
use crate::support::service::Service;

pub fn measure(kind: Kind, _: usize) {
    let database = Database::empty(kind);
    rows::divisions(&database, DIVISIONS);
    database.settle();
    let service = Service::start(&database.url(), |_| {});
    figure("deletes of connections answered 404", rate(&service, 404, rows::path_of_spare));
    figure(
        "deletes of divisions answered 404",
        rate(&service, 404, |number| rows::path_of_division(DIVISIONS + number)),
    );
    figure("deletes of divisions answered 200", rate(&service, 200, rows::path_of_division));
}

/// Rate of deletes by sixteen clients, for five seconds or until there are no more rows.
fn rate(service: &Service, status: u16, path: fn(usize) -> String) -> String {
    let (next, done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let begin = Instant::now();
    scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| {
                let mut client = Client::of(&service.public());
                while begin.elapsed() < Duration::from_secs(5) {
                    let number = next.fetch_add(1, SeqCst);
                    if number >= DIVISIONS {
                        return;
                    }
                    let answer = client.delete(&path(number));
                    let counter = if answer.is_ok_and(|answer| answer.status == status) { &done } else { &failed };
                    counter.fetch_add(1, SeqCst);
                }
            });
        }
    });
    let done = done.load(SeqCst);
    format!(
        "{:.0} a second ({done}; {} answered otherwise)",
        done as f64 / begin.elapsed().as_secs_f64(),
        failed.load(SeqCst)
    )
}

const DIVISIONS: usize = 40_000;
