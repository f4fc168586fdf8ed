//! What tests of several crates share, and what needs neither a server nor a stack.

pub mod dice;
pub mod library;
pub mod shipped;
pub mod signer;
