//! `cargo fuzz` of [`brama_fuzz::template`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::template::holds_for(data));
