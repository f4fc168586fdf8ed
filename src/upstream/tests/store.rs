//! The contract of the store: what every kind of database has to keep, against hands in SQL as well.

use std::time::Duration;

use crate::support::{
    Address, CONNECTION, DIVISION, Database, KEY, Kind, MIS_ONE, MIS_TWO, MSP, NOWHERE, OTHER_MSP, USER, demo, on_both,
};
use brama_upstream::fixture::Fixture;
use brama_upstream::id::Id;
use brama_upstream::secret::{CredentialHash, Secret};
use brama_upstream::store::{
    ConnectionDeletion, CredentialKind, DivisionDeletion, Introspection, Seeded, Store, StoreError,
};

const CONNECTION_SECRET: &str = "demo-msp-connection-secret";
const SPARE: &str = "c0220000-0000-4000-8000-000000000002";
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn hash(credential: &str) -> CredentialHash {
    Secret::new(credential).hash()
}

async fn is_active(store: &Store, credential: &str, kind: CredentialKind) -> bool {
    store.introspect(hash(credential), kind).await.unwrap() != Introspection::Inactive
}

/// A fixture of one client that is connected to itself.
fn self_connection(connection: &str, secret: &str) -> Fixture {
    let document = serde_json::json!({
        "clients": [{ "id": MSP, "name": "n", "client_type": "MIS", "scope": "", "is_blocked": false }],
        "connections": [{ "id": connection, "client_id": MSP, "consumer_id": MSP, "secret": secret,
                          "redirect_uri": "https://a.example" }],
    });
    Fixture::parse(document.to_string().as_bytes()).unwrap()
}

async fn connection_is_deleted_once_and_by_its_client_only(kind: Kind) {
    let database = Database::demo(kind).await;
    let store = &database.store;
    let other = store.delete_connection(id(OTHER_MSP), id(CONNECTION)).await.unwrap();
    assert_eq!(other, ConnectionDeletion::NotFound);
    let first = store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap();
    assert_eq!(first, ConnectionDeletion::Deleted);
    let second = store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap();
    assert_eq!(second, ConnectionDeletion::NotFound);
}

async fn division_is_deleted_once_and_by_type(kind: Kind) {
    let database = Database::demo(kind).await;
    let store = &database.store;
    for (division, outcome) in [
        (DIVISION, DivisionDeletion::Deleted),
        (DIVISION, DivisionDeletion::NotFound),
        (NOWHERE, DivisionDeletion::NotFound),
        ("d1710000-0000-4000-8000-000000000001", DivisionDeletion::OtherContractType),
        ("d1710000-0000-4000-8000-000000000001", DivisionDeletion::OtherContractType),
        ("d1710000-0000-4000-8000-000000000004", DivisionDeletion::NotFound),
    ] {
        assert_eq!(store.delete_division(id(division), id(USER)).await.unwrap(), outcome, "{division}");
    }
}

async fn of_equal_deletions_at_once_one_succeeds(kind: Kind) {
    let database = Database::demo(kind).await;
    let store = &database.store;
    let mut connections = tokio::task::JoinSet::new();
    let mut divisions = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (one, two) = (store.clone(), store.clone());
        connections.spawn(async move { one.delete_connection(id(MSP), id(CONNECTION)).await.unwrap() });
        divisions.spawn(async move { two.delete_division(id(DIVISION), id(USER)).await.unwrap() });
    }
    let deleted = |outcome: &&ConnectionDeletion| **outcome == ConnectionDeletion::Deleted;
    assert_eq!(connections.join_all().await.iter().filter(deleted).count(), 1);
    let deleted = |outcome: &&DivisionDeletion| **outcome == DivisionDeletion::Deleted;
    assert_eq!(divisions.join_all().await.iter().filter(deleted).count(), 1);
}

async fn second_seed_brings_nothing_back_and_renews_tokens(kind: Kind) {
    let database = Database::demo(kind).await;
    let store = &database.store;
    assert_eq!(store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::Deleted);
    assert_eq!(store.delete_division(id(DIVISION), id(USER)).await.unwrap(), DivisionDeletion::Deleted);
    database.sql("UPDATE mithril_tokens SET expires_at = 1").await.unwrap();
    let deleted = hash("demo-mis-token").to_hex();
    database.sql(&format!("DELETE FROM mithril_tokens WHERE value_hash = '{deleted}'")).await.unwrap();
    assert!(!is_active(store, "demo-pharmacy-token", CredentialKind::AccessToken).await);

    assert_eq!(store.seed(&demo()).await.unwrap(), Seeded::Renewed { tokens: 13 });

    assert!(is_active(store, "demo-pharmacy-token", CredentialKind::AccessToken).await);
    for gone in ["demo-mis-token", "demo-expired-token", CONNECTION_SECRET] {
        assert!(!is_active(store, gone, CredentialKind::AccessToken).await, "{gone}");
    }
    assert_eq!(store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::NotFound);
    assert_eq!(store.delete_division(id(DIVISION), id(USER)).await.unwrap(), DivisionDeletion::NotFound);
    assert_eq!(database.number("SELECT count(*) FROM mithril_connections").await, 22);
}

async fn another_fixture_inserts_nothing_into_a_seeded_database(kind: Kind) {
    let database = Database::demo(kind).await;
    let fixture = self_connection(NOWHERE, "another-secret");
    assert_eq!(database.store.seed(&fixture).await.unwrap(), Seeded::Renewed { tokens: 0 });
    assert!(!is_active(&database.store, "another-secret", CredentialKind::ApiKey).await);
}

async fn refused_row_leaves_a_database_as_it_was(kind: Kind) {
    let database = Database::empty(kind).await;
    let revoked = hash("revoked-before").to_hex();
    database.sql(&format!("INSERT INTO mithril_revoked_secrets VALUES ('{revoked}', '2020-01-01')")).await.unwrap();

    let refused = database.store.seed(&self_connection(CONNECTION, "revoked-before")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Seed { .. }), "{refused:?}");
    let text = brama_upstream::cause::chain(&refused);
    assert!(text.contains("connections[0]"), "{text}");
    assert!(text.contains("a revoked secret cannot be used again"), "{text}");
    assert_eq!(database.number("SELECT count(*) FROM mithril_clients").await, 0);

    // It does not count as seeded.
    let seeded = database.store.seed(&self_connection(CONNECTION, "fresh-secret")).await.unwrap();
    assert_eq!(seeded, Seeded::Inserted);
}

async fn data_outlives_the_process(kind: Kind) {
    let database = Database::demo(kind).await;
    assert_eq!(database.store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::Deleted);
    database.store.close().await;
    let store = Store::open(&database.url()).await.unwrap();
    assert!(is_active(&store, KEY, CredentialKind::ApiKey).await);
    assert_eq!(store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::NotFound);
}

async fn contract_that_changes_meanwhile_is_judged_by_what_was_committed(kind: Kind) {
    for (end, outcome) in [("COMMIT", DivisionDeletion::OtherContractType), ("ROLLBACK", DivisionDeletion::Deleted)] {
        let database = Database::demo(kind).await;
        let mut hand = database.hand().await;
        hand.run("BEGIN").await.unwrap();
        hand.run("UPDATE prm_contracts SET type = 'CAPITATION'").await.unwrap();
        let store = database.store.clone();
        let deleting = tokio::spawn(async move { store.delete_division(id(DIVISION), id(USER)).await });
        hand.is_waited_for().await;
        assert!(!deleting.is_finished(), "it waits for the change");
        hand.run(end).await.unwrap();
        assert_eq!(deleting.await.unwrap().unwrap(), outcome, "{end}");
    }
}

async fn what_was_given_up_is_not_done_later(kind: Kind) {
    let database = Database::demo(kind).await;
    let mut hand = database.hand().await;
    hand.hold_feed().await;
    // More than there are connections; some of them wait for one, some for the feed.
    let mut deleting = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = database.store.clone();
        deleting.spawn(async move { store.delete_connection(id(MSP), id(CONNECTION)).await });
    }
    assert!(deleting.join_all().await.iter().all(Result::is_err));
    hand.run("ROLLBACK").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(is_active(&database.store, CONNECTION_SECRET, CredentialKind::ApiKey).await);
    let deleted = database.store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap();
    assert_eq!(deleted, ConnectionDeletion::Deleted, "the connections are good again");
}

async fn processes_that_open_a_new_database_at_once_all_succeed(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let folder = folder.path().join(round.to_string());
        std::fs::create_dir(&folder).unwrap();
        let address = Address::of(kind, &folder).await;
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let url = address.text().parse().unwrap();
            opening.spawn(async move { Store::open(&url).await.map(drop) });
        }
        for opened in opening.join_all().await {
            opened.unwrap();
        }
    }
}

async fn tokens_that_expired_long_ago_are_removed_in_batches(kind: Kind) {
    let database = Database::demo(kind).await;
    let all = database.number("SELECT count(*) FROM mithril_tokens").await;
    assert_eq!(database.store.purge_tokens().await.unwrap(), 0, "none is old enough");
    database.sql("UPDATE mithril_tokens SET expires_at = 1 WHERE name <> 'access_token'").await.unwrap();
    let old = database.number("SELECT count(*) FROM mithril_tokens WHERE expires_at = 1").await;
    let head = database.head().await;
    assert_eq!(database.store.purge_tokens().await.unwrap(), u64::try_from(old).unwrap());
    assert_eq!(database.store.purge_tokens().await.unwrap(), 0);
    assert_eq!(database.number("SELECT count(*) FROM mithril_tokens").await, all - old);
    assert!(old > 0 && database.page(head).await.entries.is_empty(), "nobody remembers them");
}

/// The service before, which serves already, and one that begins: the new version can come, and be taken back.
async fn database_to_which_a_newer_service_added_is_served(kind: Kind) {
    let database = Database::demo(kind).await;
    let added = newer_step(kind, "additive: a note for each client");
    database.sql(&added).await.unwrap();
    database.sql("ALTER TABLE mithril_clients ADD COLUMN note TEXT").await.unwrap();
    let other = Store::open(&database.url()).await.unwrap();
    assert!(is_active(&other, CONNECTION_SECRET, CredentialKind::ApiKey).await);
    assert_eq!(database.store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::Deleted);
    assert!(!is_active(&other, CONNECTION_SECRET, CredentialKind::ApiKey).await);
    assert_eq!(other.delete_division(id(DIVISION), id(USER)).await.unwrap(), DivisionDeletion::Deleted);
}

async fn database_of_a_newer_service_is_refused(kind: Kind) {
    let database = Database::demo(kind).await;
    database.sql(&newer_step(kind, "from the future")).await.unwrap();
    let newer = Store::open(&database.url()).await.unwrap_err();
    assert!(matches!(newer, StoreError::Migrate(_)), "{newer:?}");
}

/// Notes a migration that this program does not know.
fn newer_step(kind: Kind, description: &str) -> String {
    let table = if kind == Kind::Postgres { "brama.migrations" } else { "_sqlx_migrations" };
    let (now, bytes) = if kind == Kind::Postgres { ("now()", "''") } else { ("''", "x'00'") };
    format!("INSERT INTO {table} VALUES (9999, '{description}', {now}, TRUE, {bytes}, 0)")
}

async fn dangling_references_are_refused_by_the_schema(kind: Kind) {
    let database = Database::demo(kind).await;
    let mut hand = database.hand().await;
    hand.mind_foreign_keys(true).await;
    for statement in [
        format!("UPDATE mithril_connections SET client_id = '{NOWHERE}' WHERE id = '{CONNECTION}'"),
        format!("UPDATE mithril_connections SET consumer_id = '{NOWHERE}' WHERE id = '{CONNECTION}'"),
        format!("UPDATE mithril_tokens SET client_id = '{NOWHERE}'"),
        format!("UPDATE prm_contract_divisions SET contract_id = '{NOWHERE}'"),
        "DELETE FROM prm_contracts".to_owned(),
    ] {
        let fault = hand.run(&statement).await.unwrap_err().to_string();
        assert!(fault.to_lowercase().contains("foreign key"), "{statement}: {fault}");
    }
}

async fn secret_that_stopped_being_one_never_returns(kind: Kind) {
    // However it stopped: the connection deleted by hand, by a cascade, its secret changed.
    for revocation in [
        format!("DELETE FROM mithril_connections WHERE id = '{CONNECTION}'"),
        format!("DELETE FROM mithril_clients WHERE id = '{MSP}'"),
        format!("DELETE FROM mithril_clients WHERE id = '{MIS_ONE}'"),
        format!("UPDATE mithril_connections SET secret_hash = '{ZEROS}' WHERE id = '{CONNECTION}'"),
    ] {
        let database = Database::demo(kind).await;
        let mut hand = database.hand().await;
        hand.mind_foreign_keys(true).await;
        hand.run(&revocation).await.unwrap();
        let secret = hash(CONNECTION_SECRET).to_hex();
        assert!(!is_active(&database.store, CONNECTION_SECRET, CredentialKind::ApiKey).await, "{revocation}");
        for statement in [
            format!(
                "INSERT INTO mithril_connections
                     (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
                 VALUES ('{NOWHERE}', '{MIS_TWO}', '{OTHER_MSP}', '{secret}',
                     'https://a', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
            ),
            format!("UPDATE mithril_connections SET secret_hash = '{secret}' WHERE id = '{SPARE}'"),
        ] {
            let fault = hand.run(&statement).await.unwrap_err().to_string();
            assert!(fault.contains("revoked secret"), "{revocation}; {statement}: {fault}");
        }
    }
}

async fn clear_values_and_odd_rows_are_refused_by_the_schema(kind: Kind) {
    let database = Database::demo(kind).await;
    for statement in [
        "UPDATE mithril_tokens SET value_hash = 'c2778f3064753ea70de870a53795f5c9'",
        "UPDATE mithril_tokens SET value_hash = upper(value_hash)",
        "UPDATE mithril_tokens SET name = 'session'",
        "UPDATE mithril_tokens SET expires_at = 'tomorrow'",
        "UPDATE mithril_connections SET secret_hash = 'secret'",
        "UPDATE mithril_connections SET redirect_uri = 'http://a'",
        "UPDATE mithril_clients SET is_blocked = 2",
        "UPDATE mithril_clients SET id = 'a'",
        "UPDATE mithril_clients SET client_type = ''",
        "UPDATE prm_contract_divisions SET is_active = NULL",
        "INSERT INTO brama_seeded VALUES (2, CURRENT_TIMESTAMP)",
    ] {
        assert!(database.sql(statement).await.is_err(), "{statement}");
    }
}

async fn dangling_connection_is_no_api_key(kind: Kind) {
    // `sqlite3` deletes clients without their rows, unless it is told to mind foreign keys.
    let database = Database::demo(kind).await;
    let mut hand = database.hand().await;
    hand.mind_foreign_keys(false).await;
    hand.run(&format!("DELETE FROM mithril_clients WHERE id = '{MSP}'")).await.unwrap();
    assert!(!is_active(&database.store, CONNECTION_SECRET, CredentialKind::ApiKey).await);
    assert!(!is_active(&database.store, "demo-msp-read-token", CredentialKind::AccessToken).await);
}

on_both![
    connection_is_deleted_once_and_by_its_client_only,
    division_is_deleted_once_and_by_type,
    of_equal_deletions_at_once_one_succeeds,
    second_seed_brings_nothing_back_and_renews_tokens,
    another_fixture_inserts_nothing_into_a_seeded_database,
    refused_row_leaves_a_database_as_it_was,
    data_outlives_the_process,
    contract_that_changes_meanwhile_is_judged_by_what_was_committed,
    what_was_given_up_is_not_done_later,
    processes_that_open_a_new_database_at_once_all_succeed,
    database_of_a_newer_service_is_refused,
    database_to_which_a_newer_service_added_is_served,
    tokens_that_expired_long_ago_are_removed_in_batches,
    dangling_references_are_refused_by_the_schema,
    secret_that_stopped_being_one_never_returns,
    clear_values_and_odd_rows_are_refused_by_the_schema,
    dangling_connection_is_no_api_key,
];
