//! Revocation of everything, with very many tokens.

use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_e2e::hand::Kind;

use super::deleters::Spare;
use super::feed;
use super::report::{figure, seconds, target, within_a_second};
use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::rows;
use crate::support::service::Service;

pub fn measure(kind: Kind, amount: usize) {
    let database = Database::empty(kind);
    rows::clients(&database, 2 * rows::SPARE_CLIENTS + 1);
    let spare = Spare::insert(&database);
    insert(&database, amount);
    database.settle();
    let service = Service::start(&database.url(), |_| {});
    let (mut client, mut prober) = (Client::of(&service.internal()), Client::of(&service.internal()));
    assert!(PROBES.iter().all(|token| prober.is_active(token) == Some(true)), "the tokens are good");
    let before = feed::head(&mut client);

    let begin = Instant::now();
    let ((answer, took, in_force, told, gone), meanwhile) = spare.deleted_during(&service, || {
        let answer = client.post("/revocations", "{\"all\":true}");
        let (status, took) = (answer.map_or(0, |answer| answer.status), begin.elapsed());
        let is_done = status == 200;
        let in_force = is_done
            && until(begin, || {
                PROBES.iter().all(|token| prober.is_active(token) == Some(false)) && {
                    let told = feed::read_on(&mut client, &before);
                    told.has_all || told.resets > 0
                }
            })
            .is_some();
        let in_force = in_force.then(|| begin.elapsed());
        // Read now: after very many hard deletes a reader at this cursor would get a reset.
        let told = feed::read_on(&mut client, &before);
        let gone = in_force.and_then(|_| until(begin, || !database.is_true("EXISTS (SELECT 1 FROM mithril_tokens)")));
        (status, took, in_force, told, gone)
    });
    let what = format!("everything, {amount} tokens");
    figure(format_args!("{what}: POST answered {answer} after"), seconds(took));
    within_a_second(format_args!("{what}: in force"), in_force);
    target(
        format_args!("{what}: the feed tells"),
        format_args!(
            "{} entries with those of hard deletes, {} about all, {} resets",
            told.entries,
            usize::from(told.has_all),
            told.resets
        ),
        "one about all, and none for each token",
        told.has_all && told.entries < amount / 1000 && told.resets == 0,
    );
    figure(
        format_args!("{what}: the rows are gone"),
        gone.map_or_else(|| "never".to_owned(), |gone| format!("after {}", seconds(gone))),
    );
    meanwhile.report(&what);
}

/// Inserts the tokens, with three known ones: at the begin, in the middle and at the end of the table.
fn insert(database: &Database, amount: usize) {
    let [begin, middle, end] = PROBES.map(str::to_owned);
    rows::known_tokens(database, 0, [begin]);
    rows::tokens(database, 1, amount / 2);
    rows::known_tokens(database, 0, [middle]);
    rows::tokens(database, 2, amount / 2);
    rows::known_tokens(database, 0, [end]);
}

/// Time from `begin` until something is so; `None`: more than [`PATIENCE`].
pub fn until(begin: Instant, mut is_so: impl FnMut() -> bool) -> Option<Duration> {
    while begin.elapsed() < PATIENCE {
        if is_so() {
            return Some(begin.elapsed());
        }
        sleep(Duration::from_millis(100));
    }
    None
}

const PROBES: [&str; 3] = ["token-at-the-begin", "token-in-the-middle", "token-at-the-end"];

const PATIENCE: Duration = Duration::from_secs(1200);
