//! Deletes happen exactly once, whatever is interleaved with them: the store beside an obvious model of it, first one
//! operation after another, then many at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Database, KEEP, Kind, USER};
use brama_upstream::fixture::Fixture;
use brama_upstream::id::Id;
use brama_upstream::secret::{CredentialHash, Secret};
use brama_upstream::store::revocation::{Revocation, RevocationOutcome, Revoked, Since};
use brama_upstream::store::{ConnectionDeletion, CredentialKind, DivisionDeletion, Introspection, Store};
use proptest::prelude::*;
use serde_json::json;

/// As many connections, and as many divisions; even connections are the first client's, odd ones the second's.
const ROWS: usize = 6;
/// A division of a contract of another type.
const OTHER_TYPE: usize = 4;
/// A division that is inactive from the beginning.
const INACTIVE: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Operation {
    DeleteConnection { by: usize, connection: usize },
    DeleteDivision(usize),
    Introspect(usize),
    RevokeClient(usize),
}

#[derive(Debug)]
struct Model {
    connections: BTreeSet<usize>,
    divisions: BTreeSet<usize>,
}

impl Model {
    fn new() -> Self {
        Self { connections: (0..ROWS).collect(), divisions: (0..ROWS).filter(|row| *row != INACTIVE).collect() }
    }

    fn delete_connection(&mut self, by: usize, connection: usize) -> ConnectionDeletion {
        if connection % 2 == by && self.connections.remove(&connection) {
            ConnectionDeletion::Deleted
        } else {
            ConnectionDeletion::NotFound
        }
    }

    fn delete_division(&mut self, division: usize) -> DivisionDeletion {
        if division == OTHER_TYPE {
            DivisionDeletion::OtherContractType
        } else if self.divisions.remove(&division) {
            DivisionDeletion::Deleted
        } else {
            DivisionDeletion::NotFound
        }
    }

    /// Connections that the client provides or uses go with it.
    fn revoke_client(&mut self, client: usize) {
        self.connections.retain(|connection| connection % 2 != client && *connection != client);
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..2_usize, 0..ROWS).prop_map(|(by, connection)| Operation::DeleteConnection { by, connection }),
        3 => (0..ROWS).prop_map(Operation::DeleteDivision),
        3 => (0..ROWS).prop_map(Operation::Introspect),
        1 => (2..ROWS).prop_map(Operation::RevokeClient),
    ]
}

fn id(kind: &str, number: usize) -> String {
    format!("{kind}-0000-4000-8000-{number:012}")
}

fn client(number: usize) -> Id {
    id("c11e0000", number).parse().unwrap()
}

fn connection(number: usize) -> Id {
    id("c0220000", number).parse().unwrap()
}

fn division(number: usize) -> Id {
    id("d1710000", number).parse().unwrap()
}

fn secret(number: usize) -> CredentialHash {
    Secret::new(format!("secret-of-connection-{number}")).hash()
}

fn fixture() -> Fixture {
    let rows = |row: fn(usize) -> serde_json::Value| (0..ROWS).map(row).collect::<Vec<_>>();
    let document = json!({
        "clients": rows(|number| json!({
            "id": id("c11e0000", number), "name": "n", "client_type": "MIS", "scope": "", "is_blocked": false,
        })),
        "connections": rows(|number| json!({
            "id": id("c0220000", number), "client_id": id("c11e0000", number % 2), "consumer_id": id("c11e0000", number),
            "secret": format!("secret-of-connection-{number}"), "redirect_uri": "https://a.example",
        })),
        "contracts": [
            { "id": id("c0170000", 0), "type": "GB_CBP" },
            { "id": id("c0170000", 1), "type": "CAPITATION" },
        ],
        "contract_divisions": rows(|number| json!({
            "id": id("d1710000", number), "contract_id": id("c0170000", usize::from(number == OTHER_TYPE)),
            "division_id": id("d1720000", number), "is_active": number != INACTIVE,
        })),
    });
    Fixture::parse(document.to_string().as_bytes()).unwrap()
}

async fn seeded(kind: Kind) -> Database {
    let database = Database::empty(kind).await;
    let _seeded = database.store.seed(&fixture()).await.unwrap();
    database
}

async fn is_active(store: &Store, number: usize) -> bool {
    store.introspect(secret(number), CredentialKind::ApiKey).await.unwrap() != Introspection::Inactive
}

async fn revoke(store: &Store, number: usize) {
    let outcome = store.revoke(&Revocation::Client(client(number).to_string()), &KEEP).await.unwrap();
    assert!(matches!(outcome, RevocationOutcome::Done { .. }), "{outcome:?}");
}

/// The connections whose secrets the feed has told since.
async fn told(database: &Database, since: Since) -> Vec<usize> {
    let revoked = database.revoked(since).await;
    let mut told: Vec<_> = revoked
        .iter()
        .filter_map(|entry| match entry {
            Revoked::Credential(hash) => (0..ROWS).find(|number| secret(*number) == *hash),
            _ => None,
        })
        .collect();
    told.sort_unstable();
    // Who is revoked again is told again.
    told.dedup();
    told
}

/// What is left in the end is what the model says, and the feed has told the rest.
async fn assert_end(database: &Database, since: Since, model: &Model) {
    for number in 0..ROWS {
        assert_eq!(is_active(&database.store, number).await, model.connections.contains(&number), "{number}");
    }
    let gone: Vec<_> = (0..ROWS).filter(|number| !model.connections.contains(number)).collect();
    assert_eq!(told(database, since).await, gone);
}

fn one_after_another_is_as_the_model_says(kind: Kind) {
    proptest!(config(), |(operations in prop::collection::vec(operation(), 1..40))| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let database = seeded(kind).await;
            let (store, since) = (&database.store, database.head().await);
            let mut model = Model::new();
            for operation in operations {
                match operation {
                    Operation::DeleteConnection { by, connection: row } => {
                        let deletion = store.delete_connection(client(by), connection(row)).await.unwrap();
                        assert_eq!(deletion, model.delete_connection(by, row), "{operation:?}");
                    }
                    Operation::DeleteDivision(row) => {
                        let deletion = store.delete_division(division(row), USER.parse().unwrap()).await.unwrap();
                        assert_eq!(deletion, model.delete_division(row), "{operation:?}");
                    }
                    Operation::Introspect(row) => {
                        assert_eq!(is_active(store, row).await, model.connections.contains(&row), "{operation:?}");
                    }
                    Operation::RevokeClient(row) => {
                        revoke(store, row).await;
                        model.revoke_client(row);
                    }
                }
            }
            assert_end(&database, since, &model).await;
            database.store.close().await;
        });
    });
}

/// Several callers at once. Which of them is first is nobody's to say; that one is, and what follows from it, is.
fn many_at_once_delete_each_row_once(kind: Kind) {
    let callers = prop::collection::vec(prop::collection::vec(operation(), 1..12), 2..8);
    proptest!(config(), |(callers in callers)| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let database = seeded(kind).await;
            let since = database.head().await;
            let gone: &'static [AtomicBool; ROWS] = Box::leak(Box::default());
            let wanted = callers.clone();
            let callers: Vec<_> =
                callers.into_iter().map(|operations| tokio::spawn(call(database.store.clone(), operations, gone))).collect();
            let (mut connections, mut divisions) = ([0; ROWS], [0; ROWS]);
            for caller in callers {
                let deleted = caller.await.unwrap();
                deleted.connections.iter().for_each(|row| connections[*row] += 1);
                deleted.divisions.iter().for_each(|row| divisions[*row] += 1);
            }
            assert!(connections.iter().chain(&divisions).all(|times| *times <= 1), "{connections:?} {divisions:?}");
            // The same operations in any order leave the same rows.
            let mut model = Model::new();
            for operation in wanted.into_iter().flatten() {
                match operation {
                    Operation::DeleteConnection { by, connection } => {
                        let _deletion = model.delete_connection(by, connection);
                    }
                    Operation::DeleteDivision(row) => {
                        let _deletion = model.delete_division(row);
                    }
                    Operation::RevokeClient(row) => model.revoke_client(row),
                    Operation::Introspect(_) => {}
                }
            }
            for (row, times) in connections.into_iter().enumerate() {
                assert!(times == 0 || !model.connections.contains(&row), "{row}");
            }
            for (row, times) in divisions.into_iter().enumerate() {
                let was_deleted = row != INACTIVE && !model.divisions.contains(&row);
                assert_eq!(times, usize::from(was_deleted), "{row}");
            }
            assert_end(&database, since, &model).await;
            database.store.close().await;
        });
    });
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() }
}

mod sqlite {
    use super::Kind::Sqlite;

    #[test]
    fn one_after_another_is_as_the_model_says() {
        super::one_after_another_is_as_the_model_says(Sqlite);
    }

    #[test]
    fn many_at_once_delete_each_row_once() {
        super::many_at_once_delete_each_row_once(Sqlite);
    }
}

mod postgres {
    use super::Kind::Postgres;

    #[test]
    fn one_after_another_is_as_the_model_says() {
        super::one_after_another_is_as_the_model_says(Postgres);
    }

    #[test]
    fn many_at_once_delete_each_row_once() {
        super::many_at_once_delete_each_row_once(Postgres);
    }
}

#[derive(Debug, Default)]
struct Deleted {
    connections: Vec<usize>,
    divisions: Vec<usize>,
}

/// One caller: what it was told that it deleted. `gone`: connections of which somebody was told so.
async fn call(store: Store, operations: Vec<Operation>, gone: &'static [AtomicBool; ROWS]) -> Deleted {
    let mut deleted = Deleted::default();
    for operation in operations {
        match operation {
            Operation::DeleteConnection { by, connection: row } => {
                match store.delete_connection(client(by), connection(row)).await.unwrap() {
                    ConnectionDeletion::Deleted => {
                        gone[row].store(true, Ordering::SeqCst);
                        deleted.connections.push(row);
                    }
                    ConnectionDeletion::NotFound => {}
                }
            }
            Operation::DeleteDivision(row) => {
                match store.delete_division(division(row), USER.parse().unwrap()).await.unwrap() {
                    DivisionDeletion::Deleted => deleted.divisions.push(row),
                    DivisionDeletion::NotFound => assert_ne!(row, OTHER_TYPE),
                    DivisionDeletion::OtherContractType => assert_eq!(row, OTHER_TYPE),
                }
            }
            Operation::Introspect(row) => {
                // Whoever asks after somebody was told of the delete is told that the key is dead.
                let was_gone = gone[row].load(Ordering::SeqCst);
                assert!(!(is_active(&store, row).await && was_gone), "{row}");
            }
            Operation::RevokeClient(row) => revoke(&store, row).await,
        }
    }
    deleted
}
