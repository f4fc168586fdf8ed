//! Attacks by number: fields without end, resets without end, requests that never end. Nothing of them arrives, and
//! whoever comes after them is served.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use brama_e2e::authority::{Hold, Mode};
use brama_e2e::stack::{Gateway, Plan};

use super::arrived::requests;
use super::http2::{CONTINUATION, Connection, END_HEADERS, HEADERS};
use super::wire::{Ending, Raw, Wire, field};
use crate::reload::wait_until;

/// A good request is served.
#[track_caller]
fn serves(gateway: &Gateway) {
    for wire in [Wire::Http1, Wire::Http2] {
        assert_eq!(Raw::good().send(wire, gateway.address()), Ending::Answered(404));
    }
    let arrived = requests(&gateway.tap.take());
    assert_eq!(arrived.len(), 2, "{arrived:?}");
    arrived.iter().for_each(super::arrived::Arrived::assert_sound);
}

#[test]
fn fields_without_end_are_refused() {
    let gateway = Gateway::start();
    for wire in [Wire::Http1, Wire::Http2] {
        for (count, length) in [(10_000, 1), (65, 1), (60, 1000), (1, 100_000), (10_000, 0)] {
            let fields: Vec<_> = (0..count).map(|number| field(&format!("x-{number}"), &"y".repeat(length))).collect();
            let ending = Raw::good().with(&fields).send(wire, gateway.address());
            assert!(
                matches!(ending, Ending::Answered(400 | 431) | Ending::Cut),
                "{wire:?} {count} {length}: {ending:?}"
            );
            assert_eq!(gateway.tap.take(), "", "{wire:?} {count} {length}");
        }
    }
    serves(&gateway);
}

#[test]
fn continuations_without_end_are_refused() {
    let gateway = Gateway::start();
    let mut connection = Connection::open(gateway.address());
    connection.frame(HEADERS, 0, 1, &[]);
    for _ in 0..20_000 {
        connection.frame(CONTINUATION, 0, 1, &[0, 1, b'x', 1, b'y']);
    }
    connection.frame(CONTINUATION, END_HEADERS, 1, &[]);
    let ending = connection.wait(1);
    assert!(matches!(ending, Ending::Answered(400 | 431) | Ending::Cut), "{ending:?}");
    assert_eq!(gateway.tap.take(), "");
    serves(&gateway);
}

#[test]
fn resets_without_end_are_nobody_elses_trouble() {
    let gateway = Gateway::start();
    for _ in 0..50 {
        let mut connection = Connection::open(gateway.address());
        for number in 0..200 {
            let mut request = Raw::good();
            // Each asks for a credential of its own, and is gone before the answer.
            request.fields[0] = field("api-key", &format!("unknown-{number}"));
            let stream = connection.send(&request);
            connection.reset(stream);
        }
    }
    assert_eq!(gateway.tap.take(), "");
    // What was asked for is answered, or given up, in a moment.
    wait_until("a good request passes", || Raw::good().send(Wire::Http1, gateway.address()) == Ending::Answered(404));
    gateway.tap.take();
    serves(&gateway);
}

#[test]
fn answer_that_comes_after_its_request_has_gone_lets_nothing_pass() {
    let gateway = Gateway::start();
    gateway.authority.set(Mode::Slow(Duration::from_millis(60)));
    for round in 0..60 {
        let mut connection = Connection::open(gateway.address());
        let stream = connection.send(&Raw::good());
        // Before the first answer, between the two, and about when each comes.
        sleep(Duration::from_millis(round * 3));
        connection.reset(stream);
        drop(connection);
    }
    gateway.authority.set(Mode::Pass);
    for gauge in ["http.public.downstream_rq_active", "cluster.upstream.upstream_rq_active"] {
        wait_until("nothing is under way", || gateway.counter(gauge) == 0);
    }
    // Those that were decided before they went arrived whole, once each, and no others.
    let arrived = requests(&gateway.tap.take());
    println!("60 requests that were reset, {} had been decided before", arrived.len());
    arrived.iter().for_each(super::arrived::Arrived::assert_sound);
    let ids: BTreeSet<_> = arrived.iter().flat_map(|request| request.values("x-request-id")).collect();
    assert!(ids.len() == arrived.len() && arrived.len() <= 60, "{arrived:?}");
    serves(&gateway);
}

#[test]
fn body_that_comes_before_the_decision_waits_for_it() {
    let gateway = Plan::shipped().patient().start();
    for (key, allowed) in [(super::API_KEY, true), ("unknown", false)] {
        let hold = Arc::new(Hold::default());
        gateway.authority.set(Mode::Held(Arc::clone(&hold)));
        let mut request = Raw::good();
        request.fields[0] = field("api-key", key);
        request.body = vec![b'x'; 12_000];
        let mut connection = Connection::open(gateway.address());
        let stream = connection.send(&request);
        gateway.authority.wait_for_lookup(key);
        // For as long as a moment lasts: what was sent with the headers is there with them.
        sleep(Duration::from_millis(150));
        assert_eq!(gateway.tap.take(), "", "nothing goes on before the decision");
        hold.release("");
        let ending = connection.wait(stream);
        let arrived = requests(&gateway.tap.take());
        assert_eq!(
            (ending, arrived.len()),
            if allowed { (Ending::Answered(404), 1) } else { (Ending::Answered(401), 0) }
        );
    }
}

#[test]
fn slow_requests_are_ended() {
    let gateway = Gateway::start();
    let whole = Raw::good().http1();
    let mut slow: Vec<_> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(gateway.address()).unwrap();
            stream.write_all(&whole[..20 + number % (whole.len() - 40)]).unwrap();
            stream
        })
        .collect();
    // Everybody else is served meanwhile.
    serves(&gateway);
    // A byte now and then keeps none of them alive beyond `request_headers_timeout`.
    for _ in 0..6 {
        sleep(Duration::from_millis(500));
        for stream in &mut slow {
            let _written = stream.write_all(b"x");
        }
    }
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        match std::io::read_to_string(&mut stream) {
            Ok(answer) => assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}"),
            // It was closed with bytes on the way.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
        }
    }
    assert_eq!(gateway.tap.take(), "");
    serves(&gateway);
}
