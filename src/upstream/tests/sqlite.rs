//! What SQLite keeps beyond the contract: its files, and rows that REPLACE would delete behind the triggers.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Database, Hand, KEY, Kind, NOWHERE, TOKEN_AND_KEY, url};
use brama_upstream::secret::{CredentialHash, Secret};
use brama_upstream::store::{CredentialKind, Introspection, Store, StoreError};

const CONNECTION_SECRET: &str = "demo-msp-connection-secret";

fn hash(credential: &str) -> CredentialHash {
    Secret::new(credential).hash()
}

#[tokio::test]
async fn credentials_are_nowhere_in_clear() {
    let database = Database::demo(Kind::Sqlite).await;
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
    let database = Database::demo(Kind::Sqlite).await;
    for entry in std::fs::read_dir(database.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn revoked_secret_does_not_return_by_replacement() {
    let database = Database::demo(Kind::Sqlite).await;
    database.sql("DELETE FROM mithril_connections WHERE id LIKE 'e537%'").await.unwrap();
    let secret = hash(CONNECTION_SECRET).to_hex();
    for statement in [
        format!(
            "INSERT OR REPLACE INTO mithril_connections
             (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
             SELECT '{NOWHERE}', 'c11e0000-0000-4000-8000-000000000009', 'c11e0000-0000-4000-8000-000000000009',
                    '{secret}', 'https://a', '', ''"
        ),
        format!(
            "UPDATE OR REPLACE mithril_connections SET secret_hash = '{secret}' WHERE id LIKE 'c022%-000000000002'"
        ),
    ] {
        let fault = database.sql(&statement).await.unwrap_err().to_string();
        assert!(fault.contains("revoked secret"), "{statement}: {fault}");
    }
}

#[tokio::test]
async fn connection_is_never_replaced_behind_the_triggers() {
    let database = Database::demo(Kind::Sqlite).await;
    for statement in [
        "INSERT OR REPLACE INTO mithril_connections
             (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
         SELECT id, client_id, consumer_id, '0000000000000000000000000000000000000000000000000000000000000000',
                redirect_uri, '', ''
         FROM mithril_connections WHERE id LIKE 'e537%'",
        "INSERT OR REPLACE INTO mithril_connections
             (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
         SELECT '00000000-0000-4000-8000-000000000000', client_id, consumer_id,
                '0000000000000000000000000000000000000000000000000000000000000000', redirect_uri, '', ''
         FROM mithril_connections WHERE id LIKE 'e537%'",
        "UPDATE OR REPLACE mithril_connections SET id = 'e5372365-d47a-467f-81d0-f35117864352'
         WHERE id = 'c0220000-0000-4000-8000-000000000002'",
    ] {
        let fault = database.sql(statement).await.unwrap_err();
        assert!(fault.to_string().contains("in the way"), "{statement}: {fault}");
    }
    let facts = database.store.introspect(hash(CONNECTION_SECRET), CredentialKind::ApiKey).await.unwrap();
    assert!(matches!(facts, Introspection::ApiKey(_)), "{facts:?}");
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
}

#[tokio::test]
async fn tokens_of_a_user_and_old_ones_are_found_by_an_index() {
    let database = Database::demo(Kind::Sqlite).await;
    for (condition, index) in
        [("user_id = 'x'", "mithril_tokens_user_id"), ("expires_at < 1", "mithril_tokens_expires_at")]
    {
        let plan = format!("EXPLAIN QUERY PLAN DELETE FROM mithril_tokens WHERE {condition}");
        let mut hand = database.hand().await;
        let Hand::Sqlite(connection) = &mut hand else { panic!("not SQLite") };
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(plan)).fetch_all(connection).await.unwrap();
        assert!(rows.iter().any(|row| row.3.contains(index)), "{rows:?}");
    }
}
