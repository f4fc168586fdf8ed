//! `cargo fuzz` of [`brama_fuzz::carried`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::carried::holds_for(data));
