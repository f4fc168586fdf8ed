//! Integration tests of the launcher and of what `make` installs, on copies of the checkout.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

mod checkout;
mod support;
mod tools;
