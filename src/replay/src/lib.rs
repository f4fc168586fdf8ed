//! Requests and identities as people write them down, judged by the core.
//!
//! A case file, a line of a replay and an explanation all say the same: a request, and what an authority would state
//! about its credentials. This crate reads that, has it judged, and tells the verdict as data. Like the core it is free
//! of I/O and clocks, so that it runs natively and as Wasm.
//!
//! - [`Statement`]: an authority's statement about one credential.
//! - [`RequestLine`]: a request and its statements, as one line of JSON.
//! - [`AccessLine`]: a line of the gateway's access log, as far as it tells a request and its caller.
//! - [`Verdict`]: a decision as data.
//! - [`Corpus`]: a policy's cases, each a request with what is expected of it; [`Coverage`] is how much of the policy
//!   they reach.
//! - [`Changes`]: the verdicts on the same requests that change under another policy.
//!
//! [`judge()`] is where to start reading.

mod access;
mod cases;
mod changes;
mod judge;
mod line;
mod places;
mod statement;
mod verdict;

pub use access::{AccessLine, NotJudged};
pub use cases::{Case, CaseOutcome, Corpus, CorpusFaults, Coverage, Difference, RuleCoverage, Sight};
pub use changes::{Change, ChangeGroup, ChangeKind, ChangeSide, Changes};
pub use judge::{Statements, judge, judge_before, moment};
pub use line::{InvalidLine, RequestLine};
pub use statement::{InvalidStatement, Statement};
pub use verdict::Verdict;
