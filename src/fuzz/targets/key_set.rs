//! `cargo fuzz` of [`brama_fuzz::key_set`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::key_set::holds_for(data));
