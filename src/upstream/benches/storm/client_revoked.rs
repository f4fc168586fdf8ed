//! Revocation of a client that has very many tokens, and of one that has very many connections.

use std::time::Instant;

use brama_e2e::hand::Kind;

use super::deleters::Spare;
use super::everything::until;
use super::feed;
use super::report::{figure, seconds, within_a_second};
use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::rows;
use crate::support::service::Service;

pub fn measure(kind: Kind, amount: usize) {
    let amount = amount / 10;
    let database = Database::empty(kind);
    let first = amount.max(2 * rows::SPARE_CLIENTS);
    let (with_tokens, with_connections) = (first, first + 1);
    rows::clients(&database, first + 2);
    let spare = Spare::insert(&database);
    rows::tokens(&database, with_tokens, amount);
    rows::connections_of(&database, with_connections, amount);
    database.settle();
    let service = Service::start(&database.url(), |_| {});
    for (table, number) in [("tokens", with_tokens), ("connections", with_connections)] {
        let client = rows::id(rows::CLIENT, number);
        let mut asker = Client::of(&service.internal());
        let before = feed::head(&mut asker);
        let begin = Instant::now();
        let ((status, took, gone), meanwhile) = spare.deleted_during(&service, || {
            let answer = asker.post("/revocations", &format!("{{\"client_id\":\"{client}\"}}"));
            let (status, took) = (answer.map_or(0, |answer| answer.status), begin.elapsed());
            let left = format!("EXISTS (SELECT 1 FROM mithril_{table} WHERE client_id = '{client}')");
            let gone = if status == 200 { until(begin, || !database.is_true(&left)) } else { None };
            (status, took, gone)
        });
        let told = feed::read_on(&mut asker, &before);
        let what = format!("a client with {amount} {table}");
        within_a_second(format_args!("{what}: POST answered {status}"), Some(took).filter(|_| status == 200));
        let entries = told.entries.saturating_sub(meanwhile.connections.done());
        figure(format_args!("{what}: the feed tells"), format_args!("{entries} entries, {} resets", told.resets));
        figure(
            format_args!("{what}: the rows are gone"),
            gone.map_or_else(|| "never".to_owned(), |gone| format!("after {}", seconds(gone))),
        );
        meanwhile.report(&what);
    }
}
