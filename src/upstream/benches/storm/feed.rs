//! The feed as a reader follows it.

use std::io;
use std::time::Duration;

use crate::support::client::Client;

#[derive(Debug)]
pub struct Page {
    pub next: String,
    pub more: bool,
    pub reset: bool,
    pub entries: usize,
    pub bytes: usize,
    /// Presence of an entry about everything.
    pub has_all: bool,
}

/// The page after a cursor; without one, the head of the feed.
pub fn page(client: &mut Client, after: Option<&str>, wait: Duration) -> io::Result<Page> {
    let query = after.map_or_else(String::new, |after| format!("?after={after}&wait={}", wait.as_millis()));
    let answer = client.get(&format!("/revocations{query}"))?;
    if answer.status != 200 {
        return Err(io::Error::other(answer.status.to_string()));
    }
    let body = &answer.body;
    let is = |member: &str| body.contains(&format!("\"{member}\":true"));
    let (_, next) = body.rsplit_once("\"next\":\"").unwrap();
    Ok(Page {
        next: next.split_once('"').unwrap().0.to_owned(),
        more: is("more"),
        reset: is("reset"),
        entries: body.matches("\"number\":").count(),
        bytes: body.len(),
        has_all: body.contains("\"kind\":\"all\""),
    })
}

pub fn head(client: &mut Client) -> String {
    patiently(|| page(client, None, Duration::ZERO)).next
}

/// Sum of the pages that a reader gets until there is no more.
#[derive(Debug, Default)]
pub struct Told {
    pub entries: usize,
    pub resets: usize,
    pub has_all: bool,
}

/// Reads from a cursor on until there is no more.
pub fn read_on(client: &mut Client, after: &str) -> Told {
    let (mut told, mut after) = (Told::default(), after.to_owned());
    loop {
        let page = patiently(|| page(client, Some(&after), Duration::ZERO));
        told.entries += page.entries;
        told.resets += usize::from(page.reset);
        told.has_all |= page.has_all;
        after = page.next;
        if !page.more {
            return told;
        }
    }
}

/// Asks again while the service is too busy to answer.
fn patiently(mut ask: impl FnMut() -> io::Result<Page>) -> Page {
    for _ in 0..600 {
        match ask() {
            Ok(page) => return page,
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    panic!("the feed is not answered");
}
