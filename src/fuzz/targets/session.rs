//! `cargo fuzz` of [`brama_fuzz::session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::session::holds_for(data));
