//! Deletions that come while no connection to the database is free share a transaction, and none of them notices.

use std::num::NonZeroU8;

use crate::support::{Database, Hand, Kind, MSP, OTHER_MSP, on_both};
use brama_upstream::fixture::Fixture;
use brama_upstream::id::Id;
use brama_upstream::secret::Secret;
use brama_upstream::store::{ConnectionDeletion, CredentialKind, Introspection, Store, StoreError};
use serde_json::json;
use tokio::task::JoinHandle;

/// Of the fixture, all of one client.
const ROWS: usize = 6;

type Deleting = JoinHandle<Result<ConnectionDeletion, StoreError>>;

fn id(row: usize) -> Id {
    format!("c0220000-0000-4000-8000-{row:012}").parse().unwrap()
}

fn secret(row: usize) -> String {
    format!("secret-of-connection-{row}")
}

async fn seeded(kind: Kind) -> Database {
    let database = Database::empty(kind).await;
    let client = |id: &str| json!({ "id": id, "name": "n", "client_type": "MSP", "scope": "", "is_blocked": false });
    let consumer = |row| format!("c0de0000-0000-4000-8000-{row:012}");
    let connection = |row| {
        json!({ "id": id(row), "client_id": MSP, "consumer_id": consumer(row), "secret": secret(row),
                "redirect_uri": "https://a.example" })
    };
    let mut clients = vec![client(MSP), client(OTHER_MSP)];
    clients.extend((0..ROWS).map(|row| client(&consumer(row))));
    let document = json!({
        "clients": clients,
        "connections": (0..ROWS).map(connection).collect::<Vec<_>>(),
    });
    let _seeded = database.store.seed(&Fixture::parse(document.to_string().as_bytes()).unwrap()).await.unwrap();
    database
}

fn delete(store: &Store, client: &str, row: usize) -> Deleting {
    let (store, client) = (store.clone(), client.parse().unwrap());
    tokio::spawn(async move { store.delete_connection(client, id(row)).await })
}

async fn is_active(store: &Store, row: usize) -> bool {
    let hash = Secret::new(secret(row)).hash();
    store.introspect(hash, CredentialKind::ApiKey).await.unwrap() != Introspection::Inactive
}

/// Begins a transaction that has locked a connection.
async fn locking(database: &Database, row: usize) -> Hand {
    let mut hand = database.hand().await;
    let lock = match database.kind() {
        Kind::Postgres => format!("BEGIN; SELECT FROM mithril_connections WHERE id = '{}' FOR UPDATE", id(row)),
        Kind::Sqlite => "BEGIN IMMEDIATE".to_owned(),
    };
    hand.run(&lock).await.unwrap();
    hand
}

/// A store whose one connection for writing waits for a hand, with the deletion of row 0.
async fn occupied(database: &Database) -> (Store, Hand, Deleting) {
    let store = Store::open_with(&database.url(), NonZeroU8::MIN).await.unwrap();
    let mut hand = locking(database, 0).await;
    let first = delete(&store, MSP, 0);
    hand.is_waited_for().await;
    (store, hand, first)
}

/// The runtime has one thread: those who were spawned before have asked now.
async fn all_have_asked() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn deletions_that_wait_are_done_together(kind: Kind) {
    let database = seeded(kind).await;
    let (store, mut hand, first) = occupied(&database).await;
    let asked = [(MSP, 1), (MSP, 2), (OTHER_MSP, 2), (MSP, 3), (MSP, 3), (OTHER_MSP, 4), (MSP, 99)];
    let deleting = asked.map(|(client, row)| delete(&store, client, row));
    all_have_asked().await;
    hand.run("COMMIT").await.unwrap();
    assert_eq!(first.await.unwrap().unwrap(), ConnectionDeletion::Deleted);
    let mut deleted = Vec::new();
    for ((client, row), deleting) in asked.into_iter().zip(deleting) {
        if deleting.await.unwrap().unwrap() == ConnectionDeletion::Deleted {
            assert_eq!(client, MSP, "{row}");
            deleted.push(row);
        }
    }
    assert_eq!(deleted, [1, 2, 3], "each once");
    for (row, lives) in [false, false, false, false, true, true].into_iter().enumerate() {
        assert_eq!(is_active(&store, row).await, lives, "{row}");
    }
    assert_eq!(database.number("SELECT count(*) FROM brama_revocations").await, 4);
    if kind == Kind::Postgres {
        let transactions = "SELECT count(DISTINCT xmin::text) FROM brama_revocations";
        assert_eq!(database.number(transactions).await, 2, "the first one's and that of the others");
    }
}

async fn what_is_given_up_while_it_waits_is_not_done(kind: Kind) {
    let database = seeded(kind).await;
    let (store, mut hand, first) = occupied(&database).await;
    let deleting = [1, 2, 3].map(|row| delete(&store, MSP, row));
    all_have_asked().await;
    deleting[1].abort();
    hand.run("COMMIT").await.unwrap();
    assert_eq!(first.await.unwrap().unwrap(), ConnectionDeletion::Deleted);
    for (row, deleting) in (1..).zip(deleting) {
        match deleting.await {
            Ok(deletion) => assert_eq!(deletion.unwrap(), ConnectionDeletion::Deleted, "{row}"),
            Err(given_up) => assert!(given_up.is_cancelled() && row == 2, "{row}: {given_up}"),
        }
    }
    assert!(is_active(&store, 2).await);
}

on_both! {
    deletions_that_wait_are_done_together,
    what_is_given_up_while_it_waits_is_not_done,
}

#[tokio::test]
async fn deletion_that_waits_for_a_lock_holds_up_no_other() {
    let database = seeded(Kind::Postgres).await;
    let (store, mut hand, first) = occupied(&database).await;
    let mut other = locking(&database, 2).await;
    let deleting = [1, 2, 3].map(|row| delete(&store, MSP, row));
    all_have_asked().await;
    hand.run("COMMIT").await.unwrap();
    assert_eq!(first.await.unwrap().unwrap(), ConnectionDeletion::Deleted);
    let [one, two, three] = deleting;
    assert_eq!(one.await.unwrap().unwrap(), ConnectionDeletion::Deleted);
    // It goes alone, and waits.
    other.is_waited_for().await;
    other.run("COMMIT").await.unwrap();
    for deleting in [two, three] {
        assert_eq!(deleting.await.unwrap().unwrap(), ConnectionDeletion::Deleted);
    }
}

#[tokio::test]
async fn shared_commit_that_fails_is_an_error_for_all_and_deletes_nothing() {
    let database = seeded(Kind::Postgres).await;
    let at_commit = "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                         PERFORM 1 / 0; RETURN NULL;
                     END $$;
                     CREATE CONSTRAINT TRIGGER at_commit AFTER DELETE ON mithril_connections
                     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()";
    database.sql(at_commit).await.unwrap();
    let (store, mut hand, first) = occupied(&database).await;
    let deleting = [1, 2].map(|row| delete(&store, MSP, row));
    all_have_asked().await;
    hand.run("COMMIT").await.unwrap();
    assert!(matches!(first.await.unwrap(), Err(StoreError::Database(_))));
    for deleting in deleting {
        assert!(matches!(deleting.await.unwrap(), Err(StoreError::Shared(_))));
    }
    for row in 0..ROWS {
        assert!(is_active(&store, row).await, "{row}");
    }
    assert_eq!(database.number("SELECT count(*) FROM brama_revocations").await, 0);
}
