//! Law of a reply about a credential: the credential is active only if the reply says so plainly, of a credential of
//! this kind.

use brama_policy::identity::{Answer, Reply};
use serde_json::Value;

use crate::gateway;

/// Input: a byte for the kind, two for the status, then the body.
///
/// # Panics
/// Facts or a state were taken that the reply does not state.
pub fn holds_for(bytes: &[u8]) {
    let Some(([kind, high, low], body)) = bytes.split_first_chunk() else { return };
    let (kind, token_use) = match kind {
        b'k' => ("api_key", "api_key"),
        _ => ("token", "access_token"),
    };
    let status = u16::from_be_bytes([*high, *low]);
    let lookup = gateway::lookup(kind, "opaque").unwrap();
    let answer = lookup.answer(Reply { status, body });
    let said = serde_json::from_slice::<Value>(body).unwrap_or(Value::Null);
    match answer {
        Answer::Active(facts) => {
            assert_eq!(status, 200);
            assert_eq!(said["active"], true);
            assert_eq!(said["token_use"], token_use);
            gateway::assert_sound(&facts);
            for (member, fact) in [("sub", &facts.subject), ("client_id", &facts.client_id)] {
                gateway::assert_stated(&said[member], fact.as_ref());
            }
            gateway::assert_typed(&said, &facts);
        }
        // An active credential, with a fact that cannot be read.
        Answer::Rejected(_) => assert_eq!((status, &said["active"]), (200, &Value::Bool(true))),
        Answer::Inactive => {
            assert_eq!(status, 200);
            assert!(said["active"] == false || said["token_use"] != token_use, "a good credential is told to be bad");
        }
        Answer::Unavailable(_reason) => {}
    }
}
