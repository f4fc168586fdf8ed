//! The command `serve` where too many connections are open: those of one listener take nothing from the other.

use std::time::{Duration, Instant};

use crate::support::exchange;
use crate::support::process::started;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

#[tokio::test]
async fn listener_full_of_half_open_connections_leaves_the_other_answering() {
    let folder = tempfile::tempdir().unwrap();
    // Ours, for the other ends.
    let files = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files }).unwrap();
    let child = started(&folder, |_| {}).await;
    // Raised as far as it may be, at the start.
    let id = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    let raised = prlimit(id, Resource::Nofile, Rlimit { current: files, maximum: files }).unwrap();
    assert_eq!(raised.current, files);

    let public = folder.path().join("p.sock");
    let mut half_open = Vec::new();
    while half_open.len() < 10_000 {
        // The system keeps but so many waiting to be accepted.
        let Ok(connecting) = tokio::time::timeout(Duration::from_millis(500), UnixStream::connect(&public)).await
        else {
            break;
        };
        let Ok(mut stream) = connecting else { break };
        stream.write_all(b"GET /readyz HTTP/1.1\r\n").await.unwrap();
        half_open.push(stream);
    }
    println!("{} connections are half open", half_open.len());
    assert!(half_open.len() > 1000);
    let mut times = Vec::new();
    for _ in 0..50 {
        let asked = Instant::now();
        assert_eq!(exchange(&folder.path().join("i.sock"), "GET", "/healthz", &[], "").await.status, 200);
        times.push(asked.elapsed());
    }
    times.sort();
    println!("the other listener answers after {:?}, at most {:?}", times[25], times[49]);
    // Nobody is waited for without end: they are closed, and the listener answers again.
    let (mut first, mut rest) = (half_open.remove(0), Vec::new());
    assert_eq!(first.read_to_end(&mut rest).await.unwrap(), rest.len());
    drop(half_open);
    assert_eq!(exchange(&public, "GET", "/readyz", &[], "").await.status, 200);
}
