//! How PostgreSQL numbers entries of the feed, beside transactions that are open.

use std::time::Duration;

use crate::support::{CONNECTION, Database, Kind};
use brama_upstream::store::revocation::{Revoked, Since};

async fn demo() -> Database {
    Database::demo(Kind::Postgres).await
}

#[tokio::test]
async fn open_transactions_have_numbers_in_the_order_of_their_commits() {
    let database = demo().await;
    let since = database.head().await;
    let (mut slow, mut undone, mut fast) = (database.hand().await, database.hand().await, database.hand().await);
    slow.run(&format!("BEGIN; DELETE FROM mithril_connections WHERE id = '{CONNECTION}'")).await.unwrap();
    let insert = |id: &str| format!("BEGIN; INSERT INTO brama_revoke (kind, subject) VALUES ('client', '{id}')");
    undone.run(&insert("undone")).await.unwrap();
    for id in ["one", "two"] {
        fast.run(&insert(id)).await.unwrap();
        assert!(database.revoked(since).await.iter().all(|revoked| *revoked != client(id)), "it has not committed");
        fast.run("COMMIT").await.unwrap();
        // It waits for nobody who is slower.
        assert!(database.revoked(since).await.contains(&client(id)));
    }
    let read = database.page(since).await;
    assert_eq!(database.number("SELECT settled FROM brama_revocation_head").await, 0, "the slow one may be below");
    // Undone, it leaves no gap.
    undone.run("ROLLBACK").await.unwrap();
    slow.run("COMMIT").await.unwrap();
    let page = database.page(Since::Cursor(read.next)).await;
    assert_eq!((page.entries[0].number, page.head.number), (3, 3));
    // Who looks for new ones passes over none of these any more, once all transactions of the server's have ended.
    let give_up = std::time::Instant::now() + Duration::from_secs(60);
    while database.number("SELECT settled FROM brama_revocation_head").await < 4 {
        assert!(std::time::Instant::now() < give_up, "old entries are looked for still");
        fast.run(&insert("later")).await.unwrap();
        fast.run("COMMIT").await.unwrap();
        let _ = database.page(since).await;
    }
}

/// A transaction that is running may have an xid above that of the last one that ended.
#[tokio::test]
async fn entry_of_a_transaction_that_outlasts_two_readings_is_told() {
    let database = demo().await;
    let since = database.head().await;
    let insert = |id: &str| format!("INSERT INTO brama_revoke (kind, subject) VALUES ('client', '{id}')");
    let (mut first, mut slow) = (database.hand().await, database.hand().await);
    first.run("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
    slow.run(&format!("BEGIN; {}", insert("slow"))).await.unwrap();
    first.run(&format!("{}; COMMIT", insert("first"))).await.unwrap();
    for id in ["a", "b", "c"] {
        let told = database.revoked(since).await;
        assert!(told.contains(&client("first")) && !told.contains(&client("slow")), "{told:?}");
        database.sql(&insert(id)).await.unwrap();
    }
    slow.run("COMMIT").await.unwrap();
    assert!(database.revoked(since).await.contains(&client("slow")));
}

fn client(id: &str) -> Revoked {
    Revoked::Client { id: id.to_owned(), issued_before: None }
}
