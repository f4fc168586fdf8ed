//! What many readers of the feed are told who read at once, while others revoke.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::support::{Kind, SECRET, Service, on_both};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const WRITERS: i64 = 4;
const EACH: i64 = 25;
const READERS: usize = 24;

impl Service {
    async fn read(&self, after: &str) -> Value {
        let authorization = format!("Bearer {SECRET}");
        let headers = [("authorization", authorization.as_str())];
        let reply = self.internal("GET", &format!("/revocations?after={after}"), &headers, "").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// Revokes something, and tells the number of the last entry of it.
    async fn revoke_client(&self, client: &str) -> i64 {
        let authorization = format!("Bearer {SECRET}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let document = json!({ "client_id": client }).to_string();
        let reply = self.internal("POST", "/revocations", &headers, &document).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        number(&reply.json())
    }

    async fn begin(&self) -> String {
        let feed = self.database.head().await;
        let page = self.database.page(feed).await;
        page.next.to_string()
    }

    async fn pages_read(&self) -> u64 {
        let metrics = self.internal("GET", "/metrics", &[], "").await.text;
        let sample = "brama_upstream_feed_pages_read_total ";
        metrics.lines().find_map(|line| line.strip_prefix(sample)).unwrap().parse().unwrap()
    }
}

/// Of the place that an answer names.
fn number(answer: &Value) -> i64 {
    answer["next"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Whatever was answered before a question is in its answer, however many ask the same at once.
async fn who_asks_is_told_what_was_revoked_before(kind: Kind) {
    let service = Arc::new(Service::start(kind).await);
    let begin = service.begin().await;
    let answered = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (service, answered) = (Arc::clone(&service), Arc::clone(&answered));
        tasks.spawn(async move {
            for round in 0..EACH {
                let number = service.revoke_client(&format!("{writer}-{round}")).await;
                answered.fetch_max(number, Ordering::SeqCst);
            }
        });
    }
    for reader in 0..READERS {
        let (service, answered, begin) = (Arc::clone(&service), Arc::clone(&answered), begin.clone());
        tasks.spawn(async move {
            let (mut after, mut told) = (begin.clone(), 0);
            while told < WRITERS * EACH {
                let before = answered.load(Ordering::SeqCst);
                let page = service.read(&after).await;
                assert_eq!((&page["more"], &page["reset"]), (&json!(false), &json!(false)));
                let numbers: Vec<i64> =
                    page["entries"].as_array().unwrap().iter().map(|entry| entry["number"].as_i64().unwrap()).collect();
                // Half of them read everything each time, so that all of these ask the same.
                let first = if reader % 2 == 0 { told + 1 } else { 1 };
                told = number(&page);
                assert!(told >= before, "{before} was answered before the question, and {told} is the last told");
                assert_eq!(numbers, (first..=told).collect::<Vec<_>>());
                if reader % 2 == 0 {
                    page["next"].as_str().unwrap().clone_into(&mut after);
                }
            }
        });
    }
    tasks.join_all().await;
}

async fn full_page_is_read_once(kind: Kind) {
    let service = Service::start(kind).await;
    let begin = service.begin().await;
    service
        .database
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
             INSERT INTO brama_revoke (kind, subject) SELECT 'client', CAST(i AS TEXT) FROM n",
        )
        .await
        .unwrap();
    let full = service.read(&begin).await;
    assert_eq!((number(&full), &full["more"]), (1000, &json!(true)));
    let next = full["next"].as_str().unwrap();
    assert_eq!(service.read(&begin).await, full);
    assert_eq!(service.pages_read().await, 1);
    // What can grow is read for each.
    for read in 2..5 {
        let last = service.read(next).await;
        assert_eq!((last["entries"].as_array().unwrap().len(), &last["more"]), (1, &json!(false)));
        assert_eq!(service.pages_read().await, read);
    }
}

on_both![who_asks_is_told_what_was_revoked_before, full_page_is_read_once];
