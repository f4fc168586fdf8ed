//! What PostgreSQL keeps beyond the contract: against transactions that run side by side, and its own ways to lose
//! rows.

use std::time::Duration;

use crate::support::{
    CONNECTION, DIVISION, Database, Hand, KEEP, KEY, Kind, MIS_ONE, MIS_TWO, MSP, NOWHERE, OTHER_MSP, USER, standby,
};
use brama_upstream::secret::Secret;
use brama_upstream::store::revocation::{Cursor, Revocation, RevocationOutcome, Revoked, Since, TokenRevocation};
use brama_upstream::store::{ConnectionDeletion, CredentialKind, Introspection, Store, StoreError};
use tokio::task::JoinHandle;

const CONNECTION_SECRET: &str = "demo-msp-connection-secret";

async fn demo() -> Database {
    Database::demo(Kind::Postgres).await
}

async fn delete(store: &Store) -> Result<ConnectionDeletion, StoreError> {
    store.delete_connection(MSP.parse().unwrap(), CONNECTION.parse().unwrap()).await
}

async fn connection_lives(store: &Store) -> bool {
    let hash = Secret::new(CONNECTION_SECRET).hash();
    store.introspect(hash, CredentialKind::ApiKey).await.unwrap() != Introspection::Inactive
}

/// Begins a transaction that has deleted the connection.
async fn deleting(database: &Database) -> Hand {
    let mut hand = database.hand().await;
    hand.run(&format!("BEGIN; DELETE FROM mithril_connections WHERE id = '{CONNECTION}'")).await.unwrap();
    hand
}

/// Waits until the task has run into a lock of this hand's.
async fn waiting<T>(hand: &mut Hand, task: &JoinHandle<T>) {
    hand.is_waited_for().await;
    assert!(!task.is_finished(), "it waits");
}

fn insertion(secret: &str) -> String {
    format!(
        "INSERT INTO mithril_connections
         VALUES ('{NOWHERE}', '{MIS_TWO}', '{OTHER_MSP}', {secret}, 'https://a', now(), now())"
    )
}

#[tokio::test]
async fn nothing_that_revokes_is_truncated() {
    let database = demo().await;
    let tables = ["mithril_tokens", "mithril_connections", "mithril_clients", "mithril_revoked_secrets"];
    for (table, reason) in tables
        .map(|table| (table, "not truncated"))
        .into_iter()
        .chain([("brama_revocations", "not changed"), ("brama_revocation_head", "stays")])
    {
        for cascade in ["", "CASCADE"] {
            let mut hand = database.hand().await;
            for role in ["origin", "replica"] {
                hand.run(&format!("SET session_replication_role = {role}")).await.unwrap();
                let fault = hand.run(&format!("TRUNCATE {table} {cascade}")).await.unwrap_err().to_string();
                assert!(fault.contains(reason) || fault.contains("foreign key"), "{table} {cascade}: {fault}");
            }
        }
    }
}

#[tokio::test]
async fn secret_does_not_return_while_its_connection_is_being_deleted() {
    for isolation in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let database = demo().await;
        let mut deleting = deleting(&database).await;
        let mut other = database.hand().await;
        // The other's view of the data is from before the deletion.
        other.run(&format!("BEGIN ISOLATION LEVEL {isolation}; SELECT FROM mithril_connections")).await.unwrap();
        let insertion = insertion(&format!("'{}'", Secret::new(CONNECTION_SECRET).hash().to_hex()));
        let inserting = tokio::spawn(async move { other.run(&insertion).await });
        waiting(&mut deleting, &inserting).await;
        deleting.run("COMMIT").await.unwrap();
        assert!(inserting.await.unwrap().is_err(), "{isolation}");
        assert!(!connection_lives(&database.store).await, "{isolation}");
    }
}

#[tokio::test]
async fn secret_does_not_return_by_the_statement_that_deletes_it() {
    let database = demo().await;
    let both = format!(
        "WITH gone AS (DELETE FROM mithril_connections WHERE id = '{CONNECTION}' RETURNING secret_hash) {} FROM gone",
        insertion("secret_hash").replace("VALUES (", "SELECT ").replace("now(), now())", "now(), now()")
    );
    let fault = database.sql(&both).await.unwrap_err().to_string();
    assert!(fault.contains("revoked secret"), "{fault}");
    assert!(connection_lives(&database.store).await, "nothing was done");
}

/// A key that its client only uses is named, also where it is being inserted.
#[tokio::test]
async fn client_is_revoked_after_its_connections_are_inserted() {
    let database = demo().await;
    let since = database.head().await;
    let hash = Secret::new("just now").hash();
    let mut hand = database.hand().await;
    hand.run(&format!("BEGIN; {}", insertion(&format!("'{}'", hash.to_hex())))).await.unwrap();
    let store = database.store.clone();
    let revoking = tokio::spawn(async move { store.revoke(&Revocation::Client(OTHER_MSP.to_owned()), &KEEP).await });
    waiting(&mut hand, &revoking).await;
    hand.run("COMMIT").await.unwrap();
    assert!(matches!(revoking.await.unwrap().unwrap(), RevocationOutcome::Done { .. }));
    assert!(database.revoked(since).await.contains(&Revoked::Credential(hash)));
}

/// A row that somebody changes while it is to be deleted is deleted as it is then.
#[tokio::test]
async fn row_that_is_changed_meanwhile_is_swept() {
    let database = demo().await;
    let _ = database.store.revoke(&Revocation::Client(MSP.to_owned()), &KEEP).await.unwrap();
    let cutoff = database.store.next_cutoff(0).await.unwrap().unwrap();
    let mut hand = database.hand().await;
    let change = format!("BEGIN; UPDATE mithril_tokens SET updated_at = now() WHERE client_id = '{MSP}'");
    hand.run(&change).await.unwrap();
    assert!(database.store.sweep(&cutoff, 0, 100).await.is_err(), "it waits for nobody for long");
    hand.run("COMMIT").await.unwrap();
    while database.store.sweep(&cutoff, 0, 100).await.unwrap().is_some() {}
    assert_eq!(database.number(&format!("SELECT count(*) FROM mithril_tokens WHERE client_id = '{MSP}'")).await, 0);
}

#[tokio::test]
async fn revocations_whose_rows_overlap_all_succeed() {
    let database = demo().await;
    let mut revoking = tokio::task::JoinSet::new();
    for round in 0..40 {
        let store = database.store.clone();
        revoking.spawn(async move {
            match round % 4 {
                0 => drop(delete(&store).await.unwrap()),
                1 => drop(store.revoke(&Revocation::All, &KEEP).await.unwrap()),
                2 => drop(store.prune_revocations(&KEEP, 0).await.unwrap()),
                _ => drop(store.revoke(&Revocation::Client(MSP.to_owned()), &KEEP).await.unwrap()),
            }
        });
    }
    revoking.join_all().await;
    let numbers: Vec<i64> = database.page(Since::Start).await.entries.iter().map(|entry| entry.number).collect();
    assert!(numbers.is_sorted_by(|one, two| one < two), "{numbers:?}");
}

/// Who has the head numbers entries, and nobody else needs it.
#[tokio::test]
async fn what_revokes_does_not_wait_for_the_head() {
    let database = demo().await;
    let mut hand = database.hand().await;
    hand.run("BEGIN; SELECT FROM brama_revocation_head FOR UPDATE").await.unwrap();
    let (store, token) = (&database.store, Secret::new("demo-mis-token").hash());
    assert_eq!(delete(store).await.unwrap(), ConnectionDeletion::Deleted);
    assert_eq!(delete(store).await.unwrap(), ConnectionDeletion::NotFound);
    let revoked = store.revoke_token(token, CredentialKind::AccessToken, None, &KEEP).await.unwrap();
    assert_eq!(revoked, TokenRevocation::Done);
    // Its answer has a number, which it waits for in vain; and yet it is in force.
    assert!(store.revoke(&Revocation::Client(MIS_ONE.to_owned()), &KEEP).await.is_err());
    assert_eq!(
        store.introspect(Secret::new(KEY).hash(), CredentialKind::ApiKey).await.unwrap(),
        Introspection::Inactive
    );
}

#[tokio::test]
async fn deadlock_with_a_hand_is_tried_again() {
    let database = demo().await;
    let mut hand = database.hand().await;
    // It looks for no deadlock itself, and the service's connections look soon, so the server's choice is the service.
    let soon = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 50', current_database()); END $$";
    hand.run(soon).await.unwrap();
    hand.run("SET deadlock_timeout = '60s'").await.unwrap();
    let hash = Secret::new(CONNECTION_SECRET).hash().to_hex();
    hand.run(&format!("BEGIN; INSERT INTO mithril_revoked_secrets VALUES ('{hash}', now())")).await.unwrap();
    let store = Store::open(&database.url()).await.unwrap();
    let deleting = tokio::spawn(async move { delete(&store).await });
    waiting(&mut hand, &deleting).await;
    // Each has now what the other wants.
    hand.run(&format!("SELECT FROM mithril_connections WHERE id = '{CONNECTION}' FOR UPDATE")).await.unwrap();
    hand.run("COMMIT").await.unwrap();
    assert_eq!(deleting.await.unwrap().unwrap(), ConnectionDeletion::Deleted);
}

#[tokio::test]
async fn broken_connections_are_an_error_and_then_replaced() {
    let database = demo().await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut hand = database.hand().await;
    // In the midst of a transaction: it is undone.
    hand.hold_feed().await;
    let store = database.store.clone();
    let deleting = tokio::spawn(async move { delete(&store).await });
    waiting(&mut hand, &deleting).await;
    hand.run(terminate).await.unwrap();
    assert!(matches!(deleting.await.unwrap(), Err(StoreError::Database(_))));
    hand.run("ROLLBACK").await.unwrap();
    assert!(connection_lives(&database.store).await);
    // While nobody uses them: nobody notices.
    assert!(database.store.delete_division(DIVISION.parse().unwrap(), USER.parse().unwrap()).await.is_ok());
    hand.run(terminate).await.unwrap();
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while hand.number(others).await > 0 {}
    // For longer than a connection that was just given back is taken to live.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(connection_lives(&database.store).await);
    assert_eq!(delete(&database.store).await.unwrap(), ConnectionDeletion::Deleted);
}

#[tokio::test]
async fn commit_that_fails_hangs_or_loses_its_connection_is_an_error() {
    for end in ["PERFORM 1 / 0", "PERFORM pg_sleep(60)", "PERFORM pg_terminate_backend(pg_backend_pid())"] {
        let database = demo().await;
        let at_commit = format!(
            "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {end}; RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER at_commit AFTER DELETE ON mithril_connections
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()"
        );
        database.sql(&at_commit).await.unwrap();
        let head = database.head().await;
        let started = std::time::Instant::now();
        let deletion = delete(&database.store).await;
        assert!(deletion.is_err(), "{end}: {deletion:?}");
        // Far below the minute for which a commit hangs here.
        assert!(started.elapsed() < Duration::from_secs(30), "{end}: {:?}", started.elapsed());
        assert!(connection_lives(&database.store).await, "{end}");
        assert_eq!(database.revoked(head).await, [], "{end}");
    }
}

#[tokio::test]
async fn role_that_cannot_change_the_schema_serves() {
    let database = demo().await;
    let mut hand = database.hand().await;
    let role = hand.text("SELECT current_database() || '_role'").await;
    let grants = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret-of-tests';
         GRANT USAGE ON SCHEMA brama, mithril, prm TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA brama, mithril, prm TO {role}"
    );
    // Not `run`, whose words for tables would change the role's name.
    let Hand::Postgres(connection) = &mut hand else { panic!("not PostgreSQL") };
    sqlx::raw_sql(sqlx::AssertSqlSafe(grants)).execute(&mut *connection).await.unwrap();

    let url = database.address().with_user(&role, "secret-of-tests");
    let store = Store::open(&url.parse().unwrap()).await.unwrap();
    assert!(
        store.introspect(Secret::new(KEY).hash(), CredentialKind::ApiKey).await.unwrap() != Introspection::Inactive
    );
    let since = database.head().await;
    assert_eq!(delete(&store).await.unwrap(), ConnectionDeletion::Deleted);
    assert_eq!(database.revoked(since).await.len(), 1);
    let division = store.delete_division(DIVISION.parse().unwrap(), USER.parse().unwrap()).await;
    assert!(division.is_ok(), "{division:?}");
    let outcome = store.revoke(&Revocation::All, &KEEP).await.unwrap();
    assert!(matches!(outcome, RevocationOutcome::Done { .. }), "{outcome:?}");
    store.close().await;
    let drop_role = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(drop_role)).execute(connection).await.unwrap();
}

#[tokio::test]
async fn settings_of_the_server_and_the_database_do_not_matter() {
    let database = demo().await;
    database
        .sql(
            "CREATE TABLE seen (setting text, value text);
             CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 INSERT INTO seen SELECT name, current_setting(name) FROM unnest(ARRAY[
                     'default_transaction_isolation', 'idle_in_transaction_session_timeout', 'statement_timeout',
                     'synchronous_commit', 'transaction_isolation']) AS name;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER see AFTER UPDATE ON prm_contract_divisions EXECUTE FUNCTION see();
             DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
                 EXECUTE format('ALTER DATABASE %I SET statement_timeout = 0', current_database());
                 EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());
             END $$",
        )
        .await
        .unwrap();
    let store = Store::open(&database.url()).await.unwrap();
    let _ = store.delete_division(DIVISION.parse().unwrap(), USER.parse().unwrap()).await.unwrap();
    let seen = "SELECT string_agg(value, ', ' ORDER BY setting) FROM seen";
    assert_eq!(database.text(seen).await, "read committed, 5s, 800ms, on, read committed");
}

#[tokio::test]
async fn replica_is_refused() {
    let (url, _server) = standby();
    let give_up = std::time::Instant::now() + Duration::from_secs(120);
    loop {
        match Store::open(&url.parse().unwrap()).await.unwrap_err() {
            StoreError::Replica => break,
            error => assert!(std::time::Instant::now() < give_up, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A plan that was made for one row serves many. Beyond 10,000 credentials one entry says that everything is to be
/// asked for again.
#[tokio::test]
async fn many_tokens_are_changed_at_once_in_a_session_that_changed_one() {
    let database = demo().await;
    let mut hand = database.hand().await;
    let insert = format!(
        "INSERT INTO mithril.tokens SELECT md5(n::text) || md5(n::text), 'access_token', '{USER}', '{MSP}', 'a',
             brama.unix_now() + 60, now(), now() FROM generate_series(1, 10001) AS n"
    );
    hand.run(&insert).await.unwrap();
    for (rows, entries) in [(1, 1), (2_000, 2_000), (10_001, 1)] {
        let head = database.head().await;
        // Far above what it takes, and far below what comparing each with each would.
        let change = format!(
            "SET statement_timeout = '20s';
             UPDATE mithril.tokens SET scope = scope || 'b' WHERE value_hash IN (
                 SELECT value_hash FROM mithril.tokens WHERE scope LIKE 'a%' ORDER BY value_hash LIMIT {rows})"
        );
        hand.run(&change).await.unwrap();
        let Since::Cursor(Cursor { number: before, .. }) = head else { panic!("no cursor") };
        let page = database.page(head).await;
        assert_eq!(page.head.number - before, entries);
        let is_about_all = page.entries[0].revoked == Revoked::All { issued_before: None };
        assert_eq!(is_about_all, rows > 10_000);
    }
}

#[tokio::test]
async fn insertion_of_a_connection_leaves_no_dead_row() {
    let database = demo().await;
    let mut hand = database.hand().await;
    hand.run(&format!("BEGIN; {}", insertion("repeat('a', 64)"))).await.unwrap();
    let written = "SELECT n_tup_ins FROM pg_stat_xact_user_tables WHERE relname = 'revoked_secrets'";
    assert_eq!(hand.number(written).await, 0);
}

/// Whoever asks for the table afterwards would wait behind it.
#[tokio::test]
async fn migration_does_not_wait_for_long_for_a_table() {
    let database = demo().await;
    database
        .sql("DELETE FROM brama.migrations WHERE version = (SELECT max(version) FROM brama.migrations)")
        .await
        .unwrap();
    let mut hand = database.hand().await;
    hand.run("BEGIN; LOCK TABLE brama.migrations IN SHARE MODE").await.unwrap();
    let started = std::time::Instant::now();
    assert!(matches!(Store::open(&database.url()).await.unwrap_err(), StoreError::Migrate(_)));
    // Far below the minute that a statement has.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test]
async fn changed_migration_is_refused() {
    let database = demo().await;
    database.sql("UPDATE brama_migrations SET checksum = '' WHERE version = 2").await.unwrap();
    let fault = Store::open(&database.url()).await.unwrap_err();
    assert!(matches!(fault, StoreError::Migrate(_)), "{fault:?}");
}
