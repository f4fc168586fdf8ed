//! Owns the giving of answers to polls: at once, or a few in each round.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::document::Document;
use crate::store::StoreError;

/// The answer to all polls for one page.
pub(super) type Answer = Result<Arc<Document>, Arc<StoreError>>;

pub(super) fn tell(asker: oneshot::Sender<Answer>, answer: Answer) {
    // Nobody listens where the client has hung up.
    let _told = asker.send(answer);
}

/// Answers to polls that have waited: thousands at once would keep the service from other requests, since each is soon
/// followed by another poll.
#[derive(Debug)]
pub(super) struct Telling {
    answers: VecDeque<(oneshot::Sender<Answer>, Answer)>,
    /// Number of answers in each round.
    at_once: usize,
}

impl Telling {
    pub(super) const fn nobody() -> Self {
        Self { answers: VecDeque::new(), at_once: AT_ONCE }
    }

    pub(super) fn add(&mut self, asker: oneshot::Sender<Answer>, answer: Answer) {
        self.answers.push_back((asker, answer));
        self.at_once = self.at_once.max(self.answers.len().div_ceil(MAX_ROUNDS));
    }

    pub(super) fn is_over(&self) -> bool {
        self.answers.is_empty()
    }

    /// Gives the answers of one round.
    pub(super) fn round(&mut self) {
        let some = self.at_once.min(self.answers.len());
        self.answers.drain(..some).for_each(|(asker, answer)| tell(asker, answer));
        if self.is_over() {
            self.at_once = AT_ONCE;
        }
    }
}

/// Least number of answers in a round.
const AT_ONCE: usize = 16;

/// Most rounds until all are told: with the pauses between them some 0.7 s.
const MAX_ROUNDS: usize = 220;

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of polls that are answered after each round.
    fn told(polls: usize) -> Vec<usize> {
        let mut telling = Telling::nobody();
        let mut answered: Vec<_> = (0..polls)
            .map(|_| {
                let (asker, answered) = oneshot::channel();
                telling.add(asker, Err(Arc::new(StoreError::Timeout)));
                answered
            })
            .collect();
        let mut told = Vec::new();
        while !telling.is_over() {
            telling.round();
            told.push(answered.iter_mut().filter(|answered| !answered.is_empty()).count());
        }
        told
    }

    #[test]
    fn few_are_told_in_one_round_and_thousands_in_many() {
        assert_eq!(told(16), [16]);
        assert_eq!(told(40), [16, 32, 40]);
        for polls in [3_521, 5_000, 10_000] {
            let told = told(polls);
            assert!((200..=MAX_ROUNDS).contains(&told.len()), "{polls} in {} rounds", told.len());
            assert_eq!(told.last(), Some(&polls));
        }
    }
}
