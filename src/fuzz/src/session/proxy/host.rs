//! The host of a root context.

use brama_engine::host::{CallId, Counter, RootHost, StreamId};
use brama_policy::deciding::Moment;
use brama_policy::identity::{Question, Unavailable};

use super::{Call, Outside, Stream};

impl RootHost for Outside {
    type Stream = Stream;

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

    fn visit(&mut self, stream: StreamId, visit: impl FnOnce(&mut Stream)) {
        visit(self.streams.get_mut(&stream).unwrap_or_else(|| panic!("{stream:?} is gone, and was called")));
    }

    fn count(&mut self, _counter: Counter) {}
}
