//! Pruning of a long feed: with all entries to remove, and with none.

use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_e2e::hand::Kind;

use super::deleters::Spare;
use super::entries;
use super::everything::until;
use super::report::{figure, seconds};
use crate::support::database::Database;
use crate::support::rows;
use crate::support::service::Service;

pub fn measure(kind: Kind, amount: usize) {
    let database = Database::empty(kind);
    rows::clients(&database, 2 * rows::SPARE_CLIENTS);
    let spare = Spare::insert(&database);

    // The service prunes when it starts.
    entries::of_credentials(&database, amount, 2 * DAY);
    database.settle();
    let last = database.number("SELECT number FROM brama_revocation_head");
    let begin = Instant::now();
    let service = Service::start(&database.url(), |_| {});
    let (gone, meanwhile) = spare.deleted_during(&service, || {
        until(begin, || database.is_true(&format!("(SELECT pruned FROM brama_revocation_head) >= {last}")))
    });
    let what = format!("pruning {amount} entries");
    figure(
        format_args!("{what}: gone"),
        gone.map_or_else(|| "never".to_owned(), |gone| format!("after {}", seconds(gone))),
    );
    meanwhile.report(&what);
    assert!(service.terminate().success());

    entries::of_credentials(&database, amount, 60);
    database.settle();
    let service = Service::start(&database.url(), |_| {});
    let ((), meanwhile) = spare.deleted_during(&service, || sleep(Duration::from_secs(10)));
    meanwhile.report(&format!("pruning with {amount} entries, each needed"));
}

const DAY: u32 = 86_400;
