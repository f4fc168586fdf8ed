//! `cargo fuzz` of [`brama_fuzz::path`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::path::holds_for(data));
