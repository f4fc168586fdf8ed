//! The contract of the store: what every kind of database has to keep. Then what SQLite keeps against hands in SQL.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test support")]

mod support;

use std::os::unix::fs::PermissionsExt;

use brama_upstream::fixture::Fixture;
use brama_upstream::id::Id;
use brama_upstream::secret::{CredentialHash, Secret};
use brama_upstream::store::{
    ConnectionDeletion, CredentialKind, DivisionDeletion, Introspection, Seeded, Store, StoreError,
};
use support::{CONNECTION, DIVISION, Database, KEY, MSP, NOWHERE, OTHER_MSP, TOKEN_AND_KEY, USER, demo, url};

const CONNECTION_SECRET: &str = "demo-msp-connection-secret";

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

#[tokio::test]
async fn connection_is_deleted_once_and_by_its_client_only() {
    let Database { store, folder: _folder } = Database::demo().await;
    let other = store.delete_connection(id(OTHER_MSP), id(CONNECTION)).await.unwrap();
    assert_eq!(other, ConnectionDeletion::NotFound);
    let first = store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap();
    assert_eq!(first, ConnectionDeletion::Deleted);
    let second = store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap();
    assert_eq!(second, ConnectionDeletion::NotFound);
}

#[tokio::test]
async fn division_is_deleted_once_and_by_type() {
    let Database { store, folder: _folder } = Database::demo().await;
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

#[tokio::test]
async fn of_equal_deletions_at_once_one_succeeds() {
    let Database { store, folder: _folder } = Database::demo().await;
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

#[tokio::test]
async fn second_seed_brings_nothing_back_and_renews_tokens() {
    let database = Database::demo().await;
    let store = &database.store;
    assert_eq!(store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::Deleted);
    assert_eq!(store.delete_division(id(DIVISION), id(USER)).await.unwrap(), DivisionDeletion::Deleted);
    database.sql("UPDATE mithril_tokens SET expires_at = 1").await.unwrap();
    let hash_of_deleted = hash("demo-mis-token").to_hex();
    sqlx::query("DELETE FROM mithril_tokens WHERE value_hash = ?")
        .bind(hash_of_deleted)
        .execute(&mut database.hand().await)
        .await
        .unwrap();
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

#[tokio::test]
async fn another_fixture_inserts_nothing_into_a_seeded_database() {
    let database = Database::demo().await;
    let fixture = self_connection(NOWHERE, "another-secret");
    assert_eq!(database.store.seed(&fixture).await.unwrap(), Seeded::Renewed { tokens: 0 });
    assert!(!is_active(&database.store, "another-secret", CredentialKind::ApiKey).await);
}

#[tokio::test]
async fn refused_row_leaves_a_database_as_it_was() {
    let database = Database::empty().await;
    let insert = "INSERT INTO mithril_revoked_secrets VALUES (?, '2020')";
    let revoked = hash("revoked-before").to_hex();
    sqlx::query(insert).bind(revoked).execute(&mut database.hand().await).await.unwrap();

    let refused = database.store.seed(&self_connection(CONNECTION, "revoked-before")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Seed { .. }), "{refused:?}");
    let text = brama_upstream::cause::chain(&refused);
    assert!(text.contains(&format!("connection `{CONNECTION}`")), "{text}");
    assert!(text.contains("a revoked secret cannot be used again"), "{text}");
    assert_eq!(database.number("SELECT count(*) FROM mithril_clients").await, 0);

    // It does not count as seeded.
    let seeded = database.store.seed(&self_connection(CONNECTION, "fresh-secret")).await.unwrap();
    assert_eq!(seeded, Seeded::Inserted);
}

#[tokio::test]
async fn data_outlives_the_process() {
    let database = Database::demo().await;
    assert_eq!(database.store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::Deleted);
    database.store.close().await;
    let store = Store::open(&database.url()).await.unwrap();
    assert!(is_active(&store, KEY, CredentialKind::ApiKey).await);
    assert_eq!(store.delete_connection(id(MSP), id(CONNECTION)).await.unwrap(), ConnectionDeletion::NotFound);
}

// What follows is about SQLite.

#[tokio::test]
async fn credentials_are_nowhere_in_clear() {
    let database = Database::demo().await;
    database.store.close().await;
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(database.folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("Another MSP"), "the data is in the files");
    for credential in [TOKEN_AND_KEY, KEY, CONNECTION_SECRET, "demo-expired-token", "demo-msp-spare-1"] {
        assert!(!text.contains(credential), "{credential}");
        assert!(text.contains(&hash(credential).to_hex()), "{credential}");
    }
}

#[tokio::test]
async fn file_is_private() {
    let database = Database::demo().await;
    for entry in std::fs::read_dir(database.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn processes_that_open_a_new_database_at_once_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let url = url(&folder.path().join(format!("{round}.db")));
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let url = url.clone();
            opening.spawn(async move { Store::open(&url).await.map(drop) });
        }
        for opened in opening.join_all().await {
            opened.unwrap();
        }
    }
}

#[tokio::test]
async fn dangling_references_are_refused_by_the_schema() {
    let database = Database::demo().await;
    for statement in [
        "UPDATE mithril_connections SET client_id = '00000000-0000-4000-8000-000000000000' WHERE id LIKE 'e537%'",
        "UPDATE mithril_connections SET consumer_id = '00000000-0000-4000-8000-000000000000' WHERE id LIKE 'e537%'",
        "UPDATE mithril_tokens SET client_id = '00000000-0000-4000-8000-000000000000'",
        "UPDATE prm_contract_divisions SET contract_id = '00000000-0000-4000-8000-000000000000'",
        "DELETE FROM prm_contracts",
    ] {
        let mut hand = database.hand().await;
        sqlx::raw_sql("PRAGMA foreign_keys = ON").execute(&mut hand).await.unwrap();
        let fault = sqlx::raw_sql(statement).execute(&mut hand).await.unwrap_err();
        assert!(fault.to_string().contains("FOREIGN KEY"), "{statement}: {fault}");
    }
}

#[tokio::test]
async fn secret_that_stopped_being_one_never_returns() {
    // However it stopped: the connection deleted by hand, by a cascade, its secret changed.
    for revocation in [
        "DELETE FROM mithril_connections WHERE id LIKE 'e537%'",
        "PRAGMA foreign_keys = ON; DELETE FROM mithril_clients WHERE id LIKE '1380%'",
        "PRAGMA foreign_keys = ON; DELETE FROM mithril_clients WHERE id = 'c11e0000-0000-4000-8000-000000000001'",
        "UPDATE mithril_connections SET secret_hash = '0000000000000000000000000000000000000000000000000000000000000000'
         WHERE id LIKE 'e537%'",
    ] {
        let database = Database::demo().await;
        database.sql(revocation).await.unwrap();
        let secret = hash(CONNECTION_SECRET).to_hex();
        assert!(!is_active(&database.store, CONNECTION_SECRET, CredentialKind::ApiKey).await, "{revocation}");

        for (statement, row) in [
            (
                "INSERT OR REPLACE INTO mithril_connections
                 SELECT ?2, 'c11e0000-0000-4000-8000-000000000009', 'c11e0000-0000-4000-8000-000000000009', ?1,
                        'https://a', '', ''",
                NOWHERE,
            ),
            ("UPDATE mithril_connections SET secret_hash = ?1 WHERE id = ?2", "c0220000-0000-4000-8000-000000000002"),
            (
                "UPDATE OR REPLACE mithril_connections SET secret_hash = ?1 WHERE id = ?2",
                "c0220000-0000-4000-8000-000000000002",
            ),
        ] {
            let query = sqlx::query(statement).bind(&secret).bind(row);
            let fault = query.execute(&mut database.hand().await).await.unwrap_err();
            assert!(fault.to_string().contains("revoked secret"), "{revocation}; {statement}: {fault}");
        }
    }
}

#[tokio::test]
async fn connection_is_never_replaced_behind_the_triggers() {
    let database = Database::demo().await;
    for statement in [
        "INSERT OR REPLACE INTO mithril_connections
         SELECT id, client_id, consumer_id, '0000000000000000000000000000000000000000000000000000000000000000',
                redirect_uri, '', ''
         FROM mithril_connections WHERE id LIKE 'e537%'",
        "INSERT OR REPLACE INTO mithril_connections
         SELECT '00000000-0000-4000-8000-000000000000', client_id, consumer_id,
                '0000000000000000000000000000000000000000000000000000000000000000', redirect_uri, '', ''
         FROM mithril_connections WHERE id LIKE 'e537%'",
        "UPDATE OR REPLACE mithril_connections SET id = 'e5372365-d47a-467f-81d0-f35117864352'
         WHERE id = 'c0220000-0000-4000-8000-000000000002'",
    ] {
        let fault = database.sql(statement).await.unwrap_err();
        assert!(fault.to_string().contains("in the way"), "{statement}: {fault}");
    }
    assert!(is_active(&database.store, CONNECTION_SECRET, CredentialKind::ApiKey).await);
}

#[tokio::test]
async fn clear_values_and_odd_rows_are_refused_by_the_schema() {
    let database = Database::demo().await;
    for statement in [
        "UPDATE mithril_tokens SET value_hash = 'c2778f3064753ea70de870a53795f5c9'",
        "UPDATE mithril_tokens SET value_hash = upper(value_hash)",
        "UPDATE mithril_tokens SET name = 'session'",
        "UPDATE mithril_tokens SET expires_at = 'tomorrow'",
        "UPDATE mithril_connections SET secret_hash = 'secret' WHERE id LIKE 'e537%'",
        "UPDATE mithril_connections SET redirect_uri = 'http://a'",
        "UPDATE mithril_clients SET is_blocked = 2",
        "UPDATE mithril_clients SET id = upper(id)",
        "UPDATE mithril_clients SET client_type = ''",
        "UPDATE prm_contract_divisions SET is_active = NULL",
        "INSERT INTO brama_seeded VALUES (2, '')",
    ] {
        assert!(database.sql(statement).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn dangling_connection_is_no_api_key() {
    // `sqlite3` deletes clients without their rows, unless it is told to mind foreign keys.
    let database = Database::demo().await;
    database.sql("DELETE FROM mithril_clients WHERE id LIKE '1380%'").await.unwrap();
    assert!(!is_active(&database.store, CONNECTION_SECRET, CredentialKind::ApiKey).await);
    assert!(!is_active(&database.store, "demo-msp-read-token", CredentialKind::AccessToken).await);
}

#[tokio::test]
async fn database_that_cannot_be_used_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Store::open(&url(&folder.path().join("no/such/folder.db"))).await.unwrap_err();
    assert!(matches!(missing, StoreError::File { .. }), "{missing:?}");

    let file = folder.path().join("text.db");
    std::fs::write(&file, "this is a text, and long enough not to be taken for a new database".repeat(20)).unwrap();
    let foreign = Store::open(&url(&file)).await.unwrap_err();
    assert!(brama_upstream::cause::chain(&foreign).contains("not a database"), "{foreign:?}");

    let database = Database::demo().await;
    let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'from the future', '', TRUE, x'00', 0)";
    database.sql(newer).await.unwrap();
    let newer = Store::open(&database.url()).await.unwrap_err();
    assert!(matches!(newer, StoreError::Migrate(_)), "{newer:?}");
}
