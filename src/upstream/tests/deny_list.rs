//! The contract of the deny list for JWTs, a part of the revocation feed.

use crate::support::{Database, KEEP, Kind, MSP, USER, on_both};
use brama_upstream::secret::Secret;
use brama_upstream::store::CredentialKind;
use brama_upstream::store::revocation::{
    Cursor, Denied, DeniedJwt, Page, Revocation, RevocationOutcome, Revoked, Since, TokenRevocation,
};

const TIME: &str = "2026-11-25T10:00:00.000Z";

async fn deny_list_is_loaded_whole_while_the_feed_goes_on(kind: Kind) {
    let database = Database::empty(kind).await;
    database
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
              INSERT INTO brama_revoke (kind, subject, expires_at) SELECT 'jti', CAST(i AS TEXT), unixepoch() + 60 FROM n;
              INSERT INTO brama_revoke (kind, subject) VALUES ('client', 'concerns no JWT')",
        )
        .await
        .unwrap();
    let first = database.page(Since::Start).await;
    assert_eq!((first.entries.len(), first.more), (1000, true));
    assert!(matches!(first.next, Cursor { number: 1501, denied: Denied::UpTo(1000), .. }), "{first:?}");
    database.sql("INSERT INTO brama_revoke (kind, subject) VALUES ('client', 'while loading')").await.unwrap();
    let second = database.page(Since::Cursor(first.next)).await;
    assert_eq!((second.entries.len(), second.more), (500, true), "one more is waiting");
    let third = database.page(Since::Cursor(second.next)).await;
    let last = Revoked::Client { id: "while loading".to_owned(), issued_before: None };
    assert_eq!((third.entries.len(), third.more, &third.entries[0].revoked), (1, false, &last));
}

async fn jwt_is_denied_for_as_long_as_one_issued_before_the_moment_may_live(kind: Kind) {
    let database = Database::empty(kind).await;
    for (insert, until) in [
        ("INSERT INTO brama_revoke (kind, issued_before) VALUES ('all', 7)", "unixepoch() + 12 * 3600 + 3600"),
        (
            "INSERT INTO brama_revoke (kind, issued_before) VALUES ('all', unixepoch() + 500)",
            "unixepoch() + 500 + 12 * 3600 + 3600",
        ),
        (
            "INSERT INTO brama_revoke (kind, subject, expires_at) VALUES ('jti', 'a', unixepoch() + 7)",
            "unixepoch() + 7 + 3600",
        ),
    ] {
        let since = database.head().await;
        database.sql(insert).await.unwrap();
        let expected = database.number(&format!("SELECT {until}")).await;
        let told = database.page(since).await.entries[0].until.unwrap();
        assert!((expected - 5..=expected).contains(&told), "{insert}: {told}");
    }
    let facts_only = database.head().await;
    database.sql("INSERT INTO brama_revoke (kind) VALUES ('all')").await.unwrap();
    assert_eq!(database.page(facts_only).await.entries[0].until, None);
    assert_eq!(database.page(Since::Start).await.entries.len(), 3);
}

async fn deny_list_is_bounded_but_for_everything(kind: Kind) {
    let database = Database::empty(kind).await;
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
                INSERT INTO brama_revoke (kind, subject, expires_at) SELECT 'jti', CAST(i AS text), unixepoch() + 60 FROM n";
    database.sql(fill).await.unwrap();
    let client = format!("INSERT INTO mithril_clients VALUES ('{MSP}', 'n', 'MSP', '', FALSE, '{TIME}', '{TIME}')");
    database.sql(&client).await.unwrap();
    let hash = Secret::new("a.b.c").hash();
    let token = format!(
        "INSERT INTO mithril_tokens
             (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)
         VALUES ('{}', 'access_token', '{USER}', '{MSP}', '', 4000000000, '{TIME}', '{TIME}')",
        hash.to_hex()
    );
    database.sql(&token).await.unwrap();
    let one = Revocation::Jti { jti: "one more".to_owned(), expires_at: i64::MAX };
    assert_eq!(database.store.revoke(&one, &KEEP).await.unwrap(), RevocationOutcome::Full);
    let jwt = DeniedJwt { jti: None, expires_at: None };
    let revoked = database.store.revoke_token(hash, CredentialKind::AccessToken, Some(&jwt), &KEEP).await.unwrap();
    assert_eq!(revoked, TokenRevocation::Full);
    assert_eq!(database.number("SELECT count(*) FROM mithril_tokens").await, 1, "nothing was done");
    assert!(matches!(database.store.revoke(&Revocation::All, &KEEP).await.unwrap(), RevocationOutcome::Done { .. }));
}

async fn who_is_far_behind_is_reset(kind: Kind) {
    let database = Database::empty(kind).await;
    let begin = database.page(Since::Head).await.next;
    let insert = |entries: usize| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {entries})
             INSERT INTO brama_revoke (kind, subject, issued_before) SELECT 'client', CAST(i AS TEXT), 7 FROM n"
        )
    };
    database.sql(&insert(10_000)).await.unwrap();
    let page = database.page(Since::Cursor(begin)).await;
    assert_eq!((page.entries.len(), page.more, page.reset), (1000, true, false));

    database.sql(&insert(1)).await.unwrap();
    let head = database.page(Since::Head).await;
    let expected = Page { entries: vec![], more: false, reset: true, ..head.clone() };
    assert_eq!(database.page(Since::Cursor(begin)).await, expected);
    assert!(!database.page(Since::Cursor(page.next)).await.reset);
    // The deny list may be longer.
    let loading = Cursor { number: 1, denied: Denied::UpTo(0), ..begin };
    let page = database.page(Since::Cursor(loading)).await;
    assert_eq!((page.entries.len(), page.more, page.reset), (1, true, false));
}

on_both![
    who_is_far_behind_is_reset,
    deny_list_is_loaded_whole_while_the_feed_goes_on,
    jwt_is_denied_for_as_long_as_one_issued_before_the_moment_may_live,
    deny_list_is_bounded_but_for_everything,
];
