//! Helpers that tests of several crates share, for which neither a server nor a stack is needed.

pub mod dice;
pub mod library;
pub mod shipped;
pub mod signer;
