//! `cargo fuzz` of [`brama_fuzz::page`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::page::holds_for(data));
