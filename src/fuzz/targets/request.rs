//! `cargo fuzz` of [`brama_fuzz::request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::request::holds_for(data));
