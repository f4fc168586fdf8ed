//! The verbs of the root context.

use brama_filter::host::{CallId, Counter, RootHost, StreamId};
use brama_policy::deciding::Moment;
use brama_policy::identity::{Question, Unavailable};

use super::{Call, Outside, Stream};

impl RootHost for Outside {
    type Stream<'s> = &'s mut Stream;

    fn now(&mut self) -> Moment {
        self.clock.moment()
    }

    fn dispatch(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable> {
        if self.failing.ask {
            return Err(Unavailable::NotSent);
        }
        self.last_call += 1;
        let path = question.headers.iter().find(|(name, _value)| *name == ":path");
        self.calls.push(Call {
            root: self.root,
            id: CallId(self.last_call),
            path: path.map(|(_name, value)| value.clone()).expect("a question has a path"),
            form: question.body.clone(),
        });
        Ok(CallId(self.last_call))
    }

    fn stream(&mut self, stream: StreamId) -> Option<&mut Stream> {
        let found = self.streams.get_mut(&stream);
        assert!(found.is_some(), "{stream:?} is gone, and was called");
        found
    }

    fn count(&mut self, _counter: Counter) {}
}
