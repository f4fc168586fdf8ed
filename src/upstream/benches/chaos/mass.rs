//! The service killed while a client is revoked that has very many tokens or connections.
//!
//! After each kill it is started again. The credentials of an answered revocation are inactive from then on, and their
//! rows are deleted in the background. Those of a revocation without an answer are all revoked or all active. Other
//! credentials stay active.

use std::sync::mpsc::channel;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_e2e::hand::Kind;

use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::rows;
use crate::support::service::Service;

pub fn lose_nothing(kind: Kind) {
    let database = Database::empty(kind);
    let victims: Vec<Victim> = (0..KILL_AFTER.len()).map(Victim::new).collect();
    insert(&database, &victims);
    let mut service = Service::start(&database.url(), |_| {});
    let before = head(&service);
    let begin = Instant::now();
    let mut answered = Vec::new();
    for (victim, kill_after) in victims.iter().zip(KILL_AFTER) {
        let body = format!("{{\"client_id\":\"{}\"}}", victim.id());
        let is_answered = revoked_and_killed(service, &body, Duration::from_millis(kill_after));
        service = Service::start(&database.url(), |_| {});
        if is_answered {
            answered.push(victim);
        } else {
            victim.is_whole(&service);
        }
        assert!(answered.iter().all(|victim| victim.active(&service) == 0), "what was answered is revoked");
        assert_eq!(active(&service, &bystanders()), 2 * KNOWN, "nothing else is");
    }
    wait(|| answered.iter().all(|victim| !database.is_true(&victim.has_rows())), "the rows go away");
    wait(|| answered.iter().all(|victim| follow(&service, &before).contains(&victim.id())), "gateways are told");
    assert_eq!(database.number(&rows_of_bystanders()), BYSTANDERS, "nothing else goes away");

    let is_answered = revoked_and_killed(service, "{\"all\":true}", Duration::from_secs(60));
    let service = Service::start(&database.url(), |_| {});
    assert!(is_answered);
    assert_eq!(active(&service, &tokens_of_bystanders()), 0);
    assert_eq!(active(&service, &keys_of_bystanders()), KNOWN, "API keys stay");
    wait(|| !database.is_true("EXISTS (SELECT 1 FROM mithril_tokens)"), "the rows go away");
    println!(
        "kill -9 of the service during revocations of {MANY} rows each, {kind:?}: {} kills in {:.0} s; {} acknowledged, {} without an answer, lost = 0",
        victims.len() + 1,
        begin.elapsed().as_secs_f64(),
        answered.len() + 1,
        victims.len() - answered.len()
    );
    assert!(!answered.is_empty());
}

/// A client that is revoked.
struct Victim {
    number: usize,
    /// Connections if true, tokens if false.
    has_connections: bool,
}

impl Victim {
    fn new(place: usize) -> Self {
        Self { number: VICTIM + place, has_connections: place % 2 == 1 }
    }

    fn id(&self) -> String {
        rows::id(rows::CLIENT, self.number)
    }

    fn credentials(&self) -> Vec<String> {
        (0..KNOWN).map(|number| format!("credential-{number}-of-{}", self.number)).collect()
    }

    fn active(&self, service: &Service) -> usize {
        active(service, &self.credentials())
    }

    fn has_rows(&self) -> String {
        let table = if self.has_connections { "connections" } else { "tokens" };
        format!("EXISTS (SELECT 1 FROM mithril_{table} WHERE client_id = '{}')", self.id())
    }

    /// Asserts that all of its credentials are active, or none is. It waits, since a COMMIT that was sent before the
    /// kill may be on its way.
    fn is_whole(&self, service: &Service) {
        wait(|| [0, KNOWN].contains(&self.active(service)), "revoked as a whole or not at all");
    }
}

fn insert(database: &Database, victims: &[Victim]) {
    rows::clients(database, VICTIM + victims.len());
    rows::known_tokens(database, 0, tokens_of_bystanders());
    rows::tokens(database, 0, MANY);
    rows::known_connections(database, 0, 1, keys_of_bystanders());
    for victim in victims {
        if victim.has_connections {
            rows::connections_of(database, victim.number, MANY);
            rows::known_connections(database, victim.number, MANY, victim.credentials());
        } else {
            rows::tokens(database, victim.number, MANY);
            rows::known_tokens(database, victim.number, victim.credentials());
        }
    }
    database.settle();
    assert_eq!(database.number(&rows_of_bystanders()), BYSTANDERS);
}

/// Asks for a revocation and kills the service once it is answered, at the latest after `after`. Returns whether the
/// answer was 200.
fn revoked_and_killed(service: Service, body: &str, after: Duration) -> bool {
    let socket = service.internal();
    scope(|threads| {
        let (tell, told) = channel();
        let asking = threads.spawn(move || {
            let answer = Client::of(&socket).post("/revocations", body);
            let _nobody_waits = tell.send(());
            answer.is_ok_and(|answer| answer.status == 200)
        });
        let _whether = told.recv_timeout(after);
        drop(service);
        asking.join().unwrap()
    })
}

/// Number of these credentials that are active.
fn active(service: &Service, credentials: &[String]) -> usize {
    let mut client = Client::of(&service.internal());
    let is_active = |credential: &&String| client.is_active(credential).expect("an answer");
    credentials.iter().filter(is_active).count()
}

fn head(service: &Service) -> String {
    let body = Client::of(&service.internal()).get("/revocations").unwrap().body;
    next(&body)
}

/// Pages of the feed after a cursor, as one text.
fn follow(service: &Service, cursor: &str) -> String {
    let (mut client, mut cursor, mut told) = (Client::of(&service.internal()), cursor.to_owned(), String::new());
    loop {
        let page = client.get(&format!("/revocations?after={cursor}")).unwrap();
        assert_eq!(page.status, 200);
        told.push_str(&page.body);
        cursor = next(&page.body);
        if !page.body.contains("\"more\":true") {
            return told;
        }
    }
}

fn next(page: &str) -> String {
    let (_, next) = page.rsplit_once("\"next\":\"").unwrap();
    next.split_once('"').unwrap().0.to_owned()
}

fn wait(mut is_so: impl FnMut() -> bool, what: &str) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "not in time: {what}");
        sleep(Duration::from_millis(50));
    }
}

fn tokens_of_bystanders() -> Vec<String> {
    (0..KNOWN).map(|number| format!("token-{number}-of-nobody-revoked")).collect()
}

fn keys_of_bystanders() -> Vec<String> {
    (0..KNOWN).map(|number| format!("key-{number}-of-nobody-revoked")).collect()
}

fn bystanders() -> Vec<String> {
    [tokens_of_bystanders(), keys_of_bystanders()].concat()
}

fn rows_of_bystanders() -> String {
    let client = rows::id(rows::CLIENT, 0);
    format!(
        "SELECT (SELECT count(*) FROM mithril_tokens WHERE client_id = '{client}')
              + (SELECT count(*) FROM mithril_connections WHERE client_id = '{client}')"
    )
}

/// Rows of each victim, which has some known credentials besides.
const MANY: usize = 10_000;

const KNOWN: usize = 20;

const BYSTANDERS: i64 = 10_040;

/// Number of the first client that is revoked; those before use connections.
const VICTIM: usize = MANY + KNOWN;

/// Time until each victim's kill, in milliseconds.
const KILL_AFTER: [u64; 14] = [0, 2, 5, 10, 20, 35, 50, 100, 200, 400, 800, 1600, 5000, 5000];

const PATIENCE: Duration = Duration::from_secs(120);
