//! The contract of the revocation feed: what is written, in which order, and what a reader gets of it.

use std::time::Duration;

use crate::support::{
    CONNECTION, Database, Hand, KEEP, KEY, Kind, MIS_ONE, MIS_TWO, MSP, NOWHERE, TOKEN_AND_KEY, on_both,
};
use brama_upstream::secret::Secret;
use brama_upstream::store::revocation::{
    Cursor, Denied, DeniedJwt, Entry, Keep, Page, Revocation, RevocationOutcome, Revoked, Since, TokenRevocation,
};
use brama_upstream::store::{ConnectionDeletion, CredentialKind, Introspection};

const CONNECTION_SECRET: &str = "demo-msp-connection-secret";

impl Database {
    async fn hand_sql(&self, statements: &str, foreign_keys: bool) -> Result<(), sqlx::Error> {
        let mut hand = self.hand().await;
        hand.mind_foreign_keys(foreign_keys).await;
        hand.run(statements).await
    }
}

async fn insert(hand: &mut Hand, client: &str) {
    let insert = format!("INSERT INTO brama_revoke (kind, subject) VALUES ('client', '{client}')");
    hand.run(&insert).await.unwrap();
}

fn credential(text: &str) -> Revoked {
    Revoked::Credential(Secret::new(text).hash())
}

fn sorted(mut revoked: Vec<Revoked>) -> Vec<String> {
    let mut texts: Vec<String> = revoked
        .drain(..)
        .map(|one| match one {
            Revoked::Credential(hash) => hash.to_hex(),
            Revoked::Client { id, issued_before } => format!("client {id} {}", issued_before.is_some()),
            other => panic!("{other:?}"),
        })
        .collect();
    texts.sort();
    texts
}

async fn new_database_has_revoked_nothing(kind: Kind) {
    let (one, two) = (Database::demo(kind).await, Database::demo(kind).await);
    let (first, second) = (one.page(Since::Start).await, two.page(Since::Start).await);
    assert_eq!((first.head.number, first.entries.len(), first.more, first.reset), (0, 0, false, false));
    assert_ne!(first.head.feed, second.head.feed);
    let version = first.head.feed.to_string().chars().nth(14);
    assert_eq!(version, Some('4'), "a random UUID");
}

async fn deleted_connection_is_revoked_by_the_transaction_that_deletes_it(kind: Kind) {
    let database = Database::demo(kind).await;
    let head = database.head().await;
    let delete = format!("DELETE FROM mithril_connections WHERE id = '{CONNECTION}'");
    database.hand_sql(&format!("BEGIN; {delete}; ROLLBACK"), true).await.unwrap();
    assert_eq!(database.revoked(head).await, []);
    let count = format!("SELECT count(*) FROM mithril_connections WHERE id = '{CONNECTION}'");
    assert_eq!(database.number(&count).await, 1);

    let deleted = database.store.delete_connection(MSP.parse().unwrap(), CONNECTION.parse().unwrap()).await.unwrap();
    assert_eq!(deleted, ConnectionDeletion::Deleted);
    assert_eq!(database.revoked(head).await, [credential(CONNECTION_SECRET)]);
}

/// However a credential ends, or changes what it stands for, with or without foreign keys minded.
async fn every_change_of_a_credential_is_in_the_feed(kind: Kind) {
    let zeros = "0000000000000000000000000000000000000000000000000000000000000000";
    let token = Secret::new("demo-mis-token").hash().to_hex();
    let at = format!("WHERE value_hash = '{token}'");
    let (secret, one) = ("UPDATE mithril_connections SET", format!("WHERE id = '{CONNECTION}'"));
    let mut changes = vec![
        (format!("DELETE FROM mithril_connections {one}"), vec![CONNECTION_SECRET]),
        (format!("{secret} secret_hash = '{zeros}' {one}"), vec![CONNECTION_SECRET]),
        (format!("{secret} consumer_id = '{MSP}' {one}"), vec![CONNECTION_SECRET]),
        (format!("{secret} updated_at = CURRENT_TIMESTAMP {one}"), vec![]),
        (format!("DELETE FROM mithril_tokens {at}"), vec!["demo-mis-token"]),
        (format!("UPDATE mithril_tokens SET expires_at = unixepoch() {at}"), vec!["demo-mis-token"]),
        (format!("UPDATE mithril_tokens SET expires_at = expires_at + 1 {at}"), vec![]),
        (format!("UPDATE mithril_tokens SET value_hash = '{zeros}' {at}"), vec!["demo-mis-token"]),
        (format!("UPDATE mithril_tokens SET scope = '' {at}"), vec!["demo-mis-token"]),
        (format!("UPDATE mithril_tokens SET name = 'refresh_token' {at}"), vec!["demo-mis-token"]),
        (format!("UPDATE mithril_tokens SET client_id = '{MSP}' {at}"), vec!["demo-mis-token"]),
        (format!("UPDATE mithril_tokens SET user_id = '{MSP}' {at}"), vec!["demo-mis-token"]),
        ("DELETE FROM mithril_tokens WHERE name <> 'access_token'".to_owned(), vec![]),
        ("UPDATE mithril_clients SET is_blocked = FALSE, name = ''".to_owned(), vec![]),
        (
            format!(
                "INSERT INTO mithril_tokens SELECT * FROM mithril_tokens {at}
                 ON CONFLICT (value_hash, name) DO UPDATE SET scope = ''"
            ),
            vec!["demo-mis-token"],
        ),
    ];
    if kind == Kind::Sqlite {
        changes.extend([
            (
                format!("INSERT OR REPLACE INTO mithril_tokens SELECT * FROM mithril_tokens {at}"),
                vec!["demo-mis-token"],
            ),
            (
                format!(
                    "UPDATE OR REPLACE mithril_tokens SET value_hash = '{token}' WHERE value_hash = '{}'",
                    Secret::new("demo-nhs-token").hash().to_hex()
                ),
                vec!["demo-mis-token", "demo-nhs-token"],
            ),
        ]);
    }
    for (statement, revoked) in changes {
        for foreign_keys in [true, false] {
            let database = Database::demo(kind).await;
            let head = database.head().await;
            database.hand_sql(&statement, foreign_keys).await.unwrap();
            let expected: Vec<Revoked> = revoked.iter().map(|text| credential(text)).collect();
            // A row that is in the way may be named by two triggers.
            let mut revoked = sorted(database.revoked(head).await);
            revoked.dedup();
            assert_eq!(revoked, sorted(expected), "{statement}");
        }
    }
}

async fn long_expired_token_is_cleared_out_quietly(kind: Kind) {
    let database = Database::demo(kind).await;
    database.sql("UPDATE mithril_tokens SET expires_at = unixepoch() - 4000").await.unwrap();
    let head = database.head().await;
    database.sql("DELETE FROM mithril_tokens").await.unwrap();
    assert_eq!(database.revoked(head).await, []);
}

async fn client_that_is_blocked_or_gone_takes_its_credentials_along(kind: Kind) {
    let client = format!("client {MIS_ONE} true");
    let replaced = format!(
        "INSERT OR REPLACE INTO mithril_clients
         SELECT id, name, client_type, scope, 1, '', '' FROM mithril_clients WHERE id = '{MIS_ONE}'"
    );
    let mut ends = vec![
        (format!("UPDATE mithril_clients SET is_blocked = TRUE WHERE id = '{MIS_ONE}'"), false),
        (format!("DELETE FROM mithril_clients WHERE id = '{MIS_ONE}'"), false),
        (format!("DELETE FROM mithril_clients WHERE id = '{MIS_ONE}'"), true),
        (format!("UPDATE mithril_clients SET id = '{NOWHERE}' WHERE id = '{MIS_ONE}'"), false),
    ];
    if kind == Kind::Sqlite {
        ends.extend([(replaced.clone(), false), (replaced, true)]);
    }
    for (statement, foreign_keys) in ends {
        let database = Database::demo(kind).await;
        let head = database.head().await;
        // The demo's client uses connections of others, and has one with itself.
        let used = "SELECT group_concat(secret_hash) FROM mithril_connections
                    WHERE consumer_id = 'c11e0000-0000-4000-8000-000000000001' AND client_id <> consumer_id";
        let mut expected: Vec<String> = database.text(used).await.split(',').map(str::to_owned).collect();
        assert!(expected.len() > 3, "{expected:?}");
        expected.push(client.clone());
        // A deletion cuts off what the client provides; a replacement's cascade names it.
        if foreign_keys && statement.contains("REPLACE") {
            expected.push(Secret::new(KEY).hash().to_hex());
        }
        expected.sort();
        database.hand_sql(&statement, foreign_keys).await.unwrap();
        // A cascade of a replacement names some of them a second time.
        let mut revoked = sorted(database.revoked(head).await);
        revoked.dedup();
        assert_eq!(revoked, expected, "{statement}");
        for secret in [KEY, CONNECTION_SECRET] {
            let hash = Secret::new(secret).hash();
            let facts = database.store.introspect(hash, CredentialKind::ApiKey).await.unwrap();
            assert_eq!(facts, Introspection::Inactive, "{secret}");
        }
    }
    if kind == Kind::Sqlite {
        let database = Database::demo(kind).await;
        let head = database.head().await;
        let replace = format!("UPDATE OR REPLACE mithril_clients SET id = '{MIS_ONE}' WHERE id LIKE '%-000000000012'");
        database.hand_sql(&replace, false).await.unwrap();
        let revoked = sorted(database.revoked(head).await);
        assert!(revoked.contains(&client), "who is replaced: {revoked:?}");
        assert!(revoked.contains(&client.replace(MIS_ONE, "c11e0000-0000-4000-8000-000000000012")), "{revoked:?}");
    }

    let database = Database::demo(kind).await;
    let head = database.head().await;
    database.sql(&format!("UPDATE mithril_clients SET scope = '' WHERE id = '{MSP}'")).await.unwrap();
    assert_eq!(database.revoked(head).await, [Revoked::Client { id: MSP.to_owned(), issued_before: None }]);
}

async fn feed_is_not_tampered_with(kind: Kind) {
    let database = Database::demo(kind).await;
    database.sql(&format!("DELETE FROM mithril_connections WHERE id = '{CONNECTION}'")).await.unwrap();
    let check = if kind == Kind::Postgres { "check constraint" } else { "CHECK" };
    assert_eq!(database.page(Since::Start).await.head.number, 1);
    for (statement, reason) in [
        ("DELETE FROM brama_revocation_head", "stays"),
        ("UPDATE brama_revocation_head SET number = 0", "only goes forward"),
        ("UPDATE brama_revocation_head SET pruned = -1", "only goes forward"),
        ("INSERT INTO brama_revocation_head SELECT * FROM brama_revocation_head", "one head"),
        ("UPDATE brama_revocations SET subject = NULL, kind = 'all'", "not changed"),
        ("INSERT INTO brama_revocations VALUES (7, 'all', NULL, NULL, NULL, 0)", "is inserted into"),
        ("INSERT INTO brama_revoke (kind) VALUES ('nobody')", check),
        ("INSERT INTO brama_revoke (kind) VALUES ('client')", check),
        ("INSERT INTO brama_revoke (kind, subject) VALUES ('all', 'x')", check),
        ("INSERT INTO brama_revoke (kind, subject) VALUES ('credential', 'in clear')", check),
        ("INSERT INTO brama_revoke (kind, subject) VALUES ('jti', 'without an end')", check),
    ] {
        let fault = database.sql(statement).await.unwrap_err().to_string();
        assert!(fault.contains(reason), "{statement}: {fault}");
    }
    assert_eq!(database.page(Since::Start).await.head.number, 1);
}

async fn transactions_that_commit_out_of_order_lose_nothing(kind: Kind) {
    let database = Database::demo(kind).await;
    let head = database.head().await;
    // The first to write is not committed yet. In SQLite the other waits for it; in PostgreSQL it is told first.
    let mut slow = database.hand().await;
    let delete = format!("BEGIN; DELETE FROM mithril_connections WHERE id = '{CONNECTION}'");
    slow.run(&delete).await.unwrap();
    let store = database.store.clone();
    let fast = tokio::spawn(async move { store.revoke(&Revocation::Client(MIS_TWO.to_owned()), &KEEP).await });
    let fast = match kind {
        Kind::Postgres => tokio::spawn(std::future::ready(fast.await.unwrap())),
        Kind::Sqlite => {
            slow.is_waited_for().await;
            fast
        }
    };
    let between = database.page(head).await;
    assert!(between.entries.iter().all(|entry| entry.revoked != credential(CONNECTION_SECRET)), "{between:?}");

    slow.run("COMMIT").await.unwrap();
    assert!(matches!(fast.await.unwrap().unwrap(), RevocationOutcome::Done { .. }));
    let page = database.page(Since::Cursor(between.next)).await;
    assert!(page.entries.iter().any(|entry| entry.revoked == credential(CONNECTION_SECRET)), "{page:?}");
    let numbers: Vec<i64> = between.entries.iter().chain(&page.entries).map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=page.head.number).collect::<Vec<_>>());
}

async fn reader_beside_writers_gets_every_entry_once_and_in_order(kind: Kind) {
    const WRITERS: usize = 4;
    const EACH: usize = 40;
    let database = Database::empty(kind).await;
    let mut cursor = database.head().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        // Half of them are other processes, as far as the database is concerned.
        let store = database.store.clone();
        let mut hand = database.hand().await;
        writers.spawn(async move {
            for index in 0..EACH {
                let id = format!("{writer}-{index}");
                if writer % 2 == 0 {
                    let revocation = Revocation::Client(id);
                    // SQLite's lock is nobody's turn: who is too late for it was refused, and asks again.
                    while let Err(refused) = store.revoke(&revocation, &KEEP).await {
                        assert_eq!(kind, Kind::Sqlite, "{refused:?}");
                    }
                } else {
                    insert(&mut hand, &id).await;
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    let mut read: Vec<Entry> = Vec::new();
    while read.len() < WRITERS * EACH {
        let page = database.page(cursor).await;
        assert!(!page.reset);
        cursor = Since::Cursor(page.next);
        read.extend(page.entries);
        while let Some(ended) = writers.try_join_next() {
            ended.unwrap();
        }
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
    assert_eq!(database.revoked(cursor).await, []);
    for (entry, number) in read.iter().zip(1..) {
        assert_eq!(entry.number, number);
    }
    let mut ids: Vec<&str> = read
        .iter()
        .map(|entry| match &entry.revoked {
            Revoked::Client { id, .. } => id.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), WRITERS * EACH);
}

async fn pages_are_bounded_and_say_that_there_is_more(kind: Kind) {
    let database = Database::empty(kind).await;
    let start = database.head().await;
    database
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
              INSERT INTO brama_revoke (kind, subject, issued_before)
              SELECT 'client', CAST(i AS TEXT), CASE WHEN i % 2 = 1 THEN 7 END FROM n",
        )
        .await
        .unwrap();
    for (since, pages) in
        [(start, &[(1000, true), (1000, true), (500, false)][..]), (Since::Start, &[(1000, true), (250, false)])]
    {
        let (mut since, mut numbers) = (since, Vec::new());
        for (length, more) in pages {
            let page = database.page(since).await;
            assert_eq!((page.entries.len(), page.more, page.reset), (*length, *more, false));
            numbers.extend(page.entries.iter().map(|entry| entry.number));
            since = Since::Cursor(page.next);
        }
        assert!(numbers.is_sorted_by(|one, two| one < two));
        assert_eq!(database.revoked(since).await, []);
    }
}

async fn who_may_have_missed_something_is_reset(kind: Kind) {
    let database = Database::demo(kind).await;
    let other = Database::demo(kind).await;
    let old = database.page(Since::Head).await.next;
    let _ = database.store.revoke(&Revocation::Client(MIS_TWO.to_owned()), &KEEP).await.unwrap();
    let foreign = other.page(Since::Head).await.next;
    let head = database.page(Since::Head).await;
    let future = Cursor { number: head.head.number + 1, ..head.next };
    let loading = Cursor { denied: Denied::UpTo(0), ..future };
    for cursor in [foreign, future, loading] {
        let page = database.page(Since::Cursor(cursor)).await;
        let expected = Page { head: head.head, entries: vec![], more: false, next: head.next, reset: true };
        assert_eq!(page, expected, "{cursor}");
    }
    assert!(!database.page(Since::Cursor(old)).await.reset);

    // Time passes: entries are made old by hand, in a way that leaves no doubt.
    let none = Keep { retention: Duration::ZERO, longest_jwt: Duration::from_secs(12 * 3600) };
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let all = "SELECT count(*) FROM brama_revocations";
    let before = database.number(all).await;
    assert_eq!(database.store.prune_revocations(&KEEP, 0).await.unwrap(), None, "nothing after it is old enough");
    assert_eq!(database.number(all).await, before);
    assert_eq!(database.store.prune_revocations(&none, 0).await.unwrap(), Some(before), "it was looked at up to here");
    assert_eq!(database.store.prune_revocations(&none, before).await.unwrap(), None);
    assert!(database.page(Since::Cursor(old)).await.reset);
    assert!(!database.page(Since::Cursor(head.next)).await.reset, "who has read them needs them no more");
    let kept = database.page(Since::Start).await.entries;
    assert!(matches!(&kept[..], [Entry { revoked: Revoked::Client { .. }, until: Some(_), .. }]), "{kept:?}");

    // A restored database gives numbers a second time; another name says so.
    database.sql("UPDATE brama_revocation_head SET feed_id = '1380df72-275a-11e7-93ae-92361f002671'").await.unwrap();
    assert!(database.page(Since::Cursor(head.next)).await.reset);
}

async fn token_is_revoked_and_api_key_is_not(kind: Kind) {
    let database = Database::demo(kind).await;
    let revoke = async |text: &str, first, jwt: Option<DeniedJwt>| {
        database.store.revoke_token(Secret::new(text).hash(), first, jwt.as_ref(), &KEEP).await.unwrap()
    };
    let head = database.head().await;
    assert_eq!(revoke("unknown", CredentialKind::AccessToken, None).await, TokenRevocation::Done);
    assert_eq!(revoke(KEY, CredentialKind::AccessToken, None).await, TokenRevocation::IsApiKey);
    assert_eq!(revoke(TOKEN_AND_KEY, CredentialKind::ApiKey, None).await, TokenRevocation::IsApiKey);
    assert_eq!(database.revoked(head).await, []);
    assert_eq!(revoke(TOKEN_AND_KEY, CredentialKind::AccessToken, None).await, TokenRevocation::Done);
    assert_eq!(revoke("demo-mis-token", CredentialKind::ApiKey, None).await, TokenRevocation::Done);
    assert_eq!(database.revoked(head).await, [credential(TOKEN_AND_KEY), credential("demo-mis-token")]);
}

on_both![
    new_database_has_revoked_nothing,
    deleted_connection_is_revoked_by_the_transaction_that_deletes_it,
    every_change_of_a_credential_is_in_the_feed,
    long_expired_token_is_cleared_out_quietly,
    client_that_is_blocked_or_gone_takes_its_credentials_along,
    feed_is_not_tampered_with,
    transactions_that_commit_out_of_order_lose_nothing,
    reader_beside_writers_gets_every_entry_once_and_in_order,
    pages_are_bounded_and_say_that_there_is_more,
    who_may_have_missed_something_is_reset,
    token_is_revoked_and_api_key_is_not,
];
