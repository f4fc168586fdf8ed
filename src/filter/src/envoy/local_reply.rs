//! Owns what Envoy says in the place of an authority that has not replied, and what that means.
//!
//! The client of Envoy's own that sends a plugin's calls answers them itself where nothing comes back that is HTTP:
//! with 502, 503 or 504 as far as is known. Only what an authority replied has the header by which Envoy tells how long
//! that took; the bodies are those of 1.36 to 1.40.

use brama_policy::identity::Unavailable;

/// What Envoy adds to every reply that it got from an upstream, and to none of its own.
pub(crate) const UPSTREAM_TIME: &str = "x-envoy-upstream-service-time";

/// What an answer of Envoy's own means.
#[must_use]
pub(crate) fn envoys_own(status: u16, body: &[u8]) -> Unavailable {
    let says = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    match status {
        502 => Unavailable::NotHttp,
        504 => Unavailable::NoReply,
        _ if says("overflow") => Unavailable::Overflow,
        _ if says("connection termination") || says("remote reset") => Unavailable::Broken,
        _ if ["connection failure", "connection timeout", "no healthy upstream"].into_iter().any(says) => {
            Unavailable::NothingListens
        }
        _ if says("protocol error") => Unavailable::NotHttp,
        status => Unavailable::InItsPlace(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoys_own_answers_are_told_apart() {
        let reset = "upstream connect error or disconnect/reset before headers. reset reason: ";
        for (status, body, meaning) in [
            (504, "upstream request timeout".to_owned(), Unavailable::NoReply),
            (503, format!("{reset}remote connection failure"), Unavailable::NothingListens),
            (503, format!("{reset}connection failure, transport failure reason: x"), Unavailable::NothingListens),
            (503, format!("{reset}connection timeout"), Unavailable::NothingListens),
            (503, "no healthy upstream".to_owned(), Unavailable::NothingListens),
            (503, format!("{reset}connection termination"), Unavailable::Broken),
            (503, format!("{reset}remote reset"), Unavailable::Broken),
            (503, format!("{reset}overflow"), Unavailable::Overflow),
            (502, format!("{reset}protocol error"), Unavailable::NotHttp),
            (503, format!("{reset}protocol error"), Unavailable::NotHttp),
            (503, format!("{reset}overload manager reset"), Unavailable::InItsPlace(503)),
            (503, String::new(), Unavailable::InItsPlace(503)),
            (500, String::new(), Unavailable::InItsPlace(500)),
            (404, "no route".to_owned(), Unavailable::InItsPlace(404)),
        ] {
            assert_eq!(envoys_own(status, body.as_bytes()), meaning, "{status} {body}");
            assert!(meaning.is_outage());
        }
    }
}
