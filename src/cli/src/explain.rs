//! Owns an explanation: one request judged with an observer, the steps of the judgement, and the answer.

use std::sync::Arc;

use brama_policy::authoring::{NearMiss, RouteView};
use brama_policy::deciding::{CanonicalPath, Decision, Envelope, Host, Moment, Policy, RefusalResponse, Request};
use brama_replay::{Statements, Verdict, judge_before};
use serde_json::{Value, json};

mod identity;
mod shown;
mod stage;
mod story;
pub(crate) mod words;

pub(crate) use identity::{Given, Identities, InvalidGiven, NAMED};

pub(crate) use words::{named, quoted, why_not};

use stage::Told;
use story::Story;

/// A request to be explained.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    /// Further headers, in order. Their values may be secrets and are never shown.
    pub(crate) headers: Vec<(String, String)>,
}

/// The decision on a request, with its steps and reasons.
#[derive(Debug)]
pub(crate) struct Explanation {
    title: String,
    policy: Arc<Policy>,
    steps: Vec<Told>,
    decision: Decision,
    is_preflight: bool,
    answer: Option<RefusalResponse>,
}

impl Explanation {
    pub(crate) fn of(policy: &Arc<Policy>, asked: &Asked, statements: &Statements, now: Moment) -> Self {
        let mut story = Story::new(policy, statements, now.wall);
        let headers = asked.headers(policy, statements);
        let decision = judge_before(policy, &headers, |lookup| statements.answer(lookup), now, &mut story);
        let request = policy.read_request(&Request::new(&headers));
        let url = request.url();
        let answer = match &decision {
            Decision::Allow(_grant) => None,
            Decision::Refuse(refused) => {
                let envelope = Envelope { url: &url, request_id: request.id().unwrap_or(MADE_REQUEST_ID) };
                Some(policy.refusal(refused.denial(), envelope))
            }
        };
        Self {
            title: format!("{} {url}", asked.method),
            policy: Arc::clone(policy),
            is_preflight: story.is_preflight(),
            steps: story.end(&decision, route(policy, &decision), &asked.near(policy)),
            decision,
            answer,
        }
    }

    pub(crate) const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The explanation as JSON, for programs.
    pub(crate) fn json(&self) -> Value {
        let answer = self.answer.as_ref().map(|answer| {
            let headers: serde_json::Map<_, _> =
                answer.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({ "status": answer.status, "headers": headers, "body": answer.body })
        });
        json!({
            "steps": self.steps.iter().map(Told::json).collect::<Vec<_>>(),
            "verdict": Verdict::explained(&self.decision, &self.policy),
            "answer": answer,
        })
    }
}

/// The route that decided, if one did.
fn route<'a>(policy: &'a Policy, decision: &Decision) -> Option<RouteView<'a>> {
    let rule = match decision {
        Decision::Allow(grant) => grant.rule(),
        Decision::Refuse(refused) => refused.rule(),
    }?;
    policy.routes().find(|route| route.rule() == rule)
}

impl Asked {
    fn headers(&self, policy: &Policy, statements: &Statements) -> Vec<(String, Vec<u8>)> {
        let pseudo =
            [(":method", self.method.as_str()), (":scheme", SCHEME), (":authority", &self.host), (":path", &self.path)];
        let further = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut headers: Vec<_> = pseudo
            .into_iter()
            .chain(further)
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .collect();
        statements.present(policy, &mut headers);
        headers
    }

    /// The routes that the request nearly took; empty if its host or its path is refused.
    fn near<'a>(&self, policy: &'a Policy) -> Vec<NearMiss<'a>> {
        let read = (Host::parse(self.host.as_bytes()), CanonicalPath::parse(self.path.as_bytes()));
        match read {
            (Ok(host), Ok(path)) => policy.near(&self.method, &host, &path),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => Vec::new(),
        }
    }
}

const SCHEME: &str = "http";

/// The placeholder for the request id that the gateway makes.
const MADE_REQUEST_ID: &str = "made-by-the-gateway";
