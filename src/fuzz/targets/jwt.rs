//! `cargo fuzz` of [`brama_fuzz::jwt`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::jwt::holds_for(data));
