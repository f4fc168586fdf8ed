//! An answer that is not the one that is waited for changes nothing.

use brama_policy::identity::Facts;

use super::*;
use crate::fake::{Done, FakeHost, settings};

fn delete(api_key: &str) -> FakeHost {
    FakeHost::new("DELETE", PATH, &[("api-key", api_key), ("authorization", "Bearer t")])
}

#[test]
fn answer_about_another_credential_is_nobodys() {
    let (settings, mut shared) = (settings(include_str!("../../../../policies/ehealth.yaml")), Shared::default());
    let [key, another] = ["k", "another"].map(|api_key| {
        let step = settings.policy().begin(&Request::new(&delete(api_key).headers));
        let Step::Ask(lookup, _awaiting) = step else { panic!() };
        shared.cache.key(&lookup)
    });
    let mut host = delete("k");
    let mut session = Session::begin(StreamId(7), Rc::clone(&settings), &mut shared, &mut host);
    assert_eq!(session.flow(), Flow::Pause);
    for answer in [Answer::Active(Arc::new(Facts::none())), Answer::Inactive] {
        session.on_answer(&mut shared, &mut host, another, answer);
        assert_eq!((host.counted.last(), &host.done[..]), (Some(&Counter::StrayReply), &[][..]));
    }
    // Nor is there a JWT to be judged once keys have come.
    for key in [key, another] {
        host.counted.clear();
        session.on_ready(&mut shared, &mut host, key);
        assert_eq!((&host.counted[..], &host.done[..]), (&[Counter::StrayReply][..], &[][..]));
    }
    session.on_answer(&mut shared, &mut host, key, Answer::Inactive);
    assert_eq!(host.done, [Done::Refused(401)]);
    session.on_answer(&mut shared, &mut host, key, Answer::Active(Arc::new(Facts::none())));
    assert_eq!((host.counted.last(), host.done.len()), (Some(&Counter::StrayReply), 1));
}

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
