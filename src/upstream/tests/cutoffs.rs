//! The contract of revoking many at once: in force by one row, whose own rows are deleted afterwards.

use crate::support::{CONNECTION, Database, KEEP, KEY, Kind, MIS_ONE, MIS_TWO, MSP, NOWHERE, USER, on_both};
use brama_upstream::secret::Secret;
use brama_upstream::store::revocation::{Revocation, RevocationOutcome, Revoked};
use brama_upstream::store::{ConnectionDeletion, CredentialKind, Introspection};

const TIME: &str = "2026-11-25T10:00:00.000Z";

impl Database {
    async fn revoke(&self, revocation: Revocation) {
        let outcome = self.store.revoke(&revocation, &KEEP).await.unwrap();
        assert!(matches!(outcome, RevocationOutcome::Done { .. }), "{outcome:?}");
    }

    async fn is_active(&self, text: &str) -> bool {
        let hash = Secret::new(text).hash();
        self.store.introspect(hash, CredentialKind::AccessToken).await.unwrap() != Introspection::Inactive
    }

    async fn insert_token(&self, text: &str, user: &str, client: &str, inserted_at: &str) {
        let hash = Secret::new(text).hash().to_hex();
        let insert = format!(
            "INSERT INTO mithril_tokens
                 (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)
             VALUES ('{hash}', 'access_token', '{user}', '{client}', '', 4000000000, '{inserted_at}', '{TIME}')"
        );
        self.sql(&insert).await.unwrap();
    }

    /// Goes through all rows of all cutoffs, as housekeeping does.
    async fn sweep(&self) {
        let mut last = 0;
        while let Some(cutoff) = self.store.next_cutoff(last).await.unwrap() {
            last = cutoff.number;
            let mut after = 0;
            while let Some(next) = self.store.sweep(&cutoff, after, 3).await.unwrap() {
                after = next;
            }
            self.store.end_cutoff(&cutoff).await.unwrap();
        }
    }
}

async fn what_was_issued_before_is_revoked_and_what_follows_is_not(kind: Kind) {
    for (revocation, other) in [
        (Revocation::Client(MIS_ONE.to_owned()), true),
        (Revocation::User { id: USER.to_owned(), issued_before: None }, true),
        (Revocation::All, false),
    ] {
        let database = Database::demo(kind).await;
        // A clock that was wrong changes nothing.
        database.insert_token("before", USER, MIS_ONE, "2099-01-01T00:00:00.000Z").await;
        database.insert_token("another's", NOWHERE, MIS_TWO, TIME).await;
        database.revoke(revocation.clone()).await;
        database.insert_token("after", USER, MIS_ONE, "1999-01-01T00:00:00.000Z").await;
        for round in ["before the rows are gone", "afterwards"] {
            assert!(!database.is_active("before").await, "{revocation:?}, {round}");
            assert!(database.is_active("after").await, "{revocation:?}, {round}");
            assert_eq!(database.is_active("another's").await, other, "{revocation:?}, {round}");
            database.sweep().await;
        }
        let hash = |text| Secret::new(text).hash().to_hex();
        let rows = format!(
            "SELECT count(*) FROM mithril_tokens WHERE value_hash IN ('{}', '{}')",
            hash("before"),
            hash("after")
        );
        assert_eq!(database.number(&rows).await, 1, "{revocation:?}");
    }
}

async fn user_is_revoked_up_to_a_moment(kind: Kind) {
    let database = Database::demo(kind).await;
    let at = 1_764_064_800; // 2025-11-25T10:00:00Z
    database.insert_token("second before", USER, MIS_ONE, "2025-11-25T09:59:59.999Z").await;
    database.insert_token("that second", USER, MIS_ONE, "2025-11-25T10:00:00.000Z").await;
    database.revoke(Revocation::User { id: USER.to_owned(), issued_before: Some(at) }).await;
    for _ in 0..2 {
        assert!(!database.is_active("second before").await);
        assert!(database.is_active("that second").await);
        database.sweep().await;
    }
}

async fn connection_that_was_cut_off_is_not_found(kind: Kind) {
    let database = Database::demo(kind).await;
    database.revoke(Revocation::Client(MSP.to_owned())).await;
    let delete = || database.store.delete_connection(MSP.parse().unwrap(), CONNECTION.parse().unwrap());
    assert_eq!(delete().await.unwrap(), ConnectionDeletion::NotFound);
    database.sweep().await;
    assert_eq!(delete().await.unwrap(), ConnectionDeletion::NotFound);
    let secrets = format!(
        "SELECT count(*) FROM mithril_revoked_secrets WHERE secret_hash = '{}'",
        Secret::new("demo-msp-connection-secret").hash().to_hex()
    );
    assert_eq!(database.number(&secrets).await, 1, "its secret does not come back");
}

async fn cutoff_is_kept_until_nothing_is_left_and_a_day_longer(kind: Kind) {
    let database = Database::demo(kind).await;
    let tokens = format!("SELECT count(*) FROM mithril_tokens WHERE client_id = '{MIS_ONE}'");
    let cutoffs = "SELECT count(*) FROM brama_cutoffs";
    database.revoke(Revocation::Client(MIS_ONE.to_owned())).await;
    let fault = database.sql("DELETE FROM brama_cutoffs").await.unwrap_err().to_string();
    assert!(fault.contains("stays until its rows are gone"), "{fault}");
    database.sweep().await;
    assert_eq!((database.number(&tokens).await, database.number(cutoffs).await), (0, 1));
    // Who inserted meanwhile, and committed late.
    database.insert_token("late", USER, MIS_ONE, TIME).await;
    database.sql("UPDATE mithril_tokens SET issued = 0").await.unwrap();
    database.sweep().await;
    assert!(!database.is_active("late").await);
    let age = if kind == Kind::Postgres { "now() - interval '25 hours'" } else { "unixepoch() - 25 * 3600" };
    database.sql(&format!("UPDATE brama_cutoffs SET made_at = {age}")).await.unwrap();
    database.sweep().await;
    assert_eq!((database.number(&tokens).await, database.number(cutoffs).await), (0, 0));
    // Numbers go on where they were.
    database.insert_token("new", USER, MIS_ONE, TIME).await;
    database.revoke(Revocation::Client(MIS_ONE.to_owned())).await;
    assert!(!database.is_active("new").await);
}

/// For rows that are moved while they are gone through, and those that were inserted meanwhile and are committed late.
async fn last_cutoff_of_all_stays(kind: Kind) {
    let database = Database::demo(kind).await;
    for _ in 0..2 {
        database.revoke(Revocation::All).await;
        database.sweep().await;
        database.insert_token("late", USER, MIS_ONE, TIME).await;
        database.sql("UPDATE mithril_tokens SET issued = 0").await.unwrap();
        let age = if kind == Kind::Postgres { "now() - interval '25 hours'" } else { "unixepoch() - 25 * 3600" };
        database.sql(&format!("UPDATE brama_cutoffs SET made_at = {age}")).await.unwrap();
        database.sweep().await;
        assert!(!database.is_active("late").await);
        assert_eq!(database.number("SELECT count(*) FROM brama_cutoffs").await, 1);
        database.sql("DELETE FROM mithril_tokens").await.unwrap();
    }
}

/// A client's rows are many; its entry is one, whether it is revoked or deleted by hand.
async fn client_of_many_rows_is_one_entry(kind: Kind) {
    for is_deleted in [false, true] {
        let database = Database::demo(kind).await;
        database.sql(&many_tokens(kind, 2000)).await.unwrap();
        database.sql(&format!("DELETE FROM mithril_connections WHERE consumer_id = '{MIS_TWO}'")).await.unwrap();
        let head = database.head().await;
        if is_deleted {
            let mut hand = database.hand().await;
            hand.mind_foreign_keys(true).await;
            hand.run(&format!("DELETE FROM mithril_clients WHERE id = '{MIS_TWO}'")).await.unwrap();
        } else {
            database.revoke(Revocation::Client(MIS_TWO.to_owned())).await;
        }
        database.sweep().await;
        let told = database.revoked(head).await;
        assert!(matches!(&told[..], [Revoked::Client { issued_before: Some(_), .. }]), "{told:?}");
        assert_eq!(
            database.number(&format!("SELECT count(*) FROM mithril_tokens WHERE client_id = '{MIS_TWO}'")).await,
            0
        );
    }
}

fn many_tokens(kind: Kind, rows: usize) -> String {
    let hash = match kind {
        Kind::Postgres => "lpad(to_hex(i), 64, '0')",
        Kind::Sqlite => "printf('%064x', i)",
    };
    let ids = match kind {
        Kind::Postgres => format!("'{USER}'::uuid, '{MIS_TWO}'::uuid, '', 4000000000, now(), now()"),
        Kind::Sqlite => format!("'{USER}', '{MIS_TWO}', '', 4000000000, '{TIME}', '{TIME}'"),
    };
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO mithril_tokens
             (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)
         SELECT {hash}, 'access_token', {ids} FROM n"
    )
}

/// A gateway may know none of the keys by their consumer: a few are named, and for many everything is asked for again.
async fn keys_that_a_client_uses_are_named_or_everything_is_asked_for(kind: Kind) {
    for (rows, expected) in [(100, 101), (101, 2)] {
        let database = Database::empty(kind).await;
        let mut clients = Vec::new();
        for number in 0..=rows {
            let id = format!("c11e0000-0000-4000-8000-{number:012}");
            clients.push(format!("('{id}', 'n', 'MIS', '', FALSE, '{TIME}', '{TIME}')"));
        }
        database.sql(&format!("INSERT INTO mithril_clients VALUES {}", clients.join(", "))).await.unwrap();
        let mut connections = Vec::new();
        for number in 1..=rows {
            let id = format!("c11e0000-0000-4000-8000-{number:012}");
            let consumer = "c11e0000-0000-4000-8000-000000000000";
            let hash = Secret::new(format!("key {number}")).hash().to_hex();
            connections.push(format!("('{id}', '{id}', '{consumer}', '{hash}', 'https://a', '{TIME}', '{TIME}')"));
        }
        let insert = format!(
            "INSERT INTO mithril_connections
                 (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
             VALUES {}",
            connections.join(", ")
        );
        database.sql(&insert).await.unwrap();
        let head = database.head().await;
        database.revoke(Revocation::Client("c11e0000-0000-4000-8000-000000000000".to_owned())).await;
        assert!(!database.is_active("key 7").await);
        let told = database.revoked(head).await;
        assert_eq!(told.len(), expected, "{rows}");
        assert_eq!(told.contains(&Revoked::All { issued_before: None }), rows > 100);
        database.sweep().await;
        assert_eq!(database.revoked(head).await.len(), expected, "nothing is told twice");
        assert_eq!(database.number("SELECT count(*) FROM mithril_connections").await, 0);
    }
}

async fn nobody_is_revoked_by_an_id_that_is_no_row(kind: Kind) {
    let database = Database::demo(kind).await;
    let head = database.head().await;
    let nil = "00000000-0000-0000-0000-000000000000";
    for id in ["a client that only gateways know", nil, "C11E0000-0000-4000-8000-000000000001", ""] {
        for revocation in
            [Revocation::Client(format!("x{id}")), Revocation::User { id: id.to_owned(), issued_before: None }]
        {
            if id.is_empty() && matches!(revocation, Revocation::User { .. }) {
                continue;
            }
            database.revoke(revocation).await;
        }
    }
    database.revoke(Revocation::Client(nil.to_owned())).await;
    assert!(database.is_active("demo-mis-token").await && database.is_active(KEY).await);
    database.sweep().await;
    assert!(database.is_active("demo-mis-token").await && database.is_active(KEY).await);
    assert_eq!(database.page(head).await.entries.len(), 8);
}

on_both![
    what_was_issued_before_is_revoked_and_what_follows_is_not,
    user_is_revoked_up_to_a_moment,
    connection_that_was_cut_off_is_not_found,
    cutoff_is_kept_until_nothing_is_left_and_a_day_longer,
    last_cutoff_of_all_stays,
    client_of_many_rows_is_one_entry,
    keys_that_a_client_uses_are_named_or_everything_is_asked_for,
    nobody_is_revoked_by_an_id_that_is_no_row,
];
